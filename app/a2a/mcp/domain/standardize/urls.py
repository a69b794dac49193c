"""URLs in the normal form of RFC 3986 §6.2.2 and §6.2.3: case, percent-encoding, dot segments, default ports.

Hosts are encoded by IDNA 2008; other letters outside ASCII as RFC 3987 §3.1 has it. Nothing is fetched.
"""

import ipaddress
import re
from dataclasses import dataclass

import idna

# RFC 1035 ends names at 255 octets.
MAX_HOST_CHARACTERS = 255
DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443, "ftp": 21, "ssh": 22, "ldap": 389}
_NEEDS_HOST = frozenset(DEFAULT_PORTS)
# RFC 3986, appendix B, with a scheme.
_PARTS = re.compile(
    r"(?P<scheme>[^:/?#]+):(?://(?P<authority>[^/?#]*))?(?P<path>[^?#]*)(?:\?(?P<query>[^#]*))?(?:#(?P<fragment>.*))?"
)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*", re.ASCII)
_UNRESERVED = "A-Za-z0-9\\-._~"
_SUB_DELIMS = "!$&'()*+,;="
_PATH = re.compile(rf"[{_UNRESERVED}{_SUB_DELIMS}:@/%]*", re.ASCII)
_QUERY = re.compile(rf"[{_UNRESERVED}{_SUB_DELIMS}:@/?%]*", re.ASCII)
_USERINFO = re.compile(rf"[{_UNRESERVED}{_SUB_DELIMS}:%]*", re.ASCII)
_REG_NAME = re.compile(rf"[{_UNRESERVED}{_SUB_DELIMS}%]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class UrlDetails:
    """The parts of the normal form; `port` is null where the scheme's own is meant."""

    scheme: str
    host_ascii: str | None
    port: int | None
    path: str
    query: str | None


def normalize_url(text: str) -> tuple[str, UrlDetails] | str:
    """The normal form of an absolute URL and its parts, or why it is none."""
    match = _PARTS.fullmatch(text)
    if not match or not _SCHEME.fullmatch(match["scheme"]):
        return "scheme: missing"
    if re.search(r"[\x00-\x20\x7f]|%(?![0-9A-Fa-f]{2})", text):
        return "characters"
    scheme = match["scheme"].lower()
    authority = _authority(match["authority"], scheme) if match["authority"] is not None else None
    if isinstance(authority, str):
        return authority
    if scheme in _NEEDS_HOST and (authority is None or not authority[1]):
        return "host: missing"
    path, query, fragment = (_encoded(match[part]) for part in ("path", "query", "fragment"))
    path = _without_dots(path or "") if authority is not None or (path or "").startswith("/") else path or ""
    if authority is not None and not path and scheme in _NEEDS_HOST:
        path = "/"
    if not (_PATH.fullmatch(path) and _QUERY.fullmatch(query or "") and _QUERY.fullmatch(fragment or "")):
        return "characters"
    if authority is None and path.startswith("//"):
        return "structure"
    _, host, port = authority or (None, None, None)
    return _joined(scheme, authority, path, query, fragment), UrlDetails(scheme, host, port, path, query)


def _authority(text: str, scheme: str) -> tuple[str | None, str, int | None] | str:
    """User information, host and port in their normal form."""
    userinfo, at, hostport = text.rpartition("@")
    user = _encoded(userinfo) if at else None
    if user is not None and not _USERINFO.fullmatch(user):
        return "characters"
    match = re.fullmatch(r"(?P<host>\[[^\]]*\]|[^:]*)(?::(?P<port>[0-9]{0,5}))?", hostport)
    if not match or int(match["port"] or 0) > 65535:
        return "port"
    host = _host(match["host"])
    if host is None:
        return "host: not a name or an address"
    port = int(match["port"]) if match["port"] else None
    return user, host, None if port == DEFAULT_PORTS.get(scheme) else port


def _host(text: str) -> str | None:
    """The host in ASCII and lower case; None where it cannot be one."""
    if len(text) > MAX_HOST_CHARACTERS:
        return None
    if text.startswith("["):
        try:
            return f"[{ipaddress.IPv6Address(text[1:-1]).compressed}]"
        except ValueError:
            return None
    if text.isascii():
        return _ascii_host(_encoded(text) or "")
    try:
        return idna.encode(text, uts46=True, std3_rules=True).decode("ascii")
    except idna.IDNAError:
        return None


def _ascii_host(text: str) -> str | None:
    """A registered name in lower case; one that ends in a number must be an IPv4 address, as resolvers take it."""
    if not _REG_NAME.fullmatch(text):
        return None
    if text.rpartition(".")[2].isdigit():
        try:
            return str(ipaddress.IPv4Address(text))
        except ValueError:
            return None
    return re.sub(r"%[0-9a-f]{2}", lambda found: found[0].upper(), text.lower())


def _encoded(text: str | None) -> str | None:
    """Unreserved characters plain, all others as %XX in capitals, letters outside ASCII as UTF-8."""
    if text is None:
        return None
    text = "".join(mark if mark.isascii() else "".join(f"%{byte:02X}" for byte in mark.encode()) for mark in text)

    def plain(found: re.Match[str]) -> str:
        mark = chr(int(found[0][1:], 16))
        return mark if re.fullmatch(rf"[{_UNRESERVED}]", mark, re.ASCII) else found[0].upper()

    return re.sub(r"%[0-9A-Fa-f]{2}", plain, text)


def _without_dots(path: str) -> str:
    """RFC 3986 §5.2.4: . and .. taken out of a path that begins with a slash or is empty."""
    kept: list[str] = []
    segments = path.split("/")
    for segment in segments[1:]:
        if segment == "..":
            kept = kept[:-1]
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept) if len(segments) > 1 else path


def _joined(
    scheme: str,
    authority: tuple[str | None, str, int | None] | None,
    path: str,
    query: str | None,
    fragment: str | None,
) -> str:
    url = f"{scheme}:"
    if authority is not None:
        user, host, port = authority
        url += "//" + (f"{user}@" if user is not None else "") + host + (f":{port}" if port is not None else "")
    url += path
    url += f"?{query}" if query is not None else ""
    return url + (f"#{fragment}" if fragment is not None else "")

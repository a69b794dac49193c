"""Which addresses a caller may have this fleet connect to (SSRF guard)."""

import ipaddress

# Addresses in which another one is embedded: a gateway would turn them into it.
_EMBEDDING = tuple(map(ipaddress.ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")))


def may_reach(address: str, *, registered: bool) -> bool:
    """Whether to connect to the address; only a registered service may be on a loopback or private one.

    Link-local (cloud metadata among them), multicast, unspecified and embedding addresses never.
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            ip = ip.ipv4_mapped
        elif any(ip in network for network in _EMBEDDING):
            return False
    if ip.is_link_local or ip.is_multicast or ip.is_unspecified:
        return False
    return ip.is_global or (registered and (ip.is_loopback or ip.is_private))

"""Phones, e-mail addresses and URLs: the catalogue's pairs, the RFCs' own examples, and no network."""

import socket
import subprocess
import sys
from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.a2a.mcp.domain.standardize.contact_points import ContactOptions, standardize_contact_point
from app.a2a.mcp.domain.standardize.values import ValueResult
from app.a2a.mcp.errors import InvalidArgumentError


def read(kind: str, value: str, **options: object) -> ValueResult:
    return standardize_contact_point(value, ContactOptions(kind, **options))


def test_phone_numbers_become_e164() -> None:
    found = read("phone", "(650) 253-0000", default_region="US")
    assert (found.value, found.details.rfc3966) == ("+16502530000", "tel:+1-650-253-0000")
    found = read("phone", "020 7946 0018", default_region="GB")
    assert (found.value, found.details.region, found.details.line_type) == ("+442079460018", "GB", "fixed_line")
    assert read("phone", "+1 650 253 0000 ext. 12").details.extension == "12"
    assert read("phone", "tel:+1-650-253-0000").value == "+16502530000"


def test_phone_number_that_no_plan_has_is_invalid_and_still_taken_apart() -> None:
    found = read("phone", "12345", default_region="US")
    assert (found.status, found.value, found.details.possible, found.details.valid) == ("invalid", None, False, False)
    found = read("phone", "+1 555 555 5555")
    assert (found.status, found.details.possible) == ("invalid", True)
    assert read("phone", "020 7946 0018").reason == "region: a national number needs default_region"
    assert read("phone", "call me", default_region="US").reason == "format: not a phone number"
    assert read("phone", "1" * 900, default_region="US").reason == "length"


def test_region_must_have_a_numbering_plan() -> None:
    with pytest.raises(InvalidArgumentError, match="/default_region"):
        ContactOptions("phone", "ZZ")


def test_geocoder_and_carrier_tables_stay_out_of_the_process() -> None:
    code = (
        "import sys; from app.a2a.mcp.domain.standardize.contact_points import *;"
        "standardize_contact_point('+16502530000', ContactOptions('phone'));"
        "standardize_contact_point('a@example.org', ContactOptions('email'));"
        "print([m for m in sys.modules if 'geodata' in m or 'carrierdata' in m or m.startswith('dns')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


def test_email_addresses_are_normalized_without_asking_dns(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> object:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    found = read("email", "Jane.Doe@BÜCHER.de")
    assert (found.value, found.details.ascii_domain) == ("Jane.Doe@bücher.de", "xn--bcher-kva.de")
    assert read("email", "Jane@X.org", lowercase_local_part=True).value == "jane@x.org"
    assert read("email", "用户@例子.广告").details.smtputf8 is True


@pytest.mark.parametrize(
    "value", ["", "a", "a@", "@b.org", "a@localhost", "a@b@c.org", "a b@c.org", "a@b..org", "a@b.org\nx"]
)
def test_what_is_no_address_is_invalid(value: str) -> None:
    assert read("email", value).status == "invalid"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("eXAMPLE://a/./b/../b/%63/%7bfoo%7d", "example://a/b/c/%7Bfoo%7D"),
        ("HTTP://www.EXAMPLE.com/", "http://www.example.com/"),
        ("http://example.com", "http://example.com/"),
        ("http://example.com/", "http://example.com/"),
        ("http://example.com:/", "http://example.com/"),
        ("http://example.com:80/", "http://example.com/"),
        ("https://example.com:443/a", "https://example.com/a"),
        ("https://example.com:80/a", "https://example.com:80/a"),
        ("http://a/%2e%2e/b", "http://a/b"),
        ("http://bücher.de/ä?q=ü#f", "http://xn--bcher-kva.de/%C3%A4?q=%C3%BC#f"),
        ("http://[2001:DB8:0:0::1]:8080/", "http://[2001:db8::1]:8080/"),
        ("http://User@Example.COM", "http://User@example.com/"),
        ("http://ex%41mple.com/", "http://example.com/"),
        ("mailto:Jane@example.org", "mailto:Jane@example.org"),
        ("urn:isbn:0306406152", "urn:isbn:0306406152"),
        ("file:///etc/hosts", "file:///etc/hosts"),
    ],
)
def test_urls_take_the_normal_form_of_rfc_3986(value: str, expected: str) -> None:
    found = read("url", value)
    assert (found.status, found.value) == ("ok", expected)
    assert read("url", expected).value == expected


@pytest.mark.parametrize(
    "value",
    ["example.com", "//example.com", "http://", "http://a b/", "http://x:99999/", "http://x/%zz", "http://[::z]/",
     "http://256.1.1.1/", "http://x/<>", "1http://x", "http://xn--\u00fc.de/", "http://a:b@c:d/", ""],
)  # fmt: skip
def test_what_is_no_url_is_invalid(value: str) -> None:
    assert read("url", value).status == "invalid"


SEGMENTS = st.lists(st.sampled_from([".", "..", "a", "b%41", "%7e", "", "c:d"]), max_size=8)


@given(SEGMENTS, st.sampled_from(["http", "HTTPS", "x-y"]), st.sampled_from(["h", "H:80", "u@h:443", "[::1]"]))
def test_normal_form_is_stable_and_keeps_the_target(segments: list[str], scheme: str, authority: str) -> None:
    value = f"{scheme}://{authority}/" + "/".join(segments)
    first = read("url", value)
    assert first.status == "ok"
    assert read("url", first.value).value == first.value
    if scheme == "http" and "%" not in value and "" not in segments:
        assert first.details.path == urlsplit(urljoin(value, value)).path or "." in segments or ".." in segments


@pytest.mark.parametrize(
    ("reference", "path"),
    [("/b/c/d/../../../g", "/g"), ("/./g", "/g"), ("/../g", "/g"), ("/b/c/g.", "/b/c/g."), ("/b/c/..g", "/b/c/..g"),
     ("/b/c/./g/.", "/b/c/g/"), ("/b/c/g/../h", "/b/c/h"), ("/a/b/c/./../../g", "/a/g"), ("/b/..", "/")],
)  # fmt: skip
def test_dot_segments_go_as_in_the_examples_of_rfc_3986(reference: str, path: str) -> None:
    assert read("url", f"http://a{reference}").details.path == path


@given(st.sampled_from(["phone", "email", "url"]), st.text(max_size=60))
def test_any_text_gets_an_answer(kind: str, text: str) -> None:
    found = read(kind, text)
    assert found.status in ("ok", "invalid")
    if found.value is not None:
        assert read(kind, found.value).value == found.value

"""Identifiers with check digits - IBAN, ISBN, LEI, VAT and others - in compact form: verified, never looked up."""

import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Annotated, Any, Literal, TypeAlias, get_args

from pydantic import Field

from app.a2a.mcp.domain.standardize.values import ValueResult
from app.a2a.mcp.errors import InvalidArgumentError

Scheme: TypeAlias = Literal["iban", "bic", "isbn", "issn", "ean", "lei", "isin", "cusip", "vat", "luhn", "uuid"]
IsbnForm: TypeAlias = Literal[13, 10]
CountryCode: TypeAlias = Annotated[str, Field(pattern=r"^[A-Za-z]{2}$")]
# Longer than any identifier with its spaces; check digits and VAT rules of every country cost by the character.
MAX_CHARACTERS = 100
SCHEMES: tuple[Scheme, ...] = get_args(Scheme)

SCHEME_STANDARDS: Mapping[Scheme, str] = {
    "iban": "ISO 13616, check digits ISO 7064 mod 97-10",
    "bic": "ISO 9362, no check digit",
    "isbn": "ISO 2108, GS1 mod 10 or mod 11",
    "issn": "ISO 3297, mod 11",
    "ean": "GS1 GTIN-8, -12, -13, -14, mod 10",
    "lei": "ISO 17442, check digits ISO 7064 mod 97-10",
    "isin": "ISO 6166, Luhn over letters as numbers",
    "cusip": "ANSI X9.6, mod 10 double add double",
    "vat": "national rules of the EU members, GB, CH, NO and others",
    "luhn": "ISO/IEC 7812-1 annex B, mod 10",
    "uuid": "RFC 9562, no check digit",
}
_UUID = re.compile(
    r"(?:urn:uuid:)?\{?([0-9a-f]{8})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{12})\}?", re.I
)
_OUTSIDE_EU = ("GB", "CH", "NO")


@dataclass(frozen=True, slots=True)
class IdentifierOptions:
    """Which scheme; the country of VAT numbers written without one; which form of an ISBN to answer with."""

    scheme: Scheme
    country: CountryCode | None = None
    isbn_form: IsbnForm = 13

    def __post_init__(self) -> None:
        """Raises InvalidArgumentError for a country without a rule for VAT numbers."""
        if self.country and (self.scheme != "vat" or _vat_module(self.country.upper()) is None):
            reason = "has no VAT rule known here" if self.scheme == "vat" else "belongs to scheme vat"
            raise InvalidArgumentError.at("/country", reason)


@dataclass(frozen=True, slots=True)
class IdentifierDetails:
    """The form for people, whether the check digit holds (null: the scheme has none), and the country it names."""

    formatted: str
    check_digit_ok: bool | None
    scheme: Scheme
    country: str | None


def standardize_identifier(value: str, options: IdentifierOptions) -> ValueResult[IdentifierDetails]:
    """Verify one identifier; an invalid one says what fails: length, characters, check_digit or structure."""
    text = value.strip()
    if not 1 <= len(text) <= MAX_CHARACTERS:
        return ValueResult.invalid("length")
    if options.scheme == "uuid":
        return _uuid(text)
    if options.scheme == "vat":
        return _vat(text, options.country)
    return _checked(options.scheme, text, options, import_module(f"stdnum.{options.scheme}"))


def _checked(scheme: Scheme, text: str, options: IdentifierOptions, module: Any) -> ValueResult[IdentifierDetails]:
    if scheme == "luhn":
        text = re.sub(r"[ \-]", "", text)
    number = _validated(module.validate, text)
    if isinstance(number, _Fault):
        return ValueResult.invalid(number.reason)
    if scheme == "isbn":
        converted = _isbn(module, number, options.isbn_form)
        if converted is None:
            return ValueResult.invalid("structure: this ISBN has no form of 10 digits")
        number = converted
    formatted = module.format(number) if hasattr(module, "format") else number
    country = number[:2] if scheme in ("iban", "isin") else number[4:6] if scheme == "bic" else None
    return ValueResult.ok(number, IdentifierDetails(formatted, None if scheme == "bic" else True, scheme, country))


@dataclass(frozen=True, slots=True)
class _Fault:
    reason: str


def _validated(validate: Callable[[str], str], text: str) -> "str | _Fault":
    from stdnum.exceptions import InvalidChecksum, InvalidComponent, InvalidLength, ValidationError

    if not text.isascii():
        return _Fault("characters")
    try:
        return validate(text)
    except InvalidLength:
        return _Fault("length")
    except InvalidChecksum:
        return _Fault("check_digit")
    except InvalidComponent:
        return _Fault("structure")
    except ValidationError:
        return _Fault("structure" if re.fullmatch(r"[A-Za-z0-9 .\-/]+", text) else "characters")


def _isbn(module: Any, number: str, form: int) -> str | None:
    """Between the two forms; only 978 numbers have the short one."""
    if form == 13:
        return str(module.to_isbn13(number))
    if len(number) == 13 and not number.startswith("978"):
        return None
    return str(module.to_isbn10(number))


def _vat(text: str, country: str | None) -> ValueResult[IdentifierDetails]:
    """With a country the number may have its prefix or not; without one the prefix says it, or every fit is listed."""
    compact = re.sub(r"[^A-Za-z0-9+*]", "", text).upper()
    code = country.upper() if country else None
    if code is None:
        prefix = {"EL": "GR", "XI": "GB"}.get(compact[:2], compact[:2])
        code = prefix if re.fullmatch(r"[A-Z]{2}|CHE", compact[:2]) and _vat_module(prefix) else None
    if code is None:
        return _vat_guesses(compact)
    module = _vat_module(code)
    number = _validated(module.validate, text)
    if isinstance(number, _Fault):
        return ValueResult.invalid(number.reason)
    shown = _with_prefix(number, code)
    return ValueResult.ok(shown, IdentifierDetails(shown, True, "vat", code))


def _vat_guesses(text: str) -> ValueResult[IdentifierDetails]:
    from stdnum.eu.vat import MEMBER_STATES

    codes = sorted({"GR" if code == "el" else code.upper() for code in MEMBER_STATES} | set(_OUTSIDE_EU))
    fits = [(code, _validated(_vat_module(code).validate, text)) for code in codes if code != "XI"]
    found = [_with_prefix(number, code) for code, number in fits if isinstance(number, str)]
    return ValueResult.ambiguous(found, "country: none given") if found else ValueResult.invalid("structure")


def _with_prefix(number: str, code: str) -> str:
    """EU numbers and GB's carry their prefix (EL for Greece); others are as their country writes them."""
    from stdnum.eu.vat import MEMBER_STATES

    prefix = "EL" if code == "GR" else code
    carries = code.lower() in MEMBER_STATES or code in ("GR", "GB")
    return number if number.startswith(prefix) or not carries else prefix + number


def _vat_module(code: str) -> Any:
    from stdnum import get_cc_module

    return get_cc_module("gr" if code == "EL" else code.lower(), "vat")


def _uuid(text: str) -> ValueResult[IdentifierDetails]:
    match = _UUID.fullmatch(text)
    if not match:
        digits = re.sub(r"urn:uuid:|[{}\-]", "", text.lower())
        if not re.fullmatch(r"[0-9a-f]*", digits):
            return ValueResult.invalid("characters")
        return ValueResult.invalid("structure" if len(digits) == 32 else "length")
    found = uuid.UUID("".join(match.groups()))
    if found.int not in (0, 2**128 - 1) and (found.variant != uuid.RFC_4122 or not 1 <= (found.version or 0) <= 8):
        return ValueResult.invalid("structure")
    return ValueResult.ok(str(found), IdentifierDetails(str(found), None, "uuid", None))

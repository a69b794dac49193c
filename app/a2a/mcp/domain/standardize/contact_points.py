"""Phone numbers to E.164, e-mail addresses by RFC 5321/6531, URLs by RFC 3986: checked by form, never by asking around.

Of phonenumbers only the numbering plans are used; its geocoder and carrier tables would cost 110 MB.
"""

from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias, cast

from pydantic import Field

from app.a2a.mcp.domain.standardize.urls import UrlDetails, normalize_url
from app.a2a.mcp.domain.standardize.values import ValueResult
from app.a2a.mcp.errors import InvalidArgumentError

ContactKind: TypeAlias = Literal["phone", "email", "url"]
Region: TypeAlias = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
LineType: TypeAlias = Literal[
    "fixed_line", "mobile", "fixed_line_or_mobile", "toll_free", "premium_rate", "shared_cost", "voip",
    "personal_number", "pager", "uan", "voicemail", "unknown",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class ContactOptions:
    """Which kind; the region whose national phone numbers are meant; whether to fold the part before the @."""

    kind: ContactKind
    default_region: Region | None = None
    lowercase_local_part: bool = False

    def __post_init__(self) -> None:
        """Raises InvalidArgumentError for a region without a numbering plan."""
        if self.default_region is None:
            return
        import phonenumbers

        if self.default_region not in phonenumbers.SUPPORTED_REGIONS:
            raise InvalidArgumentError.at("/default_region", "is not a region with a numbering plan")


@dataclass(frozen=True, slots=True)
class PhoneDetails:
    """The number as it is written at home and as a tel: URI, where it belongs and what kind of line it is."""

    national: str
    rfc3966: str
    region: str | None
    line_type: LineType
    extension: str | None
    possible: bool
    valid: bool


@dataclass(frozen=True, slots=True)
class EmailDetails:
    """The parts of an address; `ascii_domain` is what DNS knows, `smtputf8` whether mail to it needs that extension."""

    local: str
    domain: str
    ascii_domain: str
    smtputf8: bool


ContactDetails: TypeAlias = PhoneDetails | EmailDetails | UrlDetails


def standardize_contact_point(value: str, options: ContactOptions) -> ValueResult[ContactDetails]:
    """Read one contact point of the kind that the options name."""
    text = value.strip()
    if not text:
        return ValueResult.invalid("empty")
    if options.kind == "phone":
        return _phone(text, options.default_region)
    if options.kind == "email":
        return _email(text, options.lowercase_local_part)
    found = normalize_url(text)
    return ValueResult.invalid(found) if isinstance(found, str) else ValueResult.ok(*found)


def _phone(text: str, region: str | None) -> ValueResult[ContactDetails]:
    import phonenumbers
    from phonenumbers import PhoneNumberFormat, PhoneNumberType

    if len(text) > 250:
        return ValueResult.invalid("length")
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException as error:
        if error.error_type == error.INVALID_COUNTRY_CODE and region is None and not text.startswith("+"):
            return ValueResult.invalid("region: a national number needs default_region")
        return ValueResult.invalid("format: not a phone number")
    possible, valid = phonenumbers.is_possible_number(number), phonenumbers.is_valid_number(number)
    line_type = PhoneNumberType.to_string(phonenumbers.number_type(number)).casefold()
    details = PhoneDetails(
        national=phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL),
        rfc3966=phonenumbers.format_number(number, PhoneNumberFormat.RFC3966),
        region=phonenumbers.region_code_for_number(number),
        line_type=cast("LineType", line_type),
        extension=number.extension,
        possible=possible,
        valid=valid,
    )
    if not valid:
        reason = (
            "range: not assigned in its numbering plan" if possible else "length: not possible in its numbering plan"
        )
        return ValueResult("invalid", details=details, reason=reason)
    return ValueResult.ok(phonenumbers.format_number(number, PhoneNumberFormat.E164), details)


def _email(text: str, lowercase: bool) -> ValueResult[ContactDetails]:
    from email_validator import EmailNotValidError, validate_email

    try:
        found = validate_email(text, check_deliverability=False)
    except EmailNotValidError as error:
        return ValueResult.invalid(f"format: {str(error).rstrip('.')}"[:200])
    local = found.local_part.lower() if lowercase else found.local_part
    details = EmailDetails(local, found.domain, found.ascii_domain or found.domain, found.smtputf8)
    return ValueResult.ok(f"{local}@{found.domain}", details)

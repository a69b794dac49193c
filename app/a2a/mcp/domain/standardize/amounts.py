"""Numbers and money as people write them, to exact decimals and ISO 4217: the locale decides the marks, nothing else.

Babel's strict parser checks the grouping. It knows only the locale's own mark, so spaces and apostrophes, which are
grouping marks wherever they stand between digits, are turned into that first. No binary float is involved.
"""

import re
import unicodedata
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal, localcontext
from typing import Annotated, Literal, TypeAlias

from babel import Locale
from babel.numbers import NumberFormatError, get_decimal_symbol, get_group_symbol, parse_decimal
from pydantic import Field

from app.a2a.mcp.domain.standardize.currencies import candidates_for, minor_digits, split_currency
from app.a2a.mcp.domain.standardize.locales import locale_named
from app.a2a.mcp.domain.standardize.values import MAX_VALUE_CHARACTERS, ValueResult
from app.a2a.mcp.errors import InvalidArgumentError

Rounding: TypeAlias = Literal["none", "half_even", "half_up"]
NegativeForm: TypeAlias = Literal["minus", "parentheses", "trailing"]
LocaleId: TypeAlias = Annotated[str, Field(min_length=2, max_length=20)]
CurrencyCode: TypeAlias = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]

_ROUNDINGS = {"half_even": ROUND_HALF_EVEN, "half_up": ROUND_HALF_UP}
# Digits beyond any amount: rounding to a currency must not lose some on the way.
_EXACT = Context(prec=MAX_VALUE_CHARACTERS + 10)
_GROUPING_MARKS = re.compile(r"(?<=\d)[ '’٬](?=\d)")
_MINUS = str.maketrans(
    {"−": "-", "﹣": "-", "－": "-", "＋": "+", "￥": "¥", "＄": "$", "（": "(", "）": ")", "٫": "."}
)


@dataclass(frozen=True, slots=True)
class AmountOptions:
    """How to read amounts: a CLDR locale, and the currency of those that name none or a symbol of several."""

    locale: LocaleId = "en_US"
    default_currency: CurrencyCode | None = None
    currency_required: bool = False
    rounding: Rounding = "none"

    def __post_init__(self) -> None:
        """Raises InvalidArgumentError for a locale or a currency that does not exist."""
        locale_named(self.locale)
        if self.default_currency and not candidates_for(self.default_currency, None):
            raise InvalidArgumentError.at("/default_currency", "is not a current ISO 4217 code")


@dataclass(frozen=True, slots=True)
class NumberOptions:
    """How to read plain numbers: a CLDR locale."""

    locale: LocaleId = "en_US"

    def __post_init__(self) -> None:
        """Raises InvalidArgumentError for a locale that does not exist."""
        locale_named(self.locale)


@dataclass(frozen=True, slots=True)
class AmountDetails:
    """The currency and its ISO 4217 exponent, the amount in minor units where it is whole in them, and its sign."""

    currency: str | None
    exponent: int | None
    minor_units: int | None
    negative_form: NegativeForm | None


def standardize_amount(value: str | int | float | None, options: AmountOptions) -> ValueResult[AmountDetails]:
    """Read an amount with or without a currency symbol or code at either end; a JSON number is taken as it is."""
    read = _read(value, options.locale)
    if isinstance(read, str):
        return ValueResult.invalid(read)
    number, negative_form, symbol = read
    codes = candidates_for(symbol, locale_named(options.locale)) if symbol else []
    if symbol and not codes:
        return ValueResult.invalid("currency: not a current ISO 4217 code or a symbol of one")
    if len(codes) > 1 and options.default_currency in codes:
        codes = [options.default_currency]
    if len(codes) > 1:
        texts = [f"{_plain(number)} {code}" for code in codes]
        return ValueResult.ambiguous(texts, "currency: the symbol stands for several")
    currency = codes[0] if codes else options.default_currency
    if currency is None and options.currency_required:
        return ValueResult.invalid("currency: missing")
    return _amount(number, negative_form, currency, options.rounding)


def standardize_number(value: str | int | float | None, options: NumberOptions) -> ValueResult[AmountDetails]:
    """Read a plain number: an amount in which a currency is a fault."""
    read = _read(value, options.locale)
    if isinstance(read, str):
        return ValueResult.invalid(read)
    number, negative_form, symbol = read
    return ValueResult.invalid("characters") if symbol else _amount(number, negative_form, None, "none")


def _amount(
    number: Decimal, form: NegativeForm | None, currency: str | None, rounding: Rounding
) -> ValueResult[AmountDetails]:
    exponent = minor_digits(currency) if currency else None
    if exponent is not None and rounding != "none":
        number = number.quantize(Decimal(1).scaleb(-exponent), rounding=_ROUNDINGS[rounding], context=_EXACT)
    minor = number.scaleb(exponent, context=_EXACT) if exponent is not None else None
    whole = int(minor) if minor is not None and minor == minor.to_integral_value(context=_EXACT) else None
    return ValueResult.ok(_plain(number), AmountDetails(currency, exponent, whole, form))


def _read(value: str | int | float | None, locale: str) -> tuple[Decimal, NegativeForm | None, str | None] | str:
    """The number, how its minus was written, and the currency beside it; or why there is no number."""
    if value is None:
        return "type: must be a string or a number"
    if not isinstance(value, str):
        number = Decimal(str(value))
        if not number.is_finite() or abs(number.adjusted()) > MAX_VALUE_CHARACTERS:
            return "number: out of range"
        return number, "minus" if number < 0 else None, None
    text = _folded(value)
    if not text:
        return "empty"
    split = split_currency(text)
    if split is None:
        return "characters"
    digits, form, symbol = split
    number_text = _localized(digits, locale_named(locale))
    if number_text is None:
        return "characters"
    try:
        with localcontext(_EXACT):
            number = parse_decimal(number_text, locale_named(locale), strict=True)
    except NumberFormatError:
        return "grouping: the marks do not stand where this locale puts them"
    return -number if form else number, form, symbol


def _folded(value: str) -> str:
    """Digits of any script as ASCII, any space as a plain one, one kind of minus, no marks of direction."""
    value = "".join(mark for mark in value if unicodedata.category(mark) != "Cf")
    text = "".join(str(unicodedata.decimal(mark, mark)) for mark in value.translate(_MINUS))
    return " ".join(text.split())


def _localized(digits: str, locale: Locale) -> str | None:
    """The number with the locale's own marks; None where other characters are in it."""
    decimal, group = get_decimal_symbol(locale), get_group_symbol(locale)
    marks = set(_GROUPING_MARKS.findall(digits))
    if len(marks) > 1 or (marks and group in digits and group not in marks):
        return None
    text = _GROUPING_MARKS.sub(group, digits)
    whole = re.escape(group)
    if not re.fullmatch(
        rf"\d(?:\d|{whole}(?=\d))*(?:{re.escape(decimal)}\d+)?|{re.escape(decimal)}\d+", text, re.ASCII
    ):
        return None
    return text


def _plain(number: Decimal) -> str:
    """Without an exponent, and zero without a sign."""
    return format(abs(number) if number == 0 else number, "f")

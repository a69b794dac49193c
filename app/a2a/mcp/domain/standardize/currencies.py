"""Currencies: where a text names one, which ISO 4217 codes that can be, and their minor units.

Minor units are ISO 4217's; CLDR's differ, being customary ones (it gives no decimals to some that have two).
"""

import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

import pycountry
from babel import Locale
from babel.numbers import get_territory_currencies

if TYPE_CHECKING:
    from app.a2a.mcp.domain.standardize.amounts import NegativeForm

# ISO 4217, list one: the minor units that are not 2; for the rest of the X codes there are none.
_MINOR_DIGITS: Mapping[str, int | None] = {
    code: digits
    for digits, codes in (
        (0, "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"),
        (3, "BHD IQD JOD KWD LYD OMR TND"),
        (4, "CLF UYW"),
        (None, "XAG XAU XBA XBB XBC XBD XDR XPD XPT XSU XTS XUA XXX"),
    )
    for code in codes.split()
}
# Symbols that several countries use bare: only the locale's territory can say which is meant.
_SHARED: Mapping[str, str] = {
    "$": "ARS AUD BBD BMD BND BSD BZD CAD CLP COP CVE DOP FJD GYD HKD JMD KYD LRD MXN NAD NZD SBD SGD SRD TTD TWD USD "
    "UYU XCD",
    "¥": "CNY JPY",
    "kr": "DKK ISK NOK SEK",
    "rs": "INR LKR MUR NPR PKR SCR",
    "₨": "INR LKR MUR NPR PKR SCR",
}
# One number with at most one sign and one name of a currency around it, in any order.
_SHAPE = re.compile(
    r"(?P<open>\()?(?P<lead>[+\-])? ?(?:(?P<before>(?![.,])[^\d\s+\-(),']{1,5}?)\.? ?)?(?P<inner>[+\-]|\()? ?"
    r"(?P<number>[.,٫]?\d(?:[\d ,.'’٬٫]*\d)?)"
    r" ?(?P<trail>[+\-])? ?(?:(?P<after>(?![.,])[^\d\s+\-(),']{1,5}?)\.?)?(?P<tail>-)?(?P<close>\))?",
)


def split_currency(text: str) -> "tuple[str, NegativeForm | None, str | None] | None":
    """The digits, how the minus was written, and the currency as written; None where a text has no such form."""
    match = _SHAPE.fullmatch(text)
    if not match or (match["before"] and match["after"]):
        return None
    inner = match["inner"] or ""
    opened = bool(match["open"]) + (inner == "(")
    signs = [sign for sign in (match["lead"], inner.strip("("), match["trail"], match["tail"]) if sign]
    if opened != bool(match["close"]) or opened > 1 or len(signs) + opened > 1 or match["trail"] == "+":
        return None
    form: NegativeForm | None = None
    if opened:
        form = "parentheses"
    elif match["trail"] or match["tail"]:
        form = "trailing"
    elif "-" in signs:
        form = "minus"
    return match["number"], form, match["before"] or match["after"]


def candidates_for(symbol: str, locale: Locale | None) -> list[str]:
    """The codes that a symbol or a code can mean where `locale` is used, sorted; none for what is unknown."""
    if symbol.upper() in _codes() and symbol.isascii():
        return [symbol.upper()]
    if locale is None:
        return []
    local = _local_currency(locale)
    shared = _SHARED.get(symbol.casefold(), "").split()
    if shared:
        return [local] if local in shared else shared
    if local and _plain(locale.currency_symbols.get(local, "")) == symbol:
        return [local]
    return sorted(_symbols(str(locale)).get(symbol, ()))


def minor_digits(code: str) -> int | None:
    """How many decimals the smallest unit of a currency has; None where it has no such unit (gold, SDR)."""
    return _MINOR_DIGITS.get(code, 2)


@cache
def _codes() -> frozenset[str]:
    return frozenset(currency.alpha_3 for currency in pycountry.currencies)


def _local_currency(locale: Locale) -> str | None:
    codes = get_territory_currencies(locale.territory) if locale.territory else []
    return codes[0] if codes else None


@cache
def _symbols(locale: str) -> dict[str, set[str]]:
    """Every symbol that CLDR has for a current currency, in that locale and in international English."""
    found: dict[str, set[str]] = {}
    for symbols in (Locale.parse(locale).currency_symbols, Locale("en", "001").currency_symbols):
        for code, symbol in symbols.items():
            if code in _codes():
                found.setdefault(_plain(symbol), set()).add(code)
    return found


def _plain(symbol: str) -> str:
    """Without marks of direction and the dot of an abbreviation, as it is read."""
    return "".join(mark for mark in symbol if unicodedata.category(mark) != "Cf").rstrip(".")

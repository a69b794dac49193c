"""Countries and subdivisions by any of their names: ISO 3166, CLDR in the asked languages, and a few common others.

An exact index, because pycountry's own fuzzy search does not know Deutschland and puts North Korea first for Korea.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache

import pycountry
from rapidfuzz import fuzz, process

from app.a2a.mcp.domain.standardize.locales import locale_named

# Names in common use that neither ISO nor CLDR's English list; those of several countries are kept as such.
_ALIASES: Mapping[str, str] = {
    "uk": "GB", "great britain": "GB", "britain": "GB", "england": "GB-ENG", "scotland": "GB-SCT", "wales": "GB-WLS",
    "northern ireland": "GB-NIR", "usa": "US", "us": "US", "united states of america": "US", "holland": "NL",
    "ivory coast": "CI", "burma": "MM", "swaziland": "SZ", "czech republic": "CZ", "macedonia": "MK", "turkey": "TR",
    "cape verde": "CV", "east timor": "TL", "vatican": "VA", "russia": "RU", "syria": "SY", "laos": "LA", "uae": "AE",
    "iran": "IR", "bolivia": "BO", "venezuela": "VE", "tanzania": "TZ", "moldova": "MD", "brunei": "BN", "drc": "CD",
    "south korea": "KR", "north korea": "KP", "republic of ireland": "IE", "republic of china": "TW", "prc": "CN",
    "dr congo": "CD", "congo kinshasa": "CD", "congo brazzaville": "CG", "persia": "IR", "ceylon": "LK", "siam": "TH",
    "korea": "KP KR", "congo": "CD CG", "virgin islands": "VG VI", "saint martin": "MF SX", "st martin": "MF SX",
}  # fmt: skip
# A bare name that is as well known for a state as for a country.
_HOMOGRAPHS: Mapping[str, tuple[str, ...]] = {"georgia": ("GE", "US-GA")}
# English names of subdivisions that ISO lists in the local language.
_SUBDIVISIONS_EN: Mapping[str, str] = {
    "bavaria": "DE-BY", "saxony": "DE-SN", "lower saxony": "DE-NI", "hesse": "DE-HE", "thuringia": "DE-TH",
    "rhineland palatinate": "DE-RP", "north rhine westphalia": "DE-NW", "saxony anhalt": "DE-ST",
    "mecklenburg western pomerania": "DE-MV", "lower austria": "AT-3", "upper austria": "AT-4", "vienna": "AT-9",
    "tyrol": "AT-7", "styria": "AT-6", "carinthia": "AT-2", "geneva": "CH-GE", "tuscany": "IT-52", "sicily": "IT-82",
    "lombardy": "IT-25", "piedmont": "IT-21", "sardinia": "IT-88", "apulia": "IT-75", "catalonia": "ES-CT",
    "andalusia": "ES-AN", "basque country": "ES-PV", "brittany": "FR-BRE", "normandy": "FR-NOR", "corsica": "FR-20R",
    "flanders": "BE-VLG", "wallonia": "BE-WAL", "north holland": "NL-NH", "south holland": "NL-ZH",
    "lisbon": "PT-11", "moscow": "RU-MOW", "saint petersburg": "RU-SPE", "prague": "CZ-10",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Country:
    """A country's ISO 3166-1 codes and its English name, the common one where ISO's is inverted or formal."""

    iso2: str
    iso3: str
    numeric: str
    name: str


@dataclass(frozen=True, slots=True)
class Subdivision:
    """An ISO 3166-2 code, its local name, and the country it lies in."""

    code: str
    name: str
    iso2: str


def folded(name: str) -> str:
    """The key of a name: without case, accents, punctuation, or a leading article, "and" for every ampersand."""
    text = unicodedata.normalize("NFKD", name.casefold().replace("ß", "ss").replace("&", " and "))
    text = re.sub("[\u0300-\u036f]", "", text)
    words = re.sub(r"[^\w\s]|_", " ", re.sub(r"['’.]", "", text)).split()
    return " ".join(words[1:] if words[:1] == ["the"] and len(words) > 1 else words)


@cache
def countries() -> Mapping[str, Country]:
    """Every ISO 3166-1 country by its alpha-2 code."""
    english = locale_named("en").territories
    return {
        entry.alpha_2: Country(entry.alpha_2, entry.alpha_3, entry.numeric, english.get(entry.alpha_2, entry.name))
        for entry in pycountry.countries
    }


@cache
def subdivisions() -> Mapping[str, Subdivision]:
    """Every ISO 3166-2 subdivision by its code."""
    return {entry.code: Subdivision(entry.code, entry.name, entry.country_code) for entry in pycountry.subdivisions}


def codes_of(text: str, languages: tuple[str, ...]) -> tuple[str, ...]:
    """The countries (and, for England and the like, the subdivision) that a code or an exact name stands for."""
    text = text.strip()
    if text.upper() in _codes():
        return (_codes()[text.upper()],)
    return _index(languages).get(folded(text), ())


def homographs(text: str) -> tuple[str, ...]:
    """Both places where a bare name is a country's and a state's."""
    return _HOMOGRAPHS.get(folded(text), ())


def subdivisions_of(text: str, iso2: str | None) -> tuple[str, ...]:
    """The subdivisions that a code or a name stands for, in one country or, with None, in all."""
    upper = text.strip().upper()
    for code in (upper, f"{iso2}-{upper}"):
        if code in subdivisions():
            return (code,) if iso2 in (None, subdivisions()[code].iso2) else ()
    named = _subdivision_index().get(folded(text), ())
    return tuple(code for code in named if iso2 in (None, subdivisions()[code].iso2))


def alike(text: str, languages: tuple[str, ...], min_score: float) -> tuple[str, ...]:
    """Every country with a name at least so like the text (normalized Indel similarity), best first."""
    key = folded(text)
    if len(key) < 4:
        return ()
    found = process.extract(
        key, _index(languages).keys(), scorer=fuzz.ratio, score_cutoff=min_score * 100, limit=10, processor=None
    )
    codes = (code for name, _, _ in found for code in _index(languages)[name])
    return tuple(dict.fromkeys(codes))


@cache
def _codes() -> Mapping[str, str]:
    """Alpha-2, alpha-3 and numeric codes, to alpha-2."""
    return {code: entry.iso2 for entry in countries().values() for code in (entry.iso2, entry.iso3, entry.numeric)}


@lru_cache(maxsize=32)
def _index(languages: tuple[str, ...]) -> Mapping[str, tuple[str, ...]]:
    """Folded names to the codes they stand for; our own aliases decide where they speak."""
    found: dict[str, set[str]] = {}
    for entry in pycountry.countries:
        for field in ("name", "official_name", "common_name"):
            if name := getattr(entry, field, None):
                found.setdefault(folded(name), set()).add(entry.alpha_2)
    for language in languages:
        for code, name in locale_named(language, "/languages").territories.items():
            if code in countries():
                found.setdefault(folded(name), set()).add(code)
    ours = {name: tuple(codes.split()) for name, codes in _ALIASES.items()}
    return {name: tuple(sorted(codes)) for name, codes in found.items()} | ours


@cache
def _subdivision_index() -> Mapping[str, tuple[str, ...]]:
    found: dict[str, set[str]] = {}
    for entry in subdivisions().values():
        for name in _parts(entry.name):
            found.setdefault(folded(name), set()).add(entry.code)
    for name, code in _SUBDIVISIONS_EN.items():
        if code in subdivisions():
            found.setdefault(name, set()).add(code)
    return {name: tuple(sorted(codes)) for name, codes in found.items()}


def _parts(name: str) -> Iterable[str]:
    """A name, and each half where ISO writes two languages with a slash or an alternative in brackets."""
    yield name
    if "/" in name or "[" in name:
        yield from (part.strip() for part in re.split(r"[/\[\]]", name) if part.strip())

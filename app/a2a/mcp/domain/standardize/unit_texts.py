"""Quantities as text: which number, which units to which powers. A closed grammar; nothing is evaluated.

unit = term {("*" | "·" | "/" | "per" | " ") term};  term = name [["^" | "**"] power] | name superscripts
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import product

MAX_TERMS = 8
MAX_SHARED = 2
MAX_UNIT_CHARACTERS = 100

# Names that several units share; US and imperial measures, metric and other tons, and letters read as degrees.
_SHARED: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("gal", "gallon", "gallons"), ("US_liquid_gallon", "imperial_gallon")),
    **dict.fromkeys(("qt", "quart", "quarts"), ("US_liquid_quart", "imperial_quart")),
    **dict.fromkeys(("pt", "pint", "pints"), ("US_pint", "imperial_pint")),
    **dict.fromkeys(("floz", "fl_oz", "fluid_ounce", "fluid_ounces"), ("US_fluid_ounce", "imperial_fluid_ounce")),
    **dict.fromkeys(("cup", "cups"), ("US_liquid_cup", "imperial_cup")),
    **dict.fromkeys(("ton", "tons"), ("US_ton", "UK_ton", "metric_ton")),
    **dict.fromkeys(("cwt", "hundredweight"), ("US_hundredweight", "UK_hundredweight")),
    "C": ("coulomb", "degree_Celsius"),
    "F": ("farad", "degree_Fahrenheit"),
    "a": ("year", "are"),
}
_ALIASES: Mapping[str, str] = {
    "KG": "kg", "Kg": "kg", "kgs": "kg", "KM": "km", "Km": "km", "CM": "cm", "sec": "s", "secs": "s", "hr": "h",
    "hrs": "h", "mins": "min", "sqm": "m**2", "sqft": "ft**2", "℃": "degC", "℉": "degF", "lbs": "lb", "ozs": "oz",
    "cc": "cm**3", "kmh": "km/h", "usgal": "US_liquid_gallon", "impgal": "imperial_gallon", "Ω": "ohm", "Å": "angstrom",
}  # fmt: skip
_PHRASES = (
    (re.compile(r"\b(?:square|sq\.?) ([^\W\d_]+)"), r"\1^2"),
    (re.compile(r"\b(?:cubic|cu\.?) ([^\W\d_]+)"), r"\1^3"),
    (re.compile(r"\bfl\.? ?oz\.?"), "fl_oz"),
    (re.compile(r"\b(?:fluid) (ounces?)"), r"fluid_\1"),
    (re.compile(r"\bnautical (miles?)"), r"nautical_\1"),
    (re.compile(r"\b(?:deg\.?|degrees?|°) ?([CF])\b|\bdegrees? (?:[Cc]elsius|[Ff]ahrenheit)"), "deg"),
    (re.compile(r"\bper\b"), "/"),
)
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
_NUMBER = r"[+\-]?(?:\d[\d,]*(?:\.\d+)?|\.\d+)(?:[eE][+\-]?\d{1,2})?"
_MEASURE = re.compile(rf"({_NUMBER}) ?(.*)", re.ASCII)
_BETWEEN = re.compile(r"(?<=[^\W\d_]) (?=\d[\d.,]* ?[^\W\d_])")
_TERM = re.compile(r"(?P<name>[^\W\d][\w]*?|°[CF]?|[%‰°]|1)(?:(?:\^|\*\*)?\(?(?P<power>-?\d)\)?)?")
_PIECES = re.compile(r"\*\*-?\d+|\^\(?-?\d+\)?|[^\s*·⋅./^()]+|.", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Measure:
    """A number and the text of its unit; `negative` also for -0."""

    number: Fraction
    unit: str
    negative: bool = False


@dataclass(frozen=True, slots=True)
class Term:
    """One unit by its name, to a power."""

    name: str
    power: int


def read_measures(value: object) -> list[tuple[Measure, ...]] | str:
    """Each reading of a quantity: several measures for 6 ft 2 in; more than one reading for 1,500 kg."""
    if isinstance(value, Mapping):
        if value.keys() != {"value", "unit"} or not isinstance(value["unit"], str):
            return "type: must be a text or {value, unit}"
        number = value["value"]
        if isinstance(number, bool) or not isinstance(number, str | int | float):
            return "type: value must be a number or its text"
        pairs = [(_folded(str(number)), _folded(value["unit"]))]
    elif isinstance(value, str):
        pairs = _split(_folded(value))
    else:
        return "type: must be a text or {value, unit}"
    if not pairs:
        return "format: not a number and a unit"
    if any(len(unit) > MAX_UNIT_CHARACTERS for _, unit in pairs) or len(pairs) > 4:
        return "unit: too long"
    readings = [[Measure(number, unit, text.startswith("-")) for number in _numbers(text)] for text, unit in pairs]
    return [tuple(measures) for measures in product(*readings)] or "number: not a number in range"


def unit_readings(text: str) -> Iterator[tuple[Term, ...]]:
    """Each list of terms that the text of a unit can mean; none where it does not fit the grammar."""
    if len(text) > MAX_UNIT_CHARACTERS:
        return
    terms = _terms(_spelled(_folded(text)))
    if terms is None or len(terms) > MAX_TERMS:
        return
    # One name means one thing throughout a unit; more than a few shared ones are no unit but an attack.
    shared = list(dict.fromkeys(term.name for term in terms if term.name in _SHARED))
    if len(shared) > MAX_SHARED:
        return
    for names in product(*(_SHARED[name] for name in shared)):
        meant = dict(zip(shared, names, strict=True))
        yield tuple(Term(meant.get(term.name, term.name), term.power) for term in terms)


def _folded(text: str) -> str:
    """Plain spaces and minus signs, composed letters, and superscripts as powers."""
    text = unicodedata.normalize("NFC", text).replace("−", "-").replace("μ", "µ")
    text = re.sub(r"[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+", lambda found: "^" + found[0].translate(_SUPERSCRIPTS), text)
    return " ".join(text.split())


def _split(text: str) -> list[tuple[str, str]]:
    """The number and the unit of each part: one, or several as in 6 ft 2 in."""
    matches = [_MEASURE.fullmatch(part) for part in _BETWEEN.split(text)]
    return [(match[1], match[2]) for match in matches if match] if all(matches) else []


def _numbers(text: str) -> list[Fraction]:
    """The point is the decimal mark; a comma groups thousands, or is the decimal mark of other countries."""
    if not re.fullmatch(_NUMBER, text, re.ASCII) or len(text) > 60:
        return []
    if "," not in text:
        return [Fraction(text)]
    grouped = re.fullmatch(r"[+\-]?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?", text, re.ASCII)
    found = [Fraction(text.replace(",", ""))] if grouped else []
    if text.count(",") == 1 and "." not in text and "e" not in text.casefold():
        found.append(Fraction(text.replace(",", ".").rstrip(".")))
    return found


def _spelled(text: str) -> str:
    """Words such as square, cubic and per as signs."""
    for pattern, sign in _PHRASES:
        if sign == "deg":
            text = pattern.sub(lambda found: "deg" + (found[1] or found[0].split()[-1][0].upper()), text)
        else:
            text = pattern.sub(sign, text)
    return text


def _terms(text: str) -> list[Term] | None:
    """The terms with their signs: a slash divides by what follows it, or by all of a pair of brackets."""
    reader = _Reader()
    return reader.terms if all(reader.take(part) for part in _PIECES.findall(text)) and reader.complete else None


class _Reader:
    """Reads a unit piece by piece; a piece that does not fit where it stands ends the reading."""

    def __init__(self) -> None:
        self.found: list[Term] = []
        self.sign, self.inside, self.wants_term, self.divided = 1, False, True, False

    @property
    def terms(self) -> list[Term]:
        """What was read, without the 1 of 1/s."""
        return [term for term in self.found if term.name != "1" and term.power]

    @property
    def complete(self) -> bool:
        """Whether no bracket is open and no operator without its second side."""
        return not self.inside and not self.wants_term

    def take(self, piece: str) -> bool:
        """Read one piece; false where it does not fit."""
        if piece in (" ", "."):
            return True
        if piece.startswith(("**", "^")):
            return self._power(re.sub(r"[*^()]", "", piece))
        if piece in ("/", "*", "·", "⋅"):
            return self._operator(piece)
        if piece in ("(", ")"):
            return self._bracket(piece == "(")
        # The SI Brochure forbids J/kg K, which is read both ways; J/(kg K) and J/kg*K say what they mean.
        if not self.wants_term and self.divided and not self.inside:
            return False
        terms = _term(piece, self.sign)
        self.found += terms or []
        self.wants_term = False
        self.sign = self.sign if self.inside else 1
        return terms is not None

    def _power(self, digits: str) -> bool:
        if (
            self.wants_term
            or not self.found
            or not re.fullmatch(r"-?\d", digits, re.ASCII)
            or abs(self.found[-1].power) != 1
        ):
            return False
        last = self.found[-1]
        self.found[-1] = Term(last.name, last.power * int(digits))
        return True

    def _operator(self, mark: str) -> bool:
        # Only a slash may come first ("per second"), and inside brackets nothing may be divided again.
        if (self.wants_term and (mark != "/" or self.found)) or (self.inside and mark == "/"):
            return False
        if mark in ("·", "⋅") and self.divided and not self.inside:
            return False
        self.divided = self.divided or mark == "/"
        self.sign = -1 if mark == "/" else (self.sign if self.inside else 1)
        self.wants_term = True
        return True

    def _bracket(self, opens: bool) -> bool:
        if opens == self.inside or opens != self.wants_term:
            return False
        self.inside = opens
        self.sign = self.sign if opens else 1
        return True


def _term(token: str, sign: int) -> list[Term] | None:
    """A name with a power stuck to it (m2, s-1), or an alias that stands for several."""
    match = _TERM.fullmatch(token)
    if not match:
        return None
    name = _ALIASES.get(match["name"], match["name"])
    power = sign * int(match["power"] or 1)
    if "**" in name:
        base, _, inner = name.partition("**")
        return [Term(base, power * int(inner))]
    if "/" in name:
        above, _, below = name.partition("/")
        return [Term(above, power), Term(below, -power)]
    return [Term(name, power)]

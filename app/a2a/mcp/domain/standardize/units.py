"""Physical quantities to a chosen unit, in exact fractions: a pound is 0.45359237 kg and not a digit less.

Pint defines the units and holds them as fractions here; binary floats would give 0.4535923700000001. Its parser of
expressions never sees a caller's text: numbers are read here, and units by the grammar in unit_texts.py.
"""

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from pydantic import Field

from app.a2a.mcp.domain.standardize.unit_texts import Measure, Term, read_measures, unit_readings
from app.a2a.mcp.domain.standardize.values import ValueResult
from app.a2a.mcp.errors import InvalidArgumentError

if TYPE_CHECKING:
    import pint

UnitSystem: TypeAlias = Literal["si", "none"]
UnitName: TypeAlias = Annotated[str, Field(min_length=1, max_length=100)]
PrecisionDigits: TypeAlias = Annotated[int, Field(ge=1, le=30)]

# CODATA values that are measured (SI Brochure, table 8), and spans of the calendar, which vary: never exact.
_MEASURED = (
    "month",
    "year",
    "dalton",
    "unified_atomic_mass_unit",
    "electron_mass",
    "proton_mass",
    "neutron_mass",
    "hartree",
    "bohr",
)

OFFSET = "offset_unit: a temperature scale with its own zero cannot be added or multiplied"
UNKNOWN = "unit: not known here, or not clear: after a slash, several units stand in brackets"
INEXACT = "unit: cannot be converted exactly (a logarithmic scale or a root)"


@dataclass(frozen=True, slots=True)
class UnitOptions:
    """What to convert to: a unit, or SI base units, or nothing; and how many significant digits to write."""

    target_unit: UnitName | None = None
    target_system: UnitSystem | None = None
    precision_digits: PrecisionDigits = 15

    def __post_init__(self) -> None:
        """Raises InvalidArgumentError where the target is no unit, or one of several of that name."""
        if self.target_unit is None:
            return
        if self.target_system == "si":
            raise InvalidArgumentError.at("/target_system", "give target_unit or target_system si, not both")
        readings = _units(self.target_unit)
        if not readings:
            raise InvalidArgumentError.at("/target_unit", "is not a unit known here")
        if len(readings) > 1:
            names = " or ".join(sorted(_name(unit) for unit in readings))
            raise InvalidArgumentError.at("/target_unit", f"means {names}: name one of them")


@dataclass(frozen=True, slots=True)
class UnitDetails:
    """The unit of the value, what it measures, its factor (null with an offset), and whether no digit was rounded."""

    unit: str
    dimensionality: str
    factor: str | None
    exact: bool


def standardize_unit(value: object, options: UnitOptions) -> ValueResult[UnitDetails]:
    """Read a quantity - "5 ft", "6 ft 2 in" or {value, unit} - and convert it."""
    numbers = read_measures(value)
    if isinstance(numbers, str):
        return ValueResult.invalid(numbers)
    found: dict[str, tuple[str, UnitDetails]] = {}
    reason = UNKNOWN
    for measures in numbers:
        outcomes = _convert(measures, options)
        if isinstance(outcomes, str):
            reason = outcomes
            continue
        for text, details in outcomes:
            found.setdefault(f"{text} {details.unit}".strip(), (text, details))
    if not found:
        return ValueResult.invalid(reason)
    if len(found) > 1:
        return ValueResult.ambiguous(
            sorted(found), "unit: several of that name" if len(numbers) == 1 else "decimal mark"
        )
    return ValueResult.ok(*next(iter(found.values())))


def _convert(measures: tuple[Measure, ...], options: UnitOptions) -> list[tuple[str, UnitDetails]] | str:
    """Each reading of a quantity, converted; or why none can be."""
    readings = _units(measures[0].unit)
    if not readings:
        return UNKNOWN
    reason, found = "", []
    for unit in readings:
        outcome = _convert_one(unit, measures, options)
        if isinstance(outcome, str):
            reason = outcome
        else:
            found.append(outcome)
    return found or reason


def _convert_one(unit: Any, measures: tuple[Measure, ...], options: UnitOptions) -> tuple[str, UnitDetails] | str:
    import pint

    try:
        quantity = _registry().Quantity(measures[0].number, unit)
        for smaller in measures[1:]:
            parts = [part for part in _units(smaller.unit) if part.dimensionality == unit.dimensionality]
            if len(parts) != 1 or (_factor(parts[0], unit) or 1) >= 1 or smaller.number < 0:
                return "unit: the parts of a quantity go from the larger unit to the smaller of its kind"
            part = _registry().Quantity(smaller.number, parts[0])
            quantity = quantity - part if measures[0].negative else quantity + part
        target = _target(quantity, options)
        converted = quantity.to(target)
    except pint.OffsetUnitCalculusError:
        return OFFSET
    except pint.DimensionalityError:
        wanted = _units(options.target_unit)[0] if options.target_unit else unit
        if wanted.dimensionality == unit.dimensionality:
            return OFFSET
        return f"dimension mismatch {_dimension(unit)} ≠ {_dimension(wanted)}"
    except (pint.PintError, ArithmeticError, TypeError, ValueError):
        return INEXACT
    # Roots, such as those in the Gaussian units, are no fractions: pint then falls back to binary floats.
    whole = all(_fraction(power).denominator == 1 for power in converted._units.values())
    if not whole or not isinstance(converted.magnitude, int | Fraction):
        return INEXACT
    return _written(_fraction(converted.magnitude), unit, converted.units, options.precision_digits)


def _target(quantity: Any, options: UnitOptions) -> Any:
    if options.target_unit is not None:
        return _units(options.target_unit)[0]
    return quantity.units if options.target_system == "none" else quantity.to_base_units().units


def _written(number: Fraction, source: Any, target: Any, digits: int) -> tuple[str, UnitDetails]:
    text, exact = _decimal_text(number, digits)
    factor = _factor(source, target)
    measured = any(name in _MEASURED for name in source._units) and source != target
    factor_text = _decimal_text(factor, digits)[0] if factor is not None else None
    return text, UnitDetails(_name(target), _dimension(target), factor_text, exact and not measured)


def _factor(source: Any, target: Any) -> Fraction | None:
    """How many of the target one of the source is; None where a scale has its own zero."""
    registry = _registry()
    zero = registry.Quantity(Fraction(0), source).to(target).magnitude
    if zero:
        return None
    return _fraction(registry.Quantity(Fraction(1), source).to(target).magnitude)


def _fraction(number: Any) -> Fraction:
    """Pint types its numbers as any kind; those of this registry are fractions."""
    return Fraction(number)


def _decimal_text(number: Fraction, digits: int) -> tuple[str, bool]:
    """A fraction to so many significant digits, without an exponent or idle zeros, and whether that is all of it."""
    context = Context(prec=digits, rounding=ROUND_HALF_EVEN)
    rounded = context.divide(Decimal(number.numerator), Decimal(number.denominator))
    text = format(rounded, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return ("0" if text in ("-0", "") else text), Fraction(rounded) == number


@lru_cache(maxsize=4096)
def _units(text: str) -> tuple[Any, ...]:
    """The pint units that a unit's text can mean; none where it is not one."""
    import pint

    found: list[Any] = []
    for terms in unit_readings(text):
        try:
            unit = _product(terms)
        except (pint.PintError, ArithmeticError, TypeError, ValueError, AttributeError, AssertionError):
            continue  # pint's parser asserts that something is left of a text such as "①"
        if unit not in found:
            found.append(unit)
    return tuple(found)


def _product(terms: tuple[Term, ...]) -> Any:
    registry = _registry()
    if len(terms) == 1 and terms[0].power == 1:
        return registry.parse_units(terms[0].name)
    product = registry.Unit("")
    for term in terms:
        product = product * registry.parse_units(term.name) ** Fraction(term.power)
    return product


def _name(unit: Any) -> str:
    """The unit in symbols: kg*m/s**2, 1/s; a text that is read here as the same unit."""
    symbols = [(_registry().get_symbol(name), int(power)) for name, power in sorted(unit._units.items())]
    above = "*".join(_power(symbol, power) for symbol, power in symbols if power > 0)
    below = "".join("/" + _power(symbol, -power) for symbol, power in symbols if power < 0)
    return (above or ("1" if below else "")) + below


def _dimension(unit: Any) -> str:
    """What a unit measures: length, mass*length/time**2, dimensionless."""
    powers = [(name.strip("[]"), int(power)) for name, power in sorted(unit.dimensionality.items())]
    above = "*".join(_power(name, power) for name, power in powers if power > 0)
    below = "".join("/" + _power(name, -power) for name, power in powers if power < 0)
    return (above or ("1" if below else "dimensionless")) + below


def _power(name: str, power: int) -> str:
    return name if power == 1 else f"{name}**{power}"


@lru_cache(maxsize=1)
def _registry() -> "pint.UnitRegistry[Any]":
    """Pint's units, read once: a third of a second, so not before the first quantity."""
    import pint

    return pint.UnitRegistry(non_int_type=Fraction)

"""Which function standardizes which type of field, and with which options: what tools 1 and 2 build on.

    options = options_for("date", {"order": "DMY"})            # once per field rule; raises InvalidArgumentError
    result = STANDARDIZERS["date"]("03/04/2025", options)      # once per value; never raises for a bad value

Each standardizer loads its library on first use, so a process pays only for the types it meets; `warm_up` loads all.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import cache
from typing import Any, Literal, TypeAlias, get_args, get_type_hints

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from app.a2a.mcp.domain.standardize.values import ValueResult
from app.a2a.mcp.errors import Detail, InvalidArgumentError

FieldType: TypeAlias = Literal[
    "date", "amount", "number", "unit", "phone", "email", "url", "country", "subdivision", "identifier"
]
Standardizer: TypeAlias = Callable[[object, Any], ValueResult[Any]]
FIELD_TYPES: tuple[FieldType, ...] = get_args(FieldType)


def _date(value: object, options: Any) -> ValueResult[Any]:
    from app.a2a.mcp.domain.standardize.dates import standardize_date

    return standardize_date(value, options) if isinstance(value, str) else _not_text()


def _amount(value: object, options: Any) -> ValueResult[Any]:
    from app.a2a.mcp.domain.standardize.amounts import standardize_amount

    return standardize_amount(_number_text(value), options)


def _number(value: object, options: Any) -> ValueResult[Any]:
    from app.a2a.mcp.domain.standardize.amounts import standardize_number

    return standardize_number(_number_text(value), options)


def _unit(value: object, options: Any) -> ValueResult[Any]:
    from app.a2a.mcp.domain.standardize.units import standardize_unit

    return standardize_unit(value, options)


def _contact(value: object, options: Any) -> ValueResult[Any]:
    from app.a2a.mcp.domain.standardize.contact_points import standardize_contact_point

    return standardize_contact_point(value, options) if isinstance(value, str) else _not_text()


def _country(value: object, options: Any) -> ValueResult[Any]:
    from app.a2a.mcp.domain.standardize.locations import Place, standardize_location

    return standardize_location(Place(country=value), options) if isinstance(value, str) else _not_text()


def _subdivision(value: object, options: Any) -> ValueResult[Any]:
    """Text, or {country, subdivision} where the country of the record is known."""
    from app.a2a.mcp.domain.standardize.locations import Place, place_of, standardize_location

    place = Place(subdivision=value) if isinstance(value, str) else place_of(value)
    return standardize_location(place, options) if place else _not_text()


def _identifier(value: object, options: Any) -> ValueResult[Any]:
    from app.a2a.mcp.domain.standardize.identifiers import standardize_identifier

    return standardize_identifier(value, options) if isinstance(value, str) else _not_text()


STANDARDIZERS: Mapping[FieldType, Standardizer] = {
    "date": _date,
    "amount": _amount,
    "number": _number,
    "unit": _unit,
    "phone": _contact,
    "email": _contact,
    "url": _contact,
    "country": _country,
    "subdivision": _subdivision,
    "identifier": _identifier,
}


def options_for(field_type: FieldType, given: Mapping[str, object]) -> Any:
    """The options object of a type, checked and with its defaults.

    Raises InvalidArgumentError whose paths begin at the options themselves, such as `/order`.
    """
    options, fixed = _options_class(field_type)
    if clash := sorted(fixed.keys() & given.keys()):
        raise InvalidArgumentError.at(f"/{clash[0]}", "is not an option of this type")
    try:
        checked = _options_model(options).model_validate({**given, **fixed})
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)
        details = [Detail("/" + "/".join(map(str, item["loc"])), item["msg"]) for item in found]
        raise InvalidArgumentError(f"options of {field_type}: {details[0].path} {details[0].reason}", details) from None
    return options(**{field.name: getattr(checked, field.name) for field in fields(options)})


def warm_up() -> None:
    """Load what the standardizers use, before the process is ready: about a second of CPU."""
    probes: Mapping[FieldType, tuple[object, Mapping[str, object]]] = {
        "date": ("4 March 2025", {}),
        "amount": ("$1.00", {}),
        "unit": ("1 m", {}),
        "phone": ("+16502530000", {}),
        "email": ("a@example.org", {}),
        "url": ("https://bücher.example", {}),
        "country": ("Germany", {}),
        "subdivision": ("Bayern", {}),
        "identifier": ("US0378331005", {"scheme": "isin"}),
    }
    for field_type, (value, given) in probes.items():
        STANDARDIZERS[field_type](value, options_for(field_type, given))


def _options_class(field_type: FieldType) -> tuple[Any, Mapping[str, object]]:
    """The dataclass of a type's options, and those that the type itself settles."""
    from app.a2a.mcp.domain.standardize import amounts, contact_points, dates, identifiers, locations, units

    classes: Mapping[FieldType, tuple[Any, Mapping[str, object]]] = {
        "date": (dates.DateOptions, {}),
        "amount": (amounts.AmountOptions, {}),
        "number": (amounts.NumberOptions, {}),
        "unit": (units.UnitOptions, {}),
        "phone": (contact_points.ContactOptions, {"kind": "phone"}),
        "email": (contact_points.ContactOptions, {"kind": "email"}),
        "url": (contact_points.ContactOptions, {"kind": "url"}),
        "country": (locations.LocationOptions, {}),
        "subdivision": (locations.LocationOptions, {}),
        "identifier": (identifiers.IdentifierOptions, {}),
    }
    return classes[field_type]


@cache
def _options_model(options: Any) -> type[BaseModel]:
    """A closed, strict model of a dataclass, so that options inside a field rule meet the bounds the tools state."""
    hints = get_type_hints(options, include_extras=True)
    shapes: dict[str, Any] = {field.name: (hints[field.name], _default(field)) for field in fields(options)}
    return create_model(options.__name__, __config__=ConfigDict(extra="forbid", strict=True), **shapes)


def _default(field: Any) -> Any:
    from dataclasses import MISSING

    return ... if field.default is MISSING else field.default


def _number_text(value: object) -> str | int | float | None:
    """Text, or a JSON number; truth values are no numbers."""
    return value if isinstance(value, str | int | float) and not isinstance(value, bool) else None


def _not_text() -> ValueResult[Any]:
    return ValueResult.invalid("type: must be a string")

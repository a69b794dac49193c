"""Strict argument and result models: what a tool takes is closed and never coerced, what it sends is what it set."""

import inspect
from collections.abc import Callable
from typing import Any, get_origin

import pydantic
from mcp.server.mcpserver.utilities.func_metadata import ArgModelBase
from pydantic import BaseModel, ConfigDict, Field
from pydantic.fields import FieldInfo

from app.a2a.mcp.core.call import Call

STRICT = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, populate_by_name=False)


class ToolInput(BaseModel):
    """Base of the objects inside a tool's arguments: unknown keys are refused and "1" is not 1."""

    model_config = STRICT


class ToolOutput(BaseModel):
    """Base of a tool's result: a field that was not set is not sent, and None is sent as null.

    Fields have no defaults except None, for what may be absent; a test holds every server to that.
    """

    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class _Arguments(ArgModelBase):
    model_config = ConfigDict(**{**STRICT, "arbitrary_types_allowed": True})


def call_parameter(function: Callable[..., Any]) -> str | None:
    """The name of the parameter annotated `Call`, if there is one."""
    for name, parameter in inspect.signature(function, eval_str=True).parameters.items():
        annotation = parameter.annotation
        if annotation is Call or get_origin(annotation) is Call:
            return name
    return None


def arguments_model(function: Callable[..., Any]) -> type[ArgModelBase]:
    """The closed, strict model of a function's parameters, `Call` left out."""
    skip = call_parameter(function)
    fields: dict[str, Any] = {}
    for name, parameter in inspect.signature(function, eval_str=True).parameters.items():
        if name == skip:
            continue
        if parameter.annotation is inspect.Parameter.empty:
            raise TypeError(f"{function.__name__}: parameter {name!r} needs a type")
        default = ... if parameter.default is inspect.Parameter.empty else parameter.default
        field = default if isinstance(default, FieldInfo) else Field(default=default)
        if hasattr(BaseModel, name):
            # A field may not hide what every model has (`schema`, `copy`): it goes by another name, its alias is this.
            fields[f"field_{name}"] = (parameter.annotation, Field(default=default, alias=name))
        else:
            fields[name] = (parameter.annotation, field)
    return pydantic.create_model(f"{function.__name__}_arguments", __base__=_Arguments, **fields)


def input_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The JSON Schema (2020-12) of a tool's arguments, without pydantic's invented titles."""
    schema: dict[str, Any] = _untitled(model.model_json_schema(by_alias=True))
    return {"type": "object", "properties": {}} | schema


def output_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The JSON Schema (2020-12) of a tool's result; a field with a default may be absent."""
    schema: dict[str, Any] = _untitled(model.model_json_schema(by_alias=True, mode="validation"))
    return schema


def _untitled(node: Any, *, named: bool = False) -> Any:
    """Drop `title` from schema nodes, but not from maps whose keys are names (`properties`, `$defs`)."""
    if isinstance(node, list):
        return [_untitled(item) for item in node]
    if not isinstance(node, dict):
        return node
    kept = {key: value for key, value in node.items() if named or key != "title" or not isinstance(value, str)}
    literal = {"default", "const", "enum", "examples"}
    return {
        key: value
        if not named and key in literal
        else _untitled(value, named=not named and key in {"properties", "$defs"})
        for key, value in kept.items()
    }

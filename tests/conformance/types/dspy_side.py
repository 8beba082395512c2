"""What DSPy says of types and signatures in string form, asked of the installed package."""

from __future__ import annotations

import json
import typing
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import dspy
import dspy.experimental
import pydantic
from dspy.adapters.json_adapter import _get_structured_outputs_response_format, _has_open_ended_mapping
from dspy.adapters.utils import _get_json_schema, annotation_allows_none, get_annotation_name
from dspy.clients.legacy_requests import _strict_json_schema
from dspy.signatures.signature import SignatureMeta
from dspy.signatures.signature import infer_prefix as _infer_prefix
from dspy.utils.constants import IS_TYPE_UNDEFINED

BUILTIN = {
    "Image": dspy.Image,
    "Audio": dspy.Audio,
    "File": dspy.File,
    "History": dspy.History,
    "ToolCalls": dspy.ToolCalls,
    "ToolCallResults": dspy.ToolCallResults,
    "Reasoning": dspy.Reasoning,
    "Code": dspy.Code,
    "Document": dspy.experimental.Document,
    "Citations": dspy.experimental.Citations,
}


# typing hands out an equal type that was made before, with the order of that one: what DSPy shows would depend on what
# was read before. Here every type is made anew.
for _form in (typing._SpecialForm, typing._GenericAlias, typing._SpecialGenericAlias, typing._TupleType):  # type: ignore[attr-defined]
    if hasattr(_form.__getitem__, "__wrapped__"):
        setattr(_form, "__getitem__", _form.__getitem__.__wrapped__)  # noqa: B010


class Refused(Exception):  # noqa: N818
    """DSPy does not take it."""


T = TypeVar("T")


def outcome(ask: Callable[[], T]) -> T | Refused:
    """What DSPy answers, a refusal too."""
    try:
        return ask()
    except Refused as refused:
        return refused


@dataclass(frozen=True)
class DescribedType:
    name: str
    schema: str | None
    allows_none: bool


def builtin_schemas() -> dict[str, Any]:
    """What a phrasebook has of DSPy's own types."""
    return {name: pydantic.TypeAdapter(kind).json_schema() for name, kind in BUILTIN.items()}


def read(text: str, declared: Mapping[str, type] | None = None, instructions: str | None = None) -> SignatureMeta:
    names: dict[str, Any] = {"NoneType": type(None), **(declared or {})}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return dspy.Signature(text, instructions, custom_types=names)
    except RecursionError:
        raise
    except Exception as error:
        raise Refused(f"{type(error).__name__}: {error}") from error


def describe_type(annotation: str, declared: Mapping[str, type] | None = None) -> DescribedType:
    """The type as an output field has it."""
    field = read(f"q -> out: {annotation}", declared).output_fields["out"]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            schema = json.dumps(_get_json_schema(field.annotation), ensure_ascii=False)
    except pydantic.errors.PydanticInvalidForJsonSchema:
        schema = None
    return DescribedType(get_annotation_name(field.annotation), schema, annotation_allows_none(field.annotation))


def prefix(name: str) -> str:
    """DSPy's label of a field."""
    return f"{_infer_prefix(name)}:"


def describe_fields(fields: Mapping[str, Any], *, inputs: bool) -> list[dict[str, Any]]:
    """As the line tool says it; only inputs remember that they had no type."""
    return [
        {
            "name": name,
            "type": get_annotation_name(field.annotation),
            "prefix": field.json_schema_extra["prefix"],
            "description": field.json_schema_extra["desc"],
            **({"untyped": field.json_schema_extra.get(IS_TYPE_UNDEFINED, False)} if inputs else {}),
        }
        for name, field in fields.items()
    ]


def response_format(signature: SignatureMeta, *, native_tool_calls: bool = True) -> str | None:
    """The strict schema as DSPy's client sends it; None where the adapter asks for JSON without one."""
    has_tool_calls = any(field.annotation == dspy.ToolCalls for field in signature.output_fields.values())
    if _has_open_ended_mapping(signature) or (not native_tool_calls and has_tool_calls):
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made = _get_structured_outputs_response_format(signature, native_tool_calls)
    except (ValueError, pydantic.PydanticInvalidForJsonSchema, pydantic.PydanticSchemaGenerationError):
        return None
    return json.dumps(_strict_json_schema(made.model_json_schema()), ensure_ascii=False)

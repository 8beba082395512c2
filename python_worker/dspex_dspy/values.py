"""Values of fields: from Python to the JSON that dspex takes, back, and made up at random."""

from __future__ import annotations

import functools
import json
import math
import random
import types
from collections.abc import Mapping
from typing import Any, Union, get_args, get_origin

import dspy
import pydantic

from dspex_dspy.errors import NotTranslatableError
from dspex_dspy.types_of import is_declared, is_own, parts

_DEPTH = 4
# Own types that DSPy writes as markers.
_BY_CONTENTS = ("Image", "Audio", "File", "Document")


def to_json_value(value: Any) -> Any:
    """The value as dspex takes it: what pydantic writes in JSON mode, but DSPy's own types by their contents."""
    if value is None or type(value) in (str, int, bool):
        return value
    if isinstance(value, dspy.Reasoning):
        return value.content
    if isinstance(value, dspy.Code):
        return value.code
    if isinstance(value, dspy.Tool):
        return {"name": value.name, "desc": value.desc, "args": value.args}
    if isinstance(value, dspy.History):
        return {"messages": [to_json_value(message) for message in value.messages]}
    if isinstance(value, dspy.ToolCalls):
        return _tool_calls(value)
    if type(value).__name__ in _BY_CONTENTS and is_own(type(value)):
        return {name: getattr(value, name) for name in type(value).model_fields}
    if isinstance(value, Mapping):
        return {_key(key): to_json_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_json_value(item) for item in value]
    if isinstance(value, dspy.Example):
        return to_json_value(value.toDict())
    kind: Any = type(value)
    return _adapter(kind).dump_python(value, mode="json", fallback=str)


def _tool_calls(value: Any) -> dict[str, Any]:
    """Tool calls; with their ids, which pydantic's JSON leaves out, where results name them. Without results nothing
    asks for ids, and they would be printed."""
    kind: Any = type(value)
    written: dict[str, Any] = _adapter(kind).dump_python(value, mode="json", fallback=str)
    if value.tool_call_results is not None:
        for call, given in zip(written["tool_calls"], value.tool_calls, strict=True):
            if given.id is not None:
                call["id"] = given.id
    return written


@functools.lru_cache(maxsize=1024)
def _adapter(kind: Any) -> Any:
    return pydantic.TypeAdapter(kind)


# Literal[1] equals Literal[True]; their texts tell them apart.
@functools.lru_cache(maxsize=1024)
def _known(_: str, annotation: Any) -> tuple[Any, dict[str, Any]]:
    adapter = pydantic.TypeAdapter(annotation)
    return adapter, adapter.json_schema()


def _key(key: Any) -> str:
    if isinstance(key, str):
        return key
    (written,) = json.loads(pydantic.TypeAdapter(dict[Any, int]).dump_json({key: 0}))
    return str(written)


def check_writable(what: str, value: Any) -> None:
    """Refuses numbers that JSON does not have."""
    if isinstance(value, float) and not math.isfinite(value):
        raise NotTranslatableError(what, f"it holds {value}, which JSON cannot express. Leave the example out.")
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for child in children:
        check_writable(what, child)


def from_json_value(value: Any, annotation: Any) -> Any:
    """The Python value that a caller of DSPy would give.

    DSPy prints inputs as they are given; so only what JSON cannot be, instances of classes, is made from it.
    """
    if value is None or not any(is_own(part) or is_declared(part) for part in parts(annotation)):
        return value
    if annotation is dspy.Tool:
        return _tool(value)
    if get_origin(annotation) is list and get_args(annotation) == (dspy.Tool,):
        return [_tool(each) for each in value]
    try:
        return pydantic.TypeAdapter(annotation).validate_python(value)
    except pydantic.ValidationError:
        return value


def _tool(value: Mapping[str, Any]) -> Any:
    def function(**_: Any) -> None: ...

    return dspy.Tool(function, name=value.get("name"), desc=value.get("desc"), args=value.get("args", {}))


_TEXTS = (
    "", "a", "plain words", "two\nlines", "  edges  ", 'say "hi"', "it's", "back\\slash", "tab\there",
    "{curly} and [square]", "ünïcödé ☃ 漢字", "«quoted»", "<b>bold</b> & more", "[[ ## note ## ]] here",
    "trailing newline\n", "\n\nleading", "emoji \U0001f600", "nbsp\u00a0and\u2028separator", "1", "true", "null",
    "None", "N/A", "a\r\nb", "`ticks`", "$5 100%",
)  # fmt: skip
_PIXEL = "data:image/png;base64,iVBORw0KGgo="


class Generator:
    """Makes up values of annotations; the same seed makes the same ones."""

    def __init__(self, source: random.Random) -> None:
        self.random = source

    def text(self) -> str:
        return self.random.choice(_TEXTS) if self.random.random() < 0.7 else " ".join(self.word() for _ in range(3))

    def word(self) -> str:
        return "".join(self.random.choices("abcdefghijklmnop", k=self.random.randint(1, 7)))

    def value(self, annotation: Any) -> Any:
        """A value of the type, as Python has it. ValueError if none was found that the type takes."""
        if is_own(annotation):
            return self._own(annotation)
        if any(is_own(part) for part in parts(annotation)):
            return self._containing(annotation)
        if annotation is Any:
            return self.json_of({}, {})
        adapter, schema = _known(repr(annotation), annotation)
        for _ in range(50):
            try:
                return adapter.validate_python(self.json_of(schema, schema.get("$defs", {})))
            except (pydantic.ValidationError, ValueError):
                continue
        raise ValueError(f"no value of the type {annotation} was found")

    def json_of(self, schema: Mapping[str, Any], defs: Mapping[str, Any], depth: int = 0) -> Any:
        """A JSON value that the schema probably takes."""
        if depth > 2 * _DEPTH:
            raise ValueError("the type nests without an end")
        if "$ref" in schema:
            return self.json_of(defs[schema["$ref"].rpartition("/")[2]], defs, depth + 1)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self.random.choice(schema["enum"])
        if "allOf" in schema:
            return self.json_of(schema["allOf"][0], defs, depth)
        if "anyOf" in schema:
            choices = schema["anyOf"]
            if depth >= _DEPTH:
                choices = [each for each in choices if each.get("type") == "null"] or choices
            return self.json_of(self.random.choice(choices), defs, depth)
        kind = schema.get("type") or self.random.choice(("string", "integer", "boolean", "null", "number"))
        made: Any = getattr(self, f"_{kind}")(schema, defs, depth)
        return made

    def _null(self, *_: Any) -> None:
        return None

    def _boolean(self, *_: Any) -> bool:
        return self.random.random() < 0.5

    def _integer(self, schema: Mapping[str, Any], *_: Any) -> int:
        low, high = self._bounds(schema)
        step = int(schema.get("multipleOf", 1))
        return self.random.randint(math.ceil(low / step), math.floor(high / step)) * step

    def _number(self, schema: Mapping[str, Any], *_: Any) -> float:
        if not schema.keys() & {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}:
            return self.random.choice((0.0, -1.5, 0.1, 1e22, 1e-7, 3.0, 123456789.125, self.random.uniform(-10, 10)))
        low, high = self._bounds(schema)
        step = schema.get("multipleOf")
        return (
            self.random.randint(math.ceil(low / step), math.floor(high / step)) * step
            if step
            else self.random.uniform(low, high)
        )

    def _bounds(self, schema: Mapping[str, Any]) -> tuple[float, float]:
        low = schema.get("minimum", schema.get("exclusiveMinimum"))
        high = schema.get("maximum", schema.get("exclusiveMaximum"))
        low = (high - 100 if high is not None else -100) if low is None else low
        return low, (max(low, 0) + 1000 if high is None else high)

    def _string(self, schema: Mapping[str, Any], *_: Any) -> str:
        form = str(schema.get("format"))
        day = f"20{self.random.randint(10, 29)}-0{self.random.randint(1, 9)}-1{self.random.randint(0, 9)}"
        clock = f"0{self.random.randint(0, 9)}:{self.random.randint(10, 59)}:{self.random.randint(10, 59)}"
        forms = {
            "date": day,
            "time": clock,
            "date-time": f"{day}T{clock}" + self.random.choice(("", "Z", "+02:00")),
            "duration": f"P{self.random.randint(0, 9)}DT{self.random.randint(0, 9)}H",
            "uuid": f"{self.random.getrandbits(128):032x}",
        }
        if form in forms:
            return forms[form]
        if "pattern" in schema:
            # Decimal's; others are left to luck.
            return f"{self.random.randint(0, 99)}.{self.random.randint(0, 9)}"
        text = self.text()
        text += "x" * (schema.get("minLength", 0) - len(text))
        return str(text[: schema.get("maxLength")])

    def _array(self, schema: Mapping[str, Any], defs: Mapping[str, Any], depth: int) -> list[Any]:
        if "prefixItems" in schema:
            return [self.json_of(each, defs, depth + 1) for each in schema["prefixItems"]]
        least = schema.get("minItems", 0)
        # The order of a set is nobody's to choose.
        most = 1 if schema.get("uniqueItems") else schema.get("maxItems", least + (0 if depth >= _DEPTH else 3))
        return [self.json_of(schema.get("items", {}), defs, depth + 1) for _ in range(self.random.randint(least, most))]

    def _object(self, schema: Mapping[str, Any], defs: Mapping[str, Any], depth: int) -> dict[str, Any]:
        required = schema.get("required", ())
        made = {
            name: self.json_of(each, defs, depth + 1)
            for name, each in schema.get("properties", {}).items()
            if name in required or (depth < _DEPTH and self.random.random() < 0.8)
        }
        further = schema.get("additionalProperties")
        if isinstance(further, dict) or (further and not made):
            rest = further if isinstance(further, dict) else {"type": "string"}
            # Keys may have to be numbers, which the schema does not say.
            keys = schema.get("propertyNames") or {"type": self.random.choice(("string", "integer"))}
            for _ in range(0 if depth >= _DEPTH else self.random.randint(0, 3)):
                key = self.word() if keys == {"type": "string"} else str(self.json_of(keys, defs, depth + 1))
                made[key] = self.json_of(rest, defs, depth + 1)
        return made

    def _containing(self, annotation: Any) -> Any:
        """A value of a type that DSPy's own ones are part of."""
        origin, arguments = get_origin(annotation), get_args(annotation)
        if origin in (Union, types.UnionType):
            return self.value(self.random.choice(arguments))
        if origin is dict:
            return {self.word(): self.value(arguments[1]) for _ in range(self.random.randint(0, 2))}
        if origin is tuple and Ellipsis not in arguments:
            return tuple(self.value(argument) for argument in arguments)
        made = [self.value(arguments[0]) for _ in range(self.random.randint(0, 3))]
        return made if origin is list else origin(made)

    def _own(self, kind: Any) -> Any:
        call = {"name": self.word(), "args": {self.word(): self.json_of({}, {})}}
        made: dict[str, Any] = {
            "Image": {"url": self.random.choice(("https://example.com/a.png", _PIXEL))},
            "Audio": {"data": "UklGRg==", "audio_format": "wav"},
            "File": {"file_data": "data:text/plain;base64,aGk=", "filename": f"{self.word()}.txt"},
            "Document": {"data": self.text(), "title": self.word()},
            "Citations": {"citations": []},
            "History": {"messages": []},
            "ToolCalls": {"tool_calls": [call]},
            "ToolCallResults": {"tool_call_results": [{"name": self.word(), "value": self.json_of({}, {})}]},
            "Reasoning": {"content": self.text()},
        }
        if kind is dspy.Tool:
            arguments = {self.word(): {"type": "string"}, self.word(): {"type": "integer", "default": 3}}
            return _tool(
                {"name": self.word(), "desc": self.random.choice((None, "What it does.\nMore.")), "args": arguments}
            )
        if issubclass(kind, dspy.Code):
            return kind(code=self.text())
        return pydantic.TypeAdapter(kind).validate_python(made[kind.__name__])

"""Captures what DSPy says about its own types: descriptions, schemas, docstrings, and how a tool or document prints."""

from __future__ import annotations

import functools
import importlib
import json
import pkgutil
from collections.abc import Mapping
from typing import Any

import dspy
import dspy.adapters.types
import pydantic

from dspex_dspy.cut import Fragments, Names, Pieces, cut, literals, rendered, without_prefix
from dspex_dspy.errors import CaptureError
from dspex_dspy.rendering import FieldSpec, messages_of, signature, system_of, texts

# The types that dspex knows, by their names in Python.
OWN_TYPES = (
    "Image", "Audio", "File", "Document", "Citations", "Citation", "History", "Tool", "ToolCalls", "ToolCall",
    "ToolCallResults", "ToolCallResult", "Reasoning", "Code",
)  # fmt: skip


@functools.cache
def own_types() -> dict[str, Any]:
    """DSPy's classes of those names; nested ones are found within their owners."""
    found: dict[str, Any] = {}
    for info in pkgutil.iter_modules(dspy.adapters.types.__path__):
        module = importlib.import_module(f"dspy.adapters.types.{info.name}")
        for owner in vars(module).values():
            if isinstance(owner, type) and owner.__module__ == module.__name__:
                for kind in (owner, *vars(owner).values()):
                    if isinstance(kind, type) and issubclass(kind, pydantic.BaseModel) and kind.__name__ in OWN_TYPES:
                        found[kind.__name__] = kind
    return {name: found[name] for name in OWN_TYPES if name in found}


def descriptions(names: Names, text: Mapping[str, Pieces]) -> Fragments:
    """The descriptions of types that prompts show beside a field."""
    language = names.type_name("language")
    fragments: Fragments = {}
    for name, kind in own_types().items():
        if not issubclass(kind, dspy.Type) or not kind.description():
            continue
        slots = {}
        if name == "Code":
            kind = kind[language]
            slots = {language: "language", language.lower(): "language_lower"}
        fragments[name] = cut(f"type_description of {name}", _shown_description(kind, text, names), slots)
    return fragments


def _shown_description(kind: Any, text: Mapping[str, Pieces], names: Names) -> str:
    field, last = names.words("in", 2)
    fields: dict[str, FieldSpec] = {field: (kind, {}), last: (str, {})}
    system = system_of(dspy.ChatAdapter(), signature(fields, texts(names.words("out", 1))))
    ident = f"type_description of {kind.__name__}"
    line = rendered(text["field"], index="1", name=field, type=kind.__name__)
    following = "\n" + rendered(text["field"], index="2", name=last, type="str").rstrip() + "\n"
    begin = system.find(line)
    end = system.find(following, begin)
    if begin < 0 or end < 0:
        raise CaptureError(ident, f"the line of the field cannot be told from the rest of {system!r}")
    shown = system[begin + len(line) : end]
    prefix, suffix = rendered(text["type_description"], type=kind.__name__, text="\0").split("\0")
    if not shown.endswith(suffix):
        raise CaptureError(ident, f"it does not end as others do: {shown!r}")
    return without_prefix(ident, shown, prefix)[: len(shown) - len(prefix) - len(suffix)]


def schemas() -> dict[str, str]:
    """The JSON Schema of each type, as pydantic writes it."""
    found = {}
    for name, kind in own_types().items():
        try:
            schema = pydantic.TypeAdapter(kind).json_schema()
        except pydantic.PydanticInvalidForJsonSchema:
            # A tool holds a function.
            continue
        found[name] = json.dumps(schema, ensure_ascii=False)
    return found


def type_first(schema: Any) -> Any:
    """The schema as prompts show it: keys sorted, "type" first."""
    if isinstance(schema, dict):
        return {key: type_first(schema[key]) for key in sorted(schema, key=lambda key: (key != "type", key))}
    if isinstance(schema, list):
        return [type_first(item) for item in schema]
    return schema


def shown_schemas(names: Names, text: Mapping[str, Pieces]) -> dict[str, str]:
    """The schemas that prompts show, cut out of them."""
    found = {}
    prefix, suffix = rendered(text["note_schema"], schema="\0").split("\0")
    for name in schemas():
        outputs: dict[str, FieldSpec] = {names.word("out"): (own_types()[name], {}), names.word("last"): (str, {})}
        system = system_of(dspy.ChatAdapter(), signature({}, outputs))
        marker = f"[[ ## {names.word('out')} ## ]]\n" + rendered(
            text["placeholder"], name=names.word("out"), note=prefix
        )
        if marker in system:
            shown = system.partition(marker)[2].partition(f"{suffix}\n\n[[ ## ")[0]
            found[name] = shown
    return found


def docstrings() -> dict[str, str]:
    """The types' own docstrings, as they stand in the source."""
    return {name: kind.__doc__ for name, kind in own_types().items() if kind.__doc__}


def tools(names: Names) -> Fragments:
    """How a tool prints in a prompt."""
    field, last, value = names.word("in"), names.word("last"), names.word("value")
    name, description, argument = names.word("tool"), names.word("description"), names.word("argument")

    def function() -> None: ...

    arguments = {argument: {"type": value}}
    sig = signature({field: (dspy.Tool, {}), last: (str, {})}, texts(names.words("out", 1)))

    def shown(fragment: str, **more: Any) -> str:
        tool = dspy.Tool(function, name=name, args=arguments, **more)
        turn = str(messages_of(dspy.ChatAdapter(), sig, {field: tool, last: value})[-1]["content"])
        return without_prefix(fragment, turn, f"[[ ## {field} ## ]]\n").partition(f"\n\n[[ ## {last} ## ]]")[0]

    slots = {name: "name", str(arguments): "arguments"}
    return {
        "tool": cut("tool", shown("tool", desc=description), {**slots, description: "description"}),
        "tool_no_description": cut("tool_no_description", shown("tool_no_description"), slots),
    }


def documents(names: Names) -> Fragments:
    """How a document prints where it is turned into text."""
    document = own_types().get("Document")
    if document is None:
        raise CaptureError("document", "this DSPy has no such type")
    title = names.word("title")
    # The length is a sentinel too.
    data = "x" * 7919
    length = {str(len(data)): "length"}
    return {
        "document": cut("document", str(document(data=data, title=title)), {title: "title", **length}),
        "untitled_document": literals(*cut("untitled_document", str(document(data=data)), length)),
    }

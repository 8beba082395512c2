"""Writes pydantic's core schemas in dspex's notation, where JSON Schema says less than the type did."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Core = dict[str, Any]

_PLAIN = {
    "any": "Any",
    "none": "None",
    "bool": "bool",
    "int": "int",
    "float": "float",
    "str": "str",
    "bytes": "bytes",
    "decimal": "decimal.Decimal",
    "date": "datetime.date",
    "time": "datetime.time",
    "datetime": "datetime.datetime",
    "timedelta": "datetime.timedelta",
    "uuid": "uuid.UUID",
}
CLASSES = ("model", "dataclass", "enum", "typed-dict")


def children(node: Core) -> Iterator[Core]:
    """The schemas that a schema is made of."""
    for key in ("schema", "items_schema", "keys_schema", "values_schema", "extras_schema"):
        value = node.get(key)
        for child in value if isinstance(value, list) else [value]:
            if child:
                yield child
    for key in ("choices", "definitions", "fields"):
        several = node.get(key, ())
        for child in several.values() if isinstance(several, dict) else several:
            child = child[0] if isinstance(child, tuple) else child
            # A dataclass lists its fields' names too.
            if isinstance(child, dict):
                yield child


def is_vague(node: Core) -> bool:
    """Whether JSON Schema writes the type as it writes another one: Decimal, frozensets, tuples of any length, dicts
    whose keys are not text."""
    if node["type"] in CLASSES:
        return False
    if node["type"] in ("decimal", "frozenset") or node.get("variadic_item_index") is not None:
        return True
    if node["type"] == "dict" and node.get("keys_schema", {"type": "any"})["type"] not in ("str", "any"):
        return True
    return any(is_vague(child) for child in children(node))


def defs_key(name: str) -> str:
    """A class's name as pydantic writes it in "$defs"."""
    return "".join(letter if letter.isalnum() or letter in "._-" else "_" for letter in name)


def notation(node: Core, definitions: Mapping[str, Core]) -> str:
    """The type in dspex's notation."""
    kind = node["type"]
    if kind in _PLAIN:
        return _PLAIN[kind]
    if kind == "definition-ref":
        return notation(definitions[node["schema_ref"]], definitions)
    if kind in CLASSES:
        return defs_key(node["cls"].__name__)
    if kind == "nullable":
        return f"{notation(node['schema'], definitions)} | None"
    if kind == "literal":
        return f"Literal[{', '.join(map(repr, node['expected']))}]"
    inner = [notation(child, definitions) for child in children(node)]
    if kind == "union":
        return " | ".join(inner)
    if kind == "tuple":
        return f"tuple[{', '.join(inner) or '()'}{', ...' if node.get('variadic_item_index') is not None else ''}]"
    if kind in ("list", "set", "frozenset", "dict"):
        return f"{kind}[{', '.join(inner)}]" if inner else kind
    return inner[0]

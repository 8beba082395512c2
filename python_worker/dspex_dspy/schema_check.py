"""Decides whether a class means no more than its JSON Schema says: then a type that is declared by it is its equal."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Any

import pydantic
import pydantic_core

from dspex_dspy.core_notation import CLASSES, Core, children, defs_key, is_vague, notation
from dspex_dspy.errors import NotTranslatableError

# What pydantic validates by rules that JSON Schema states.
_PLAIN_NODES = frozenset(
    {
        "any", "none", "bool", "int", "float", "decimal", "str", "bytes", "date", "time", "datetime", "timedelta",
        "uuid", "literal", "enum", "list", "tuple", "set", "frozenset", "dict", "default", "nullable", "union",
        "typed-dict", "typed-dict-field", "model-fields", "model-field", "model", "dataclass",
        "dataclass-args", "dataclass-field", "definitions", "definition-ref",
    }
)  # fmt: skip
_REASONS = {
    "tagged-union": "it has a discriminated union. Use a plain union",
    "function-before": "it has a validator. Validate where the answer is used",
    "function-after": "it has a validator. Validate where the answer is used",
    "function-wrap": "it has a validator. Validate where the answer is used",
    "function-plain": "it has a validator. Validate where the answer is used",
}
# Settings that change values and that no schema tells.
_CHANGING = ("strict", "strip_whitespace", "to_lower", "to_upper", "coerce_numbers_to_str", "fail_fast", "on_error")
_HARMLESS_CONFIG = frozenset({"title", "frozen", "validate_assignment", "extra_fields_behavior", "from_attributes"})


@dataclass
class Extensions:
    """What dspex has to know of declared types beyond their JSON Schema, by the name in "$defs" and the property."""

    enums: dict[str, dict[str, Any]] = field(default_factory=dict)
    types: dict[tuple[str, str], str] = field(default_factory=dict)
    python_names: dict[tuple[str, str], str] = field(default_factory=dict)
    defaults: dict[tuple[str, str], Any] = field(default_factory=dict)
    # Dataclasses and TypedDicts, which some adapters show otherwise than models of the same schema.
    not_models: set[str] = field(default_factory=set)

    def added(self, name: str, definition: dict[str, Any]) -> dict[str, Any]:
        """The definition of that name with its extensions, which no prompt shows."""
        definition = {**definition, **self.enums.get(name, {})}
        if "properties" not in definition:
            return definition
        further = {"x-dspex-name": self.python_names, "x-dspex-type": self.types, "x-dspex-default": self.defaults}
        properties = {
            key: {**schema, **{marker: known[name, key] for marker, known in further.items() if (name, key) in known}}
            for key, schema in definition["properties"].items()
        }
        return {**definition, "properties": properties}


def check_declared(what: str, kind: Any) -> Extensions:
    """Checks a class and all that it refers to. NotTranslatableError says what no schema can tell."""
    checker = _Checker(what, kind)
    try:
        core_schema = pydantic.TypeAdapter(kind).core_schema
    except pydantic.PydanticUserError as error:
        raise checker.refused(f"pydantic does not take it: {str(error).splitlines()[0].rstrip('.')}") from error
    checker.visit(dict(core_schema))
    return checker.extensions


class _Checker:
    def __init__(self, what: str, kind: Any) -> None:
        self.what = what
        self.kind = kind
        self.extensions = Extensions()
        self.owner = str(kind.__name__)
        self.definitions: dict[str, Core] = {}

    def refused(self, reason: str) -> NotTranslatableError:
        return NotTranslatableError(self.what, f"the type {self.owner} cannot be translated: {reason}.")

    def visit(self, node: Core) -> None:
        kind = node["type"]
        if kind == "definitions":
            self.definitions |= {each["ref"]: each for each in node["definitions"]}
        if "cls" in node and kind in CLASSES:
            self._visit_class(node)
            return
        if kind not in _PLAIN_NODES:
            raise self.refused(
                _REASONS.get(kind, f"it holds a {kind}, which JSON Schema cannot express. Use a plain type")
            )
        self._visit_settings(node)
        for child in children(node):
            self.visit(child)

    def _visit_class(self, node: Core) -> None:
        outer, self.owner = self.owner, str(node["cls"].__name__)
        if node["cls"].__module__.partition(".")[0] == "dspy":
            raise self.refused("it belongs to DSPy and stands within another type. Make it a field of the signature")
        if node["type"] == "enum":
            self._visit_enum(node)
        else:
            if node["type"] != "model":
                self.extensions.not_models.add(self.owner)
            for setting, reason in (
                ("custom_init", "it has an __init__ of its own. Validate where the answer is used"),
                ("post_init", "it runs code after it is made. Do that where the answer is used"),
            ):
                if node.get(setting):
                    raise self.refused(reason)
            self._visit_config(node.get("config") or {})
            self._visit_settings(node)
            for child in children(node):
                self.visit(child)
        self.owner = outer

    def _visit_config(self, config: Core) -> None:
        for key, value in config.items():
            if key not in _HARMLESS_CONFIG and value:
                raise self.refused(f"its configuration sets {key}, which JSON Schema cannot express. Leave that out")

    def _visit_settings(self, node: Core) -> None:
        for setting in _CHANGING:
            if node.get(setting) and node.get(setting) != "raise":
                raise self.refused(f"it sets {setting}, which JSON Schema cannot express. Leave that out")
        if node.get("serialization"):
            raise self.refused("it has a serializer. Convert where the answer is used")
        if node.get("computed_fields"):
            raise self.refused("it has computed fields. Compute them where the answer is used")
        if node["type"] == "union" and node.get("mode", "smart") != "smart":
            raise self.refused("it has a union that is tried from left to right. Use a plain union")
        if node["type"] in ("model-fields", "typed-dict", "dataclass-args"):
            self._visit_fields(node)

    def _visit_fields(self, node: Core) -> None:
        fields = node["fields"]
        named = fields.items() if isinstance(fields, dict) else ((each["name"], each) for each in fields)
        for name, each in named:
            alias = each.get("validation_alias", name)
            if not isinstance(alias, str) or each.get("serialization_alias", alias) != alias:
                raise self.refused(f"its field {name} has several aliases. Give it one alias")
            if each.get("serialization_exclude"):
                raise self.refused(f"its field {name} is left out when values are written. Leave that out")
            if alias != name:
                self.extensions.python_names[self.owner_key, alias] = name
            self._visit_default(name, alias, each["schema"])
            if is_vague(each["schema"]):
                self.extensions.types[self.owner_key, alias] = notation(each["schema"], self.definitions)

    def _visit_default(self, name: str, alias: str, schema: Core) -> None:
        if schema["type"] != "default" or "default_factory" not in schema:
            return
        factory = schema["default_factory"]
        try:
            first, second = (pydantic_core.to_jsonable_python(factory()) for _ in range(2))
        except Exception as error:
            raise self.refused(
                f"the default of its field {name} cannot be made outside Python. Give a constant"
            ) from error
        if first != second:
            raise self.refused(f"the default of its field {name} is another one each time. Give a constant")
        self.extensions.defaults[self.owner_key, alias] = first

    @property
    def owner_key(self) -> str:
        return defs_key(self.owner)

    def _visit_enum(self, node: Core) -> None:
        cls = node["cls"]
        finds_more = cls._missing_.__func__ is not enum.Enum._missing_.__func__  # type: ignore[attr-defined]
        if finds_more or issubclass(cls, enum.Flag):
            raise self.refused("it takes values that are not its members'. List them all")
        if len(cls.__members__) != len(list(cls)):
            raise self.refused("two of its members have the same value. Remove one")
        for member in cls:
            if not (member.value is None or isinstance(member.value, str | int | float)):
                raise self.refused(f"the value of its member {member.name} is no text and no number. Use such")
        known: dict[str, Any] = {"x-enum-varnames": [member.name for member in cls]}
        for base in (str, int, float):
            if issubclass(cls, base):
                known["x-enum-base"] = base.__name__
        self.extensions.enums[self.owner_key] = known

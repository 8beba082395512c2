"""Translates Python annotations: to dspex's notation, and classes to declared types."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import types
import typing
import uuid
from typing import Any, Literal, Union, get_args, get_origin

import dspy
import pydantic
from typing_extensions import is_typeddict

from dspex_dspy.capture_types import own_types
from dspex_dspy.errors import NotTranslatableError
from dspex_dspy.rendering import to_json
from dspex_dspy.schema_check import check_declared

_PLAIN: dict[Any, str] = {
    str: "str",
    int: "int",
    float: "float",
    bool: "bool",
    bytes: "bytes",
    None: "None",
    type(None): "None",
    Any: "Any",
    list: "list",
    dict: "dict",
    tuple: "tuple",
    set: "set",
    frozenset: "frozenset",
    typing.List: "List",  # noqa: UP006
    typing.Dict: "Dict",  # noqa: UP006
    typing.Tuple: "Tuple",  # noqa: UP006
    typing.Set: "Set",  # noqa: UP006
    typing.FrozenSet: "FrozenSet",  # noqa: UP006
    datetime.date: "datetime.date",
    datetime.time: "datetime.time",
    datetime.datetime: "datetime.datetime",
    datetime.timedelta: "datetime.timedelta",
    decimal.Decimal: "decimal.Decimal",
    uuid.UUID: "uuid.UUID",
}
_CONTAINERS = {list: "list", dict: "dict", tuple: "tuple", set: "set", frozenset: "frozenset"}
_EXPERIMENTAL = ("Document", "Citations")


def is_own(kind: Any) -> bool:
    """Whether it is one of DSPy's own types, or Code for some language."""
    return isinstance(kind, type) and (kind in own_types().values() or code_language(kind) is not None)


def code_language(kind: Any) -> str | None:
    """The language of a type that Code[...] made; None if it is no such type."""
    if isinstance(kind, type) and kind is not dspy.Code and dspy.Code in kind.__bases__:
        language = getattr(kind, "language", None)
        if isinstance(language, str) and kind.__name__ == f"Code_{language}":
            return language
    return None


def parts(annotation: Any) -> list[Any]:
    """The annotation and all that it is made of, classes' fields apart."""
    found = [annotation]
    if get_origin(annotation) is not Literal:
        for argument in get_args(annotation):
            found += parts(argument)
    return found


def is_declared(kind: Any) -> bool:
    """Whether a type is one that a program must declare."""
    if not isinstance(kind, type) or get_origin(kind) is not None or is_own(kind) or issubclass(kind, dspy.Type):
        return False
    return (
        issubclass(kind, pydantic.BaseModel | enum.Enum) or dataclasses.is_dataclass(kind) or bool(is_typeddict(kind))
    )


class TypeWriter:
    """Writes annotations in dspex's notation and collects the types that must be declared for them."""

    def __init__(self, what: str) -> None:
        self.what = what
        self.declared: dict[str, dict[str, Any]] = {}
        # Dataclasses and TypedDicts among them.
        self.not_models: set[str] = set()

    def write(self, annotation: Any) -> str:
        """The notation of a type. NotTranslatableError if there is none."""
        if isinstance(annotation, typing.Hashable) and annotation in _PLAIN:
            return _PLAIN[annotation]
        origin, arguments = get_origin(annotation), get_args(annotation)
        if origin in (Union, types.UnionType):
            return " | ".join(self.write(argument) for argument in arguments)
        if origin is Literal:
            return f"Literal[{', '.join(self._literal(value) for value in arguments)}]"
        if origin in _CONTAINERS:
            inner = ["..." if argument is Ellipsis else self.write(argument) for argument in arguments]
            return f"{_CONTAINERS[origin]}[{', '.join(inner) or '()'}]"
        if is_own(annotation):
            return self._own(annotation)
        if is_declared(annotation):
            return self._declare(annotation)
        raise self._refused(annotation)

    def declarations(self) -> list[dict[str, Any]]:
        """The declared types as dspex.v1.TypeDeclaration."""
        return [{"name": name, "schema_json": to_json(schema)} for name, schema in self.declared.items()]

    def _literal(self, value: Any) -> str:
        if value is None or type(value) in (bool, int, str):
            return repr(value)
        raise NotTranslatableError(
            self.what,
            f"the Literal holds {value!r}; it can hold strings, whole numbers, True, False and None. Use those.",
        )

    def _own(self, kind: Any) -> str:
        language = code_language(kind)
        if language is not None:
            return f'dspy.Code["{language}"]'
        name = kind.__name__
        if kind.__qualname__ != name:
            raise self._refused(kind)
        return f"dspy.experimental.{name}" if name in _EXPERIMENTAL else f"dspy.{name}"

    def _declare(self, kind: Any) -> str:
        """Declares a class and those that it refers to; returns the name under which it goes."""
        extensions = check_declared(self.what, kind)
        self.not_models |= extensions.not_models
        schema = pydantic.TypeAdapter(list[kind]).json_schema()
        for name, definition in schema["$defs"].items():
            definition = extensions.added(name, definition)
            if self.declared.setdefault(name, definition) != definition:
                raise NotTranslatableError(
                    self.what, f"two different types are called {name}. Give one of them another name."
                )
        return str(schema["items"]["$ref"].rpartition("/")[2])

    def _refused(self, annotation: Any) -> NotTranslatableError:
        name = getattr(annotation, "__name__", str(annotation))
        if isinstance(annotation, type) and issubclass(annotation, dspy.Type):
            advice = "a type that formats itself needs Python. Use one of DSPy's own types or a pydantic model"
        elif get_origin(annotation) is typing.Annotated:
            advice = "Annotated has no equal within a field's type. Put the bounds into a pydantic model"
        else:
            advice = "it has no equal outside Python. Use a built-in type, a pydantic model, a dataclass or an enum"
        return NotTranslatableError(self.what, f"the type {name} cannot be translated: {advice}.")

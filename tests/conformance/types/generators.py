"""Hypothesis strategies: annotations, signatures in string form, names, pydantic models."""

from __future__ import annotations

import datetime
import decimal
import enum
import functools
import keyword
import re
import typing
import unicodedata
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pydantic
from hypothesis import strategies as st

SCALARS = (
    "str", "int", "float", "bool", "bytes", "None", "NoneType", "Any", "typing.Any", "Text", "datetime.datetime",
    "datetime.date", "datetime.time", "datetime.timedelta", "decimal.Decimal", "uuid.UUID", "list", "dict", "tuple",
    "set", "frozenset", "List", "Dict", "Set", "FrozenSet", "Tuple", "typing.List", "tuple[()]", "Tuple[()]",
)  # fmt: skip
BUILTIN = (
    "dspy.Image", "dspy.Audio", "dspy.File", "dspy.History", "dspy.Tool", "dspy.ToolCalls", "dspy.ToolCallResults",
    "dspy.Reasoning", "dspy.Code", "dspy.experimental.Document", "dspy.experimental.Citations",
    "dspy.adapters.types.image.Image", "dspy.adapters.Image",
)  # fmt: skip
HASHABLE = (
    "str", "int", "float", "bool", "bytes", "None", "NoneType", "Any", "datetime.date", "datetime.time", "uuid.UUID",
    "decimal.Decimal", "datetime.timedelta", "Literal['a']", "Literal['a', 'b']", "Literal[1, 2]", "str | int",
    "Optional[str]", "tuple[int, str]", "FrozenSet[int]",
)  # fmt: skip
# Neither side is to take these.
WRONG = (
    "complexx", "int[str]", "list[", "list]", "dict[str]", "Optional[int, str]", "tuple[..., int]", "Literal[-1]",
    "Literal", "Optional", "Union", "int +", "[int]", "{}", "1", "datetime", "dspy.Nothing", "dspy", "typing", "",
    "int int", "| int", "tuple[int, str, ...]", "Literal[]", "Union[]", "lambda: int", "int if 1 else str", "list[...]",
    "bytearray", "Callable", "Literal[x y]", "list[int]]",
)  # fmt: skip


def spaces() -> st.SearchStrategy[str]:
    return st.sampled_from(["", "", "", " ", "  "])


def literal_texts() -> st.SearchStrategy[str]:
    text = st.text(st.sampled_from("ab \"'\\\n\t,]|:é漢\U0001f600{}"), max_size=5)
    return text.map(repr) | st.sampled_from(['"it\'s"', "'a' 'b'", "r'\\d'", "u'x'", "'''q'''"])


@st.composite
def literals(draw: st.DrawFn) -> str:
    value = st.one_of(
        literal_texts(), st.sampled_from(["0", "1", "17", "True", "False", "None", "0x10", "1_000", "Literal['n', 2]"])
    )
    values = draw(st.lists(value, min_size=1, max_size=4))
    name, comma = draw(st.sampled_from(["Literal", "typing.Literal"])), draw(st.sampled_from(["", ","]))
    return f"{name}[{', '.join(values)}{comma}]"


# Stands for one of the declared types of a case.
PLACE = re.compile(r"DECLARED(\d)")


def _wrap(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    hashable = st.sampled_from(HASHABLE)
    lists = st.sampled_from(["list", "List", "typing.List"])
    sets = st.sampled_from(["set", "Set", "frozenset", "FrozenSet"])
    some = st.lists(inner, min_size=1, max_size=4)
    return st.one_of(
        st.tuples(lists, spaces(), inner).map(lambda p: f"{p[0]}[{p[1]}{p[2]}]"),
        st.tuples(st.sampled_from(["dict", "Dict"]), hashable, inner).map(lambda p: f"{p[0]}[{p[1]}, {p[2]}]"),
        st.tuples(sets, hashable).map(lambda p: f"{p[0]}[{p[1]}]"),
        st.tuples(st.sampled_from(["tuple", "Tuple"]), some).map(lambda p: f"{p[0]}[{', '.join(p[1])}]"),
        inner.map(lambda t: f"tuple[{t}, ...]"),
        inner.map(lambda t: f"Optional[{t}]"),
        inner.map(lambda t: f"({t})"),
        some.map(lambda ts: f"Union[{', '.join(ts)}]"),
        st.tuples(inner, spaces(), spaces(), inner).map(lambda p: f"{p[0]}{p[1]}|{p[2]}{p[3]}"),
        st.tuples(inner, inner).map(lambda p: f"{p[0]} | {p[1]} | None"),
    )


@functools.cache
def annotation_texts(*, builtin: bool = True, declared: bool = False) -> st.SearchStrategy[str]:
    """Annotations that both sides take; with `declared`, places for declared types in them."""
    leaves = [st.sampled_from(SCALARS), literals()]
    if builtin:
        leaves.append(st.sampled_from(BUILTIN))
    if declared:
        leaves += [st.integers(0, 9).map(lambda place: f"DECLARED{place}")] * 3
    return st.recursive(st.one_of(leaves), _wrap, max_leaves=6)


def placed(annotation: str, names: Sequence[str]) -> str:
    """The annotation with declared names in its places."""
    return PLACE.sub(lambda place: names[int(place[1]) % len(names)], annotation)


PARTS = ("a", "B", "URL", "Id", "2", "_", "camel", "Case", "é", "É", "ß", "Σ", "ς", "\u03c3", "İ", "\u0131", "ǅ", "ŉ")


def names() -> st.SearchStrategy[str]:
    """Python identifiers in their normal form, of every script."""
    usual = st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_]{0,20}", fullmatch=True)
    parts = st.lists(
        st.sampled_from(PARTS),
        min_size=1,
        max_size=8,
    ).map("".join)
    letters = st.characters(categories=["Lu", "Ll", "Lt", "Lm", "Lo", "Nl", "Mn", "Mc", "Nd", "Pc"])
    anything = st.text(letters, min_size=1, max_size=8)
    return (
        st.one_of(usual, parts, anything)
        .map(lambda name: unicodedata.normalize("NFKC", name))
        .filter(lambda name: name.isidentifier() and not keyword.iskeyword(name))
    )


FIELD_NAMES = ("q", "question", "answer", "a_b", "camelCase", "url2", "x", "y", "données", "n_1")


@st.composite
def signature_texts(draw: st.DrawFn) -> str:
    """Signatures, most of them whole."""

    def field() -> str:
        name = draw(st.sampled_from(FIELD_NAMES))
        kind = draw(st.integers(0, 9))
        if kind < 3:
            return name
        annotation = draw(annotation_texts()) if kind < 9 else draw(st.sampled_from(WRONG))
        default = draw(st.sampled_from(["", "", "", " = 3", " = [1, 2]", "='x, y'", " ="]))
        return f"{name}{draw(spaces())}:{draw(spaces())}{annotation}{default}"

    def side(minimum: int) -> str:
        count = draw(st.integers(minimum, 3))
        return ", ".join(field() for _ in range(count)) + draw(st.sampled_from(["", "", "", "", ","]))

    text = f"{side(0)} -> {side(1)}"
    if draw(st.integers(0, 4)) > 0:
        return text
    # Broken somewhere.
    position = draw(st.integers(0, len(text)))
    change = draw(st.sampled_from(["cut", "drop", "insert"]))
    if change == "cut":
        return text[:position]
    if change == "drop":
        return text[:position] + text[position + 1 :]
    return text[:position] + draw(st.sampled_from(list("[](),:|->'\"=. \nxé1*/#"))) + text[position:]


@st.composite
def _enum(draw: st.DrawFn, name: str) -> type[enum.Enum]:
    values = draw(
        st.one_of(
            st.lists(st.text(st.sampled_from("abc é'\""), min_size=1, max_size=4), min_size=1, max_size=4, unique=True),
            st.lists(st.integers(-5, 1000), min_size=1, max_size=4, unique=True),
            st.just(["a", 1, 2.5]),
        )
    )
    members = {f"M{index}": value for index, value in enumerate(values)}
    texts = draw(st.booleans()) and all(isinstance(value, str) for value in values)
    kind: Any = enum.StrEnum if texts else enum.Enum
    made: type[enum.Enum] = kind(name, members)
    made.__doc__ = draw(st.sampled_from([None, "A choice.", "Two\n    lines é."]))
    return made


def _constraints(annotation: str) -> st.SearchStrategy[dict[str, Any]]:
    bounds: dict[str, list[dict[str, Any]]] = {
        "int": [{"ge": 0}, {"gt": -3, "lt": 10}, {"multiple_of": 5}],
        "float": [{"le": 1.5}, {"gt": 0.25}],
        "str": [{"min_length": 1}, {"max_length": 20, "pattern": r"^\w+$"}],
        "list[int]": [{"min_length": 1, "max_length": 3}],
    }
    return st.sampled_from([{}, {}, *bounds.get(annotation, [])])


DEFAULTS: dict[str, list[Any]] = {
    "int": [3, 0], "str": ["x", "é", ""], "float": [1.5, 2.0], "bool": [True], "list[int]": [[1, 2]],
    "dict[str, int]": [{"b": 1, "a": 2}],
}  # fmt: skip


CONFIGS: list[pydantic.ConfigDict] = [
    {}, {}, {"extra": "forbid"}, {"extra": "allow"}, {"title": "Another title"}, {"json_schema_extra": {"x-more": [1]}},
]  # fmt: skip


def _evaluate(annotation: str, declared: dict[str, Any]) -> Any:
    modules = {"typing": typing, "datetime": datetime, "decimal": decimal, "uuid": uuid}
    return eval(annotation, {**vars(typing), **modules, "NoneType": type(None), **declared})


@st.composite
def declared_types(draw: st.DrawFn) -> dict[str, type]:
    """Enums and models that use each other, by name; some of them themselves."""
    declared: dict[str, Any] = {}
    for index in range(draw(st.integers(0, 2))):
        name = draw(st.sampled_from(["Colour", "Kind", "Größe"])) + str(index)
        declared[name] = draw(_enum(name))
    for index in range(draw(st.integers(1, 3))):
        name = draw(st.sampled_from(["Person", "Node", "item", "Café"])) + str(index)
        declared[name] = draw(_model(name, declared))
    return declared


@st.composite
def _model(draw: st.DrawFn, name: str, declared: dict[str, Any]) -> type[pydantic.BaseModel]:
    fields: dict[str, Any] = {}
    leaves = ["int", "str", "float", "bool", "list[int]", "dict[str, int]", "datetime.date", "uuid.UUID", "Any"]
    for _ in range(draw(st.integers(0, 4))):
        field = draw(st.sampled_from(["x", "name", "b_c", "z9", "camelCase", "titel_é"]))
        annotation = draw(
            st.one_of(
                st.sampled_from(leaves),
                st.sampled_from([*declared, "int"]),
                annotation_texts(builtin=False, declared=True).map(lambda text: placed(text, [*declared, "int"])),
                st.sampled_from([f"list['{name}']", f"Optional['{name}']", f"dict[str, '{name}']"]),
            )
        )
        more = dict(draw(_constraints(annotation)))
        if draw(st.integers(0, 3)) == 0:
            more["description"] = draw(st.sampled_from(["What it is.", 'é "quoted"\nline']))
        if draw(st.integers(0, 5)) == 0:
            more["alias"] = draw(st.sampled_from(["al_ias", "ab-c", "Q"])) + field
        if draw(st.integers(0, 5)) == 0:
            more["title"] = "A title"
        choice = draw(st.integers(0, 3))
        if choice == 0 and annotation in DEFAULTS:
            more["default"] = draw(st.sampled_from(DEFAULTS[annotation]))
        elif choice == 1 and annotation.startswith("Optional"):
            more["default"] = None
        elif choice == 2:
            more["default_factory"] = list
        try:
            fields[field] = (_evaluate(annotation, declared | {name: name}), pydantic.Field(**more))
        except TypeError:  # typing refuses it.
            fields[field] = (int, pydantic.Field(**more))
    config = draw(st.sampled_from(CONFIGS))
    doc = draw(st.sampled_from([None, "A doc.", "Two\n    lines."]))
    made: type[pydantic.BaseModel] = pydantic.create_model(name, __config__=config, __doc__=doc, **fields)
    made.model_rebuild(_types_namespace={**declared, name: made})
    return made


@dataclass(frozen=True, repr=False)
class TypeCase:
    """An annotation and the types that it names."""

    annotation: str
    declared: Mapping[str, Any]

    def __repr__(self) -> str:
        schemas = {name: pydantic.TypeAdapter(kind).json_schema() for name, kind in self.declared.items()}
        return f"{self.annotation!r} with {schemas}"


@dataclass(frozen=True)
class OutputCase:
    """A signature's outputs: their types and which of them have a default."""

    annotations: TypeCase
    defaults: Sequence[str]
    native_tool_calls: bool


@st.composite
def type_cases(draw: st.DrawFn) -> TypeCase:
    declared = draw(declared_types())
    return TypeCase(placed(draw(annotation_texts(builtin=False, declared=True)), list(declared)), declared)


@st.composite
def output_cases(draw: st.DrawFn) -> OutputCase:
    declared = draw(declared_types()) if draw(st.booleans()) else {}
    kinds = draw(st.lists(annotation_texts(declared=bool(declared)), min_size=1, max_size=3))
    names = draw(st.lists(st.sampled_from(FIELD_NAMES), min_size=len(kinds), max_size=len(kinds), unique=True))
    outputs = ", ".join(f"{name}: {placed(kind, list(declared))}" for name, kind in zip(names, kinds, strict=True))
    defaults = [name for name in names if draw(st.integers(0, 4)) == 0]
    return OutputCase(TypeCase(outputs, declared), defaults, draw(st.booleans()))

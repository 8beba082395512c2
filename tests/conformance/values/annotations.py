"""Annotations of fields, made up: built-in types, DSPy's own, and classes with all that a declared type can say."""

from __future__ import annotations

import datetime
import decimal
import enum
import functools
import operator
import uuid
from typing import Annotated, Any, Literal, Union

import dspy
import pydantic
from dspy.adapters.types.citation import Citations
from dspy.adapters.types.document import Document
from dspy.adapters.types.tool import ToolCallResults
from hypothesis import strategies as st
from pydantic import BaseModel, Field


class Color(enum.Enum):
    RED = "red"
    GREEN = "green"
    red = "RED"


class Level(enum.Enum):
    LOW = 1
    HIGH = 2


class Size(enum.IntEnum):
    SMALL = 1
    LARGE = 20


class Tone(str, enum.Enum):
    WARM = "warm"
    COLD = "1"


class Ratio(float, enum.Enum):
    HALF = 0.5
    WHOLE = 1.0


class Mixed(enum.Enum):
    ONE = 1
    TEXT = "a"
    NONE = None
    REAL = 2.5


class Person(BaseModel):
    name: str
    age: int
    email: str | None = None


class Pet(BaseModel):
    name: str
    age: float = 1.5
    owner: Person | None = None


class Node(BaseModel):
    value: int
    children: list[Node] = []
    other: Node | Pet | None = None


class Closed(BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid")
    a: int
    b: str = "x"


class Open(BaseModel):
    model_config = pydantic.ConfigDict(extra="allow")
    a: int


class Bounded(BaseModel):
    count: int = Field(ge=0, lt=10)
    rate: float = Field(default=0.5, gt=0, le=1)
    even: int = Field(default=2, multiple_of=2)
    code: str = Field(default="ab", min_length=2, max_length=4)
    shape: str = Field(default="a1", pattern=r"^[a-z]\d+$")
    word: str = Field(default="é", pattern=r"^\w+$")
    items: list[int] = Field(default=[1], min_length=1, max_length=2)
    pairs: dict[str, int] = Field(default={}, max_length=1)
    ids: set[int] = Field(default={1}, min_length=1, max_length=2)


class Aliased(BaseModel):
    first: int = Field(alias="firstValue")
    second: Color = Field(default=Color.RED, alias="Second")


class Moments(BaseModel):
    day: datetime.date
    at: datetime.datetime | None = None
    span: datetime.timedelta = datetime.timedelta(1)
    price: decimal.Decimal = decimal.Decimal("1.50")
    notes: list[str] = Field(default_factory=list)


CLASSES = [Color, Level, Size, Tone, Ratio, Mixed, Person, Pet, Node, Closed, Open, Bounded, Aliased, Moments]
SCALARS = [
    str, int, float, bool, type(None), Any, bytes, datetime.date, datetime.time, datetime.datetime, datetime.timedelta,
    decimal.Decimal, uuid.UUID,
]  # fmt: skip
OWN = [
    dspy.Image, dspy.Audio, dspy.File, dspy.History, dspy.Reasoning, dspy.Code, dspy.Code["java"], dspy.Tool,
    dspy.ToolCalls, ToolCallResults, Document, Citations,
]  # fmt: skip
KEYS = [
    str, str, int, float, bool, Any, bytes, datetime.date, datetime.datetime, datetime.timedelta, decimal.Decimal,
    uuid.UUID, Color, Size,
]  # fmt: skip
MEMBERS = ["a", "b", "1", "yes", "red", "", "it's", "None", 0, 1, 2, 5, True, False, None]
FIELDS = ["name", "age", "a", "b", "x", "value"]


def literals() -> st.SearchStrategy[Any]:
    return st.lists(st.sampled_from(MEMBERS), min_size=1, max_size=4, unique_by=repr).map(
        lambda some: Literal[tuple(some)]
    )


def _of(container: Any, *parts: Any) -> Any:
    return container[parts]


def _optional(one: Any) -> Any:
    return Union[one, None]


def _containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    keys = st.one_of(st.sampled_from(KEYS), literals(), st.just(int | datetime.date))
    return st.one_of(
        inner.map(lambda one: _of(list, one)),
        st.tuples(keys, inner).map(lambda two: _of(dict, *two)),
        st.lists(inner, max_size=3).map(lambda some: _of(tuple, *some)),
        inner.map(lambda one: _of(tuple, one, ...)),
        inner.map(lambda one: _of(set, one)),
        inner.map(lambda one: _of(frozenset, one)),
        unions(inner),
        inner.map(_optional),
        models(inner),
    )


def unions(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(inner, min_size=2, max_size=4).map(lambda some: functools.reduce(operator.or_, map(_typed, some)))


def _typed(one: Any) -> Any:
    # Any | int is no Union to Python 3.11.
    return _optional(one) if one is Any else one


_BOUNDS: dict[Any, list[Any]] = {
    int: [Field(ge=1), Field(lt=6), Field(multiple_of=5)],
    float: [Field(gt=0), Field(le=5)],
    str: [Field(min_length=1), Field(max_length=3), Field(pattern=r"\d"), Field(pattern=r"^a")],
}


@st.composite
def models(draw: st.DrawFn, inner: st.SearchStrategy[Any]) -> Any:
    """A class with one to four fields."""
    fields: dict[str, Any] = {}
    for name in draw(st.lists(st.sampled_from(FIELDS), min_size=1, max_size=4, unique=True)):
        kind = draw(inner)
        if kind in (int, float, str) and draw(st.booleans()):
            kind = Annotated[kind, draw(st.sampled_from(_BOUNDS[kind]))]
        fields[name] = (kind, ...) if draw(st.integers(0, 2)) else (_optional(kind), None)
    extra: Any = draw(st.sampled_from(["ignore", "forbid", "allow"]))
    name = "M_" + "_".join(fields) + extra + str(draw(st.integers(0, 10**6)))
    made: Any = pydantic.create_model(name, __config__=pydantic.ConfigDict(extra=extra), **fields)
    return made


@functools.cache
def any_annotation() -> st.SearchStrategy[Any]:
    """Any annotation; those of one level are the most frequent."""
    leaves = st.one_of(
        st.sampled_from(SCALARS),
        st.sampled_from(SCALARS),
        literals(),
        st.sampled_from(CLASSES),
        st.sampled_from(OWN),
        st.sampled_from([list, dict, tuple, set, frozenset]),
    )
    return st.one_of(
        leaves, unions(st.sampled_from([*SCALARS, *CLASSES])), st.recursive(leaves, _containers, max_leaves=5)
    )

# mypy: disable-error-code="valid-type"
"""Hypothesis strategies: DSPy signatures, values of their fields and demos."""

from __future__ import annotations

import datetime
import decimal
import enum
import random
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Optional

import dspy
import pydantic
from hypothesis import strategies as st

from dspex_dspy.values import Generator

NAMES = ("question", "context", "text", "items", "x", "n2", "answer", "label", "score", "camelCase", "a_b", "données")
WORDS = st.sampled_from(
    [
        "",
        "Find it.",
        "Answer in one word.",
        "  indented\n    more\n  less",
        "tab\tbed",
        "« ü »",
        'say "so"',
        "a\n\nb",
        "{x}",
        "${x}",
    ]
)


class Colour(enum.Enum):
    """A choice by name and value."""

    RED = "red"
    GREEN = "the green one"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 10


class Address(pydantic.BaseModel):
    """Where somebody lives."""

    street: str
    number: int | None = None
    tags: list[str] = pydantic.Field(default_factory=list, description="Anything else.")


class Person(pydantic.BaseModel):
    name: str = pydantic.Field(description="As people say it.")
    age: int = pydantic.Field(ge=0)
    home: Address
    colour: Colour = Colour.RED
    friends: list[Person] = pydantic.Field(default_factory=list)


class Event(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid")

    at: datetime.datetime
    kind: Literal["start", "stop"]
    weights: dict[str, float]


SCALARS: tuple[Any, ...] = (str, int, float, bool)
PLAIN: tuple[Any, ...] = (*SCALARS, datetime.date, datetime.datetime, decimal.Decimal, uuid.UUID, Any)
DECLARED: tuple[Any, ...] = (Colour, Level, Address, Person, Event)


def _literals() -> st.SearchStrategy[Any]:
    members = st.sampled_from(["yes", "no", "it's", 'a "b"', "both ' and \"", "", "ü", 1, 2, True, None])
    return st.lists(members, min_size=1, max_size=4, unique_by=lambda v: (type(v), v)).map(lambda v: Literal[tuple(v)])


def types(*, declared: bool = True) -> st.SearchStrategy[Any]:
    """Annotations of fields."""
    leaves = st.one_of(
        st.sampled_from(PLAIN),
        st.sampled_from(SCALARS),
        _literals(),
        *([st.sampled_from(DECLARED)] if declared else []),
    )
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            inner.map(lambda t: list[t]),
            inner.map(lambda t: dict[str, t]),
            inner.map(lambda t: Optional[t]),
            st.tuples(inner, inner).map(lambda p: tuple[p[0], p[1]]),
            st.tuples(inner, inner).map(lambda p: p[0] | p[1] if p[0] is not Any and p[1] is not Any else p[0]),
        ),
        max_leaves=3,
    )


def _constraints(annotation: Any) -> st.SearchStrategy[dict[str, Any]]:
    if annotation in (int, float):
        return st.sampled_from(
            [{}, {}, {"ge": 0}, {"gt": 0, "lt": 10 if annotation is int else 10.5}, {"multiple_of": 5}, {"le": 1}]
        )
    if annotation is str:
        return st.sampled_from([{}, {}, {"min_length": 2, "max_length": 40}, {"max_length": 5}])
    return st.just({})


@st.composite
def fields(draw: st.DrawFn, make: Any, *, outputs: bool) -> tuple[Any, Any]:
    """An annotation and its InputField or OutputField."""
    annotation = draw(st.one_of(st.just(str), types()))
    more: dict[str, Any] = dict(draw(_constraints(annotation)))
    if draw(st.booleans()):
        more["desc"] = draw(WORDS)
    if outputs and draw(st.integers(0, 7)) == 0:
        more["default"] = None
    return annotation, make(**more)


@st.composite
def signatures(draw: st.DrawFn) -> Any:
    """Signatures of up to three inputs and outputs; now and then a history, an image, code or a reasoning."""
    names = draw(st.lists(st.sampled_from(NAMES), min_size=2, max_size=6, unique=True))
    split = draw(st.integers(0 if draw(st.integers(0, 9)) == 0 else 1, len(names) - 1))
    made: dict[str, Any] = {}
    for name in names[:split]:
        made[name] = draw(fields(dspy.InputField, outputs=False))
    special = draw(st.integers(0, 9))
    if special == 0:
        made["history"] = (dspy.History, dspy.InputField())
    if special == 1:
        made["picture"] = (
            draw(st.sampled_from([dspy.Image, list[dspy.Image], Optional[dspy.Image]])),
            dspy.InputField(),
        )
    for name in names[split:]:
        made[name] = draw(fields(dspy.OutputField, outputs=True))
    if special == 2:
        made["program"] = (draw(st.sampled_from([dspy.Code, dspy.Code["java"]])), dspy.OutputField())
    if special == 3:
        made["thoughts"] = (dspy.Reasoning, dspy.OutputField())
    instructions = draw(st.one_of(st.none(), WORDS.filter(bool)))
    return dspy.Signature(made, instructions)


@dataclass(frozen=True)
class Case:
    """One call: a signature, demos and inputs, as Python values."""

    signature: Any
    demos: list[dict[str, Any]]
    inputs: dict[str, Any]


def _value(source: random.Random, annotation: Any) -> Any:
    generator = Generator(source)
    if annotation is str and source.random() < 0.15:
        return [generator.text() for _ in range(source.randint(0, 3))]
    try:
        return generator.value(annotation)
    except ValueError:
        return None


def _history(source: random.Random, signature: Any) -> Any:
    messages = []
    for _ in range(source.randint(0, 2)):
        names = [name for name in signature.fields if name != "history" and source.random() < 0.8]
        messages.append({name: _value(source, signature.fields[name].annotation) for name in names})
    return dspy.History(messages=[message for message in messages if message])


def values(source: random.Random, signature: Any, fields: Mapping[str, Any], keep: float) -> dict[str, Any]:
    """Values for most of the fields."""
    made = {}
    for name, field in fields.items():
        if source.random() >= keep:
            continue
        made[name] = (
            _history(source, signature) if field.annotation is dspy.History else _value(source, field.annotation)
        )
    return made


@st.composite
def cases(draw: st.DrawFn) -> Case:
    signature = draw(signatures())
    source = random.Random(draw(st.integers(0, 2**32)))
    demos = []
    for _ in range(draw(st.integers(0, 3))):
        demo = values(source, signature, signature.fields, draw(st.sampled_from([0.5, 1.0, 1.0])))
        demo.pop("history", None)
        if source.random() < 0.3:
            demo["augmented"] = True
        demos.append(demo)
    return Case(signature, demos, values(source, signature, signature.input_fields, 1.0))

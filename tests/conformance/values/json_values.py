"""Values of JSON near those that a type takes, and far from them."""

from __future__ import annotations

import datetime
import decimal
import enum
import inspect
import types
import uuid
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pydantic
from hypothesis import strategies as st

from tests.conformance.values.own_values import SHAPES
from tests.conformance.values.pools import (
    BOOLS,
    DATES,
    DATETIMES,
    DECIMALS,
    FLOATS,
    INTS,
    NUMBERS,
    SPANS,
    TIMES,
    UUIDS,
)
from tests.conformance.values.texts import any_json, any_text, mutated

_POOLS: dict[Any, list[str]] = {
    int: INTS, float: FLOATS, bool: BOOLS, datetime.date: DATES, datetime.time: TIMES, datetime.datetime: DATETIMES,
    datetime.timedelta: SPANS, decimal.Decimal: DECIMALS, uuid.UUID: UUIDS,
}  # fmt: skip


def value_of(annotation: Any) -> st.SearchStrategy[Any]:
    """What the type may take; now and then anything."""
    return st.one_of(*[near(annotation)] * 6, any_json())


def near(annotation: Any) -> st.SearchStrategy[Any]:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if annotation in _POOLS:
        return st.one_of(mutated(_POOLS[annotation]), st.sampled_from(NUMBERS))
    if annotation in (str, bytes):
        return any_text()
    if annotation is type(None):
        return st.none()
    if origin is Annotated:
        return value_of(arguments[0])
    if origin in (Union, types.UnionType):
        return st.one_of([value_of(one) for one in arguments])
    if origin is Literal:
        return st.one_of(
            st.sampled_from(arguments), st.sampled_from(arguments).map(str), st.sampled_from([1.0, 0.0, True])
        )
    if inspect.isclass(annotation) and origin is None:
        return _near_class(annotation)
    if origin is dict:
        return st.dictionaries(value_of(arguments[0]).map(str), value_of(arguments[1]), max_size=3)
    if origin is tuple and Ellipsis not in arguments:
        return st.one_of(st.tuples(*map(value_of, arguments)).map(list), st.lists(any_json(), max_size=3))
    if origin in (list, tuple, set, frozenset):
        return st.lists(value_of(arguments[0]), max_size=4)
    return any_json()


def _near_class(kind: Any) -> st.SearchStrategy[Any]:
    if issubclass(kind, enum.Enum):
        values = [member.value for member in kind]
        names = [member.name for member in kind]
        return st.one_of(
            st.sampled_from(values), st.sampled_from(values).map(str), st.sampled_from(names), mutated(INTS)
        )
    for base, shapes in SHAPES.items():
        if issubclass(kind, base):
            return shapes()
    if issubclass(kind, pydantic.BaseModel):
        required: dict[str, st.SearchStrategy[Any]] = {}
        optional: dict[str, st.SearchStrategy[Any]] = {"extra": any_json(), "age": any_json()}
        for name, field in kind.model_fields.items():
            wanted = _lazy(field.annotation)
            (required if field.is_required() else optional)[field.alias or name] = wanted
        whole = st.fixed_dictionaries(required, optional={k: v for k, v in optional.items() if k not in required})
        keys = [*kind.model_fields, "extra"]
        return st.one_of(whole, whole, st.dictionaries(st.sampled_from(keys), any_json(), max_size=3))
    if issubclass(kind, dict):
        return st.dictionaries(any_text(), any_json(), max_size=2)
    return st.lists(any_json(), max_size=3)


def _lazy(annotation: Any) -> st.SearchStrategy[Any]:
    """A class may have fields of its own kind."""
    return st.deferred(lambda: value_of(annotation))

"""Values that both sides make of JSON and of texts, or that both refuse."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from hypothesis import assume
from hypothesis import strategies as st

from dspex_dspy.errors import NotTranslatableError
from tests.conformance.examples import for_each
from tests.conformance.values.annotations import any_annotation
from tests.conformance.values.compare import REFUSED, Tool, line_of, python_side, shown, without_order
from tests.conformance.values.json_values import value_of
from tests.conformance.values.texts import any_text
from tests.conftest import Generated
from tests.support.paths import binary


@pytest.fixture(scope="module")
def tool() -> Iterator[Tool]:
    tool = Tool(binary("tests/conformance/values/values_tool"))
    yield tool
    tool.close()


@pytest.mark.parametrize("op", ["coerce", "parse_value", "parse_text"])
def test_values(op: str, tool: Tool, generated: Generated) -> None:
    @for_each(generated, st.data())
    def compare(data: st.DataObject) -> None:
        annotation = data.draw(any_annotation())
        one = texts(annotation) if op == "parse_text" else value_of(annotation)
        for value in data.draw(st.lists(one, min_size=1, max_size=4)):
            check(op, annotation, value, tool)


def check(op: str, annotation: Any, value: Any, tool: Tool) -> None:
    try:
        line = line_of(op, annotation, value)
    except NotTranslatableError:
        assume(False)
    answer = tool.ask(line)
    # dspex knows from the start that these have no values.
    assume(not any(reason in answer.get("invalid", "") for reason in ("of a set", "keys of a dict")))
    assert "invalid" not in answer, f"{answer} for {shown(line)}"
    ours = answer.get("value", REFUSED) if "error" not in answer else REFUSED
    theirs = python_side(op, annotation, value)
    if is_known(annotation, value, theirs):
        return
    if has_sets(annotation):
        ours, theirs = without_order(ours), without_order(theirs)
    assert shown(ours) == shown(theirs), f"\ntype  {annotation}\nvalue {value!r}\nDSPy  {theirs!r}\ndspex {ours!r}"


@st.composite
def texts(draw: st.DrawFn, annotation: Any) -> str:
    """A value as models write it."""
    if draw(st.integers(0, 3)) == 0:
        return draw(any_text())
    value = draw(value_of(annotation))
    form = draw(st.sampled_from(["json", "json", "repr", "str", "fence", "prose", "indent"]))
    if form == "repr":
        return repr(value)
    if form == "str":
        return value if isinstance(value, str) else str(value)
    text = json.dumps(value, ensure_ascii=False, indent=2 if form == "indent" else None)
    if form == "fence":
        return f"```json\n{text}\n```"
    return f"Here it is: {text}." if form == "prose" else text


def has_sets(annotation: Any) -> bool:
    """Their order is that of Python's hashes."""
    return (
        "set" in repr(annotation).lower()
        or any(has_sets(argument) for argument in get_args(annotation))
        or hasattr(annotation, "model_fields")
    )


def is_known(annotation: Any, value: Any, theirs: Any) -> bool:
    """Differences that are meant, each with its reason."""
    # Integers beyond 64 bits are errors or floats: Json has none.
    if has_huge(theirs) or has_huge(value) or (isinstance(value, str) and has_huge(literal(value))):
        return True
    # No surrogate without its other half: they are not UTF-8.
    return any(0xD800 <= ord(letter) < 0xE000 for letter in repr([value, theirs]))


def literal(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        pass
    try:
        return ast.literal_eval(text)
    except Exception:  # Whatever a text of that kind raises.
        return None


def has_huge(value: Any) -> bool:
    if isinstance(value, dict):
        return any(has_huge(item) for pair in value.items() for item in pair)
    if isinstance(value, list | tuple | set):
        return any(has_huge(item) for item in value)
    return isinstance(value, int) and not -(2**63) <= value < 2**64

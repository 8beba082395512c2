"""Values go to JSON and back as dspex and DSPy have them."""

from __future__ import annotations

import datetime
import decimal
import itertools
import json
import random
from typing import Any, Literal

import dspy
import pydantic
import pytest

from dspex_dspy.requests import made_up_inputs
from dspex_dspy.values import Generator, from_json_value, to_json_value
from tests.python_side import shapes


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (dspy.Image("https://example.com/a.png"), {"url": "https://example.com/a.png"}),
        (dspy.Audio(data="UklGRg==", audio_format="wav"), {"data": "UklGRg==", "audio_format": "wav"}),
        (dspy.File(file_id="f1"), {"file_data": None, "file_id": "f1", "filename": None}),
        (dspy.Code(code="x = 1"), "x = 1"),
        (dspy.Code["java"](code="x"), "x"),
        (dspy.Reasoning(content="so"), "so"),
        (dspy.History(messages=[{"a": (1, 2)}]), {"messages": [{"a": [1, 2]}]}),
        (
            dspy.ToolCalls.from_dict_list([{"name": "f", "args": {"x": 1}}]),
            {"tool_calls": [{"name": "f", "args": {"x": 1}}]},
        ),
        (
            dspy.ToolCalls.from_dict_list([{"id": "c1", "name": "f", "args": {}}]),
            {"tool_calls": [{"name": "f", "args": {}}]},
        ),
        (
            dspy.ToolCalls.from_dict_list([{"id": "c1", "name": "f", "args": {}}]).model_copy(
                update={"tool_call_results": [{"call_id": "c1", "name": "f", "value": 1}]}
            ),
            {
                "tool_calls": [{"name": "f", "args": {}, "id": "c1"}],
                "tool_call_results": [{"call_id": "c1", "name": "f", "value": 1}],
            },
        ),
        ([dspy.Image("https://example.com/a.png")], [{"url": "https://example.com/a.png"}]),
        (datetime.datetime(2020, 1, 2, 3, 4), "2020-01-02T03:04:00"),
        (datetime.timedelta(hours=1), "PT1H"),
        (decimal.Decimal("1.50"), "1.50"),
        (shapes.Color.BLUE, "sea blue"),
        ({shapes.Size.LARGE: {None: 1}, True: (1, 2)}, {"2": {"None": 1}, "true": [1, 2]}),
        (shapes.Point(1, ["a"]), {"x": 1, "labels": ["a"]}),
        (shapes.Home(street="s", postCode="1"), {"street": "s", "code": "1", "tags": []}),
        (b"bytes", "bytes"),
        (dspy.Example(a=1), {"a": 1}),
    ],
)
def test_to_json(value: Any, written: Any) -> None:
    assert to_json_value(value) == written


def test_a_tool_is_told_by_name_description_and_arguments() -> None:
    def look_up(word: str, times: int = 3) -> str:
        """Looks up."""
        return word * times

    told = to_json_value(dspy.Tool(look_up))
    assert told == {
        "name": "look_up",
        "desc": "Looks up.",
        "args": {"word": {"type": "string"}, "times": {"type": "integer", "default": 3}},
    }
    again = from_json_value(told, dspy.Tool)
    assert str(again) == str(dspy.Tool(look_up))
    assert [str(each) for each in from_json_value([told], list[dspy.Tool])] == [str(again)]


def test_inputs_stay_as_they_are_given_unless_they_are_instances() -> None:
    assert from_json_value("5", int) == "5"
    assert from_json_value("2020-01-02", datetime.date) == "2020-01-02"
    assert from_json_value({"x": 1}, shapes.Point) == shapes.Point(1)
    assert from_json_value([{"street": "s", "postCode": "1"}], list[shapes.Home])[0].code == "1"
    assert from_json_value({"messages": []}, dspy.History) == dspy.History(messages=[])
    # What is no such instance is not made one.
    assert from_json_value({"y": 1}, shapes.Point) == {"y": 1}
    assert from_json_value(None, shapes.Point | None) is None


@pytest.mark.parametrize(
    "annotation",
    [
        str, int, float, bool, bytes, datetime.date, datetime.datetime, datetime.time, datetime.timedelta,
        decimal.Decimal, list[str], dict[str, int], dict[int, list[bool]], tuple[int, str], set[int], int | None,
        Literal["a", 1, None], shapes.Color, shapes.Size, shapes.Person, shapes.Point, shapes.Options,
        shapes.Box[int], list[shapes.Home],
    ],
)  # fmt: skip
def test_made_up_values_are_of_their_type(annotation: Any) -> None:
    generator = Generator(random.Random(1))
    adapter = pydantic.TypeAdapter(annotation)
    for _ in range(30):
        value = generator.value(annotation)
        assert adapter.validate_python(adapter.dump_python(value, by_alias=True)) == value
        json.dumps(to_json_value(value), allow_nan=False)


@pytest.mark.parametrize(
    "annotation", [dspy.Image, list[dspy.Image], dspy.Code["java"], dspy.Tool, dict[str, dspy.File]]
)
def test_made_up_values_of_own_types(annotation: Any) -> None:
    generator = Generator(random.Random(2))
    for _ in range(10):
        json.dumps(to_json_value(generator.value(annotation)))


def test_the_same_seed_makes_the_same_inputs() -> None:
    sig = dspy.Signature("history: dspy.History, a: list[int], b: str | None -> c")

    def some(seed: int) -> list[Any]:
        return [to_json_value(inputs) for inputs in itertools.islice(made_up_inputs(sig, seed), 20)]

    assert some(1) == some(1)
    assert some(1) != some(2)
    assert any(inputs["history"]["messages"] for inputs in some(1))
    assert any("b" not in inputs for inputs in some(1))


def test_a_type_without_values_is_said() -> None:
    impossible = pydantic.create_model("Impossible", x=(str, pydantic.Field(pattern="^zzzzz+$")))
    with pytest.raises(ValueError, match="Impossible"):
        Generator(random.Random(1)).value(impossible)

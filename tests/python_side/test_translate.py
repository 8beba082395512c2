"""What a DSPy module becomes, and what is refused with a reason."""

from __future__ import annotations

import datetime
import inspect
import json
import typing
import uuid
from typing import Annotated, Any, Literal, Optional

import dspy
import pydantic
import pytest
from dspy.adapters.baml_adapter import BAMLAdapter

from dspex_dspy.errors import NotTranslatableError
from dspex_dspy.requests import request_of
from dspex_dspy.translate import options_of, translate
from dspex_dspy.types_of import TypeWriter
from tests.python_side import shapes

GPT = "openai/gpt-4o-mini"


def lm(model: str = GPT, **settings: Any) -> Any:
    return dspy.LM(model, engine="lm15", cache=False, **settings)


def predictor(module: Any, phrasebook: dict[str, Any], **settings: Any) -> dict[str, Any]:
    """The one module of the program."""
    (made,) = translate(module, phrasebook, **settings).program["modules"]
    assert made.pop("id") == "main"
    (spec,) = made.values()
    assert isinstance(spec, dict)
    return spec


def of(kind: Any, phrasebook: dict[str, Any], **arguments: Any) -> dict[str, Any]:
    """An output field of that type."""
    sig = dspy.Signature({"a": (str, dspy.InputField()), "b": (kind, dspy.OutputField(**arguments))}, "Do.")
    (field,) = predictor(dspy.Predict(sig), phrasebook)["structured_signature"]["outputs"]
    assert isinstance(field, dict)
    return field


@pytest.mark.parametrize(
    ("annotation", "notation"),
    [
        (str, "str"),
        (Any, "Any"),
        (Optional[int], "int | None"),  # noqa: UP045
        (int | str | None, "int | str | None"),
        (typing.List[int], "list[int]"),  # noqa: UP006
        (typing.List, "List"),  # noqa: UP006
        (dict[str, list[bool]], "dict[str, list[bool]]"),
        (tuple[int, str], "tuple[int, str]"),
        (tuple[int, ...], "tuple[int, ...]"),
        (set[float], "set[float]"),
        (Literal["it's", -1, True, None], 'Literal["it\'s", -1, True, None]'),
        (datetime.date, "datetime.date"),
        (datetime.timedelta, "datetime.timedelta"),
        (uuid.UUID, "uuid.UUID"),
        (bytes, "bytes"),
        (dspy.Image, "dspy.Image"),
        (list[dspy.Tool], "list[dspy.Tool]"),
        (dspy.Code, "dspy.Code"),
        (dspy.Code["C++"], 'dspy.Code["C++"]'),
        (dspy.Reasoning, "dspy.Reasoning"),
        (shapes.Color, "Color"),
        (list[shapes.Person], "list[Person]"),
        (shapes.Box[int], "Box_int_"),
        (shapes.Point | None, "Point | None"),
        (shapes.Options, "Options"),
    ],
)
def test_annotations(annotation: Any, notation: str) -> None:
    assert TypeWriter("field b").write(annotation) == notation


def test_declared_types(phrasebook: dict[str, Any]) -> None:
    sig = dspy.Signature(
        {"a": (shapes.Point, dspy.InputField()), "b": (list[shapes.Person], dspy.OutputField())}, "Do."
    )
    spec = predictor(dspy.Predict(sig), phrasebook)
    types = {each["name"]: json.loads(each["schema_json"]) for each in spec["types"]}
    assert set(types) == {"Point", "Person", "Home", "Color", "Size"}
    assert types["Color"]["x-enum-varnames"] == ["RED", "BLUE"]
    assert "x-enum-base" not in types["Color"]
    assert types["Size"]["x-enum-base"] == "int"
    home = types["Home"]["properties"]
    assert home["postCode"]["x-dspex-name"] == "code"
    assert home["tags"]["x-dspex-default"] == []
    assert "x-dspex-name" not in home["street"]
    assert types["Person"]["properties"]["worth"]["x-dspex-type"] == "decimal.Decimal"
    assert types["Person"]["properties"]["by_number"]["x-dspex-type"] == "dict[int, str]"
    assert types["Person"]["additionalProperties"] is False
    # Prompts show the schema without what dspex adds to it.
    (output,) = spec["structured_signature"]["outputs"]
    shown = json.loads(output["schema_note"])
    assert shown["items"] == {"$ref": "#/$defs/Person"}
    assert "x-" not in output["schema_note"]
    assert "schema_note" not in spec["structured_signature"]["inputs"][0]


def test_fields_say_only_what_is_not_so_by_default(phrasebook: dict[str, Any]) -> None:
    assert of(str, phrasebook) == {"name": "b", "type": "str"}
    assert of(str, phrasebook, desc="what") == {"name": "b", "type": "str", "description": "what"}
    with pytest.warns(DeprecationWarning, match="prefix"):
        assert of(str, phrasebook, prefix="Bee:")["prefix"] == "Bee:"
    assert of(int | None, phrasebook, default=None)["default_json"] == "null"
    assert of(list[shapes.Color], phrasebook, default=[shapes.Color.RED])["default_json"] == '["red"]'


def test_constraints_keep_their_order_and_their_values(phrasebook: dict[str, Any]) -> None:
    found = of(float, phrasebook, lt=10.5, gt=-1, multiple_of=2.0, allow_inf_nan=False)["constraints"]
    assert [(each["rule"], each["value_json"]) for each in found] == [
        ("lt", "10.5"),
        ("gt", "-1"),
        ("multiple_of", "2.0"),
        ("allow_inf_nan", "false"),
    ]
    assert [each["rule"] for each in of(str, phrasebook, max_length=9, min_length=1)["constraints"]] == [
        "max_length",
        "min_length",
    ]
    late = of(datetime.date, phrasebook, gt=datetime.date(2020, 1, 2))["constraints"]
    assert late == [{"rule": "gt", "value_json": '"2020-01-02"'}]


def test_instructions_survive_being_cleaned_again(phrasebook: dict[str, Any]) -> None:
    for text in ("Do.", "Do.\n  Deeper.\nNot.", "\n    Do.\n      Deeper."):
        sig = dspy.Signature("a -> b", text)
        spec = predictor(dspy.Predict(sig), phrasebook)
        assert inspect.cleandoc(spec["structured_signature"]["instructions"]) == sig.instructions
    default = dspy.Signature("a -> b")
    spec = predictor(dspy.ChainOfThought(default), phrasebook)
    assert spec["structured_signature"]["instructions"] == default.instructions


def test_chain_of_thought(phrasebook: dict[str, Any]) -> None:
    spec = predictor(dspy.ChainOfThought("a -> b: int"), phrasebook)
    assert "rationale" not in spec
    assert [field["name"] for field in spec["structured_signature"]["outputs"]] == ["b"]
    spec = predictor(dspy.ChainOfThought("a -> b", rationale_field=dspy.OutputField(desc="step by step")), phrasebook)
    assert spec["rationale"] == {"name": "reasoning", "type": "str", "description": "step by step"}
    spec = predictor(dspy.ChainOfThought("a -> b", rationale_field_type=dspy.Reasoning), phrasebook)
    assert spec["rationale"]["type"] == "dspy.Reasoning"


def test_demos_are_json_with_all_their_keys(phrasebook: dict[str, Any]) -> None:
    sig = dspy.Signature({"a": (dspy.Image, dspy.InputField()), "b": (shapes.Person, dspy.OutputField())}, "Do.")
    module = dspy.Predict(sig)
    person = shapes.Person(name="ü", size=shapes.Size.SMALL, worth="1.5", by_number={1: "one"})  # type: ignore[arg-type]
    module.demos = [
        dspy.Example(augmented=True, a=dspy.Image("https://example.com/a.png"), b=person),
        {"b": None, "a": "saved", "more": [1.0, (2,)]},
    ]
    first, second = (json.loads(demo["fields_json"]) for demo in predictor(module, phrasebook)["demos"])
    assert list(first) == ["augmented", "a", "b"]
    assert first["a"] == {"url": "https://example.com/a.png"}
    assert (first["b"]["name"], first["b"]["worth"], first["b"]["by_number"]) == ("ü", "1.5", {"1": "one"})
    assert second == {"b": None, "a": "saved", "more": [1.0, [2]]}


def test_language_model_and_its_settings(phrasebook: dict[str, Any]) -> None:
    module = dspy.Predict("a -> b", temperature=0.5, n=3, rollout_id=7)
    given = lm(temperature=0.1, max_tokens=99, stop="END", api_key="secret", api_base="http://127.0.0.1:1")
    translated = translate(module, phrasebook, lm=given)
    assert translated.program["lm"] == GPT
    options = {"temperature": 0.5, "max_tokens": 99, "stop": ["END"], "n": 3, "rollout_id": 7}
    assert translated.program["modules"][0]["predict"]["options"] == options
    assert "secret" not in json.dumps(translated.program)
    assert any("api_base, api_key" in warning for warning in translated.warnings)
    module.lm = lm("anthropic/other")
    assert translate(module, phrasebook, lm=given).program["lm"] == "anthropic/other"
    assert translate(module, phrasebook, lm=given, lm_name="local/x").program["lm"] == "local/x"
    assert any("--setup" in warning for warning in translate(dspy.Predict("a -> b"), phrasebook).warnings)
    assert options_of({"max_completion_tokens": 5, "temperature": None}) == {"max_tokens": 5}


def test_adapters(phrasebook: dict[str, Any]) -> None:
    def of_adapter(adapter: Any, model: str = GPT) -> dict[str, Any]:
        program = translate(dspy.Predict("a -> b"), phrasebook, lm=lm(model), adapter=adapter).program
        made = program["adapter"]
        assert isinstance(made, dict)
        return made

    chat = {
        "kind": "ADAPTER_KIND_CHAT",
        "native_function_calling": False,
        "json_fallback": True,
        "response_format": "RESPONSE_FORMAT_JSON_SCHEMA",
    }
    assert of_adapter(None) == of_adapter(dspy.ChatAdapter()) == chat
    assert of_adapter(None, "openai/made-up")["response_format"] == "RESPONSE_FORMAT_NONE"
    plain = of_adapter(dspy.ChatAdapter(use_json_adapter_fallback=False, parallel_tool_calls=True))
    assert (plain["json_fallback"], plain["parallel_tool_calls"]) == (False, True)
    assert "response_format" not in plain
    assert of_adapter(dspy.JSONAdapter())["native_function_calling"] is True
    assert of_adapter(dspy.XMLAdapter())["kind"] == "ADAPTER_KIND_XML"
    assert of_adapter(BAMLAdapter())["kind"] == "ADAPTER_KIND_BAML"
    two_step = of_adapter(dspy.TwoStepAdapter(lm("openai/small", temperature=0.3)))
    assert (two_step["kind"], two_step["extraction_lm"]) == ("ADAPTER_KIND_TWO_STEP", "openai/small")
    assert two_step["extraction_options"]["temperature"] == 0.3


def test_callbacks_are_warned_of(phrasebook: dict[str, Any]) -> None:
    from dspy.utils.callback import BaseCallback

    module = dspy.Predict("a -> b", callbacks=[BaseCallback()])
    assert any("Callbacks of the predictor" in warning for warning in translate(module, phrasebook).warnings)


class Pipeline(dspy.Module):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.first = dspy.Predict("a -> b")

    def forward(self, **inputs: Any) -> Any:
        return self.first(**inputs)


class Changed(dspy.ChatAdapter):  # type: ignore[misc]
    """An adapter of the user's."""


def _replaced() -> Any:
    module = dspy.Predict("a -> b")
    module.forward = lambda **_: None
    return module


@pytest.mark.parametrize(
    ("module", "reason"),
    [
        (Pipeline, "Name its inputs"),
        (lambda: dspy.ReAct("a -> b", tools=[]), "ReAct"),
        (lambda: "no module", "no DSPy module"),
        (_replaced, r"forward\(\) was replaced"),
        (lambda: dspy.Predict("a -> b", top_k=3), "top_k"),
        (lambda: dspy.Predict(shapes.Silent), "empty on purpose"),
        (lambda: dspy.Predict("config -> b"), "Rename"),
    ],
)
def test_modules_without_an_equal_are_refused(module: Any, reason: str, phrasebook: dict[str, Any]) -> None:
    with pytest.raises(NotTranslatableError, match=reason) as raised:
        translate(module(), phrasebook)
    # What, why and what to do: sentences.
    assert raised.value.reason.endswith(".")


@pytest.mark.parametrize(
    ("annotation", "reason"),
    [
        (shapes.Validated, "validator"),
        (shapes.Serialized, "serializer"),
        (shapes.Stripped, "str_strip_whitespace"),
        (shapes.Strict, "strict"),
        (shapes.Computed, "computed"),
        (shapes.Pet, "discriminated"),
        (shapes.Framed, "belongs to DSPy"),
        (shapes.Changing, "another one each time|cannot be made"),
        (shapes.Own, "formats itself"),
        (shapes.Initialised, "__init__"),
        (shapes.Wandering, "not its members"),
        (list[Annotated[int, pydantic.Field(gt=1)]], "Annotated"),
        (typing.Callable[[], int], "no equal"),
        (complex, "no equal"),
        (pydantic.HttpUrl, "no equal"),
        (list[shapes.Validated] | None, "validator"),
    ],
)
def test_types_without_an_equal_are_refused(annotation: Any, reason: str) -> None:
    with pytest.raises(NotTranslatableError, match=reason) as raised:
        TypeWriter("field b").write(annotation)
    assert raised.value.what == "field b"
    assert raised.value.reason.endswith(".")


def test_settings_without_an_equal_are_refused(phrasebook: dict[str, Any]) -> None:
    for adapter, reason in (
        (Changed(), "none of DSPy's own"),
        (dspy.ChatAdapter(native_response_types=[dspy.Code]), "native_response_types"),
    ):
        with pytest.raises(NotTranslatableError, match=reason):
            translate(dspy.Predict("a -> b"), phrasebook, adapter=adapter)
    pointed = dspy.Predict(
        dspy.Signature({"a": (str, dspy.InputField()), "b": (shapes.Point, dspy.OutputField())}, "Do.")
    )
    translate(pointed, phrasebook, adapter=dspy.JSONAdapter())
    for adapter in (dspy.XMLAdapter(), BAMLAdapter()):
        with pytest.raises(NotTranslatableError, match="shows Point"):
            translate(pointed, phrasebook, adapter=adapter)
    module = dspy.Predict("a -> b: float")
    module.demos = [{"a": "x", "b": float("nan")}]
    with pytest.raises(NotTranslatableError, match="demo 1: it holds nan"):
        translate(module, phrasebook)
    with pytest.raises(NotTranslatableError, match="default"):
        of(list[int], phrasebook, default_factory=list)


def test_two_types_of_one_name_are_refused() -> None:
    writer = TypeWriter("field b")
    writer.write(pydantic.create_model("Same", x=(int, ...)))
    with pytest.raises(NotTranslatableError, match="called Same"):
        writer.write(pydantic.create_model("Same", y=(str, ...)))


def test_a_request_is_recorded_and_nothing_else_happens() -> None:
    own = lm("openai/own", temperature=0.3)
    module = dspy.ChainOfThought("a -> b", n=2)
    module.predict.lm = own
    with dspy.context(lm=lm(), adapter=dspy.JSONAdapter()):
        request = request_of(module, {"a": "x"})
    assert module.predict.lm is own
    assert request["model"] == "openai/own"
    assert request["arguments"] == {"temperature": 0.3, "n": 2}
    assert [message["role"] for message in request["messages"]] == ["system", "user"]
    with dspy.context(lm=lm(), adapter=dspy.JSONAdapter()):
        request = request_of(dspy.Predict("a -> b: int"), {"a": "x"})
    form = request["arguments"]["response_format"]
    assert form["type"] == "json_schema"
    assert list(form["json_schema"]) == ["name", "schema", "strict"]
    assert form["json_schema"]["schema"]["properties"]["b"]["type"] == "integer"

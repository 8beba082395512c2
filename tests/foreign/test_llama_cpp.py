"""dspex against llama.cpp with a small real model: every answer is typed or a typed error, whole and in streams.

llama.cpp heeds a schema in chat completions alone and calls every answer of Responses "completed", this model calls no
tools, and Responses have no stop texts.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from dspex.v1 import prediction_service_pb2 as pb
from dspex.v1 import program_pb2
from google.protobuf import json_format

from tests.foreign.calls import FACES, MODES, Outcome, call, one, start_server
from tests.integration.api import Client
from tests.support.paths import ROOT
from tests.support.server import DspexServer
from tools.lib.demo import question, small_model

Code = grpc.StatusCode
MODEL = "smollm2-135m"
PRICES = {"a tea": 2, "a boat": 90_000, "a pear": 1, "a castle": 7_000_000}
# One call each: a second one as JSON would take this model long and lead nowhere.
ONCE = {"adapter": {"json_fallback": False}}
CAPITALS = ONCE | one(
    "question -> answer",
    options={"temperature": 0, "max_tokens": 40, "stop": ["[[ ## completed ## ]]"]},
    demos=[
        {"fields": {"question": f"What is the capital of {country}?", "answer": f"The capital is {capital}."}}
        for country, capital in {"France": "Paris", "Spain": "Madrid", "Japan": "Tokyo"}.items()
    ],
)
ASKS_ITALY = "What is the capital of Italy?"

pytestmark = [pytest.mark.parametrize("face", FACES), pytest.mark.parametrize("mode", MODES)]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with small_model() as model:
        yield model.environment["OPENAI_BASE_URL"]


@pytest.fixture(scope="module")
def server(url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DspexServer]:
    models = {"*": {"response_format": True, "json_schema": True, "tools": True}}
    with start_server(tmp_path_factory.mktemp("llama"), url, models=models) as server:
        yield server


@pytest.fixture(scope="module")
def prices() -> dict[str, Any]:
    """The program of tools/demo: four demos are what makes the model keep to the form."""
    program: dict[str, Any] = json.loads((ROOT / "tools/demo_program.json").read_text())["program"]
    return program | ONCE


@pytest.fixture
def demos(request: pytest.FixtureRequest, face: str) -> None:
    """For tests of programs that have demos."""
    if face == "responses":
        request.applymarker(pytest.mark.xfail(reason="llama.cpp wants the type of a message of the model's spelt out"))


def check_typed(outcome: Outcome) -> bool:
    """Whether there is an answer; if not, holds if it is a typed error of the completion's."""
    if outcome.error is None:
        return True
    assert outcome.error.code is Code.DATA_LOSS, outcome.error
    assert outcome.error.reason in ("COMPLETION_UNPARSABLE", "COMPLETION_TRUNCATED"), outcome.error
    return False


@pytest.mark.usefixtures("demos")
def test_typed_answers(client: Client, face: str, mode: str, prices: dict[str, Any]) -> None:
    typed = 0
    for item, price in PRICES.items():
        outcome = call(client, mode, face, prices, MODEL, question=question(item), numbers=[price])
        if check_typed(outcome):
            typed += 1
            assert isinstance(outcome.outputs["answer"], float)
            assert outcome.outputs["label"] in ("yes", "no")
    assert typed >= len(PRICES) / 2


@pytest.mark.usefixtures("demos")
def test_texts(client: Client, face: str, mode: str) -> None:
    outcome = call(client, mode, face, CAPITALS, MODEL, question=ASKS_ITALY)
    assert "Rome" in outcome.outputs["answer"]
    assert outcome.prediction is not None
    usage = outcome.prediction.usage
    assert usage.input_tokens > 100
    assert 0 < usage.output_tokens <= 40
    (node,) = (node for node in outcome.prediction.trace if node.name == "lm")
    assert node.model == MODEL
    if mode == "ForwardStream":
        assert outcome.texts() == outcome.outputs
        assert sum(event.HasField("field_delta") for event in outcome.events) > 2


@pytest.mark.usefixtures("demos")
def test_the_cached_beginning_is_counted(client: Client, face: str, mode: str) -> None:
    outcomes = [call(client, mode, face, CAPITALS, MODEL, question=ASKS_ITALY) for _ in range(2)]
    first, second = (outcome.prediction.usage for outcome in outcomes if outcome.prediction is not None)
    assert first.input_tokens == second.input_tokens
    assert 100 < second.cached_input_tokens <= second.input_tokens


def test_without_demos(client: Client, face: str, mode: str) -> None:
    program = ONCE | one(
        "question -> answer",
        instructions="Answer in one sentence. Begin with the line [[ ## answer ## ]], end with [[ ## completed ## ]].",
        options={"temperature": 0, "max_tokens": 40},
    )
    for item in PRICES:
        check_typed(call(client, mode, face, program, MODEL, question=f"What is {item}?"))


def test_schemas(client: Client, face: str, mode: str) -> None:
    """With a schema the model cannot but answer in its form; by itself it goes on and on."""
    program = one(
        "question -> cheap: bool, label: Literal['yes', 'no', 'unsure']",
        options={"temperature": 0, "max_tokens": 60},
    )
    program["adapter"] = {"kind": "ADAPTER_KIND_JSON"}
    outcome = call(client, mode, face, program, MODEL, question="Is a tea for 2 dollars cheap?")
    if face != "chat":
        check_typed(outcome)
        return
    assert isinstance(outcome.outputs["cheap"], bool)
    assert outcome.outputs["label"] in ("yes", "no", "unsure")
    program["adapter"]["response_format"] = "RESPONSE_FORMAT_NONE"
    assert not check_typed(call(client, mode, face, program, MODEL, question="Is a tea for 2 dollars cheap?"))


@pytest.mark.usefixtures("demos")
def test_answers_cut_off(client: Client, face: str, mode: str) -> None:
    program = json.loads(json.dumps(CAPITALS))
    program["modules"][0]["predict"]["options"]["max_tokens"] = 3
    outcome = call(client, mode, face, program, MODEL, question=ASKS_ITALY)
    assert outcome.error is not None
    assert outcome.error.reason == ("COMPLETION_UNPARSABLE" if face == "responses" else "COMPLETION_TRUNCATED")


def test_tools_that_are_not_called(client: Client, face: str, mode: str) -> None:
    program = one("question, tools: list[dspy.Tool] -> answer, calls: dspy.ToolCalls", options={"max_tokens": 30}) | {
        "adapter": {"native_function_calling": True}
    }
    tools = [{"name": "look_up", "desc": "Looks a word up.", "args": {"word": {"type": "string"}}}]
    check_typed(call(client, mode, face, program, MODEL, question="What is a boat?", tools=tools))


@pytest.mark.usefixtures("demos")
def test_prompts_that_are_too_long(client: Client, face: str, mode: str) -> None:
    outcome = call(client, mode, face, CAPITALS, MODEL, question="Why? " * 5000)
    assert outcome.error is not None
    assert (outcome.error.code, outcome.error.reason) == (Code.INVALID_ARGUMENT, "CONTEXT_WINDOW_EXCEEDED")


def test_a_client_that_goes_away_frees_the_model(client: Client, face: str, mode: str) -> None:
    """It answers one request at a time: one that nobody waits for any more must not hold up the next."""
    long = json_format.ParseDict(
        one("question -> answer", options={"max_tokens": 3000}) | {"lm": f"{face}/{MODEL}"}, program_pb2.Program()
    )
    request = pb.ForwardStreamRequest(inline_program=long, inputs_json='{"question": "Count to a thousand."}')
    stream = client.predictions.ForwardStream(request, timeout=120)
    assert next(iter(stream)).HasField("status")
    time.sleep(0.5)  # The model begins, which nothing tells.
    stream.cancel()
    start = time.monotonic()
    short = ONCE | one("question -> answer", options={"max_tokens": 2})
    check_typed(call(client, mode, face, short, MODEL, question="Hi."))
    assert time.monotonic() - start < 40


def test_a_path_that_is_not_there(face: str, mode: str, url: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    with start_server(tmp_path_factory.mktemp("path"), f"{url}/no/such") as server, Client(server) as client:
        outcome = call(client, mode, face, CAPITALS, MODEL, question=ASKS_ITALY)
    assert outcome.error is not None
    assert (outcome.error.code, outcome.error.reason) == (Code.FAILED_PRECONDITION, "PROVIDER_INVALID_REQUEST")
    assert outcome.error.metadata["http_status"] == "404"

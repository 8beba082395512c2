"""How likely the tokens of a completion were: asked for by a program or a call, and given back beside the outputs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from dspex.v1 import prediction_service_pb2 as pb
from dspex.v1 import program_pb2, values_pb2
from google.protobuf import json_format

from tests.integration.api import Client, completion, fails, predict
from tests.mock_llm.client import MockLlm
from tests.support.server import DspexServer

KINDS = {"chat": "openai", "responses": "openai_responses", "messages": "anthropic"}
INPUTS = json.dumps({"question": "?"})
OTHERS = [{"token": "yes", "logprob": -0.25, "bytes": [121, 101, 115]}, {"token": "no", "logprob": -1.5}]
SAID = [
    {"token": "yes", "logprob": -0.25, "bytes": [121, 101, 115], "top_logprobs": OTHERS},
    {"token": "\\xc3", "logprob": -9999.0, "bytes": [195], "top_logprobs": []},
]
ASKED = program_pb2.LmOptions(logprobs=True, top_logprobs=2)


@pytest.fixture(scope="module")
def server(shared_mock_llm: MockLlm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DspexServer]:
    common = {"base_url": shared_mock_llm.base_url, "api_key_env": "KEY"}
    providers = {name: {"kind": kind, **common} for name, kind in KINDS.items()}
    config = {"providers": providers, "cache": {"max_bytes": 1 << 20}}
    with DspexServer(tmp_path_factory.mktemp("logprobs"), config=config, env={"KEY": "k"}) as server:
        yield server


def program(face: str, options: program_pb2.LmOptions | None = ASKED, model: str = "m") -> program_pb2.Program:
    return predict("question -> answer", lm=f"{face}/{model}", options=options)


def answer(mock_llm: MockLlm, text: str = "yes", said: Any = SAID) -> None:
    mock_llm.script([{"reply": {"content": completion(answer=text), "logprobs": {"content": said, "refusal": None}}}])


def told(logprobs: values_pb2.Logprobs) -> list[Any]:
    """As OpenAI writes it."""

    def entry(token: Any) -> dict[str, Any]:
        known = {"bytes": list(token.bytes)} if token.HasField("bytes") else {}
        return {"token": token.token, "logprob": token.logprob, **known}

    return [{**entry(each), "top_logprobs": [entry(other) for other in each.top_logprobs]} for each in logprobs.content]


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("face", ["chat", "responses"])
def test_a_program_asks_for_them(client: Client, mock_llm: MockLlm, face: str, stream: bool) -> None:
    answer(mock_llm)
    model = f"asks-{stream}"
    for _ in range(2):  # The second answer comes from the cache.
        if stream:
            request = pb.ForwardStreamRequest(inline_program=program(face, model=model), inputs_json=INPUTS)
            *_, last = client.predictions.ForwardStream(request, timeout=20)
            prediction = last.prediction
        else:
            prediction = client.forward(program(face, model=model), INPUTS)
        assert told(prediction.logprobs) == SAID
        assert list(prediction.warnings) == []
    (sent,) = mock_llm.requests()
    body = sent.json()
    assert body["top_logprobs"] == 2
    if face == "chat":
        assert body["logprobs"] is True
    else:
        assert body["include"] == ["message.output_text.logprobs"]


def test_a_call_asks_for_them(client: Client, mock_llm: MockLlm) -> None:
    answer(mock_llm)
    request = pb.ForwardRequest(
        inline_program=program("chat", None, "call"), inputs_json=INPUTS, options=program_pb2.LmOptions(logprobs=True)
    )
    assert told(client.predictions.Forward(request, timeout=20).prediction.logprobs) == SAID
    body = mock_llm.requests()[-1].json()
    assert body["logprobs"] is True
    assert "top_logprobs" not in body


def test_who_does_not_ask_has_none(client: Client, mock_llm: MockLlm) -> None:
    answer(mock_llm)
    prediction = client.forward(program("chat", None, "silent"), INPUTS)
    assert not prediction.HasField("logprobs")
    assert "logprobs" not in mock_llm.requests()[-1].json()


def test_each_of_several_answers_has_its_own(client: Client, mock_llm: MockLlm) -> None:
    def rule(text: str, logprob: float) -> dict[str, Any]:
        content = [{"token": text, "logprob": logprob, "bytes": None, "top_logprobs": []}]
        return {"reply": {"content": completion(answer=text), "logprobs": {"content": content}}, "times": 1}

    mock_llm.script([rule("a", -1), rule("b", -2), rule("b", -2)])
    asked = program("chat", program_pb2.LmOptions(logprobs=True, n=3), "several")
    asked.modules[0].predict.majority_field = "answer"
    prediction = client.forward(asked, INPUTS)
    by_answer = [(json.loads(each.outputs_json)["answer"], each.logprobs) for each in prediction.answers]
    assert sorted(text for text, _ in by_answer) == ["a", "b", "b"]
    assert all(logprobs.content[0].token == text for text, logprobs in by_answer)
    assert json.loads(prediction.outputs_json) == {"answer": "b"}
    assert [(each.token, each.logprob) for each in prediction.logprobs.content] == [("b", -2)]


@pytest.mark.parametrize("face", ["chat", "messages"])
def test_a_model_that_does_not_tell(client: Client, mock_llm: MockLlm, face: str) -> None:
    """Anthropic's API has none; servers that imitate OpenAI's may leave them out."""
    mock_llm.script([{"reply": {"content": completion(answer="yes")}}])
    prediction = client.forward(program(face, model="mute"), INPUTS)
    assert prediction.HasField("logprobs")
    assert list(prediction.logprobs.content) == []
    assert "log probabilities" in prediction.warnings[0]
    if face == "messages":
        assert not {"logprobs", "top_logprobs"} & mock_llm.requests()[-1].json().keys()


def test_entries_that_are_none_are_left_out(client: Client, mock_llm: MockLlm) -> None:
    answer(mock_llm, said=[None, {"token": "x"}, {"token": 1, "logprob": 1}, *SAID, {"token": "z", "logprob": "-1"}])
    prediction = client.forward(program("chat", model="odd"), INPUTS)
    assert json.loads(prediction.outputs_json) == {"answer": "yes"}
    assert told(prediction.logprobs) == SAID


@pytest.mark.parametrize("options", [{"top_logprobs": 2}, {"logprobs": True, "top_logprobs": 21}])
def test_settings_that_cannot_be(client: Client, options: dict[str, Any]) -> None:
    asked = json_format.ParseDict(options, program_pb2.LmOptions())
    with fails(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_PROGRAM") as caught:
        client.forward(program("chat", asked), INPUTS)
    assert "top_logprobs" in caught.error.message

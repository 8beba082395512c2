"""The cache of answers and shared calls: the real server, and a provider that counts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dspex.v1 import prediction_service_pb2 as predictions_pb
from dspex.v1 import program_pb2

from tests.integration.api import Client, completion, predict, target
from tests.mock_llm.client import MockLlm
from tests.support.server import DspexServer

QA = predict("question -> answer")
ANSWERS = {"contents": [completion(answer=answer) for answer in ("a", "b", "c", "d")]}


@pytest.fixture
def client(mock_llm: MockLlm, tmp_path: Path) -> Iterator[Client]:
    prices = {"*": {"input": "1", "output": "10"}}
    config: dict[str, Any] = {
        "default_lm": "openai/mock",
        "providers": {"openai": {"base_url": mock_llm.base_url, "prices": prices}},
        "cache": {"max_bytes": 1 << 20},
    }
    with DspexServer(tmp_path, config=config) as server, Client(server) as client:
        yield client


def test_an_equal_call_is_answered_from_memory_at_no_cost(client: Client, mock_llm: MockLlm) -> None:
    mock_llm.script([{"reply": {**ANSWERS, "usage": {"prompt_tokens": 1000, "completion_tokens": 100}}}])
    first = client.forward(QA, {"question": "x"})
    second = client.forward(QA, {"question": "x"}, include_trace=True)
    other = client.forward(QA, {"question": "y"})
    assert [first.outputs["answer"], second.outputs["answer"], other.outputs["answer"]] == ["a", "a", "b"]
    assert (first.usage.cost, first.usage.lm_calls) == ("0.002", 1)
    assert (second.usage.cost, second.usage.lm_calls, second.usage.input_tokens) == ("", 0, 0)
    assert [node.from_cache for node in second.trace if node.name == "lm"] == [True]
    assert len(mock_llm.requests()) == 2


def test_a_rollout_is_a_call_of_its_own(client: Client, mock_llm: MockLlm) -> None:
    mock_llm.script([{"reply": ANSWERS}])
    for rollout in (1, 2, 1):
        program = predict("question -> answer", options=program_pb2.LmOptions(rollout_id=rollout))
        client.forward(program, {"question": "x"})
    assert len(mock_llm.requests()) == 2


def test_several_completions_are_several_answers(client: Client, mock_llm: MockLlm) -> None:
    mock_llm.script([{"reply": ANSWERS}])
    program = predict("question -> answer", options=program_pb2.LmOptions(n=3))
    prediction = client.forward(program, {"question": "x"})
    assert len({answer.outputs["answer"] for answer in prediction.answers}) == 3
    assert len(mock_llm.requests()) == 3


def test_equal_calls_at_a_time_are_made_once(client: Client, mock_llm: MockLlm) -> None:
    mock_llm.script([{"reply": ANSWERS, "latency": {"fixed_ms": 300}}])
    calls = [client.start_forward(QA, {"question": "x"}) for _ in range(20)]
    predictions = [call.result().prediction for call in calls]
    assert {prediction.outputs["answer"] for prediction in predictions} == {"a"}
    assert sum(prediction.usage.lm_calls for prediction in predictions) == 1, "one is charged"
    assert len(mock_llm.requests()) == 1


def test_a_stream_is_replayed(client: Client, mock_llm: MockLlm) -> None:
    mock_llm.script([{"reply": ANSWERS}])
    client.forward(QA, {"question": "x"})
    request = predictions_pb.ForwardStreamRequest(**target(QA), inputs_json=json.dumps({"question": "x"}))
    events = list(client.predictions.ForwardStream(request, timeout=20))
    assert "".join(event.field_delta.text for event in events) == "a"
    assert len(mock_llm.requests()) == 1

"""ForwardStream: the real server, a real client and a provider that cuts, holds and breaks its stream."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from dspex.v1 import prediction_service_pb2 as predictions_pb

from tests.integration.api import Client, completion, predict, target, values
from tests.mock_llm.client import MockLlm
from tests.support.errors import rich_error
from tests.support.server import DspexServer, eventually

Code = grpc.StatusCode
TEXTS = predict("question -> answer, note")
ANSWER = completion(answer="It was\n\n  [[ #, not [[ ## x ## ]] ünïcode 😀 ", note="none")


@pytest.fixture
def server(mock_llm: MockLlm, tmp_path: Path) -> Iterator[DspexServer]:
    openai = {
        "base_url": mock_llm.base_url,
        "timeouts": {"first_byte": "1s", "idle": "1s"},
        "retry": {"max_attempts": 3, "base_delay": "1ms", "max_delay": "2ms"},
    }
    config: dict[str, Any] = {"default_lm": "openai/mock", "providers": {"openai": openai}}
    with DspexServer(tmp_path, config=config) as server:
        yield server


def start(client: Client, program: Any = TEXTS, inputs: Any = '{"question": "?"}', **more: Any) -> Any:
    request = predictions_pb.ForwardStreamRequest(**target(program), **values(inputs), **more)
    return client.predictions.ForwardStream(request, timeout=20)


def texts(events: list[Any]) -> dict[str, str]:
    """What a client has that joins deltas since each field's last start."""
    joined: dict[str, str] = {}
    for event in events:
        if event.WhichOneof("event") == "field_started":
            joined[event.field_started.field] = ""
        elif event.WhichOneof("event") == "field_delta":
            joined[event.field_delta.field] += event.field_delta.text
    return joined


def failed(stream: Any) -> tuple[list[Any], grpc.RpcError]:
    """The events before the error, and the error."""
    events: list[Any] = []
    with pytest.raises(grpc.RpcError) as caught:
        read_into(events, stream)
    return events, caught.value


def read_into(events: list[Any], stream: Any) -> None:
    for event in stream:
        events.append(event)  # noqa: PERF402 -- what came before an error counts


@pytest.mark.parametrize(
    "cut", [{"chunk_bytes": 1}, {"chunk_bytes": 7, "crlf": True}, {"chunk_chars": 3, "keep_alives": True}]
)
@pytest.mark.parametrize("end", [{}, {"no_done": True}, {"no_usage": True}, {"no_chunked": True}])
def test_deltas_join_to_the_final_values(
    client: Client, mock_llm: MockLlm, cut: dict[str, Any], end: dict[str, Any]
) -> None:
    mock_llm.script([{"reply": {"content": ANSWER}, **cut, **end}])
    events = list(start(client))
    outputs = json.loads(events[-1].prediction.outputs_json)
    assert texts(events) == outputs == {"answer": "It was\n\n  [[ #, not [[ ## x ## ]] ünïcode 😀", "note": "none"}
    kinds = [event.WhichOneof("event") for event in events]
    assert kinds.count("field_started") == kinds.count("field_completed") == 2
    assert kinds.count("prediction") == 1
    assert kinds[0] == "status"
    assert kinds.count("usage") == 1
    usage = events[-1].prediction.usage
    assert usage.lm_calls == 1
    assert usage.estimated == bool(end.get("no_usage"))
    assert min(usage.input_tokens, usage.output_tokens) > 0


def test_the_first_delta_comes_before_the_second_is_there(client: Client, mock_llm: MockLlm) -> None:
    reply = {"content": completion(answer="abcdefghij")}
    mock_llm.script([{"reply": reply, "chunk_chars": 24, "hold_after_events": 1}])
    stream = start(client, predict("question -> answer"))
    seen: list[Any] = []
    while not texts(seen).get("answer"):
        seen.append(next(stream))
    assert texts(seen)["answer"] in "abcdefghij"
    assert mock_llm.release() == 1
    seen.extend(stream)
    assert texts(seen)["answer"] == "abcdefghij"


def test_lists_part_by_part_in_both_forms(client: Client, mock_llm: MockLlm) -> None:
    mock_llm.script([{"reply": {"content": completion(items="[1, 2.5]")}}])
    program = predict("question -> items: list[float]")
    events = list(start(client, program))
    parts = [event.field_part.value_json for event in events if event.WhichOneof("event") == "field_part"]
    assert parts == ["1.0", "2.5"]
    events = list(start(client, program, {"question": "?"}))
    parts = [event.field_part.value.number_value for event in events if event.WhichOneof("event") == "field_part"]
    assert parts == [1, 2.5]
    assert events[-1].prediction.outputs["items"] == [1, 2.5]


@pytest.mark.parametrize(
    "fault", ["close_in_body", "reset_in_body", "truncated_stream", "error_in_stream", "hang_in_body"]
)
def test_a_stream_that_breaks_ends_with_one_error_and_what_there_was(
    client: Client, mock_llm: MockLlm, fault: str
) -> None:
    mock_llm.script([{"fault": fault, "reply": {"content": completion(answer="x" * 400)}}])
    events, error = failed(start(client, predict("question -> answer")))
    assert events[-1].WhichOneof("event") == "interruption"
    partial = json.loads(events[-1].interruption.outputs_json)["answer"]
    assert partial == texts(events)["answer"]
    assert 0 < len(partial) < 400
    assert set(partial) == {"x"}
    rich = rich_error(error)
    assert rich.reason in ("PROVIDER_UNREACHABLE", "PROVIDER_OVERLOADED", "PROVIDER_TIMEOUT")
    assert rich.metadata["attempts"] == "1"
    assert len(mock_llm.requests()) == 1, "what was seen is not asked for again"


@pytest.mark.parametrize("fault", ["rate_limited", "server_error", "close_without_response", "hang"])
def test_before_the_first_delta_it_is_tried_again(client: Client, mock_llm: MockLlm, fault: str) -> None:
    mock_llm.script([{"fault": fault, "times": 2}, {"reply": {"content": ANSWER}}])
    events = list(start(client))
    assert texts(events)["note"] == "none"
    assert len(mock_llm.requests()) == 3


def test_a_server_that_does_not_stream_is_understood(client: Client, mock_llm: MockLlm) -> None:
    body = {"choices": [{"message": {"content": ANSWER}, "finish_reason": "stop"}]}
    mock_llm.script([{"reply": {"raw_body": json.dumps(body)}}])
    assert texts(list(start(client)))["note"] == "none"


def test_a_finish_reason_is_an_end_whatever_follows(client: Client, mock_llm: MockLlm) -> None:
    """The connection breaks behind the completion's end."""
    chunk = {"choices": [{"delta": {"content": ANSWER}, "finish_reason": "stop"}]}
    raw = f"data: {json.dumps(chunk)}\n\ndata: {{"
    headers = {"content-type": "text/event-stream", "content-length": "9999"}
    mock_llm.script([{"reply": {"raw_body": raw, "headers": headers}}])
    events = list(start(client))
    assert texts(events)["note"] == "none"


def test_a_client_that_goes_away_closes_the_providers_socket(client: Client, mock_llm: MockLlm) -> None:
    mock_llm.script([{"reply": {"content": ANSWER}, "hold_after_events": 3}])
    stream = start(client)
    next(stream)
    mock_llm.wait("held", 1)
    stream.cancel()
    eventually(lambda: mock_llm.requests()[0].outcome == "closed_by_peer")


def test_a_slow_client_slows_the_provider(client: Client, mock_llm: MockLlm) -> None:
    """What the client does not read stays with the provider, past the time-out between bytes, and nothing is lost."""
    # More than the buffers of all sockets on the way.
    text = "0123456789" * 2_800_000
    mock_llm.script([{"reply": {"content": completion(answer=text)}, "chunk_chars": 10_000}])
    stream = start(client, predict("question -> answer"))
    next(stream)
    with pytest.raises(TimeoutError):
        mock_llm.wait("answered", 1, timeout=1.5)
    assert texts(list(stream))["answer"] == text


def test_tool_calls_as_they_come(client: Client, mock_llm: MockLlm) -> None:
    program = predict("question, tools: list[dspy.Tool] -> calls: dspy.ToolCalls")
    program.adapter.native_function_calling = True
    mock_llm.script([{"reply": {"tool_calls": [{"name": "f", "arguments": {"x": 1}}, {"name": "g", "arguments": {}}]}}])
    inputs = {"question": "?", "tools": [{"name": "f", "args": {"x": {"type": "integer"}}}, {"name": "g", "args": {}}]}
    events = list(start(client, program, json.dumps(inputs)))
    arguments: dict[int, str] = {}
    for event in events:
        if event.WhichOneof("event") == "tool_call":
            arguments.setdefault(event.tool_call.index, "")
            arguments[event.tool_call.index] += event.tool_call.arguments
    assert [json.loads(text) for text in arguments.values()] == [{"x": 1}, {}]
    calls = json.loads(events[-1].prediction.outputs_json)["calls"]["tool_calls"]
    assert [call["name"] for call in calls] == ["f", "g"]


def test_errors_before_the_stream_are_those_of_forward(client: Client, mock_llm: MockLlm) -> None:
    events, error = failed(start(client, "programs/none"))
    assert (events, rich_error(error).reason) == ([], "PROGRAM_NOT_FOUND")
    events, error = failed(start(client, inputs="{}"))
    assert (events, rich_error(error).reason) == ([], "MISSING_INPUT")
    assert mock_llm.requests() == []

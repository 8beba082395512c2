"""dspex against aimock, a mock of three providers' APIs written by others: answers, tools, schemas, failures."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import grpc
import pytest

from tests.foreign.aimock import Aimock
from tests.foreign.calls import FACES, MODES, call, one, start_server
from tests.integration.api import Client, completion
from tests.support.server import DspexServer

Code = grpc.StatusCode
TYPED = one("question, numbers: list[int] -> note, answer: float, tags: list[str], label: Literal['yes', 'no']")
VALUES = {"note": "It was\n\n  [[ #, ünïcode", "answer": 42.5, "tags": ["a", "b"], "label": "yes"}
SAID = completion(**{name: value if isinstance(value, str) else json.dumps(value) for name, value in VALUES.items()})
TEXT = one("question -> answer")
TOOLS = [
    {"name": "look_up", "desc": "Looks a word up.", "args": {"word": {"type": "string"}}},
    {"name": "ring", "args": {}},
]
CALLS: list[dict[str, Any]] = [{"name": "look_up", "arguments": {"word": "ü 1"}}, {"name": "ring", "arguments": {}}]

pytestmark = [pytest.mark.parametrize("face", FACES), pytest.mark.parametrize("mode", MODES)]


@pytest.fixture(scope="module")
def server(shared_aimock: Aimock, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DspexServer]:
    models = {"*": dict.fromkeys(("images", "response_format", "json_schema", "tools", "reasoning"), True)}
    with start_server(tmp_path_factory.mktemp("aimock"), shared_aimock.url, models=models) as server:
        yield server


@pytest.fixture(scope="module")
def retrying(shared_aimock: Aimock, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A connection to a server that tries again."""
    retry = {"max_attempts": 2, "base_delay": "1ms", "max_delay": "2ms"}
    with (
        start_server(tmp_path_factory.mktemp("retrying"), shared_aimock.url, retry=retry) as server,
        Client(server) as client,
    ):
        yield client


@pytest.mark.parametrize("chunk_size", [1, 7, 1000])
def test_typed_answers(client: Client, aimock: Aimock, face: str, mode: str, chunk_size: int) -> None:
    aimock.answer("How much", {"content": SAID}, chunkSize=chunk_size)
    outcome = call(client, mode, face, TYPED, question="How much?", numbers=[20, 22])
    assert outcome.outputs == VALUES
    if mode == "ForwardStream":
        assert outcome.texts()["note"] == VALUES["note"]
        assert outcome.parts() == {"tags": VALUES["tags"]}
    (request,) = aimock.requests()
    assert request["response"]["status"] == 200
    assert request["body"].get("stream", False) is (mode == "ForwardStream")


def test_a_character_cut_in_two(client: Client, aimock: Aimock, face: str, mode: str) -> None:
    """It cuts texts as JavaScript counts them: half of a surrogate pair in one event, the other half in the next."""
    aimock.answer("Say", {"content": completion(answer="a 😀")}, chunkSize=1)
    outcome = call(client, mode, face, TEXT, question="Say it.")
    assert outcome.outputs == {"answer": "a 😀"}


def test_what_it_understood(client: Client, aimock: Aimock, face: str, mode: str) -> None:
    """It reads each face into chat completions: the roles, the texts and the settings are there."""
    aimock.answer("three?", {"content": completion(answer="3")})
    demos = [{"fields": {"question": "one?", "answer": "1"}}, {"fields": {"question": "two?", "answer": "2"}}]
    program = one("question -> answer", instructions="Count.", demos=demos, options={"temperature": 0.5})
    assert call(client, mode, face, program, question="three?").outputs == {"answer": "3"}
    body = aimock.requests()[0]["body"]
    assert [message["role"] for message in body["messages"]] == ["system", *("user", "assistant") * 2, "user"]
    assert "Count." in json.dumps(body["messages"][0])
    assert "one?" in json.dumps(body["messages"][1])
    assert (body["model"], body["temperature"]) == ("m", 0.5)


def test_tool_calls(client: Client, aimock: Aimock, face: str, mode: str) -> None:
    aimock.answer("Look", {"toolCalls": CALLS}, match={"toolName": "ring"}, chunkSize=3)
    program = one("question, tools: list[dspy.Tool] -> calls: dspy.ToolCalls")
    program["adapter"] = {"native_function_calling": True}
    outcome = call(client, mode, face, program, question="Look it up.", tools=TOOLS)
    calls = outcome.outputs["calls"]["tool_calls"]
    assert [(made["name"], made["args"]) for made in calls] == [("look_up", {"word": "ü 1"}), ("ring", {})]
    if mode == "ForwardStream":
        joined = [(name, json.loads(arguments or "{}")) for name, arguments in outcome.tool_calls().values()]
        assert joined == [("look_up", {"word": "ü 1"}), ("ring", {})]


def test_results_of_tools(client: Client, aimock: Aimock, face: str, mode: str) -> None:
    aimock.answer("second?", {"content": completion(answer="done")})
    program = one("history: dspy.History, question, tools: list[dspy.Tool] -> answer, calls: dspy.ToolCalls")
    program["adapter"] = {"native_function_calling": True}
    calls = {
        "tool_calls": [{"id": "c1", "name": "look_up", "args": {"word": "ü"}}],
        "tool_call_results": [{"call_id": "c1", "name": "look_up", "value": "a letter"}],
    }
    past = {"messages": [{"question": "first?", "answer": "I look.", "calls": calls}]}
    outcome = call(client, mode, face, program, history=past, question="second?", tools=TOOLS)
    assert outcome.outputs["answer"] == "done"
    messages = aimock.requests()[0]["body"]["messages"]
    (asked,) = (message for message in messages if message.get("tool_calls"))
    (given,) = (message for message in messages if message["role"] == "tool")
    assert asked["tool_calls"][0]["function"]["name"] == "look_up"
    assert json.loads(asked["tool_calls"][0]["function"]["arguments"]) == {"word": "ü"}
    assert (given["tool_call_id"], given["content"]) == ("c1", "a letter")


def test_schemas(client: Client, aimock: Aimock, face: str, mode: str) -> None:
    """Of chat completions it answers only those that ask for a schema; of the other faces it does not read that."""
    match = {"responseFormat": "json_schema"} if face == "chat" else {}
    aimock.answer("How much", {"content": json.dumps(VALUES)}, match=match, chunkSize=5)
    program = TYPED | {"adapter": {"kind": "ADAPTER_KIND_JSON"}}
    outcome = call(client, mode, face, program, question="How much?", numbers=[])
    assert outcome.outputs == VALUES
    if mode == "ForwardStream":
        assert outcome.texts()["note"] == VALUES["note"]


def test_reasoning(client: Client, aimock: Aimock, face: str, mode: str) -> None:
    aimock.answer("Think", {"content": completion(answer="7"), "reasoning": "hmm, so"}, chunkSize=3)
    program = one("question -> thoughts: dspy.Reasoning, answer: int", options={"reasoning_effort": "low"})
    outcome = call(client, mode, face, program, question="Think.")
    assert outcome.outputs == {"thoughts": "hmm, so", "answer": 7}


@pytest.mark.parametrize(
    ("ends", "code", "reason"),
    [
        ("length", Code.DATA_LOSS, "COMPLETION_TRUNCATED"),
        ("content_filter", Code.INVALID_ARGUMENT, "CONTENT_FILTERED"),
    ],
)
def test_answers_that_are_not_whole(
    client: Client,
    aimock: Aimock,
    face: str,
    mode: str,
    ends: str,
    code: Code,
    reason: str,
) -> None:
    if face == "messages" and ends == "content_filter":
        pytest.skip("aimock says end_turn")
    if face == "responses" and ends == "content_filter":
        # It says that the response failed.
        code, reason = Code.UNAVAILABLE, "PROVIDER_OVERLOADED"
    aimock.answer("Say", {"content": completion(answer="x" * 30), "finishReason": ends})
    outcome = call(client, mode, face, TEXT, question="Say x.")
    assert outcome.error is not None
    assert (outcome.error.code, outcome.error.reason) == (code, reason)


@pytest.mark.parametrize(
    ("status", "code", "reason"),
    [
        (400, Code.INVALID_ARGUMENT, "PROVIDER_INVALID_REQUEST"),
        (401, Code.FAILED_PRECONDITION, "PROVIDER_AUTH"),
        (403, Code.FAILED_PRECONDITION, "PROVIDER_PERMISSION"),
        (404, Code.FAILED_PRECONDITION, "PROVIDER_INVALID_REQUEST"),
        (429, Code.RESOURCE_EXHAUSTED, "PROVIDER_RATE_LIMITED"),
        (500, Code.UNAVAILABLE, "PROVIDER_OVERLOADED"),
        (503, Code.UNAVAILABLE, "PROVIDER_OVERLOADED"),
    ],
)
def test_failures(client: Client, aimock: Aimock, face: str, mode: str, status: int, code: Code, reason: str) -> None:
    aimock.answer("fail", {"error": {"message": "as asked", "type": "of-aimock"}, "status": status, "retryAfter": 7})
    outcome = call(client, mode, face, TEXT, question="fail")
    assert outcome.error is not None
    assert (outcome.error.code, outcome.error.reason) == (code, reason)
    assert outcome.error.metadata["http_status"] == str(status)
    assert outcome.error.metadata["provider_request_id"].startswith("req")
    assert outcome.error.retry_delay == (7 if status == 429 else None)


def test_failures_that_pass(retrying: Client, aimock: Aimock, face: str, mode: str) -> None:
    aimock.answer("Say", {"content": completion(answer="x")})
    for status in (500, 503, 429):
        aimock.fail_once(status)
        assert call(retrying, mode, face, TEXT, question="Say x.").outputs == {"answer": "x"}
    assert [request["response"]["status"] for request in aimock.requests()] == [500, 200, 503, 200, 429, 200]


@pytest.mark.parametrize(
    ("chaos", "code", "reason"),
    [
        ("dropRate", Code.UNAVAILABLE, "PROVIDER_OVERLOADED"),
        ("malformedRate", Code.INTERNAL, "PROVIDER_MALFORMED_RESPONSE"),
        ("disconnectRate", Code.UNAVAILABLE, "PROVIDER_UNREACHABLE"),
        ("rateLimitRate", Code.RESOURCE_EXHAUSTED, "PROVIDER_RATE_LIMITED"),
    ],
)
def test_chaos(client: Client, aimock: Aimock, face: str, mode: str, chaos: str, code: Code, reason: str) -> None:
    aimock.answer("Say", {"content": completion(answer="x")})
    aimock.chaos(**{chaos: 1})
    outcome = call(client, mode, face, TEXT, question="Say x.")
    assert outcome.error is not None
    assert (outcome.error.code, outcome.error.reason) == (code, reason)


def test_streams_that_break(client: Client, aimock: Aimock, face: str, mode: str) -> None:
    """After text was given, with what there was; an answer that is no stream does not break."""
    aimock.answer("Say", {"content": completion(answer="x" * 2000)}, chunkSize=5, latency=5, disconnectAfterMs=300)
    outcome = call(client, mode, face, TEXT, question="Say x.")
    if mode == "Forward":
        assert outcome.outputs == {"answer": "x" * 2000}
        return
    assert outcome.error is not None
    assert (outcome.error.code, outcome.error.reason) == (Code.UNAVAILABLE, "PROVIDER_UNREACHABLE")
    partial = json.loads(outcome.events[-1].interruption.outputs_json)
    assert partial == outcome.texts()
    assert 0 < len(partial["answer"]) < 2000

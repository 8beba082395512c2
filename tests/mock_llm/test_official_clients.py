"""The official clients of the providers against the mock: they, not its author, say what an answer looks like.

Both validate whole answers strictly; of streams the tests validate each event against the client's own type.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import anthropic
import openai
import pydantic
import pytest
from anthropic.types import MessageParam, RawMessageStreamEvent, ToolParam
from openai.types.chat import ChatCompletionChunk, ChatCompletionMessageParam
from openai.types.responses import ResponseStreamEvent

from tests.mock_llm.client import MockLlm

CHAT: list[ChatCompletionMessageParam] = [{"role": "user", "content": "hello"}]
TURNS: list[MessageParam] = [{"role": "user", "content": "hello"}]
SCHEMA: dict[str, object] = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "age": {"type": "integer"},
        "tags": {"type": "array", "items": {"enum": ["a", "b"]}},
        "parent": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/Parent"}]},
    },
    "$defs": {"Parent": {"type": "object", "properties": {"ok": {"type": "boolean"}}}},
}
EXAMPLE = '{"name":"mock","age":1,"tags":["a"],"parent":{"ok":true}}'
TOOL: ToolParam = {"name": "look_up", "input_schema": {"type": "object", "properties": {"word": {"type": "string"}}}}
CALLS = [{"name": "look_up", "arguments": {"word": "two words"}}, {"name": "look_up", "arguments": {}}]


@pytest.fixture
def gpt(mock_llm: MockLlm) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(
        api_key="k", base_url=mock_llm.base_url, max_retries=0, _strict_response_validation=True
    ) as client:
        yield client


@pytest.fixture
def claude(mock_llm: MockLlm) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(
        api_key="k", base_url=mock_llm.anthropic_base_url, max_retries=0, _strict_response_validation=True
    ) as client:
        yield client


def strictly(kind: Any, event: pydantic.BaseModel) -> None:
    """Validates an event of a stream, which the clients only build, and that it has nothing that they do not know."""
    parsed = pydantic.TypeAdapter[Any](kind).validate_python(event.to_dict())  # type: ignore[attr-defined]
    unknown = [path for path in extras(parsed) if path != ".choices.delta.reasoning_content"]
    assert not unknown, f"{parsed!r} has {unknown}"


def extras(value: Any, path: str = "") -> list[str]:
    """Where a model holds keys that its type does not declare."""
    if isinstance(value, list):
        return [found for item in value for found in extras(item, path)]
    if not isinstance(value, pydantic.BaseModel):
        return []
    found = [f"{path}.{name}" for name in value.model_extra or {}]
    for name in type(value).model_fields:
        found += extras(getattr(value, name), f"{path}.{name}")
    return found


def test_chat_completions(gpt: openai.OpenAI, mock_llm: MockLlm) -> None:
    mock_llm.script([{"reply": {"content": "Paris", "reasoning": "hmm"}}])
    answer = gpt.chat.completions.create(model="m", messages=CHAT)
    assert answer.choices[0].message.content == "Paris"
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.total_tokens > 1
    assert answer._request_id == "req_mock_0"
    assert extras(answer) == [".choices.message.reasoning_content"]  # Other servers' key.


def test_chat_completions_stream(gpt: openai.OpenAI, mock_llm: MockLlm) -> None:
    mock_llm.script([{"reply": {"content": "Paris, 日本", "tool_calls": CALLS, "reasoning": "hmm"}, "chunk_bytes": 3}])
    chunks = list(
        gpt.chat.completions.create(model="m", messages=CHAT, stream=True, stream_options={"include_usage": True})
    )
    for chunk in chunks:
        strictly(ChatCompletionChunk, chunk)
    assert chunks[-1].usage is not None
    choices = [chunk.choices[0] for chunk in chunks if chunk.choices]
    assert "".join(choice.delta.content or "" for choice in choices) == "Paris, 日本"
    assert choices[-1].finish_reason == "tool_calls"

    with gpt.chat.completions.stream(model="m", messages=CHAT) as stream:
        message = stream.get_final_completion().choices[0].message
    assert [(call.id, call.function.arguments) for call in message.tool_calls or []] == [
        ("call_mock_0", '{"word":"two words"}'),
        ("call_mock_1", "{}"),
    ]


def test_chat_completions_with_a_schema(gpt: openai.OpenAI) -> None:
    answer = gpt.chat.completions.create(
        model="m",
        messages=CHAT,
        response_format={"type": "json_schema", "json_schema": {"name": "s", "schema": SCHEMA}},
    )
    assert answer.choices[0].message.content == EXAMPLE


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("invalid_request", openai.BadRequestError),
        ("context_length_exceeded", openai.BadRequestError),
        ("unauthorized", openai.AuthenticationError),
        ("permission_denied", openai.PermissionDeniedError),
        ("model_not_found", openai.NotFoundError),
        ("rate_limited", openai.RateLimitError),
        ("insufficient_quota", openai.RateLimitError),
        ("server_error", openai.InternalServerError),
        ("overloaded", openai.InternalServerError),
    ],
)
def test_errors_of_openai(gpt: openai.OpenAI, mock_llm: MockLlm, fault: str, kind: type[openai.APIStatusError]) -> None:
    mock_llm.script([{"fault": fault}])
    with pytest.raises(kind) as raised:
        gpt.chat.completions.create(model="m", messages=CHAT)
    assert raised.value.code
    assert raised.value.type
    with pytest.raises(kind):
        gpt.responses.create(model="m", input="hello")


def test_errors_in_streams_of_openai(gpt: openai.OpenAI, mock_llm: MockLlm) -> None:
    mock_llm.script([{"fault": "error_in_stream"}])
    with pytest.raises(openai.APIError, match="middle of the stream"):
        list(gpt.chat.completions.create(model="m", messages=CHAT, stream=True))
    last = list(gpt.responses.create(model="m", input="hello", stream=True))[-1]
    assert last.type == "error"
    assert last.code == "server_error"


def test_responses(gpt: openai.OpenAI, mock_llm: MockLlm) -> None:
    mock_llm.script(
        [
            {"match": {"contains": "hello"}, "reply": {"content": "Paris", "reasoning": "hmm"}, "times": 1},
            {"reply": {"tool_calls": CALLS}, "times": 1},
            {"reply": {"content": "Par", "finish_reason": "length"}, "times": 1},
            {"reply": {"refusal": "No."}, "times": 1},
        ]
    )
    answer = gpt.responses.create(
        model="m", input="hello", instructions="Be brief.", include=["reasoning.encrypted_content"]
    )
    assert answer.output_text == "Paris"
    assert answer.instructions == "Be brief."
    assert answer.status == "completed"
    assert [item.type for item in answer.output] == ["reasoning", "message"]
    assert answer.usage is not None
    assert extras(answer) == []
    tools = gpt.responses.create(
        model="m",
        input=[{"role": "user", "content": "hello"}],
        tools=[{"type": "function", "name": "look_up", "parameters": {"type": "object"}, "strict": False}],
    )
    assert [item.type for item in tools.output] == ["function_call", "function_call"]
    cut = gpt.responses.create(model="m", input="hello")
    assert cut.incomplete_details is not None
    assert cut.incomplete_details.reason == "max_output_tokens"
    refused = gpt.responses.create(model="m", input="hello").output[0]
    assert refused.type == "message"
    assert refused.content[0].type == "refusal"
    shaped = gpt.responses.create(
        model="m", input="hello", text={"format": {"type": "json_schema", "name": "s", "schema": SCHEMA}}
    )
    assert shaped.output_text == EXAMPLE


def test_responses_stream(gpt: openai.OpenAI, mock_llm: MockLlm) -> None:
    reply = {"reasoning": "hmm, well", "content": "Paris, 日本", "tool_calls": CALLS}
    mock_llm.script(
        [
            {"reply": reply, "times": 2},
            {"reply": {"refusal": "No, no.", "finish_reason": "length"}, "times": 1},
            {"reply": {"finish_reason": "failed"}},
        ]
    )
    events = list(gpt.responses.create(model="m", input="hello", stream=True))
    for event in events:
        strictly(ResponseStreamEvent, event)
    assert [event.sequence_number for event in events] == list(range(len(events)))
    deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert "".join(deltas) == "Paris, 日本"
    assert len(deltas) == 2
    last = events[-1]
    assert last.type == "response.completed"
    assert [item.type for item in last.response.output] == ["reasoning", "message", "function_call", "function_call"]
    with gpt.responses.stream(model="m", input="hello") as stream:
        final = stream.get_final_response()
    assert final.output_text == "Paris, 日本"
    for ending in ("response.incomplete", "response.failed"):
        events = list(gpt.responses.create(model="m", input="hello", stream=True))
        for event in events:
            strictly(ResponseStreamEvent, event)
        assert events[-1].type == ending


def test_messages(claude: anthropic.Anthropic, mock_llm: MockLlm) -> None:
    mock_llm.script(
        [
            {"reply": {"content": "Paris", "reasoning": "hmm"}, "times": 1},
            {"reply": {"content": "I look.", "tool_calls": CALLS}, "times": 1},
            {"match": {"contains": "found"}, "reply": {"content": "Pa", "finish_reason": "length"}, "times": 1},
        ]
    )
    answer = claude.messages.create(model="m", max_tokens=9, messages=TURNS)
    assert [block.type for block in answer.content] == ["thinking", "text"]
    assert answer.stop_reason == "end_turn"
    assert answer.usage.cache_read_input_tokens == 0
    assert answer._request_id == "req_mock_0"
    assert extras(answer) == []
    tools = claude.messages.create(model="m", max_tokens=9, messages=TURNS, tools=[TOOL])
    assert tools.stop_reason == "tool_use"
    assert tools.content[1].type == "tool_use"
    assert tools.content[1].input == {"word": "two words"}
    results = [{"type": "tool_result", "tool_use_id": "toolu_mock_0", "content": [{"type": "text", "text": "found"}]}]
    turns: list[Any] = [*TURNS, {"role": "assistant", "content": tools.content}, {"role": "user", "content": results}]
    assert claude.messages.create(model="m", max_tokens=9, messages=turns).stop_reason == "max_tokens"
    shaped = claude.messages.create(
        model="m",
        max_tokens=9,
        messages=TURNS,
        output_config={"format": {"type": "json_schema", "schema": SCHEMA}},
    )
    assert shaped.content[0].type == "text"
    assert shaped.content[0].text == EXAMPLE

    seen = mock_llm.requests()[0]
    assert seen.headers["x-api-key"] == "k"
    assert seen.headers["anthropic-version"] == "2023-06-01"


def test_messages_stream(claude: anthropic.Anthropic, mock_llm: MockLlm) -> None:
    reply = {"reasoning": "hmm, well", "content": "Paris, 日本", "tool_calls": CALLS}
    mock_llm.script([{"reply": reply, "chunk_bytes": 5, "crlf": True, "keep_alives": True}])
    events = list(claude.messages.create(model="m", max_tokens=9, messages=TURNS, stream=True))
    for event in events:
        strictly(RawMessageStreamEvent, event)
    assert events[0].type == "message_start"
    assert events[-2].type == "message_delta"
    assert events[-2].delta.stop_reason == "tool_use"
    assert events[-1].type == "message_stop"
    with claude.messages.stream(model="m", max_tokens=9, messages=TURNS) as stream:
        message = stream.get_final_message()
    thinking, text, first, second = message.content
    assert thinking.type == "thinking"
    assert (thinking.thinking, thinking.signature != "") == ("hmm, well", True)
    assert text.type == "text"
    assert text.text == "Paris, 日本"
    assert first.type == second.type == "tool_use"
    assert (first.input, second.input) == ({"word": "two words"}, {})


@pytest.mark.parametrize(
    ("fault", "kind", "type_"),
    [
        ("invalid_request", anthropic.BadRequestError, "invalid_request_error"),
        ("context_length_exceeded", anthropic.BadRequestError, "invalid_request_error"),
        ("unauthorized", anthropic.AuthenticationError, "authentication_error"),
        ("insufficient_quota", anthropic.APIStatusError, "billing_error"),
        ("permission_denied", anthropic.PermissionDeniedError, "permission_error"),
        ("model_not_found", anthropic.NotFoundError, "not_found_error"),
        ("rate_limited", anthropic.RateLimitError, "rate_limit_error"),
        ("server_error", anthropic.InternalServerError, "api_error"),
        ("overloaded", anthropic.OverloadedError, "overloaded_error"),
    ],
)
def test_errors_of_anthropic(
    claude: anthropic.Anthropic, mock_llm: MockLlm, fault: str, kind: type[anthropic.APIStatusError], type_: str
) -> None:
    mock_llm.script([{"fault": fault}])
    with pytest.raises(kind) as raised:
        claude.messages.create(model="m", max_tokens=9, messages=TURNS)
    assert isinstance(raised.value.body, dict)
    assert raised.value.body["error"]["type"] == type_
    assert raised.value.request_id == "req_mock_0"


def test_errors_in_streams_of_anthropic(claude: anthropic.Anthropic, mock_llm: MockLlm) -> None:
    mock_llm.script([{"fault": "error_in_stream"}])
    with pytest.raises(anthropic.APIStatusError, match="Overloaded"):
        list(claude.messages.create(model="m", max_tokens=9, messages=TURNS, stream=True))

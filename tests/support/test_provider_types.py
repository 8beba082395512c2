"""The validator of requests: it takes what the official clients send, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import anthropic
import openai
import pydantic
import pytest

from tests.mock_llm.client import MockLlm
from tests.support import provider_types

SCHEMA: dict[str, object] = {"type": "object", "properties": {"a": {"type": "string"}}}
CHAT: dict[str, Any] = {
    "model": "m",
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "hello"}]},
        {
            "role": "assistant",
            "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
        },
        {"role": "tool", "tool_call_id": "c", "content": "found"},
    ],
    "temperature": 0,
    "stop": ["x"],
    "response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": SCHEMA, "strict": True}},
    "tools": [{"type": "function", "function": {"name": "f", "parameters": SCHEMA}}],
}
RESPONSES: dict[str, Any] = {
    "model": "m",
    "input": [
        {"role": "user", "content": [{"type": "input_text", "text": "hello"}]},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": "found"},
    ],
    "text": {"format": {"type": "json_schema", "name": "s", "schema": SCHEMA, "strict": True}},
    "tools": [{"type": "function", "name": "f", "parameters": SCHEMA, "strict": True}],
}
MESSAGES: dict[str, Any] = {
    "model": "m",
    "max_tokens": 9,
    "temperature": 0.5,
    "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
    "messages": [
        {"role": "user", "content": "hello"},
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "hmm", "signature": "s"},
                {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}},
            ],
        },
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "found"}]},
    ],
    "tools": [{"name": "f", "input_schema": SCHEMA}],
}
CASES = [
    pytest.param(provider_types.check_chat_completions, CHAT, id="chat"),
    pytest.param(provider_types.check_responses, RESPONSES, id="responses"),
    pytest.param(provider_types.check_messages, MESSAGES, id="messages"),
]
Check = Callable[[str], None]


def places(value: Any) -> list[tuple[str | int, ...]]:
    """The paths of all objects in a request whose keys are the provider's, not the user's."""
    found: list[tuple[str | int, ...]] = []
    if isinstance(value, dict):
        found.append(())
        found += [
            (key, *path)
            for key, inner in value.items()
            if key not in ("schema", "parameters", "input_schema") and inner != {"a": 1}
            for path in places(inner)
        ]
    elif isinstance(value, list):
        found += [(i, *path) for i, inner in enumerate(value) for path in places(inner)]
    return found


def at(value: Any, path: tuple[str | int, ...]) -> Any:
    for key in path:
        value = value[key]
    return value


def test_what_the_clients_send_passes(mock_llm: MockLlm) -> None:
    with openai.OpenAI(api_key="k", base_url=mock_llm.base_url) as gpt:
        gpt.chat.completions.create(**CHAT)
        gpt.chat.completions.create(**CHAT, stream=True, stream_options={"include_usage": True}).close()
        gpt.responses.create(**RESPONSES)
        gpt.responses.create(**RESPONSES, stream=True).close()
    with anthropic.Anthropic(api_key="k", base_url=mock_llm.anthropic_base_url) as claude:
        claude.messages.create(**MESSAGES)
        claude.messages.create(**MESSAGES, stream=True).close()
    bodies = [request.body for request in mock_llm.requests()]
    checks = [provider_types.check_chat_completions, provider_types.check_responses, provider_types.check_messages]
    for i, body in enumerate(bodies):
        checks[i // 2](body)
    assert len(bodies) == 6


@pytest.mark.parametrize(("check", "body"), CASES)
def test_a_key_too_many_is_refused_anywhere(check: Check, body: dict[str, Any]) -> None:
    check(json.dumps(body))
    check(json.dumps(body | {"metadata": {}}))
    paths = places(body)
    assert len(paths) > 5
    for path in paths:
        changed = json.loads(json.dumps(body))
        at(changed, path)["colour"] = "red"
        with pytest.raises(pydantic.ValidationError, match="colour"):
            check(json.dumps(changed))


@pytest.mark.parametrize(("check", "body"), CASES)
def test_wrong_and_missing_values_are_refused(check: Check, body: dict[str, Any]) -> None:
    with pytest.raises(pydantic.ValidationError, match="model"):
        check(json.dumps(body | {"model": 3}))
    with pytest.raises(pydantic.ValidationError, match="temperature"):
        check(json.dumps(body | {"temperature": "0.5"}))
    with pytest.raises(pydantic.ValidationError, match="stream"):
        check(json.dumps(body | {"stream": "yes"}))
    if "messages" in body:
        with pytest.raises(pydantic.ValidationError, match="messages"):
            check(json.dumps({key: value for key, value in body.items() if key != "messages"}))

"""What the official clients of the providers allow in a request, as types with nothing beyond them.

The types are the clients' own (TypedDicts). Every key that they do not declare is refused, at any depth, and so is a
value that would only fit after a conversion.
"""

from __future__ import annotations

import functools
import json
from typing import Any

import pydantic
from anthropic.types import message_create_params
from openai.types.chat import completion_create_params
from openai.types.responses import response_create_params
from pydantic_core import SchemaValidator


def check_chat_completions(body: str | bytes) -> None:
    """Raises pydantic.ValidationError if this is no request that OpenAI's client could send to chat completions."""
    kinds = completion_create_params
    _check(kinds.CompletionCreateParamsStreaming, kinds.CompletionCreateParamsNonStreaming, body)


def check_responses(body: str | bytes) -> None:
    """Raises pydantic.ValidationError if this is no request that OpenAI's client could send to Responses."""
    kinds = response_create_params
    _check(kinds.ResponseCreateParamsStreaming, kinds.ResponseCreateParamsNonStreaming, body)


def check_messages(body: str | bytes) -> None:
    """Raises pydantic.ValidationError if this is no request that Anthropic's client could send to messages."""
    kinds = message_create_params
    _check(kinds.MessageCreateParamsStreaming, kinds.MessageCreateParamsNonStreaming, body)


def _check(streaming: Any, plain: Any, body: str | bytes) -> None:
    # One of the two, for errors that name what is wrong instead of all that it might have been.
    stream = json.loads(body).get("stream") is True
    _validator(streaming if stream else plain).validate_json(body, strict=True)


@functools.cache
def _validator(kind: Any) -> SchemaValidator:
    # Some types name what pydantic does not know, and a TypedDict by itself takes no configuration from outside.
    adapter = pydantic.TypeAdapter[Any](kind | None, config=pydantic.ConfigDict(arbitrary_types_allowed=True))
    return SchemaValidator(_exact(adapter.core_schema))


def _exact(schema: Any) -> Any:
    """A schema that forbids what it does not declare, and reads lists whole, where an Iterable would be read later."""
    if isinstance(schema, list | tuple):
        return type(schema)(_exact(item) for item in schema)
    if not isinstance(schema, dict):
        return schema
    if schema.get("type") == "model":
        # By itself: with its class it would be read as the class says, which allows more.
        return _exact(schema["schema"]) | ({"ref": schema["ref"]} if "ref" in schema else {})
    is_schema = isinstance(schema.get("type"), str)  # Otherwise a table of fields, which may have any name.
    exact = {key: _exact(value) for key, value in schema.items() if not (is_schema and key == "metadata")}
    match exact.get("type"):
        case "typed-dict" | "model-fields":
            exact["extra_behavior"] = "forbid"
        case "generator":
            exact["type"] = "list"
    return exact

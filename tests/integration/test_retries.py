"""Requests that are tried again: the real server, and a provider that fails for a while."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from tests.integration.api import Client, completion, fails, predict
from tests.mock_llm.client import MockLlm
from tests.support.errors import rich_error
from tests.support.server import DspexServer

Code = grpc.StatusCode
INPUTS = {"question": "?"}
ANSWER = {"reply": {"content": completion(answer="x")}}


@pytest.fixture
def server(mock_llm: MockLlm, tmp_path: Path) -> Iterator[DspexServer]:
    openai = {
        "base_url": mock_llm.base_url,
        "timeouts": {"first_byte": "200ms", "idle": "200ms"},
        "retry": {"max_attempts": 3, "base_delay": "1ms", "max_delay": "2ms"},
    }
    config: dict[str, Any] = {"default_lm": "openai/mock", "providers": {"openai": openai}}
    with DspexServer(tmp_path, config=config) as server:
        yield server


@pytest.fixture
def client(server: DspexServer) -> Iterator[Client]:
    with Client(server) as client:
        yield client


def program() -> Any:
    return predict("question -> answer")


@pytest.mark.parametrize(
    "fault", ["rate_limited", "server_error", "unavailable", "close_without_response", "reset_in_body", "hang"]
)
def test_what_passes_is_tried_again(client: Client, mock_llm: MockLlm, fault: str) -> None:
    mock_llm.script([{"fault": fault, "times": 2}, ANSWER])
    assert client.forward(program(), INPUTS).usage.lm_calls == 1, "failures are not counted as calls"
    assert len(mock_llm.requests()) == 3
    assert len({request.body for request in mock_llm.requests()}) == 1


@pytest.mark.parametrize("fault", ["rate_limited", "hang_in_body"])
def test_the_error_says_how_often(client: Client, mock_llm: MockLlm, fault: str) -> None:
    mock_llm.script([{"fault": fault}])
    with pytest.raises(grpc.RpcError) as caught:
        client.forward(program(), INPUTS)
    assert rich_error(caught.value).metadata["attempts"] == "3"
    assert len(mock_llm.requests()) == 3


@pytest.mark.parametrize("fault", ["unauthorized", "insufficient_quota", "context_length_exceeded", "malformed_json"])
def test_what_stays_is_not_tried_again(client: Client, mock_llm: MockLlm, fault: str) -> None:
    mock_llm.script([{"fault": fault}])
    with pytest.raises(grpc.RpcError) as caught:
        client.forward(program(), INPUTS)
    assert rich_error(caught.value).metadata["attempts"] == "1"
    assert len(mock_llm.requests()) == 1


def test_a_retry_after_beyond_the_deadline_is_not_waited_for(client: Client, mock_llm: MockLlm) -> None:
    mock_llm.script([{"fault": "rate_limited", "retry_after": "3600"}])
    with fails(Code.RESOURCE_EXHAUSTED, "PROVIDER_RATE_LIMITED", attempts="1") as caught:
        client.forward(program(), INPUTS)
    assert caught.error.retry_delay == 3600


def test_a_caller_that_goes_away_ends_the_wait(client: Client, server: DspexServer, mock_llm: MockLlm) -> None:
    mock_llm.script([{"fault": "rate_limited", "retry_after": "10", "times": 1}, ANSWER])
    call = client.start_forward(program(), INPUTS)
    mock_llm.wait("requests", 1)
    call.cancel()
    assert server.stop() == 0, "nothing is left to drain"
    assert len(mock_llm.requests()) == 1


def test_a_provider_that_fails_is_left_alone(mock_llm: MockLlm, tmp_path: Path) -> None:
    breaker = {"window": 4, "failure_percent": 50, "open_for": "600s"}
    config: dict[str, Any] = {
        "default_lm": "openai/mock",
        "providers": {"openai": {"base_url": mock_llm.base_url, "breaker": breaker}},
    }
    mock_llm.script([{"fault": "unavailable"}])
    with DspexServer(tmp_path, config=config) as server, Client(server) as client:
        for _ in range(4):
            with fails(Code.UNAVAILABLE, "PROVIDER_OVERLOADED"):
                client.forward(program(), INPUTS)
        with fails(Code.UNAVAILABLE, "PROVIDER_CIRCUIT_OPEN", provider="openai", model="mock") as caught:
            client.forward(program(), INPUTS)
        assert caught.error.retry_delay is not None
        assert 500 < caught.error.retry_delay <= 600
        assert len(mock_llm.requests()) == 4, "what was refused was not sent"

"""A provider that takes 600 requests a minute and says so: calls wait for their turn instead of being refused."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from tests.integration.api import Client, check_error, completion, fails, predict
from tests.integration.metrics import Page
from tests.mock_llm.client import MockLlm
from tests.support.errors import rich_error
from tests.support.server import DspexServer, eventually

QA = predict("question -> answer")
INPUTS = {"question": "?"}


@pytest.fixture
def server(mock_llm: MockLlm, tmp_path: Path) -> Iterator[DspexServer]:
    """Nothing is configured: the server learns the limits from the provider's headers."""
    with DspexServer(tmp_path, openai_base_url=mock_llm.base_url) as server:
        yield server


def test_more_calls_at_once_than_a_minute_has(client: Client, server: DspexServer, mock_llm: MockLlm) -> None:
    """In real time, so only a little more; a thousand at once, of two tenants, are ProviderLimitsTest's.

    The mock's clock can be driven, the server's cannot.
    """
    count = 630
    mock_llm.script([{"reply": {"content": completion(answer="x")}}], rate_limit={"requests_per_minute": 600})
    began = time.monotonic()
    calls = [client.start_forward(QA, INPUTS, timeout=60) for _ in range(count)]
    # Once all that a minute has is used up, who has no time is told so at once.
    eventually(lambda: len(mock_llm.requests()) >= 600, timeout=30)
    assert Page(server.metrics_address).sum("dspex_limiter_waiting", provider="openai") > 0
    with fails(grpc.StatusCode.RESOURCE_EXHAUSTED, "PROVIDER_LIMIT_REACHED", limit="requests") as caught:
        client.forward(QA, INPUTS, timeout=0.5)
    assert caught.error.retry_delay is not None
    outcomes: Counter[str] = Counter()
    for call in calls:
        try:
            call.result()
            outcomes["ok"] += 1
        except grpc.RpcError as error:
            outcomes[rich_error(error).reason] += 1
    lasted = time.monotonic() - began
    print(f"{outcomes} in {lasted:.1f} s")
    assert outcomes["ok"] > 0.99 * count, outcomes
    assert lasted >= (count - 600) / 10 - 0.5, "they waited"
    assert lasted < 30


def test_a_refusal_that_names_the_limits(client: Client, mock_llm: MockLlm) -> None:
    """Who has no time for them is not sent after it."""
    headers = {f"x-ratelimit-{name}-tokens": value for name, value in
               {"limit": "600", "remaining": "0", "reset": "1m0s"}.items()}  # fmt: skip
    refusal = {"status": 429, "raw_body": "{}", "headers": {"content-type": "application/json", **headers}}
    mock_llm.script([{"reply": refusal, "times": 1}, {"reply": {"content": completion(answer="x")}}])
    with pytest.raises(grpc.RpcError) as refused:
        client.forward(QA, INPUTS, timeout=0.5)
    error = rich_error(refused.value)
    assert error.code == grpc.StatusCode.RESOURCE_EXHAUSTED
    check_error(error)
    with fails(grpc.StatusCode.RESOURCE_EXHAUSTED, "PROVIDER_LIMIT_REACHED", limit="tokens") as caught:
        client.forward(QA, INPUTS, timeout=0.5)
    assert caught.error.retry_delay is not None
    assert caught.error.retry_delay > 10, "a request of hundreds of tokens, at ten a second"
    assert len(mock_llm.requests()) == 1

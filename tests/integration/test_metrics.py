"""The metrics page and the log: what an operator relies on, and what neither may show."""

from __future__ import annotations

import contextlib
import re
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import grpc
import pytest

from tests.integration.api import (
    COMPLETION,
    INPUTS,
    MODEL,
    SECRET_ANSWER,
    SECRET_KEY,
    SECRET_PROMPT,
    SECRETS,
    Client,
    completion,
    predict,
)
from tests.integration.metrics import Page
from tests.mock_llm.client import MockLlm
from tests.support.server import DspexServer, eventually

FORWARD = {"service": "dspex.v1.PredictionService", "method": "Forward"}


@pytest.fixture(scope="module")
def server(shared_mock_llm: MockLlm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DspexServer]:
    """A server of their own for tests that count."""
    providers = {
        "openai": {"base_url": shared_mock_llm.base_url, "api_key_env": "TEST_KEY"},
        "unreachable": {"base_url": "http://127.0.0.1:1/v1"},
    }
    config = {"providers": providers, "default_lm": MODEL, "log": {"level": "debug"}}
    with DspexServer(tmp_path_factory.mktemp("metrics"), config=config, env={"TEST_KEY": SECRET_KEY}) as server:
        yield server


@pytest.fixture
def page(server: DspexServer) -> Callable[[], Page]:
    return lambda: Page(server.metrics_address)


def test_promtool_accepts_the_page(client: Client, page: Callable[[], Page], mock_llm: MockLlm) -> None:
    mock_llm.script([{"reply": {"content": COMPLETION}, "times": 1}, {"fault": "unauthorized"}])
    client.forward(predict())
    with pytest.raises(grpc.RpcError):
        client.forward(predict())
    text = page().text
    checked = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, timeout=30)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_a_forward_moves_the_series(client: Client, page: Callable[[], Page], mock_llm: MockLlm) -> None:
    usage = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
    mock_llm.script([{"reply": {"content": COMPLETION, "usage": usage}, "latency": {"fixed_ms": 50}}])
    client.forward(predict())  # So that every series exists.
    before = page()
    for _ in range(3):
        client.forward(predict())
    after = page()

    def grown(name: str, **labels: str) -> float:
        return after.sum(name, **labels) - before.sum(name, **labels)

    assert grown("dspex_rpcs_total", code="OK", **FORWARD) == 3
    assert grown("dspex_rpcs_total") == 3
    assert grown("dspex_rpc_duration_seconds_count", **FORWARD) == 3
    assert 0.15 <= grown("dspex_rpc_duration_seconds_sum", **FORWARD) < 3
    assert grown("dspex_rpc_duration_seconds_bucket", le="0.05", **FORWARD) == 0
    assert grown("dspex_rpc_duration_seconds_bucket", le="+Inf", **FORWARD) == 3
    assert grown("dspex_rpc_overhead_seconds_count", **FORWARD) == 3
    overhead = grown("dspex_rpc_overhead_seconds_sum", **FORWARD)
    assert 0 < overhead < grown("dspex_rpc_duration_seconds_sum", **FORWARD) - 0.15 + 0.001
    assert grown("dspex_rpc_queue_seconds_count", **FORWARD) == 3
    model = {"provider": "openai", "model": "mock"}
    assert grown("dspex_lm_calls_total", outcome="ok", **model) == 3
    assert grown("dspex_lm_calls_total") == 3
    assert grown("dspex_lm_call_duration_seconds_count", provider="openai") == 3
    assert grown("dspex_lm_call_duration_seconds_sum", provider="openai") >= 0.15
    assert grown("dspex_lm_tokens_total", direction="input", **model) == 300
    assert grown("dspex_lm_tokens_total", direction="output", **model) == 60
    assert after.sum("dspex_rpcs_in_flight") == 0
    assert after.sum("dspex_http_connections", state="in_use", provider="openai") == 0
    assert after.sum("dspex_http_connections", state="idle", provider="openai") >= 1
    assert after.sum("dspex_http_connections_opened_total", provider="openai") >= 1
    (build,) = after.find("dspex_build_info")
    assert build.value == 1
    assert build.labels["version"]


def test_in_flight_and_queue(client: Client, page: Callable[[], Page], mock_llm: MockLlm) -> None:
    mock_llm.script([{"fault": "hang"}])
    calls = [client.start_forward(predict()) for _ in range(7)]
    mock_llm.wait("in_flight", 7)
    assert page().sum("dspex_rpcs_in_flight", **FORWARD) == 7
    assert page().sum("dspex_http_connections", state="in_use", provider="openai") == 7
    cancelled = page().sum("dspex_rpcs_total", code="CANCELLED", **FORWARD)
    outcome = page().sum("dspex_lm_calls_total", outcome="cancelled")
    for call in calls:
        call.cancel()
    eventually(lambda: page().sum("dspex_rpcs_in_flight") == 0)
    assert page().sum("dspex_rpcs_total", code="CANCELLED", **FORWARD) - cancelled == 7
    assert page().sum("dspex_lm_calls_total", outcome="cancelled") - outcome == 7
    assert page().sum("dspex_http_connections", state="in_use") == 0


def test_queue_time_is_no_overhead(start_server: Callable[..., DspexServer], mock_llm: MockLlm) -> None:
    """Two calls for one connection: the second one's wait is queue time, neither provider's nor server's."""
    mock_llm.script([{"latency": {"fixed_ms": 200}}])
    providers = {"openai": {"base_url": mock_llm.base_url, "max_connections": 1}}
    server = start_server(config={"providers": providers, "default_lm": MODEL})
    with Client(server) as client:
        calls = [client.start_forward(predict("q -> a"), {"q": "?"}) for _ in range(2)]
        for call in calls:
            call.result(timeout=20)
    page = Page(server.metrics_address)
    assert 0.15 < page.sum("dspex_rpc_queue_seconds_sum", method="Forward") < 0.4
    assert page.sum("dspex_rpc_overhead_seconds_sum", method="Forward") < 0.1
    assert page.sum("dspex_rpc_duration_seconds_sum", method="Forward") >= 0.6


def test_outcomes(client: Client, page: Callable[[], Page], mock_llm: MockLlm) -> None:
    """Each way to fail is an outcome of its own, from a set that is known beforehand."""
    before = page()
    faults = [
        "unauthorized", "rate_limited", "server_error", "reset_before_response", "malformed_json",
        "context_length_exceeded",
    ]  # fmt: skip
    for fault in faults:
        mock_llm.script([{"fault": fault}])
        with pytest.raises(grpc.RpcError):
            client.forward(predict())
    after = page()
    outcomes = {
        sample.labels["outcome"]
        for sample in after.find("dspex_lm_calls_total", provider="openai")
        if sample.value > before.sum("dspex_lm_calls_total", **sample.labels)
    }
    assert len(outcomes) == len(faults), outcomes
    assert all(re.fullmatch("[a-z_]+", outcome) for outcome in outcomes)
    assert after.sum("dspex_lm_calls_total") - before.sum("dspex_lm_calls_total") == len(faults)


def test_labels_are_bounded(client: Client, page: Callable[[], Page], mock_llm: MockLlm) -> None:
    """Callers name models; a page does not grow with what they think of."""
    for i in range(300):
        client.forward(predict("q -> a", lm=f"openai/invented-{i}"), {"q": "?"})
    first = page()
    models = {sample.labels["model"] for sample in first.find("dspex_lm_calls_total")}
    assert 50 <= len(models) <= 110
    assert "other" in models
    assert first.sum("dspex_lm_calls_total", outcome="ok", model="other") >= 190
    for i in range(300, 350):
        client.forward(predict("q -> a", lm=f"openai/invented-{i}"), {"q": "?"})
    second = page()
    assert len(second.samples) == len(first.samples)
    grown = second.sum("dspex_lm_calls_total") - first.sum("dspex_lm_calls_total")
    assert grown == 50
    # Providers are the configured ones, whatever callers write.
    for i in range(20):
        with contextlib.suppress(grpc.RpcError):
            client.forward(predict(lm=f"nobody-{i}/model"))
    assert {s.labels["provider"] for s in page().samples if "provider" in s.labels} <= {"openai", "unreachable"}


def test_log(client: Client, server: DspexServer, mock_llm: MockLlm) -> None:
    """JSON lines: what happened and how long it took, never what was said."""
    secret = {"question": SECRET_PROMPT, "numbers": [1]}
    began = datetime.now(UTC)
    mock_llm.script([{"reply": {"content": completion(answer="1", label="yes") + SECRET_ANSWER}}])
    client.forward(predict(), secret, metadata={"x-request-id": "log-ok"})
    mock_llm.script([{"reply": {"content": SECRET_ANSWER}}])
    with pytest.raises(grpc.RpcError):
        client.forward(predict(), secret, metadata={"x-request-id": "log-unparsable"})
    with pytest.raises(grpc.RpcError):
        client.forward(predict(), {"question": [SECRET_PROMPT], "numbers": []}, metadata={"x-request-id": "log-wrong"})
    lines = {line["request_id"]: line for line in eventually(lambda: _lines(server))}
    ok = lines["log-ok"]
    assert (ok["msg"], ok["method"], ok["code"], ok["level"]) == ("rpc", "Forward", "OK", "info")
    assert abs((datetime.fromisoformat(ok["time"]) - began).total_seconds()) < 20
    assert ok["duration_ms"] >= ok["provider_ms"] > 0
    assert ok["input_tokens"] > 0
    assert ok["output_tokens"] > 0
    assert (lines["log-unparsable"]["code"], lines["log-unparsable"]["reason"]) == (
        "DATA_LOSS",
        "COMPLETION_UNPARSABLE",
    )
    assert (lines["log-wrong"]["code"], lines["log-wrong"]["reason"]) == ("INVALID_ARGUMENT", "INVALID_VALUE")
    assert [line for line in server.output().splitlines() if not line.startswith("{")] == []
    assert len(server.logs()) == len(server.output().splitlines())
    assert not any(secret in server.output() for secret in SECRETS)
    assert server.logs("defect") == []


def _lines(server: DspexServer) -> list[dict[str, Any]]:
    lines = [line for line in server.logs("rpc") if line["request_id"].startswith("log-")]
    return lines if len(lines) == 3 else []


def test_no_access_log(start_server: Callable[..., DspexServer], mock_llm: MockLlm) -> None:
    config = {"log": {"access": False}}
    server = start_server(config=config, openai_base_url=mock_llm.base_url)
    with Client(server) as client:
        client.forward(predict("q -> a"), {"q": "?"})
    server.stop()
    assert server.logs("rpc") == []
    assert server.logs("stopped") != []


def test_metrics_off(start_server: Callable[..., DspexServer], mock_llm: MockLlm) -> None:
    server = start_server(config={"metrics_listen": "off"}, openai_base_url=mock_llm.base_url)
    with Client(server) as client:
        mock_llm.script([{"reply": {"content": COMPLETION}}])
        client.forward(predict(), INPUTS)
    assert server.metrics_address == "off"

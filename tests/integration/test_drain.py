"""How a server goes away: health turns, calls in flight end, new ones are refused, and nothing holds the process."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import grpc
import pytest
from dspex.v1 import prediction_service_pb2 as pb
from grpc_health.v1 import health_pb2

from tests.integration.api import Client, example, fails, predict
from tests.mock_llm.client import MockLlm
from tests.support.errors import rich_error
from tests.support.server import DspexServer, eventually

Code = grpc.StatusCode
Serving = health_pb2.HealthCheckResponse
QA = predict("question -> answer")
ASK = {"question": "?"}

Start = Callable[..., DspexServer]


@pytest.fixture
def start(start_server: Start, mock_llm: MockLlm) -> Start:
    """Starts a server with these settings of `drain`."""

    def start(**drain: str) -> DspexServer:
        return start_server(config={"drain": drain}, openai_base_url=mock_llm.base_url)

    return start


class HealthWatch:
    """An open Watch of the server's health."""

    def __init__(self, client: Client, service: str = "") -> None:
        self._call = client.health.Watch(health_pb2.HealthCheckRequest(service=service))
        self.statuses: list[int] = []
        self.ended = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        try:
            self.statuses.extend(response.status for response in self._call)
        except grpc.RpcError:
            pass
        finally:
            self.ended.set()


def watch(client: Client) -> HealthWatch:
    result = HealthWatch(client)
    eventually(lambda: result.statuses == [Serving.SERVING])
    return result


def wait_for_not_serving(health: HealthWatch) -> None:
    eventually(lambda: health.statuses == [Serving.SERVING, Serving.NOT_SERVING])


def test_calls_in_flight_end_and_new_ones_are_refused(start: Start, mock_llm: MockLlm) -> None:
    """Also: the open Watch does not hold the server, though the client never ends it."""
    mock_llm.script([{"latency": {"fixed_ms": 600}}])
    server = start()
    with Client(server) as client:
        health = watch(client)
        calls = [client.start_forward(QA, ASK) for _ in range(20)]
        stream = client.predictions.ForwardBatch(batch(4), timeout=20)
        mock_llm.wait("in_flight", 24)
        server.signal(signal.SIGTERM)
        wait_for_not_serving(health)
        with fails(Code.UNAVAILABLE, "SERVER_DRAINING"):
            client.forward(QA, ASK)
        with fails(Code.UNAVAILABLE, "SERVER_DRAINING"):
            client.create("qa", QA)
        with fails(Code.UNAVAILABLE, "SERVER_DRAINING"):
            list(client.predictions.ForwardBatch(batch()))
        assert all(call.result(timeout=20).prediction.usage.lm_calls == 1 for call in calls)
        assert [response.HasField("prediction") for response in stream] == [True] * 4
        assert server.wait() == 0
        assert health.ended.wait(5)
    assert [line["msg"] for line in server.logs()][-1] == "stopped"


def batch(items: int = 1) -> pb.ForwardBatchRequest:
    return pb.ForwardBatchRequest(inline_program=QA, items=[example(ASK)] * items)


def test_nothing_in_flight_ends_at_once(start: Start) -> None:
    server = start()
    with Client(server) as client:
        health = watch(client)
        began = time.monotonic()
        server.signal(signal.SIGINT)
        assert server.wait() == 0
        assert time.monotonic() - began < 1
        assert health.ended.wait(5)


def test_lame_duck_still_takes_calls(start: Start, mock_llm: MockLlm) -> None:
    server = start(lame_duck="1s")
    with Client(server) as client:
        health = watch(client)
        began = time.monotonic()
        server.signal(signal.SIGTERM)
        wait_for_not_serving(health)
        assert time.monotonic() - began < 0.5
        while time.monotonic() - began < 0.8:
            assert client.forward(QA, ASK).usage.lm_calls == 1
        assert server.wait() == 0
        assert time.monotonic() - began >= 1


def ended_by_drain(call: Any) -> bool:
    error = call.exception(timeout=10)
    assert isinstance(error, grpc.RpcError)
    return rich_error(error).code in (Code.UNAVAILABLE, Code.CANCELLED)


def test_a_second_signal_ends_it_at_once(start: Start, mock_llm: MockLlm) -> None:
    mock_llm.script([{"fault": "hang"}])
    server = start(time_limit="60s")
    with Client(server) as client:
        health = watch(client)
        call = client.start_forward(QA, ASK, timeout=60)
        mock_llm.wait("in_flight", 1)
        server.signal(signal.SIGTERM)
        wait_for_not_serving(health)
        began = time.monotonic()
        server.signal(signal.SIGTERM)
        assert ended_by_drain(call)
        assert server.wait() == 0
        assert time.monotonic() - began < 1
    assert mock_llm.wait("closed", 1) == 1


def test_a_second_signal_cuts_the_lame_duck_short(start: Start) -> None:
    server = start(lame_duck="30s", time_limit="60s")
    with Client(server) as client:
        health = watch(client)
        server.signal(signal.SIGTERM)
        wait_for_not_serving(health)
        began = time.monotonic()
        server.signal(signal.SIGTERM)
        assert server.wait() == 0
        assert time.monotonic() - began < 1


def test_the_time_limit_cancels_what_is_left(start: Start, mock_llm: MockLlm) -> None:
    mock_llm.script([{"fault": "hang"}])
    server = start(time_limit="400ms")
    with Client(server) as client:
        calls = [client.start_forward(QA, ASK, timeout=60) for _ in range(5)]
        mock_llm.wait("in_flight", 5)
        began = time.monotonic()
        server.signal(signal.SIGTERM)
        assert all(ended_by_drain(call) for call in calls)
        assert server.wait() == 0
        assert 0.4 <= time.monotonic() - began < 1.5
    mock_llm.wait("closed", 5)
    assert "cancelling calls" in [line["msg"] for line in server.logs()]


def test_a_slow_reader_does_not_hold_it(start: Start, mock_llm: MockLlm) -> None:
    """A stream whose client stopped reading is cancelled at the time limit."""
    mock_llm.script([{"reply": {"content": "[[ ## answer ## ]]\n" + "x" * 1_000_000}}])
    server = start(time_limit="500ms")
    with Client(server) as client:
        stream = client.predictions.ForwardBatch(batch(200), timeout=60)
        next(stream)
        server.signal(signal.SIGTERM)
        assert server.wait(5) == 0
        del stream

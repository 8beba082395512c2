"""What one server takes at a time, and what happens beyond."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest

from tests.integration.api import MODEL, Client, completion, fails, predict
from tests.integration.metrics import Page
from tests.mock_llm.client import MockLlm
from tests.support.errors import rich_error
from tests.support.paths import binary
from tests.support.process import memory_counts, sanitized
from tests.support.server import DspexServer, eventually

Code = grpc.StatusCode
QA = predict("question -> answer")


def ask(text: str) -> dict[str, str]:
    return {"question": text}


@pytest.fixture(scope="module")
def server(shared_mock_llm: MockLlm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DspexServer]:
    """Takes twelve calls at a time and has four connections."""
    config = {
        "providers": {"openai": {"base_url": shared_mock_llm.base_url, "max_connections": 4}},
        "limits": {"max_in_flight": 12},
        "default_lm": MODEL,
    }
    with DspexServer(tmp_path_factory.mktemp("limits"), config=config) as server:
        yield server


def start_twelfth(client: Client, server: DspexServer) -> grpc.Future[Any]:
    """A call that is in flight; begun anew as long as it is refused."""
    call = client.start_forward(QA, ask("block"))
    eventually(lambda: call.done() or in_flight(server) == 12)
    return start_twelfth(client, server) if call.done() else call


def in_flight(server: DspexServer) -> float:
    return Page(server.metrics_address).sum("dspex_rpcs_in_flight", method="Forward")


def waiting(server: DspexServer) -> float:
    return Page(server.metrics_address).sum("dspex_http_waiting", provider="openai")


def test_admission(client: Client, server: DspexServer, mock_llm: MockLlm) -> None:
    mock_llm.script([{"match": {"contains": "block"}, "fault": "hang"}])
    calls = [client.start_forward(QA, ask("block")) for _ in range(12)]
    eventually(lambda: in_flight(server) == 12)
    refused_before = Page(server.metrics_address).sum("dspex_rpcs_total", code="RESOURCE_EXHAUSTED")
    for _ in range(3):
        with fails(Code.RESOURCE_EXHAUSTED, "SERVER_OVERLOADED", limit="12") as caught:
            client.forward(QA, ask("refused"))
        assert caught.error.retry_delay
        assert caught.error.retry_delay > 0
    with fails(Code.RESOURCE_EXHAUSTED, "SERVER_OVERLOADED"):
        client.create("refused", QA)
    assert Page(server.metrics_address).sum("dspex_rpcs_total", code="RESOURCE_EXHAUSTED") - refused_before == 4
    assert in_flight(server) == 12, "a refused call is not in flight"
    calls.pop().cancel()
    eventually(lambda: in_flight(server) == 11)
    # The place is free a moment after the call is counted as ended.
    calls.append(start_twelfth(client, server))
    for call in calls:
        call.cancel()
    eventually(lambda: in_flight(server) == 0)
    assert client.forward(QA, ask("taken again")).usage.lm_calls == 1


def test_bytes_in_flight(start_server: Callable[..., DspexServer], mock_llm: MockLlm) -> None:
    """Large requests are refused before they fill the memory, whatever the number of calls."""
    limits = {"max_request_bytes": 1 << 20, "max_in_flight_bytes": 4 << 20}
    mock_llm.script([{"match": {"contains": "block"}, "fault": "hang"}])
    server = start_server(config={"limits": limits}, openai_base_url=mock_llm.base_url)
    with Client(server) as client:
        large = ask("block" + "x" * 1_000_000)
        calls = [client.start_forward(QA, large) for _ in range(4)]
        mock_llm.wait("in_flight", 4)
        for _ in range(3):
            with fails(Code.RESOURCE_EXHAUSTED, "SERVER_OVERLOADED", limit=str(4 << 20)) as caught:
                client.forward(QA, large)
            assert "limits.max_in_flight_bytes" in caught.error.message
        assert client.forward(QA, ask("a small one")).usage.lm_calls == 1
        calls.pop().cancel()
        eventually(lambda: in_flight(server) == 3)
        calls.append(client.start_forward(QA, large))
        mock_llm.wait("in_flight", 4)
        for call in calls:
            call.cancel()
        eventually(lambda: in_flight(server) == 0)


def test_connections_are_given_out_in_order(client: Client, server: DspexServer, mock_llm: MockLlm) -> None:
    mock_llm.script([{"match": {"contains": "block"}, "fault": "hang"}])
    blockers = [client.start_forward(QA, ask("block")) for _ in range(4)]
    mock_llm.wait("in_flight", 4)
    queued = []
    for i in range(8):
        queued.append(client.start_forward(QA, ask(f"turn {i} end")))
        eventually(lambda count=i + 1: waiting(server) == count)  # type: ignore[misc]
    assert len(mock_llm.requests()) == 4
    blockers[0].cancel()  # One connection for eight calls: their order is that of its requests.
    for call in queued:
        call.result(timeout=20)
    turns = [body.split("turn ")[1].split(" ")[0] for body in (r.body for r in mock_llm.requests()) if "turn" in body]
    assert turns == [str(i) for i in range(8)]
    for blocker in blockers[1:]:
        blocker.cancel()


def test_queued_calls_end_at_their_deadlines(client: Client, server: DspexServer, mock_llm: MockLlm) -> None:
    mock_llm.script([{"match": {"contains": "block"}, "fault": "hang"}])
    blockers = [client.start_forward(QA, ask("block")) for _ in range(4)]
    mock_llm.wait("in_flight", 4)
    # The client's deadline.
    calls = [client.start_forward(QA, ask("late"), timeout=0.3) for _ in range(3)]
    eventually(lambda: waiting(server) == 3)
    for call in calls:
        with pytest.raises(grpc.RpcError) as raised:
            call.result(timeout=20)
        assert rich_error(raised.value).code == Code.DEADLINE_EXCEEDED
    eventually(lambda: waiting(server) == 0, timeout=1)
    # The server's, which says where the time went.
    began = time.monotonic()
    with fails(Code.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED") as caught:
        client.forward(predict("question -> answer", timeout=0.3), ask("late"))
    assert 0.29 < time.monotonic() - began < 5
    assert caught.error.metadata["where"]
    # A call cancelled in the queue leaves it.
    call = client.start_forward(QA, ask("late"))
    eventually(lambda: waiting(server) == 1)
    call.cancel()
    eventually(lambda: waiting(server) == 0, timeout=1)
    assert len(mock_llm.requests()) == 4, "none of them was sent"
    # And whoever has time gets a connection.
    patient = client.start_forward(QA, ask("patient"))
    eventually(lambda: waiting(server) == 1)
    blockers[0].cancel()
    assert patient.result(timeout=20).prediction.usage.lm_calls == 1
    for blocker in blockers[1:]:
        blocker.cancel()
    eventually(lambda: in_flight(server) == 0)


def test_queued_calls_end_at_their_deadlines_behind_256_connections(
    start_server: Callable[..., DspexServer], mock_llm: MockLlm
) -> None:
    """The default bound, all of it taken: the server ends what waits, by its own deadline, and sends none of it."""
    mock_llm.script([{"match": {"contains": "block"}, "fault": "hang"}])
    server = start_server(config={"providers": {"openai": {"base_url": mock_llm.base_url}}, "default_lm": MODEL})
    client = Client(server)
    blockers = [client.start_forward(QA, ask("block")) for _ in range(256)]
    mock_llm.wait("in_flight", 256)
    late = [client.start_forward(predict("question -> answer", timeout=1), ask("late")) for _ in range(100)]
    for call in late:
        with pytest.raises(grpc.RpcError) as raised:
            call.result(timeout=20)
        error = rich_error(raised.value)
        assert (error.code, error.reason) == (Code.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED")
        assert error.metadata["where"] == "queue"
    assert waiting(server) == 0
    assert len(mock_llm.requests()) == 256, "none of them was sent"
    for blocker in blockers:
        blocker.cancel()
    eventually(lambda: in_flight(server) == 0)


# Long enough that the first is not answered before the last has come, on a slow machine too.
LATENCY_MS = 60_000 if sanitized() else 5000


def test_10_000_forwards_in_flight(start_server: Callable[..., DspexServer]) -> None:
    count = 10_000
    with MockLlm.start(binary("tests/mock_llm/mock_llm"), latency_ms=LATENCY_MS, record=False) as mock_llm:
        quick = {"match": {"contains": "warm up"}, "latency": {"fixed_ms": 0}}
        mock_llm.script([quick, {"reply": {"content": completion(answer="yes")}}])
        config = {
            "providers": {"openai": {"base_url": mock_llm.base_url, "max_connections": 12_000}},
            "limits": {"max_in_flight": 12_000},
            "default_lm": MODEL,
        }
        server = start_server(config=config)
        with Client(server) as client:
            client.create("qa", QA)
            # gRPC makes a few threads as they are needed; a burst shows how many.
            for call in [client.start_forward("programs/qa", ask("warm up")) for _ in range(200)]:
                call.result(timeout=20)
            before = server.usage()
            peak = Peak(server)
            load = [
                str(binary("tests/bench/load")), "run", "--target", server.address, "--method", "forward",
                "--program", "qa", "--concurrency", str(count), "--warm-up", "0", "--requests", str(count),
            ]  # fmt: skip
            process = subprocess.Popen(load, stdout=subprocess.PIPE)
            with peak:
                output, _ = process.communicate(timeout=240)
            report = json.loads(output)
            assert (report["requests"], report["errors"]) == (count, 0), report
            assert peak.in_flight == count, "all at once"
            print(f"peak: {peak.resident / (1 << 20):.0f} MiB, {peak.threads} threads")
            assert not memory_counts() or peak.resident < 500 * (1 << 20)
            assert peak.threads <= before.threads + 2 * (os.cpu_count() or 1), "not one a request"
            assert Page(server.metrics_address).sum("dspex_rpcs_total", method="Forward", code="OK") == count + 200


class Peak:
    """Watches a server; afterwards holds the most it had."""

    def __init__(self, server: DspexServer) -> None:
        self._server = server
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.in_flight = self.resident = self.threads = 0

    def _watch(self) -> None:
        while not self._stop.wait(0.05):
            now = self._server.usage()
            self.resident = max(self.resident, now.rss_bytes)
            self.threads = max(self.threads, now.threads)
            self.in_flight = max(self.in_flight, round(in_flight(self._server)))

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *exception: object) -> None:
        self._stop.set()
        self._thread.join()

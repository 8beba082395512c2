"""A caller that goes away takes its call to the language model with it: seen at the other end."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import grpc
import pytest

from tests.integration.api import MODEL, Client, forward_request, predict
from tests.integration.metrics import Page
from tests.mock_llm.client import MockLlm
from tests.support import stubs
from tests.support.errors import rich_error
from tests.support.process import Usage, memory_counts
from tests.support.server import DspexServer, eventually

# From the client's deadline or cancellation to the end of the provider's connection.
LIMIT = 0.1
MEBIBYTE = 1 << 20


@pytest.fixture(scope="module")
def server(shared_mock_llm: MockLlm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DspexServer]:
    """A server of their own for tests that count its files and threads."""
    provider = {"base_url": shared_mock_llm.base_url, "max_connections": 600}
    config = {"providers": {"openai": provider}, "default_lm": MODEL}
    with DspexServer(tmp_path_factory.mktemp("cancellation"), config=config) as server:
        yield server


@pytest.fixture
def hanging(mock_llm: MockLlm) -> MockLlm:
    """A language model that never answers."""
    mock_llm.script([{"fault": "hang"}])
    return mock_llm


def closing_times(mock_llm: MockLlm, count: int) -> list[float]:
    """When each of so many connections was closed by the server, in the middle of a request."""
    mock_llm.wait("closed", count)
    closed = [c for c in mock_llm.connections().connections if c.closed is not None and c.requests]
    assert len(closed) == count
    assert all(c.closed_by == "peer" and c.in_flight_at_close is not None for c in closed)
    return [c.closed for c in closed if c.closed is not None]


def test_cancellation_closes_the_socket(client: Client, hanging: MockLlm) -> None:
    for _ in range(10):
        hanging.reset()
        hanging.script([{"fault": "hang"}])
        call = client.start_forward(predict())
        hanging.wait("in_flight", 1)
        cancelled = time.monotonic()
        call.cancel()
        (closed,) = closing_times(hanging, 1)
        assert closed - cancelled < LIMIT


def test_deadline_closes_the_socket(client: Client, hanging: MockLlm) -> None:
    for _ in range(5):
        hanging.reset()
        hanging.script([{"fault": "hang"}])
        began = time.monotonic()
        with pytest.raises(grpc.RpcError) as caught:
            client.forward(predict(), timeout=0.25)
        assert rich_error(caught.value).code == grpc.StatusCode.DEADLINE_EXCEEDED
        (closed,) = closing_times(hanging, 1)
        assert -0.01 < closed - (began + 0.25) < LIMIT


def test_cancellation_in_the_body(client: Client, mock_llm: MockLlm) -> None:
    mock_llm.script([{"fault": "hang_in_body"}])
    call = client.start_forward(predict())
    mock_llm.wait("in_flight", 1)
    cancelled = time.monotonic()
    call.cancel()
    (closed,) = closing_times(mock_llm, 1)
    assert closed - cancelled < LIMIT


def test_a_lost_connection_is_a_cancellation(server: DspexServer, hanging: MockLlm) -> None:
    with Client(server) as client:
        calls = [client.start_forward(predict()) for _ in range(10)]
        hanging.wait("in_flight", 10)
        gone = time.monotonic()
    assert max(closing_times(hanging, 10)) - gone < LIMIT
    assert all(call.exception(timeout=5) for call in calls)


def in_flight(server: DspexServer) -> float:
    page = Page(server.metrics_address)
    return page.sum("dspex_rpcs_in_flight") + page.sum("dspex_http_connections", state="in_use")


def at_rest(server: DspexServer) -> Usage:
    """The server's usage once nothing is in flight and the connections of scrapes are closed."""
    eventually(lambda: in_flight(server) == 0)
    sockets = 0

    def settled() -> bool:
        nonlocal sockets
        last, sockets = sockets, server.usage().sockets
        return sockets == last

    eventually(settled)
    return server.usage()


def open_now(server: DspexServer) -> tuple[int, int]:
    usage = server.usage()
    return usage.open_files, usage.sockets


def cancel_500(client: Client, hanging: MockLlm) -> None:
    hanging.reset()
    hanging.script([{"fault": "hang"}])
    calls = [client.start_forward(predict()) for _ in range(500)]
    hanging.wait("in_flight", 500)
    for call in calls:
        call.cancel()
    hanging.wait("in_flight", 0)
    hanging.wait("closed", 500)


def test_nothing_is_left_of_500_cancelled_calls(client: Client, server: DspexServer, hanging: MockLlm) -> None:
    """The first rounds let pools and arenas grow; after them the calls must leave everything as it was."""
    for _ in range(3):
        cancel_500(client, hanging)
    before = at_rest(server)
    cancelled_before = Page(server.metrics_address).sum("dspex_rpcs_total", code="CANCELLED")
    for _ in range(2):
        cancel_500(client, hanging)
    after = at_rest(server)
    assert Page(server.metrics_address).sum("dspex_rpcs_total", code="CANCELLED") - cancelled_before == 1000
    # Also gone: the connections of scrapes, which the server closes in its own time.
    eventually(lambda: open_now(server) == (before.open_files, before.sockets))
    assert after.threads == before.threads
    # Arenas grow by leaps until they fit; what leaks, grows in every round. A kilobyte a call would show.
    for _ in range(12):
        grown = after.rss_bytes - before.rss_bytes
        if grown < MEBIBYTE // 2 or not memory_counts():
            break
        before = after
        cancel_500(client, hanging)
        after = at_rest(server)
    else:
        raise AssertionError(f"500 cancelled calls still leave {grown} bytes")


CHILD = """
import sys, threading
sys.path.insert(0, sys.argv[3])
import grpc
from dspex.v1 import prediction_service_pb2 as pb, prediction_service_pb2_grpc as pb_grpc
stub = pb_grpc.PredictionServiceStub(grpc.insecure_channel(sys.argv[1]))
request = pb.ForwardRequest.FromString(bytes.fromhex(sys.argv[2]))
calls = [stub.Forward.future(request) for _ in range(50)]
threading.Event().wait()
"""


def test_a_killed_client(server: DspexServer, hanging: MockLlm) -> None:
    before = at_rest(server)
    request = forward_request(predict()).SerializeToString().hex()
    child = subprocess.Popen([sys.executable, "-c", CHILD, server.address, request, str(stubs.folder())])
    try:
        hanging.wait("in_flight", 50, timeout=30)
        killed = time.monotonic()
        child.send_signal(signal.SIGKILL)
        assert max(closing_times(hanging, 50)) - killed < LIMIT
    finally:
        child.kill()
        child.wait()
    # Also gone: the connections of scrapes, which the server closes in its own time.
    at_rest(server)
    eventually(lambda: open_now(server) <= (before.open_files, before.sockets))
    after = server.usage()
    assert after.threads == before.threads
    assert not memory_counts() or after.rss_bytes - before.rss_bytes < 8 * MEBIBYTE

"""The Python client against the real mock; what the mock does itself is tested in mock_llm_test.cc."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time

import pytest

from tests.mock_llm.client import MockLlm
from tests.support.paths import binary

BODY = json.dumps({"model": "m", "messages": [{"role": "user", "content": "hello"}]})


def ask(mock: MockLlm) -> http.client.HTTPConnection:
    """Sends one request; the connection is the caller's to read and close."""
    connection = http.client.HTTPConnection("127.0.0.1", mock.port, timeout=10)
    connection.request("POST", "/v1/chat/completions", BODY)
    return connection


def test_scripts_requests_connections_and_reset(mock_llm: MockLlm) -> None:
    mock_llm.script([{"match": {"contains": "hello"}, "reply": {"content": "hi"}, "times": 1}, {"fault": "hang"}])
    answered = ask(mock_llm)
    assert json.loads(answered.getresponse().read())["choices"][0]["message"]["content"] == "hi"
    hanging = ask(mock_llm)
    assert mock_llm.wait("in_flight", 1) == 1
    before = time.monotonic()
    hanging.close()
    mock_llm.wait("in_flight", 0)

    first, second = mock_llm.requests()
    assert (first.outcome, second.outcome) == ("answered", "closed_by_peer")
    assert first.json() == json.loads(BODY)
    assert mock_llm.requests(1) == [second]
    connection = next(c for c in mock_llm.connections().connections if c.id == second.connection)
    assert connection.closed_by == "peer"
    assert connection.in_flight_at_close == 1
    assert connection.closed is not None
    assert before <= connection.closed <= time.monotonic()

    answered.close()
    mock_llm.reset()
    assert mock_llm.requests() == []


def test_a_refused_script_and_a_wait_in_vain_are_errors(mock_llm: MockLlm) -> None:
    with pytest.raises(ValueError, match="mtach"):
        mock_llm.script([{"mtach": {}}])
    with pytest.raises(TimeoutError, match="requests is 0, not 1"):
        mock_llm.wait("requests", 1, timeout=0.02)


def test_releases_a_held_stream(mock_llm: MockLlm) -> None:
    mock_llm.script([{"reply": {"content": "firstsecond"}, "hold_after_events": 1}])
    connection = http.client.HTTPConnection("127.0.0.1", mock_llm.port, timeout=10)
    connection.request("POST", "/v1/chat/completions", json.dumps(json.loads(BODY) | {"stream": True}))
    response = connection.getresponse()
    seen = b""
    while b"first" not in seen:
        seen += response.readline()
    assert mock_llm.wait("held", 1) == 1
    assert b"second" not in seen
    assert mock_llm.release() == 1
    assert b"secon" in response.read()
    connection.close()


def test_limits_rates_on_a_clock_of_the_tests(mock_llm: MockLlm) -> None:
    mock_llm.script([], rate_limit={"requests_per_minute": 2})
    mock_llm.advance_clock(0)
    statuses = []
    for _ in range(3):
        connection = ask(mock_llm)
        statuses.append(connection.getresponse().status)
        connection.close()
    assert statuses == [200, 200, 429]
    mock_llm.advance_clock(30)
    connection = ask(mock_llm)
    response = connection.getresponse()
    assert (response.status, response.getheader("x-ratelimit-remaining-requests")) == (200, "0")
    connection.close()


def test_ends_with_its_context_and_on_a_signal() -> None:
    with MockLlm.start(binary("tests/mock_llm/mock_llm"), latency_ms=1, record=False) as mock:
        ask(mock).close()
        pid = mock.pid
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_ends_when_the_process_that_started_it_is_killed() -> None:
    program = (
        "import sys, time\n"
        "from tests.mock_llm.client import MockLlm\n"
        "mock = MockLlm.start(sys.argv[1])\n"
        "print(mock.port, flush=True)\n"
        "time.sleep(60)\n"
    )
    command = [sys.executable, "-c", program, str(binary("tests/mock_llm/mock_llm"))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        connection = http.client.HTTPConnection("127.0.0.1", int(parent.stdout.readline()), timeout=10)
        connection.request("POST", "/v1/chat/completions", BODY)
        assert connection.getresponse().read()
        parent.send_signal(signal.SIGKILL)
        # Nothing is sent any more, so this read ends when the mock does.
        assert connection.sock is not None
        assert connection.sock.recv(1) == b""
        connection.close()

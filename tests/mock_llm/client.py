"""Starts and controls the mock language model server; its README describes the interface."""

from __future__ import annotations

import http.client
import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

Event = Literal["requests", "answered", "closed", "in_flight", "open", "held"]


@dataclass(frozen=True)
class Request:
    """A request the mock received. Times compare with time.monotonic()."""

    sequence: int
    connection: int
    time: float
    method: str
    target: str
    headers: dict[str, str]
    body: str
    outcome: Literal["in_flight", "answered", "closed_by_peer", "closed_by_self"]
    ended: float | None

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Connection:
    """A connection to the mock. Times compare with time.monotonic()."""

    id: int
    opened: float
    closed: float | None
    closed_by: Literal["peer", "self"] | None
    requests: int
    in_flight_at_close: int | None
    in_flight_ms: float | None


@dataclass(frozen=True)
class Connections:
    """The mock's connections and counts since the start or the last reset."""

    open: int
    opened: int
    closed: int
    in_flight: int
    connections: list[Connection]


class MockLlm:
    """A running mock_llm process. Each call is one HTTP request of its own, so it may be used from any thread."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self._process = process
        self.port = port

    @classmethod
    def start(
        cls,
        binary: str | Path,
        *,
        latency_ms: int = 0,
        script: str | Path | None = None,
        record: bool = True,
        port: int = 0,
    ) -> Self:
        """Starts the binary and returns when it listens. It ends with stop(), or when this process ends."""
        command = [str(binary), "--port", str(port), "--latency-ms", str(latency_ms), "--exit-with-parent"]
        if script is not None:
            command += ["--script", str(script)]
        if not record:
            command.append("--no-record")
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"{binary} ended with status {process.wait()} before it listened")
        return cls(process, int(json.loads(line)["port"]))

    @property
    def base_url(self) -> str:
        """The value for OPENAI_BASE_URL."""
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def anthropic_base_url(self) -> str:
        """The value for ANTHROPIC_BASE_URL."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def script(self, rules: Sequence[Mapping[str, Any]], *, rate_limit: Mapping[str, float] | None = None) -> None:
        """Replaces the script. Raises ValueError if the mock refuses it."""
        script = rules if rate_limit is None else {"rules": rules, "rate_limit": rate_limit}
        self._call("PUT", "/_mock/script", json.dumps(script))

    def advance_clock(self, seconds: float) -> None:
        """Moves the clock of rate limits and latencies on, which then stands still until the next such call."""
        self._call("POST", f"/_mock/clock?advance_ms={round(seconds * 1000)}")

    def requests(self, start: int = 0) -> list[Request]:
        """The recorded requests from sequence number `start` on."""
        answer = self._call("GET", f"/_mock/requests?from={start}")
        return [Request(**request) for request in answer["requests"]]

    def connections(self) -> Connections:
        """The connections and counts."""
        answer = self._call("GET", "/_mock/connections")
        answer["connections"] = [Connection(**connection) for connection in answer["connections"]]
        return Connections(**answer)

    def wait(self, event: Event, count: int, timeout: float = 10.0) -> int:
        """Waits for an event; returns the count reached. Raises TimeoutError after `timeout` seconds."""
        target = f"/_mock/wait?event={event}&count={count}&timeout_ms={round(timeout * 1000)}"
        answer = self._call("GET", target, timeout=timeout + 10)
        if not answer["reached"]:
            raise TimeoutError(f"{event} is {answer['value']}, not {count}, after {timeout} s")
        return int(answer["value"])

    def release(self) -> int:
        """Lets all streams go on that hold_after_events stopped; returns how many."""
        return int(self._call("POST", "/_mock/release")["released"])

    def reset(self) -> None:
        """Back to the start: first script, no records, counts from 0; cuts off what is in flight."""
        self._call("DELETE", "/_mock")

    def stop(self) -> None:
        """Ends the process."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _call(self, method: str, target: str, body: str | None = None, timeout: float = 10.0) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, target, body)
            response = connection.getresponse()
            text = response.read().decode()
        finally:
            connection.close()
        if response.status != 200:
            raise ValueError(f"{method} {target}: {response.status} {text}")
        return json.loads(text)

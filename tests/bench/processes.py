"""The processes of a benchmark: the mock, the floor, dspex and the load generator. Each ends with its context."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc

from tests.mock_llm.client import MockLlm

COMPLETION = (
    "[[ ## reasoning ## ]]\nThe capital of France is Paris, a well known fact about the country and its history.\n\n"
    "[[ ## answer ## ]]\nParis\n\n[[ ## completed ## ]]"
)


class BenchError(Exception):
    """A benchmark that cannot be measured, with a sentence for people."""


@dataclass(frozen=True)
class Server:
    """A process that listens on 127.0.0.1."""

    pid: int
    port: int

    @property
    def target(self) -> str:
        """host:port"""
        return f"127.0.0.1:{self.port}"

    def channel(self) -> grpc.Channel:
        """A new connection of its own."""
        options = [("grpc.use_local_subchannel_pool", 1), ("grpc.enable_http_proxy", 0)]
        return grpc.insecure_channel(self.target, options=options)

    def cpu_seconds(self) -> float:
        """The CPU time that the process has taken."""
        return time.clock_gettime((~self.pid << 3) | 2)  # What clock_getcpuclockid() makes of a process's id.


@dataclass(frozen=True)
class Memory:
    """Resident memory in MiB: all of it, and what no file backs."""

    rss_mib: float
    anon_mib: float


class Binaries:
    """Where the built programs are."""

    def __init__(self, folder: Path) -> None:
        self.mock_llm = folder / "tests/mock_llm/mock_llm"
        self.floor = folder / "tests/bench/floor_server"
        self.load = folder / "tests/bench/load"
        self.engine_bench = folder / "tests/bench/engine_bench"
        self.stack_bench = folder / "tests/bench/stack_bench"
        self.compat_bench = folder / "tests/bench/compat_bench"
        self.search_bench = folder / "tests/bench/search_bench"
        self.dspex = folder / "server/dspex"

    def call_load(self, *arguments: str) -> dict[str, Any]:
        """Runs the load generator; returns what it reports."""
        return read_report(subprocess.run([self.load, *arguments], stdout=subprocess.PIPE, check=False), arguments[0])


def read_report(ended: subprocess.CompletedProcess[bytes], what: str) -> dict[str, Any]:
    """The JSON line of a load generator that has ended."""
    if ended.returncode != 0:
        raise BenchError(f"load {what} ended with status {ended.returncode}")
    report: dict[str, Any] = json.loads(ended.stdout)
    if report.get("errors", 0):
        raise BenchError(f"{report['errors']} of {report['requests']} requests failed: {report['first_error']}")
    return report


def run_benchmarks(binary: Path, names: Iterable[str], *options: str) -> list[dict[str, Any]]:
    """Runs the named ones of a Google Benchmark; returns its entries, with `cpu_us` of one iteration."""
    command = [
        str(binary),
        f"--benchmark_filter=^({'|'.join(names)})$",
        "--benchmark_enable_random_interleaving=true",
        "--benchmark_format=json",
        *options,
    ]
    ended = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    if ended.returncode != 0:
        raise BenchError(f"{binary.name} ended with status {ended.returncode}")
    to_us = {"ns": 1e-3, "us": 1.0, "ms": 1e3}
    entries: list[dict[str, Any]] = json.loads(ended.stdout)["benchmarks"]
    for entry in entries:
        if entry.get("error_occurred"):
            raise BenchError(f"{entry['run_name']}: {entry['error_message']}")
        entry["cpu_us"] = entry["cpu_time"] * to_us[entry["time_unit"]]
    return entries


def canned_answer() -> dict[str, Any]:
    """A rule of the mock whose reply is the same bytes each time, so that the mock costs next to nothing."""
    message = {"role": "assistant", "content": COMPLETION}
    body = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "gpt-4o-mini",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 200, "completion_tokens": 30, "total_tokens": 230},
    }
    return {"reply": {"raw_body": json.dumps(body)}}


@contextlib.contextmanager
def running_mock(binaries: Binaries, latency_ms: int = 0) -> Iterator[MockLlm]:
    """The mock with one canned answer."""
    with MockLlm.start(binaries.mock_llm, latency_ms=latency_ms, record=False) as mock:
        mock.script([canned_answer()])
        yield mock


@contextlib.contextmanager
def running_floor(binaries: Binaries, mock: MockLlm) -> Iterator[Server]:
    """The floor's server."""
    command = [str(binaries.floor), "--mock-port", str(mock.port)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line:
                raise BenchError("the floor's server did not start")
            yield Server(process.pid, json.loads(line)["port"])
        finally:
            process.terminate()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(frozen=True)
class StartedServer(Server):
    """dspex with when it was started and when it was healthy, on the monotonic clock."""

    start_ns: int
    ready_ns: int

    @property
    def start_ms(self) -> float:
        """From its start to healthy."""
        return (self.ready_ns - self.start_ns) / 1e6


@contextlib.contextmanager
def running_dspex(
    binaries: Binaries, mock: MockLlm, config: str = "", folder: Path | None = None
) -> Iterator[StartedServer]:
    """dspex with its default configuration, or the given YAML; its data in `folder`, or in one that goes with it."""
    port = _free_port()
    environment = os.environ | {"OPENAI_BASE_URL": mock.base_url, "OPENAI_API_KEY": "bench"}
    arguments: list[str | Path] = ["serve", "--listen", f"127.0.0.1:{port}", "--metrics", "127.0.0.1:0"]
    with contextlib.ExitStack() as stack:
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        if config:
            (folder / "dspex.yaml").write_text(config)
            arguments += ["--config", "dspex.yaml"]
        log = folder / "log"
        output = stack.enter_context(log.open("wb"))
        waiting = subprocess.Popen([binaries.load, "ready", "--target", f"127.0.0.1:{port}"], stdout=subprocess.PIPE)
        stack.callback(_stop, waiting)
        time.sleep(0.1)  # Until it polls: its own start is not dspex's.
        start_ns = time.monotonic_ns()
        process = subprocess.Popen([binaries.dspex, *arguments], cwd=folder, env=environment, stderr=output)
        stack.callback(_stop, process)
        ready_ns = _wait_until_ready(waiting, process, log)
        yield StartedServer(process.pid, port, start_ns, ready_ns)


def _wait_until_ready(waiting: subprocess.Popen[bytes], server: subprocess.Popen[bytes], log: Path) -> int:
    """When the server was healthy, in nanoseconds of the monotonic clock."""
    while waiting.poll() is None:
        if server.poll() is not None:
            raise BenchError(f"dspex ended with status {server.returncode}: {log.read_text()[-1000:]}")
        with contextlib.suppress(subprocess.TimeoutExpired):
            waiting.wait(timeout=0.2)
    output = waiting.stdout.read() if waiting.stdout else b""
    ready: int = read_report(subprocess.CompletedProcess([], waiting.returncode, output), "ready")["ready_ns"]
    return ready


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _kib(path: Path, keys: Sequence[str]) -> list[float]:
    values = {line.split(":")[0]: line.split() for line in path.read_text().splitlines()}
    return [float(values[key][1]) for key in keys]


def memory_of(pid: int) -> Memory:
    """What a process has in memory now."""
    rss, anon = _kib(Path(f"/proc/{pid}/smaps_rollup"), ["Rss", "Anonymous"])
    return Memory(rss / 1024, anon / 1024)


def peak_rss_mib(pid: int) -> float:
    """The most a process ever had in memory."""
    (peak,) = _kib(Path(f"/proc/{pid}/status"), ["VmHWM"])
    return peak / 1024

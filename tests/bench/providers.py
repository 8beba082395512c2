"""providers: what the decorators take of a call, and streams through the whole server."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from tests.bench.processes import (
    Binaries,
    Server,
    peak_rss_mib,
    run_benchmarks,
    running_dspex,
    running_floor,
    running_mock,
)
from tests.bench.results import Result, Selection, say
from tests.mock_llm.client import MockLlm

STACKS = ("default", "several", "cache", "hit", "whole")
CONCURRENCY = 64
STREAMS = 1000
# A delta is 11 characters: so the third one is the first of a field's text, and all of it the time of its sending.
DELTA_CHARS = 11
CONTENT = (
    "[[ ## reasoning ## ]]\n{{sent_ns}}"
    + " The capital of France is Paris, as is well known." * 20
    + "\n\n[[ ## answer ## ]]\nParis\n\n[[ ## completed ## ]]"
)
DELTAS = math.ceil(len(CONTENT) / DELTA_CHARS)

Reports = dict[str, list[dict[str, Any]]]  # By kind of run, one a round.


class Providers:
    """providers: the stack of decorators in process; streams with the mock as the provider, which sends at a pace."""

    def __init__(self, binaries: Binaries, selection: Selection, rounds: int) -> None:
        self._binaries = binaries
        self._selection = selection
        self._rounds = rounds

    @staticmethod
    def names() -> list[str]:
        """The results of the suite."""
        return [*_stack_names(), *_stream_names(), *_many_names()]

    def run(self) -> Iterator[Result]:
        """Measures what is wanted."""
        if self._selection.has_any(_stack_names()):
            say("providers: the decorators, in process")
            yield from self._stacks()
        if self._selection.has_any(_stream_names()):
            say(f"providers: {CONCURRENCY} streams at a time, {DELTAS} deltas each")
            yield from self._streams()
        if self._selection.has_any(_many_names()):
            say(f"providers: {STREAMS} streams at a time")
            yield from self._many_streams()

    def _stacks(self) -> Iterator[Result]:
        rounds: dict[str, list[float]] = defaultdict(list)
        benchmarks = [f"BM_Call/{name}" for name in ("bare", *STACKS)]
        for _ in range(self._rounds):
            for entry in run_benchmarks(self._binaries.stack_bench, benchmarks, "--benchmark_min_time=0.2"):
                rounds[entry["run_name"].removeprefix("BM_Call/")].append(entry["cpu_us"])
        yield Result("providers/stack/bare_us", statistics.median(rounds["bare"]), "us")
        for name in STACKS:
            yield Result(f"providers/stack/{name}/us", _difference(rounds[name], rounds["bare"]), "us")

    def _streams(self) -> Iterator[Result]:
        reports: Reports = defaultdict(list)
        with running_mock(self._binaries) as mock, running_dspex(self._binaries, mock) as dspex:
            self._create_program(mock, dspex)
            for number in range(self._rounds):
                mock.script(_script(interval_ms=10))
                paced = [("stream", dspex.target), ("direct", f"127.0.0.1:{mock.port}")]
                for method, target in paced if number % 2 == 0 else reversed(paced):
                    reports[method].append(self._run_once(method, target, dspex, CONCURRENCY, 128, 64))
                mock.script(_script(interval_ms=0))
                reports["unpaced"].append(self._run_once("stream", dspex.target, dspex, CONCURRENCY, 1500, 150))
        prefix = f"providers/stream/c{CONCURRENCY}"
        through, direct = reports["stream"], reports["direct"]
        yield Result(f"{prefix}/first_added_us", _added(through, direct, "first_delay_p50_us"), "us")
        yield Result(f"{prefix}/first_us", _median(through, "first_delay_p50_us"), "us")
        yield Result(f"{prefix}/first_p99_us", _median(through, "first_delay_p99_us"), "us")
        yield Result(f"{prefix}/first_direct_us", _median(direct, "first_delay_p50_us"), "us")
        yield Result(f"{prefix}/cpu_per_token_us", _median(through, "cpu_us") / DELTAS, "us")
        yield Result(f"{prefix}/unpaced_cpu_per_token_us", _median(reports["unpaced"], "cpu_us") / DELTAS, "us")

    def _many_streams(self) -> Iterator[Result]:
        ended_well, peaks, cpu = [], [], []
        with running_mock(self._binaries) as mock:
            config = (
                f"providers: {{openai: {{kind: openai, base_url: '{mock.base_url}', "
                f"max_connections: {STREAMS + 100}}}}}\n"
            )
            for _ in range(min(self._rounds, 3)):
                # A new server each time: the peak is of its whole life.
                with running_dspex(self._binaries, mock, config) as dspex:
                    self._create_program(mock, dspex)
                    mock.script(_script(interval_ms=50))
                    report = self._run_once("stream", dspex.target, dspex, STREAMS, STREAMS, 0)
                    ended_well.append(report["requests"] - report["errors"])
                    cpu.append(report["cpu_us"] / DELTAS)
                    peaks.append(peak_rss_mib(dspex.pid))
        names = _many_names()
        yield Result(names[0], min(ended_well), "streams", better="higher")
        yield Result(names[1], statistics.median(peaks), "MiB")
        yield Result(names[2], statistics.median(cpu), "us")

    def _create_program(self, mock: MockLlm, dspex: Server) -> None:
        with running_floor(self._binaries, mock) as floor:
            self._binaries.call_load(
                "program", f"--target={dspex.target}", f"--floor={floor.target}", "--id=bench-d0", "--demos=0"
            )

    def _run_once(
        self, method: str, target: str, dspex: Server, concurrency: int, requests: int, warm_up: int
    ) -> dict[str, Any]:
        report = self._binaries.call_load(
            "run",
            f"--target={target}",
            f"--method={method}",
            "--program=bench-d0",
            "--channels=4",
            f"--concurrency={concurrency}",
            f"--requests={requests}",
            f"--warm-up={warm_up}",
            f"--cpu-of={dspex.pid}",
        )
        report["cpu_us"] = report["cpu_us"][0]
        return report


def _stack_names() -> list[str]:
    return ["providers/stack/bare_us", *(f"providers/stack/{name}/us" for name in STACKS)]


def _stream_names() -> list[str]:
    whats = ("first_added_us", "first_us", "first_p99_us", "first_direct_us")
    return [
        f"providers/stream/c{CONCURRENCY}/{what}" for what in (*whats, "cpu_per_token_us", "unpaced_cpu_per_token_us")
    ]


def _many_names() -> list[str]:
    return [f"providers/streams/{STREAMS}/{what}" for what in ("ended_well", "peak_rss_mib", "cpu_per_token_us")]


def _script(interval_ms: int) -> list[dict[str, Any]]:
    """Streams; those with a pace begin at random times, so that their first deltas do not come at once."""
    latency = {"lognormal_ms": {"median": 100, "sigma": 0.5, "seed": 1}} if interval_ms else {"fixed_ms": 0}
    return [
        {
            "reply": {"content": CONTENT},
            "chunk_chars": DELTA_CHARS,
            "chunk_interval_ms": interval_ms,
            "latency": latency,
        }
    ]


def _median(reports: list[dict[str, Any]], what: str) -> float:
    return statistics.median(float(report[what]) for report in reports)


def _added(through: list[dict[str, Any]], direct: list[dict[str, Any]], what: str) -> float:
    return _difference([float(report[what]) for report in through], [float(report[what]) for report in direct])


def _difference(more: list[float], less: list[float]) -> float:
    """The median of the rounds' differences: what slows the machine for a while slows both."""
    return statistics.median(a - b for a, b in zip(more, less, strict=True))

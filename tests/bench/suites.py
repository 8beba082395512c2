"""What is measured and how. Each suite names its results first, so that only what is wanted is measured."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from tests.bench.compat import Compat
from tests.bench.compile import Compile
from tests.bench.processes import (
    Binaries,
    Server,
    memory_of,
    peak_rss_mib,
    run_benchmarks,
    running_dspex,
    running_floor,
    running_mock,
)
from tests.bench.providers import Providers
from tests.bench.results import Result, Selection, say

DEMOS = (0, 8, 64)
# Requests of one run by concurrency: about half a second each.
REQUESTS = {1: 3000, 16: 8000, 64: 12_000}
FLOOR_BODY_BYTES = 1500  # Where no program's body is there to go by.
IN_FLIGHT = 10_000
IN_FLIGHT_LATENCY_MS = 2000
ENGINE = {
    "BM_Forward/demos:0": "engine/d0/us",
    "BM_Forward/demos:2": "engine/d2/us",
    "BM_Forward/demos:8": "engine/d8/us",
    "BM_Forward/demos:64": "engine/d64/us",
    "BM_ForwardLargeInput": "engine/50kB/us",
}

Reports = dict[str, list[dict[str, Any]]]  # By method, one a round.


class Calls:
    """floor and forward: the product and the floors, in turn, within one session."""

    def __init__(self, binaries: Binaries, selection: Selection, rounds: int) -> None:
        self._binaries = binaries
        self._selection = selection
        self._rounds = rounds

    @staticmethod
    def names() -> list[str]:
        """The results of the suite."""
        cells = [("echo", 64), ("raw", 64)] + [("equipped", c) for c in REQUESTS]
        names = [f"floor/{method}/c{c}/{what}" for method, c in cells for what in ("cpu", "p50")]
        return names + [name for d in DEMOS for c in REQUESTS for name in Calls._forward_names(d, c)]

    @staticmethod
    def _forward_names(demos: int, concurrency: int) -> list[str]:
        whats = ("cpu_us", "cpu_vs_equipped", "cpu_vs_raw", "p50_us", "p50_vs_equipped", "p99_us", "rps")
        return [f"forward/d{demos}/c{concurrency}/{what}" for what in whats]

    def run(self) -> Iterator[Result]:
        """Measures what is wanted."""
        with_product = self._selection.has_any(name for name in self.names() if name.startswith("forward/"))
        with running_mock(self._binaries) as mock, running_floor(self._binaries, mock) as floor:
            if not with_product:
                self._binaries.call_load("body", "--floor", floor.target, "--bytes", str(FLOOR_BODY_BYTES))
                yield from self._measure(0, floor, None)
                return
            with running_dspex(self._binaries, mock) as dspex:
                for demos in DEMOS:
                    wanted = [name for c in REQUESTS for name in self._forward_names(demos, c)]
                    if demos == 0:
                        wanted += [name for name in self.names() if name.startswith("floor/")]
                    if not self._selection.has_any(wanted):
                        continue
                    arguments = ["--target", dspex.target, "--floor", floor.target, "--id", f"bench-d{demos}"]
                    body = self._binaries.call_load("program", *arguments, "--demos", str(demos))["body_bytes"]
                    say(f"forward with {demos} demos: a body of {body} bytes")
                    yield from self._measure(demos, floor, dspex)

    def _measure(self, demos: int, floor: Server, dspex: Server | None) -> Iterator[Result]:
        cells = {c: self._methods(demos, c, dspex is not None) for c in REQUESTS}
        reports: dict[int, Reports] = {c: defaultdict(list) for c in REQUESTS}
        for number in range(self._rounds):
            for concurrency, methods in cells.items():
                # Every other round backwards, so that no method always runs after the same one.
                for method in methods if number % 2 == 0 else reversed(methods):
                    server = dspex if method == "forward" and dspex is not None else floor
                    report = self._run_once(server, method, demos, concurrency)
                    reports[concurrency][method].append(report)
        for concurrency in REQUESTS:
            yield from self._results(demos, concurrency, reports[concurrency])

    def _methods(self, demos: int, concurrency: int, with_product: bool) -> list[str]:
        """What is to be run, for the results that are wanted."""
        forward = with_product and self._selection.has_any(self._forward_names(demos, concurrency))
        methods = []
        for method in ("equipped", "raw", "echo"):
            floor = demos == 0 and self._selection.has_any(
                name for name in self.names() if name.startswith(f"floor/{method}/c{concurrency}/")
            )
            if floor or (forward and method != "echo"):
                methods.append(method)
        if forward:
            methods.insert(1, "forward")
        return methods

    def _run_once(self, server: Server, method: str, demos: int, concurrency: int) -> dict[str, Any]:
        report = self._binaries.call_load(
            "run",
            f"--target={server.target}",
            f"--method={method}",
            f"--program=bench-d{demos}",
            f"--concurrency={concurrency}",
            f"--requests={REQUESTS[concurrency]}",
            f"--warm-up={REQUESTS[concurrency] // 10}",
            f"--cpu-of={server.pid}",
        )
        report["cpu_us"] = report["cpu_us"][0]
        return report

    def _results(self, demos: int, concurrency: int, reports: Reports) -> Iterator[Result]:
        if demos == 0:
            for method in ("echo", "raw", "equipped"):
                if method in reports:
                    prefix = f"floor/{method}/c{concurrency}"
                    yield Result(f"{prefix}/cpu", _median(reports[method], "cpu_us"), "us")
                    yield Result(f"{prefix}/p50", _median(reports[method], "p50_us"), "us")
        if "forward" not in reports:
            return
        product = reports["forward"]
        prefix = f"forward/d{demos}/c{concurrency}"
        yield Result(f"{prefix}/cpu_us", _median(product, "cpu_us"), "us")
        yield Result(f"{prefix}/cpu_vs_equipped", _ratio(product, reports["equipped"], "cpu_us"), "ratio")
        yield Result(f"{prefix}/cpu_vs_raw", _ratio(product, reports["raw"], "cpu_us"), "ratio")
        yield Result(f"{prefix}/p50_us", _median(product, "p50_us"), "us")
        yield Result(f"{prefix}/p50_vs_equipped", _ratio(product, reports["equipped"], "p50_us"), "ratio")
        yield Result(f"{prefix}/p99_us", _median(product, "p99_us"), "us")
        yield Result(f"{prefix}/rps", _median(product, "rps"), "1/s", better="higher")


def _median(reports: list[dict[str, Any]], what: str) -> float:
    return statistics.median(float(report[what]) for report in reports)


def _ratio(product: list[dict[str, Any]], floor: list[dict[str, Any]], what: str) -> float:
    """The median of the rounds' ratios: what slows the machine for a while slows both."""
    return statistics.median(float(a[what]) / float(b[what]) for a, b in zip(product, floor, strict=True))


class Engine:
    """engine: in process, with a canned model; Google Benchmark measures."""

    def __init__(self, binaries: Binaries, selection: Selection, rounds: int) -> None:
        self._binaries = binaries
        self._selection = selection
        self._rounds = rounds

    @staticmethod
    def names() -> list[str]:
        """The results of the suite."""
        return list(ENGINE.values())

    def run(self) -> Iterator[Result]:
        """Measures what is wanted."""
        say("engine")
        wanted = [benchmark for benchmark, name in ENGINE.items() if self._selection.has(name)]
        options = (
            f"--benchmark_repetitions={self._rounds}",
            "--benchmark_report_aggregates_only=true",
            "--benchmark_min_time=0.2",
        )
        for entry in run_benchmarks(self._binaries.engine_bench, wanted, *options):
            if entry["aggregate_name"] == "median":
                yield Result(ENGINE[entry["run_name"]], entry["cpu_us"], "us")


class Idle:
    """idle: from start to healthy, and the memory of a server that has served nothing yet."""

    def __init__(self, binaries: Binaries, selection: Selection, rounds: int) -> None:
        self._binaries = binaries
        self._rounds = rounds

    @staticmethod
    def names() -> list[str]:
        """The results of the suite."""
        return ["idle/start_ms", "idle/rss_mib", "idle/anon_mib"]

    def run(self) -> Iterator[Result]:
        """Measures."""
        say("idle")
        starts, memories = [], []
        with running_mock(self._binaries) as mock:
            for _ in range(self._rounds):
                with running_dspex(self._binaries, mock) as dspex:
                    starts.append(dspex.start_ms)
                    memories.append(memory_of(dspex.pid))
        yield Result("idle/start_ms", statistics.median(starts), "ms")
        yield Result("idle/rss_mib", statistics.median(memory.rss_mib for memory in memories), "MiB")
        yield Result("idle/anon_mib", statistics.median(memory.anon_mib for memory in memories), "MiB")


class InFlight:
    """in_flight: many Forwards that all wait for a slow model at a time."""

    def __init__(self, binaries: Binaries, selection: Selection, rounds: int) -> None:
        self._binaries = binaries

    @staticmethod
    def names() -> list[str]:
        """The results of the suite."""
        return [f"in_flight/{IN_FLIGHT}/answered", f"in_flight/{IN_FLIGHT}/peak_rss_mib"]

    def run(self) -> Iterator[Result]:
        """Measures."""
        say(f"in_flight: {IN_FLIGHT} Forwards, a model that takes {IN_FLIGHT_LATENCY_MS} ms")
        with (
            running_mock(self._binaries, IN_FLIGHT_LATENCY_MS) as mock,
            running_floor(self._binaries, mock) as floor,
        ):
            config = (
                f"providers: {{openai: {{kind: openai, base_url: '{mock.base_url}', max_connections: 12000}}}}\n"
                "limits: {max_in_flight: 12000}\n"
            )
            with running_dspex(self._binaries, mock, config) as dspex:
                target = f"--target={dspex.target}"
                self._binaries.call_load("program", target, f"--floor={floor.target}", "--id=bench-d0", "--demos=0")
                report = self._binaries.call_load(
                    "run",
                    target,
                    "--method=forward",
                    "--program=bench-d0",
                    "--channels=4",
                    f"--concurrency={IN_FLIGHT}",
                    f"--requests={IN_FLIGHT}",
                    "--warm-up=0",
                )
                peak = peak_rss_mib(dspex.pid)
        answered, rss = self.names()
        yield Result(answered, report["requests"] - report["errors"], "requests", better="higher")
        yield Result(rss, peak, "MiB")


SUITES = (Calls, Engine, Compat, Providers, Compile, Idle, InFlight)

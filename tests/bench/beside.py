"""Forwards while a Compile runs on the same server: their latency, and what they cost of CPU, with and without it."""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from dspex.v1 import job_pb2
from dspex.v1 import optimizer_service_pb2 as optimizer_pb

from tests.bench.evaluation import MODEL, answered, questions
from tests.bench.processes import Binaries, Server, running_dspex, running_floor, running_mock
from tests.bench.results import Result
from tests.mock_llm.client import MockLlm
from tests.support.jobs import EXACT, JobClient, examples

# Of the model, in milliseconds, with the Forwards of one run. Without latency both sides take what CPU there is.
LATENCIES = {20: 1600, 0: 6000}
CONCURRENCY = 16
NAMES = tuple(
    f"l{latency}/{name}"
    for latency in LATENCIES
    for name in (
        *(f"{what}{how}_us" for what in ("p50", "p99", "cpu") for how in ("", "_alone")),
        "compile_calls_per_s",
        "compile_alone_calls_per_s",
    )
)


def measure(binaries: Binaries, rounds: int) -> Iterator[Result]:
    """For each latency the Forwards alone and beside a Compile, in turn."""
    for latency, requests in LATENCIES.items():
        taken: dict[str, list[float]] = defaultdict(list)
        with (
            running_mock(binaries, latency) as mock,
            running_floor(binaries, mock) as floor,
            running_dspex(binaries, mock) as dspex,
        ):
            binaries.call_load("program", f"--target={dspex.target}", f"--floor={floor.target}", "--id=bench-d0")
            client = JobClient(dspex)
            client.create()
            client.load("questions", questions(1000))
            run = _Run(binaries, mock, dspex, client)
            run.forwards(requests // 4)  # To warm up.
            for _ in range(rounds):
                for name, value in run.round(requests).items():
                    taken[name].append(value)
        for name in NAMES:
            if name.startswith(f"l{latency}/"):
                value = statistics.median(taken[name.partition("/")[2]])
                if name.endswith("per_s"):
                    yield Result(f"compile/beside/{name}", value, "1/s", better="higher")
                else:
                    yield Result(f"compile/beside/{name}", value, "us")


class _Run:
    """A server with its mock, and what is done with them."""

    def __init__(self, binaries: Binaries, mock: MockLlm, dspex: Server, client: JobClient) -> None:
        self._binaries = binaries
        self._mock = mock
        self._dspex = dspex
        self._client = client

    def round(self, requests: int) -> dict[str, float]:
        """Forwards alone, a Compile alone, both."""
        alone = self.forwards(requests)
        job = self._start_compile()
        compile_alone = self._window(lambda: time.sleep(1))
        # What the Compile's own calls take is known from when it runs alone.
        cpu_of_call = compile_alone["cpu_s"] / compile_alone["calls"]
        report: dict[str, Any] = {}
        both = self._window(lambda: report.update(self.forwards(requests)))
        self._cancel(job)
        compiled = both["calls"] - requests
        return {
            "p50_us": report["p50_us"],
            "p50_alone_us": alone["p50_us"],
            "p99_us": report["p99_us"],
            "p99_alone_us": alone["p99_us"],
            "cpu_us": 1e6 * (both["cpu_s"] - compiled * cpu_of_call) / requests,
            "cpu_alone_us": alone["cpu_us"],
            "compile_calls_per_s": compiled / both["seconds"],
            "compile_alone_calls_per_s": compile_alone["calls"] / compile_alone["seconds"],
        }

    def forwards(self, requests: int) -> dict[str, Any]:
        """What the load generator says of so many Forwards."""
        report = self._binaries.call_load(
            "run",
            f"--target={self._dspex.target}",
            "--method=forward",
            "--program=bench-d0",
            f"--concurrency={CONCURRENCY}",
            f"--requests={requests}",
            "--warm-up=0",
            f"--cpu-of={self._dspex.pid}",
        )
        report["cpu_us"] = report["cpu_us"][0]
        return report

    def _window(self, work: Any) -> dict[str, float]:
        """The time that the work takes, with the server's CPU time and the mock's answers meanwhile."""
        start, cpu, calls = time.perf_counter(), self._dspex.cpu_seconds(), answered(self._mock)
        work()
        return {
            "seconds": time.perf_counter() - start,
            "cpu_s": self._dspex.cpu_seconds() - cpu,
            "calls": answered(self._mock) - calls,
        }

    def _start_compile(self) -> str:
        """Starts one that is long enough; returns when it scores its candidates."""
        before = answered(self._mock)
        search = job_pb2.BootstrapFewShotWithRandomSearch(
            num_candidate_programs=100, max_bootstrapped_demos=4, max_labeled_demos=4
        )
        spec = job_pb2.CompileSpec(
            program="programs/qa",
            bootstrap_few_shot_with_random_search=search,
            metric=EXACT,
            trainset=examples(dataset="datasets/questions"),
            task_lm=MODEL,
        )
        name = self._client.compile(spec).name
        self._mock.wait("answered", before + 100, timeout=60)
        return name

    def _cancel(self, name: str) -> None:
        self._client.optimizer.CancelJob(optimizer_pb.CancelJobRequest(name=name), timeout=20)
        job = self._client.finish(name)
        assert job.state == job_pb2.JOB_STATE_CANCELLED, f"the Compile was too short: {job}"

"""What it takes to go on with a job that has many answers in its journal, after SIGKILL.

`python -m tests.bench.resume --bin-dir bazel-bin --calls 1000000` measures it alone, with jobs of any size.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.support import stubs

sys.path.insert(0, str(stubs.folder()))

from dspex.v1 import job_pb2
from dspex.v1 import optimizer_service_pb2 as optimizer_pb

from tests.bench.evaluation import MODEL, questions
from tests.bench.processes import (
    BenchError,
    Binaries,
    Server,
    canned_answer,
    peak_rss_mib,
    running_dspex,
    running_mock,
)
from tests.mock_llm.client import MockLlm
from tests.support.jobs import EXACT, JobClient, examples

# scored: an Evaluate, whose scores the journal knows. replayed: a BootstrapFewShot that finds no demo, so that each
# example is run again and the journal answers its calls.
Kind = Literal["scored", "replayed"]
CONCURRENCY = 64
SIGNATURE = "question -> answer"
LONGEST_S = 3600.0


@dataclass(frozen=True)
class ResumeFigures:
    """What one resume took."""

    answered: int
    journal_mib: float
    calls_per_s: float
    ready_ms: float
    resume_ms: float
    peak_rss_mib: float
    paid_twice: int


def measure_resume(binaries: Binaries, kind: Kind, calls: int) -> ResumeFigures:
    """Kills the server when all but a fiftieth of the calls are answered, and starts it again.

    The mock answers no more until then, so that there is something left to do.
    """
    with tempfile.TemporaryDirectory() as name, running_mock(binaries) as mock:
        folder = Path(name)
        with running_dspex(binaries, mock, folder=folder) as dspex:
            _prepare(binaries, dspex, folder, kind, calls)
            before = calls - calls // 50
            mock.script([canned_answer() | {"times": before}, {"fault": "hang"}])
            start = time.monotonic()
            job = _start(JobClient(dspex), kind)
            _patiently(lambda: mock.wait("answered", before, timeout=60))
            seconds = time.monotonic() - start
            os.kill(dspex.pid, signal.SIGKILL)
        mock.wait("in_flight", 0)
        mock.script([canned_answer()])
        made = mock.wait("requests", 0)
        journal = sum(path.stat().st_size for path in (folder / "dspex-data").glob("journal.db*"))
        with ThreadPoolExecutor(1) as pool:
            first = pool.submit(_time_of_call, mock, made + 1)
            with running_dspex(binaries, mock, folder=folder) as dspex:
                first_ns = first.result()
                peak = peak_rss_mib(dspex.pid)
                _end(JobClient(dspex), kind, job)
        return ResumeFigures(
            answered=before,
            journal_mib=journal / (1 << 20),
            calls_per_s=before / seconds,
            ready_ms=dspex.start_ms,
            resume_ms=(first_ns - dspex.ready_ns) / 1e6,
            peak_rss_mib=peak,
            paid_twice=mock.wait("requests", 0) - calls if kind == "scored" else 0,
        )


def _prepare(binaries: Binaries, dspex: Server, folder: Path, kind: Kind, calls: int) -> None:
    JobClient(dspex).create()
    path = folder / "questions.jsonl"
    wrong = {} if kind == "scored" else {"answer": "Nobody knows"}
    with path.open("w") as file:
        file.writelines(json.dumps(example | wrong) + "\n" for example in questions(calls))
    command = [str(binaries.dspex), "--server", dspex.target, "datasets", "import", str(path), "--as", "questions"]
    done = subprocess.run([*command, "--signature", SIGNATURE], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BenchError(f"dspex datasets import ended with status {done.returncode}: {done.stderr}")


def _start(client: JobClient, kind: Kind) -> str:
    data = examples(dataset="datasets/questions")
    if kind == "scored":
        settings = job_pb2.EvaluationSettings(concurrency=CONCURRENCY)
        evaluation = job_pb2.EvaluateSpec(
            program="programs/qa", examples=data, metric=EXACT, lm=MODEL, settings=settings
        )
        return client.evaluate(evaluation).name
    bootstrap = job_pb2.BootstrapFewShot(max_bootstrapped_demos=1, max_labeled_demos=0)
    compilation = job_pb2.CompileSpec(
        program="programs/qa", bootstrap_few_shot=bootstrap, metric=EXACT, trainset=data, task_lm=MODEL
    )
    return client.compile(compilation).name


def _patiently(probe: Callable[[], int]) -> int:
    """The mock waits for two minutes at most."""
    end = time.monotonic() + LONGEST_S
    while True:
        try:
            return probe()
        except TimeoutError:
            if time.monotonic() > end:
                raise


def _time_of_call(mock: MockLlm, number: int) -> int:
    """When the mock received that many requests, in nanoseconds of the monotonic clock."""
    _patiently(lambda: mock.wait("requests", number, timeout=60))
    return time.monotonic_ns()


def _end(client: JobClient, kind: Kind, name: str) -> None:
    if kind == "replayed":
        client.optimizer.CancelJob(optimizer_pb.CancelJobRequest(name=name), timeout=20)
    job = client.finish(name)
    if kind == "scored" and (job.state != job_pb2.JOB_STATE_SUCCEEDED or job.evaluate_result.score != 100):
        raise BenchError(f"the job did not go on well: {job}")


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin-dir", type=Path, required=True)
    parser.add_argument("--kind", choices=("scored", "replayed"), default="scored")
    parser.add_argument("--calls", type=int, default=1_000_000)
    arguments = parser.parse_args()
    figures = measure_resume(Binaries(arguments.bin_dir.resolve()), arguments.kind, arguments.calls)
    print(
        f"{figures.answered} calls at {figures.calls_per_s:.0f} a second, {figures.journal_mib:.0f} MiB of journal; "
        f"ready in {figures.ready_ms:.0f} ms, the first new call {figures.resume_ms:.0f} ms later, "
        f"peak {figures.peak_rss_mib:.0f} MiB, {figures.paid_twice} calls paid twice"
    )


if __name__ == "__main__":
    main()

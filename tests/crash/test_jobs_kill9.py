"""Kills the server with SIGKILL in the middle of Compiles: they go on by themselves, come to the same result, and pay
twice at most for what was under way.

The model is a function of the request. An uninterrupted Compile gives the expected revision and the calls that it
takes; then each round starts the same Compile, kills the server when the model has been called as often as the seed
says, and lets the next server finish. DSPEX_TEST_SEED repeats a run's choices, not its interleaving.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from dspex.v1 import job_pb2, program_pb2

from tests.support.function_model import FunctionModel
from tests.support.jobs import JobClient, doubling, random_search
from tests.support.server import DspexServer, eventually

ROUNDS = 100
CONCURRENCY = 4


@pytest.fixture
def model() -> Iterator[FunctionModel]:
    with FunctionModel(doubling) as model:
        yield model


def spec() -> job_pb2.CompileSpec:
    settings = job_pb2.EvaluationSettings(concurrency=CONCURRENCY, options=program_pb2.LmOptions(temperature=1.0))
    return random_search(1, settings=settings)


def modules(client: JobClient, job: job_pb2.Job) -> list[program_pb2.Module]:
    assert job.state == job_pb2.JOB_STATE_SUCCEEDED, job.error
    return list(client.program(job.compile_result.program).modules)


def begin(server: DspexServer, program: str) -> tuple[JobClient, str]:
    client = JobClient(server)
    client.create(program)
    wanted = spec()
    wanted.program = f"programs/{program}"
    return client, client.compile(wanted).name


def end(server: DspexServer, name: str) -> tuple[JobClient, job_pb2.Job]:
    client = JobClient(server)
    job = eventually(lambda: client.ended(name), timeout=60)
    assert job is not None
    return client, job


def called_more_than(model: FunctionModel, calls: int, client: JobClient | None = None, name: str = "") -> None:
    """Waits for so many calls, or for the job's end."""
    eventually(lambda: model.calls > calls or (client is not None and client.ended(name) is not None))


def seed() -> int:
    number = int(os.environ.get("DSPEX_TEST_SEED") or random.SystemRandom().randrange(2**32))
    print(f"DSPEX_TEST_SEED={number}")
    return number


def test_killed_once(tmp_path: Path, model: FunctionModel) -> None:
    choices = random.Random(seed())
    server = DspexServer(tmp_path, openai_base_url=model.url)
    with server:
        client = JobClient(server)
        client.create()
        client.numbers(16, train=1, dev=1)
        client, name = begin(server, "expected")
        client, job = end(server, name)
        expected, calls = modules(client, job), model.counts()
        killed = 0
        for number in range(ROUNDS):
            model.reset()
            _, name = begin(server, f"p{number}")
            after = choices.randrange(calls.total())
            called_more_than(model, after)
            server.kill9()
            server.start()
            client, job = end(server, name)
            assert modules(client, job) == expected
            twice = model.counts() - calls
            assert twice.total() <= CONCURRENCY, f"round {number}: {twice.total()} calls were paid twice"
            assert model.counts() >= calls
            killed += job.resumes > 0
        # A kill may come when all is done.
        assert killed > ROUNDS * 0.8


def test_killed_a_hundred_times(tmp_path: Path, model: FunctionModel) -> None:
    choices = random.Random(seed())
    server = DspexServer(tmp_path, openai_base_url=model.url)
    with server:
        client = JobClient(server)
        client.create()
        client.numbers(600, train=1, dev=4)
        client, name = begin(server, "expected")
        client, job = end(server, name)
        expected, calls = modules(client, job), model.counts()
        model.reset()
        model.delay = 0.01
        _, name = begin(server, "killed")
        kills = 0
        while kills < ROUNDS:
            before = model.calls
            # A call more than are under way at a time, so that one was answered: a job that makes no progress is
            # stopped after three.
            wanted = before + CONCURRENCY + choices.randrange(2, 6)
            client = JobClient(server)
            called_more_than(model, wanted - 1, client, name)
            if client.ended(name):
                break
            server.kill9()
            kills += 1
            server.start()
        client, job = end(server, name)
        assert modules(client, job) == expected
        twice = model.counts() - calls
        print(f"{kills} kills, {twice.total()} calls paid twice of {calls.total()}")
        assert twice.total() <= CONCURRENCY * kills
        assert kills == ROUNDS

"""BootstrapFewShot on a model that learns from its demonstrations and from nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from dspex.v1 import job_pb2
from dspex.v1 import optimizer_service_pb2 as optimizer_pb

from tests.data import library_desk
from tests.mock_llm.client import MockLlm
from tests.support.jobs import EXACT, JobClient, examples
from tests.support.server import DspexServer

Start = Callable[..., DspexServer]
SIGNATURE = f"message -> title: Literal[{', '.join(map(repr, library_desk.TITLES))}]"
DATASET = "datasets/desk"


@pytest.fixture
def jobs(start_server: Start, mock_llm: MockLlm) -> Callable[[], JobClient]:
    """Makes servers with the program and its data."""
    mock_llm.script([{"reply": {"content": "{{in_context}}"}}])

    def start() -> JobClient:
        client = JobClient(start_server(openai_base_url=mock_llm.base_url))
        client.create("desk", SIGNATURE)
        client.load("desk", list(library_desk.examples()), "programs/desk", train=0.6, dev=0.4)
        return client

    return start


@dataclass(frozen=True)
class Outcome:
    """What a Compile came to."""

    before: float
    after: float
    p_value: float
    demos: list[str]


def evaluate(jobs: JobClient, program: str) -> job_pb2.Job:
    spec = job_pb2.EvaluateSpec(program=program, examples=examples("dev", DATASET), metric=EXACT)
    job = jobs.finish(jobs.evaluate(spec).name)
    assert job.state == job_pb2.JOB_STATE_SUCCEEDED, job.error
    # Wrong answers, but answers: nothing that does not parse.
    assert (job.evaluate_result.count, job.evaluate_result.failures) == (134, 0)
    return job


def optimise(jobs: JobClient, trainset: job_pb2.ExampleSet) -> Outcome:
    """Dev score before, BootstrapFewShot, dev score after."""
    before = evaluate(jobs, "programs/desk")
    spec = job_pb2.CompileSpec(
        program="programs/desk", bootstrap_few_shot=job_pb2.BootstrapFewShot(), metric=EXACT, trainset=trainset
    )
    compiled = jobs.finish(jobs.compile(spec).name)
    assert compiled.state == job_pb2.JOB_STATE_SUCCEEDED, compiled.error
    program = compiled.compile_result.program
    after = evaluate(jobs, program)
    request = optimizer_pb.CompareEvaluationsRequest(baseline=before.name, candidate=after.name)
    compared = jobs.optimizer.CompareEvaluations(request, timeout=20)
    demos = [demo.fields_json for demo in jobs.program(program).modules[0].predict.demos]
    return Outcome(before.evaluate_result.score, after.evaluate_result.score, compared.p_value, demos)


def test_bootstrapping_raises_the_dev_score_and_does_so_again(jobs: Callable[[], JobClient]) -> None:
    first = optimise(jobs(), examples("train", DATASET))
    # Without demonstrations it names the first title always.
    assert 8 < first.before < 18
    assert first.after > first.before + 15
    assert first.p_value < 0.01
    assert len(first.demos) == 16
    assert sum('"augmented"' in demo for demo in first.demos) == 4
    assert optimise(jobs(), examples("train", DATASET)) == first


def test_demonstrations_that_are_wrong_raise_nothing(jobs: Callable[[], JobClient]) -> None:
    client = jobs()
    titles = library_desk.TITLES
    wrong = dict(zip(titles, titles[1:] + titles[:1], strict=True))
    mistaken = [example | {"title": wrong[example["title"]]} for example in library_desk.examples()]
    client.load("mistaken", mistaken, "programs/desk", train=0.6, dev=0.4)
    outcome = optimise(client, examples("train", "datasets/mistaken"))
    assert len(outcome.demos) == 16
    assert outcome.after <= outcome.before

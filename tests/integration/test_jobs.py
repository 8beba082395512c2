"""Evaluate and Compile as jobs: what they find, spend, wait for, and how they are watched, cancelled and resumed."""

from __future__ import annotations

import json
import sqlite3
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from decimal import Decimal

import grpc
import pytest
from dspex.v1 import dataset_service_pb2 as datasets_pb
from dspex.v1 import job_pb2, metric_pb2
from dspex.v1 import optimizer_service_pb2 as optimizer_pb
from dspex.v1 import program_service_pb2 as programs_pb
from google.protobuf import duration_pb2

from tests.integration.api import fails
from tests.support.function_model import FunctionModel
from tests.support.jobs import EXACT, JobClient, doubling, examples, random_search
from tests.support.server import DspexServer, eventually

Start = Callable[..., DspexServer]


@pytest.fixture
def model() -> Iterator[FunctionModel]:
    with FunctionModel(doubling) as model:
        yield model


@pytest.fixture
def jobs(start_server: Start, model: FunctionModel) -> JobClient:
    client = JobClient(start_server(openai_base_url=model.url))
    client.create()
    client.numbers(40, train=1, dev=1)
    return client


def evaluation(**more: object) -> job_pb2.EvaluateSpec:
    spec = job_pb2.EvaluateSpec(program="programs/qa", examples=examples(), metric=EXACT)
    spec.MergeFrom(job_pb2.EvaluateSpec(**more))  # type: ignore[arg-type]
    return spec


def calls(count: int) -> list[job_pb2.Budget]:
    return [job_pb2.Budget(lm_calls=count)]


def test_evaluate_scores_each_example_once(jobs: JobClient, model: FunctionModel) -> None:
    job = jobs.finish(jobs.evaluate(evaluation()).name)
    assert job.state == job_pb2.JOB_STATE_SUCCEEDED, job.error
    results = jobs.results(job.name)
    assert [result.example for result in results] == [str(n + 1) for n in range(40)]
    scores = [result.score for result in results]
    assert job.evaluate_result.score == round(100 * statistics.mean(scores), 2)
    assert 0 < job.evaluate_result.score < 100
    interval = job.evaluate_result.interval
    assert interval.low < job.evaluate_result.score < interval.high
    assert (job.evaluate_result.count, job.evaluate_result.failures, model.calls) == (40, 0, 40)
    assert job.evaluate.program == "programs/qa@1"
    assert job.evaluate.examples.dataset == "datasets/numbers@1"
    total = next(spending for spending in job.spending if spending.line == job_pb2.BUDGET_LINE_UNSPECIFIED)
    assert (total.usage.lm_calls, total.usage.input_tokens, total.usage.output_tokens) == (40, 800, 400)


def test_events_are_numbered_and_a_watcher_may_come_back(jobs: JobClient) -> None:
    name = jobs.compile(random_search()).name
    events = jobs.watch(name)
    assert [event.number for event in events] == list(range(1, len(events) + 1))
    assert events[-1].ended.state == job_pb2.JOB_STATE_SUCCEEDED
    for after in (1, len(events) // 2, len(events) - 1):
        assert jobs.watch(name, after) == events[after:]
    decisions = [event.decision for event in events if event.HasField("decision")]
    assert {"demo", "chosen"} <= {decision.verdict for decision in decisions}
    assert all(decision.why for decision in decisions)


def test_compile_makes_a_better_revision(jobs: JobClient) -> None:
    spec = random_search(testset=examples("dev"))
    job = jobs.finish(jobs.compile(spec).name)
    assert job.state == job_pb2.JOB_STATE_SUCCEEDED, job.error
    result = job.compile_result
    assert result.after.score > result.before.score
    assert (result.program, result.parent, result.reported_on) == ("programs/qa@2", "programs/qa@1", "testset")
    candidates = jobs.candidates(job.name)
    assert [candidate.origin for candidate in candidates][:3] == ["zero-shot", "labels", "bootstrap"]
    best = max(candidates, key=lambda candidate: candidate.score)
    assert best.chosen
    assert sum(candidate.chosen for candidate in candidates) == 1
    program = jobs.program(result.program)
    assert program.lineage.job == job.name
    assert program.lineage.parent == "programs/qa@1"
    assert list(program.modules[0].predict.demos) == list(best.parameters[0].demos)
    assert [result.score for result in jobs.results(job.name, best.number)].count(1) == best.score / 100 * 20


def test_bootstrapped_demos_are_what_the_teacher_did_well(jobs: JobClient) -> None:
    bootstrap = job_pb2.BootstrapFewShot(max_bootstrapped_demos=3, max_labeled_demos=0)
    spec = job_pb2.CompileSpec(
        program="programs/qa", bootstrap_few_shot=bootstrap, metric=EXACT, trainset=examples("train")
    )
    job = jobs.finish(jobs.compile(spec).name)
    assert job.state == job_pb2.JOB_STATE_SUCCEEDED, job.error
    (candidate,) = jobs.candidates(job.name)
    demos = [json.loads(demo.fields_json) for demo in candidate.parameters[0].demos]
    assert len(demos) == 3
    for demo in demos:
        assert list(demo) == ["augmented", "question", "answer"]
        assert demo["augmented"] is True
        assert demo["answer"] == str(2 * int(demo["question"]))
    stored = jobs.program(job.compile_result.program).modules[0].predict.demos
    assert [json.loads(demo.fields_json) for demo in stored] == demos
    # Each that became one was told of, by its id: ids count from 1, questions from 0.
    decisions = [event.decision for event in jobs.watch(job.name) if event.HasField("decision")]
    told = {decision.example for decision in decisions if decision.verdict == "demo"}
    assert told == {str(int(demo["question"]) + 1) for demo in demos}


def test_a_candidate_is_promoted(jobs: JobClient) -> None:
    job = jobs.finish(jobs.compile(random_search()).name)
    other = next(candidate for candidate in jobs.candidates(job.name) if not candidate.chosen and candidate.number > 0)
    request = optimizer_pb.PromoteCandidateRequest(name=job.name, candidate=other.number)
    promoted = jobs.optimizer.PromoteCandidate(request, timeout=20).program
    assert promoted.lineage.candidate == other.number
    assert list(promoted.modules[0].predict.demos) == list(other.parameters[0].demos)
    with fails(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST"):
        jobs.optimizer.PromoteCandidate(optimizer_pb.PromoteCandidateRequest(name=job.name, candidate=99), timeout=20)


def test_a_label_moves_only_for_a_shown_gain(jobs: JobClient, model: FunctionModel) -> None:
    from dspex.v1 import program_service_pb2 as programs_pb

    label = programs_pb.SetProgramLabelRequest(name="programs/qa", label="prod", revision=1)
    jobs.programs.SetProgramLabel(label, timeout=20)
    promotion = job_pb2.Promotion(label="prod", margin=99)
    held = jobs.finish(jobs.compile(random_search(testset=examples("dev"), promotion=promotion)).name)
    assert "margin" in held.compile_result.promotion
    assert jobs.program("programs/qa").labels["prod"] == 1
    promotion.margin = 0
    spec = random_search(testset=examples("dev"), promotion=promotion)
    spec.program = "programs/qa@prod"
    moved = jobs.finish(jobs.compile(spec).name)
    assert moved.compile_result.gain.low > 0
    assert f"programs/qa@{jobs.program('programs/qa').labels['prod']}" == moved.compile_result.program
    assert model.calls > 0


def test_a_budget_of_calls_is_kept_and_a_greater_one_goes_on(jobs: JobClient, model: FunctionModel) -> None:
    job = jobs.finish(jobs.evaluate(evaluation(budgets=calls(15))).name)
    assert job.state == job_pb2.JOB_STATE_FAILED
    assert job.error.details
    assert "budget" in job.error.message
    assert model.calls == 15
    again = optimizer_pb.ResumeJobRequest(name=job.name, budgets=calls(40))
    jobs.optimizer.ResumeJob(again, timeout=20)
    done = jobs.finish(job.name)
    assert done.state == job_pb2.JOB_STATE_SUCCEEDED, done.error
    assert (done.evaluate_result.count, model.calls) == (40, 40)


def test_a_budget_ends_a_compile_with_the_best_candidate(jobs: JobClient, model: FunctionModel) -> None:
    # The zero-shot candidate and the one with labels are scored, what follows is not.
    job = jobs.finish(jobs.compile(random_search(budgets=calls(50))).name)
    assert job.state == job_pb2.JOB_STATE_SUCCEEDED, job.error
    assert job.stop_reason == job_pb2.STOP_REASON_BUDGET
    assert model.calls <= 50
    scored = [candidate for candidate in jobs.candidates(job.name) if candidate.HasField("score")]
    assert max(scored, key=lambda candidate: candidate.score).number == job.compile_result.candidate


def test_cancel_takes_less_than_a_second(jobs: JobClient, model: FunctionModel) -> None:
    model.delay = 30
    name = jobs.evaluate(evaluation()).name
    eventually(lambda: model.in_flight == 8)
    began = time.monotonic()
    jobs.optimizer.CancelJob(optimizer_pb.CancelJobRequest(name=name), timeout=20)
    ended = jobs.watch(name)[-1].ended
    assert ended.state == job_pb2.JOB_STATE_CANCELLED
    assert time.monotonic() - began < 5  # A second, and what a loaded machine adds.


def test_a_cancelled_job_goes_on_where_it_was(jobs: JobClient, model: FunctionModel) -> None:
    model.delay = 0.05
    name = jobs.evaluate(evaluation()).name
    eventually(lambda: len(jobs.results(name)) > 5)
    jobs.optimizer.CancelJob(optimizer_pb.CancelJobRequest(name=name), timeout=20)
    assert jobs.finish(name).state == job_pb2.JOB_STATE_CANCELLED
    before = model.calls
    jobs.optimizer.ResumeJob(optimizer_pb.ResumeJobRequest(name=name), timeout=20)
    job = eventually(lambda: jobs.ended(name), timeout=60)
    assert job is not None
    assert job.state == job_pb2.JOB_STATE_SUCCEEDED, job.error
    assert before < 40
    # Paid twice at most: those that were under way.
    assert model.calls <= 40 + 8


@pytest.mark.parametrize(("status", "reason"), [(401, "PROVIDER_AUTH"), (503, "PROVIDER_OVERLOADED")])
def test_what_is_in_the_way_is_waited_for(jobs: JobClient, model: FunctionModel, status: int, reason: str) -> None:
    model.fault = status
    name = jobs.evaluate(evaluation()).name
    eventually(lambda: jobs.get(name).state == job_pb2.JOB_STATE_WAITING, timeout=30)
    assert reason in str(jobs.get(name).error.details)
    model.fault = None
    job = jobs.finish(name)
    assert job.state == job_pb2.JOB_STATE_SUCCEEDED, job.error
    assert (job.evaluate_result.failures, model.calls) == (0, 40)
    states = [event.state for event in jobs.watch(name) if event.HasField("state")]
    assert job_pb2.JOB_STATE_WAITING in states


def test_stragglers_end_with_the_failure_score(jobs: JobClient, model: FunctionModel) -> None:
    model.delay = 30
    timeout = duration_pb2.Duration(nanos=200_000_000)
    settings = job_pb2.EvaluationSettings(example_timeout=timeout, failure_score=0.25, max_errors=-1, concurrency=40)
    job = jobs.finish(jobs.evaluate(evaluation(settings=settings)).name)
    assert job.state == job_pb2.JOB_STATE_SUCCEEDED, job.error
    assert (job.evaluate_result.score, job.evaluate_result.failures) == (25.0, 40)
    assert model.calls <= 40  # None is tried again.


def test_too_many_failures_end_the_job(jobs: JobClient, model: FunctionModel) -> None:
    model.model = lambda body, occurrence: "nothing that parses"
    job = jobs.finish(jobs.evaluate(evaluation(settings=job_pb2.EvaluationSettings(max_errors=5, concurrency=1))).name)
    assert job.state == job_pb2.JOB_STATE_FAILED
    assert "TOO_MANY_FAILURES" in str(job.error.details)
    assert len(jobs.results(job.name)) == 5


def test_repeats_are_calls_of_their_own(jobs: JobClient, model: FunctionModel) -> None:
    job = jobs.finish(jobs.evaluate(evaluation(repeats=3)).name)
    assert job.state == job_pb2.JOB_STATE_SUCCEEDED, job.error
    assert model.calls == 120
    assert len(job.evaluate_result.repeat_scores) == 3
    assert {result.repeat for result in jobs.results(job.name)} == {0, 1, 2}


def test_two_evaluations_are_compared(jobs: JobClient) -> None:
    baseline = jobs.finish(jobs.evaluate(evaluation()).name)
    compiled = jobs.finish(jobs.compile(random_search()).name)
    candidate = jobs.finish(jobs.evaluate(evaluation(program=compiled.compile_result.program)).name)
    request = optimizer_pb.CompareEvaluationsRequest(baseline=baseline.name, candidate=candidate.name)
    compared = jobs.optimizer.CompareEvaluations(request, timeout=20)
    gain = candidate.evaluate_result.score - baseline.evaluate_result.score
    assert compared.gain == pytest.approx(gain)
    assert compared.interval.low <= compared.gain <= compared.interval.high
    assert 0 < compared.p_value < 0.05
    assert len(compared.better) + len(compared.worse) + compared.same == 40


def test_an_estimate_queues_nothing(jobs: JobClient, model: FunctionModel) -> None:
    request = optimizer_pb.CompileRequest(spec=random_search(), validate_only=True)
    response = jobs.optimizer.Compile(request, timeout=20)
    assert response.job.name == ""
    assert response.estimate.lm_calls >= 5 * 20
    assert response.estimate.input_tokens > response.estimate.lm_calls
    assert not jobs.optimizer.ListJobs(optimizer_pb.ListJobsRequest(), timeout=20).jobs
    assert model.calls == 0


def test_what_cannot_be_is_refused(jobs: JobClient) -> None:
    invalid = grpc.StatusCode.INVALID_ARGUMENT
    with fails(invalid, "INVALID_REQUEST"):
        jobs.evaluate(job_pb2.EvaluateSpec(program="programs/qa", examples=examples()))
    with fails(grpc.StatusCode.NOT_FOUND, "PROGRAM_NOT_FOUND"):
        jobs.evaluate(evaluation(program="programs/other"))
    with fails(grpc.StatusCode.NOT_FOUND, "DATASET_NOT_FOUND"):
        jobs.evaluate(evaluation(examples=examples(dataset="datasets/other")))
    with fails(grpc.StatusCode.NOT_FOUND, "SPLIT_NOT_FOUND"):
        jobs.evaluate(evaluation(examples=examples("other")))
    with fails(grpc.StatusCode.FAILED_PRECONDITION, "NO_PRICE", model="openai/mock"):
        jobs.evaluate(evaluation(budgets=[job_pb2.Budget(cost="1.00")]))
    with fails(grpc.StatusCode.FAILED_PRECONDITION, "UNKNOWN_PROVIDER"):
        jobs.evaluate(evaluation(lm="nobody/model"))
    with fails(invalid, "INVALID_REQUEST"):
        jobs.evaluate(evaluation(metric=metric_pb2.Metric(exact_match=metric_pb2.ExactMatch(field="colour"))))
    with fails(grpc.StatusCode.NOT_FOUND, "JOB_NOT_FOUND"):
        jobs.get("jobs/other")
    with fails(invalid, "INVALID_REQUEST"):
        jobs.get("programs/qa")
    spec = random_search(promotion=job_pb2.Promotion(label="prod"))
    with fails(invalid, "INVALID_REQUEST"):
        jobs.compile(spec)


def test_sigterm_gives_jobs_back(start_server: Start, model: FunctionModel) -> None:
    server = start_server(openai_base_url=model.url)
    jobs = JobClient(server)
    jobs.create()
    jobs.numbers(40, train=1, dev=1)
    model.delay = 0.05
    name = jobs.evaluate(evaluation()).name
    eventually(lambda: len(jobs.results(name)) > 5)
    assert server.stop() == 0
    server.start()
    model.delay = 0
    job = JobClient(server).finish(name)
    assert job.state == job_pb2.JOB_STATE_SUCCEEDED, job.error
    assert job.evaluate_result.count == 40
    assert model.calls <= 40 + 8


def test_a_job_keeps_its_prices_and_its_model(start_server: Start, model: FunctionModel) -> None:
    def configuration(default_lm: str, price: str) -> dict[str, object]:
        provider = {"base_url": model.url, "api_key_env": "OPENAI_API_KEY", "prices": {"*": {"input": price}}}
        return {"default_lm": default_lm, "providers": {"openai": provider}}

    server = start_server(openai_base_url=model.url, config=configuration("openai/first", "1"))
    jobs = JobClient(server)
    jobs.create()
    jobs.numbers(40, train=1, dev=1)
    model.delay = 0.05
    name = jobs.evaluate(evaluation(budgets=[job_pb2.Budget(cost="1.00")])).name
    eventually(lambda: len(jobs.results(name)) > 5)
    assert server.stop() == 0
    model.delay = 0
    other = configuration("openai/second", "999999")
    server = start_server(openai_base_url=model.url, config=other | {"data_dir": str(server.data_dir)})
    job = JobClient(server).finish(name)
    assert job.state == job_pb2.JOB_STATE_SUCCEEDED, job.error
    assert (job.stop_reason, job.evaluate_result.count) == (job_pb2.STOP_REASON_UNSPECIFIED, 40)
    assert {json.loads(body)["model"] for body in model.counts()} == {"first"}
    total = next(spending for spending in job.spending if spending.line == job_pb2.BUDGET_LINE_UNSPECIFIED)
    # A dollar for a million tokens, also of those that were sent after the prices rose.
    assert total.usage.input_tokens >= 40 * 20
    assert Decimal(total.usage.cost) * 1_000_000 == total.usage.input_tokens


def test_a_dataset_that_a_job_needs_stays(jobs: JobClient, model: FunctionModel) -> None:
    model.delay = 0.05
    name = jobs.evaluate(evaluation()).name
    delete = datasets_pb.DeleteDatasetRequest(name="datasets/numbers")
    with fails(grpc.StatusCode.FAILED_PRECONDITION, "DATASET_IN_USE", dataset="datasets/numbers", job=name):
        jobs.datasets.DeleteDataset(delete, timeout=20)
    assert jobs.finish(name).state == job_pb2.JOB_STATE_SUCCEEDED
    jobs.datasets.DeleteDataset(delete, timeout=20)
    with fails(grpc.StatusCode.NOT_FOUND, "DATASET_NOT_FOUND"):
        jobs.evaluate(evaluation())


def test_only_a_job_says_where_a_revision_came_from(jobs: JobClient) -> None:
    forged = jobs.program("programs/qa")
    forged.lineage.job = "jobs/none"
    update = programs_pb.UpdateProgramRequest(program=forged)
    assert jobs.programs.UpdateProgram(update, timeout=20).program.revision == 1
    job = jobs.finish(jobs.compile(random_search()).name)
    compiled = jobs.program("programs/qa")
    assert compiled.lineage.job == job.name
    # The same again is no change, what a user changes is the user's.
    update = programs_pb.UpdateProgramRequest(program=compiled)
    assert jobs.programs.UpdateProgram(update, timeout=20).program == compiled
    update.program.description = "Doubles."
    changed = jobs.programs.UpdateProgram(update, timeout=20).program
    assert (changed.revision, changed.HasField("lineage")) == (compiled.revision + 1, False)


def answered(journal: sqlite3.Connection) -> set[str]:
    return {name for (name,) in journal.execute("SELECT DISTINCT job FROM answers")}


def test_answers_of_a_job_that_succeeded_are_kept_no_longer(start_server: Start, model: FunctionModel) -> None:
    server = start_server(openai_base_url=model.url)
    jobs = JobClient(server)
    jobs.create()
    jobs.numbers(40)
    done = jobs.finish(jobs.evaluate(evaluation(examples=examples(""))).name)
    model.delay = 0.5
    cancelled = jobs.evaluate(evaluation(examples=examples(""))).name
    eventually(lambda: len(jobs.results(cancelled)) >= 8)
    jobs.optimizer.CancelJob(optimizer_pb.CancelJobRequest(name=cancelled), timeout=20)
    jobs.finish(cancelled)
    model.delay = 0
    assert server.stop() == 0
    with closing(sqlite3.connect(server.data_dir / "journal.db")) as journal, journal:
        # What may be resumed finds its answers again.
        assert answered(journal) == {cancelled.replace("jobs/", "default/")}
        # As if the server had died before it deleted them.
        left = done.name.replace("jobs/", "default/")
        journal.execute("INSERT INTO answers SELECT ?, lane, digest, occurrence, answer FROM answers", (left,))
    server.start()
    with closing(sqlite3.connect(server.data_dir / "journal.db")) as journal:
        eventually(lambda: left not in answered(journal))
        assert answered(journal) == {cancelled.replace("jobs/", "default/")}
    assert len(JobClient(server).results(done.name)) == 40

"""Programs, datasets and jobs for tests of Evaluate and Compile."""

from __future__ import annotations

import json
import re
from typing import Any, Protocol

import grpc
from dspex.v1 import dataset_service_pb2 as datasets_pb
from dspex.v1 import dataset_service_pb2_grpc as datasets_grpc
from dspex.v1 import job_pb2, metric_pb2, program_pb2, values_pb2
from dspex.v1 import optimizer_service_pb2 as optimizer_pb
from dspex.v1 import optimizer_service_pb2_grpc as optimizer_grpc
from dspex.v1 import program_service_pb2 as programs_pb
from dspex.v1 import program_service_pb2_grpc as programs_grpc

from tests.support.function_model import chance

EXACT = metric_pb2.Metric(exact_match=metric_pb2.ExactMatch())
ENDED = (job_pb2.JOB_STATE_SUCCEEDED, job_pb2.JOB_STATE_FAILED, job_pb2.JOB_STATE_CANCELLED)


def doubling(body: dict[str, Any], _: int) -> str:
    """Doubles the number that is asked for: right more often with more demonstrations, by the request alone."""
    messages = body["messages"]
    asked = re.search(r"\[\[ ## question ## \]\]\n(\d+)", messages[-1]["content"])
    assert asked is not None, messages[-1]
    demos = sum(message["role"] == "assistant" for message in messages)
    right = chance(body, 0) < 0.4 + 0.1 * demos
    answer = str(2 * int(asked.group(1))) if right else "unknown"
    return f"[[ ## answer ## ]]\n{answer}\n\n[[ ## completed ## ]]"


class Reachable(Protocol):
    """A server that listens."""

    def channel(self) -> grpc.Channel: ...


class JobClient:
    """The services that jobs need, on a connection of its own."""

    def __init__(self, server: Reachable) -> None:
        channel = server.channel()
        self.programs = programs_grpc.ProgramServiceStub(channel)
        self.datasets = datasets_grpc.DatasetServiceStub(channel)
        self.optimizer = optimizer_grpc.OptimizerServiceStub(channel)

    def create(self, program_id: str = "qa", signature: str = "question -> answer") -> None:
        """A program of one Predict."""
        module = program_pb2.Module(id="main", predict=program_pb2.Predictor(signature=signature))
        program = program_pb2.Program(modules=[module])
        self.programs.CreateProgram(
            programs_pb.CreateProgramRequest(program_id=program_id, program=program), timeout=20
        )

    def load(
        self, dataset_id: str, examples: list[dict[str, Any]], program: str = "programs/qa", **splits: float
    ) -> None:
        """A dataset of these examples."""
        parts = [datasets_pb.Split(name=name, weight=weight) for name, weight in splits.items()]
        dataset = datasets_pb.Dataset(program=program, splits=parts)
        self.datasets.CreateDataset(
            datasets_pb.CreateDatasetRequest(dataset_id=dataset_id, dataset=dataset), timeout=20
        )
        rows = [values_pb2.Example(fields_json=json.dumps(example)) for example in examples]
        part = datasets_pb.ImportExamplesRequest(name=f"datasets/{dataset_id}", examples=rows, last=True)
        self.datasets.ImportExamples(iter([part]), timeout=60)

    def numbers(self, count: int, dataset_id: str = "numbers", **splits: float) -> None:
        """A dataset of numbers and their doubles."""
        self.load(
            dataset_id, [{"question": str(n), "answer": str(2 * n)} for n in range(count)], "programs/qa", **splits
        )

    def evaluate(self, spec: job_pb2.EvaluateSpec, **more: Any) -> job_pb2.Job:
        """Calls Evaluate."""
        return self.optimizer.Evaluate(optimizer_pb.EvaluateRequest(spec=spec, **more), timeout=20).job

    def compile(self, spec: job_pb2.CompileSpec, **more: Any) -> job_pb2.Job:
        """Calls Compile."""
        return self.optimizer.Compile(optimizer_pb.CompileRequest(spec=spec, **more), timeout=20).job

    def get(self, name: str) -> job_pb2.Job:
        """Calls GetJob."""
        return self.optimizer.GetJob(optimizer_pb.GetJobRequest(name=name), timeout=20).job

    def ended(self, name: str) -> job_pb2.Job | None:
        """The job, once it has ended."""
        job = self.get(name)
        return job if job.state in ENDED else None

    def watch(self, name: str, after: int = 0, timeout: float = 120) -> list[job_pb2.JobEvent]:
        """The events after `after`, to the job's end."""
        request = optimizer_pb.WatchJobRequest(name=name, after_event=after)
        return [response.event for response in self.optimizer.WatchJob(request, timeout=timeout)]

    def finish(self, name: str) -> job_pb2.Job:
        """Waits for the job's end."""
        self.watch(name)
        return self.get(name)

    def results(self, name: str, candidate: int = 0) -> list[job_pb2.ExampleResult]:
        """All results of a job's examples."""
        request = optimizer_pb.ListExampleResultsRequest(name=name, candidate=candidate, page_size=7)
        results: list[job_pb2.ExampleResult] = []
        while True:
            page = self.optimizer.ListExampleResults(request, timeout=20)
            results += page.results
            if not page.next_page_token:
                return results
            request.page_token = page.next_page_token

    def candidates(self, name: str) -> list[job_pb2.Candidate]:
        """The candidates of a Compile."""
        request = optimizer_pb.ListCandidatesRequest(name=name, page_size=1000)
        return list(self.optimizer.ListCandidates(request, timeout=20).candidates)

    def program(self, name: str) -> program_pb2.Program:
        """Calls GetProgram."""
        return self.programs.GetProgram(programs_pb.GetProgramRequest(name=name), timeout=20).program


def examples(split: str = "", dataset: str = "datasets/numbers", limit: int = 0) -> job_pb2.ExampleSet:
    """Examples of a dataset."""
    return job_pb2.ExampleSet(dataset=dataset, split=split, limit=limit)


def random_search(candidates: int = 2, **more: Any) -> job_pb2.CompileSpec:
    """A BootstrapFewShotWithRandomSearch on the numbers."""
    search = job_pb2.BootstrapFewShotWithRandomSearch(
        num_candidate_programs=candidates, max_bootstrapped_demos=2, max_labeled_demos=2
    )
    return job_pb2.CompileSpec(
        program="programs/qa",
        bootstrap_few_shot_with_random_search=search,
        metric=EXACT,
        trainset=examples("train"),
        valset=examples("dev"),
        **more,
    )

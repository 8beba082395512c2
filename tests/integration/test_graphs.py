"""Programs of several modules: the real server before a mock language model."""

from __future__ import annotations

import json
import re
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from typing import Any

import grpc
import pytest
from dspex.v1 import job_pb2, program_pb2
from dspex.v1 import prediction_service_pb2 as pb
from dspex.v1 import program_service_pb2 as programs_pb
from google.protobuf import json_format
from google.rpc import error_details_pb2

from tests.integration.api import Client, completion
from tests.mock_llm.client import MockLlm
from tests.support.errors import rich_error
from tests.support.function_model import FunctionModel, chance
from tests.support.jobs import EXACT, JobClient, examples
from tests.support.server import DspexServer, eventually


@pytest.fixture
def client(server: DspexServer) -> Client:
    return Client(server)


def module(name: str, signature: str, kind: str = "predict") -> dict[str, Any]:
    return {"id": name, kind: {"signature": signature}}


def step(name: str, module: str, **inputs: str) -> dict[str, Any]:
    return {"id": name, "module": module, "inputs": inputs}


TWO_HOP: dict[str, Any] = {
    "modules": [module("find", "question -> query"), module("answer", "query, question -> answer", "chain_of_thought")],
    "steps": [
        step("s1", "find", question="question"),
        step("s2", "answer", query="s1.query", question="question"),
    ],
    "outputs": {"answer": "s2.answer"},
}
# Two that need nothing of each other, and one that needs both.
FORK: dict[str, Any] = {
    "modules": [module("left", "q -> a"), module("right", "q -> b"), module("join", "a, b -> c")],
    "steps": [step("l", "left", q="q"), step("r", "right", q="q"), step("j", "join", a="l.a", b="r.b")],
    "outputs": {"c": "j.c"},
}


def program(definition: dict[str, Any]) -> program_pb2.Program:
    return json_format.ParseDict(definition, program_pb2.Program())


def forward(client: Client, definition: dict[str, Any], inputs: dict[str, Any], **more: Any) -> Any:
    request = pb.ForwardRequest(inline_program=program(definition), inputs_json=json.dumps(inputs), **more)
    return client.predictions.Forward(request, timeout=20).prediction


def replies(mock_llm: MockLlm, *contents: str) -> None:
    mock_llm.script([{"reply": {"content": content}, "times": 1} for content in contents])


def test_two_hops_with_their_trace(client: Client, mock_llm: MockLlm) -> None:
    replies(mock_llm, completion(query="sky colour"), completion(reasoning="1. Rayleigh.", answer="blue"))
    prediction = forward(client, TWO_HOP, {"question": "Which colour?"}, include_trace=True)
    assert json.loads(prediction.outputs_json) == {"answer": "blue"}
    assert [(node.name, node.parent) for node in prediction.trace] == [("s1", -1), ("lm", 0), ("s2", -1), ("lm", 2)]
    assert prediction.usage.lm_calls == 2
    assert len(prediction.reasoning.steps) == 1
    first, second = (json.loads(request.body)["messages"][-1]["content"] for request in mock_llm.requests())
    assert "Which colour?" in first
    assert "sky colour" in second


def test_steps_that_need_nothing_of_each_other_run_side_by_side(client: Client, mock_llm: MockLlm) -> None:
    answer = completion(a="A", b="B", c="C")
    mock_llm.script([{"reply": {"content": answer}, "latency": {"fixed_ms": 1500}}])
    results: list[Any] = []
    call = threading.Thread(target=lambda: results.append(forward(client, FORK, {"q": "?"})))
    call.start()
    mock_llm.wait("in_flight", 2)
    call.join(timeout=20)
    assert json.loads(results[0].outputs_json) == {"c": "C"}
    assert len(mock_llm.requests()) == 3


def test_a_failure_cancels_what_runs_beside_it(client: Client, mock_llm: MockLlm) -> None:
    mock_llm.script(
        [
            {
                "match": {"contains": "`[[ ## a ## ]]`"},
                "reply": {"content": completion(a="A")},
                "latency": {"fixed_ms": 60_000},
            },
            {"reply": {"status": 401}},
        ]
    )
    with pytest.raises(grpc.RpcError) as caught:
        forward(client, FORK, {"q": "?"})
    error = rich_error(caught.value)
    assert error.reason == "PROVIDER_AUTH"
    assert error.metadata["step"] == "r"
    mock_llm.wait("in_flight", 0)
    assert len(mock_llm.requests()) == 2


def test_a_stream_tells_of_all_modules(client: Client, mock_llm: MockLlm) -> None:
    replies(mock_llm, completion(query="sky"), completion(reasoning="so", answer="blue"))
    request = pb.ForwardStreamRequest(inline_program=program(TWO_HOP), inputs_json='{"question": "?"}')
    events = list(client.predictions.ForwardStream(request, timeout=20))
    whole = {
        (event.module, event.step, event.field_completed.field): json.loads(event.field_completed.value_json)
        for event in events
        if event.WhichOneof("event") == "field_completed"
    }
    assert whole == {
        ("find", "s1", "query"): "sky",
        ("answer", "s2", "reasoning"): "so",
        ("answer", "s2", "answer"): "blue",
    }
    assert json.loads(events[-1].prediction.outputs_json) == {"answer": "blue"}


def test_render_gives_what_needs_no_answer_but_those_given(client: Client) -> None:
    request = pb.RenderRequest(inline_program=program(TWO_HOP), inputs_json='{"question": "?"}')
    assert [each.step for each in client.predictions.Render(request).requests] == ["s1"]
    request.completions["s1"] = completion(query="sky")
    rendered = client.predictions.Render(request).requests
    assert [(each.step, each.module) for each in rendered] == [("s1", "find"), ("s2", "answer")]
    assert "sky" in rendered[1].body


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ([step("s1", "find", question="s2.answer"), TWO_HOP["steps"][1]], "s1 -> s2 -> s1"),
        ([step("s1", "fnd", question="question"), TWO_HOP["steps"][1]], "Did you mean find?"),
        ([TWO_HOP["steps"][0], step("s2", "answer", query="s1.qery", question="question")], "Did you mean query?"),
    ],
)
def test_what_cannot_run_is_refused_by_name(client: Client, steps: list[dict[str, Any]], said: str) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        forward(client, {**TWO_HOP, "steps": steps}, {"question": "?"})
    error = rich_error(caught.value)
    assert error.reason == "INVALID_PROGRAM"
    assert said in error.message


def in_two_steps(body: dict[str, Any], _: int) -> str:
    """Adds one, then doubles; now and then wrong."""
    asked = re.findall(r"\[\[ ## (question|sum) ## \]\]\n(\d+)", body["messages"][-1]["content"])
    field, number = asked[-1]
    number = int(number) + (chance(body, 0) < 0.2)
    if field == "question":
        return completion(sum=str(number + 1))
    return completion(reasoning="Twice that.", answer=str(2 * number))


CHAIN: dict[str, Any] = {
    "modules": [module("add", "question -> sum"), module("double", "sum -> answer", "chain_of_thought")],
    "steps": [step("a", "add", question="question"), step("d", "double", sum="a.sum")],
    "outputs": {"answer": "d.answer"},
}


def test_compile_makes_demos_for_each_module_of_what_it_did(start_server: Callable[..., DspexServer]) -> None:
    with FunctionModel(in_two_steps) as model:
        jobs = JobClient(start_server(openai_base_url=model.url))
        jobs.programs.CreateProgram(
            programs_pb.CreateProgramRequest(program_id="chain", program=program(CHAIN)), timeout=20
        )
        pairs = [{"question": str(n), "answer": str(2 * (n + 1))} for n in range(12)]
        jobs.load("numbers", pairs, "programs/chain")
        bootstrap = job_pb2.BootstrapFewShot(max_bootstrapped_demos=3, max_labeled_demos=0)
        spec = job_pb2.CompileSpec(
            program="programs/chain", bootstrap_few_shot=bootstrap, metric=EXACT, trainset=examples()
        )
        job = jobs.finish(jobs.compile(spec).name)
        assert job.state == job_pb2.JOB_STATE_SUCCEEDED, job.error
        compiled = jobs.program(job.compile_result.program)
    adding, doubling = (
        [json.loads(demo.fields_json) for demo in predictor.demos]
        for predictor in (compiled.modules[0].predict, compiled.modules[1].chain_of_thought)
    )
    assert len(adding) == len(doubling) == 3
    for first, second in zip(adding, doubling, strict=True):
        assert first["augmented"] is True
        assert int(first["sum"]) == int(first["question"]) + 1
        assert second == {
            "augmented": True,
            "sum": first["sum"],
            "reasoning": "Twice that.",
            "answer": str(2 * int(first["sum"])),
        }


def test_a_job_whose_calls_are_others_than_before_stops(start_server: Callable[..., DspexServer]) -> None:
    """Its journal has first calls of examples that are asked for no more, as if the program was rendered otherwise."""
    second = threading.Event()

    def model_of(body: dict[str, Any], occurrence: int) -> str:
        answer = in_two_steps(body, occurrence)
        if "sum" not in answer:
            second.wait(timeout=60)
        return answer

    with FunctionModel(model_of) as model:
        server = start_server(openai_base_url=model.url)
        jobs = JobClient(server)
        jobs.programs.CreateProgram(
            programs_pb.CreateProgramRequest(program_id="chain", program=program(CHAIN)), timeout=20
        )
        jobs.load("numbers", [{"question": str(n), "answer": "0"} for n in range(20)], "programs/chain")
        spec = job_pb2.EvaluateSpec(program="programs/chain", examples=examples(), metric=EXACT)
        name = jobs.evaluate(spec).name
        eventually(lambda: model.calls == 16)  # Two of each of the eight that are under way.
        server.kill9()
        second.set()
        with closing(sqlite3.connect(server.data_dir / "journal.db")) as journal, journal:
            assert journal.execute("UPDATE answers SET digest = randomblob(32)").rowcount == 8
        server.start()
        job = JobClient(server).finish(name)
    assert job.state == job_pb2.JOB_STATE_FAILED
    info = error_details_pb2.ErrorInfo()
    assert any(detail.Unpack(info) for detail in job.error.details)
    assert info.reason == "REPLAY_DIVERGED"
    assert info.metadata["lane"].startswith("evaluate/0/")

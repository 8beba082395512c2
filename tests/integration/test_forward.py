"""Forward, Render, Parse and ForwardBatch: typed answers, and what the language model was sent."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import grpc
import pytest
from dspex.v1 import prediction_service_pb2 as pb
from dspex.v1 import program_pb2, values_pb2

from tests.integration.api import (
    COMPLETION,
    INPUTS,
    MODEL,
    Client,
    check_error,
    completion,
    example,
    fails,
    plain,
    predict,
    struct,
)
from tests.mock_llm.client import MockLlm
from tests.support.errors import from_status, rich_error

Code = grpc.StatusCode


def answer(mock_llm: MockLlm, text: str = COMPLETION, **rule: Any) -> None:
    """Makes the model answer this."""
    mock_llm.script([{"reply": {"content": text}, **rule}])


def test_struct_in_struct_out(client: Client, mock_llm: MockLlm) -> None:
    answer(mock_llm)
    prediction = client.forward(predict(), INPUTS)
    assert plain(prediction.outputs) == {"answer": 42.5, "label": "yes"}
    assert prediction.program == ""
    assert (prediction.usage.lm_calls, len(prediction.trace)) == (1, 0)


def test_json_in_json_out(client: Client, mock_llm: MockLlm) -> None:
    answer(mock_llm)
    prediction = client.forward(predict(), json.dumps(INPUTS))
    assert prediction.outputs_json == '{"answer":42.5,"label":"yes"}'
    assert not prediction.HasField("outputs")


def test_json_keeps_what_a_struct_cannot(client: Client, mock_llm: MockLlm) -> None:
    """Key order, integers beyond 2^53 and the difference between 5 and 5.0, on the way in and on the way out."""
    signature = "data: dict[str, Any], whole: int -> copy: dict[str, Any], big: int, real: float, count: int"
    text = '{"z": 1152921504606846977, "a": 5, "m": 5.0}'
    answer(mock_llm, completion(copy=text, big="1152921504606846976", real="5", count="5"))
    prediction = client.forward(predict(signature), '{"whole": 1152921504606846976, "data": ' + text + "}")
    assert prediction.outputs_json == (
        '{"copy":{"z":1152921504606846977,"a":5,"m":5.0},"big":1152921504606846976,"real":5.0,"count":5}'
    )
    prompt = mock_llm.requests()[0].json()["messages"][-1]["content"]
    assert text in prompt
    assert "\n1152921504606846976\n" in prompt
    assert prompt.index("[[ ## data ## ]]") < prompt.index("[[ ## whole ## ]]"), "the order is the signature's"


def test_struct_numbers_follow_the_field(client: Client, mock_llm: MockLlm) -> None:
    """A Struct has one kind of number: it is whole where it can be, and a float where the field is one."""
    answer(mock_llm, completion(copy="[1.5, 2.0]"))
    prediction = client.forward(
        predict("n: int, x: float, items: list -> copy: list[float]"), {"n": 5, "x": 5, "items": [1, 2.5]}
    )
    assert plain(prediction.outputs) == {"copy": [1.5, 2.0]}
    prompt = mock_llm.requests()[0].json()["messages"][-1]["content"]
    assert "[[ ## n ## ]]\n5\n" in prompt
    assert "[[ ## x ## ]]\n5.0\n" in prompt
    assert "[1, 2.5]" in prompt


def test_every_type(client: Client, mock_llm: MockLlm) -> None:
    signature = (
        "q -> s: str, i: int, f: float, b: bool, l: list[str], d: dict[str, int], o: Optional[int], u: int | None,"
        " c: Literal['a', 'b']"
    )
    text = completion(
        s="text, as it is", i="-7", f="1e3", b="True", l='["x", "y"]', d='{"k": 1}', o="null", u="3", c="b"
    )
    answer(mock_llm, text)
    expected = {
        "s": "text, as it is", "i": -7, "f": 1000.0, "b": True, "l": ["x", "y"], "d": {"k": 1}, "o": None, "u": 3,
        "c": "b",
    }  # fmt: skip
    assert json.loads(client.forward(predict(signature), '{"q": ""}').outputs_json) == expected
    assert plain(client.forward(predict(signature), {"q": ""}).outputs) == expected


def test_demos_and_sampling_reach_the_model(client: Client, mock_llm: MockLlm) -> None:
    options = program_pb2.LmOptions(
        temperature=0.25, top_p=0.5, max_tokens=77, stop=["END", "\n\n"], seed=1 << 60,
        frequency_penalty=-1.5, presence_penalty=1.25,
    )  # fmt: skip
    demos = [{"question": f"Demo question {i}?", "numbers": [i], "answer": i + 0.5, "label": "no"} for i in range(3)]
    answer(mock_llm)
    program = predict(demos=demos, options=options, instructions="Add the numbers up, über alles.")
    client.forward(program)
    body = mock_llm.requests()[0].json()
    assert body["model"] == "mock"
    sent = {name: body[name] for name in body if name not in ("model", "messages")}
    limit = sent.pop("max_completion_tokens", None) or sent.pop("max_tokens")
    assert limit == 77
    assert sent == {
        "temperature": 0.25, "top_p": 0.5, "stop": ["END", "\n\n"], "seed": 1 << 60, "frequency_penalty": -1.5,
        "presence_penalty": 1.25,
    }  # fmt: skip
    messages = body["messages"]
    assert [m["role"] for m in messages] == ["system", *["user", "assistant"] * 3, "user"]
    assert "Add the numbers up, über alles." in messages[0]["content"]
    for i in range(3):
        assert f"Demo question {i}?" in messages[1 + 2 * i]["content"]
        assert f"[[ ## answer ## ]]\n{i}.5\n\n[[ ## label ## ]]\nno" in messages[2 + 2 * i]["content"]
    assert INPUTS["question"] in messages[-1]["content"]
    assert "[20, 22]" in messages[-1]["content"]


def test_unset_sampling_is_not_sent(client: Client, mock_llm: MockLlm) -> None:
    answer(mock_llm)
    client.forward(predict())
    assert set(mock_llm.requests()[0].json()) == {"model", "messages"}


def test_module_model_goes_before_program_and_default(client: Client, mock_llm: MockLlm) -> None:
    answer(mock_llm)
    program = predict(lm="openai/of-the-program")
    client.forward(program)
    program.modules[0].lm = "openai/of/the-module"
    client.forward(program)
    client.forward(predict())
    models = [request.json()["model"] for request in mock_llm.requests()]
    assert models == ["of-the-program", "of/the-module", MODEL.removeprefix("openai/")]


def test_structured_signature(client: Client, mock_llm: MockLlm) -> None:
    program = predict()
    program.modules[0].predict.structured_signature.instructions = "Say how much it is."
    program.modules[0].predict.structured_signature.inputs.add(name="question", description="what is asked")
    program.modules[0].predict.structured_signature.outputs.add(name="answer", type="float", description="in metres")
    answer(mock_llm, completion(answer="2"))
    assert client.forward(program, '{"question": "?"}').outputs_json == '{"answer":2.0}'
    system = mock_llm.requests()[0].json()["messages"][0]["content"]
    assert all(text in system for text in ("Say how much it is.", "what is asked", "in metres"))


@pytest.mark.parametrize("inputs", [INPUTS, json.dumps(INPUTS)], ids=["struct", "json"])
def test_render_is_what_forward_sends(client: Client, mock_llm: MockLlm, inputs: Any) -> None:
    """Byte for byte, for an inline program and for a stored one (whose prefix is kept encoded)."""
    program = predict(
        demos=[{"question": 'Quotes " and \\ and \n and \u2028 ü 😀 \x7f', "numbers": [], "answer": 1, "label": "no"}],
        options=program_pb2.LmOptions(temperature=0.1, stop=["<|end|>"]),
    )
    stored = client.create(f"render-{type(inputs).__name__}", program).name
    answer(mock_llm)
    for what in (program, stored, stored):
        target = {"program": what} if isinstance(what, str) else {"inline_program": what}
        values = {"inputs_json": inputs} if isinstance(inputs, str) else {"inputs": struct(inputs)}
        rendered = client.predictions.Render(pb.RenderRequest(**target, **values)).requests
        client.forward(what, inputs)
        request = mock_llm.requests()[-1]
        assert [r.body for r in rendered] == [request.body]
        assert (rendered[0].module, rendered[0].lm) == ("main", MODEL)
        assert rendered[0].url == f"{mock_llm.base_url}/chat/completions"
        assert request.target == "/v1/chat/completions"
    assert len(mock_llm.requests()) == 3, "Render sends nothing"


COMPLETIONS = [
    COMPLETION,
    completion(answer="1", label="no"),
    completion(answer="one", label="no"),
    completion(answer="1", label="maybe"),
    completion(label="yes"),
    "[[ ## label ## ]]\nyes\n[[ ## answer ## ]]\n 7.25 ",
    "Sorry, I cannot do that.",
    "",
    "[[ ## answer ## ]]\n\n[[ ## label ## ]]\n",
    "Let me think.\n\n" + COMPLETION + "\nThat was all.",
]


@pytest.mark.parametrize("text", COMPLETIONS)
@pytest.mark.parametrize("as_json", [True, False])
def test_parse_is_what_forward_answers(client: Client, mock_llm: MockLlm, text: str, as_json: bool) -> None:
    answer(mock_llm, text)
    inputs = json.dumps(INPUTS) if as_json else INPUTS

    def forward() -> Any:
        prediction = client.forward(predict(), inputs)
        return prediction.outputs_json if as_json else prediction.outputs

    def parse() -> Any:
        request = pb.ParseRequest(inline_program=predict(), completion=text, as_json=as_json)
        response = client.predictions.Parse(request)
        return response.outputs_json if as_json else response.outputs

    assert outcome(forward) == outcome(parse)


def outcome(call: Any) -> Any:
    """What a call returns, or the failure without what differs from call to call and what only Forward can know."""
    try:
        return call()
    except grpc.RpcError as error:
        failure = rich_error(error)
        for key in ("finish_reason", "provider", "model", "provider_request_id", "attempts"):
            failure.metadata.pop(key, None)
        return dataclasses.replace(failure, request_id="")


def test_parse_needs_no_language_model(client: Client) -> None:
    request = pb.ParseRequest(
        inline_program=predict(lm="nowhere/model"), completion=COMPLETION, module="main", as_json=True
    )
    assert client.predictions.Parse(request).outputs_json == '{"answer":42.5,"label":"yes"}'


def test_trace(client: Client, mock_llm: MockLlm) -> None:
    usage = {"prompt_tokens": 123, "completion_tokens": 45, "total_tokens": 168}
    mock_llm.script([{"reply": {"content": COMPLETION, "usage": usage}, "latency": {"fixed_ms": 30}}])
    prediction = client.forward(predict(), include_trace=True)
    assert (prediction.usage.input_tokens, prediction.usage.output_tokens, prediction.usage.lm_calls) == (123, 45, 1)
    module, lm = prediction.trace
    assert (module.name, module.parent, module.completion, module.model) == ("main", -1, "", "")
    assert (lm.name, lm.parent, lm.model, lm.completion) == ("lm", 0, "mock", COMPLETION)
    assert lm.usage == prediction.usage
    assert lm.provider_request_id
    assert module.start.ToNanoseconds() <= lm.start.ToNanoseconds()
    assert module.duration.ToNanoseconds() >= lm.duration.ToNanoseconds() >= 30_000_000


def batch_request(items: list[values_pb2.Example], **more: Any) -> pb.ForwardBatchRequest:
    return pb.ForwardBatchRequest(inline_program=predict("question -> answer"), items=items, **more)


def test_batch(client: Client, mock_llm: MockLlm) -> None:
    """Every item is answered in its own form or has its own error; the call itself succeeds."""
    mock_llm.script(
        [
            {"match": {"contains": "bad completion"}, "reply": {"content": "nothing"}},
            {"match": {"contains": "fault"}, "fault": "unauthorized"},
            {"reply": {"content": completion(answer="{{n}}")}},
        ]
    )
    items = [
        example({"question": "json"}),
        values_pb2.Example(fields=struct({"question": "struct"})),
        example({"question": "bad completion"}),
        example({"question": "fault"}),
        example({"wrong": "field"}),
        values_pb2.Example(fields_json="{"),
        values_pb2.Example(),
    ]
    responses = {r.index: r for r in client.predictions.ForwardBatch(batch_request(items, include_trace=True))}
    assert sorted(responses) == list(range(len(items)))
    assert json.loads(responses[0].prediction.outputs_json)["answer"].isdigit()
    assert plain(responses[1].prediction.outputs)["answer"].isdigit()
    assert [len(responses[i].prediction.trace) for i in (0, 1)] == [2, 2]
    assert responses[0].prediction.usage.lm_calls == 1
    for index, code, reason in [
        (2, Code.DATA_LOSS, "COMPLETION_UNPARSABLE"),
        (3, Code.FAILED_PRECONDITION, "PROVIDER_AUTH"),
        (4, Code.INVALID_ARGUMENT, "UNKNOWN_FIELD"),
        (5, Code.INVALID_ARGUMENT, "INVALID_JSON"),
        (6, Code.INVALID_ARGUMENT, "MISSING_INPUT"),
    ]:
        error = from_status(responses[index].error)
        assert (error.code, error.reason) == (code, reason)
        check_error(error)
        assert not responses[index].HasField("prediction")


def test_batch_of_nothing(client: Client) -> None:
    assert list(client.predictions.ForwardBatch(batch_request([]))) == []


def test_batch_concurrency_is_bounded(client: Client, mock_llm: MockLlm) -> None:
    mock_llm.script([{"latency": {"fixed_ms": 20}}])
    items = [example({"question": str(i)}) for i in range(24)]
    assert len(list(client.predictions.ForwardBatch(batch_request(items, max_concurrency=4)))) == 24
    requests = mock_llm.requests()
    assert len(requests) == 24
    # One must have ended before the fifth began.
    peak = max(sum(other.time <= r.time < (other.ended or 0) for other in requests) for r in requests)
    assert 2 <= peak <= 4


def test_batch_cancellation_stops_the_rest(client: Client, mock_llm: MockLlm) -> None:
    mock_llm.script([{"match": {"regex": "item [0-4]\\n"}}, {"fault": "hang"}])
    items = [example({"question": f"item {i}"}) for i in range(1000)]
    call = client.predictions.ForwardBatch(batch_request(items, max_concurrency=3), timeout=20)
    assert len({next(call).index for _ in range(5)}) == 5
    mock_llm.wait("in_flight", 3)
    call.cancel()
    mock_llm.wait("in_flight", 0)
    mock_llm.wait("closed", 3)
    assert call.code() == Code.CANCELLED
    # A later call comes after anything that the batch might still send.
    mock_llm.script([])
    client.forward(predict("question -> answer"), {"question": "after"})
    questions = [request.body for request in mock_llm.requests()]
    assert len(questions) == 5 + 3 + 1
    assert "after" in questions[-1]


def test_batch_ends_at_the_clients_deadline(client: Client, mock_llm: MockLlm) -> None:
    mock_llm.script([{"fault": "hang"}])
    call = client.predictions.ForwardBatch(batch_request([example({"question": "x"})] * 50), timeout=0.3)
    with pytest.raises(grpc.RpcError) as caught:
        list(call)
    assert rich_error(caught.value).code == Code.DEADLINE_EXCEEDED
    mock_llm.wait("in_flight", 0)
    assert len(mock_llm.requests()) == 16, "the default concurrency"


def test_batch_refuses_at_once(client: Client, mock_llm: MockLlm) -> None:
    with fails(Code.INVALID_ARGUMENT, "INVALID_REQUEST") as caught:
        list(client.predictions.ForwardBatch(batch_request([example({"question": ""})] * 10_001)))
    assert "items" in caught.error.violations
    for wrong in (-1, 257):
        with fails(Code.INVALID_ARGUMENT, "INVALID_REQUEST") as caught:
            list(client.predictions.ForwardBatch(batch_request([], max_concurrency=wrong)))
        assert "max_concurrency" in caught.error.violations
    assert mock_llm.requests() == []


def test_connections_are_kept_alive(client: Client, mock_llm: MockLlm) -> None:
    answer(mock_llm)
    for _ in range(20):
        client.forward(predict())
    assert len({request.connection for request in mock_llm.requests()}) <= 2, "at most one for each I/O thread"


def test_a_provider_that_closes_after_each_answer(client: Client, mock_llm: MockLlm) -> None:
    mock_llm.script([{"reply": {"content": COMPLETION, "headers": {"connection": "close"}}}])
    for _ in range(5):
        client.forward(predict())
    assert len({request.connection for request in mock_llm.requests()}) == 5

"""Each way to fail: its own code, reason and facts, and a sentence that says what to do. Nothing secret in any."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest
from dspex.v1 import prediction_service_pb2 as pb
from dspex.v1 import program_pb2
from dspex.v1 import program_service_pb2 as programs_pb

from tests.integration.api import (
    COMPLETION,
    INPUTS,
    MODEL,
    SECRET_ANSWER,
    SECRET_KEY,
    SECRET_PROMPT,
    SECRETS,
    SIGNATURE,
    Client,
    check_error,
    completion,
    fails,
    predict,
    struct,
)
from tests.mock_llm.client import MockLlm
from tests.support.errors import rich_error
from tests.support.server import DspexServer

Code = grpc.StatusCode
SECRET_INPUTS = {"question": SECRET_PROMPT, "numbers": [20, 22]}


@pytest.fixture(scope="module")
def server(shared_mock_llm: MockLlm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DspexServer]:
    """A server with short time-outs; when all tests are done, its log holds no secret."""
    unused = socket.socket()
    unused.bind(("127.0.0.1", 0))
    config = {
        "providers": {
            "openai": {
                "base_url": shared_mock_llm.base_url,
                "api_key_env": "TEST_KEY",
                "timeouts": {"connect": "2s", "first_byte": "250ms", "idle": "250ms", "total": "800ms"},
                "max_response_bytes": 100_000,
            },
            "unreachable": {"base_url": f"http://127.0.0.1:{unused.getsockname()[1]}/v1"},
            "nameless": {"base_url": "http://no-such-host.invalid/v1"},
        },
        "limits": {"max_request_bytes": 1 << 20},
        "default_lm": MODEL,
        "log": {"level": "debug"},
    }
    with DspexServer(tmp_path_factory.mktemp("errors"), config=config, env={"TEST_KEY": SECRET_KEY}) as server:
        yield server
        assert server.stop() == 0
        assert len(server.logs("rpc")) > 100
        assert not any(secret in server.output() for secret in SECRETS)
    unused.close()


# What callers send. The program is inline unless the test is about stored ones.


@pytest.mark.parametrize(
    ("inputs", "field", "type_name"),
    [
        ({"question": 7, "numbers": []}, "question", "str"),
        ({"question": SECRET_PROMPT, "numbers": SECRET_PROMPT}, "numbers", "list[int]"),
        ({"question": SECRET_PROMPT, "numbers": [1, SECRET_PROMPT]}, "numbers", "int"),
        ({"question": SECRET_PROMPT, "numbers": [1, 2.5]}, "numbers", "int"),
        ({"question": None, "numbers": []}, "question", "str"),
        ({"question": [SECRET_PROMPT], "numbers": []}, "question", "str"),
    ],
)
@pytest.mark.parametrize("as_json", [False, True])
def test_wrong_type(
    client: Client, mock_llm: MockLlm, inputs: dict[str, Any], field: str, type_name: str, as_json: bool
) -> None:
    with fails(Code.INVALID_ARGUMENT, "INVALID_VALUE", field=field, type=type_name) as caught:
        client.forward(predict(), json.dumps(inputs) if as_json else inputs)
    root = "inputs_json" if as_json else "inputs"
    assert [path.partition("[")[0] for path in caught.error.violations] == [f"{root}.{field}"]
    assert mock_llm.requests() == []


def test_the_place_in_a_list(client: Client) -> None:
    with fails(Code.INVALID_ARGUMENT, "INVALID_VALUE", path="[2]") as caught:
        client.forward(predict(), {"question": "", "numbers": [1, 2, "three"]})
    assert list(caught.error.violations) == ["inputs.numbers[2]"]


def test_missing_input(client: Client) -> None:
    with fails(Code.INVALID_ARGUMENT, "MISSING_INPUT", field="numbers") as caught:
        client.forward(predict(), {"question": SECRET_PROMPT})
    assert list(caught.error.violations) == ["inputs.numbers"]
    with fails(Code.INVALID_ARGUMENT, "MISSING_INPUT", field="question"):
        client.predictions.Forward(pb.ForwardRequest(inline_program=predict()))


def test_unknown_field(client: Client) -> None:
    with fails(Code.INVALID_ARGUMENT, "UNKNOWN_FIELD", field="qestion") as caught:
        client.forward(predict(), {"qestion": SECRET_PROMPT, "numbers": []})
    assert list(caught.error.violations) == ["inputs.qestion"]
    assert "question" in caught.error.message, "the nearest name"


@pytest.mark.parametrize("text", ["", "{", "[1]", '"text"', '{"question": 1,}', "{} {}", "nul"])
def test_json_that_is_none(client: Client, text: str) -> None:
    valid_json_no_object = text in ("[1]", '"text"')
    with fails(Code.INVALID_ARGUMENT, "INVALID_REQUEST" if valid_json_no_object else "INVALID_JSON") as caught:
        client.predictions.Forward(pb.ForwardRequest(inline_program=predict(), inputs_json=text))
    assert list(caught.error.violations) == ["inputs_json"]


def test_json_that_is_too_deep(client: Client) -> None:
    with fails(Code.INVALID_ARGUMENT, "INVALID_JSON"):
        client.forward(predict("d: dict -> a"), '{"d": ' + "[" * 5000 + "]" * 5000 + "}")


def test_no_target(client: Client) -> None:
    for call in (
        lambda: client.predictions.Forward(pb.ForwardRequest(inputs=struct(INPUTS))),
        lambda: client.predictions.Render(pb.RenderRequest(inputs=struct(INPUTS))),
        lambda: client.predictions.Parse(pb.ParseRequest(completion=COMPLETION)),
        lambda: list(client.predictions.ForwardBatch(pb.ForwardBatchRequest())),
    ):
        with fails(Code.INVALID_ARGUMENT, "INVALID_REQUEST") as caught:
            call()
        assert list(caught.error.violations) == ["program"]


@pytest.mark.parametrize(
    ("signature", "position", "token"),
    [
        ("question", 8, "end of text"),
        ("question answer -> x", 9, "answer"),
        ("question -> ", 12, "end of text"),
        ("question: strr -> answer", 10, "strr"),
        ("question: list[int -> answer", 19, "->"),
        ("question -> answer -> more", 19, "->"),
        ("a, b, a -> c", 6, "a"),
        ("ü, ß: Literal['x -> c", 16, "'x -> c"),
        ("class -> c", 0, "class"),
        ("q -> a: int = ", 14, "end of text"),
        ("q ? -> a", 2, "?"),
    ],
)
def test_bad_signature(client: Client, signature: str, position: int, token: str | None) -> None:
    """The position is the byte at which the signature cannot be read on."""
    calls: dict[str, Callable[[program_pb2.Program], object]] = {
        "program.": lambda program: client.create("bad", program),
        "inline_program.": lambda program: client.forward(program, {}),
    }
    for prefix, call in calls.items():
        with fails(Code.INVALID_ARGUMENT, "INVALID_SIGNATURE", position=str(position)) as caught:
            call(predict(signature))
        assert token is None or caught.error.metadata["token"] == token
        assert list(caught.error.violations) == [f"{prefix}modules[0].predict.signature"]
        assert str(position) in caught.error.message


def test_bad_structured_signature(client: Client) -> None:
    program = predict()
    program.modules[0].predict.structured_signature.inputs.add(name="q", type="list[strr]")
    program.modules[0].predict.structured_signature.outputs.add(name="a")
    with fails(Code.INVALID_ARGUMENT, "INVALID_SIGNATURE", field="q", position="5", token="strr") as caught:
        client.forward(program, {})
    path = "inline_program.modules[0].predict.structured_signature.inputs[0].type"
    assert list(caught.error.violations) == [path]


def test_bad_demo(client: Client) -> None:
    with fails(Code.INVALID_ARGUMENT, "INVALID_VALUE", field="numbers") as caught:
        client.create("bad", predict(demos=[{}, {"question": "", "numbers": [SECRET_PROMPT]}]))
    assert list(caught.error.violations) == ["program.modules[0].predict.demos[1].fields_json"]
    with fails(Code.INVALID_ARGUMENT, "UNKNOWN_FIELD", field="other"):
        client.create("bad", predict(demos=[{"other": 1}]))


BAD_PROGRAMS: list[tuple[program_pb2.Program, str]] = [
    (program_pb2.Program(), "modules"),
    (program_pb2.Program(modules=[program_pb2.Module(id="main")]), "modules[0]"),
    (predict(lm="no-slash"), "lm"),
    (predict(timeout=-1), "timeout"),
    (predict(options=program_pb2.LmOptions(temperature=3)), "modules[0].predict.options.temperature"),
    (predict(options=program_pb2.LmOptions(stop=["x"] * 5)), "modules[0].predict.options.stop"),
    (
        program_pb2.Program(modules=[program_pb2.Module(id="Main", predict=predict().modules[0].predict)]),
        "modules[0].id",
    ),
    (
        program_pb2.Program(modules=[program_pb2.Module(id="m", predict=program_pb2.Predictor())]),
        "modules[0].predict.signature",
    ),
]


@pytest.mark.parametrize(("program", "path"), BAD_PROGRAMS, ids=[path for _, path in BAD_PROGRAMS])
def test_bad_program(client: Client, program: program_pb2.Program, path: str) -> None:
    with fails(Code.INVALID_ARGUMENT, "INVALID_PROGRAM") as caught:
        client.create("bad", program)
    assert list(caught.error.violations) == [f"program.{path}"]
    with fails(Code.INVALID_ARGUMENT, "INVALID_PROGRAM") as caught:
        client.forward(program)
    assert list(caught.error.violations) == [f"inline_program.{path}"]


PREDICTOR = program_pb2.Predictor(signature=SIGNATURE)
UNSUPPORTED = {
    "react": program_pb2.Module(id="m", react=program_pb2.ReAct(predictor=PREDICTOR, tools=["t"])),
    "best_of_n": program_pb2.Module(id="m", best_of_n=program_pb2.BestOf(module="x", n=3)),
    "refine": program_pb2.Module(id="m", refine=program_pb2.BestOf(module="x", n=3)),
    "multi_chain_comparison": program_pb2.Module(
        id="m", multi_chain_comparison=program_pb2.MultiChainComparison(predictor=PREDICTOR)
    ),
    "python": program_pb2.Module(id="m", python=program_pb2.PythonModule(path="a.b:c")),
    "EXECUTION_BACKEND_PYTHON": program_pb2.Module(
        id="m", predict=PREDICTOR, execution_backend=program_pb2.EXECUTION_BACKEND_PYTHON
    ),
}


@pytest.mark.parametrize("feature", UNSUPPORTED)
def test_unsupported_module(client: Client, feature: str) -> None:
    program = program_pb2.Program(modules=[UNSUPPORTED[feature]])
    with fails(Code.UNIMPLEMENTED, "UNSUPPORTED", feature=feature) as caught:
        client.create("unsupported", program)
    field = "execution_backend" if feature.isupper() else feature
    assert list(caught.error.violations) == [f"program.modules[0].{field}"]
    with fails(Code.UNIMPLEMENTED, "UNSUPPORTED", feature=feature):
        client.forward(program)


def test_incomplete_graph(client: Client) -> None:
    two = predict()
    two.modules.add().CopyFrom(two.modules[0])
    two.modules[1].id = "second"
    with fails(Code.INVALID_ARGUMENT, "INVALID_PROGRAM") as caught:
        client.create("graph", two)
    assert list(caught.error.violations) == ["program.steps"]
    steps = predict()
    steps.steps.add(id="s", module="main")
    with fails(Code.INVALID_ARGUMENT, "INVALID_PROGRAM") as caught:
        client.create("graph", steps)
    assert list(caught.error.violations) == ["program.outputs"]


# Which program, which model.


@pytest.mark.parametrize(
    ("name", "reason", "metadata"),
    [
        ("programs/nobody", "PROGRAM_NOT_FOUND", {"program": "programs/nobody"}),
        ("programs/nobody@3", "PROGRAM_NOT_FOUND", {"program": "programs/nobody"}),
        ("programs/known@7", "REVISION_NOT_FOUND", {"program": "programs/known", "revision": "7"}),
        ("programs/known@prod", "REVISION_NOT_FOUND", {"program": "programs/known", "revision": "prod"}),
    ],
)
def test_unknown_program(client: Client, name: str, reason: str, metadata: dict[str, str]) -> None:
    if "known" in name:
        ensure_known(client)
    for call in (
        lambda: client.forward(name),
        lambda: client.programs.GetProgram(programs_pb.GetProgramRequest(name=name)),
        lambda: client.predictions.Render(pb.RenderRequest(program=name, inputs=struct(INPUTS))),
        lambda: client.predictions.Parse(pb.ParseRequest(program=name, completion=COMPLETION)),
        lambda: list(client.predictions.ForwardBatch(pb.ForwardBatchRequest(program=name))),
    ):
        with fails(Code.NOT_FOUND, reason, **metadata):
            call()


def ensure_known(client: Client) -> None:
    try:
        client.create("known", predict())
    except grpc.RpcError as error:
        assert error.code() == Code.ALREADY_EXISTS  # noqa: PT017


@pytest.mark.parametrize(
    "name", ["", "qa", "programs/", "programs/QA", "programs/qa@", "programs/qa@0", "programs/qa@-1", "jobs/qa"]
)
def test_malformed_name(client: Client, name: str) -> None:
    with fails(Code.INVALID_ARGUMENT, "INVALID_REQUEST") as caught:
        client.predictions.Forward(pb.ForwardRequest(program=name, inputs=struct(INPUTS)))
    assert list(caught.error.violations) == ["program"]


def test_unknown_provider(client: Client) -> None:
    with fails(Code.FAILED_PRECONDITION, "UNKNOWN_PROVIDER", provider="nowhere"):
        client.forward(predict(lm="nowhere/model"))


def test_parse_unknown_module(client: Client) -> None:
    with fails(Code.INVALID_ARGUMENT, "INVALID_REQUEST", module="other") as caught:
        client.predictions.Parse(pb.ParseRequest(inline_program=predict(), module="other", completion=""))
    assert list(caught.error.violations) == ["module"]


def test_no_language_model(start_server: Callable[..., DspexServer]) -> None:
    with Client(start_server()) as client:
        with fails(Code.FAILED_PRECONDITION, "NO_LANGUAGE_MODEL"):
            client.forward(predict())
        assert client.create("stored", predict()).revision == 1, "a program may come before its model"
        with fails(Code.FAILED_PRECONDITION, "NO_LANGUAGE_MODEL"):
            client.forward("programs/stored")


# What the model answers.


@pytest.mark.parametrize(
    ("text", "metadata"),
    [
        (SECRET_ANSWER, {"field": "answer", "problem": "missing"}),
        ("", {"problem": "no_completion"}),
        (completion(answer="1", other=SECRET_ANSWER), {"field": "label", "problem": "missing"}),
        (completion(answer=SECRET_ANSWER, label="yes"), {"field": "answer", "problem": "invalid", "type": "float"}),
        (completion(answer="1", label=SECRET_ANSWER), {"field": "label", "problem": "invalid"}),
    ],
)
def test_completion_that_does_not_parse(client: Client, mock_llm: MockLlm, text: str, metadata: dict[str, str]) -> None:
    mock_llm.script([{"reply": {"content": text}}])
    with fails(Code.DATA_LOSS, "COMPLETION_UNPARSABLE", finish_reason="stop", **metadata):
        client.forward(predict(), SECRET_INPUTS)
    with fails(Code.DATA_LOSS, "COMPLETION_UNPARSABLE", **metadata):
        client.predictions.Parse(pb.ParseRequest(inline_program=predict(), completion=text))


@pytest.mark.parametrize(
    ("reply", "code", "reason"),
    [
        ({"finish_reason": "length"}, Code.DATA_LOSS, "COMPLETION_TRUNCATED"),
        ({"finish_reason": "content_filter"}, Code.INVALID_ARGUMENT, "CONTENT_FILTERED"),
        ({"refusal": "No."}, Code.INVALID_ARGUMENT, "MODEL_REFUSED"),
    ],
)
def test_a_completion_that_did_not_end_by_itself(
    client: Client, mock_llm: MockLlm, reply: dict[str, str], code: grpc.StatusCode, reason: str
) -> None:
    """Though it could be read."""
    mock_llm.script([{"reply": {"content": completion(answer="1", label="yes"), **reply}}])
    with fails(code, reason):
        client.forward(predict(), SECRET_INPUTS)


# fault, code, reason, metadata beside provider and model.
FAULTS: list[tuple[str, grpc.StatusCode, str, dict[str, str]]] = [
    ("unauthorized", Code.FAILED_PRECONDITION, "PROVIDER_AUTH", {"http_status": "401"}),
    ("rate_limited", Code.RESOURCE_EXHAUSTED, "PROVIDER_RATE_LIMITED", {"http_status": "429"}),
    ("insufficient_quota", Code.FAILED_PRECONDITION, "PROVIDER_BILLING", {"http_status": "429"}),
    ("context_length_exceeded", Code.INVALID_ARGUMENT, "CONTEXT_WINDOW_EXCEEDED", {"http_status": "400"}),
    ("server_error", Code.UNAVAILABLE, "PROVIDER_OVERLOADED", {"http_status": "500"}),
    ("unavailable", Code.UNAVAILABLE, "PROVIDER_OVERLOADED", {"http_status": "503"}),
    ("close_without_response", Code.UNAVAILABLE, "PROVIDER_UNREACHABLE", {}),
    ("reset_before_response", Code.UNAVAILABLE, "PROVIDER_UNREACHABLE", {}),
    ("reset_in_body", Code.UNAVAILABLE, "PROVIDER_UNREACHABLE", {}),
    ("close_in_body", Code.UNAVAILABLE, "PROVIDER_UNREACHABLE", {}),
    ("truncated_json", Code.INTERNAL, "PROVIDER_MALFORMED_RESPONSE", {}),
    ("malformed_json", Code.INTERNAL, "PROVIDER_MALFORMED_RESPONSE", {}),
    ("wrong_content_type", Code.INTERNAL, "PROVIDER_MALFORMED_RESPONSE", {}),
    ("hang", Code.DEADLINE_EXCEEDED, "PROVIDER_TIMEOUT", {"phase": "first_byte"}),
    ("hang_in_body", Code.DEADLINE_EXCEEDED, "PROVIDER_TIMEOUT", {"phase": "idle"}),
    ("slow_drip", Code.DEADLINE_EXCEEDED, "PROVIDER_TIMEOUT", {"phase": "total"}),
]


@pytest.mark.parametrize(("fault", "code", "reason", "metadata"), FAULTS, ids=[fault[0] for fault in FAULTS])
def test_provider_fault(
    client: Client, mock_llm: MockLlm, fault: str, code: grpc.StatusCode, reason: str, metadata: dict[str, str]
) -> None:
    mock_llm.script([{"fault": fault, "drip_ms": 100}])
    with fails(code, reason, provider="openai", model="mock", **metadata) as caught:
        client.forward(predict(), SECRET_INPUTS)
    assert caught.error.retry_delay is None
    # The next call is not hurt.
    mock_llm.script([{"reply": {"content": COMPLETION}}])
    assert client.forward(predict(), INPUTS).usage.lm_calls == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500])
def test_what_a_provider_says_of_the_key_is_masked(client: Client, mock_llm: MockLlm, status: int) -> None:
    """OpenAI repeats a wrong key, half of it masked; the callers of dspex have no business with it."""
    headers = {"content-type": "application/json"}
    for shown in (SECRET_KEY, f"{SECRET_KEY[:12]}******{SECRET_KEY[-4:]}"):
        body = json.dumps({"error": {"message": f"Incorrect key provided: {shown}. Get another.", "code": "x"}})
        mock_llm.script([{"reply": {"status": status, "raw_body": body, "headers": headers}}])
        with pytest.raises(grpc.RpcError) as caught:
            client.forward(predict())
        error = rich_error(caught.value)
        check_error(error)
        assert error.reason.startswith("PROVIDER_")
        assert SECRET_KEY[:12] not in repr(error)


@pytest.mark.parametrize("fault", ["rate_limited", "unavailable"])
def test_retry_after_is_passed_on(client: Client, mock_llm: MockLlm, fault: str) -> None:
    mock_llm.script([{"fault": fault, "retry_after": "7"}])
    with pytest.raises(grpc.RpcError) as caught:
        client.forward(predict())
    assert rich_error(caught.value).retry_delay == 7


@pytest.mark.parametrize(
    "reply",
    [
        {"raw_body": "{}", "headers": {"content-type": "application/json"}},
        {"raw_body": '{"choices": "many"}', "headers": {"content-type": "application/json"}},
        {"raw_body": "", "headers": {"content-type": "application/json"}},
        {"content": "x" * 200_000},
        {"raw_body": "moved", "status": 302, "headers": {"location": "http://127.0.0.1:1/"}},
    ],
)
def test_not_what_the_dialect_says(client: Client, mock_llm: MockLlm, reply: dict[str, Any]) -> None:
    mock_llm.script([{"reply": reply}])
    with fails(Code.INTERNAL, "PROVIDER_MALFORMED_RESPONSE", provider="openai", model="mock"):
        client.forward(predict())


def test_no_choices(client: Client, mock_llm: MockLlm) -> None:
    """As DSPy sees it: an answer that does not parse."""
    mock_llm.script([{"reply": {"raw_body": '{"choices": []}', "headers": {"content-type": "application/json"}}}])
    with fails(Code.DATA_LOSS, "COMPLETION_UNPARSABLE", problem="no_completion"):
        client.forward(predict())


@pytest.mark.parametrize("provider", ["unreachable", "nameless"])
def test_unreachable_provider(client: Client, provider: str) -> None:
    with fails(Code.UNAVAILABLE, "PROVIDER_UNREACHABLE", provider=provider, model="m"):
        client.forward(predict(lm=f"{provider}/m"), SECRET_INPUTS)


# Time.


def test_program_timeout(client: Client, mock_llm: MockLlm) -> None:
    mock_llm.script([{"fault": "hang"}])
    with fails(Code.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED") as caught:
        client.forward(predict(timeout=0.1), SECRET_INPUTS)
    assert caught.error.metadata["where"]
    mock_llm.wait("in_flight", 0)


def test_server_timeout(start_server: Callable[..., DspexServer], mock_llm: MockLlm) -> None:
    mock_llm.script([{"fault": "hang"}])
    server = start_server(config={"limits": {"forward_timeout": "100ms"}}, openai_base_url=mock_llm.base_url)
    with Client(server) as client:
        with fails(Code.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED") as caught:
            client.forward(predict(timeout=60))
        assert caught.error.metadata["where"]


# Size.


def test_oversized_request(client: Client) -> None:
    """gRPC refuses the message itself, before there is a call, so there are no details."""
    with pytest.raises(grpc.RpcError) as caught:
        client.forward(predict(), {"question": "x" * (2 << 20), "numbers": []})
    error = rich_error(caught.value)
    assert (error.code, error.reason) == (Code.RESOURCE_EXHAUSTED, "")
    assert str(1 << 20) in error.message


# All together.


def test_no_two_kinds_look_alike(client: Client, mock_llm: MockLlm) -> None:
    """A program can tell by code and reason alone which of these went wrong."""
    unauthorized = [{"fault": "unauthorized"}]
    unparsable = [{"reply": {"content": "nothing"}}]
    hang = [{"fault": "hang"}]
    kinds: dict[str, tuple[program_pb2.Program | str, Any, list[dict[str, Any]]]] = {
        "wrong type": (predict(), {**INPUTS, "numbers": "x"}, []),
        "missing input": (predict(), {}, []),
        "unknown field": (predict(), {**INPUTS, "more": 1}, []),
        "bad JSON": (predict(), "{", []),
        "unparsable completion": (predict(), INPUTS, unparsable),
        "unknown program": ("programs/nobody", INPUTS, []),
        "bad signature": (predict("->"), INPUTS, []),
        "bad program": (program_pb2.Program(), INPUTS, []),
        "unreachable provider": (predict(lm="unreachable/m"), INPUTS, []),
        "unknown provider": (predict(lm="nowhere/m"), INPUTS, []),
        "401": (predict(), INPUTS, unauthorized),
        "429": (predict(), INPUTS, [{"fault": "rate_limited"}]),
        "500": (predict(), INPUTS, [{"fault": "server_error"}]),
        "provider's time-out": (predict(), INPUTS, hang),
        "server's time-out": (predict(timeout=0.05), INPUTS, hang),
    }
    seen: dict[tuple[grpc.StatusCode, str], str] = {}
    for kind, (program, inputs, script) in kinds.items():
        mock_llm.script(script)
        with pytest.raises(grpc.RpcError) as caught:
            client.forward(program, inputs)
        error = rich_error(caught.value)
        check_error(error)
        assert error.reason
        assert seen.setdefault((error.code, error.reason), kind) == kind


def test_request_id_is_the_callers(client: Client) -> None:
    with fails(Code.INVALID_ARGUMENT, "MISSING_INPUT") as caught:
        client.forward(predict(), {}, metadata={"x-request-id": "my-id-7"})
    assert caught.error.request_id == "my-id-7"
    with fails(Code.INVALID_ARGUMENT, "MISSING_INPUT") as caught:
        client.forward(predict(), {}, metadata={"x-request-id": "not an id: " + "x" * 200})
    assert caught.error.request_id not in ("", "not an id: " + "x" * 200)

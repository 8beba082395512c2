"""What dspex sends beside what the providers' own Python packages send for the same call: the same JSON.

request_shapes.py has the calls of the packages as their users write them; from dspex come only the texts of the prompt.
Bodies may differ in the order of keys, and in nothing else but what DEFAULTS lists.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import anthropic
import openai
import pytest
from dspex.v1 import prediction_service_pb2 as pb
from dspex.v1 import program_pb2
from google.protobuf import json_format

from tests.integration.api import Client, completion
from tests.integration.request_shapes import CASES, Arguments, Case, Write, one
from tests.mock_llm.client import MockLlm, Request
from tests.support import provider_types
from tests.support.server import DspexServer

KEY = "sk-of-this-test"
MODEL = "a-model"


@dataclass(frozen=True)
class Difference:
    """What one side says without being asked and the other does not."""

    faces: str
    when: Literal["streams", "types"]  # In streams; where the answer's form is a Python type.
    dspex: Arguments
    package: Arguments
    why: str


# All that may differ. What a package's own types require is in its calls.
DEFAULTS = [
    Difference("chat compatible", "streams", {"stream_options": {"include_usage": True}}, {}, "or none says its cost"),
    Difference("chat compatible", "types", {}, {"stream": False}, "the API's default; create() leaves it out, too"),
]
# Settings that a face has no argument for: a program's are left out. The packages know better than we do.
NO_SUCH_SETTING: dict[str, tuple[str, ...]] = {
    "chat": (),
    "responses": ("stop", "seed", "frequency_penalty", "presence_penalty"),
    "messages": ("seed", "frequency_penalty", "presence_penalty", "store", "logprobs", "top_logprobs"),
}
FACES = {
    "chat": provider_types.check_chat_completions,
    "compatible": provider_types.check_chat_completions,
    "responses": provider_types.check_responses,
    "messages": provider_types.check_messages,
}
PROVIDERS = {"chat": "openai", "compatible": "local", "responses": "responses", "messages": "anthropic"}


@pytest.fixture(scope="module")
def server(shared_mock_llm: MockLlm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DspexServer]:
    models = {"*": dict.fromkeys(("images", "response_format", "json_schema", "tools", "reasoning"), True)}
    kinds = {"responses": "openai_responses", "messages": "anthropic"}
    providers = {
        name: {
            "kind": kinds.get(face, "openai"),
            "base_url": shared_mock_llm.base_url,
            "api_key_env": "KEY_OF_THIS_TEST",
            "models": models,
        }
        for face, name in PROVIDERS.items()
    }
    folder = tmp_path_factory.mktemp("shapes")
    with DspexServer(folder, config={"providers": providers}, env={"KEY_OF_THIS_TEST": KEY}) as server:
        yield server


@pytest.fixture(scope="module")
def gpt(shared_mock_llm: MockLlm) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(api_key=KEY, base_url=shared_mock_llm.base_url, max_retries=0) as client:
        yield client


@pytest.fixture(scope="module")
def claude(shared_mock_llm: MockLlm) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(api_key=KEY, base_url=shared_mock_llm.anthropic_base_url, max_retries=0) as client:
        yield client


def texts_of(body: Arguments) -> list[str]:
    """The texts of the prompt in a body of chat completions."""
    texts: list[str] = []
    for message in body["messages"]:
        if message["role"] == "tool":
            continue
        if isinstance(message["content"], str):
            texts.append(message["content"])
        else:
            texts += [part["text"] for part in message["content"] if part["type"] == "text"]
    return texts


def takes_a_type(arguments: Arguments) -> bool:
    return any(isinstance(value, type) for value in arguments.values())


def send(resource: Any, arguments: Arguments, *, stream: bool) -> None:
    """Calls the method of a package that its user would call."""
    typed = takes_a_type(arguments)
    if typed and stream:
        with resource.stream(**arguments) as events:
            list(events)
    elif typed:
        resource.parse(**arguments)
    elif stream:
        list(resource.create(**arguments, stream=True))
    else:
        resource.create(**arguments)


def sent_by_the_package(
    face: str, arguments: Arguments, gpt: openai.OpenAI, claude: anthropic.Anthropic, *, stream: bool
) -> None:
    resources = {
        "chat": gpt.chat.completions,
        "compatible": gpt.chat.completions,
        "responses": gpt.responses,
        "messages": claude.messages,
    }
    send(resources[face], {"model": MODEL} | arguments, stream=stream)


def sent_by_dspex(client: Client, case: Case, face: str, *, stream: bool) -> None:
    program = json_format.ParseDict(case.program | {"lm": f"{PROVIDERS[face]}/{MODEL}"}, program_pb2.Program())
    target: Arguments = {"inline_program": program}
    if case.stored:
        name = f"shapes-{face}-{'stream' if stream else 'plain'}"
        target = {"program": client.create(name, program).name}
    inputs_json = json.dumps(case.inputs)
    if stream:
        list(client.predictions.ForwardStream(pb.ForwardStreamRequest(**target, inputs_json=inputs_json), timeout=20))
    else:
        client.predictions.Forward(pb.ForwardRequest(**target, inputs_json=inputs_json), timeout=20)


def prompt_texts(client: Client, case: Case) -> list[str]:
    program = json_format.ParseDict(case.program | {"lm": f"{PROVIDERS['chat']}/{MODEL}"}, program_pb2.Program())
    request = pb.RenderRequest(inline_program=program, inputs_json=json.dumps(case.inputs))
    (rendered,) = client.predictions.Render(request, timeout=20).requests
    return texts_of(json.loads(rendered.body))


def both(mock_llm: MockLlm) -> tuple[Request, Request]:
    ours, theirs = mock_llm.requests()
    return ours, theirs


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_same_json(
    client: Client,
    mock_llm: MockLlm,
    gpt: openai.OpenAI,
    claude: anthropic.Anthropic,
    case: Case,
    face: str,
    stream: bool,
) -> None:
    arguments = case.arguments(face, prompt_texts(client, case))
    typed = takes_a_type(arguments)
    if not typed:
        mock_llm.script([{"reply": {"content": case.answer}, "times": 1}])
    sent_by_dspex(client, case, face, stream=stream)
    sent_by_the_package(face, arguments, gpt, claude, stream=stream)
    ours, theirs = both(mock_llm)
    expected = theirs.json()
    for difference in DEFAULTS:
        if face in difference.faces.split() and (stream if difference.when == "streams" else typed and not stream):
            assert {key: expected.pop(key, None) for key in difference.package} == difference.package, difference
            assert not difference.dspex.keys() & expected.keys(), difference
            expected |= difference.dspex
    assert ours.json() == expected
    FACES[face](ours.body)
    FACES[face](theirs.body)


@pytest.mark.parametrize("face", FACES)
def test_the_same_address_and_credentials(
    client: Client, mock_llm: MockLlm, gpt: openai.OpenAI, claude: anthropic.Anthropic, face: str
) -> None:
    case = CASES["a question"]
    sent_by_dspex(client, case, face, stream=False)
    sent_by_the_package(face, case.arguments(face, prompt_texts(client, case)), gpt, claude, stream=False)
    ours, theirs = both(mock_llm)
    assert (ours.method, ours.target) == (theirs.method, theirs.target)
    for name in ("authorization", "x-api-key", "anthropic-version", "anthropic-beta", "content-type"):
        assert ours.headers.get(name) == theirs.headers.get(name), name


def test_settings_that_a_face_does_not_have(gpt: openai.OpenAI, claude: anthropic.Anthropic) -> None:
    options = {option.name for option in program_pb2.LmOptions.DESCRIPTOR.fields} - {"n", "rollout_id"}
    own_names = {
        "responses": {"max_output_tokens": "max_tokens", "reasoning": "reasoning_effort", "include": "logprobs"},
        "messages": {"stop_sequences": "stop", "thinking": "reasoning_effort"},
    }
    methods: dict[str, Any] = {
        "chat": gpt.chat.completions.create,
        "responses": gpt.responses.create,
        "messages": claude.messages.create,
    }
    for face, method in methods.items():
        takes = set(inspect.signature(method).parameters)
        takes |= {ours for theirs, ours in own_names.get(face, {}).items() if theirs in takes}
        assert options - takes == set(NO_SUCH_SETTING[face]), face


def body_of(client: Client, mock_llm: MockLlm, face: str, program: Arguments, inputs: Arguments) -> Any:
    """What dspex sends of it."""
    mock_llm.script([{"reply": {"content": completion(answer="x")}}])
    nothing: Write = lambda _: {}  # noqa: E731 -- shorter than a function
    sent_by_dspex(client, Case(program, inputs, nothing, nothing, nothing), face, stream=False)
    return mock_llm.requests()[-1].json()


def test_a_temperature_beyond_what_messages_take(client: Client, mock_llm: MockLlm) -> None:
    """Programs have up to 2; Anthropic's API refuses more than 1."""
    hot = one("question -> answer", options={"temperature": 1.5})
    for face, sent in {"chat": 1.5, "responses": 1.5, "messages": 1}.items():
        assert body_of(client, mock_llm, face, hot, {"question": "?"})["temperature"] == sent


def test_sampling_beside_thinking(client: Client, mock_llm: MockLlm) -> None:
    """Anthropic's API (and the mock) refuses it; several answers alone set a temperature."""
    settings = {"reasoning_effort": "low", "temperature": 0.1, "top_p": 0.5, "n": 2}
    program = one("question -> answer", options=settings)
    body = body_of(client, mock_llm, "messages", program, {"question": "?"})
    assert (body["thinking"]["type"], body["top_p"]) == ("enabled", 0.95)
    assert "temperature" not in body
    for face in ("chat", "responses"):
        body = body_of(client, mock_llm, face, program, {"question": "?"})
        assert (body["temperature"], body["top_p"]) == (0.7, 0.5)


@pytest.mark.parametrize("face", ["chat", "responses", "messages"])
def test_a_tool_without_a_description(client: Client, mock_llm: MockLlm, face: str) -> None:
    program = one(
        "question, tools: list[dspy.Tool] -> answer, calls: dspy.ToolCalls", {"native_function_calling": True}
    )
    body = body_of(client, mock_llm, face, program, {"question": "?", "tools": [{"name": "f", "args": {}}]})
    if face == "chat":
        # DSPy's null, byte for byte, which OpenAI takes and the package's type does not have.
        assert body["tools"][0]["function"].pop("description") is None
    FACES[face](json.dumps(body))


def test_the_result_of_a_tool_that_failed_is_marked(client: Client, mock_llm: MockLlm) -> None:
    case = CASES["a conversation with a tool"]
    inputs = json.loads(json.dumps(case.inputs))
    inputs["history"]["messages"][0]["calls"]["tool_call_results"][1]["is_error"] = True
    messages = body_of(client, mock_llm, "messages", case.program, inputs)["messages"]
    results = [block for block in messages[-1]["content"] if block["type"] == "tool_result"]
    assert [result.get("is_error", False) for result in results] == [False, True]

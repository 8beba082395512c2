"""What modules do beyond one call: reasoning, several answers, other layouts, the fallback, wording of one's own."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import grpc
import pytest
from dspex.v1 import phrasebook_service_pb2 as phrasebooks_pb
from dspex.v1 import phrasebook_service_pb2_grpc as phrasebooks_grpc
from dspex.v1 import prediction_service_pb2 as pb
from dspex.v1 import program_pb2
from dspex.v1 import program_service_pb2 as programs_pb
from google.protobuf import json_format

from tests.integration.api import Client, completion, fails
from tests.mock_llm.client import MockLlm
from tests.support.paths import ROOT
from tests.support.server import DspexServer

Code = grpc.StatusCode


@pytest.fixture
def client(server: DspexServer) -> Client:
    return Client(server)


def program(definition: dict[str, Any]) -> program_pb2.Program:
    return json_format.ParseDict(definition, program_pb2.Program())


def one(kind: str, predictor: dict[str, Any], **more: Any) -> program_pb2.Program:
    """A program of one module."""
    return program({"modules": [{"id": "main", kind: predictor}], **more})


def replies(mock_llm: MockLlm, *contents: str) -> None:
    """Scripts answers, one a call."""
    mock_llm.script([{"reply": {"content": content}, "times": 1} for content in contents])


def test_chain_of_thought(client: Client, mock_llm: MockLlm) -> None:
    reasoning = "1. Three is odd.\n2. By step 5, so is seven.\n3. Three is odd."
    replies(mock_llm, completion(reasoning=reasoning, answer="odd"))
    prediction = client.forward(one("chain_of_thought", {"signature": "q -> answer"}), json.dumps({"q": "?"}))
    assert json.loads(prediction.outputs_json) == {"reasoning": reasoning, "answer": "odd"}
    assert [step.number for step in prediction.reasoning.steps] == [1, 2, 3]
    kinds = {(issue.kind, issue.step) for issue in prediction.reasoning.issues}
    assert len(kinds) == 2, "a step that is not there, and one that was said before"
    parsed = client.predictions.Parse(
        pb.ParseRequest(
            inline_program=one("chain_of_thought", {"signature": "q -> answer"}),
            completion=completion(reasoning=reasoning, answer="odd"),
            as_json=True,
        )
    )
    assert parsed.reasoning == prediction.reasoning


def test_several_answers_vote(client: Client, mock_llm: MockLlm) -> None:
    mock_llm.script(
        [
            {"reply": {"content": completion(a="Paris")}, "times": 2},
            {"reply": {"content": completion(a="Rome")}, "times": 1},
        ]
    )
    definition = one("predict", {"signature": "q -> a", "options": {"n": 3, "temperature": 0}, "majority_field": "a"})
    prediction = client.forward(definition, json.dumps({"q": "?"}))
    assert json.loads(prediction.outputs_json) == {"a": "Paris"}
    assert sorted(json.loads(answer.outputs_json)["a"] for answer in prediction.answers) == ["Paris", "Paris", "Rome"]
    bodies = [request.json() for request in mock_llm.requests()]
    assert len(bodies) == 3
    assert all(body == bodies[0] for body in bodies)
    assert bodies[0]["temperature"] == 0.7
    assert "n" not in bodies[0]


def test_settings_of_a_call(client: Client, mock_llm: MockLlm) -> None:
    replies(mock_llm, completion(a="x"))
    request = pb.ForwardRequest(
        inline_program=one("predict", {"signature": "q -> a", "options": {"temperature": 1, "max_tokens": 9}}),
        inputs_json='{"q": "?"}',
        options=program_pb2.LmOptions(temperature=0.25, rollout_id=4),
    )
    client.predictions.Forward(request, timeout=20)
    body = mock_llm.requests()[0].json()
    assert (body["temperature"], body["max_completion_tokens"]) == (0.25, 9)
    assert "rollout_id" not in body
    request.options.n = 65
    with fails(Code.INVALID_ARGUMENT, "INVALID_PROGRAM") as caught:
        client.predictions.Forward(request, timeout=20)
    assert "options.n" in caught.error.violations


def test_the_fallback_shows_in_the_trace(client: Client, mock_llm: MockLlm) -> None:
    replies(mock_llm, "It is yes.", '```json\n{"a": "yes", "n": "7",}\n```')
    definition = one(
        "predict", {"signature": "q -> a, n: int"}, adapter={"response_format": "RESPONSE_FORMAT_JSON_OBJECT"}
    )
    prediction = client.forward(definition, json.dumps({"q": "?"}), include_trace=True)
    assert json.loads(prediction.outputs_json) == {"a": "yes", "n": 7}
    assert prediction.usage.lm_calls == 2
    assert [node.name for node in prediction.trace] == ["main", "lm", "json_fallback", "lm"]
    fallback, call = prediction.trace[2:]
    assert "'a'" in fallback.reason
    assert call.parent == 2
    assert call.usage.lm_calls == 1
    first, second = (request.json() for request in mock_llm.requests())
    assert "response_format" not in first
    assert second["response_format"] == {"type": "json_object"}
    # Switched off, the first answer is the last.
    replies(mock_llm, "It is yes.")
    definition.adapter.json_fallback = False
    with fails(Code.DATA_LOSS, "COMPLETION_UNPARSABLE", field="a"):
        client.forward(definition, json.dumps({"q": "?"}))


def test_a_strict_schema_is_asked_for_where_the_model_takes_one(
    start_server: Callable[..., DspexServer], mock_llm: MockLlm
) -> None:
    models = {"*": {"response_format": True}, "big-*": {"json_schema": True}}
    config = {"providers": {"local": {"base_url": mock_llm.base_url, "models": models}}, "default_lm": "local/big-one"}
    definition = one(
        "predict",
        {
            "signature": "q -> people: list[Person]",
            "types": [
                {
                    "name": "Person",
                    "schema_json": '{"type": "object", "title": "Person", "properties": {"name": {"title": "Name", '
                    '"type": "string"}, "age": {"default": 3, "title": "Age", "type": "integer"}}, '
                    '"required": ["name"]}',
                }
            ],
        },
        adapter={"kind": "ADAPTER_KIND_JSON"},
    )
    with Client(start_server(config=config)) as client:
        mock_llm.script([{"reply": {"content": '{"people": [{"name": "Ann"}, {"name": "Bo", "age": "4"}]}'}}])
        prediction = client.forward(definition, json.dumps({"q": "?"}))
        assert json.loads(prediction.outputs_json) == {"people": [{"name": "Ann", "age": 3}, {"name": "Bo", "age": 4}]}
        strict = mock_llm.requests()[-1].json()["response_format"]
        assert strict["type"] == "json_schema"
        assert strict["json_schema"]["strict"] is True
        assert strict["json_schema"]["schema"]["properties"]["people"]["type"] == "array"
        definition.lm = "local/small"
        client.forward(definition, json.dumps({"q": "?"}))
        assert mock_llm.requests()[-1].json()["response_format"] == {"type": "json_object"}


@pytest.mark.parametrize(
    ("kind", "answer"),
    [
        ("ADAPTER_KIND_XML", "<a>x &amp; y</a><n>7</n>"),
        ("ADAPTER_KIND_BAML", '{"a": "x & y", "n": 7}'),
        ("ADAPTER_KIND_JSON", '{"a": "x & y", "n": 7}'),
    ],
)
def test_layouts(client: Client, mock_llm: MockLlm, kind: str, answer: str) -> None:
    replies(mock_llm, answer)
    definition = one("predict", {"signature": "q -> a, n: int"}, adapter={"kind": kind})
    prediction = client.forward(definition, json.dumps({"q": "?"}))
    assert json.loads(prediction.outputs_json) == {"a": "x & y", "n": 7}


def test_two_steps(client: Client, mock_llm: MockLlm) -> None:
    mock_llm.script(
        [
            {"match": {"model": "thinker"}, "reply": {"content": "Seven, surely."}},
            {"match": {"model": "extractor"}, "reply": {"content": completion(n="7")}},
        ]
    )
    adapter = {"kind": "ADAPTER_KIND_TWO_STEP", "extraction_lm": "openai/extractor"}
    definition = one("predict", {"signature": "q -> n: int"}, adapter=adapter, lm="openai/thinker")
    prediction = client.forward(definition, json.dumps({"q": "?"}), include_trace=True)
    assert json.loads(prediction.outputs_json) == {"n": 7}
    assert [node.name for node in prediction.trace] == ["main", "lm", "extraction", "lm"]
    assert "Seven, surely." in mock_llm.requests()[1].body


def test_images_are_blocks_and_their_markers_are_refused(client: Client, mock_llm: MockLlm) -> None:
    replies(mock_llm, completion(a="a cat"))
    definition = one("predict", {"signature": "picture: dspy.Image, q -> a"})
    client.forward(definition, json.dumps({"picture": {"url": "https://example.com/cat.png"}, "q": "What is it?"}))
    content = mock_llm.requests()[0].json()["messages"][-1]["content"]
    assert [block["type"] for block in content] == ["text", "image_url", "text"]
    assert content[1]["image_url"]["url"] == "https://example.com/cat.png"
    marked = '<<CUSTOM-TYPE-START-IDENTIFIER>>[{"type": "image_url"}]<<CUSTOM-TYPE-END-IDENTIFIER>>'
    with fails(Code.INVALID_ARGUMENT, "INVALID_VALUE"):
        client.forward(one("predict", {"signature": "q -> a"}), json.dumps({"q": marked}))


def test_phrasebooks(server: DspexServer, client: Client, mock_llm: MockLlm) -> None:
    """Wording of one's own is stored once, never changes, and is served to the programs that name it."""
    stub = phrasebooks_grpc.PhrasebookServiceStub(server.channel())
    book = json.loads((ROOT / "engine" / "adapter" / "phrasebook.json").read_text())
    book["name"] = "ours"
    book["text"]["chat_reminder"] = ["Say it in this way: ", {"list": "fields", "sep": " | "}, "!"]
    create = phrasebooks_pb.CreatePhrasebookRequest(phrasebook_id="ours")
    create.phrasebook.contents_json = json.dumps(book)
    stored = stub.CreatePhrasebook(create).phrasebook
    assert stored.name == "phrasebooks/ours"
    assert stub.CreatePhrasebook(create).phrasebook == stored
    create.phrasebook.contents_json += " "
    with fails(Code.ALREADY_EXISTS, "PHRASEBOOK_EXISTS", phrasebook="phrasebooks/ours"):
        stub.CreatePhrasebook(create)
    assert stub.GetPhrasebook(phrasebooks_pb.GetPhrasebookRequest(name="phrasebooks/ours")).phrasebook == stored
    listed = {
        each.name: each.contents_json
        for each in stub.ListPhrasebooks(phrasebooks_pb.ListPhrasebooksRequest()).phrasebooks
    }
    assert listed["phrasebooks/ours"] == ""
    replies(mock_llm, completion(a="x"))
    client.forward(one("predict", {"signature": "q -> a"}, phrasebook="phrasebooks/ours"), json.dumps({"q": "?"}))
    assert "Say it in this way: " in mock_llm.requests()[0].json()["messages"][-1]["content"]
    with fails(Code.NOT_FOUND, "PHRASEBOOK_NOT_FOUND", phrasebook="phrasebooks/other"):
        client.create("nobody", one("predict", {"signature": "q -> a"}, phrasebook="phrasebooks/other"))
    for contents in ("", "{", "{}", json.dumps(book | {"text": {}}), json.dumps(book | {"more": 1})):
        create = phrasebooks_pb.CreatePhrasebookRequest(phrasebook_id="broken")
        create.phrasebook.contents_json = contents
        with pytest.raises(grpc.RpcError) as caught:
            stub.CreatePhrasebook(create)
        assert caught.value.code() == Code.INVALID_ARGUMENT


def test_phrasebooks_outlive_the_server(start_server: Callable[..., DspexServer], mock_llm: MockLlm) -> None:
    server = start_server(openai_base_url=mock_llm.base_url)
    book = json.loads((ROOT / "engine" / "adapter" / "phrasebook.json").read_text()) | {"name": "kept"}
    create = phrasebooks_pb.CreatePhrasebookRequest(phrasebook_id="kept")
    create.phrasebook.contents_json = json.dumps(book)
    phrasebooks_grpc.PhrasebookServiceStub(server.channel()).CreatePhrasebook(create)
    with Client(server) as client:
        client.create("qa", one("predict", {"signature": "q -> a"}, phrasebook="phrasebooks/kept"))
    server.kill9()
    server.start()
    mock_llm.script([{"reply": {"content": completion(a="x")}}])
    with Client(server) as client:
        assert json.loads(client.forward("programs/qa", json.dumps({"q": "?"})).outputs_json) == {"a": "x"}


def test_state_comes_in_and_goes_out(client: Client, mock_llm: MockLlm) -> None:
    client.create("stateful", one("predict", {"signature": "q -> a"}))
    state: dict[str, Any] = {
        "traces": [],
        "train": [],
        "demos": [{"augmented": True, "q": "two?", "a": "2"}],
        "signature": {
            "instructions": "Count.",
            "fields": [{"prefix": "Q:", "description": "${q}"}, {"prefix": "A:", "description": "a digit"}],
        },
        "lm": None,
        "metadata": {"dependency_versions": {"python": "3.11", "dspy": "3.4.1", "cloudpickle": "3.1"}},
    }
    text = json.dumps(state, indent=2) + "\n"
    taken = client.programs.ImportState(programs_pb.ImportStateRequest(name="programs/stateful", state_json=text))
    assert taken.program.revision == 2
    exported = client.programs.ExportState(programs_pb.ExportStateRequest(name="programs/stateful"))
    assert exported.state_json == text
    replies(mock_llm, completion(a="3"))
    client.forward("programs/stateful", json.dumps({"q": "three?"}))
    messages = mock_llm.requests()[0].json()["messages"]
    assert "Count." in messages[0]["content"]
    assert [message["role"] for message in messages] == ["system", "user", "assistant", "user"]
    state["signature"]["fields"].pop()
    with fails(Code.INVALID_ARGUMENT, "STATE_MISMATCH"):
        client.programs.ImportState(
            programs_pb.ImportStateRequest(name="programs/stateful", state_json=json.dumps(state))
        )
    with fails(Code.INVALID_ARGUMENT, "INVALID_JSON"):
        client.programs.ImportState(programs_pb.ImportStateRequest(name="programs/stateful", state_json="[" * 100_000))

"""ProgramService from end to end: what is written is read, by Forward at once and after a crash."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import grpc
import pytest
from dspex.v1 import prediction_service_pb2, program_pb2
from dspex.v1 import program_service_pb2 as pb
from google.protobuf import field_mask_pb2

from tests.integration.api import Client, completion, fails, predict
from tests.mock_llm.client import MockLlm
from tests.support.server import DspexServer

Code = grpc.StatusCode
ASK = {"question": "?"}


def qa(answer: str = "answer", **more: Any) -> program_pb2.Program:
    """A program whose output is called `answer`."""
    return predict(f"question -> {answer}", **more)


def update(client: Client, program: program_pb2.Program, *paths: str, **more: Any) -> program_pb2.Program:
    mask = field_mask_pb2.FieldMask(paths=paths) if paths else None
    return client.programs.UpdateProgram(pb.UpdateProgramRequest(program=program, update_mask=mask, **more)).program


def named(name: str, program: program_pb2.Program, etag: str = "") -> program_pb2.Program:
    result = program_pb2.Program(name=name, etag=etag)
    result.MergeFrom(program)
    return result


def get(client: Client, name: str) -> program_pb2.Program:
    return client.programs.GetProgram(pb.GetProgramRequest(name=name)).program


def label(client: Client, name: str, label: str, revision: int, **more: Any) -> program_pb2.Program:
    request = pb.SetProgramLabelRequest(name=name, label=label, revision=revision, **more)
    return client.programs.SetProgramLabel(request).program


def list_all(client: Client, page_size: int = 0) -> list[program_pb2.Program]:
    found: list[program_pb2.Program] = []
    token = ""
    while True:
        response = client.programs.ListPrograms(pb.ListProgramsRequest(page_size=page_size, page_token=token))
        found += response.programs
        token = response.next_page_token
        if not token:
            return found
        assert response.programs


def list_revisions(client: Client, name: str, page_size: int = 0) -> list[program_pb2.Program]:
    found: list[program_pb2.Program] = []
    token = ""
    while True:
        request = pb.ListProgramRevisionsRequest(name=name, page_size=page_size, page_token=token)
        response = client.programs.ListProgramRevisions(request)
        found += response.revisions
        token = response.next_page_token
        if not token:
            return found


def outputs(client: Client, name: str) -> list[str]:
    """The names of the fields that a Forward answers; the mock gives each the value `mock`."""
    return sorted(client.forward(name, ASK).outputs.fields)


def test_create_and_get(client: Client) -> None:
    program = qa(demos=[{"question": "1?", "answer": "1"}], lm="openai/some", timeout=12.5)
    program.description = "Answers. Übung 😀"
    began = time.time()
    created = client.create("created", program)
    assert (created.name, created.revision, dict(created.labels)) == ("programs/created", 1, {})
    assert created.etag
    assert began - 1 <= created.create_time.ToMilliseconds() / 1000 <= time.time() + 1
    assert created.update_time == created.create_time
    assert get(client, "programs/created") == created
    for field in ("lm", "modules", "description", "timeout"):
        assert getattr(created, field) == getattr(program, field)
    first = get(client, "programs/created@1")
    assert first.name == "programs/created@1"
    with fails(Code.ALREADY_EXISTS, "PROGRAM_EXISTS", program="programs/created"):
        client.create("created", qa())


@pytest.mark.parametrize("bad", ["", "Big", "1st", "a_b", "a" * 64, "a/b", "a@1", "ä"])
def test_bad_id(client: Client, bad: str) -> None:
    with fails(Code.INVALID_ARGUMENT, "INVALID_REQUEST") as caught:
        client.create(bad, qa())
    assert list(caught.error.violations) == ["program_id"]


def test_revisions_and_labels(client: Client) -> None:
    """An update is seen by the next Forward; revisions and labels stay what they were."""
    client.create("rev", qa("one"))
    assert outputs(client, "programs/rev") == ["one"]
    second = update(client, named("programs/rev", qa("two")))
    assert second.revision == 2
    assert outputs(client, "programs/rev") == ["two"]
    assert outputs(client, "programs/rev@1") == ["one"]
    assert client.forward("programs/rev", ASK).program == "programs/rev@2"
    assert label(client, "programs/rev", "prod", 1).labels == {"prod": 1}
    assert outputs(client, "programs/rev@prod") == ["one"]
    assert client.forward("programs/rev@prod", ASK).program == "programs/rev@1"
    assert label(client, "programs/rev", "prod", 2).labels == {"prod": 2}
    assert outputs(client, "programs/rev@prod") == ["two"]
    assert get(client, "programs/rev@prod").revision == 2
    assert label(client, "programs/rev", "prod", 0).labels == {}
    with fails(Code.NOT_FOUND, "REVISION_NOT_FOUND", revision="prod"):
        client.forward("programs/rev@prod", ASK)
    with fails(Code.NOT_FOUND, "REVISION_NOT_FOUND", revision="3"):
        label(client, "programs/rev", "prod", 3)
    with fails(Code.INVALID_ARGUMENT, "INVALID_REQUEST") as caught:
        label(client, "programs/rev", "Prod", 1)
    assert list(caught.error.violations) == ["label"]
    assert [p.revision for p in list_revisions(client, "programs/rev")] == [2, 1]
    assert [p.name for p in list_revisions(client, "programs/rev")] == ["programs/rev@2", "programs/rev@1"]


def test_many_updates_are_each_seen_at_once(client: Client) -> None:
    client.create("seen", qa("a0"))
    label(client, "programs/seen", "prod", 1)
    for i in range(1, 30):
        update(client, named("programs/seen", qa(f"a{i}")))
        assert outputs(client, "programs/seen") == [f"a{i}"]
        assert outputs(client, "programs/seen@prod") == [f"a{i - 1}"]
        label(client, "programs/seen", "prod", i + 1)
        assert outputs(client, "programs/seen@prod") == [f"a{i}"]


def test_update_that_changes_nothing(client: Client) -> None:
    created = client.create("same", qa())
    assert update(client, named("programs/same", qa())) == created


def test_etags(client: Client) -> None:
    first = client.create("tagged", qa("one")).etag
    second = update(client, named("programs/tagged", qa("two"), first))
    assert second.etag != first
    for call in (
        lambda: update(client, named("programs/tagged", qa("three"), first)),
        lambda: label(client, "programs/tagged", "prod", 1, etag=first),
        lambda: client.programs.DeleteProgram(pb.DeleteProgramRequest(name="programs/tagged", etag=first)),
    ):
        with fails(Code.ABORTED, "ETAG_MISMATCH", program="programs/tagged", etag=second.etag):
            call()
    labelled = label(client, "programs/tagged", "prod", 1, etag=second.etag)
    assert labelled.etag != second.etag
    client.programs.DeleteProgram(pb.DeleteProgramRequest(name="programs/tagged", etag=labelled.etag))


def test_update_masks(client: Client) -> None:
    program = qa("one", lm="openai/one", timeout=1)
    program.description = "first"
    client.create("masked", program)
    changed = qa("two", lm="openai/two")
    changed.description = "second"
    result = update(client, named("programs/masked", changed), "description")
    assert (result.description, result.lm, result.timeout.seconds) == ("second", "openai/one", 1)
    result = update(client, named("programs/masked", changed), "lm", "timeout")
    assert (result.lm, result.HasField("timeout")) == ("openai/two", False)
    assert outputs(client, "programs/masked") == ["one"]
    update(client, named("programs/masked", changed), "*")
    assert outputs(client, "programs/masked") == ["two"]
    for wrong in ("modules.id", "nothing", ""):
        with fails(Code.INVALID_ARGUMENT, "INVALID_REQUEST", path=wrong) as caught:
            update(client, named("programs/masked", changed), wrong)
        assert list(caught.error.violations) == ["update_mask"]
    with fails(Code.INVALID_ARGUMENT, "INVALID_PROGRAM") as caught:
        update(client, named("programs/masked", program_pb2.Program()), "modules")
    assert list(caught.error.violations) == ["program.modules"]


def test_update_of_nothing(client: Client) -> None:
    with fails(Code.NOT_FOUND, "PROGRAM_NOT_FOUND", program="programs/nowhere"):
        update(client, named("programs/nowhere", qa()))
    with fails(Code.INVALID_ARGUMENT, "INVALID_REQUEST") as caught:
        update(client, named("programs/nowhere@2", qa()))
    assert list(caught.error.violations) == ["program.name"]
    with fails(Code.INVALID_ARGUMENT, "INVALID_REQUEST") as caught:
        client.programs.UpdateProgram(pb.UpdateProgramRequest())
    assert list(caught.error.violations) == ["program"]


def test_validate_only(client: Client) -> None:
    preview = client.create("preview", qa(), validate_only=True)
    assert (preview.name, preview.revision) == ("programs/preview", 1)
    with fails(Code.NOT_FOUND, "PROGRAM_NOT_FOUND"):
        get(client, "programs/preview")
    with fails(Code.INVALID_ARGUMENT, "INVALID_SIGNATURE"):
        client.create("preview", predict("a -> a"), validate_only=True)
    created = client.create("preview", qa())
    with fails(Code.ALREADY_EXISTS, "PROGRAM_EXISTS"):
        client.create("preview", qa(), validate_only=True)
    assert update(client, named("programs/preview", qa("new")), validate_only=True).revision == 2
    assert get(client, "programs/preview") == created
    assert outputs(client, "programs/preview") == ["answer"]


def test_request_ids(client: Client) -> None:
    """A repeated write answers as the first did, though the program has moved on."""
    created = client.create("once", qa("one"), request_id="once-create")
    updated = update(client, named("programs/once", qa("two")), request_id="once-update")
    label(client, "programs/once", "prod", 2, request_id="once-label")
    update(client, named("programs/once", qa("three")))
    assert client.create("once", qa("one"), request_id="once-create") == created
    assert update(client, named("programs/once", qa("two")), request_id="once-update") == updated
    label(client, "programs/once", "prod", 2, request_id="once-label")
    assert get(client, "programs/once").revision == 3
    with fails(Code.ALREADY_EXISTS, "REQUEST_ID_REUSED", request_id="once-create"):
        client.create("once", qa("other"), request_id="once-create")
    with fails(Code.ALREADY_EXISTS, "REQUEST_ID_REUSED", request_id="once-update"):
        client.create("twice", qa(), request_id="once-update")
    delete = pb.DeleteProgramRequest(name="programs/once", request_id="once-delete")
    client.programs.DeleteProgram(delete)
    client.programs.DeleteProgram(delete)
    with fails(Code.NOT_FOUND, "PROGRAM_NOT_FOUND"):
        client.programs.DeleteProgram(pb.DeleteProgramRequest(name="programs/once"))
    with fails(Code.INVALID_ARGUMENT, "INVALID_REQUEST") as caught:
        client.create("long", qa(), request_id="x" * 129)
    assert list(caught.error.violations) == ["request_id"]


def test_a_failed_write_does_not_use_up_its_request_id(client: Client) -> None:
    with fails(Code.INVALID_ARGUMENT, "INVALID_SIGNATURE"):
        client.create("again", predict("->"), request_id="again")
    assert client.create("again", qa(), request_id="again").revision == 1


def test_delete(client: Client) -> None:
    client.create("gone", qa("one"))
    update(client, named("programs/gone", qa("two")))
    assert outputs(client, "programs/gone") == ["two"]
    client.programs.DeleteProgram(pb.DeleteProgramRequest(name="programs/gone"))
    for name in ("programs/gone", "programs/gone@1", "programs/gone@2"):
        with fails(Code.NOT_FOUND, "PROGRAM_NOT_FOUND", program="programs/gone"):
            client.forward(name, ASK)
    with fails(Code.NOT_FOUND, "PROGRAM_NOT_FOUND"):
        list_revisions(client, "programs/gone")
    assert client.create("gone", qa("three")).revision == 3, "a revision's number is used once"
    assert outputs(client, "programs/gone") == ["three"]


def test_pagination(client: Client) -> None:
    ids = [f"page-{i:02}" for i in range(23)]
    for program_id in ids:
        client.create(program_id, qa())
    everything = [program.name for program in list_all(client, 1000)]
    assert everything == sorted(everything)
    assert {f"programs/{program_id}" for program_id in ids} <= set(everything)
    for size in (1, 7, 23):
        assert [program.name for program in list_all(client, size)] == everything
    first = client.programs.ListPrograms(pb.ListProgramsRequest(page_size=5))
    assert len(first.programs) == 5
    for i in range(6):
        update(client, named("programs/page-00", qa(f"a{i}")))
    assert [p.revision for p in list_revisions(client, "programs/page-00", 2)] == [7, 6, 5, 4, 3, 2, 1]
    revisions = pb.ListProgramRevisionsRequest(name="programs/page-00", page_size=2)
    other = client.programs.ListProgramRevisions(revisions).next_page_token
    for token in ("nonsense", other, first.next_page_token + "A", first.next_page_token[:-4], "ä" * 10, "x" * 10_000):
        with fails(Code.INVALID_ARGUMENT, "INVALID_REQUEST") as caught:
            client.programs.ListPrograms(pb.ListProgramsRequest(page_token=token))
        assert list(caught.error.violations) == ["page_token"]
    with fails(Code.INVALID_ARGUMENT, "INVALID_REQUEST") as caught:
        client.programs.ListPrograms(pb.ListProgramsRequest(page_size=-1))
    assert list(caught.error.violations) == ["page_size"]


def test_a_crash_loses_nothing(start_server: Callable[..., DspexServer], mock_llm: MockLlm) -> None:
    """kill -9 right after the last answer; request ids are remembered too."""
    server = start_server(openai_base_url=mock_llm.base_url)
    with Client(server) as client:
        created = client.create("kept", qa("one"), request_id="kept-create")
        update(client, named("programs/kept", qa("two")), request_id="kept-update")
        label(client, "programs/kept", "prod", 1)
        client.create("deleted", qa())
        client.programs.DeleteProgram(pb.DeleteProgramRequest(name="programs/deleted"))
        before = get(client, "programs/kept"), list_revisions(client, "programs/kept"), list_all(client)
    server.kill9()
    server.start()
    with Client(server) as client:
        assert (get(client, "programs/kept"), list_revisions(client, "programs/kept"), list_all(client)) == before
        assert outputs(client, "programs/kept") == ["two"]
        assert outputs(client, "programs/kept@prod") == ["one"]
        assert client.create("kept", qa("one"), request_id="kept-create") == created
        assert update(client, named("programs/kept", qa("two")), request_id="kept-update").revision == 2
        with fails(Code.ALREADY_EXISTS, "REQUEST_ID_REUSED"):
            client.create("kept", qa("two"), request_id="kept-create")
        assert client.create("deleted", qa()).revision == 2


def test_two_servers_do_not_share_a_folder(server: DspexServer) -> None:
    second = DspexServer(server.data_dir.parent / "second", config={"data_dir": str(server.data_dir)})
    with pytest.raises(RuntimeError, match="ended with status 1"):
        second.start()


def test_stored_and_inline_are_the_same(client: Client, mock_llm: MockLlm) -> None:
    program = qa(demos=[{"question": "1?", "answer": "1"}])
    stored = client.create("same-as-inline", program).name
    mock_llm.script([{"reply": {"content": completion(answer="2")}}])
    answers = [client.forward(what, ASK).outputs for what in (program, stored)]
    assert answers[0] == answers[1]
    inline, by_name = (request.body for request in mock_llm.requests())
    assert inline == by_name
    parsed = prediction_service_pb2.ParseRequest(program=stored, completion=completion(answer="2"))
    assert client.predictions.Parse(parsed).outputs == answers[0]

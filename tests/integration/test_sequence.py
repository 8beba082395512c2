"""A long random mixture of operations, checked at every step against a model of ProgramService."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

import grpc
import pytest
from dspex.v1 import program_pb2
from dspex.v1 import program_service_pb2 as pb

from tests.integration.api import Client, predict
from tests.mock_llm.client import MockLlm
from tests.support.errors import rich_error
from tests.support.server import DspexServer

STEPS = 300
IDS = ["alpha", "beta", "gamma", "delta"]
LABELS = ["prod", "test"]


@dataclass
class Entry:
    """A program as it must be; a revision is known by the name of its output field."""

    revisions: dict[int, str]
    labels: dict[str, int] = field(default_factory=dict)
    etag: str = ""


@dataclass
class Model:
    """What the service must hold, and the numbers that may not come again."""

    programs: dict[str, Entry] = field(default_factory=dict)
    last_revision: dict[str, int] = field(default_factory=dict)

    def next_revision(self, program_id: str) -> int:
        self.last_revision[program_id] = self.last_revision.get(program_id, 0) + 1
        return self.last_revision[program_id]


class Run:
    """One run of operations. Each method does one, with random arguments, and checks the answer."""

    def __init__(self, server: DspexServer, seed: int) -> None:
        self.server = server
        self.client = Client(server)
        self.rng = random.Random(seed)
        self.model = Model()
        self.outputs = 0

    def step(self) -> None:
        operations: list[tuple[int, Callable[[], None]]] = [
            (3, self.create), (5, self.update), (1, self.delete), (3, self.label), (6, self.forward), (3, self.get),
            (1, self.list_programs), (1, self.list_revisions),
        ]  # fmt: skip
        weights, calls = zip(*operations, strict=True)
        self.rng.choices(calls, weights)[0]()

    def restart(self) -> None:
        self.client.close()
        self.server.kill9()
        self.server.start()
        self.client = Client(self.server)

    def pick(self) -> tuple[str, Entry | None]:
        program_id = self.rng.choice(IDS)
        return program_id, self.model.programs.get(program_id)

    def definition(self) -> tuple[str, program_pb2.Program]:
        # Now and then a definition that was there before.
        if self.rng.random() < 0.8:
            self.outputs += 1
        return f"out{self.outputs}", predict(f"question -> out{self.outputs}")

    def check(self, program_id: str, program: program_pb2.Program, revision: int | None = None) -> None:
        entry = self.model.programs[program_id]
        revision = revision or max(entry.revisions)
        assert program.revision == revision
        assert dict(program.labels) == entry.labels
        signature = program.modules[0].predict.signature
        assert signature == f"question -> {entry.revisions[revision]}"

    def refused(self, call: Callable[[], object], reason: str) -> None:
        with pytest.raises(grpc.RpcError) as caught:
            call()
        assert rich_error(caught.value).reason == reason

    def etag_for(self, entry: Entry | None) -> tuple[str, bool]:
        """An etag to send, and whether it is out of date."""
        kind = self.rng.random()
        if entry is None or kind < 0.5:
            return "", False
        return (entry.etag, False) if kind < 0.8 else ("0123456789abcdef", True)

    def create(self) -> None:
        program_id, entry = self.pick()
        output, program = self.definition()
        if entry is not None:
            self.refused(lambda: self.client.create(program_id, program), "PROGRAM_EXISTS")
            return
        created = self.client.create(program_id, program)
        self.model.programs[program_id] = Entry({self.model.next_revision(program_id): output}, etag=created.etag)
        self.check(program_id, created)

    def update(self) -> None:
        program_id, entry = self.pick()
        output, program = self.definition()
        etag, stale = self.etag_for(entry)
        program.name, program.etag = f"programs/{program_id}", etag

        def call() -> program_pb2.Program:
            return self.client.programs.UpdateProgram(pb.UpdateProgramRequest(program=program)).program

        if entry is None:
            self.refused(call, "PROGRAM_NOT_FOUND")
        elif stale:
            self.refused(call, "ETAG_MISMATCH")
        else:
            updated = call()
            if entry.revisions[max(entry.revisions)] != output:
                assert updated.etag != entry.etag
                entry.revisions[self.model.next_revision(program_id)] = output
            entry.etag = updated.etag
            self.check(program_id, updated)

    def delete(self) -> None:
        program_id, entry = self.pick()
        etag, stale = self.etag_for(entry)
        request = pb.DeleteProgramRequest(name=f"programs/{program_id}", etag=etag)
        if entry is None:
            self.refused(lambda: self.client.programs.DeleteProgram(request), "PROGRAM_NOT_FOUND")
        elif stale:
            self.refused(lambda: self.client.programs.DeleteProgram(request), "ETAG_MISMATCH")
        else:
            self.client.programs.DeleteProgram(request)
            del self.model.programs[program_id]

    def label(self) -> None:
        program_id, entry = self.pick()
        label = self.rng.choice(LABELS)
        revision = self.rng.randrange(self.model.last_revision.get(program_id, 0) + 2)
        request = pb.SetProgramLabelRequest(name=f"programs/{program_id}", label=label, revision=revision)
        if entry is None:
            self.refused(lambda: self.client.programs.SetProgramLabel(request), "PROGRAM_NOT_FOUND")
        elif revision and revision not in entry.revisions:
            self.refused(lambda: self.client.programs.SetProgramLabel(request), "REVISION_NOT_FOUND")
        else:
            program = self.client.programs.SetProgramLabel(request).program
            entry.labels.pop(label, None)
            if revision:
                entry.labels[label] = revision
            entry.etag = program.etag
            self.check(program_id, program)

    def selector(self, program_id: str, entry: Entry | None) -> tuple[str, int | None]:
        """A name to ask for, and the revision it means; None if it means none."""
        kind = self.rng.randrange(3)
        if kind == 0:
            return f"programs/{program_id}", max(entry.revisions) if entry else None
        if kind == 1:
            label = self.rng.choice(LABELS)
            return f"programs/{program_id}@{label}", entry.labels.get(label) if entry else None
        revision = self.rng.randrange(self.model.last_revision.get(program_id, 0) + 1) + 1
        return f"programs/{program_id}@{revision}", revision if entry and revision in entry.revisions else None

    def forward(self) -> None:
        program_id, entry = self.pick()
        name, revision = self.selector(program_id, entry)
        if entry is None:
            self.refused(lambda: self.client.forward(name, {"question": "?"}), "PROGRAM_NOT_FOUND")
        elif revision is None:
            self.refused(lambda: self.client.forward(name, {"question": "?"}), "REVISION_NOT_FOUND")
        else:
            prediction = self.client.forward(name, {"question": "?"})
            assert prediction.program == f"programs/{program_id}@{revision}"
            assert list(prediction.outputs.fields) == [entry.revisions[revision]]

    def get(self) -> None:
        program_id, entry = self.pick()
        name, revision = self.selector(program_id, entry)
        request = pb.GetProgramRequest(name=name)
        if entry is None:
            self.refused(lambda: self.client.programs.GetProgram(request), "PROGRAM_NOT_FOUND")
        elif revision is None:
            self.refused(lambda: self.client.programs.GetProgram(request), "REVISION_NOT_FOUND")
        else:
            self.check(program_id, self.client.programs.GetProgram(request).program, revision)

    def list_programs(self) -> None:
        programs = self.client.programs.ListPrograms(pb.ListProgramsRequest()).programs
        assert [p.name for p in programs] == sorted(f"programs/{i}" for i in self.model.programs)
        for program in programs:
            self.check(program.name.removeprefix("programs/"), program)

    def list_revisions(self) -> None:
        program_id, entry = self.pick()
        request = pb.ListProgramRevisionsRequest(name=f"programs/{program_id}", page_size=1000)
        if entry is None:
            self.refused(lambda: self.client.programs.ListProgramRevisions(request), "PROGRAM_NOT_FOUND")
            return
        revisions = self.client.programs.ListProgramRevisions(request).revisions
        assert [r.revision for r in revisions] == sorted(entry.revisions, reverse=True)
        for program in revisions:
            self.check(program_id, program, program.revision)


def test_random_operations(start_server: Callable[..., DspexServer], mock_llm: MockLlm) -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    run = Run(start_server(openai_base_url=mock_llm.base_url), seed)
    for step in range(STEPS):
        if step % 100 == 50:
            run.restart()
        run.step()
    run.list_programs()

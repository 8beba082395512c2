"""Kills the server with SIGKILL under concurrent writes: what it acknowledged is there when it starts again.

Fifty rounds on one data directory. In each, clients create and update programs, and note, in this process, every write
that was answered; the server is killed at a point that the seed chooses, while writes are under way. Then every write
of this round and all before it must be there with its contents, no revision number may have been given twice, and the
database must pass its integrity check.

DSPEX_TEST_SEED repeats a run's choices (not its interleaving). mutation.sh shows that the test can fail.
"""

from __future__ import annotations

import os
import random
import sqlite3
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import pytest
from dspex.v1 import program_pb2
from dspex.v1 import program_service_pb2 as pb
from dspex.v1.program_service_pb2_grpc import ProgramServiceStub

from tests.support.errors import rich_error
from tests.support.server import DspexServer

ROUNDS = 50
CLIENTS = 6
# Answers in a round before the server is killed. 50 * 20 is the least there can be in all.
ANSWERS = (20, 40)
# How a call ends whose server was killed.
GONE = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)


@dataclass
class Record:
    """What the server has acknowledged, over all rounds."""

    # Description by revision, by program.
    programs: dict[str, dict[int, str]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    answers: int = 0
    changed: threading.Condition = field(default_factory=threading.Condition)

    def acknowledge(self, program: program_pb2.Program, description: str) -> None:
        with self.changed:
            revisions = self.programs.setdefault(program.name, {})
            if program.revision in revisions:
                self.problems.append(f"{program.name}@{program.revision} was given twice")
            if program.description != description:
                self.problems.append(f"{program.name}@{program.revision} was answered with other contents")
            revisions[program.revision] = description
            self.answers += 1
            self.changed.notify_all()

    def fail(self, problem: str) -> None:
        with self.changed:
            self.problems.append(problem)
            self.changed.notify_all()

    def names(self) -> list[str]:
        with self.changed:
            return sorted(self.programs)

    def wait_for_answers(self, answers: int) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: self.answers >= answers or self.problems, timeout=60), "no answers"


def definition(description: str) -> program_pb2.Program:
    program = program_pb2.Program(description=description)
    program.modules.add(id="qa").predict.signature = "question -> answer"
    return program


def write_until_killed(programs: ProgramServiceStub, record: Record, choice: random.Random, who: str) -> None:
    """Creates and updates programs, one after the other, until the server is gone."""
    number = 0
    while True:
        number += 1
        description = f"{who}-{number}"
        names = record.names()
        try:
            program = definition(description)
            if not names or choice.random() < 0.2:
                create = pb.CreateProgramRequest(program_id=f"p-{description}", program=program)
                answer = programs.CreateProgram(create, timeout=60).program
            else:
                program.name = choice.choice(names)
                answer = programs.UpdateProgram(pb.UpdateProgramRequest(program=program), timeout=60).program
        except grpc.RpcError as rpc_error:
            error = rich_error(rpc_error)
            if error.code not in GONE:
                record.fail(f"a write failed: {error}")
            return
        except ValueError:  # The channel was closed, since the server is dead.
            return
        record.acknowledge(answer, description)


def run_round(server: DspexServer, record: Record, choice: random.Random, number: int) -> None:
    """Lets clients write, and kills the server under them."""
    clients = [
        threading.Thread(
            target=write_until_killed,
            args=(server.programs(), record, random.Random(choice.random()), f"{number}-{client}"),
        )
        for client in range(CLIENTS)
    ]
    enough = record.answers + choice.randint(*ANSWERS)
    for client in clients:
        client.start()
    try:
        record.wait_for_answers(enough)
        time.sleep(choice.random() * 0.003)  # Anywhere between two commits.
    finally:
        server.kill9()
        for client in clients:
            client.join()


def list_revisions(programs: ProgramServiceStub, name: str) -> Iterator[program_pb2.Program]:
    token = ""
    while True:
        page = programs.ListProgramRevisions(
            pb.ListProgramRevisionsRequest(name=name, page_size=1000, page_token=token), timeout=60
        )
        yield from page.revisions
        token = page.next_page_token
        if not token:
            return


def check_everything(server: DspexServer, record: Record) -> None:
    """Compares what the server has with what was acknowledged."""
    programs = server.programs()
    for name, acknowledged in record.programs.items():
        try:
            stored = list(list_revisions(programs, name))
        except grpc.RpcError as error:
            if rich_error(error).reason != "PROGRAM_NOT_FOUND":
                raise
            pytest.fail(f"{name} was acknowledged and is gone")
        numbers = [program.revision for program in stored]
        # Each once, none left out: newest first, down to 1.
        assert numbers == list(range(len(numbers), 0, -1)), f"the revision numbers of {name}: {numbers}"
        contents = {program.revision: program.description for program in stored}
        for revision, description in acknowledged.items():
            assert contents.get(revision) == description, f"{name}@{revision} was acknowledged and is gone"
        assert len(set(contents.values())) == len(contents), f"a write of {name} was done twice"


def check_database(file: Path) -> None:
    database = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
    try:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []
    finally:
        database.close()


def test_acknowledged_writes_survive_kill9(tmp_path: Path) -> None:
    seed = int(os.environ.get("DSPEX_TEST_SEED") or random.SystemRandom().randrange(2**32))
    print(f"seed {seed}: repeat with DSPEX_TEST_SEED={seed}")
    choice = random.Random(seed)
    record = Record()
    server = DspexServer(tmp_path)
    for number in range(ROUNDS):
        with server:  # Where a check fails, the server is not killed but stopped.
            check_everything(server, record)
            check_database(server.data_dir / "dspex.db")
            run_round(server, record, choice, number)
        assert record.problems == []
    with server:
        check_everything(server, record)
        check_database(server.data_dir / "dspex.db")
    print(f"{record.answers} writes of {len(record.programs)} programs were acknowledged, and are there")
    assert record.answers >= 1000

"""A disk without room: a job sends nothing that could not be kept, waits, and goes on when there is room."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from dspex.v1 import job_pb2

from tests.support.function_model import FunctionModel
from tests.support.jobs import EXACT, JobClient, doubling, examples
from tests.support.server import DspexServer, eventually

# A disk of its own in a namespace of its own, for root and for others; "$0" and "$@" are the server's command.
ON_A_SMALL_DISK = 'mount -t tmpfs -o size=16m none "$DATA" && exec "$0" "$@"'


def fill(path: Path) -> None:
    """Takes all room that there is."""
    with path.open("wb", buffering=0) as file:
        for size in (1 << 20, 4096, 1):
            with suppress(OSError):
                while True:
                    file.write(bytes(size))
    assert os.statvfs(path).f_bavail == 0


def sends_nothing(model: FunctionModel) -> bool:
    """Whether no call comes while some forty would."""
    before = model.calls
    time.sleep(0.5)
    return model.calls == before and model.in_flight == 0


def test_a_job_waits_for_room(start_server: Callable[..., DspexServer], tmp_path: Path) -> None:
    data = tmp_path / "disk"
    data.mkdir()
    namespace = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--mount"]
    with FunctionModel(doubling, delay=0.1) as model:
        server = start_server(
            openai_base_url=model.url,
            config={"data_dir": str(data)},
            under=[*namespace, "sh", "-c", ON_A_SMALL_DISK],
            env={"DATA": str(data)},
        )
        jobs = JobClient(server)
        jobs.create()
        jobs.numbers(400)
        name = jobs.evaluate(job_pb2.EvaluateSpec(program="programs/qa", examples=examples(""), metric=EXACT)).name
        eventually(lambda: model.calls >= 16)
        filler = Path(f"/proc/{server.pid}/root{data}/filler")
        fill(filler)
        eventually(lambda: sends_nothing(model))
        assert model.calls < 400
        filler.unlink()
        model.delay = 0
        job = jobs.finish(name)
        assert job.state == job_pb2.JOB_STATE_SUCCEEDED, job.error
        assert (job.evaluate_result.count, job.evaluate_result.failures) == (400, 0)
        assert model.calls == 400, "what was answered before was kept"

"""dspex eval, compile and jobs, as a user types them."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.function_model import FunctionModel
from tests.support.jobs import doubling
from tests.support.server import DspexServer


@pytest.fixture
def server(start_server: Callable[..., DspexServer]) -> Iterator[DspexServer]:
    with FunctionModel(doubling) as model:
        server = start_server(openai_base_url=model.url)
        assert server.cli("create", "qa", "question -> answer").returncode == 0
        yield server


@pytest.fixture
def train(tmp_path: Path) -> str:
    path = tmp_path / "train.jsonl"
    path.write_text("".join(json.dumps({"question": str(n), "answer": str(2 * n)}) + "\n" for n in range(20)))
    return str(path)


@pytest.fixture
def dev(tmp_path: Path) -> str:
    path = tmp_path / "Dev Set.csv"
    path.write_text("question,answer\n" + "".join(f"{n},{2 * n}\n" for n in range(100, 130)))
    return str(path)


def test_eval(server: DspexServer, dev: str, tmp_path: Path) -> None:
    ran = server.cli("eval", "qa", "--data", dev, "--metric", "exact_match")
    assert ran.returncode == 0, ran.stderr
    assert "SUCCEEDED" in ran.stdout
    assert "examples  30, 0 failed" in ran.stdout
    junit = tmp_path / "junit.xml"
    again = server.cli(
        "eval", "qa", "--data", dev, "--metric", "exact_match", "--fail-under", "99", "--junit", str(junit)
    )
    assert again.returncode == 1
    assert "is below 99.00" in again.stderr
    suite = ElementTree.parse(junit).getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("31", "1")
    # The same file is one dataset.
    names = [dataset["name"] for dataset in json.loads(server.cli("--json", "datasets").stdout)["datasets"]]
    assert len(names) == 1
    assert names[0].startswith("datasets/dev-set-")


def test_eval_against_a_baseline(server: DspexServer, dev: str, tmp_path: Path) -> None:
    script = tmp_path / "score.lua"
    script.write_text("return prediction.answer == example.answer, 'it said ' .. prediction.answer")
    assert server.cli("eval", "qa", "--data", dev, "--metric", f"lua:{script}").returncode == 0
    jobs = json.loads(server.cli("--json", "jobs").stdout)["jobs"]
    ran = server.cli("eval", "qa", "--data", dev, "--metric", "exact_match", "--baseline", jobs[0]["name"])
    assert ran.returncode == 0, ran.stderr
    assert "p = 1.000; 0 better, 0 worse, 30 the same" in ran.stdout
    results = server.cli("jobs", "results", jobs[0]["name"])
    assert "it said" in results.stdout


def test_compile(server: DspexServer, train: str, dev: str, tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    ran = server.cli(
        *("compile", "qa", "--trainset", train, "--testset", dev, "--metric", "exact_match"),
        *("--optimizer", "bootstrap_few_shot_with_random_search", "--set", "num_candidate_programs=2"),
        *("--html", str(report)),
    )
    assert ran.returncode == 0, ran.stderr
    assert "programs/qa@2" in ran.stdout
    assert "chosen" in ran.stdout
    page = report.read_text()
    assert "<svg" in page
    assert "better" in page
    assert "<span class=add>+ " in page
    # Self-contained.
    assert "http" not in page
    name = json.loads(server.cli("--json", "jobs").stdout)["jobs"][0]["name"]
    shown = server.cli("jobs", "show", name.removeprefix("jobs/"))
    assert "SUCCEEDED" in shown.stdout
    promoted = server.cli("jobs", "promote", name, "--candidate", "2")
    assert promoted.stdout == "candidate 2 is programs/qa@3\n"
    watched = server.cli("--json", "jobs", "watch", name)
    events = [json.loads(line) for line in watched.stdout.splitlines() if line.startswith('{"number"')]
    assert events[-1]["ended"]["state"] == "JOB_STATE_SUCCEEDED"


def test_estimates_and_what_is_wrong(server: DspexServer, train: str) -> None:
    estimate = server.cli("compile", "qa", "--trainset", train, "--metric", "exact_match", "--estimate")
    assert estimate.returncode == 0, estimate.stderr
    assert "calls" in estimate.stdout
    for arguments, problem in [
        (("eval", "qa", "--data", train, "--metric", "exactmatch"), "there is no metric 'exactmatch'"),
        (("eval", "qa", "--data", "missing.jsonl", "--metric", "f1"), "cannot read missing.jsonl"),
        (("eval", "qa", "--data", "nothing", "--metric", "f1"), "datasets/nothing"),
        (("compile", "qa", "--trainset", train, "--optimizer", "magic"), "there is no optimizer 'magic'"),
        (("compile", "qa", "--trainset", train, "--set", "demos=3"), "no option 'demos'"),
        (("jobs", "show", "nobody"), "jobs/nobody"),
        (("eval", "qa", "--data", train, "--metric", "f1", "--max-cost", "1"), "has none"),
    ]:
        ran = server.cli(*arguments)
        assert ran.returncode in (1, 2), arguments
        assert ran.stderr.startswith("error: "), (arguments, ran.stderr)
        assert problem in ran.stderr, (arguments, ran.stderr)

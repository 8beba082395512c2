"""The commands as dspex runs them: from a zip, in the user's folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.support.paths import ROOT

PROGRAM = '''
import dspy
import pydantic

print("something of the user's")


class Item(pydantic.BaseModel):
    name: str
    price: float


class Read(dspy.Signature):
    """Read the bill."""

    bill: str = dspy.InputField()
    items: list[Item] = dspy.OutputField()


def configure():
    dspy.configure(lm=dspy.LM("openai/gpt-4o-mini", temperature=0.2), adapter=dspy.JSONAdapter())


def make():
    print("made")
    module = dspy.ChainOfThought(Read)
    module.predict.demos = [dspy.Example(bill="1 tea", reasoning="r", items=[Item(name="tea", price=1)])]
    return module


class Nested:
    program = dspy.Predict(Read)


class Pipeline(dspy.Module):
    def forward(self):
        return None


def broken():
    raise RuntimeError("not today")


def needs(argument):
    return argument


number = 3
'''


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The user's folder, with a package of his."""
    folder = tmp_path_factory.mktemp("user")
    (folder / "shop").mkdir()
    (folder / "shop" / "__init__.py").write_text("")
    (folder / "shop" / "bills.py").write_text(PROGRAM)
    return folder


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as dspex carries it."""
    path = tmp_path_factory.mktemp("zip") / "python_side.pyz"
    with zipfile.ZipFile(path, "w") as archive:
        for source in sorted((ROOT / "python_worker" / "dspex_dspy").glob("*.py")):
            archive.write(source, f"dspex_dspy/{source.name}")
        archive.writestr("__main__.py", "from dspex_dspy.__main__ import main\n\nraise SystemExit(main())\n")
    return path


class Runner:
    def __init__(self, archive: Path, folder: Path) -> None:
        self.archive = archive
        self.folder = folder

    def __call__(self, *arguments: str, stdin: str = "", python: str = sys.executable) -> Any:
        # As a user's: unbuffered output would hide what comes in another order.
        ours = ("PYTHONPATH", "PYTHONUNBUFFERED")
        environment = {key: value for key, value in os.environ.items() if key not in ours}
        return subprocess.run(
            [python, "-B", str(self.archive), *arguments],
            cwd=self.folder, env=environment, input=stdin, capture_output=True, text=True, timeout=120,
        )  # fmt: skip

    def documents(self, *arguments: str, stdin: str = "") -> list[dict[str, Any]]:
        ran = self(*arguments, stdin=stdin)
        assert ran.returncode == 0, ran.stderr
        return [json.loads(line) for line in ran.stdout.split("\n") if line]


@pytest.fixture(scope="module")
def run(archive: Path, folder: Path) -> Runner:
    return Runner(archive, folder)


SETUP = ("--setup", "shop.bills:configure")


def test_import(run: Runner, phrasebook: dict[str, Any]) -> None:
    ran = run("import", "shop.bills:make", *SETUP)
    assert ran.returncode == 0, ran.stderr
    (document,) = [json.loads(line) for line in ran.stdout.split("\n") if line]
    assert document["phrasebook"] == phrasebook
    program = document["program"]
    assert program["lm"] == "openai/gpt-4o-mini"
    assert program["adapter"]["kind"] == "ADAPTER_KIND_JSON"
    assert program["phrasebook"] == f"phrasebooks/{phrasebook['name']}"
    assert program["modules"][0]["chain_of_thought"]["options"] == {"temperature": 0.2}
    assert len(document["source_sha256"]) == 64
    state = json.loads(document["state_json"])
    assert list(state) == ["predict", "metadata"]
    assert state["predict"]["demos"][0]["items"] == [{"name": "tea", "price": 1.0}]
    assert len(document["checks"]) == 50
    for check in document["checks"]:
        assert json.loads(check["inputs_json"]).keys() <= {"bill"}
        (request,) = check["requests"]
        assert request["messages"][0]["role"] == "system"
        assert request["arguments"]["response_format"]["type"] == "json_schema"
    assert "something of the user's" in ran.stderr
    assert document["native"] == ["main: ChainOfThought"]


def test_import_of_an_instance_for_another_model_and_adapter(run: Runner) -> None:
    (document,) = run.documents("import", "shop.bills:Nested.program", "--lm", "openai/made-up", "--adapter", "xml")
    assert document["program"]["lm"] == "openai/made-up"
    assert document["program"]["adapter"]["kind"] == "ADAPTER_KIND_XML"
    assert "predict" in document["program"]["modules"][0]


def test_render(run: Runner, folder: Path) -> None:
    data = folder / "data.jsonl"
    data.write_text('{"bill": "1 tea"}\n\n{"bill": ["a", "b"]}\n{"bill": [1]}\nnot json\n[]\n')
    lines = run.documents("render", "shop.bills:make", "--data", str(data), *SETUP)
    assert [(line["line"], "error" in line) for line in lines] == [
        (1, False),
        (3, False),
        (4, True),
        (5, True),
        (6, True),
    ]
    (request,) = lines[0]["requests"]
    assert request["arguments"]["temperature"] == 0.2
    assert "1 tea" in request["messages"][-1]["content"]
    (piped,) = run.documents("render", "shop.bills:make", "--data", "-", *SETUP, stdin='{"bill": "1 tea"}\n')
    assert piped == lines[0]


def test_capture_and_probes(run: Runner, phrasebook: dict[str, Any]) -> None:
    assert run.documents("capture") == [phrasebook]
    probes = run.documents("probes", "--seed", "5", "--count", "40")
    assert probes == run.documents("probes", "--seed", "5", "--count", "40")
    assert probes != run.documents("probes", "--seed", "6", "--count", "40")
    for probe in probes:
        assert isinstance(json.loads(probe["inputs_json"]), dict)
        assert probe["messages"][0]["role"] == "system"
    assert len({probe["program"]["adapter"]["kind"] for probe in probes}) == 5
    assert any(probe["response_format"] for probe in probes)


def test_programs_are_protos(run: Runner) -> None:
    from dspex.v1 import program_pb2
    from google.protobuf import json_format

    for probe in run.documents("probes", "--count", "60"):
        json_format.ParseDict(probe["program"], program_pb2.Program())


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["import", "shop.bills:Pipeline"], "no predictors"),
        (["import", "shop.bills:Read"], "is a signature"),
        (["import", "shop.bills:nothing"], "shop.bills has no nothing"),
        (["import", "shop.bills"], "package.module:object"),
        (["import", "no_such_package:x"], "no_such_package is not found"),
        (["import", "shop.bills:broken"], "not today"),
        (["import", "shop.bills:needs"], "without arguments"),
        (["import", "shop.bills:number"], "no DSPy module"),
        (["import", "shop.bills:make", "--setup", "shop.bills:number"], "no function"),
        (["render", "shop.bills:make", "--data", "missing.jsonl"], "missing.jsonl"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(run: Runner, arguments: list[str], reason: str) -> None:
    ran = run(*arguments)
    assert (ran.returncode, ran.stdout) == (2, "")
    last = ran.stderr.splitlines()[-1]
    assert last.startswith("error: ")
    assert reason in last
    assert "Traceback" not in ran.stderr


def test_a_python_without_dspy_is_told_of(run: Runner) -> None:
    ran = run("capture", python="/usr/bin/python3")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.startswith("error: DSPy is not installed in this Python (/usr/bin/python3)")

"""The way from a DSPy program to dspex and back, with the commands that a user types."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.mock_llm.client import MockLlm
from tests.support.paths import ROOT
from tests.support.server import DspexServer

PROGRAMS = Path(__file__).parent / "programs"
PIXEL = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
DATA: dict[str, list[dict[str, Any]]] = {
    "hops": [{"question": "Who was it?", "known": ["It was late."]}, {"question": "« ü »", "known": []}],
    "tickets": [
        {"message": "Refund, please.", "plan": "free"},
        {"message": 'It says "error 500"\n\nwhy?', "plan": "enterprise"},
        {"message": "« ü »  ", "plan": "team"},
    ],
    "invoices": [
        {"document": "Invoice 17\nTotal: 12.50 EUR", "hints": {}},
        {"document": "{not json}", "hints": {"city": "Zürich", "buyer": "A & B"}},
    ],
    "tutor": [
        {"history": {"messages": []}, "picture": {"url": "https://example.com/x.png"}, "question": "Where do I begin?"},
        {
            "history": {
                "messages": [{"question": "What is x?", "reasoning": "They ask.", "hint": "Look.", "solved": False}]
            },
            "picture": {"url": PIXEL},
            "question": "Is it 7?",
        },
    ],
    "album": [
        {
            "pictures": [{"url": PIXEL}, {"url": "https://example.com/x.png"}],
            "since": "2024-02-29T23:59:59Z",
            "notes": [{"at": "2024-02-29T23:59:59.5Z", "text": "late"}],
        },
        {"pictures": [], "since": "2024-02-29T23:59:59-05:00", "notes": []},
    ],
}
OBJECTS = {
    "tickets": "tickets:program",
    "invoices": "invoices:extractor",
    "tutor": "tutor:program",
    "album": "album:program",
    "hops": "hops:TwoHop",
}


@pytest.fixture(scope="module")
def server(shared_mock_llm: MockLlm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DspexServer]:
    with DspexServer(tmp_path_factory.mktemp("import"), openai_base_url=shared_mock_llm.base_url) as server:
        yield server


def dspex(server: DspexServer, *arguments: str, folder: Path = PROGRAMS) -> subprocess.CompletedProcess[str]:
    """Runs the command in a user's folder with the Python that has DSPy."""
    command = [server._command[0], "--server", server.address, *arguments]
    environment = os.environ | {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        command, capture_output=True, text=True, cwd=folder, env=environment, timeout=240, check=False
    )


def python_options(name: str) -> list[str]:
    return ["--setup", f"{name}:configure", "--python", sys.executable]


def import_program(server: DspexServer, name: str) -> subprocess.CompletedProcess[str]:
    return dspex(server, "import", OBJECTS[name], "--as", name, *python_options(name))


def data_file(name: str, folder: Path) -> Path:
    path = folder / f"{name}.jsonl"
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in DATA[name]))
    return path


@pytest.fixture(scope="module")
def imported(server: DspexServer) -> dict[str, str]:
    """What the imports printed."""
    printed = {}
    for name in OBJECTS:
        result = import_program(server, name)
        assert result.returncode == 0, result.stderr
        printed[name] = result.stdout
    return printed


@pytest.mark.parametrize("name", OBJECTS)
def test_import_and_verify(name: str, server: DspexServer, imported: dict[str, str], tmp_path: Path) -> None:
    assert f"imported programs/{name}@1\n" in imported[name]
    assert "50 of 50 generated requests are DSPy's" in imported[name]
    data = data_file(name, tmp_path)
    result = dspex(server, "verify", name, "--against", OBJECTS[name], "--data", str(data), *python_options(name))
    assert (result.returncode, result.stdout) == (0, f"{len(DATA[name])} of {len(DATA[name])} requests are equal\n"), (
        result.stderr
    )


# Loaded ones in two-step's layout are texts as Python prints them: docs/dspy-compatibility.md.
@pytest.mark.parametrize(
    ("attribute", "setup"),
    [
        *[("program", f"configure{kind}") for kind in ("_json", "_xml", "_baml", "_two_step")],
        *[("loaded", f"configure{kind}") for kind in ("", "_json", "_xml", "_baml")],
    ],
)
def test_demos_in_every_layout(attribute: str, setup: str, server: DspexServer) -> None:
    """With their types, or with the texts that a state file has of them. The import compares."""
    name = f"album-{attribute}-{setup.replace('_', '-')}"
    options = ["--setup", f"album:{setup}", "--python", sys.executable]
    result = dspex(server, "import", f"album:{attribute}", "--as", name, *options)
    assert result.returncode == 0, result.stderr
    assert "50 of 50 generated requests are DSPy's" in result.stdout


def test_demos_of_a_state_file(server: DspexServer, imported: dict[str, str], tmp_path: Path) -> None:
    """After DSPy's load they are texts, and so they are here."""
    exported = tmp_path / "exported.json"
    for arguments in (
        ["export", "album", "-o", str(exported)],
        ["import", OBJECTS["album"], "--as", "album-of-a-file", *python_options("album")],
        ["import", str(exported), "--into", "album-of-a-file"],
    ):
        result = dspex(server, *arguments)
        assert result.returncode == 0, result.stderr
    data = ["--data", str(data_file("album", tmp_path)), *python_options("album")]
    result = dspex(server, "verify", "album-of-a-file", "--against", "album:loaded", *data)
    assert (result.returncode, result.stdout) == (0, "2 of 2 requests are equal\n"), result.stderr
    result = dspex(server, "verify", "album-of-a-file", "--against", "album:program", *data)
    assert result.returncode == 1, "the texts are not the values"


def test_verify_says_where_one_word_was_changed(server: DspexServer, imported: dict[str, str], tmp_path: Path) -> None:
    """A copy of the program with one word of its instructions changed."""
    shown = json.loads(dspex(server, "programs", "show", "tickets", "--json").stdout)
    definition = json.dumps(shown).replace("how soon somebody must look", "how soon somebody should look")
    file = tmp_path / "changed.json"
    file.write_text(definition)
    created = dspex(server, "create", "changed", "-f", str(file))
    assert created.returncode == 0, created.stderr
    data = data_file("tickets", tmp_path)
    result = dspex(
        server, "verify", "changed", "--against", OBJECTS["tickets"], "--data", str(data), *python_options("tickets")
    )
    assert result.returncode == 1
    first, *_ = result.stdout.splitlines()
    assert first.startswith("line 1: messages[0].content, byte ")
    assert "must look" in result.stdout
    assert "should look" in result.stdout
    assert result.stdout.endswith("0 of 3 requests are equal\n")


@pytest.mark.parametrize("name", OBJECTS)
def test_export_is_what_dspy_saves(name: str, server: DspexServer, imported: dict[str, str], tmp_path: Path) -> None:
    """And DSPy loads it."""
    exported = tmp_path / "exported.json"
    result = dspex(server, "export", name, "-o", str(exported))
    assert result.returncode == 0, result.stderr
    script = (
        "import sys, importlib\n"
        "module, name, target, exported = sys.argv[1:]\n"
        "found = importlib.import_module(module)\n"
        "found.configure()\n"
        "made = getattr(found, name)\n"
        "made = made if hasattr(type(made), 'save') else made()\n"
        "made.save(target)\n"
        "made.load(exported)\n"
        "made.save(target + '.again.json')\n"
    )
    saved = tmp_path / "saved.json"
    module, _, attribute = OBJECTS[name].partition(":")
    subprocess.run(
        [sys.executable, "-c", script, module, attribute, str(saved), str(exported)],
        cwd=PROGRAMS,
        check=True,
        timeout=120,
    )
    assert exported.read_bytes() == saved.read_bytes()
    assert Path(f"{saved}.again.json").read_bytes() == saved.read_bytes()


def test_a_second_import_makes_a_revision_where_asked(server: DspexServer, imported: dict[str, str]) -> None:
    again = import_program(server, "tickets")
    assert again.returncode == 1
    assert "PROGRAM_EXISTS" in again.stderr


def test_what_cannot_be_translated_is_refused_with_its_reason(server: DspexServer) -> None:
    for source, said in [
        ("tutor:Assistant", "Assistant"),
        ("tutor:nobody", "nobody"),
        ("no_such_module:program", "no_such_module"),
        ("tickets:Triage", "Triage"),
    ]:
        result = dspex(server, "import", source, "--as", "refused", "--python", sys.executable)
        assert result.returncode != 0, source
        assert said in result.stderr, result.stderr
        assert "Traceback" not in result.stderr
    listed = dspex(server, "programs").stdout
    assert "refused" not in listed


def test_a_python_without_dspy_is_told_of(server: DspexServer) -> None:
    result = dspex(server, "import", "tickets:program", "--as", "x", "--python", "/usr/bin/python3")
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert "dspy" in result.stderr.lower()
    missing = dspex(server, "import", "tickets:program", "--as", "x", "--python", str(ROOT / "no-such-python"))
    assert missing.returncode == 1
    assert "--python" in missing.stderr

"""The command line `dspex` against a real server."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.mock_llm.client import MockLlm
from tests.support.paths import binary
from tests.support.server import DspexServer

SIGNATURE = "question: str, numbers: list[int] -> answer: float, label: Literal['yes', 'no']"
COMPLETION = "[[ ## answer ## ]]\n6\n\n[[ ## label ## ]]\nyes\n\n[[ ## completed ## ]]"
INPUTS = ("question=Is it even?", "numbers=[1, 2, 3]")


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs `dspex` without a server."""
    command = [str(binary("server/dspex")), *arguments]
    ours = ("OPENAI_", "ANTHROPIC_", "DSPEX_")
    base = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return subprocess.run(command, capture_output=True, text=True, env=base | environment, timeout=60, check=False)


@pytest.fixture(scope="module")
def private_server(shared_mock_llm: MockLlm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DspexServer]:
    """A server of this file's own, so that lists hold what the tests made."""
    with DspexServer(tmp_path_factory.mktemp("cli"), openai_base_url=shared_mock_llm.base_url) as server:
        yield server


@pytest.fixture
def dspex(private_server: DspexServer, mock_llm: MockLlm) -> Callable[..., str]:
    """Runs a command that must succeed; returns what it prints."""
    mock_llm.script([{"reply": {"content": COMPLETION}}])

    def call(*arguments: str, stdin: str | None = None) -> str:
        result = private_server.cli(*arguments, stdin=stdin)
        assert (result.returncode, result.stderr) == (0, "")
        return result.stdout

    return call


@pytest.fixture
def fail(private_server: DspexServer) -> Callable[..., str]:
    """Runs a command whose call must fail; returns the error."""

    def call(*arguments: str) -> str:
        result = private_server.cli(*arguments)
        assert (result.returncode, result.stdout) == (1, "")
        return result.stderr

    return call


def test_create_and_forward(dspex: Callable[..., str], mock_llm: MockLlm) -> None:
    assert dspex("create", "sum", SIGNATURE, "--instructions", "Add them.") == "created programs/sum@1\n"
    assert dspex("forward", "sum", *INPUTS) == "answer  6.0\nlabel   yes\n"
    assert "Add them." in mock_llm.requests()[0].body
    response = json.loads(dspex("forward", "programs/sum@1", *INPUTS, "--json"))
    assert json.loads(response["prediction"]["outputs_json"]) == {"answer": 6.0, "label": "yes"}
    assert response["prediction"]["program"] == "programs/sum@1"


def test_inputs_as_json(dspex: Callable[..., str], mock_llm: MockLlm) -> None:
    dspex("create", "echo", "text: str -> answer: float")
    # A text that looks like JSON, which name=value would send as a number.
    dspex("forward", "echo", "--input-json", '{"text": "12345678901234567890"}')
    dspex("forward", "echo", "--input-json", "-", stdin='{"text": "from stdin"}')
    sent = [request.json()["messages"][-1]["content"] for request in mock_llm.requests()]
    assert "12345678901234567890" in sent[0]
    assert "from stdin" in sent[1]


def test_render_prints_the_bytes_that_forward_sends(dspex: Callable[..., str], mock_llm: MockLlm) -> None:
    dspex("create", "rendered", SIGNATURE)
    body = dspex("forward", "rendered", *INPUTS, "--render")
    assert mock_llm.requests() == []
    dspex("forward", "rendered", *INPUTS)
    assert body == mock_llm.requests()[0].body + "\n"


def test_stream_prints_outputs_and_with_json_an_event_a_line(dspex: Callable[..., str]) -> None:
    dspex("create", "streamed", SIGNATURE)
    assert dspex("forward", "streamed", *INPUTS, "--stream") == 'answer: 6.0\nlabel: "yes"\n'
    events = [json.loads(line) for line in dspex("forward", "streamed", *INPUTS, "--stream", "--json").splitlines()]
    assert [event["field_completed"]["field"] for event in events if "field_completed" in event] == ["answer", "label"]
    assert json.loads(events[-1]["prediction"]["outputs_json"]) == {"answer": 6.0, "label": "yes"}


def test_trace_shows_the_steps(dspex: Callable[..., str]) -> None:
    dspex("create", "traced", SIGNATURE)
    lines = dspex("forward", "traced", *INPUTS, "--trace").splitlines()
    header = next(number for number, line in enumerate(lines) if line.startswith("STEP"))
    assert lines[header].split() == ["STEP", "START", "TIME", "MODEL", "TOKENS"]
    assert any(line.strip().startswith("lm ") and " ms" in line for line in lines[header + 1 :])


def test_create_from_a_file_and_demos(dspex: Callable[..., str], mock_llm: MockLlm, tmp_path: Path) -> None:
    definition = {"modules": [{"id": "main", "predict": {"signature": SIGNATURE}}]}
    whole = tmp_path / "whole.json"
    whole.write_text(json.dumps({"program_id": "from-file", "program": definition}))
    assert dspex("create", "-f", str(whole)) == "created programs/from-file@1\n"
    assert dspex("create", "alone", "-f", "-", stdin=json.dumps(definition)) == "created programs/alone@1\n"
    demos = tmp_path / "demos.jsonl"
    demos.write_text('{"question": "the demo", "numbers": [1], "answer": 1, "label": "no"}\n')
    dspex("create", "with-demos", SIGNATURE, "--demos", str(demos), "--model", "openai/other")
    dspex("forward", "with-demos", *INPUTS)
    request = mock_llm.requests()[0].json()
    assert request["model"] == "other"
    assert any("the demo" in message["content"] for message in request["messages"][:-1])


def test_revisions_labels_and_deletion(dspex: Callable[..., str], fail: Callable[..., str]) -> None:
    dspex("create", "revised", SIGNATURE)
    assert dspex("create", "revised", SIGNATURE, "--model", "openai/b", "--update") == "updated programs/revised@2\n"
    assert dspex("programs", "label", "revised", "prod", "1") == "programs/revised: prod=1\n"
    rows = [line.split() for line in dspex("programs", "revisions", "revised").splitlines()]
    assert rows[0][0] == "REVISION"
    assert [row[0] for row in rows[1:]] == ["2", "1"]
    assert rows[2][1] == "prod"
    shown = dspex("programs", "show", "revised")
    assert "openai/b" in shown
    assert SIGNATURE[:30] in shown
    assert json.loads(dspex("programs", "show", "revised@prod", "--json"))["program"]["revision"] == "1"
    listed = dspex("programs")
    assert listed == dspex("programs", "list")
    assert next(line for line in listed.splitlines() if line.startswith("programs/revised ")).split()[1] == "2"
    assert dspex("programs", "label", "revised", "prod", "0") == "programs/revised: no labels\n"
    assert dspex("programs", "delete", "revised") == "deleted programs/revised\n"
    assert fail("programs", "show", "revised").startswith("error: NOT_FOUND PROGRAM_NOT_FOUND: ")


def test_errors_are_one_sentence_with_code_and_reason(dspex: Callable[..., str], fail: Callable[..., str]) -> None:
    dspex("create", "strict", SIGNATURE)
    assert fail("forward", "nobody", "a=1").startswith("error: NOT_FOUND PROGRAM_NOT_FOUND: ")
    assert fail("forward", "strict", "question=x").startswith("error: INVALID_ARGUMENT MISSING_INPUT: ")
    assert fail("forward", "strict", *INPUTS, "extra=1").startswith("error: INVALID_ARGUMENT UNKNOWN_FIELD: ")
    assert fail("create", "strict", SIGNATURE).startswith("error: ALREADY_EXISTS PROGRAM_EXISTS: ")
    bad = fail("create", "bad", "question -> answer: lis[int]").splitlines()
    assert bad[0].startswith("error: INVALID_ARGUMENT INVALID_SIGNATURE: ")
    assert bad[1].strip().startswith("program.modules[0].predict.signature")


def test_a_timeout_is_the_calls_deadline(
    dspex: Callable[..., str], private_server: DspexServer, mock_llm: MockLlm
) -> None:
    dspex("create", "slow", SIGNATURE)
    mock_llm.script([{"fault": "hang"}])
    result = private_server.cli("--timeout", "200ms", "forward", "slow", *INPUTS)
    assert result.returncode == 1
    assert result.stderr.startswith("error: DEADLINE_EXCEEDED")
    mock_llm.wait("in_flight", 0)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], "subcommand is required"),
        (["forward", "qa", "question"], "'question' is no input; write name=value"),
        (["forward", "qa", "q=1", "--input-json", "{}"], "not both"),
        (["create", "qa"], "give a signature"),
        (["create", "qa", "-f", "/nonexistent.json"], "cannot read /nonexistent.json"),
        (["programs", "--timeout", "5"], "must be a duration"),
        (["serve", "--config", "/nonexistent.yaml"], "cannot read /nonexistent.yaml"),
        (["serve", "--listen", "nowhere"], "it must be host:port"),
        (["serve", "--model", "openai/m"], "Set OPENAI_API_KEY or OPENAI_BASE_URL"),
    ],
)
def test_usage_errors(arguments: list[str], expected: str) -> None:
    result = run(*arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("error: ")
    assert expected in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_wrong_configuration_is_refused_with_its_line(tmp_path: Path) -> None:
    config = tmp_path / "dspex.yaml"
    config.write_text("listen: 127.0.0.1:0\nlimits:\n  max_inflight: 3\n")
    result = run("serve", "--config", str(config))
    assert result.returncode == 2
    assert result.stderr == f"error: {config}:3:3: unknown key 'max_inflight'. Did you mean 'max_in_flight'?\n"


def test_no_server_is_said_at_once() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{closed.getsockname()[1]}"
        result = run("programs", DSPEX_SERVER=address)
    assert result.returncode == 1
    assert result.stderr.startswith(f"error: UNAVAILABLE: no dspex server answers at {address}.")


def test_help_names_every_command() -> None:
    result = run("--help")
    assert result.returncode == 0
    for command in ("serve", "create", "forward", "programs"):
        assert f"\n  {command} " in result.stdout

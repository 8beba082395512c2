"""`dspex datasets` against a real server."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.server import DspexServer

QA = ("--signature", "question: str, numbers: list[int] -> answer: float")
GOOD = '{"question": "How much?", "numbers": [1, 2], "answer": 3}\n'


@pytest.fixture(scope="module")
def datasets_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DspexServer]:
    with DspexServer(tmp_path_factory.mktemp("datasets")) as server:
        yield server


@pytest.fixture
def dspex(datasets_server: DspexServer) -> Callable[..., str]:
    """Runs a command that must succeed; returns what it prints."""

    def call(*arguments: str, stdin: str | None = None) -> str:
        result = datasets_server.cli("datasets", *arguments, stdin=stdin)
        assert (result.returncode, result.stderr) == (0, "")
        return result.stdout

    return call


@pytest.fixture
def fail(datasets_server: DspexServer) -> Callable[..., str]:
    """Runs a command that must fail; returns the error."""

    def call(*arguments: str, status: int = 1) -> str:
        result = datasets_server.cli("datasets", *arguments)
        assert (result.returncode, result.stdout) == (status, "")
        return result.stderr

    return call


def test_import_json_lines(dspex: Callable[..., str], tmp_path: Path) -> None:
    file = tmp_path / "sums.jsonl"
    file.write_text("".join(GOOD.replace("How", f"{i} How") for i in range(1300)))
    imported = dspex("import", str(file), "--as", "sums", *QA, "--split", "train=0.6,dev=0.2,test=0.2", "--seed", "1")
    lines = imported.splitlines()
    assert lines[0] == "imported into datasets/sums@1, which has 1300 examples"
    assert [line.split() for line in lines[1:]] == [["train", "780"], ["dev", "260"], ["test", "260"]]
    shown = dspex("show", "sums")
    assert "question, numbers" in shown
    assert "train=780 dev=260 test=260" in shown
    listed = [json.loads(line) for line in dspex("examples", "sums", "--limit", "0", "--json").splitlines()]
    assert len(listed) == 1300
    assert json.loads(listed[7]["example"]["fields_json"])["question"] == "7 How much?"
    table = dspex("examples", "sums", "--split", "dev").splitlines()
    assert table[0].split() == ["ID", "INDEX", "FIELDS"]
    assert len(table) == 21


def test_import_again_replaces_or_appends(dspex: Callable[..., str], fail: Callable[..., str], tmp_path: Path) -> None:
    file = tmp_path / "more.jsonl"
    file.write_text(GOOD * 3)
    dspex("import", str(file), "--as", "more", *QA)
    assert dspex("import", str(file), "--as", "more").startswith("imported into datasets/more@2, which has 3 ")
    appended = dspex("import", "-", "--as", "more", "--append", stdin=GOOD)
    assert appended.startswith("imported into datasets/more@3, which has 4 ")
    assert json.loads(dspex("show", "more@1", "--json"))["dataset"]["example_count"] == "3"
    assert "--seed" in fail("import", str(file), "--as", "more", "--seed", "7")
    assert "datasets/more " in dspex()
    assert dspex("delete", "more") == "deleted datasets/more\n"
    assert fail("show", "more").startswith("error: NOT_FOUND DATASET_NOT_FOUND: ")


def test_import_csv(dspex: Callable[..., str], tmp_path: Path) -> None:
    file = tmp_path / "table.csv"
    file.write_bytes(
        b"\xef\xbb\xbfkey,question,numbers,answer\r\n"
        b'a,"How much, in all?","[1, 2]",3\r\n'
        b'b,"Two\r\nlines and a ""quote""",[],\r\n'
    )
    dspex("import", str(file), "--as", "table", *QA, "--id-key", "key")
    listed = [json.loads(line) for line in dspex("examples", "table", "--json").splitlines()]
    assert [example["id"] for example in listed] == ["a", "b"]
    assert [json.loads(example["example"]["fields_json"]) for example in listed] == [
        {"question": "How much, in all?", "numbers": [1, 2], "answer": 3.0},
        {"question": 'Two\r\nlines and a "quote"', "numbers": []},
    ]


@pytest.mark.parametrize(
    ("name", "data", "line", "says"),
    [
        ("missing.jsonl", GOOD + '{"question": "?"}\n', 2, "INVALID_ARGUMENT MISSING_INPUT: "),
        ("type.jsonl", GOOD + "\n" + GOOD.replace("3}", '"x"}'), 3, "INVALID_ARGUMENT INVALID_VALUE: "),
        ("unknown.jsonl", GOOD.replace("answer", "anwser"), 1, "Did you mean answer?"),
        ("json.jsonl", GOOD * 700 + "{broken\n", 701, "INVALID_ARGUMENT INVALID_JSON: "),
        ("nan.jsonl", GOOD.replace("3}", "NaN}"), 1, "INVALID_ARGUMENT INVALID_JSON: "),
        ("long.jsonl", GOOD + '{"question": "' + "x" * (5 << 20) + '"}', 2, "longer than 4194304 bytes"),
        ("utf8.jsonl", GOOD.encode() * 2000 + b'{"question": "\xff"}\n', 2001, "not UTF-8"),
        ("columns.csv", "question,numbers\n?,[]\n?,1,2\n", 3, "has 3 values"),
        ("quote.csv", 'question,numbers\n?,[]\n"?,[]\n', 3, "never closed"),
        ("cell.csv", "question,numbers\n?,[]\n?,none\n", 3, "INVALID_ARGUMENT INVALID_VALUE: "),
        ("header.csv", "question,question\n?,?\n", 1, "twice"),
    ],
)
def test_bad_files_name_their_line_and_leave_nothing(
    fail: Callable[..., str], tmp_path: Path, name: str, data: str | bytes, line: int, says: str
) -> None:
    file = tmp_path / name
    file.write_bytes(data if isinstance(data, bytes) else data.encode())
    error = fail("import", str(file), "--as", "bad", *QA)
    assert f"{file}:{line}: " in error
    assert says in error
    # Not even the dataset: its settings may have been what was wrong.
    assert fail("show", "bad").startswith("error: NOT_FOUND DATASET_NOT_FOUND: ")


def test_duplicate_ids_and_empty_files(fail: Callable[..., str], tmp_path: Path) -> None:
    file = tmp_path / "ids.jsonl"
    file.write_text("".join(f'{{"id": {i % 900}, "q": 1}}\n' for i in range(901)))
    error = fail("import", str(file), "--as", "ids", "--inputs", "q", "--id-key", "id")
    assert error.startswith(f"error: INVALID_ARGUMENT DUPLICATE_ID: {file}:901: ")
    assert "example 1 " in error
    for name, data in (("empty.jsonl", ""), ("blank.jsonl", "\n\n"), ("header.csv", "q\n")):
        empty = tmp_path / name
        empty.write_text(data)
        assert "no examples" in fail("import", str(empty), "--as", "empty", "--inputs", "q")
    assert "cannot read" in fail("import", str(tmp_path / "nowhere"), "--as", "empty", "--inputs", "q", status=2)
    file.write_text(GOOD)
    assert "--split" in fail("import", str(file), "--as", "empty", *QA, "--split", "train", status=2)
    assert "input_keys" in fail("import", str(file), "--as", "empty")

"""ParseTolerantJson against json_repair: texts that models send, and mangled ones, have equal values.

The engine's side is `tolerant_json_tool`.
"""

from __future__ import annotations

import json
import random
import subprocess
from collections.abc import Iterable, Iterator
from typing import Any

import json_repair
import pytest
from hypothesis import strategies as st

from tests.conformance.examples import for_each
from tests.conformance.tolerant_json.hard_cases import DOCUMENTS, HARD_CASES
from tests.conformance.tolerant_json.mangled import (
    CLOSINGS,
    CONTENTS,
    HUGE_INTEGER,
    OPENINGS,
    PIECES,
    STRUCTURE,
    mangled_text,
)
from tests.conftest import Generated
from tests.support.paths import binary

BATCH = 10_000


class Tool:
    """The engine's reader, a text a line."""

    def __init__(self) -> None:
        self.path = binary("tests/conformance/tolerant_json/tolerant_json_tool")
        self.process = subprocess.Popen([self.path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8")

    def ask(self, text: str) -> dict[str, Any]:
        stdin, stdout = self.process.stdin, self.process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(json.dumps(text) + "\n")
        stdin.flush()
        answer: dict[str, Any] = json.loads(stdout.readline())
        return answer

    def ask_all(self, texts: list[str]) -> list[dict[str, Any]]:
        lines = "".join(json.dumps(text) + "\n" for text in texts)
        run = subprocess.run([self.path], input=lines, stdout=subprocess.PIPE, encoding="utf-8", check=True)
        answers = [json.loads(line) for line in run.stdout.split("\n")[:-1]]
        assert len(answers) == len(texts)
        return answers


@pytest.fixture(scope="module")
def tool() -> Iterator[Tool]:
    started = Tool()
    yield started
    assert started.process.stdin is not None
    started.process.stdin.close()
    assert started.process.wait(10) == 0


def as_engine_has_it(value: Any) -> Any:
    """A value of Python's with the differences that ParseTolerantJson documents."""
    if isinstance(value, str):
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(value, list):
        return [as_engine_has_it(element) for element in value]
    if isinstance(value, dict):
        return {as_engine_has_it(key): as_engine_has_it(member) for key, member in value.items()}
    if isinstance(value, int) and not isinstance(value, bool) and not -(2**63) <= value < 2**64:
        return float(str(value))
    return value


def expected(text: str) -> dict[str, Any]:
    try:
        return {"ok": as_engine_has_it(json_repair.loads(text))}
    except (AssertionError, ValueError):
        return {"error": "INVALID_JSON"}


def check(text: str, answer: dict[str, Any]) -> None:
    # As text: 5 is not 5.0, keys have an order, and NaN equals NaN.
    assert json.dumps(answer) == json.dumps(expected(text)), repr(text)


def check_all(tool: Tool, texts: Iterable[str]) -> None:
    everything = list(texts)
    for text, answer in zip(everything, tool.ask_all(everything), strict=True):
        check(text, answer)


def test_hard_cases(tool: Tool) -> None:
    check_all(tool, HARD_CASES)


def test_documents_cut_everywhere(tool: Tool) -> None:
    check_all(tool, (document[:end] for document in DOCUMENTS for end in range(len(document) + 1)))


def test_documents_without_one_character(tool: Tool) -> None:
    check_all(tool, (document[:at] + document[at + 1 :] for document in DOCUMENTS for at in range(len(document))))


def test_documents_with_another_character(tool: Tool, generated: Generated) -> None:
    rng = random.Random(generated.seed)
    check_all(
        tool,
        (
            document[:at] + character + document[at:]
            for document in DOCUMENTS
            for at in range(len(document))
            for character in rng.sample(STRUCTURE, 6)
        ),
    )


def test_mangled_texts(tool: Tool, generated: Generated) -> None:
    rng = random.Random(generated.seed)
    for begin in range(0, generated.cases, BATCH):
        check_all(tool, [mangled_text(rng) for _ in range(min(BATCH, generated.cases - begin))])


# No surrogates, which UTF-8 lacks, and nothing that a later Unicode may make a letter.
CHARACTERS = st.characters(exclude_categories=["Cs", "Cn"])
JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(CHARACTERS, max_size=12)
    | st.sampled_from(CONTENTS),
    lambda values: (
        st.lists(values, max_size=4)
        | st.dictionaries(st.text(CHARACTERS, max_size=4) | st.just("a"), values, max_size=4)
    ),
    max_leaves=8,
)
EDITS = st.lists(
    st.tuples(st.integers(0, 400), st.integers(0, 4), st.sampled_from([*STRUCTURE, *PIECES, ""])),
    min_size=1,
    max_size=5,
)


def edited(value: Any, indent: int | None, quote: str, edits: list[tuple[int, int, str]]) -> str:
    """The value's JSON with other quotes, where some characters are replaced by others."""
    text = json.dumps(value, indent=indent, ensure_ascii=False).replace('"', quote)
    for place, removed, added in edits:
        place %= len(text) + 1
        text = text[:place] + added + text[place + removed :]
    return text


TEXTS = (
    st.builds(edited, JSON_VALUES, st.sampled_from([None, 2]), st.sampled_from(['"', '"', "'", "“", '\\"']), EDITS)
    | st.lists(st.sampled_from(PIECES), max_size=20).map("".join)
    | st.tuples(
        st.sampled_from(OPENINGS),
        st.lists(st.sampled_from(CONTENTS), max_size=10).map("".join),
        st.sampled_from(CLOSINGS),
    ).map("".join)
    | st.text(alphabet=st.sampled_from(STRUCTURE), max_size=30)
    | st.text(CHARACTERS, max_size=30)
).filter(lambda text: HUGE_INTEGER.search(text) is None)


def test_generated_texts(tool: Tool, generated: Generated) -> None:
    @for_each(generated, TEXTS)
    def run(text: str) -> None:
        check(text, tool.ask(text))


@pytest.mark.parametrize(
    "text", ["[" * 101, '{"a":' * 200, "[" * 101 + "]" * 101, "(" * 1000, '{"a": ["```json [' * 60]
)
def test_depth_is_bounded(tool: Tool, text: str) -> None:
    assert tool.ask(text) == {"error": "INVALID_JSON"}

"""dspy.majority and the text normalisation of DSPy's metrics, on every character and on random texts."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Any

import dspy
import pytest
from dspy.evaluate import normalize_text
from hypothesis import strategies as st

from tests.conformance.examples import for_each
from tests.conformance.state.tool import Tool, running

# Characters that this Python's Unicode has: the engine's may have more.
CHARACTERS = [chr(c) for c in range(0x110000) if unicodedata.category(chr(c)) not in ("Cs", "Cn", "Co")]
# What the rules are about: articles, case, sigmas, accents, white space, punctuation.
TRICKY = st.sampled_from(
    [
        *"aAnNtThHeE '.:_-!",
        *"\t\x00\x1c\x85\u00a0\u00aa\u00ad\u00b2\u00b7\u00e9\u0130\u0149\u01c5\u02b0\u0301\u0345\u03a3\u03c3\u0660",
        *"\u1e9e\u2019\u2028\u2160\u24b6\u4e00\uac00\ufb01",
        *("an", "the", "The", "  "),
    ]
)
TEXTS = st.one_of(
    st.lists(TRICKY, max_size=8).map("".join),
    st.lists(TRICKY | st.sampled_from(CHARACTERS), max_size=12).map("".join),
)


@pytest.fixture(scope="module")
def tool() -> Iterator[Tool]:
    with running() as tool:
        yield tool


def test_every_character(tool: Tool) -> None:
    """Alone, as a word's neighbour, and around a sigma, whose lower case depends on what stands beside it."""
    for around in ("{}", "the{}a", "A{}\u03a3", "{}\u03a3", "A\u03a3{}", "A\u03a3{}A", "{} the"):
        for first in range(0, len(CHARACTERS), 4096):
            # A line of its own keeps the characters apart.
            texts = [around.format(c) for c in CHARACTERS[first : first + 4096]]
            for text in texts if around == "{}" else texts[:: 1 if first < 0x20000 else 16]:
                assert tool.result(normalize=text) == normalize_text(text), ascii(text)


def test_texts(tool: Tool, generated: Any) -> None:
    @for_each(generated, TEXTS)
    def run(text: str) -> None:
        assert tool.result(normalize=text) == normalize_text(text)


def test_majority(tool: Tool, generated: Any) -> None:
    @for_each(generated, st.lists(TEXTS, min_size=1, max_size=3), st.data())
    def run(pool: list[str], data: st.DataObject) -> None:
        choices = [*pool, *(text.upper() for text in pool), ""]
        values = data.draw(st.lists(st.sampled_from(choices), min_size=1, max_size=8))
        completions = [{"answer": value, "place": place} for place, value in enumerate(values)]
        winner = dspy.majority(completions, field="answer")
        assert tool.result(majority=values) == winner.place

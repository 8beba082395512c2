"""Texts and values of JSON of any kind."""

from __future__ import annotations

import functools
from typing import Any

from hypothesis import strategies as st

from tests.conformance.values.pools import NUMBERS, TEXTS

ALPHABET = "0123456789:-+.,TZPDHMS_ e'\"dayx\u2212"


@st.composite
def mutated(draw: st.DrawFn, texts: list[str]) -> str:
    """One of the texts, often with a character more, less or another."""
    text = draw(st.sampled_from(texts))
    for _ in range(draw(st.sampled_from([0, 0, 1, 1, 2]))):
        place = draw(st.integers(0, len(text)))
        letter = draw(st.sampled_from(ALPHABET))
        text = text[:place] + draw(st.sampled_from(["", letter])) + text[place + draw(st.integers(0, 1)) :]
    return text


@functools.cache
def any_text() -> st.SearchStrategy[str]:
    return st.one_of([mutated(texts) for texts in TEXTS])


@functools.cache
def any_json() -> st.SearchStrategy[Any]:
    leaves = st.one_of(st.sampled_from(NUMBERS), any_text())
    keys = st.one_of(st.sampled_from(["a", "b", "name", "age", "value", "x", "url", "content"]), any_text())
    return st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3), max_leaves=4
    )

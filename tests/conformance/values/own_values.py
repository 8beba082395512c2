"""The shapes that DSPy's own types take, and others like them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import dspy
from dspy.adapters.types.citation import Citations
from dspy.adapters.types.document import Document
from dspy.adapters.types.tool import ToolCallResults
from hypothesis import strategies as st

from tests.conformance.values.pools import BOOLS, INTS, NUMBERS, WORDS
from tests.conformance.values.texts import any_json, any_text, mutated


def _some(keys: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=keys)


_WORD = st.one_of(st.sampled_from(WORDS), st.none(), st.sampled_from(NUMBERS))
_ARGUMENTS = st.one_of(
    st.just({"q": 1}),
    st.just('{"q": [1, 2]}'),
    st.just("q: 1"),
    st.just("none"),
    st.just(""),
    st.none(),
    st.just([1]),
    any_json(),
)


@functools.cache
def _call() -> st.SearchStrategy[Any]:
    name = st.one_of(st.just("search"), st.just("search"), _WORD)
    plain = st.fixed_dictionaries({"name": name, "args": _ARGUMENTS}, optional={"id": _WORD})
    function = _some({"name": name, "arguments": _ARGUMENTS}) | any_json()
    nested = st.fixed_dictionaries({"function": function}, optional={"name": name, "call_id": _WORD, "id": _WORD})
    loose = _some({"name": name, "args": _ARGUMENTS, "arguments": _ARGUMENTS, "type": _WORD})
    return st.one_of(plain, nested, loose, any_json())


@functools.cache
def _tool_calls() -> st.SearchStrategy[Any]:
    calls = st.lists(_call(), max_size=2)
    return st.one_of(
        _call(),
        calls,
        st.fixed_dictionaries({"tool_calls": calls | any_json()}, optional={"tool_call_results": any_json()}),
    )


@functools.cache
def _tool_results() -> st.SearchStrategy[Any]:
    one = st.fixed_dictionaries(
        {"name": st.just("f") | _WORD},
        optional={"value": any_json(), "call_id": _WORD, "is_error": mutated(BOOLS) | _WORD},
    )
    return st.one_of(one, st.lists(one, max_size=2), _some({"tool_call_results": st.lists(one, max_size=2)}))


@functools.cache
def _citations() -> st.SearchStrategy[Any]:
    place = mutated(INTS) | st.sampled_from(NUMBERS)
    one = st.fixed_dictionaries(
        {
            "cited_text": st.sampled_from(WORDS),
            "document_index": place,
            "start_char_index": place,
            "end_char_index": place,
        },
        optional={"document_title": _WORD, "supported_text": _WORD, "type": _WORD, "more": _WORD},
    )
    return st.one_of(
        one, st.lists(one, max_size=2), _some({"citations": st.lists(one | any_json(), max_size=2) | _WORD})
    )


@functools.cache
def _url() -> st.SearchStrategy[Any]:
    return st.one_of(
        st.sampled_from(WORDS), mutated(["http://x.org/a.png", "https://[::1]:80", "data:image/png;base64,AA"])
    )


SHAPES: dict[Any, Callable[[], st.SearchStrategy[Any]]] = {
    dspy.Image: lambda: st.one_of(
        _url().map(lambda url: {"url": url}),
        _url(),
        _url().map(lambda url: {"url": {"url": url, "x": 1}}),
        _some({"url": _url(), "download": st.just(True), "x": _WORD}),
    ),
    dspy.Audio: lambda: st.one_of(
        mutated(["data:audio/x-wav;base64,AA", "data:audio/mp3,x"]),
        _some({"data": st.just("AA") | _WORD, "audio_format": st.just("wav") | _WORD}),
        _some({"data": _WORD, "audio_format": _WORD, "x": _WORD}),
    ),
    dspy.File: lambda: st.one_of(
        mutated(["data:text/plain;base64,AA"]),
        _some({"file_data": _WORD, "file_id": st.just(" id "), "filename": st.none() | st.just("f")}),
        _some({"file_data": _WORD, "x": _WORD}),
    ),
    dspy.History: lambda: st.one_of(
        st.lists(st.dictionaries(any_text(), any_json(), max_size=2), max_size=2).map(lambda some: {"messages": some}),
        _some({"messages": any_json(), "x": _WORD}),
    ),
    dspy.Reasoning: lambda: st.one_of(
        any_text(), any_text().map(lambda text: {"content": text}), _some({"content": _WORD})
    ),
    dspy.Code: lambda: st.one_of(
        any_text(), any_text().map(lambda text: {"code": text}), _some({"code": _WORD, "x": _WORD})
    ),
    dspy.Tool: lambda: _some({"name": st.just("f"), "func": _WORD, "desc": _WORD, "args": any_json(), "x": _WORD}),
    dspy.ToolCalls: _tool_calls,
    ToolCallResults: _tool_results,
    Document: lambda: st.one_of(
        any_text(),
        _some(
            {
                "data": _WORD,
                "title": _WORD,
                "media_type": st.just("application/pdf") | _WORD,
                "context": _WORD,
                "x": _WORD,
            }
        ),
    ),
    Citations: _citations,
}

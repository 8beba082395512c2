"""Hypothesis strategies: calls of programs, with what a language model answers to each of their requests."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable, Mapping
from typing import Any

import dspy
from dspy.adapters.baml_adapter import BAMLAdapter
from hypothesis import strategies as st

from tests.conformance.completions import Completions
from tests.conformance.scripted import Call
from tests.conformance.signatures import Case, cases

# A strict schema, JSON mode, nothing of the kind, and one that reasons by itself.
MODELS = ("openai/gpt-4o-mini", "openai/gpt-4o-mini", "openai/gpt-4", "openai/made-up", "openai/o3")
# As many as a call can make: three completions, extracted or not, and what follows if the last does not parse.
ANSWERS = 12
_SETTINGS: dict[str, st.SearchStrategy[Any]] = {
    "temperature": st.sampled_from([0, 0.1, 0.15, 0.16, 0.7, 1.0, 1]),
    "max_tokens": st.sampled_from([16, 4000]),
    "top_p": st.sampled_from([0.1, 1.0]),
    "stop": st.sampled_from([["\n\n"], ["a", "ü"], "one"]),
    "seed": st.sampled_from([0, 7]),
    "frequency_penalty": st.sampled_from([-2, 0.5]),
    "presence_penalty": st.sampled_from([0.25, 2]),
    "n": st.sampled_from([1, 2, 3]),
    "store": st.booleans(),
    "logprobs": st.booleans(),
    "rollout_id": st.sampled_from([0, 5]),
}


def look_up(word: str, times: int = 3) -> str:
    """Looks a word up."""
    return word * times


def send(address: dict[str, str], texts: list[str]) -> None:
    """Sends texts.

    To one address.
    """


_TOOLS = (dspy.Tool(look_up), dspy.Tool(send), dspy.Tool(look_up, name="other", desc="« ü »", args={"a": {}}))


@st.composite
def _settings(draw: st.DrawFn, *, reasoning: bool = False) -> dict[str, Any]:
    """A few settings, most often none; of a reasoning model only what DSPy lets through."""
    if not draw(st.booleans()):
        return {}
    if reasoning:
        return draw(st.sampled_from([{"n": 2}, {"reasoning_effort": "high"}, {"max_tokens": 16000}]))
    names = draw(st.lists(st.sampled_from(sorted(_SETTINGS)), max_size=3, unique=True))
    return {name: draw(_SETTINGS[name]) for name in names}


@st.composite
def _with_tools(draw: st.DrawFn) -> Case:
    """A case whose signature, now and then, takes tools and gives their calls."""
    case = draw(cases())
    if draw(st.integers(0, 5)) < 5:
        return case
    kind = draw(st.sampled_from([list[dspy.Tool], dspy.Tool]))
    given = draw(st.lists(st.sampled_from(_TOOLS), min_size=1, max_size=2, unique_by=id))
    signature = case.signature.append("tools", dspy.InputField(), kind).append(
        "calls", dspy.OutputField(), dspy.ToolCalls
    )
    return dataclasses.replace(
        case, signature=signature, inputs={**case.inputs, "tools": given[0] if kind is dspy.Tool else given}
    )


@st.composite
def _adapters(draw: st.DrawFn, kind: str, extraction: Callable[[Mapping[str, Any]], Any]) -> Any:
    options: dict[str, Any] = {}
    if draw(st.booleans()):
        options["use_native_function_calling"] = draw(st.booleans())
        options["parallel_tool_calls"] = draw(st.sampled_from([None, None, True, False]))
    if kind in ("chat", "xml") and draw(st.integers(0, 4)) == 0:
        options["use_json_adapter_fallback"] = False
    if kind == "two_step":
        return dspy.TwoStepAdapter(extraction({"model": draw(st.sampled_from(MODELS))}), **options)
    kinds = {"chat": dspy.ChatAdapter, "json": dspy.JSONAdapter, "xml": dspy.XMLAdapter, "baml": BAMLAdapter}
    return kinds[kind](**options)


class _Answers:
    """Answers in the layout of the adapter, as JSON, or by calls of tools."""

    def __init__(self, source: random.Random, adapter: Any, signature: Any) -> None:
        self._source = source
        first = dspy.ChatAdapter() if isinstance(adapter, dspy.TwoStepAdapter) else adapter
        self._layouts = [Completions(source, layout, signature) for layout in (first, dspy.JSONAdapter())]
        self._tools = "calls" in signature.output_fields

    def one(self) -> dict[str, Any]:
        reply: dict[str, Any] = {"content": self._source.choice(self._layouts).one()}
        if self._source.random() < 0.05:
            reply["content"] = self._source.choice(["", "  \n"])
        if self._source.random() < (0.5 if self._tools else 0.05):
            reply["tool_calls"] = [self._call() for _ in range(self._source.randint(1, 2))]
            if self._source.random() < 0.5:
                del reply["content"]
        elif self._source.random() < 0.1:
            reply["finish_reason"] = self._source.choice(["length", "content_filter", "strange"])
        return {"reply": reply}

    def _call(self) -> dict[str, Any]:
        arguments = self._source.choice(
            [{"word": "ü"}, {"address": {"a": "b"}, "texts": ["x"]}, {}, '{"a": [1, 2.50, null]}', "", "[1]", '{"a": 1']
        )
        return {"name": self._source.choice(["look_up", "send", "unknown"]), "arguments": arguments}


@dataclasses.dataclass(frozen=True)
class Plan:
    """A call before its module is made: DSPy's modules take a random number each, which no strategy may."""

    module: Any
    case: Case
    config: dict[str, Any]
    adapter: Any
    lm: dict[str, Any]
    call_config: dict[str, Any]
    seed: int

    def call(self) -> Call:
        module = self.module(self.case.signature, **self.config)
        (predictor,) = module.predictors()
        predictor.demos = self.case.demos
        answers = _Answers(random.Random(self.seed), self.adapter, predictor.signature)
        given = [answers.one() for _ in range(ANSWERS)]
        return Call(module, self.adapter, self.case.inputs, given, self.lm, self.call_config)


@st.composite
def plans(draw: st.DrawFn, kind: str, extraction: Callable[[Mapping[str, Any]], Any]) -> Plan:
    """Calls with an adapter of a kind; `extraction` makes two-step's second language model of its settings."""
    model = draw(st.sampled_from(MODELS))
    reasoning = model == "openai/o3"
    return Plan(
        module=draw(st.sampled_from([dspy.Predict, dspy.Predict, dspy.ChainOfThought])),
        case=draw(_with_tools()),
        config=draw(_settings(reasoning=reasoning)),
        adapter=draw(_adapters(kind, extraction)),
        lm={"model": model, **draw(_settings(reasoning=reasoning))},
        call_config=draw(_settings(reasoning=reasoning)),
        seed=draw(st.integers(0, 2**32)),
    )

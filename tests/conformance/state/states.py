"""Hypothesis strategies: DSPy programs with what can be learned for them, and broken texts of their states."""

from __future__ import annotations

import copy
import json
import random
from dataclasses import dataclass
from typing import Any

import dspy
from hypothesis import strategies as st

from tests.conformance.signatures import cases

# What Python's json and DSPy's writer both take.
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(),
    st.sampled_from([1e-5, 1e-6, 1e16, 1.5e15, -0.0, 5e-324, 1.7976931348623157e308, 0.1, 2.0**53]),
    st.text(st.characters(codec="utf-8"), max_size=12),
    st.sampled_from(["\x00\x1f\x7f", "\u2028\u2029", "\U0001f600", '"\\/', "a\nb\tc\r\f\b"]),
)
KEYS = st.text(st.characters(codec="utf-8"), max_size=6)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
MODELS = (
    "openai/gpt-4o-mini",
    "gpt-4o",
    "anthropic/claude-3-5-haiku",
    "openrouter/meta-llama/llama-3",
    "hosted_vllm/m",
)


@st.composite
def models(draw: st.DrawFn) -> Any:
    """dspy.LM with settings that dspex has a place for, and with others."""
    optional: dict[str, st.SearchStrategy[Any]] = {
        "temperature": st.floats(0, 2),
        "max_tokens": st.integers(1, 100_000),
        "cache": st.booleans(),
        "num_retries": st.integers(0, 9),
        "top_p": st.floats(0.01, 1),
        "stop": st.sampled_from(["x", ["a", "b"], []]),
        "seed": st.integers(-(2**62), 2**62),
        "n": st.integers(1, 5),
        "frequency_penalty": st.floats(-2, 2),
        "presence_penalty": st.integers(-2, 2),
        "rollout_id": st.integers(0, 9),
        "reasoning_effort": st.sampled_from(["low", "high"]),
        "store": st.booleans(),
        "logprobs": st.booleans(),
        "top_logprobs": st.integers(0, 20),
        "max_completion_tokens": st.integers(1, 9),
        "launch_kwargs": st.dictionaries(KEYS, VALUES, max_size=2),
        "train_kwargs": st.dictionaries(KEYS, VALUES, max_size=2),
        "finetuning_model": st.sampled_from(["ft:x"]),
        "use_developer_role": st.just(True),
        "model_type": st.sampled_from(["chat", "responses"]),
        "engine": st.sampled_from(["auto", "lm15", "litellm"]),
        "prompt_cache": st.just(dspy.lm15.CacheConfig()),
        "extra_headers": st.dictionaries(st.sampled_from(["x-a", "x-b"]), st.text("ab\u00e9", max_size=3)),
        "metadata": VALUES,
        "api_key": st.just("secret"),
    }
    chosen = draw(st.lists(st.sampled_from(sorted(optional)), unique=True, max_size=8))
    return dspy.LM(draw(st.sampled_from(MODELS)), **{name: draw(optional[name]) for name in chosen})


@dataclass(frozen=True)
class Saveable:
    """A DSPy module of one predictor, how to make it anew without what was learned, and the equal program here."""

    module: Any
    kind: str
    shape: str
    signature: Any

    def fresh(self) -> Any:
        return build(self.kind, self.shape, self.signature)

    def program(self) -> dict[str, Any]:
        fields = {"inputs": self.signature.input_fields, "outputs": self.signature.output_fields}
        sides = {side: [_field(name, field) for name, field in of.items()] for side, of in fields.items()}
        said = any("description" in field for side in sides.values() for field in side)
        predictor: dict[str, Any] = {"structuredSignature": sides}
        if not said:
            predictor = {"signature": f"{', '.join(fields['inputs'])} -> {', '.join(fields['outputs'])}"}
        predictor["instructions"] = self.signature.instructions
        return {"modules": [{"id": "m", "predict" if self.kind == "Predict" else "chainOfThought": predictor}]}


def _field(name: str, field: Any) -> dict[str, str]:
    description = field.json_schema_extra["desc"]
    return {"name": name} | ({"description": description} if description not in ("", None, f"${{{name}}}") else {})


def build(kind: str, shape: str, signature: Any) -> Any:
    """A predictor alone, or where a program would have it."""
    module = getattr(dspy, kind)(signature)
    if shape == "alone":
        return module
    program = dspy.Module()
    program.inner = {"attribute": module, "list": [module], "dict": {"it's": module}}[shape]
    return program


@st.composite
def saveables(draw: st.DrawFn) -> Saveable:
    case = draw(cases())
    kind = draw(st.sampled_from(["Predict", "ChainOfThought"]))
    shape = draw(st.sampled_from(["alone", "alone", "attribute", "list", "dict"]))
    module = build(kind, shape, case.signature)
    (predictor,) = module.predictors()
    predictor.demos = [dspy.Example(demo) if draw(st.booleans()) else demo for demo in case.demos]
    for demo in draw(st.lists(st.dictionaries(KEYS, VALUES, max_size=3), max_size=2)):
        predictor.demos.append(dspy.Example(demo, augmented=True) if draw(st.booleans()) else demo)
    if draw(st.booleans()):
        predictor.lm = draw(models())
    if draw(st.integers(0, 3)) == 0:
        learn_wording(draw, predictor)
    return Saveable(module, kind, shape, case.signature)


def learn_wording(draw: st.DrawFn, predictor: Any) -> None:
    """What an optimizer of instructions changes."""
    last = list(predictor.signature.output_fields)[-1]
    updated = predictor.signature.with_updated_fields(
        last,
        prefix=draw(st.sampled_from(["Now:", "Answer in French:", '\u00ab "x"'])),
        desc=draw(st.sampled_from(["new", "a\nb"])),
    )
    predictor.signature = updated.with_instructions(draw(st.sampled_from(["Learned.", "Two\nlines", '\u00fc "q" \\'])))


def mutated(text: str, source: random.Random) -> str:
    """A text that is nearly a state."""
    if source.random() < 0.3:
        return _spoiled(text, source)
    state = json.loads(text)
    for _ in range(source.randint(1, 3)):
        _change(state, source)
    return json.dumps(state, ensure_ascii=source.random() < 0.5, indent=source.choice([None, 2]))


def _spoiled(text: str, source: random.Random) -> str:
    place = source.randrange(len(text))
    length = source.choice([0, 1, 1, 5, 50, len(text)])
    put = source.choice(
        ["", "}", '"', "[", "\x00", "\ufffd", "1e999", "\\u00", "null", ",", "[" * 200, "9" * 400, "{}"]
    )
    return text[:place] + put + text[place + length :]


ODD: tuple[Any, ...] = (
    None, True, 3, -1, 1e300, 2**70, "", "x", "openai/", [], {}, [[]], {"class": "os:system"}, {"a": 1}, [{"a": 1}],
)  # fmt: skip
ODD_KEYS = (
    "lm", "demos", "signature", "engine", "async_engine", "_dspy_lm_class", "model", "api_base", "extended_signature",
    "metadata", "x",
)  # fmt: skip


def _change(value: Any, source: random.Random) -> None:
    """Removes, replaces, adds or renames something somewhere."""
    while isinstance(value, dict | list) and value:
        keys = list(value) if isinstance(value, dict) else list(range(len(value)))
        key = source.choice(keys)
        if isinstance(value[key], dict | list) and value[key] and source.random() < 0.75:
            value = value[key]
            continue
        choice = source.randrange(4)
        if choice == 0:
            del value[key]
        elif choice == 1:
            value[key] = copy.deepcopy(source.choice(ODD))
        elif isinstance(value, dict):
            value[source.choice(ODD_KEYS)] = copy.deepcopy(source.choice(ODD)) if choice == 2 else value.pop(key)
        else:
            value.insert(key, copy.deepcopy(source.choice(ODD)))
        return

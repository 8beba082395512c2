"""States go from DSPy to dspex and back, byte for byte; what is no state is refused."""

from __future__ import annotations

import json
import logging
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dspy
import orjson
import pytest
from hypothesis import event
from hypothesis import strategies as st

from tests.conformance.examples import for_each
from tests.conformance.state.states import Saveable, build, mutated, saveables
from tests.conformance.state.tool import Tool, running

MUTATIONS = 10  # of one state: making a DSPy program takes longer than breaking its state
# Two thousand DSPy programs take minutes to make.
pytestmark = pytest.mark.timeout(1800)
REASONS = {"INVALID_JSON", "INVALID_STATE", "STATE_MISMATCH", "UNSUPPORTED"}


@pytest.fixture(scope="module")
def tool() -> Iterator[Tool]:
    logging.getLogger("dspy").setLevel(logging.ERROR)
    with running() as tool:
        yield tool


def saved(module: Any, path: Path) -> str | None:
    """The file that DSPy writes; None if it cannot."""
    try:
        module.save(path)
    except RuntimeError:
        return None
    return path.read_bytes().decode()


def test_round_trip(tool: Tool, generated: Any, tmp_path: Path) -> None:
    """Read and written, applied to a program and exported, loaded by DSPy again: always the same."""

    @for_each(generated, saveables())
    def run(case: Saveable) -> None:
        text = saved(case.module, tmp_path / "saved.json")
        if text is None:
            event("DSPy cannot save it")
            return
        assert tool.result(state=text)["state"] == text
        applied = tool.result(state=text, program=case.program())
        assert applied["state"] == text
        exported = tmp_path / "exported.json"
        exported.write_bytes(applied["state"].encode())
        again = case.fresh()
        again.load(exported)
        assert saved(again, tmp_path / "again.json") == text
        assert tool.result(state=text, program=applied["program"]) == applied
        event(f"{case.kind} {case.shape}, warnings: {len(applied['warnings'])}")


def test_what_was_learned_arrives(tool: Tool, tmp_path: Path) -> None:
    module = build("ChainOfThought", "alone", dspy.Signature("question -> answer: int", "Do."))
    module.predict.lm = dspy.LM("openai/gpt-4o-mini", temperature=0.00001, max_tokens=7, num_retries=1)
    module.predict.demos = [dspy.Example(question="q", reasoning="r", answer=3, augmented=True)]
    module.predict.signature = module.predict.signature.with_updated_fields("answer", desc="A number.")
    text = saved(module, tmp_path / "x.json")
    program = {"modules": [{"id": "qa", "chainOfThought": {"signature": "question -> answer: int"}}]}
    applied = tool.result(state=text, program=program)
    (got,) = applied["program"]["modules"]
    assert got["lm"] == "openai/gpt-4o-mini"
    predictor = got["chainOfThought"]
    assert predictor["options"] == {"temperature": 1e-5, "maxTokens": 7}
    assert predictor["instructions"] == "Do."
    assert [json.loads(demo["fieldsJson"]) for demo in predictor["demos"]] == [
        {"question": "q", "reasoning": "r", "answer": 3, "augmented": True}
    ]
    (answer,) = predictor["structuredSignature"]["outputs"]
    assert answer == {"name": "answer", "type": "int", "description": "A number."}
    (warning,) = applied["warnings"]
    assert "kept for the export: num_retries." in warning


def test_endpoints_are_dropped_as_dspy_drops_them(tool: Tool, tmp_path: Path) -> None:
    module = build("Predict", "alone", dspy.Signature("question -> answer"))
    module.lm = dspy.LM("openai/m", api_base="http://127.0.0.1:9", base_url="http://x", model_list=[{}], top_p=0.5)
    text = saved(module, tmp_path / "x.json")
    program = {"modules": [{"id": "qa", "predict": {"signature": "question -> answer"}}]}
    assert text is not None
    fresh = build("Predict", "alone", dspy.Signature("question -> answer"))
    fresh.load(tmp_path / "x.json")
    applied = tool.result(state=text, program=program)
    assert applied["state"] == saved(fresh, tmp_path / "y.json")
    assert "api_base, base_url, model_list" in applied["warnings"][0]
    assert tool.result(state=text, program=program, keep_endpoints=True)["state"] == text


def accepts(case: Saveable, text: str) -> bool:
    """Whether DSPy loads the text."""
    try:
        state = orjson.loads(text.encode())
        dict(state["metadata"]["dependency_versions"])
        case.fresh().load_state(state)
    except Exception:
        return False
    return True


def test_mutations(tool: Tool, generated: Any, tmp_path: Path) -> None:
    """What is broken gives a typed error, never a crash, and nothing that DSPy refuses is taken."""

    @for_each(generated, saveables(), st.integers(0, 2**32), one_in=MUTATIONS)
    def run(case: Saveable, number: int) -> None:
        text = saved(case.module, tmp_path / "saved.json")
        if text is None:
            return
        # A program that had the state knows where its predictor is.
        program = tool.result(state=text, program=case.program())["program"]
        source = random.Random(number)
        for _ in range(MUTATIONS):
            check_mutation(tool, case, program, mutated(text, source))


def check_mutation(tool: Tool, case: Saveable, program: Any, broken: str) -> None:
    rewritten = tool.ask(state=broken)
    applied = tool.ask(state=broken, program=program)
    for answer in (rewritten, applied):
        assert "ok" in answer or answer["error"]["reason"] in REASONS, answer
    if "ok" in rewritten:
        text = rewritten["ok"]["state"]
        assert tool.result(state=text)["state"] == text
    event("taken" if "ok" in applied else applied["error"]["reason"])
    # What is in a prompt_cache is DSPy's own to read.
    if "ok" in applied and '"prompt_cache"' not in broken:
        assert accepts(case, broken), broken
        # What was taken is exported as something that DSPy takes.
        assert accepts(case, applied["ok"]["state"])

"""Programs before a scripted language model: every request that both sides send, in order, and how the call ends.

Each case runs twice, over sockets: DSPy with a client of its own, and dspex with the program that the import makes of the
same objects. Of generated cases there is one for four of --cases: a run is some ten round trips.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import event

from dspex_dspy.errors import NotTranslatableError
from tests.conformance import hard_calls
from tests.conformance.calls import Plan, plans
from tests.conformance.differences import assert_equal
from tests.conformance.examples import for_each
from tests.conformance.scripted import Call, DspexSide, DspySide
from tests.conformance.signatures import Case
from tests.conformance.test_format import ADAPTERS, prints_python

Sides = tuple[DspySide, DspexSide]


def compare(call: Call, sides: Sides) -> int:
    """Fails unless both sides do the same; returns the number of requests."""
    dspys, dspexs = sides
    program = dspexs.program(call)
    expected = dspys.run(call)
    actual = dspexs.run(call, program)
    about = f"{call.adapter}: {call.signature}\nlm: {call.lm}\nconfig: {call.config}\ninputs: {call.inputs}"
    assert_equal(expected.shown(), actual.shown(), f"{about}\nprogram: {program}\nanswers: {call.answers}")
    return len(expected.requests)


def low_by_half(call: Call) -> bool:
    """Whether DSPy takes a temperature of 0 for none: beside a higher one of the language model it does not count as low
    for several completions (docs/dspy-compatibility.md)."""
    (predictor,) = call.module.predictors()
    config = {**predictor.config, **call.config}
    several = (config.get("n") or call.lm.get("n") or 1) > 1
    return several and config.get("temperature") == 0 and (call.lm.get("temperature") or 0) > 0.15


@pytest.mark.parametrize("name", list(hard_calls.CALLS))
def test_hard(name: str, sides: Sides) -> None:
    call, requests = hard_calls.CALLS[name]
    dspys, _ = sides
    assert compare(call(dspys.language_model), sides) == requests


@pytest.mark.parametrize("kind", ADAPTERS)
def test_generated(kind: str, sides: Sides, generated: Any) -> None:
    dspys, _ = sides

    @for_each(generated, plans(kind, dspys.language_model), one_in=4)
    def run(plan: Plan) -> None:
        call = plan.call()
        if prints_python(Case(call.signature, [], call.inputs), kind):
            event("printed as Python prints it")
            return
        if low_by_half(call):
            event("a temperature of 0 beside a higher one")
            return
        try:
            event(f"{compare(call, sides)} requests")
        except NotTranslatableError as refused:
            event(f"refused: {refused}")
        except ValueError as error:
            # What DSPy cannot ask for has no answers: BAML's layout has no recursive types.
            if "recursive" not in str(error):
                raise
            event(f"DSPy raises {error}")

"""The requests of both sides: messages byte for byte, and what the provider is asked for besides."""

from __future__ import annotations

from typing import Any

import dspy
import pytest
from hypothesis import HealthCheck, event, given, seed, settings

from dspex_dspy.errors import NotTranslatableError
from dspex_dspy.rendering import RecordingLM, adapters, ended_by_request
from dspex_dspy.translate import translate
from dspex_dspy.types_of import parts
from dspex_dspy.values import to_json_value
from tests.conformance.conftest import MODEL
from tests.conformance.differences import assert_equal
from tests.conformance.peer import Peer
from tests.conformance.signatures import Case, cases


def adapter_of(kind: str) -> Any:
    """DSPy's adapter; two-step's second model is named, nothing asks it."""
    if kind == "two_step":
        return dspy.TwoStepAdapter(dspy.LM(MODEL, engine="lm15"))
    return adapters()[kind]


def requested(case: Case, adapter: Any) -> dict[str, Any]:
    """What DSPy would send."""
    lm = RecordingLM(dspy.LM(MODEL, engine="lm15"))
    predict = dspy.Predict(case.signature)
    predict.demos = case.demos
    with dspy.context(lm=lm, adapter=adapter, warn_on_type_mismatch=False), ended_by_request():
        predict(**case.inputs)
    request = lm.request()
    return {"messages": request["messages"], "response_format": request["arguments"].get("response_format")}


def program_of(case: Case, adapter: Any, phrasebook: dict[str, Any]) -> dict[str, Any]:
    predict = dspy.Predict(case.signature)
    predict.demos = case.demos
    return translate(predict, phrasebook, lm=dspy.LM(MODEL, engine="lm15"), adapter=adapter).program


def prints_python(case: Case, kind: str) -> bool:
    """Whether DSPy prints what JSON does not tell: two-step prints a history by Python's repr, in which an enum's member is
    not its value (docs/dspy-compatibility.md)."""
    return kind == "two_step" and "history" in case.inputs and "Enum" in _bases(case.signature)


def _bases(signature: Any) -> set[str]:
    found = {part for field in signature.fields.values() for part in parts(field.annotation)}
    return {base.__name__ for part in found if isinstance(part, type) for base in part.__mro__}


def check(case: Case, kind: str, peer: Peer, phrasebook: dict[str, Any]) -> None:
    if prints_python(case, kind):
        event("printed as Python prints it")
        return
    adapter = adapter_of(kind)
    try:
        program = program_of(case, adapter, phrasebook)
    except NotTranslatableError as refused:
        event(f"refused: {refused}")
        return
    try:
        expected: Any = requested(case, adapter)
    except RuntimeError:
        raise
    except Exception as error:
        event(f"DSPy raises {type(error).__name__}")
        return
    body = peer.render(program, to_json_value(case.inputs))
    actual = body if not isinstance(body, dict) else {key: body.get(key) for key in expected}
    assert_equal(expected, actual, f"{kind}: {case.signature}\nprogram: {program}\ninputs: {case.inputs}")


@pytest.mark.parametrize("kind", ["chat", "json", "xml", "baml", "two_step"])
def test_generated(kind: str, peer: Peer, phrasebook: dict[str, Any], generated: Any) -> None:
    @seed(generated.seed)
    @settings(
        max_examples=generated.cases,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
    @given(cases())
    def run(case: Case) -> None:
        check(case, kind, peer, phrasebook)

    run()

"""The requests of both sides: messages byte for byte, and what the provider is asked for besides."""

from __future__ import annotations

import datetime
import decimal
import enum
import types
import uuid
from collections.abc import Iterable
from typing import Any, Union, get_origin

import dspy
from hypothesis import event

from dspex_dspy.errors import NotTranslatableError
from dspex_dspy.rendering import RecordingLM, adapters, ended_by_request
from dspex_dspy.translate import translate
from dspex_dspy.types_of import parts
from dspex_dspy.values import to_json_value
from tests.conformance.conftest import MODEL
from tests.conformance.differences import assert_equal
from tests.conformance.examples import for_each
from tests.conformance.peer import Peer
from tests.conformance.signatures import Case, cases

ADAPTERS = ("chat", "json", "xml", "baml", "two_step")


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


# What JSON writes as text, and Python's repr does not.
_TEXT_IN_JSON = (
    datetime.date, datetime.time, datetime.timedelta, decimal.Decimal, uuid.UUID, bytes,
)  # fmt: skip


def prints_python(case: Case, kind: str) -> bool:
    """Whether DSPy prints what JSON does not tell: two-step prints as Python does, where an enum's member is not its value,
    nor a date a text, and a history's turns or a union may have either (docs/dspy-compatibility.md)."""
    if kind != "two_step":
        return False
    found = [part for field in case.signature.fields.values() for part in parts(field.annotation)]
    enums = _has_enum(found) if "history" in case.inputs else _has_enum_in_union(found)
    return enums or _is_text_or_more(found)


def _has_enum(found: Iterable[Any]) -> bool:
    return any(isinstance(part, type) and issubclass(part, enum.Enum) for part in found)


def _has_enum_in_union(found: Iterable[Any]) -> bool:
    return any(_has_enum(parts(union)) for union in _unions(found))


def _is_text_or_more(found: Iterable[Any]) -> bool:
    """Whether a text may be one, or what JSON writes as one."""
    for union in _unions(found):
        within = [part for part in parts(union) if isinstance(part, type)]
        if str in within and any(issubclass(part, _TEXT_IN_JSON) for part in within):
            return True
    return False


def _unions(found: Iterable[Any]) -> list[Any]:
    return [part for part in found if get_origin(part) in (Union, types.UnionType)]


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


def test_generated(peer: Peer, phrasebook: dict[str, Any], generated: Any) -> None:
    # One case for all adapters: to make it takes longer than to compare it.
    @for_each(generated, cases())
    def run(case: Case) -> None:
        for kind in ADAPTERS:
            check(case, kind, peer, phrasebook)

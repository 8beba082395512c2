"""The values that both sides read in a completion, or that both refuse it."""

from __future__ import annotations

import random
from typing import Any

import dspy
from dspy.utils.exceptions import AdapterParseError
from hypothesis import event
from hypothesis import strategies as st

from dspex_dspy.errors import NotTranslatableError
from tests.conformance.completions import Completions
from tests.conformance.differences import assert_equal
from tests.conformance.examples import for_each
from tests.conformance.peer import Failed, Peer
from tests.conformance.signatures import Case, signatures
from tests.conformance.test_format import ADAPTERS, adapter_of, program_of
from tests.conformance.values_of import plain, to_json

UNPARSABLE = Failed("COMPLETION_UNPARSABLE")


def read(adapter: Any, signature: Any, completion: str) -> Any:
    """The values that DSPy reads, as JSON; the failure that stands for its refusal."""
    if isinstance(adapter, dspy.TwoStepAdapter):
        signature = adapter._create_extractor_signature(signature)
        adapter = dspy.ChatAdapter()
    if not completion:
        return UNPARSABLE
    try:
        values = adapter.parse(signature, completion)
    except AdapterParseError:
        return UNPARSABLE
    return {name: plain(to_json(value, signature.output_fields[name].annotation)) for name, value in values.items()}


def check(signature: Any, adapter: Any, completion: str, peer: Peer, phrasebook: dict[str, Any]) -> None:
    try:
        program = program_of(Case(signature, [], {}), adapter, phrasebook)
    except NotTranslatableError as refused:
        event(f"refused: {refused}")
        return
    try:
        # What DSPy cannot ask for has no answers: BAML's layout has no recursive types.
        adapter.format(signature, [], {})
        expected = read(adapter, signature, completion)
    except Exception as error:
        event(f"DSPy raises {type(error).__name__}")
        return
    order = list(signature.output_fields)
    if isinstance(expected, dict):
        expected = {name: expected[name] for name in order}
    actual = peer.parse(program, completion)
    assert_equal(
        expected, actual, f"{type(adapter).__name__}: {signature}\ncompletion: {completion!r}\nprogram: {program}"
    )


def test_generated(peer: Peer, phrasebook: dict[str, Any], generated: Any) -> None:
    # One signature for all adapters: to make it takes longer than to compare what they read.
    @for_each(generated, signatures(), st.integers(0, 2**32))
    def run(signature: Any, number: int) -> None:
        for kind in ADAPTERS:
            adapter = adapter_of(kind)
            layout = dspy.ChatAdapter() if kind == "two_step" else adapter
            completion = Completions(random.Random(number), layout, signature).one()
            check(signature, adapter, completion, peer, phrasebook)

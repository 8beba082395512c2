"""Cuts out what COPRO tells its model of each instruction that it tried."""

from __future__ import annotations

import threading
from typing import Any

import dspy

from dspex_dspy.cut import Fragments, Names, cut
from dspex_dspy.errors import CaptureError
from dspex_dspy.rendering import RecordingLM, signature, texts
from dspex_dspy.requests import quiet

# COPRO's own field for them, and those of what it has proposed.
_ATTEMPTS = "attempted_instructions"
_PROPOSED = ("proposed_instruction", "proposed_prefix_for_output_field")


class _Answering(dspy.ChatAdapter):  # type: ignore[misc]
    """Answers every output with a text, without a model, and keeps the attempts that it is told."""

    def __init__(self, proposed: list[str]) -> None:
        super().__init__()
        self.attempts: list[str] = []
        self._outputs = dict(zip(_PROPOSED, proposed, strict=True))
        self._lock = threading.Lock()

    def __call__(self, lm: Any, lm_kwargs: Any, signature: Any, demos: Any, inputs: Any) -> list[dict[str, Any]]:
        with self._lock:
            self.attempts += inputs.get(_ATTEMPTS, [])
        outputs = {name: self._outputs.get(name, "none") for name in signature.output_fields}
        return [outputs] * lm_kwargs.get("n", 1)


def attempts(names: Names) -> Fragments:
    """One attempt's instruction, prefix and score, from a search in which two were tried."""
    first, second = names.words("first", 2), names.words("second", 2)
    question, answer = names.word("in"), names.word("out")
    stated = signature(texts([question]), texts([answer]), first[0])
    program = dspy.Predict(stated.with_updated_fields(answer, prefix=first[1]))
    adapter = _Answering(second)
    examples = [dspy.Example(**{question: "none", answer: "none"}).with_inputs(question)]
    with quiet(), dspy.context(lm=RecordingLM(), adapter=adapter):
        copro = dspy.COPRO(metric=lambda *_: 7001.25, breadth=2, depth=2)
        copro.compile(program, trainset=examples, eval_kwargs={"num_threads": 1, "display_progress": False})
    parts = ("copro_instruction", "copro_prefix", "copro_score")
    found = [adapter.attempts[:3], adapter.attempts[3:]]
    if [len(each) for each in found] != [3, 3]:
        raise CaptureError(parts[0], f"two attempts are told as {adapter.attempts!r}")
    # Of equal scores the later attempt counts as the worse.
    told = [[*first, "700125.0"], [*second, "700125.0"]]
    cuts = [
        [
            cut(fragment, line, {text: "text", str(number): "number"})
            for fragment, line, text in zip(parts, lines, values, strict=True)
        ]
        for number, (lines, values) in enumerate(zip(found, told, strict=True), start=1)
    ]
    if cuts[0] != cuts[1]:
        raise CaptureError(parts[0], f"two attempts are told differently: {adapter.attempts!r}")
    return dict(zip(parts, cuts[0], strict=True))

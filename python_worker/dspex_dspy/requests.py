"""The request that a DSPy module would send for some inputs, without sending it."""

from __future__ import annotations

import logging
import random
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import dspy
from dspy.adapters.utils import annotation_allows_none
from pydantic_core import PydanticUndefined

from dspex_dspy.rendering import RecordingLM, ended_by_request, to_json
from dspex_dspy.types_of import is_own, parts
from dspex_dspy.values import Generator, to_json_value


@contextmanager
def quiet() -> Iterator[None]:
    """DSPy's remarks on inputs are of no use where inputs are made up."""
    logger = logging.getLogger("dspy")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def request_of(module: Any, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The first request of a call: its model, messages and arguments, as JSON. Raises what DSPy raises."""
    recorders: dict[int, RecordingLM] = {}

    def recorder(lm: Any) -> RecordingLM:
        return recorders.setdefault(id(lm), RecordingLM(lm))

    predictors = [each for each in module.predictors() if hasattr(each, "lm")]
    own = [each.lm for each in predictors]
    try:
        for each in predictors:
            each.lm = recorder(each.lm) if each.lm is not None else None
        # Whatever follows the call, a trace for example, is nobody's concern.
        with quiet(), dspy.context(lm=recorder(dspy.settings.lm), callbacks=[], trace=None), ended_by_request():
            module(**inputs)
    finally:
        for each, lm in zip(predictors, own, strict=True):
            each.lm = lm
    (called,) = (each for each in recorders.values() if each.messages)
    return called.request()


def made_up_inputs(signature: Any, seed: int) -> Iterator[dict[str, Any]]:
    """Inputs of a signature's types, without an end. ValueError if a type has no value that was found."""
    generator = Generator(random.Random(seed))
    while True:
        inputs = {}
        for name, info in signature.input_fields.items():
            optional = info.default is not PydanticUndefined or annotation_allows_none(info.annotation)
            if not (optional and generator.random.random() < 0.2):
                inputs[name] = (
                    history(signature, generator)
                    if info.annotation is dspy.History
                    else generator.value(info.annotation)
                )
        yield inputs


def history(signature: Any, generator: Generator) -> Any:
    """A conversation over the signature's other fields."""
    fields = {
        name: info.annotation
        for name, info in signature.fields.items()
        if not any(is_own(part) for part in parts(info.annotation))
    }
    messages = [
        {name: generator.value(kind) for name, kind in fields.items() if generator.random.random() < 0.9}
        for _ in range(generator.random.randint(0, 3))
    ]
    return dspy.History(messages=messages)


def checks(module: Any, signature: Any, count: int, seed: int = 0) -> tuple[list[dict[str, Any]], str]:
    """Made-up inputs with the requests that DSPy would send for them; and why there are fewer, if there are."""
    made: list[dict[str, Any]] = []
    failure = ""
    inputs = made_up_inputs(signature, seed)
    for _ in range(4 * count):
        if len(made) == count:
            return made, ""
        try:
            given = next(inputs)
        except ValueError as error:
            return made, str(error)
        try:
            request = request_of(module, given)
        except Exception as error:
            # What DSPy itself refuses is no case.
            failure = f"DSPy refuses inputs that were made up: {type(error).__name__}: {error}"
            continue
        made.append({"inputs_json": to_json(to_json_value(given)), **request})
    return made, failure

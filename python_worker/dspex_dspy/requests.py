"""The request that a DSPy module would send for some inputs, without sending it."""

from __future__ import annotations

import logging
import random
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import dspy
from dspy.adapters.utils import annotation_allows_none
from pydantic_core import PydanticUndefined

from dspex_dspy.errors import NotTranslatableError
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


@contextmanager
def models_given_back(predictors: Sequence[Any]) -> Iterator[None]:
    """Predictors may have other language models within."""
    own = [each.lm for each in predictors]
    try:
        yield
    finally:
        for each, lm in zip(predictors, own, strict=True):
            each.lm = lm


def request_of(module: Any, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The first request of a call: its model, messages and arguments, as JSON. Raises what DSPy raises."""
    recorders: dict[int, RecordingLM] = {}

    def recorder(lm: Any) -> RecordingLM:
        return recorders.setdefault(id(lm), RecordingLM(lm))

    predictors = [each for each in module.predictors() if hasattr(each, "lm")]
    with models_given_back(predictors):
        for each in predictors:
            each.lm = recorder(each.lm) if each.lm is not None else None
        # Whatever follows the call, a trace for example, is nobody's concern.
        with quiet(), dspy.context(lm=recorder(dspy.settings.lm), callbacks=[], trace=None), ended_by_request():
            module(**inputs)
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


def checks(module: Any, program: Mapping[str, Any], count: int, seed: int = 0) -> tuple[list[dict[str, Any]], str]:
    """Made-up inputs with the requests that DSPy would send for them; and why there are fewer, if there are."""
    made: list[dict[str, Any]] = []
    failure = ""
    inputs = made_up_inputs(signature_of(module, program), seed)
    for number in range(4 * count):
        if len(made) == count:
            return made, ""
        try:
            given = next(inputs)
        except ValueError as error:
            return made, str(error)
        try:
            requests = requests_of(module, program, given, seed + number)
        except Exception as error:
            # What DSPy itself refuses is no case.
            failure = f"DSPy refuses inputs that were made up: {type(error).__name__}: {error}"
            continue
        made.append({"inputs_json": to_json(to_json_value(given)), **requests})
    return made, failure


def signature_of(module: Any, program: Mapping[str, Any]) -> Any:
    """A signature whose inputs are the program's."""
    if not program.get("steps"):
        return module.predictors()[0].signature
    predictors = {spec["id"]: each for spec, each in zip(program["modules"], module.predictors(), strict=True)}
    inputs: dict[str, Any] = {}
    for step in program["steps"]:
        for name, source in step["inputs"].items():
            if "." not in source:
                info = predictors[step["module"]].signature.input_fields[name]
                # A forward() takes all of its arguments: none is left to a field's default.
                inputs.setdefault(source, (info.annotation, dspy.InputField()))
    return dspy.Signature({**inputs, "zq_out": (str, dspy.OutputField())}, "zq")


def requests_of(module: Any, program: Mapping[str, Any], inputs: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """All requests of a call, {"requests": [...], "completions": {step: text}}; what language models answer is made up.
    Raises what DSPy raises."""
    if not program.get("steps"):
        return {"requests": [request_of(module, inputs)]}
    generator = Generator(random.Random(seed))
    predictors = module.predictors()
    made: list[tuple[str, dict[str, Any], str]] = []
    with models_given_back(predictors):
        for spec, each in zip(program["modules"], predictors, strict=True):
            each.lm = AnsweringLM(each.lm or dspy.settings.lm, each.signature, generator, spec["id"], made)
        with quiet(), dspy.context(lm=RecordingLM(dspy.settings.lm), callbacks=[], trace=None):
            module(**inputs)
    called = [name for name, *_ in made]
    if called != [step["module"] for step in program["steps"]]:
        raise NotTranslatableError("forward()", f"it calls {called} where its source says other modules.")
    answered = list(zip(program["steps"], made, strict=True))
    return {
        "requests": [{"step": step["id"], **request} for step, (_, request, _) in answered],
        "completions": {step["id"]: completion for step, (_, _, completion) in answered},
    }


class AnsweringLM(RecordingLM):
    """Keeps each request, and answers it with made-up values of the predictor's outputs, as a demo would show them."""

    def __init__(self, lm: Any, signature: Any, generator: Generator, module: str, made: list[Any]) -> None:
        super().__init__(lm)
        self._signature = signature
        self._generator = generator
        self._module = module
        self._made = made

    def __call__(self, prompt: str | None = None, *, messages: Any = None, **kwargs: Any) -> Any:
        self.messages = messages or [{"role": "user", "content": prompt}]
        self.call = kwargs
        outputs = {name: self._generator.value(info.annotation) for name, info in self._signature.output_fields.items()}
        adapter = dspy.settings.adapter or dspy.ChatAdapter()
        completion = adapter.format_assistant_message_content(self._signature, outputs)
        self._made.append((self._module, self.request(), completion))
        return [completion] * int({**self.kwargs, **kwargs}.get("n") or 1)

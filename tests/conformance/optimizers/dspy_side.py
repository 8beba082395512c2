"""Runs a case with the installed DSPy."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Mapping
from typing import Any

import dspy
from dspy.teleprompt import copro_optimizer
from dspy.utils.exceptions import AdapterParseError

from dspex_dspy.requests import quiet
from tests.conformance.optimizers.cases import Case, predictor_of
from tests.conformance.optimizers.scripted import Metric, ScriptedError, ScriptedModel

# What a side has to say: candidates with what they learned and their scores, which is best, or that it failed; and all
# requests to the language model.
Outcome = dict[str, Any]


class Chain(dspy.Module):  # type: ignore[misc]
    """The program of a case."""

    def __init__(self, program: Mapping[str, Any], frozen: list[str]) -> None:
        super().__init__()
        self._program = program
        for module in program["modules"]:
            stated = predictor_of(module)
            kind = dspy.Predict if "predict" in module else dspy.ChainOfThought
            made = kind(dspy.Signature(stated["signature"], stated.get("instructions")), **stated.get("options", {}))
            (predictor,) = made.predictors()
            predictor.demos = [dspy.Example(**json.loads(demo["fields_json"])) for demo in stated.get("demos", ())]
            made._compiled = module["id"] in frozen
            setattr(self, module["id"], made)

    def forward(self, **inputs: Any) -> Any:
        steps: dict[str, Any] = {}

        def find(reference: str) -> Any:
            step, _, field = reference.rpartition(".")
            return steps[step][field] if step else inputs[field]

        for step in self._program["steps"]:
            # dspex names the inputs in the signature's order; so do the cases.
            arguments = {name: find(reference) for name, reference in step["inputs"].items()}
            steps[step["id"]] = getattr(self, step["module"])(**arguments)
        return dspy.Prediction(**{name: find(reference) for name, reference in self._program["outputs"].items()})


def run(case: Case) -> Outcome:
    """Runs it, one example after another."""
    model = ScriptedModel(case["model"])
    frozen = case["spec"]["frozen"]
    student = Chain(case["program"], frozen)
    teacher = _teacher(case["teacher"], frozen)
    max_errors = case["spec"]["settings"]["max_errors"] or 10
    with (
        quiet(),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
        dspy.context(lm=model, max_errors=max_errors, num_threads=1, warn_on_type_mismatch=False),
    ):
        try:
            candidates, best = _compile(case, student, teacher)
        except Exception as error:
            # What DSPy raises at the last failure that it allows: that failure, or this.
            expected = isinstance(error, (ScriptedError, AdapterParseError)) or "cancelled" in str(error)
            if not expected:
                raise
            return {"error": True, "calls": model.calls}
    return {"ok": {"candidates": candidates, "best": best}, "calls": model.calls}


def _teacher(program: Mapping[str, Any] | None, frozen: list[str]) -> Any:
    if program is None:
        return None
    teacher = Chain(program, frozen)
    # What an optimizer of this process would have left: dspex tells by the demos.
    teacher._compiled = any(demo.get("augmented") for each in teacher.predictors() for demo in each.demos)
    return teacher


def _compile(case: Case, student: Any, teacher: Any) -> tuple[list[dict[str, Any]], int]:
    metric = Metric(case["metric"])
    trainset, valset = (
        [dspy.Example(**example).with_inputs(*case["input_keys"]) for example in case[name]]
        for name in ("trainset", "valset")
    )
    (optimizer,) = case["spec"].keys() - {"program", "settings", "frozen"}
    settings = dict(case["spec"][optimizer])
    if optimizer == "labeled_few_shot":
        in_order = settings.pop("in_order", False)
        compiled = dspy.LabeledFewShot(**settings).compile(student, trainset=trainset, sample=not in_order)
        return [_shown(compiled)], 0
    if optimizer == "bootstrap_few_shot":
        compiled = dspy.BootstrapFewShot(metric=metric, **settings).compile(student, teacher=teacher, trainset=trainset)
        return [_shown(compiled)], 0
    if optimizer == "copro":
        return _copro(settings, metric, student, trainset)
    search = dspy.BootstrapFewShotWithRandomSearch(metric=metric, **settings)
    compiled = search.compile(student, teacher=teacher, trainset=trainset, valset=valset or None)
    tried = sorted(compiled.candidate_programs, key=lambda candidate: candidate["seed"])
    best = next(i for i, candidate in enumerate(tried) if candidate["program"] is compiled)
    return [_shown(candidate["program"], candidate["score"]) for candidate in tried], best


def _copro(settings: dict[str, Any], metric: Metric, student: Any, trainset: Any) -> tuple[list[dict[str, Any]], int]:
    tried: list[tuple[dict[str, Any], Any]] = []

    class Recorded(dspy.Evaluate):  # type: ignore[misc]
        def __call__(self, program: Any, **given: Any) -> Any:
            result = super().__call__(program, **given)
            tried.append((_shown(program, result.score), [each.signature for each in program.predictors()]))
            return result

    original = copro_optimizer.Evaluate
    copro_optimizer.Evaluate = Recorded
    try:
        compiled = dspy.COPRO(metric=metric, **settings).compile(
            student, trainset=trainset, eval_kwargs={"num_threads": 1, "display_progress": False}
        )
    finally:
        copro_optimizer.Evaluate = original
    # Each try sets signatures anew, so they tell which of them the result is.
    signatures = [each.signature for each in compiled.predictors()]
    best = next(i for i, (_, each) in enumerate(tried) if all(a is b for a, b in zip(each, signatures, strict=True)))
    return [shown for shown, _ in tried], best


def _shown(program: Any, score: float | None = None) -> dict[str, Any]:
    """What a program has learned."""
    parameters = []
    for module in program._program["modules"]:
        made = getattr(program, module["id"])
        predictor = made if isinstance(made, dspy.Predict) else made.predict
        signature = predictor.signature
        parameters.append(
            {
                "module": module["id"],
                "instructions": signature.instructions,
                "demos": [demo.toDict() for demo in predictor.demos],
                "prefix": list(signature.fields.values())[-1].json_schema_extra["prefix"],
            }
        )
    return {"score": score, "parameters": parameters}

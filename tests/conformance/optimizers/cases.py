"""Makes up optimizer runs: programs of one to three modules, examples, settings, metrics, models that fail now and then.

A case is JSON, the line that optimizers_tool reads; DSPy's side is built from the same.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

from tests.conformance.optimizers.scripted import NUMBERS, WORDS

Case = dict[str, Any]
# The modules of a program, one after another: inputs and outputs by name. What is not an input of the program comes
# from the module that gave it last.
_CHAINS: tuple[tuple[tuple[str, str], ...], ...] = (
    (("question", "answer"),),
    (("question, context", "answer"),),
    (("question", "num, answer"),),
    (("question", "answer"), ("question, answer", "label")),
    (("question, context", "num"), ("question, num", "answer")),
    (("question", "query"), ("question, query", "num, label"), ("context, label", "answer")),
    (("question", "answer"), ("answer, question", "label"), ("label", "num")),
)
_INPUTS = ("question", "context")
_INSTRUCTIONS = ("", "Answer.", "Name the colour.\n\n  Say no more.", '"Quoted."', "Réponds « bien ».")
OPTIMIZERS = ("labeled_few_shot", "bootstrap_few_shot", "bootstrap_few_shot_with_random_search", "copro")


def make(seed: int, number: int) -> Case:
    """The case of that number; cases do not depend on those before them."""
    return _Maker(random.Random(f"{seed}/{number}")).case(OPTIMIZERS[number % len(OPTIMIZERS)])


class _Maker:
    def __init__(self, source: random.Random) -> None:
        self.random = source

    def case(self, optimizer: str) -> Case:
        program = self._program()
        settings = getattr(self, f"_{optimizer}")()
        # In later rounds a module's own temperature is a known difference (docs/dspy-compatibility.md).
        if settings.get("max_rounds", 1) == 1:
            self._give_sampling(program)
        outputs = list(program["outputs"])
        field = self.random.choice(outputs)
        valset = self._examples(self.random.randint(1, 8)) if self._chance(0.4) else []
        teacher = self._teacher(program) if "bootstrap" in optimizer and self._chance(0.4) else None
        frozen = self._frozen(program) if self._chance(0.3) else []
        max_errors = self.random.choice((0, 0, 1, 2, 5, 20))
        return {
            "program": program,
            "teacher": teacher,
            "spec": {
                "program": "programs/made",
                optimizer: settings,
                "settings": {"max_errors": max_errors},
                "frozen": frozen,
            },
            "input_keys": list(_INPUTS),
            "trainset": self._examples(self.random.choice((1, 2, 4, 8, 12, 30)), copies=True),
            # COPRO of DSPy knows one set of examples only.
            "valset": [] if optimizer == "copro" else valset,
            "metric": {
                "kind": self.random.choice(("match", "graded")),
                "field": field,
                "expected": field,
                "fail": self._often((0, 0, 0.05, 0.2)),
            },
            "model": {
                "error": self._often((0, 0, 0, 0.05)),
                "garbage": self._often((0, 0, 0, 0.05)),
                "occurrences": self._chance(0.3),
            },
        }

    def _give_sampling(self, program: dict[str, Any]) -> None:
        """Sometimes a module has a temperature of its own."""
        for module in program["modules"]:
            if self._chance(0.1):
                predictor_of(module)["options"] = {"temperature": 0.5}

    def _chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def _often(self, choices: tuple[float, ...]) -> float:
        return self.random.choice(choices)

    def _program(self) -> dict[str, Any]:
        chain = self.random.choice(_CHAINS)
        modules, steps = [], []
        where: dict[str, str] = {name: name for name in _INPUTS}
        for number, (inputs, outputs) in enumerate(chain):
            name = f"m{number}"
            typed = ", ".join(f"{each}: int" if each == "num" else each for each in outputs.split(", "))
            predictor: dict[str, Any] = {"signature": f"{inputs} -> {typed}"}
            if instructions := self.random.choice(_INSTRUCTIONS):
                predictor["instructions"] = instructions
            if self._chance(0.3):
                predictor["demos"] = self._demos(1, 3)
            modules.append({"id": name, self.random.choice(("predict", "chain_of_thought")): predictor})
            steps.append({"id": name, "module": name, "inputs": {each: where[each] for each in inputs.split(", ")}})
            where |= {each: f"{name}.{each}" for each in outputs.split(", ")}
        made = {name: reference for name, reference in where.items() if name not in _INPUTS}
        # The last module's outputs, and sometimes those of others.
        last = f"m{len(chain) - 1}."
        shown = {name: ref for name, ref in made.items() if ref.startswith(last) or self._chance(0.5)}
        return {
            "modules": modules,
            "steps": steps,
            "outputs": shown,
            "lm": "scripted/model",
            "phrasebook": "phrasebooks/dspy",
        }

    def _teacher(self, program: dict[str, Any]) -> dict[str, Any]:
        """One that came out of an optimizer, or one that did not."""
        teacher: dict[str, Any] = json.loads(json.dumps(program))
        bootstrapped = self._chance(0.6)
        for module in teacher["modules"]:
            predictor = predictor_of(module)
            predictor["demos"] = self._demos(1, 3)
            if bootstrapped:
                augmented = {"augmented": True, **self._example(), "reasoning": "Because."}
                predictor["demos"].insert(0, {"fields_json": json.dumps(augmented)})
        return teacher

    def _frozen(self, program: dict[str, Any]) -> list[str]:
        """Modules that DSPy can freeze: a Predict has no submodule, so it cannot."""
        ids = [module["id"] for module in program["modules"] if "chain_of_thought" in module]
        frozen = [each for each in ids if self._chance(0.6)]
        return frozen if len(frozen) < len(program["modules"]) else frozen[1:]

    def _demos(self, low: int, high: int) -> list[dict[str, str]]:
        return [{"fields_json": json.dumps(self._example())} for _ in range(self.random.randint(low, high))]

    def _example(self) -> dict[str, Any]:
        example: dict[str, Any] = {
            "question": f"What is {self.random.randint(0, 40)}?",
            "context": self.random.choice(("here", "", "«there»", "über\nall")),
            "answer": self.random.choice(WORDS),
            "label": self.random.choice(WORDS),
            "query": self.random.choice(WORDS),
            "num": int(self.random.choice(NUMBERS)),
        }
        if self._chance(0.2):
            example["source"] = self.random.choice(("web", 3, 0.5, None, ["x", 1], {"b": 1, "a": True}))
        return example

    def _examples(self, count: int, copies: bool = False) -> list[dict[str, Any]]:
        examples = [self._example() for _ in range(count)]
        if copies and count > 2 and self._chance(0.3):
            examples[self.random.randrange(count)] = dict(self.random.choice(examples))
        return examples

    def _some(self, **settings: Callable[[], Any]) -> dict[str, Any]:
        """Each of the settings, or not: the default then."""
        return {name: value() for name, value in settings.items() if self._chance(0.75)}

    def _labeled_few_shot(self) -> dict[str, Any]:
        return self._some(k=lambda: self.random.choice((1, 3, 5, 6, 16, 40)), in_order=lambda: self._chance(0.5))

    def _bootstrap_few_shot(self, fewest: int = 0) -> dict[str, Any]:
        return self._some(
            max_bootstrapped_demos=lambda: self.random.randint(fewest, 5),
            max_labeled_demos=lambda: self.random.choice((0, 1, 2, 4, 8, 16)),
            max_rounds=lambda: self.random.randint(1, 3),
            metric_threshold=lambda: self.random.choice((0, 0.25, 0.5, 1)),
        )

    def _bootstrap_few_shot_with_random_search(self) -> dict[str, Any]:
        settings = self._bootstrap_few_shot(fewest=1)
        settings["num_candidate_programs"] = self.random.randint(0, 5)
        if self._chance(0.3):
            settings["stop_at_score"] = self.random.choice((0, 20, 50, 100))
        return settings

    def _copro(self) -> dict[str, Any]:
        settings = self._some(init_temperature=lambda: self.random.choice((0.1, 0.7, 1.0, 1.4)))
        return settings | {"breadth": self.random.randint(2, 4), "depth": self.random.randint(1, 3)}


def predictor_of(module: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = module["predict"] if "predict" in module else module["chain_of_thought"]
    return found

"""compat: the same programs in dspex and in the installed DSPy, in process, with a model that answers at once."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tests.bench.installed_dspy import prepare_dspy
from tests.bench.processes import BenchError, Binaries
from tests.bench.results import Result, Selection

NAMES = ("predict/d0", "predict/d8", "chain_of_thought/d8", "json/d0")
CALLS_DSPY = 1500
CALLS_DSPEX = 40_000


@dataclass
class Case:
    """One program on both sides."""

    name: str
    module: Any
    adapter: Any
    inputs: dict[str, Any]
    distinct: str
    outputs: dict[str, Any]


class Compat:
    """Microseconds of CPU for each call on both sides, and their ratio."""

    def __init__(self, binaries: Binaries, selection: Selection, rounds: int) -> None:
        self._binaries = binaries
        self._rounds = rounds

    @staticmethod
    def names() -> list[str]:
        """The results of the suite."""
        what = ("dspex_us", "dspex_per_core", "dspy_us", "dspy_per_core", "times_dspy")
        return [f"compat/{name}/{each}" for name in NAMES for each in what]

    def run(self) -> Iterator[Result]:
        """Measures both sides in turn; the best round of each counts, so that noise favours neither."""
        print("== compat", file=sys.stderr, flush=True)
        prepare_dspy()
        cases = _cases()
        specification = _specification(cases)
        dspex: dict[str, float] = {}
        dspy: dict[str, float] = {}
        for _ in range(self._rounds):
            for name, value in self._dspex(specification).items():
                dspex[name] = min(value, dspex.get(name, value))
            for case in cases:
                value = _dspy(case)
                dspy[case.name] = min(value, dspy.get(case.name, value))
        for name in NAMES:
            yield Result(f"compat/{name}/dspex_us", dspex[name], "us")
            yield Result(f"compat/{name}/dspex_per_core", 1e6 / dspex[name], "calls/s", better="higher")
            yield Result(f"compat/{name}/dspy_us", dspy[name], "us")
            yield Result(f"compat/{name}/dspy_per_core", 1e6 / dspy[name], "calls/s", better="higher")
            yield Result(f"compat/{name}/times_dspy", dspy[name] / dspex[name], "ratio", better="higher")

    def _dspex(self, specification: str) -> dict[str, float]:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "specification.json"
            path.write_text(specification)
            ended = subprocess.run([self._binaries.compat_bench, path], capture_output=True, text=True, check=False)
        if ended.returncode != 0:
            raise BenchError(ended.stderr)
        results: dict[str, float] = json.loads(ended.stdout)
        return results


def _cases() -> list[Case]:
    import dspy
    import pydantic

    place: Any = pydantic.create_model(
        "Place", city=(str, ...), country=(str, ...), population=(int | None, None), __doc__="Where it is."
    )
    facts_type: Any = pydantic.create_model("Facts", capital=(place, ...), neighbours=(list[str], ...))

    kind: Any = Literal["short", "long"]
    look_fields = {
        "question": (str, dspy.InputField()),
        "kind": (kind, dspy.InputField()),
        "facts": (facts_type, dspy.OutputField(desc="what you are sure of")),
    }
    look_signature = dspy.Signature(look_fields, "Say what is known about the country.")
    asked = {"question": "What is the capital of France, asked for the time"}
    plain = dspy.Signature("question: str -> answer: str")
    facts = facts_type(
        capital=place(city="Paris", country="France", population=2_100_000), neighbours=["Spain", "Italy"]
    )

    def with_demos(module: Any, demos: list[dict[str, Any]]) -> Any:
        for _, predictor in module.named_predictors():
            predictor.demos = [dspy.Example(**demo) for demo in demos]
        return module

    qa = [{"question": f"What is the capital of country {i}?", "answer": f"City {i}"} for i in range(8)]
    looked = [
        {"question": f"Where is {i}?", "kind": "short", "reasoning": f"It is known that {i}.", "facts": facts}
        for i in range(8)
    ]
    look = asked | {"kind": "short"}
    thought = {"reasoning": "France has had one for long.", "facts": facts}
    chat = dspy.ChatAdapter()
    return [
        Case("predict/d0", dspy.Predict(plain), chat, asked, "question", {"answer": "Paris"}),
        Case("predict/d8", with_demos(dspy.Predict(plain), qa), chat, asked, "question", {"answer": "Paris"}),
        Case(
            "chain_of_thought/d8",
            with_demos(dspy.ChainOfThought(look_signature), looked),
            chat,
            look,
            "question",
            thought,
        ),
        Case("json/d0", dspy.Predict(look_signature), dspy.JSONAdapter(), look, "question", {"facts": facts}),
    ]


def _signature(case: Case) -> Any:
    return case.module.predictors()[0].signature


def _completion(case: Case) -> str:
    return str(case.adapter.format_assistant_message_content(_signature(case), case.outputs))


def _canned(completion: str) -> Any:
    import dspy

    class Canned(dspy.BaseLM):  # type: ignore[misc]
        """Answers at once; what DSPy's own client would do is not counted against it."""

        def __call__(self, prompt: str | None = None, messages: Any = None, **kwargs: Any) -> list[str]:
            return [completion]

    return Canned("openai/canned")


def _specification(cases: list[Case]) -> str:
    from dspex_dspy.phrasebook import capture
    from dspex_dspy.translate import translate

    phrasebook = capture()
    return json.dumps(
        {
            "phrasebook": phrasebook,
            "cases": [
                {
                    "name": case.name,
                    "program": translate(
                        case.module, phrasebook, adapter=case.adapter, lm_name="openai/canned"
                    ).program,
                    "inputs": case.inputs,
                    "distinct": case.distinct,
                    "completion": _completion(case),
                    "calls": CALLS_DSPEX,
                }
                for case in cases
            ],
        }
    )


def _dspy(case: Case) -> float:
    """Microseconds of CPU for each call of DSPy."""
    import dspy

    with dspy.context(lm=_canned(_completion(case)), adapter=case.adapter):
        for count in (CALLS_DSPY // 10, CALLS_DSPY):  # The first to warm up.
            start = time.process_time()
            for call in range(count):
                case.module(**case.inputs | {case.distinct: f"{case.inputs[case.distinct]} {call}"})
            used = time.process_time() - start
    return 1e6 * used / CALLS_DSPY

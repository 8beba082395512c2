"""A whole random search in dspex and in the installed DSPy, in process, with a model that answers at once."""

from __future__ import annotations

import contextlib
import io
import json
import re
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.installed_dspy import prepare_dspy
from tests.bench.processes import BenchError, Binaries
from tests.bench.results import Result

NAMES = ("dspex_ms", "dspy_ms", "times_dspy", "lm_calls")
# DSPy's defaults, said to both.
SETTINGS = {"max_bootstrapped_demos": 4, "max_labeled_demos": 16, "max_rounds": 1, "num_candidate_programs": 16}
EXAMPLES = 100  # To learn from, and as many others to score.
RUNS_DSPEX = 5
_ASKED = re.compile(r"\[\[ ## question ## \]\]\nHow many are (\d+)")


@dataclass
class Outcome:
    """What a side found, by how many calls."""

    calls: int
    candidates: list[dict[str, Any]]
    best: int


def answer(messages: list[dict[str, str]]) -> str:
    """Doubles the number that is asked for; more demonstrations make it right more often. As search_bench.cc does."""
    asked = _ASKED.search(messages[-1]["content"])
    assert asked is not None, messages[-1]
    number = int(asked.group(1))
    demos = [message["content"] for message in messages if message["role"] == "assistant"]
    right = (number * number + sum(map(len, demos))) % 101 < 45 + 2 * len(demos)
    return (
        f"[[ ## reasoning ## ]]\n{number} counted, then {number} more.\n\n"
        f"[[ ## answer ## ]]\n{2 * number if right else 'unknown'}\n\n[[ ## completed ## ]]"
    )


def examples(first: int, count: int) -> list[dict[str, str]]:
    """Examples of numbers from `first` on."""
    numbers = range(first, first + count)
    return [
        {"question": f"How many are {n} and {n} together, counted one after the other?", "answer": str(2 * n)}
        for n in numbers
    ]


def measure(binaries: Binaries, rounds: int) -> Iterator[Result]:
    """Both sides in turn; they must have done the same."""
    prepare_dspy()
    specification = _specification()
    dspex, dspy = [], []
    _run_dspy(candidates=0)  # To warm up.
    for _ in range(rounds):
        seconds, ours = _run_dspex(binaries, specification)
        dspex.append(seconds)
        taken, theirs = _run_dspy()
        dspy.append(taken)
        check_same(ours, theirs)
    times = statistics.median(b / a for a, b in zip(dspex, dspy, strict=True))
    yield Result("compile/search/dspex_ms", 1e3 * statistics.median(dspex), "ms")
    yield Result("compile/search/dspy_ms", 1e3 * statistics.median(dspy), "ms")
    yield Result("compile/search/times_dspy", times, "ratio", better="higher")
    yield Result("compile/search/lm_calls", ours.calls, "calls")


def check_same(ours: Outcome, theirs: Outcome) -> None:
    """Raises if one side had it easier, or came to something else."""
    for what in ("calls", "best", "candidates"):
        a, b = getattr(ours, what), getattr(theirs, what)
        if a != b:
            raise BenchError(f"dspex and DSPy did not do the same; {what}: {str(a)[:300]} and {str(b)[:300]}")


def _student() -> Any:
    import dspy

    return dspy.ChainOfThought("question -> answer")


def _specification() -> str:
    import dspy

    from dspex_dspy.phrasebook import capture
    from dspex_dspy.translate import translate

    phrasebook = capture()
    program = translate(_student(), phrasebook, adapter=dspy.ChatAdapter(), lm_name="openai/canned").program
    return json.dumps(
        {
            "phrasebook": phrasebook,
            "program": program,
            "compile": {
                "bootstrap_few_shot_with_random_search": SETTINGS,
                "metric": {"exact_match": {"field": "answer"}},
            },
            "input_keys": ["question"],
            "trainset": examples(0, EXAMPLES),
            "valset": examples(EXAMPLES, EXAMPLES),
            "runs": RUNS_DSPEX,
        }
    )


def _run_dspex(binaries: Binaries, specification: str) -> tuple[float, Outcome]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "specification.json"
        path.write_text(specification)
        ended = subprocess.run([binaries.search_bench, path], capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        raise BenchError(ended.stderr)
    report = json.loads(ended.stdout)
    candidates = [{"score": each["score"], "demos": _in_order(each["demos"])} for each in report["candidates"]]
    return statistics.median(report["seconds"]), Outcome(report["calls"], candidates, report["best"])


def _run_dspy(candidates: int = SETTINGS["num_candidate_programs"]) -> tuple[float, Outcome]:
    import dspy
    from dspy.evaluate import answer_exact_match

    class Canned(dspy.BaseLM):  # type: ignore[misc]
        """Answers at once; what DSPy's own client and its caches would do is not counted against it."""

        calls = 0

        def __call__(self, prompt: str | None = None, messages: Any = None, **kwargs: Any) -> list[str]:
            Canned.calls += 1
            return [answer(messages)]

    trainset, valset = (
        [dspy.Example(**example).with_inputs("question") for example in examples(first, EXAMPLES)]
        for first in (0, EXAMPLES)
    )
    settings = SETTINGS | {"num_candidate_programs": candidates}
    quiet = io.StringIO()
    with (
        contextlib.redirect_stdout(quiet),
        contextlib.redirect_stderr(quiet),
        # More threads would take turns at the interpreter's lock.
        dspy.context(lm=Canned("openai/canned"), adapter=dspy.ChatAdapter(), num_threads=1),
    ):
        search = dspy.BootstrapFewShotWithRandomSearch(metric=answer_exact_match, **settings)
        start = time.perf_counter()
        compiled = search.compile(_student(), trainset=trainset, valset=valset)
        seconds = time.perf_counter() - start
    tried = sorted(compiled.candidate_programs, key=lambda candidate: candidate["seed"])
    found = [
        {
            "score": each["score"],
            "demos": _in_order([[demo.toDict() for demo in one.demos] for one in each["program"].predictors()]),
        }
        for each in tried
    ]
    best = next(i for i, each in enumerate(tried) if each["program"] is compiled)
    return seconds, Outcome(Canned.calls, found, best)


def _in_order(demos: list[list[dict[str, Any]]]) -> list[list[list[tuple[str, Any]]]]:
    """The order of their fields counts, too."""
    return [[list(demo.items()) for demo in module] for module in demos]

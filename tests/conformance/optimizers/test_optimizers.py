"""Optimizers find what DSPy's find: the same demos, candidates, scores and choice, by the same requests."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dspy
import pytest

from tests.conformance.optimizers import dspy_side
from tests.conformance.optimizers.cases import OPTIMIZERS, Case, make, predictor_of
from tests.support.paths import binary

# DSPy scores hundreds of predictions in one run.
CASES_TO_A_RUN = 5
# How a run may fail: a failure of the proposing model comes out as it is, others are counted.
REASONS = {"TOO_MANY_FAILURES", "PROVIDER_INVALID_REQUEST", "COMPLETION_UNPARSABLE"}


class Tool:
    """optimizers_tool, running."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def run(self, case: Case) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(case) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, f"optimizers_tool ended with {self._process.wait(10)} at {json.dumps(case)}"
        answered: dict[str, Any] = json.loads(answer)
        return answered


@pytest.fixture(scope="module")
def tool(phrasebook: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tool]:
    path: Path = tmp_path_factory.mktemp("optimizers") / "phrasebook.json"
    path.write_text(json.dumps(phrasebook), encoding="utf-8")
    command = [str(binary("tests/conformance/optimizers/optimizers_tool")), str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8") as process:
        yield Tool(process)
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(10) == 0


def comparable(outcome: dict[str, Any], case: Case) -> dict[str, Any]:
    """Without what is dspex's own: where a candidate came from, and the words of errors."""
    if "error" in outcome:
        assert outcome["error"] is True or outcome["error"]["reason"] in REASONS, outcome["error"]
        return {"error": True, "calls": outcome["calls"]}
    # The sentence that stands for missing instructions may be said or left out.
    defaults = [dspy.Signature(predictor_of(module)["signature"]).instructions for module in case["program"]["modules"]]

    def learned(parameters: dict[str, Any], default: str) -> dict[str, Any]:
        instructions = parameters["instructions"]
        demos = [list(demo.items()) for demo in parameters["demos"]]
        return parameters | {"demos": demos, "instructions": "" if instructions == default else instructions}

    candidates = [
        {
            "score": each["score"],
            "parameters": [learned(*one) for one in zip(each["parameters"], defaults, strict=True)],
        }
        for each in outcome["ok"]["candidates"]
    ]
    return {"candidates": candidates, "best": outcome["ok"]["best"], "calls": outcome["calls"]}


@pytest.mark.timeout(3600)
def test_generated_runs(tool: Tool, generated: Any) -> None:
    ran: Counter[str] = Counter()
    for number in range(max(len(OPTIMIZERS) * 10, generated.cases // CASES_TO_A_RUN)):
        case = make(generated.seed, number)
        dspys = comparable(dspy_side.run(case), case)
        ours = comparable(tool.run(case), case)
        assert ours == dspys, f"seed {generated.seed}, case {number}: {json.dumps(case, ensure_ascii=False)}"
        ran[f"{OPTIMIZERS[number % len(OPTIMIZERS)]} {'failed' if 'error' in ours else 'ran'}"] += 1
    print(dict(ran))
    assert all(ran[f"{optimizer} ran"] > 0 for optimizer in OPTIMIZERS)

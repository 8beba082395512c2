"""What the suite `compile` measures is what it says: the model of both sides, equal work, and jobs that go on."""

from __future__ import annotations

from typing import get_args

import pytest

from tests.bench.processes import BenchError, Binaries
from tests.bench.resume import CONCURRENCY, Kind, measure_resume
from tests.bench.search import Outcome, answer, check_same, examples
from tests.support.paths import bin_dir


def asked(question: str, demos: int) -> str:
    """The answer to a question behind that many demonstrations."""
    shown = [{"role": role, "content": "shown"} for _ in range(demos) for role in ("user", "assistant")]
    return answer([*shown, {"role": "user", "content": f"[[ ## question ## ]]\n{question}\n\nRespond."}])


def test_the_canned_model_is_right_more_often_with_more_demonstrations() -> None:
    asks = examples(0, 100)

    def right(demos: int) -> int:
        return sum(f"\n{each['answer']}\n" in asked(each["question"], demos) for each in asks)

    assert 0 < right(0) < right(8) < right(16) < 100


def test_sides_that_did_not_do_the_same_do_not_compare() -> None:
    check_same(Outcome(3, [{"score": 1.0}], 0), Outcome(3, [{"score": 1.0}], 0))
    for other in (Outcome(4, [{"score": 1.0}], 0), Outcome(3, [{"score": 2.0}], 0), Outcome(3, [{"score": 1.0}], 1)):
        with pytest.raises(BenchError, match="did not do the same"):
            check_same(Outcome(3, [{"score": 1.0}], 0), other)


@pytest.mark.parametrize("kind", get_args(Kind))
def test_a_killed_job_goes_on_where_it_was(kind: Kind) -> None:
    figures = measure_resume(Binaries(bin_dir()), kind, calls=1000)
    assert figures.answered == 980
    assert 0 <= figures.paid_twice <= CONCURRENCY
    assert figures.journal_mib > 0

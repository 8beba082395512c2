"""The frame of generated cases: as many as --cases says, by the seed that --seed says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st


def for_each(generated: Any, *strategies: st.SearchStrategy[Any], one_in: int = 1) -> Callable[[Any], None]:
    """Runs the decorated function for each generated case; of slow ones for one in several.

    Nothing is kept between runs, so that a seed makes the same cases everywhere; a failure shows the smallest one.
    """
    frame = settings(
        max_examples=max(1, generated.cases // one_in),
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
        print_blob=False,
    )

    def run(check: Any) -> None:
        seed(generated.seed)(frame(given(*strategies)(check)))()

    return run

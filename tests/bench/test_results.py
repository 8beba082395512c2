"""The choice of results, their goals and how they are printed."""

from __future__ import annotations

import pytest

from tests.bench.results import GOALS, Result, Selection, format_table
from tests.bench.suites import SUITES

ALL = [name for suite in SUITES for name in suite.names()]


def test_names_are_unique_and_every_goal_has_one() -> None:
    assert len(set(ALL)) == len(ALL)
    assert set(GOALS) <= set(ALL)


@pytest.mark.parametrize(
    ("wanted", "name", "has"),
    [
        ([], "engine/d0/us", True),
        (["engine"], "engine/d0/us", True),
        (["engine/"], "engine/d0/us", True),
        (["engine/d0/us"], "engine/d0/us", True),
        (["forward/d6"], "forward/d64/c1/rps", False),
        (["idle", "forward/d64"], "forward/d64/c1/rps", True),
        (["idle"], "engine/d0/us", False),
    ],
)
def test_a_name_selects_itself_and_what_is_below_it(wanted: list[str], name: str, has: bool) -> None:
    assert Selection(wanted).has(name) is has


def test_unknown_names_are_told() -> None:
    assert Selection(["engine", "forwrad", "floor/raw/c2"]).unknown(ALL) == ["forwrad", "floor/raw/c2"]


def test_a_goal_is_met_from_the_better_side() -> None:
    assert Result("idle/start_ms", 100.0, "ms").met is True
    assert Result("idle/start_ms", 100.1, "ms").met is False
    assert Result("in_flight/10000/answered", 9_999, "requests", better="higher").met is False
    assert Result("floor/echo/c64/cpu", 18.0, "us").met is None


def test_results_are_printed_for_people_and_for_programs() -> None:
    result = Result("idle/start_ms", 123.456, "ms")
    expected = {"name": "idle/start_ms", "value": 123.456, "unit": "ms", "goal": 100.0, "better": "lower"}
    assert result.as_json() == expected
    header, row = format_table([result]).splitlines()
    assert header.split() == ["name", "value", "unit", "goal", "met"]
    assert row.split() == ["idle/start_ms", "123.46", "ms", "100", "NO"]

"""Named results with their goals, the choice among them, the table and the JSON."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

# The most a value may be to meet its goal (for answered, ended_well and times_dspy the least). Names without one are
# for orientation.
GOALS = {
    "forward/d0/c64/cpu_vs_equipped": 1.25,
    "forward/d8/c64/cpu_vs_equipped": 1.25,
    "forward/d64/c64/cpu_vs_equipped": 1.25,
    "forward/d0/c1/p50_vs_equipped": 1.15,
    "forward/d8/c1/p50_vs_equipped": 1.15,
    "forward/d64/c1/p50_vs_equipped": 1.15,
    "engine/d0/us": 3.0,
    "engine/d64/us": 5.0,
    "engine/50kB/us": 60.0,
    "compat/predict/d0/times_dspy": 65.0,
    "compat/predict/d8/times_dspy": 150.0,
    "providers/stack/default/us": 3.0,
    "providers/stack/whole/us": 3.0,
    "providers/stream/c64/first_added_us": 200.0,
    "providers/streams/1000/ended_well": 1_000.0,
    "compile/evaluate/256/vs_ideal": 1.05,
    "compile/search/times_dspy": 30.0,
    "idle/start_ms": 100.0,
    "idle/rss_mib": 32.0,
    "idle/anon_mib": 10.0,
    "in_flight/10000/answered": 10_000.0,
    "in_flight/10000/peak_rss_mib": 500.0,
}


def say(text: str) -> None:
    """Tells a person what goes on."""
    print(f"== {text}", file=sys.stderr, flush=True)


@dataclass(frozen=True)
class Result:
    """One measured value."""

    name: str
    value: float
    unit: str
    better: Literal["lower", "higher"] = "lower"

    @property
    def goal(self) -> float | None:
        """What the value should reach."""
        return GOALS.get(self.name)

    @property
    def met(self) -> bool | None:
        """Whether it does; None without a goal."""
        if self.goal is None:
            return None
        return self.value <= self.goal if self.better == "lower" else self.value >= self.goal

    def as_json(self) -> dict[str, object]:
        """The element of the list that --json writes."""
        return {"name": self.name, "value": self.value, "unit": self.unit, "goal": self.goal, "better": self.better}


class Selection:
    """The names asked for: a name or the beginning of names at a slash. None asked for selects all."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = [name.rstrip("/") for name in names]

    def has(self, name: str) -> bool:
        """Whether a result is wanted."""
        return not self._names or any(name == wanted or name.startswith(f"{wanted}/") for wanted in self._names)

    def has_any(self, names: Iterable[str]) -> bool:
        """Whether one of the results is wanted."""
        return any(self.has(name) for name in names)

    def unknown(self, names: Iterable[str]) -> list[str]:
        """What was asked for that no result of `names` answers to."""
        known = list(names)
        return [wanted for wanted in self._names if not Selection([wanted]).has_any(known)]


def format_table(results: Iterable[Result]) -> str:
    """The results as a table for people."""
    met = {True: "yes", False: "NO", None: ""}
    rows = [("name", "value", "unit", "goal", "met")]
    for result in results:
        goal = "" if result.goal is None else f"{result.goal:g}"
        rows.append((result.name, f"{result.value:.2f}", result.unit, goal, met[result.met]))
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    lines = [
        f"{name:<{widths[0]}}  {value:>{widths[1]}}  {unit:<{widths[2]}}  {goal:>{widths[3]}}  {done}".rstrip()
        for name, value, unit, goal, done in rows
    ]
    return "\n".join(lines)

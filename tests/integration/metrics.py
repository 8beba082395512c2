"""Reads a server's metrics page."""

from __future__ import annotations

import re
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass

_SAMPLE = re.compile(r"^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$")
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True)
class Sample:
    """One line of the page."""

    name: str
    labels: dict[str, str]
    value: float


class Page:
    """A metrics page as it was at one moment."""

    def __init__(self, address: str, *, only: Sequence[str] = ()) -> None:
        """Reads it; `only` the lines that hold one of these, where the page is long."""
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=10) as response:
            self.text: str = response.read().decode()
        self.samples: list[Sample] = []
        for line in self.text.splitlines():
            if only and not any(part in line for part in only):
                continue
            if line and not line.startswith("#"):
                match = _SAMPLE.match(line)
                assert match is not None, f"not a sample: {line}"
                name, labels, value = match.groups()
                self.samples.append(Sample(name, dict(_LABEL.findall(labels or "")), float(value)))

    def find(self, name: str, **labels: str) -> list[Sample]:
        """The samples of that name which have these labels."""
        return [s for s in self.samples if s.name == name and labels.items() <= s.labels.items()]

    def sum(self, name: str, **labels: str) -> float:
        """Their sum; 0 if there are none."""
        return sum(sample.value for sample in self.find(name, **labels))

"""compile: Evaluate and Compile, what they keep, and what is served beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tests.bench import beside, evaluation, search
from tests.bench.datasets import measure_import
from tests.bench.processes import Binaries
from tests.bench.results import Result, Selection, say
from tests.bench.resume import Kind, measure_resume

# By their names in results. A million takes minutes; `python -m tests.bench.datasets` and `tests.bench.resume` do it.
IMPORTED = {"200k": 200_000}
RESUMED: dict[tuple[Kind, str], int] = {("scored", "50k"): 50_000, ("replayed", "5k"): 5_000}


class Compile:
    """compile: five groups, each with names of its own."""

    def __init__(self, binaries: Binaries, selection: Selection, rounds: int) -> None:
        self._binaries = binaries
        self._selection = selection
        self._rounds = rounds

    @staticmethod
    def names() -> list[str]:
        """The results of the suite."""
        return [name for names in _names().values() for name in names]

    def run(self) -> Iterator[Result]:
        """Measures what is wanted."""
        few = min(self._rounds, 3)
        groups: dict[str, Callable[[], Iterator[Result]]] = {
            "evaluate": lambda: evaluation.measure(self._binaries, self._rounds),
            "search": lambda: search.measure(self._binaries, few),
            "import": self._import,
            "resume": self._resume,
            "beside": lambda: beside.measure(self._binaries, few),
        }
        for group, names in _names().items():
            if self._selection.has_any(names):
                say(f"compile: {group}")
                yield from groups[group]()

    def _import(self) -> Iterator[Result]:
        for label, examples in IMPORTED.items():
            figures = measure_import(self._binaries, examples)
            prefix = f"compile/import/{label}"
            yield Result(f"{prefix}/examples_per_s", figures.examples_per_s, "1/s", better="higher")
            yield Result(f"{prefix}/server_peak_rss_mib", figures.server_peak_rss_mib, "MiB")
            yield Result(f"{prefix}/client_peak_rss_mib", figures.client_peak_rss_mib, "MiB")

    def _resume(self) -> Iterator[Result]:
        for (kind, label), calls in RESUMED.items():
            prefix = f"compile/resume/{kind}/{label}"
            if not self._selection.has_any(name for name in self.names() if name.startswith(prefix)):
                continue
            figures = measure_resume(self._binaries, kind, calls)
            yield Result(f"{prefix}/ms", figures.resume_ms, "ms")
            yield Result(f"{prefix}/journalled_per_s", figures.calls_per_s, "1/s", better="higher")
            yield Result(f"{prefix}/peak_rss_mib", figures.peak_rss_mib, "MiB")


def _names() -> dict[str, list[str]]:
    imported = ("examples_per_s", "server_peak_rss_mib", "client_peak_rss_mib")
    resumed = ("ms", "journalled_per_s", "peak_rss_mib")
    names = {
        "evaluate": [f"{evaluation.EXAMPLES}/{name}" for name in evaluation.NAMES],
        "search": list(search.NAMES),
        "import": [f"{label}/{name}" for label in IMPORTED for name in imported],
        "resume": [f"{kind}/{label}/{name}" for kind, label in RESUMED for name in resumed],
        "beside": list(beside.NAMES),
    }
    return {group: [f"compile/{group}/{name}" for name in each] for group, each in names.items()}

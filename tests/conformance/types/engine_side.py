"""The engine's line tool, `types_tool`."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from tests.support.paths import binary

Declarations = Sequence[Mapping[str, Any]]


class Engine:
    """One process of it; asks and answers are lines. `builtin` has the schemas of DSPy's own types."""

    def __init__(self, process: subprocess.Popen[str], builtin: Mapping[str, Any]) -> None:
        self._process = process
        self._builtin = builtin

    def ask(self, op: str, **line: Any) -> dict[str, Any]:
        if "dspy." in str(line):
            line["builtin"] = self._builtin
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"op": op, **line}, ensure_ascii=False) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer


@contextmanager
def engine(builtin: Mapping[str, Any]) -> Iterator[Engine]:
    tool = str(binary("tests/conformance/types/types_tool"))
    with subprocess.Popen([tool], stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8") as process:
        try:
            yield Engine(process, builtin)
        finally:
            process.kill()

"""The engine's side of these tests: a process that answers one JSON line by another."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.support.paths import binary


class Tool:
    """state_tool, running."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ask(self, **line: Any) -> dict[str, Any]:
        """{"ok": ...} or {"error": {"reason", "message"}}. A crash fails the test that asked."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(line) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, f"state_tool ended with {self._process.wait(10)} at {json.dumps(line)[:2000]}"
        answered: dict[str, Any] = json.loads(answer)
        return answered

    def result(self, **line: Any) -> Any:
        """What is in "ok"; fails on an error."""
        answer = self.ask(**line)
        assert "ok" in answer, f"{answer} at {json.dumps(line)[:2000]}"
        return answer["ok"]


@contextmanager
def running() -> Iterator[Tool]:
    with subprocess.Popen(
        [str(binary("tests/conformance/state/state_tool"))],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8",
    ) as process:  # fmt: skip
        yield Tool(process)
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(10) == 0

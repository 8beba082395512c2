"""A language model server whose answer is a function of the request and of how often it came, and which counts."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

# The request's body and its occurrence, from 0, to the completion.
Model = Callable[[dict[str, Any], int], str]


def chance(body: dict[str, Any], occurrence: int) -> float:
    """A number from 0 to 1 that is the same for the same request and occurrence."""
    text = json.dumps(body, sort_keys=True) + f"#{occurrence}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6]) / 2**48


class FunctionModel:
    """Serves chat completions on a loopback port. Use as a context manager."""

    def __init__(self, model: Model, *, delay: float = 0.0) -> None:
        self.model = model
        self.delay = delay
        # Answers with this status in place of the model's, while it is set.
        self.fault: int | None = None
        self._lock = threading.Lock()
        self._answered: Counter[str] = Counter()
        self.in_flight = 0
        self.most_in_flight = 0
        handler = type("Handler", (_Handler,), {"owner": self})
        self._server = _Server(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def calls(self) -> int:
        """Calls that came, faults left out."""
        with self._lock:
            return self._answered.total()

    def counts(self) -> Counter[str]:
        """How often each request came, by its body."""
        with self._lock:
            return Counter(self._answered)

    def reset(self) -> None:
        """Forgets what came."""
        with self._lock:
            self._answered.clear()
            self.most_in_flight = self.in_flight

    def begin(self, body: dict[str, Any]) -> tuple[int, str]:
        """Notes a call; the status and the completion to answer with."""
        with self._lock:
            self.in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self.in_flight)
            if self.fault is not None:
                return self.fault, ""
            key = json.dumps(body, sort_keys=True)
            occurrence = self._answered[key]
            self._answered[key] += 1
        return 200, self.model(body, occurrence)

    def end(self) -> None:
        """Notes the end of a call."""
        with self._lock:
            self.in_flight -= 1


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that was killed is no error."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner: FunctionModel

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        status, text = self.owner.begin(body)
        try:
            time.sleep(self.owner.delay)
            answer: dict[str, Any] = {"error": {"message": "on demand", "type": "test"}}
            if status == 200:
                message = {"role": "assistant", "content": text}
                choice = {"index": 0, "finish_reason": "stop", "message": message}
                usage = {"prompt_tokens": 20, "completion_tokens": 10, "total_tokens": 30}
                answer = {"id": "x", "object": "chat.completion", "model": "m", "choices": [choice], "usage": usage}
            data = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
        except OSError:
            self.close_connection = True  # The caller went away.
        finally:
            self.owner.end()

    def log_message(self, *_: Any) -> None:
        pass

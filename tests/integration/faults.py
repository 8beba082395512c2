"""The table of faults: what a provider does, and what callers get, what is sent and what is charged for it.

Outcomes are written as `REASON xATTEMPTS, pays WHAT`, where REASON is an error's without PROVIDER_ (`ok` if there is an
answer) and WHAT is

- `nothing`,
- `answer`: what the provider counted for one answer,
- `N estimates`: N times what the request is estimated at, as nobody knows what became of it,
- `part`, `whole`: the estimate of the request and of what came of the answer, about half of it or all; also where the
  provider does not count,
- `start`: what the provider counted when it began: a token of output.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc

from tests.integration.api import completion
from tests.support.process import sanitized

Code = grpc.StatusCode
# The dialect, and how providers of it are called here.
KINDS = {"openai": "chat", "openai_responses": "responses", "anthropic": "messages"}
MODES = ("plain", "stream")
ANSWER = "x" * 60
COMPLETION = completion(answer=ANSWER)
# What comes of it before a fault in the middle of a stream, in deltas of five characters.
PART = COMPLETION[: (-(-len(COMPLETION) // 5) + 1) // 2 * 5]
# What the server's peers send as this character arrives as a byte that UTF-8 does not know.
MANGLED = "@"
INPUT_TOKENS, OUTPUT_TOKENS = 1000, 100
PRICES = {"*": {"input": "1", "output": "10"}}
# Their codes, as in docs/errors.md; UNKNOWN_MODEL is a PROVIDER_INVALID_REQUEST that is no fault of the caller's.
CODES = {
    "PROVIDER_AUTH": Code.FAILED_PRECONDITION,
    "PROVIDER_PERMISSION": Code.FAILED_PRECONDITION,
    "PROVIDER_BILLING": Code.FAILED_PRECONDITION,
    "PROVIDER_UNREACHABLE": Code.UNAVAILABLE,
    "PROVIDER_OVERLOADED": Code.UNAVAILABLE,
    "PROVIDER_CIRCUIT_OPEN": Code.UNAVAILABLE,
    "PROVIDER_RATE_LIMITED": Code.RESOURCE_EXHAUSTED,
    "PROVIDER_TIMEOUT": Code.DEADLINE_EXCEEDED,
    "PROVIDER_INVALID_REQUEST": Code.INVALID_ARGUMENT,
    "UNKNOWN_MODEL": Code.FAILED_PRECONDITION,
    "PROVIDER_MALFORMED_RESPONSE": Code.INTERNAL,
    "CONTEXT_WINDOW_EXCEEDED": Code.INVALID_ARGUMENT,
    "CONTENT_FILTERED": Code.INVALID_ARGUMENT,
    "MODEL_REFUSED": Code.INVALID_ARGUMENT,
    "COMPLETION_TRUNCATED": Code.DATA_LOSS,
}
SHORT = {
    "OVERLOADED", "UNREACHABLE", "TIMEOUT", "RATE_LIMITED", "AUTH", "PERMISSION", "BILLING", "INVALID_REQUEST",
    "MALFORMED_RESPONSE", "CIRCUIT_OPEN",
}  # fmt: skip
_OUTCOME = re.compile(r"(\w+) x(\d+), pays (nothing|part|whole|start|(?:(\d+) estimates?)?(?: and )?(answer)?)$")


@dataclass(frozen=True)
class Outcome:
    """What is to become of a call."""

    reason: str
    """Empty if there is an answer."""
    code: grpc.StatusCode
    attempts: int
    pays: str
    estimates: int
    answers: int

    @classmethod
    def read(cls, text: str) -> Outcome:
        match = _OUTCOME.match(text)
        assert match is not None, text
        reason, attempts, pays, estimates, answer = match.groups()
        full = "" if reason == "ok" else f"PROVIDER_{reason}" if reason in SHORT else reason
        code = Code.OK if reason == "ok" else CODES[full]
        full = "PROVIDER_INVALID_REQUEST" if reason == "UNKNOWN_MODEL" else full
        broke = pays in ("part", "whole")
        return cls(full, code, int(attempts), pays, int(broke or int(estimates or 0)), int(answer is not None))


@dataclass(frozen=True)
class Fault:
    """A row of the table."""

    name: str
    rules: dict[str, Any]
    """A rule of the mock's; the requests that it does not answer get the answer."""
    plain: str
    stream: str = "="
    """`=`: as plain."""
    except_for: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Other outcomes by kind and mode."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """More of the provider's configuration."""
    retry_delay: float | None = None
    """What callers are told to wait."""
    waits: float = 0
    """What passes, at least, between the first and the second attempt."""
    phase: str = ""
    """Where a time-out passed."""
    modes: tuple[str, ...] = MODES

    def outcome(self, kind: str, mode: str) -> Outcome:
        text = self.except_for.get(kind, {}).get(mode) or (self.plain if mode == "plain" else self.stream)
        return Outcome.read(self.plain if text == "=" else text)


def usage(kind: str) -> dict[str, int]:
    """What the mock says that an answer took, in the words of its face."""
    words = ("prompt_tokens", "completion_tokens") if kind == "openai" else ("input_tokens", "output_tokens")
    return dict(zip(words, (INPUT_TOKENS, OUTPUT_TOKENS), strict=True))


def answer(kind: str) -> dict[str, Any]:
    """The mock's rule for a good answer."""
    return {"reply": {"content": COMPLETION, "usage": usage(kind)}}


def script(fault: Fault, kind: str) -> list[dict[str, Any]]:
    """The mock's rules for a row."""
    reply = fault.rules.get("reply", {})
    whole = reply if "raw_body" in reply else answer(kind)["reply"] | reply
    return [fault.rules | {"reply": whole}, answer(kind)]


def request_bytes(body: Any) -> int:
    """Bytes of the text in a request's messages, which an estimate counts."""

    def texts(value: Any) -> Iterator[str]:
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            for item in value:
                yield from texts(item)
        elif isinstance(value, dict):
            yield from texts(value.get("content", value.get("text", "")))

    parts = (body.get(key, "") for key in ("system", "instructions", "messages", "input"))
    return sum(len(text.encode()) for part in parts for text in texts(part))


def duration(milliseconds: int) -> str:
    """A time-out in the configuration; longer where a sanitizer makes everything slow."""
    return f"{milliseconds * (10 if sanitized() else 1)}ms"


def _once(rules: dict[str, Any]) -> dict[str, Any]:
    return rules | {"times": 1}


def _twice(rules: dict[str, Any]) -> dict[str, Any]:
    return rules | {"times": 2}


def _refused(status: int, headers: Mapping[str, str], **more: Any) -> dict[str, Any]:
    """A refusal with these headers."""
    reply = {"status": status, "raw_body": "{}", "headers": {"content-type": "application/json", **headers}}
    return {"reply": reply, **more}


def dated(rules: Any) -> Any:
    """The rules with each "{now+3600}" as the date that is so many seconds from now."""

    def date(match: re.Match[str]) -> str:
        return (datetime.now(UTC) + timedelta(seconds=int(match[1]))).strftime("%a, %d %b %Y %H:%M:%S GMT")

    return json.loads(re.sub(r"\{now([+-]\d+)\}", date, json.dumps(rules)))


_JSON = {"content-type": "application/json"}
_EVENTS = {"content-type": "text/event-stream"}
_FIRST = {"fault_after_events": 0}
# What never comes is not waited for long.
_IMPATIENT = {"timeouts": {"connect": duration(100), "first_byte": duration(100), "idle": duration(100)}}
_SOON = {"timeouts": {"total": duration(150)}}

# fmt: off
REFUSALS = [
    # The provider has a reason, which stays: one attempt, and nobody pays.
    Fault("invalid_request", {"fault": "invalid_request"}, "INVALID_REQUEST x1, pays nothing"),
    Fault("content_filter", {"fault": "content_filter"}, "CONTENT_FILTERED x1, pays nothing"),
    Fault("context_length", {"fault": "context_length_exceeded"}, "CONTEXT_WINDOW_EXCEEDED x1, pays nothing"),
    Fault("permission", {"fault": "permission_denied"}, "PERMISSION x1, pays nothing"),
    Fault("unauthorized", {"fault": "unauthorized"}, "AUTH x1, pays nothing"),
    Fault("quota", {"fault": "insufficient_quota"}, "BILLING x1, pays nothing"),
    Fault("no_model", {"fault": "model_not_found"}, "UNKNOWN_MODEL x1, pays nothing"),
]
PASSING = [
    # What may pass is tried again, three times in all.
    Fault("rate_limited", {"fault": "rate_limited"}, "RATE_LIMITED x3, pays nothing"),
    Fault("rate_limited-1", _once({"fault": "rate_limited"}), "ok x2, pays answer"),
    Fault("rate_limited-2", _twice({"fault": "rate_limited"}), "ok x3, pays answer"),
    Fault("server_error", {"fault": "server_error"}, "OVERLOADED x3, pays nothing"),
    Fault("server_error-1", _once({"fault": "server_error"}), "ok x2, pays answer"),
    Fault("server_error-2", _twice({"fault": "server_error"}), "ok x3, pays answer"),
    Fault("unavailable", {"fault": "unavailable"}, "OVERLOADED x3, pays nothing"),
    Fault("unavailable-1", _once({"fault": "unavailable"}), "ok x2, pays answer"),
    Fault("overloaded", {"fault": "overloaded"}, "OVERLOADED x3, pays nothing"),
    Fault("overloaded-2", _twice({"fault": "overloaded"}), "ok x3, pays answer"),
    Fault("request_timeout", _refused(408, {}), "OVERLOADED x3, pays nothing"),
    Fault("chunked_error-1", _once({"fault": "server_error", "chunked": True, "chunk_bytes": 1}), "ok x2, pays answer"),
]
RETRY_AFTER = [
    # A wait that the caller has no time for is not begun; callers are told of it.
    Fault("after_hour", _refused(429, {"retry-after": "3600"}), "RATE_LIMITED x1, pays nothing", retry_delay=3600),
    Fault("after_hour_ms", _refused(503, {"retry-after-ms": "3600000"}), "OVERLOADED x1, pays nothing",
          retry_delay=3600),
    Fault("after_date", _refused(429, {"retry-after": "{now+3600}"}), "RATE_LIMITED x1, pays nothing",
          retry_delay=3600),
    Fault("after_seconds-1", _refused(429, {"retry-after": "0.12"}, times=1), "ok x2, pays answer", waits=0.12),
    Fault("after_ms-1", _refused(503, {"retry-after-ms": "120"}, times=1), "ok x2, pays answer", waits=0.12),
    # The milliseconds are the more exact of the two.
    Fault("after_both-1", _refused(429, {"retry-after": "3600", "retry-after-ms": "120"}, times=1),
          "ok x2, pays answer", waits=0.12),
    Fault("after_past-1", _refused(429, {"retry-after": "{now-3600}"}, times=1), "ok x2, pays answer"),
    Fault("after_garbage-1", _refused(429, {"retry-after": "soon"}, times=1), "ok x2, pays answer"),
]
CONNECTIONS = [
    Fault("closed_port", {}, "UNREACHABLE x3, pays nothing"),
    Fault("silent_port", {}, "TIMEOUT x3, pays nothing", settings=_IMPATIENT, phase="connect"),
    Fault("close", {"fault": "close_without_response"}, "UNREACHABLE x3, pays nothing"),
    Fault("close-1", _once({"fault": "close_without_response"}), "ok x2, pays answer"),
    Fault("reset", {"fault": "reset_before_response"}, "UNREACHABLE x3, pays nothing"),
    Fault("reset-2", _twice({"fault": "reset_before_response"}), "ok x3, pays answer"),
    # A stream that has given text is not begun anew.
    Fault("close_in_body", {"fault": "close_in_body"},
          "UNREACHABLE x3, pays nothing", "UNREACHABLE x1, pays part"),
    Fault("close_in_body-1", _once({"fault": "close_in_body"}), "ok x2, pays answer", "UNREACHABLE x1, pays part"),
    Fault("close_at_start-2", _twice({"fault": "close_in_body", **_FIRST}), "ok x3, pays answer"),
    Fault("reset_in_body", {"fault": "reset_in_body"},
          "UNREACHABLE x3, pays nothing", "UNREACHABLE x1, pays part"),
    Fault("reset_in_body-2", _twice({"fault": "reset_in_body"}), "ok x3, pays answer", "UNREACHABLE x1, pays part"),
    Fault("reset_at_start", {"fault": "reset_in_body", **_FIRST}, "UNREACHABLE x3, pays nothing"),
]
SILENCE = [
    # Sent and given up: somebody may be at work on it, so each such attempt is charged by estimate.
    Fault("hang", {"fault": "hang"}, "TIMEOUT x3, pays 3 estimates", settings=_IMPATIENT, phase="first_byte"),
    Fault("hang-1", _once({"fault": "hang"}), "ok x2, pays 1 estimate and answer"),
    Fault("hang-2", _twice({"fault": "hang"}), "ok x3, pays 2 estimates and answer"),
    Fault("hang_in_body", {"fault": "hang_in_body"},
          "TIMEOUT x3, pays 3 estimates", "TIMEOUT x1, pays part", settings=_IMPATIENT, phase="idle"),
    Fault("hang_in_body-1", _once({"fault": "hang_in_body"}),
          "ok x2, pays 1 estimate and answer", "TIMEOUT x1, pays part", phase="idle"),
    Fault("hang_at_start", {"fault": "hang_in_body", **_FIRST}, "TIMEOUT x3, pays 3 estimates", settings=_IMPATIENT,
          phase="idle"),
    Fault("hang_at_start-1", _once({"fault": "hang_in_body", **_FIRST}), "ok x2, pays 1 estimate and answer"),
    Fault("drip", {"fault": "slow_drip", "drip_ms": 50},
          "TIMEOUT x3, pays 3 estimates", "TIMEOUT x1, pays part", settings=_SOON, phase="total"),
    # A pause that is shorter than the time-out is none.
    Fault("latency", {"latency": {"fixed_ms": 60}}, "ok x1, pays answer"),
]
BROKEN = [
    # Not what the dialect says: it will not be the next time.
    Fault("truncated_json", {"fault": "truncated_json"},
          "MALFORMED_RESPONSE x1, pays nothing", "MALFORMED_RESPONSE x1, pays part"),
    Fault("malformed_json-1", _once({"fault": "malformed_json"}),
          "MALFORMED_RESPONSE x1, pays nothing", "MALFORMED_RESPONSE x1, pays part"),
    Fault("malformed_event", {"fault": "malformed_event"},
          "ok x1, pays answer", "MALFORMED_RESPONSE x1, pays part"),
    Fault("malformed_at_start", {"fault": "malformed_event", **_FIRST},
          "ok x1, pays answer", "MALFORMED_RESPONSE x1, pays nothing"),
    Fault("error_in_stream", {"fault": "error_in_stream"}, "ok x1, pays answer", "OVERLOADED x1, pays part"),
    Fault("error_at_start", {"fault": "error_in_stream", **_FIRST},
          "ok x1, pays answer", "OVERLOADED x3, pays nothing"),
    Fault("error_at_start-2", _twice({"fault": "error_in_stream", **_FIRST}),
          "ok x1, pays answer", "ok x3, pays answer"),
    Fault("truncated_stream", {"fault": "truncated_stream"}, "ok x1, pays answer", "UNREACHABLE x1, pays part"),
    Fault("truncated_at_start-1", _once({"fault": "truncated_stream", **_FIRST}),
          "ok x1, pays answer", "ok x2, pays answer"),
    Fault("web_page", {"fault": "wrong_content_type"}, "MALFORMED_RESPONSE x1, pays nothing"),
    Fault("redirect", {"fault": "redirect"}, "MALFORMED_RESPONSE x1, pays nothing"),
    Fault("empty_body", {"reply": {"raw_body": "", "headers": _JSON}}, "MALFORMED_RESPONSE x1, pays nothing"),
    Fault("lone_surrogate", {"reply": {"raw_body": '{"x": "\\ud800"}', "headers": _JSON}},
          "MALFORMED_RESPONSE x1, pays nothing"),
    Fault("large_body", {"reply": {"raw_body": "[" + " " * 5000, "headers": _JSON}},
          "MALFORMED_RESPONSE x1, pays nothing", settings={"max_response_bytes": 4096}),
    Fault("unwanted_stream", {"reply": {"raw_body": "data: {}\n\n", "headers": _EVENTS}},
          "MALFORMED_RESPONSE x1, pays nothing", modes=("plain",)),
    Fault("large_event", {"reply": {"raw_body": "data: " + "x" * (9 << 20), "headers": _EVENTS}},
          "MALFORMED_RESPONSE x1, pays nothing", modes=("stream",)),
    Fault("invalid_utf8", {"reply": {"content": PART + MANGLED + COMPLETION[len(PART) + 1 :]}},
          "MALFORMED_RESPONSE x1, pays nothing", "MALFORMED_RESPONSE x1, pays part"),
    Fault("invalid_utf8_at_start", {"reply": {"content": MANGLED + COMPLETION}}, "MALFORMED_RESPONSE x1, pays nothing"),
]
ENDINGS = [
    # The model's own ends that are no answers: answered, so charged.
    Fault("length", {"reply": {"finish_reason": "length"}}, "COMPLETION_TRUNCATED x1, pays answer"),
    Fault("filtered", {"reply": {"finish_reason": "content_filter"}}, "CONTENT_FILTERED x1, pays answer",
          except_for={"anthropic": {"plain": "MODEL_REFUSED x1, pays answer",
                                    "stream": "MODEL_REFUSED x1, pays answer"}}),
    Fault("refusal", {"reply": {"refusal": "No."}}, "MODEL_REFUSED x1, pays answer"),
]
IMITATIONS = [
    # What servers get wrong that imitate a provider, and no caller need know of.
    Fault("keep_alives", {"keep_alives": True}, "ok x1, pays answer"),
    Fault("crlf", {"crlf": True, "chunk_bytes": 1}, "ok x1, pays answer"),
    Fault("cut", {"chunk_bytes": 7, "keep_alives": True}, "ok x1, pays answer"),
    Fault("no_chunked", {"no_chunked": True}, "ok x1, pays answer"),
    Fault("no_usage", {"no_usage": True}, "ok x1, pays whole"),
    Fault("no_done", {"no_done": True}, "ok x1, pays answer"),
    # Chat's [DONE] and Anthropic's message_stop are an end, too.
    Fault("no_finish_reason", {"no_finish_reason": True}, "ok x1, pays answer",
          except_for={"anthropic": {"stream": "ok x1, pays start"},
                      "openai_responses": {"stream": "UNREACHABLE x1, pays whole"}}),
    # Neither: nobody can tell whether that was all.
    Fault("no_end", {"no_finish_reason": True, "no_done": True}, "ok x1, pays answer", "UNREACHABLE x1, pays whole"),
    # The end of the connection is no end of a completion either.
    Fault("no_end_no_length", {"no_finish_reason": True, "no_done": True, "no_chunked": True},
          "ok x1, pays answer", "UNREACHABLE x1, pays whole"),
]
# fmt: on
TABLE = [*REFUSALS, *PASSING, *RETRY_AFTER, *CONNECTIONS, *SILENCE, *BROKEN, *ENDINGS, *IMITATIONS]

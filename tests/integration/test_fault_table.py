"""Faults times providers times modes: which error, how many attempts, what is charged, and nothing left behind.

The table is in faults.py. At the end of this file the decorators are taken out of the stack, one at a time.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import grpc
import pytest
from dspex.v1 import prediction_service_pb2 as predictions_pb
from dspex.v1 import values_pb2

from tests.integration import faults, peers
from tests.integration.api import Client, check_error, predict
from tests.integration.faults import KINDS, MODES, TABLE, Fault, Outcome
from tests.integration.metrics import Page
from tests.mock_llm.client import MockLlm, Request
from tests.support.errors import RichError, rich_error
from tests.support.paths import binary
from tests.support.process import memory_counts
from tests.support.server import DspexServer, eventually

# Time-outs that are long enough for whatever comes, and short enough to be waited for.
TIMEOUTS = {"connect": faults.duration(200), "first_byte": faults.duration(200), "idle": faults.duration(200)}
RETRY = {"max_attempts": 3, "base_delay": "1ms", "max_delay": "2ms"}
BREAKER = {"window": 20, "failure_percent": 50}
ONCE = {"retry": {"max_attempts": 1}}
FRAIL = ONCE | {"breaker": {"window": 4, "failure_percent": 50, "open_for": "600s"}}
STURDY = ONCE | {"breaker": {"window": 4, "failure_percent": 0}}
BY_NAME = {fault.name: fault for fault in TABLE}
CELLS = [(fault, kind, mode) for fault in TABLE for kind in KINDS for mode in fault.modes]
RETRIED = [fault for fault in TABLE if any(fault.outcome(kind, mode).attempts > 1 for kind in KINDS for mode in MODES)]
# Whether the breaker takes it for a failure of the endpoint's.
BREAKING = {
    "unavailable": True, "server_error": True, "overloaded": True, "close": True, "reset": True, "hang": True,
    "truncated_json": True, "web_page": True, "redirect": True, "closed_port": True,
    "rate_limited": False, "unauthorized": False, "quota": False, "invalid_request": False, "context_length": False,
}  # fmt: skip
# What becomes of a call that has another model to go to.
FALLING = {
    "unavailable": "ok x2, pays answer",
    "rate_limited": "ok x2, pays answer",
    "unauthorized": "ok x2, pays answer",
    "permission": "ok x2, pays answer",
    "quota": "ok x2, pays answer",
    "no_model": "ok x2, pays answer",
    "close": "ok x2, pays answer",
    "hang": "ok x2, pays 1 estimate and answer",
    "web_page": "ok x2, pays answer",
    "redirect": "ok x2, pays answer",
    "close_at_start-2": "ok x2, pays answer",
    "after_hour": "ok x2, pays answer",
    # Any provider would say so.
    "invalid_request": "INVALID_REQUEST x1, pays nothing",
    "context_length": "CONTEXT_WINDOW_EXCEEDED x1, pays nothing",
    "content_filter": "CONTENT_FILTERED x1, pays nothing",
    # A stream that has given text is not begun anew.
    "close_in_body": "ok x2, pays answer; stream: UNREACHABLE x1, pays part",
}

# Stacks by the names that their providers have before the fault's, and the faults that each is for.
STACKS: dict[str, tuple[dict[str, Any], Collection[str]]] = {
    "all": ({}, BY_NAME),
    "once": (ONCE, {fault.name for fault in RETRIED}),
    "chained": (ONCE, FALLING),
    "alone": (ONCE, FALLING),
    "frail": (FRAIL, BREAKING),
    "sturdy": (STURDY, BREAKING),
}


def identity(value: object) -> str | None:
    return value.name if isinstance(value, Fault) else KINDS.get(str(value))


@dataclass
class Got:
    """What became of a call."""

    events: list[Any] = field(default_factory=list)
    prediction: values_pb2.Prediction | None = None
    error: RichError | None = None
    requests: list[Request] = field(default_factory=list)
    tokens: tuple[float, float] = (0, 0)

    @property
    def reason(self) -> str:
        return "" if self.error is None else self.error.reason

    @property
    def told(self) -> str:
        """The text of the answer that a client of a stream had seen."""
        return "".join(event.field_delta.text for event in self.events)

    @property
    def models(self) -> list[str]:
        """Those that were asked, in turn."""
        return [str(request.json()["model"]) for request in self.requests]

    @property
    def usage(self) -> values_pb2.Usage | None:
        """What the caller is told of the costs; nothing where there is no place for it."""
        if self.prediction is not None:
            return self.prediction.usage
        interruptions = [event.interruption for event in self.events if event.WhichOneof("event") == "interruption"]
        return interruptions[-1].usage if interruptions else None


class Stand:
    """A server whose providers are all of one kind, one for each cell, so that none knows of another; and their mock.

    Providers named `chained-...` have another, `spare-chained-...`, to fall back to.
    """

    def __init__(self, kind: str, folder: Path, stacks: Collection[str]) -> None:
        self.kind = kind
        self._stack = ExitStack()
        # Calls one after another: the mock's script is of one cell.
        self._thread = self._stack.enter_context(ThreadPoolExecutor(1))
        # The mock's connections by the model that they were opened for.
        self._used: dict[str, set[int]] = {}
        self.mock = self._stack.enter_context(MockLlm.start(binary("tests/mock_llm/mock_llm")))
        self._elsewhere = {
            "closed_port": self._stack.enter_context(peers.closed_port()),
            "silent_port": self._stack.enter_context(peers.silent_port()),
            "invalid_utf8": (mangler := self._stack.enter_context(peers.mangler(self.mock.port, faults.MANGLED))),
            "invalid_utf8_at_start": mangler,
        }
        providers = {
            f"{stack}-{name}-{mode}": self._provider(BY_NAME[name], **STACKS[stack][0])
            for stack in stacks
            for name in STACKS[stack][1]
            for mode in MODES
        }
        chained = [name for name in providers if name.startswith("chained-")]
        providers |= {f"spare-{name}": self._provider(Fault("", {}, "")) for name in chained}
        fallbacks = {f"{name}/*": {"models": [f"spare-{name}/m"]} for name in chained}
        config = {"providers": providers, "fallbacks": fallbacks, "cache": {"max_bytes": 1 << 20}}
        self.server = self._stack.enter_context(DspexServer(folder, config=config, env={"KEY": "k"}))
        self.client = self._stack.enter_context(Client(self.server))

    def _provider(self, fault: Fault, **more: Any) -> dict[str, Any]:
        url = self._elsewhere.get(fault.name, self.mock.base_url)
        common = {"kind": self.kind, "base_url": url, "api_key_env": "KEY", "prices": faults.PRICES}
        return {**common, "timeouts": TIMEOUTS, "retry": RETRY, "breaker": BREAKER, **fault.settings, **more}

    def close(self) -> None:
        """Holds if the server has nothing to wait for and no defect to tell of."""
        assert self.server.logs("defect") == []
        self._stack.close()

    def start(self, rules: list[dict[str, Any]], model: str, mode: str) -> Future[Got]:
        """Calls a model, after what was started before."""
        return self._thread.submit(self._call, rules, model, mode)

    def _call(self, rules: list[dict[str, Any]], model: str, mode: str) -> Got:
        self.mock.reset()
        self.mock.script(faults.dated(rules))
        providers = [f'provider="{model.partition("/")[0]}"']
        if model.endswith("/chained"):
            providers.append(f'provider="spare-{model.partition("/")[0]}"')
        got = Got()
        ask(self.client, model, mode, got)
        self.mock.wait("in_flight", 0)
        got.requests = self.mock.requests()
        used = self._used.setdefault(model, set())
        used |= {request.connection for request in got.requests}
        settled = eventually(lambda: self._settled(providers, used))
        assert settled is not None
        got.tokens = tokens(settled)
        return got

    def _settled(self, providers: Sequence[str], used: set[int]) -> Page | None:
        """The metrics if nothing is in flight, and of the connections that were used those are open that are idle."""
        page = Page(self.server.metrics_address, only=[*providers, "dspex_rpcs_in_flight"])
        busy = page.sum("dspex_http_connections", state="in_use") + page.sum("dspex_http_waiting")
        busy += page.sum("dspex_limiter_waiting") + page.sum("dspex_rpcs_in_flight")
        is_open = [c for c in self.mock.connections().connections if c.id in used and c.closed is None]
        return page if busy == 0 and page.sum("dspex_http_connections", state="idle") == len(is_open) else None


def ask(client: Client, model: str, mode: str, got: Got) -> None:
    """Calls a model in one of the modes."""
    arguments: dict[str, Any] = {"inline_program": predict("question -> answer", lm=model)}
    arguments["inputs_json"] = json.dumps({"question": "?"})
    try:
        if mode == "plain":
            request = predictions_pb.ForwardRequest(**arguments)
            got.prediction = client.predictions.Forward(request, timeout=20).prediction
            return
        streamed = predictions_pb.ForwardStreamRequest(**arguments)
        for event in client.predictions.ForwardStream(streamed, timeout=20):
            got.events.append(event)
        got.prediction = got.events[-1].prediction
    except grpc.RpcError as error:
        got.error = rich_error(error)
        check_error(got.error)


def tokens(page: Page) -> tuple[float, float]:
    """Input and output tokens that were charged."""
    name = "dspex_lm_tokens_total"
    return page.sum(name, direction="input"), page.sum(name, direction="output")


@pytest.fixture(scope="module")
def stands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Stand]]:
    """A stand of each kind, for the table with and without retries."""
    yield from make_stands(tmp_path_factory, ["all", "once"])


@pytest.fixture(scope="module")
def breaker_stands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Stand]]:
    """For calls with and without a breaker."""
    yield from make_stands(tmp_path_factory, ["frail", "sturdy"])


@pytest.fixture(scope="module")
def fallback_stands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Stand]]:
    """For calls with and without a fallback."""
    yield from make_stands(tmp_path_factory, ["chained", "alone"])


def make_stands(folders: pytest.TempPathFactory, stacks: Collection[str]) -> Iterator[dict[str, Stand]]:
    made = {kind: Stand(kind, folders.mktemp(kind), stacks) for kind in KINDS}
    yield made
    for stand in made.values():
        stand.close()


@pytest.fixture(scope="module")
def run(stands: dict[str, Stand]) -> Callable[[Fault, str, str], Got]:
    """Runs a cell of the table; the cells of a fault are run side by side, as some wait for time-outs."""
    started: dict[tuple[str, str, str], Future[Got]] = {}

    def get(fault: Fault, kind: str, mode: str) -> Got:
        if (fault.name, kind, mode) not in started:
            for each, stand in stands.items():
                for way in fault.modes:
                    call = stand.start(faults.script(fault, each), f"all-{fault.name}-{way}/m", way)
                    started[fault.name, each, way] = call
        return started[fault.name, kind, mode].result()

    return get


def expected_tokens(want: Outcome, got: Got) -> tuple[int, int]:
    """Input and output tokens that are charged."""
    if want.pays == "start":
        return faults.INPUT_TOKENS, 1
    estimate = -(-faults.request_bytes(got.requests[0].json()) // 4) if got.requests else 0
    came = {"part": faults.PART, "whole": faults.COMPLETION}.get(want.pays, "")
    tokens_in = want.estimates * estimate + want.answers * faults.INPUT_TOKENS
    return tokens_in, -(-len(came) // 4) + want.answers * faults.OUTPUT_TOKENS


def check_answer(got: Got, mode: str) -> None:
    """Holds if the call has the good answer, and what failed attempts gave is not among its events."""
    assert got.prediction is not None, got.error
    assert json.loads(got.prediction.outputs_json) == {"answer": faults.ANSWER}
    assert mode == "plain" or got.told == faults.ANSWER


def check_charge(got: Got, want: Outcome) -> None:
    """Holds if metrics and caller are told of that charge."""
    assert got.tokens == expected_tokens(want, got)
    if want.pays in ("part", "whole"):
        assert 0 < len(got.told) < len(faults.ANSWER) or want.pays == "whole"
        assert got.usage is not None
    if got.usage is not None:
        cost = (Decimal(got.tokens[0]) + 10 * Decimal(got.tokens[1])) / 1_000_000
        assert (got.usage.input_tokens, got.usage.output_tokens) == got.tokens
        assert Decimal(got.usage.cost or 0) == cost
        assert got.usage.estimated == (want.estimates > 0)
        assert got.usage.lm_calls == (0 if want.reason.startswith("PROVIDER_") else 1)


def test_there_are_enough_cells() -> None:
    assert len(CELLS) >= 200
    assert len({fault.name for fault in TABLE}) == len(TABLE)


@pytest.mark.parametrize(("fault", "kind", "mode"), CELLS, ids=identity)
def test_fault(run: Callable[[Fault, str, str], Got], fault: Fault, kind: str, mode: str) -> None:
    want = fault.outcome(kind, mode)
    got = run(fault, kind, mode)
    # Which error.
    assert got.reason == want.reason, got
    if got.error is None:
        check_answer(got, mode)
    else:
        assert got.error.code == want.code
        if fault.retry_delay is None:
            assert got.error.retry_delay is None
        else:
            assert got.error.retry_delay == pytest.approx(fault.retry_delay, abs=120)
        if fault.phase:
            assert got.error.metadata["phase"] == fault.phase
    # How many attempts.
    if not fault.name.endswith("_port"):
        assert len(got.requests) == want.attempts
    if got.error is not None and got.reason.startswith("PROVIDER_"):
        assert got.error.metadata["attempts"] == str(want.attempts)
    assert not any("redirected" in request.target for request in got.requests), "redirects are not followed"
    assert len({request.body for request in got.requests}) <= 1, "each attempt sends the same"
    if fault.waits:
        assert got.requests[1].time - got.requests[0].time >= fault.waits - 0.005
    # What is charged.
    check_charge(got, want)


@pytest.mark.parametrize("fault", RETRIED, ids=identity)
def test_without_retries_each_cell_that_has_some_differs(stands: dict[str, Stand], fault: Fault) -> None:
    calls = {
        (kind, mode): stand.start(faults.script(fault, kind), f"once-{fault.name}-{mode}/m", mode)
        for kind, stand in stands.items()
        for mode in fault.modes
    }
    for (kind, mode), call in calls.items():
        want, got = fault.outcome(kind, mode), call.result()
        if want.attempts == 1:
            continue
        assert got.error is not None, "what another attempt would have put right is an error"
        assert got.error.metadata["attempts"] == "1"
        assert len(got.requests) == (0 if fault.name.endswith("_port") else 1)
        if want.reason:
            assert got.reason == want.reason


@pytest.mark.parametrize("kind", KINDS, ids=identity)
@pytest.mark.parametrize("name", BREAKING)
def test_breaker(breaker_stands: dict[str, Stand], name: str, kind: str) -> None:
    """Four failures open it, and the fifth call is not sent; what is no failure, or without the breaker, it is."""
    fault, stand = BY_NAME[name], breaker_stands[kind]
    sent = 0 if name.endswith("_port") else 1
    for mode in MODES:
        calls = {}
        for stack in ("frail", "sturdy"):
            model = f"{stack}-{name}-{mode}/m"
            calls[stack] = [stand.start([fault.rules], model, mode) for _ in range(5)]
        own = fault.outcome(kind, mode).reason
        for stack, started in calls.items():
            got = [call.result() for call in started]
            refused = stack == "frail" and BREAKING[name]
            assert [each.reason for each in got] == [own] * 4 + ["PROVIDER_CIRCUIT_OPEN" if refused else own]
            assert [len(each.requests) for each in got] == [sent] * 4 + [0 if refused else sent]
            error = got[-1].error
            assert error is not None
            if refused:
                assert error.code == grpc.StatusCode.UNAVAILABLE
                assert error.retry_delay == pytest.approx(600, abs=60)
                assert got[-1].tokens == got[-2].tokens, "what is not sent is not charged"


@pytest.mark.parametrize("kind", KINDS, ids=identity)
@pytest.mark.parametrize("name", FALLING)
def test_fallback(fallback_stands: dict[str, Stand], name: str, kind: str) -> None:
    """The next model answers where it may; without a fallback the call ends with the fault's own error."""
    fault, stand = BY_NAME[name], fallback_stands[kind]
    spare = {"match": {"model": "m"}, **faults.answer(kind)}
    calls = {}
    for mode in MODES:
        for stack in ("chained", "alone"):
            rules = [spare, *faults.script(fault, kind)]
            calls[mode, stack] = stand.start(rules, f"{stack}-{name}-{mode}/{stack}", mode)
    for mode in MODES:
        plain, _, stream = FALLING[name].partition("; stream: ")
        want = Outcome.read(stream if stream and mode == "stream" else plain)
        got, alone = calls[mode, "chained"].result(), calls[mode, "alone"].result()
        assert got.reason == want.reason
        assert got.models == ["chained", "m"][: want.attempts]
        check_charge(got, want)
        if got.error is None:
            check_answer(got, mode)
        else:
            assert got.error.metadata["attempts"] == str(want.attempts)
        assert alone.error is not None
        assert alone.models == ["alone"]
        assert alone.reason == (want.reason or alone.reason)


def test_nothing_is_left_behind(tmp_path: Path) -> None:
    """Neither sockets nor memory, after thousands of calls that failed in every way."""
    with MockLlm.start(binary("tests/mock_llm/mock_llm"), record=False) as mock:
        rows = [row for row in TABLE if not row.name.startswith(("after_", "rate_limited", "large_", "invalid_utf8"))]
        rows = [row for row in rows if not row.name.endswith("_port")]
        impatient = {"timeouts": {"first_byte": "40ms", "idle": "40ms", "total": "60ms"}, "limits": {}}
        providers = {
            KINDS[kind]: {"kind": kind, "base_url": mock.base_url, "api_key_env": "KEY", **impatient, "retry": RETRY}
            for kind in KINDS
        }
        with (
            DspexServer(tmp_path, config={"providers": providers}, env={"KEY": "k"}) as server,
            Client(server) as client,
        ):
            mock.script([{"match": {"model": row.name}, **row.rules, "times": 1 << 30} for row in rows])
            cells = [(f"{kind}/{row.name}", mode) for row in rows for kind in KINDS.values() for mode in row.modes]

            def once(cell: tuple[str, str]) -> str:
                got = Got()
                ask(client, *cell, got)
                return got.reason

            def calm() -> bool:
                page = Page(server.metrics_address)
                busy = page.sum("dspex_http_connections", state="in_use") + page.sum("dspex_rpcs_in_flight")
                return busy == 0

            with ThreadPoolExecutor(16) as threads:
                list(threads.map(once, cells * 2))
                eventually(calm)
                before = server.usage()
                reasons = list(threads.map(once, cells * 6))
            eventually(calm)
            assert len(set(reasons)) > 8
            after = server.usage()
            assert after.sockets <= before.sockets + 32, "a pool's connections, no more"
            assert not memory_counts() or after.rss_bytes - before.rss_bytes < 16 << 20
            assert after.threads <= before.threads + 2

"""An outage of the first endpoint under load: callers with a fallback do not notice, and it is not multiplied."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.integration.api import Client, completion
from tests.integration.faults import duration
from tests.integration.metrics import Page
from tests.integration.test_fault_table import Got, ask
from tests.mock_llm.client import MockLlm
from tests.support.paths import binary
from tests.support.server import DspexServer, eventually

CALLERS = 32
CALLS = 1000
WINDOW = 20
OPEN_FOR = 0.5
SOON = duration(200)
ANSWER = {"reply": {"content": completion(answer="x")}}


class Site:
    """A server, the endpoint that fails and the one to fall back to."""

    def __init__(self, folder: Path, breaker: dict[str, Any]) -> None:
        self._stack = ExitStack()
        self.first = MockLlm.start(binary("tests/mock_llm/mock_llm"))
        self._stack.callback(lambda: self.first.stop())
        self.spare = self._stack.enter_context(MockLlm.start(binary("tests/mock_llm/mock_llm"), record=False))
        self.first.script([ANSWER])
        self.spare.script([ANSWER])
        common = {"kind": "openai", "timeouts": {"connect": SOON, "first_byte": SOON, "idle": SOON}}
        common["retry"] = {"max_attempts": 3, "base_delay": "1ms", "max_delay": "2ms"}
        patient = {"timeouts": {"first_byte": "10s"}}
        providers = {
            "first": {**common, "base_url": self.first.base_url, "breaker": breaker},
            "spare": {**common, "base_url": self.spare.base_url, **patient},
        }
        config = {"providers": providers, "fallbacks": {"first/m": {"models": ["spare/m"]}}}
        self.server = self._stack.enter_context(DspexServer(folder, config=config))
        self.client = self._stack.enter_context(Client(self.server))

    def close(self) -> None:
        self._stack.close()

    def ask(self, mode: str, model: str = "first/m") -> str:
        """The reason of the error that a call ends with; empty if it is answered."""
        got = Got()
        ask(self.client, model, mode, got)
        return got.reason

    def attempts(self) -> float:
        """How often the first endpoint was tried."""
        return Page(self.server.metrics_address).sum("dspex_lm_calls_total", provider="first")

    def answered(self) -> float:
        """How often it answered."""
        return Page(self.server.metrics_address).sum("dspex_lm_calls_total", provider="first", outcome="ok")

    # Outages, and their ends.

    def refuse(self) -> Callable[[], None]:
        port = self.first.port
        self.first.stop()

        def end() -> None:
            self.first = MockLlm.start(binary("tests/mock_llm/mock_llm"), port=port)
            self.first.script([ANSWER])

        return end

    def fail(self) -> Callable[[], None]:
        return self._answer_with({"fault": "unavailable"})

    def swallow(self) -> Callable[[], None]:
        """A black hole: connections are made, and nobody reads."""
        os.kill(self.first.pid, signal.SIGSTOP)
        return lambda: os.kill(self.first.pid, signal.SIGCONT)

    def hang(self) -> Callable[[], None]:
        """Nothing after the header and the beginning of the body."""
        return self._answer_with({"fault": "hang_in_body", "fault_after_events": 0})

    def _answer_with(self, rule: dict[str, Any]) -> Callable[[], None]:
        self.first.script([rule])
        return lambda: self.first.script([ANSWER])


OUTAGES = {"refused": Site.refuse, "503": Site.fail, "black hole": Site.swallow, "hang after headers": Site.hang}


@pytest.fixture
def start_site(tmp_path: Path) -> Iterator[Callable[[dict[str, Any]], Site]]:
    with ExitStack() as sites:

        def start(breaker: dict[str, Any]) -> Site:
            site = Site(tmp_path, breaker)
            sites.callback(site.close)
            return site

        yield start


def modes(count: int) -> list[str]:
    """Every fourth call is a stream."""
    return ["stream" if i % 4 == 0 else "plain" for i in range(count)]


@pytest.mark.parametrize("outage", OUTAGES)
def test_callers_with_a_fallback_do_not_notice(start_site: Callable[[dict[str, Any]], Site], outage: str) -> None:
    """Less than one error in a thousand calls; and the breaker bounds what the endpoint is asked meanwhile.

    It opens when half of the last 20 outcomes are failures, so when the last 20 are of the outage at the latest. What
    is in flight then ends behind that, at most one attempt for each caller. From then on one attempt is let through
    each time it was open for OPEN_FOR. Retries are among these; the retry budget, a fifth of the calls, allows more.
    """
    site = start_site({"window": WINDOW, "failure_percent": 50, "open_for": f"{round(OPEN_FOR * 1000)}ms"})
    reasons: Counter[str] = Counter()
    with ThreadPoolExecutor(CALLERS) as threads:
        assert set(threads.map(site.ask, ["plain"] * 200)) == {""}
        slow = site.attempts() - site.answered()
        assert slow < 5, "all is well at first"
        # The outage begins with calls in flight; a stream of then might have given text already.
        going = threads.map(site.ask, ["plain"] * 200)
        began = time.monotonic()
        end = OUTAGES[outage](site)
        reasons.update(going)
        while reasons.total() < CALLS + 200 or time.monotonic() - began < 4 * OPEN_FOR:
            reasons.update(threads.map(site.ask, modes(200)))
        lasted, failed = time.monotonic() - began, site.attempts() - site.answered() - slow
        end()
    print(f"{outage}: {failed:.0f} failed attempts for {reasons.total()} calls in {lasted:.1f} s")
    assert (reasons.total() - reasons[""]) / reasons.total() < 0.001, reasons
    assert 1 <= failed <= WINDOW + CALLERS + lasted / OPEN_FOR + 1
    # And when it is over, the first endpoint is asked again.
    known = site.answered()
    eventually(lambda: site.ask("plain") == "" and site.answered() > known)


@pytest.mark.parametrize("outage", ["refused", "503"])
def test_the_retry_budget_alone_bounds_attempts(start_site: Callable[[dict[str, Any]], Site], outage: str) -> None:
    """Without a breaker each call is tried; retries are a fifth of the calls and the 20 that were saved up."""
    site = start_site({"failure_percent": 0})
    with ThreadPoolExecutor(CALLERS) as threads:
        assert set(threads.map(site.ask, ["plain"] * 200)) == {""}
        OUTAGES[outage](site)
        before = site.attempts()
        reasons = Counter(threads.map(site.ask, modes(CALLS)))
        attempts = site.attempts() - before
    assert reasons == {"": CALLS}
    print(f"{outage}: {attempts:.0f} attempts for {CALLS} calls")
    assert CALLS <= attempts <= CALLS * 1.2 + 20


def test_without_a_fallback_callers_notice(start_site: Callable[[dict[str, Any]], Site]) -> None:
    """What the fallback is good for: all calls fail, most of them at once."""
    site = start_site({"window": WINDOW, "failure_percent": 50, "open_for": "600s"})
    site.fail()
    with ThreadPoolExecutor(CALLERS) as threads:
        reasons = Counter(threads.map(lambda _: site.ask("plain", "first/alone"), range(300)))
    assert set(reasons) <= {"PROVIDER_OVERLOADED", "PROVIDER_CIRCUIT_OPEN"}
    assert reasons["PROVIDER_CIRCUIT_OPEN"] > 200
    assert site.attempts() <= WINDOW + CALLERS

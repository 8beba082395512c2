"""Keys and headers are for the endpoint that they belong to, and nobody else gets to see them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest

from tests.integration.api import SECRET_PROMPT, Client, completion, predict
from tests.integration.faults import KINDS, MODES
from tests.integration.metrics import Page
from tests.integration.test_fault_table import Got, ask
from tests.mock_llm.client import MockLlm, Request
from tests.support.errors import rich_error
from tests.support.paths import binary
from tests.support.server import DspexServer, eventually

# Of no form that is known for keys.
KEYS = {"FIRST": "zq7first0f8b1c6d", "SECOND": "zq7second93a4e5f", "THIRD": "zq7third2b7c8d9e"}
CALLER_KEY = "zq7caller55d2a1b0"
SECRETS = (*KEYS.values(), CALLER_KEY, SECRET_PROMPT)
# How each dialect sends its key, and the headers that are its alone.
CREDENTIALS = {
    "openai": ("authorization", "Bearer "),
    "openai_responses": ("authorization", "Bearer "),
    "anthropic": ("x-api-key", ""),
}
PATHS = {"openai": "/chat/completions", "openai_responses": "/responses", "anthropic": "/messages"}
ALLOWED = {"host", "user-agent", "accept", "content-type", "content-length"}
JSON = {"content-type": "application/json"}
EVENTS = {"content-type": "text/event-stream"}
QA = "question -> answer"
ANSWER = {"reply": {"content": completion(answer="x")}}
INPUTS = {"question": SECRET_PROMPT}


@dataclass
class Site:
    """A server and two mocks; all that it says is looked through at the end."""

    first: MockLlm
    second: MockLlm
    server: DspexServer
    client: Client


def providers(first: MockLlm, second: MockLlm) -> dict[str, Any]:
    """For each kind: a provider at each mock, and one with an endpoint at both."""
    every: dict[str, Any] = {}
    for kind, name in KINDS.items():
        common = {"kind": kind, "timeouts": {"first_byte": "2s"}}
        every[f"{name}-first"] = {**common, "base_url": first.base_url, "api_key_env": "FIRST"}
        every[f"{name}-second"] = {**common, "base_url": second.base_url, "api_key_env": "SECOND"}
        every[f"{name}-none"] = {**common, "base_url": second.base_url}
        further = [{"base_url": second.base_url, "api_key_env": "SECOND", "weight": 2}, {"base_url": second.base_url}]
        every[f"{name}-routed"] = every[f"{name}-first"] | {"endpoints": further}
    return every


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with ExitStack() as stack:
        first = stack.enter_context(MockLlm.start(binary("tests/mock_llm/mock_llm")))
        second = stack.enter_context(MockLlm.start(binary("tests/mock_llm/mock_llm")))
        fallbacks = {
            f"{name}-first/to-{other}": {"models": [f"{other}-second/m"]}
            for name in KINDS.values()
            for other in KINDS.values()
        }
        config = {"providers": providers(first, second), "fallbacks": fallbacks, "log": {"level": "debug"}}
        server = stack.enter_context(DspexServer(tmp_path_factory.mktemp("isolation"), config=config, env=KEYS))
        client = stack.enter_context(Client(server))
        yield Site(first, second, server, client)
        page = Page(server.metrics_address).text
        assert server.stop() == 0
        assert len(server.logs("rpc")) > 100
        for secret in SECRETS:
            assert secret not in server.output()
            assert secret not in page


@pytest.fixture(autouse=True)
def mocks(site: Site) -> None:
    """Both as if just started."""
    for mock in (site.first, site.second):
        mock.reset()
        mock.script([ANSWER])


def check_request(request: Request, kind: str, key: str | None) -> None:
    """Holds if the request has that key, in its dialect's way, and no other header that tells anything."""
    name, prefix = CREDENTIALS[kind]
    assert request.target.endswith(PATHS[kind])
    own = {name} if key else set()
    assert request.headers.get(name) == (prefix + key if key else None)
    own |= {"anthropic-version"} if kind == "anthropic" else set()
    assert set(request.headers) <= ALLOWED | own
    whole = f"{request.target} {request.headers} {request.body}"
    assert not any(other in whole for other in (*KEYS.values(), CALLER_KEY) if other != key)


def call(site: Site, model: str, mode: str) -> Got:
    got = Got()
    ask(site.client, model, mode, got)
    return got


@pytest.mark.parametrize("kind", KINDS)
def test_each_endpoint_gets_its_own_key(site: Site, kind: str) -> None:
    """The last endpoint has none, and is sent none."""
    for i in range(40):
        call(site, f"{KINDS[kind]}-routed/m", MODES[i % 2])
    seen = set()
    for request in site.first.requests():
        check_request(request, kind, KEYS["FIRST"])
    for request in site.second.requests():
        key = KEYS["SECOND"] if KEYS["SECOND"] in str(request.headers) else None
        check_request(request, kind, key)
        seen.add(key)
    assert site.first.requests()
    assert seen == {KEYS["SECOND"], None}, "of forty calls each endpoint has some"


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("fault", ["unavailable", "unauthorized", "rate_limited", "redirect", "malformed_json"])
@pytest.mark.parametrize("other", KINDS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_fallback_takes_nothing_with_it(site: Site, kind: str, other: str, fault: str, mode: str) -> None:
    """Neither key nor headers nor the dialect of the model that failed."""
    rule = {"fault": fault} if fault != "malformed_json" else {"reply": {"raw_body": "{", "headers": JSON}}
    site.first.script([rule])
    got = call(site, f"{KINDS[kind]}-first/to-{KINDS[other]}", mode)
    assert got.error is None
    [refused], [answered] = site.first.requests(), site.second.requests()
    check_request(refused, kind, KEYS["FIRST"])
    check_request(answered, other, KEYS["SECOND"])


@pytest.mark.parametrize("kind", KINDS)
def test_what_callers_send_stays_here(site: Site, kind: str) -> None:
    """The metadata of an RPC is not for providers."""
    metadata = {"authorization": f"Bearer {CALLER_KEY}", "x-api-key": CALLER_KEY, "cookie": CALLER_KEY}
    metadata |= {"openai-organization": CALLER_KEY, "anthropic-beta": CALLER_KEY, "x-forwarded-for": CALLER_KEY}
    site.client.forward(predict(QA, lm=f"{KINDS[kind]}-first/m"), INPUTS, metadata=metadata)
    check_request(site.first.requests()[0], kind, KEYS["FIRST"])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("kind", KINDS)
def test_a_redirect_carries_nothing_anywhere(site: Site, kind: str, status: int, mode: str) -> None:
    target = f"{site.second.base_url}{PATHS[kind]}?key={KEYS['FIRST']}"
    site.first.script([{"reply": {"status": status, "raw_body": target, "headers": {"location": target}}}])
    got = call(site, f"{KINDS[kind]}-first/m", mode)
    assert got.reason == "PROVIDER_MALFORMED_RESPONSE"
    assert not any(secret in repr(got.error) for secret in SECRETS)
    assert len(site.first.requests()) == 1
    assert site.second.requests() == []


ECHOES: dict[str, Callable[[str], dict[str, Any]]] = {
    "message": lambda key: {"error": {"message": f"Incorrect key {key}.", "type": "x", "code": "x"}},
    "text": lambda key: {"error": f"Incorrect key {key}."},
    "code": lambda key: {"error": {"message": "Incorrect.", "type": key, "code": key}},
    "header": lambda key: {"error": {"message": f"You sent Authorization: Bearer {key}{key}"}},
    "long": lambda key: {"type": "error", "error": {"message": "x" * 290 + key, "type": key}},
}


def check_silent(site: Site, got: Got) -> None:
    assert got.error is not None
    assert not any(secret in repr(got.error) for secret in SECRETS), got.error


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("echo", ECHOES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_key_that_an_error_echoes_is_masked(site: Site, kind: str, echo: str, mode: str) -> None:
    for status in (400, 401, 403, 404, 429, 500):
        body = json.dumps(ECHOES[echo](KEYS["FIRST"]))
        site.first.script([{"reply": {"status": status, "raw_body": body, "headers": JSON}}])
        check_silent(site, call(site, f"{KINDS[kind]}-first/m", mode))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "names",
    [
        pytest.param(["x-request-id", "request-id"], id="request-id"),
        pytest.param(["retry-after", "x-ratelimit-limit-requests"], id="limits"),
        pytest.param(["content-type", "server"], id="others"),
    ],
)
def test_a_key_that_a_header_echoes_is_not_passed_on(site: Site, names: list[str], kind: str, mode: str) -> None:
    headers = {**JSON, **dict.fromkeys(names, KEYS["FIRST"])}
    site.first.script([{"reply": {"status": 429, "raw_body": "{}", "headers": headers}}])
    check_silent(site, call(site, f"{KINDS[kind]}-first/m", mode))


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_that_a_stream_echoes_is_masked(site: Site, kind: str) -> None:
    """In an error among its events, before the first text."""
    key = KEYS["FIRST"]
    for error in ({"message": f"No: {key}", "code": key}, {"message": key, "type": key}):
        for event in ({"type": "error", "error": error}, {"type": "response.failed", "response": {"error": error}}):
            name = event["type"]
            body = f"event: {name}\ndata: {json.dumps(event)}\n\n"
            site.first.script([{"reply": {"raw_body": body, "headers": EVENTS}}])
            check_silent(site, call(site, f"{KINDS[kind]}-first/m", "stream"))


def test_a_key_in_a_failed_response_is_masked(site: Site) -> None:
    """Responses say in a 200 that they failed."""
    error = {"message": f"No: {KEYS['FIRST']}", "code": KEYS["FIRST"]}
    body = json.dumps({"object": "response", "status": "failed", "output": [], "error": error})
    site.first.script([{"reply": {"raw_body": body, "headers": JSON}}])
    check_silent(site, call(site, "responses-first/m", "plain"))


def test_a_key_that_cannot_be_sent_is_not_shown(tmp_path: Path) -> None:
    """The server does not start with it, and says where it is from."""
    key_file = tmp_path / "key"
    key_file.write_text(f"{KEYS['FIRST']}\n{KEYS['SECOND']}\n")
    openai = {"base_url": "http://127.0.0.1:1/v1", "api_key_file": str(key_file)}
    server = DspexServer(tmp_path / "server", config={"providers": {"openai": openai}})
    with pytest.raises(RuntimeError, match="openai") as caught:
        server.start()
    assert not any(key in str(caught.value) for key in KEYS.values())


def test_a_server_knows_its_keys_from_a_file(tmp_path: Path, site: Site) -> None:
    key_file = tmp_path / "key"
    key_file.write_text(f" {KEYS['THIRD']}\n")
    openai = {"base_url": site.first.base_url, "api_key_file": str(key_file)}
    with DspexServer(tmp_path / "server", config={"providers": {"openai": openai}}) as server, Client(server) as client:
        client.forward(predict(QA, lm="openai/m"), INPUTS)
        body = json.dumps({"error": KEYS["THIRD"]})
        site.first.script([{"reply": {"status": 401, "raw_body": body, "headers": JSON}}])
        with pytest.raises(grpc.RpcError) as caught:
            client.forward(predict(QA, lm="openai/m"), INPUTS)
        assert KEYS["THIRD"] not in repr(rich_error(caught.value))
        eventually(lambda: len(server.logs("rpc")) == 2)
        assert KEYS["THIRD"] not in server.output() + Page(server.metrics_address).text
    for request in site.first.requests():
        check_request(request, "openai", KEYS["THIRD"])

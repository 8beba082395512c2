"""Fixtures of all tests; tests/support/README.md says how to use them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support import stubs

# gRPC's own remarks on connections that a test closes.
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
# Before any test module is read: they import the messages and stubs.
sys.path.insert(0, str(stubs.folder()))

from tests.mock_llm.client import MockLlm
from tests.support.paths import binary
from tests.support.server import DspexServer


@dataclass(frozen=True)
class Generated:
    """How many generated cases a test of conformance takes, and the seed of the generator."""

    cases: int
    seed: int


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("conformance")
    group.addoption("--cases", type=int, default=2000, help="generated cases for each test of conformance (2000)")
    group.addoption("--seed", type=int, default=20261124, help="the seed of their generator")


@pytest.fixture(scope="session")
def generated(request: pytest.FixtureRequest) -> Generated:
    """What --cases and --seed say."""
    return Generated(request.config.getoption("--cases"), request.config.getoption("--seed"))


@pytest.fixture(scope="session")
def shared_mock_llm() -> Iterator[MockLlm]:
    with MockLlm.start(binary("tests/mock_llm/mock_llm")) as mock:
        yield mock


@pytest.fixture
def mock_llm(shared_mock_llm: MockLlm) -> MockLlm:
    """The mock language model as if just started; a process for the session."""
    shared_mock_llm.reset()
    return shared_mock_llm


@pytest.fixture(scope="session")
def shared_server(shared_mock_llm: MockLlm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DspexServer]:
    with DspexServer(tmp_path_factory.mktemp("server"), openai_base_url=shared_mock_llm.base_url) as server:
        yield server


@pytest.fixture
def server(shared_server: DspexServer, mock_llm: MockLlm) -> DspexServer:
    """A server with its defaults on the mock, shared by the session: for tests that neither stop it nor measure it."""
    del mock_llm  # Its reset is what matters.
    return shared_server


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[Callable[..., DspexServer]]:
    """Starts servers of the test's own: start_server(config={...}, openai_base_url=...); see DspexServer."""
    with ExitStack() as servers:

        def start(**settings: Any) -> DspexServer:
            name = f"server{len(list(tmp_path.iterdir()))}"
            return servers.enter_context(DspexServer(tmp_path / name, **settings))

        yield start

"""Fixtures of the tests against servers that were not written here; tools/setup --foreign installs them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.foreign.aimock import Aimock
from tests.integration.api import Client
from tests.support.server import DspexServer


@pytest.fixture(scope="session")
def shared_aimock() -> Iterator[Aimock]:
    with Aimock() as aimock:
        yield aimock


@pytest.fixture
def aimock(shared_aimock: Aimock) -> Aimock:
    """aimock as if just started."""
    shared_aimock.reset()
    return shared_aimock


@pytest.fixture
def client(server: DspexServer) -> Iterator[Client]:
    """A connection to the server of the test's file."""
    with Client(server) as client:
        yield client

"""Fixtures of the integration tests; those of all tests are in tests/conftest.py."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.api import Client
from tests.support.server import DspexServer


@pytest.fixture
def client(server: DspexServer) -> Iterator[Client]:
    """A connection to the server of the test's file."""
    with Client(server) as client:
        yield client

"""DSPy as it is installed on one side, a dspex server that has its wording on the other."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

import pytest

# Before DSPy is read: its model metadata comes from the package, its cache goes nowhere.
os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
os.environ.setdefault("DSPY_CACHEDIR", tempfile.mkdtemp(prefix="dspex-dspy-"))

from tests.support.paths import ROOT

sys.path.insert(0, str(ROOT / "python_worker"))

from tests.conformance.peer import Peer
from tests.conformance.scripted import DspexSide, DspySide
from tests.mock_llm.client import MockLlm
from tests.support.paths import binary
from tests.support.server import DspexServer

# What DSPy knows of it: JSON mode, strict schemas and tools.
MODEL = "openai/gpt-4o-mini"


@pytest.fixture(scope="session")
def phrasebook() -> dict[str, Any]:
    """DSPy's wording, captured from the installed package."""
    from dspex_dspy.phrasebook import capture

    logging.getLogger("dspy").setLevel(logging.ERROR)
    return capture()


@pytest.fixture(scope="session")
def peer(phrasebook: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    """A server with that phrasebook. Nothing is ever sent to its provider."""
    config = {"providers": {"openai": {"base_url": "http://127.0.0.1:1/v1"}}, "default_lm": MODEL}
    with DspexServer(tmp_path_factory.mktemp("conformance"), config=config) as server:
        peer = Peer(server)
        peer.store(phrasebook)
        yield peer


@pytest.fixture(scope="session")
def sides(phrasebook: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[DspySide, DspexSide]]:
    """DSPy and a server, each before a mock language model of its own."""
    mock_llm = binary("tests/mock_llm/mock_llm")
    with MockLlm.start(mock_llm) as dspys, MockLlm.start(mock_llm) as dspexs:
        # On one connection, several completions come in the order of their requests, as from DSPy's client.
        provider = {"base_url": dspexs.base_url, "max_connections": 1}
        config = {"providers": {"openai": provider}, "default_lm": MODEL}
        with DspexServer(tmp_path_factory.mktemp("sequences"), config=config) as server:
            peer = Peer(server)
            peer.store(phrasebook)
            yield DspySide(dspys), DspexSide(peer, dspexs, phrasebook)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Generated cases have the time that their number needs; a hang still ends."""
    seconds = 300 + config.getoption("--cases") // 2
    for item in items:
        if "conformance" in item.path.parts:
            item.add_marker(pytest.mark.timeout(seconds))

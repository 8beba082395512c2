"""DSPy as it is installed in the tests' environment."""

from __future__ import annotations

import os
import tempfile
from typing import Any

import pytest

# Before DSPy is read: its model metadata comes from the package, its cache goes nowhere.
os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
os.environ.setdefault("DSPY_CACHEDIR", tempfile.mkdtemp(prefix="dspex-dspy-"))


@pytest.fixture(scope="session")
def phrasebook() -> dict[str, Any]:
    """DSPy's wording, captured from the installed package."""
    from dspex_dspy.phrasebook import capture

    return capture()

"""The installed DSPy, made ready for this process."""

from __future__ import annotations

import logging
import os
import sys
import tempfile

from tests.support.paths import ROOT


def prepare_dspy() -> None:
    """Before DSPy is read: its model metadata comes from the package, its cache goes nowhere, it says little."""
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    os.environ.setdefault("DSPY_CACHEDIR", tempfile.mkdtemp(prefix="dspex-dspy-"))
    if (worker := str(ROOT / "python_worker")) not in sys.path:
        sys.path.insert(0, worker)
    logging.getLogger("dspy").setLevel(logging.ERROR)

"""The saved state of a module, as DSPy itself writes it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any


def saved_state(module: Any) -> str:
    """The text of the JSON file that DSPy saves a module's state in."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "state.json"
        module.save(path)
        return path.read_text(encoding="utf-8")

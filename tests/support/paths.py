"""Where things are: the tree, the built binaries, the cache outside the clone."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def cache_dir() -> Path:
    """The cache that tools/setup uses."""
    if given := os.environ.get("DSPEX_CACHE"):
        return Path(given)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dspex"


def bin_dir() -> Path:
    """Bazel's folder of built binaries; DSPEX_BIN_DIR names another, for example one built with a sanitizer."""
    return Path(os.environ.get("DSPEX_BIN_DIR") or ROOT / "bazel-bin")


def binary(target: str) -> Path:
    """A built binary by its path in the tree: binary("server/dspex")."""
    path = bin_dir() / target
    if not path.is_file():
        raise FileNotFoundError(f"{path} is not built: run bazel build //{target.rpartition('/')[0]}/... or tools/test")
    return path

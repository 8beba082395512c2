"""Finds what the user names as "package.module:object"."""

from __future__ import annotations

import hashlib
import importlib
import inspect
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dspy

from dspex_dspy.errors import UsageError
from dspex_dspy.rendering import adapters


def find(path: str) -> Any:
    """The object "package.module:object.attribute"."""
    module_name, colon, names = path.partition(":")
    if not (module_name and colon and names):
        raise UsageError(f"{path!r} does not name an object. Write package.module:object.")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        found: Any = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise UsageError(
            f"The module {error.name} is not found. Run this where it can be imported, or set PYTHONPATH."
        ) from error
    except Exception as error:
        raise UsageError(f"Importing {module_name} failed with {type(error).__name__}: {error}") from error
    for name in names.split("."):
        if not hasattr(found, name):
            raise UsageError(f"{module_name} has no {names}.")
        found = getattr(found, name)
    return found


@contextmanager
def configured(setup: str, lm_name: str, adapter: str) -> Iterator[None]:
    """DSPy's settings as the user's function `setup` makes them; with another adapter if one is named, and with the
    named language model if DSPy has none."""
    if setup:
        function = find(setup)
        if not callable(function):
            raise UsageError(f"{setup} is no function. Name one that calls dspy.configure.")
        _called(setup, function)
    further: dict[str, Any] = {}
    if adapter:
        further["adapter"] = adapters()[adapter]
    if lm_name and dspy.settings.lm is None:
        further["lm"] = dspy.LM(lm_name)
    with dspy.context(**further):
        yield


def load_module(path: str) -> Any:
    """The DSPy module of that name; a class or a function without arguments is called for it."""
    found = find(path)
    if isinstance(found, type) and issubclass(found, dspy.Signature):
        raise UsageError(f"{path} is a signature. Name a module, for example dspy.Predict({found.__name__}).")
    if callable(found) and not isinstance(found, dspy.Module):
        found = _called(path, found)
    return found


def _called(path: str, function: Any) -> Any:
    try:
        inspect.signature(function).bind()
    except TypeError as error:
        raise UsageError(f"{path} cannot be called without arguments: {error}.") from error
    except ValueError:
        # Nothing is known of its arguments.
        pass
    try:
        return function()
    except Exception as error:
        raise UsageError(f"Calling {path} failed with {type(error).__name__}: {error}") from error


def source_hash(path: str) -> str:
    """SHA-256 of the source of the module that the path names; empty if there is no source."""
    module = sys.modules[path.partition(":")[0]]
    try:
        return hashlib.sha256(inspect.getsource(module).encode()).hexdigest()
    except (OSError, TypeError):
        return ""

"""Imports a DSPy module: everything that the server needs to serve its equal."""

from __future__ import annotations

from typing import Any

import dspy

from dspex_dspy import loading
from dspex_dspy.errors import NotTranslatableError
from dspex_dspy.phrasebook import capture
from dspex_dspy.requests import checks
from dspex_dspy.state import saved_state
from dspex_dspy.translate import translate

# How many made-up inputs both sides render before a program counts as equal.
CHECKS = 50


def import_module(path: str, *, lm_name: str = "") -> dict[str, Any]:
    """The document of an import, under DSPy's present settings. NotTranslatableError says why there can be none."""
    module = loading.load_module(path)
    phrasebook = capture()
    settings = dspy.settings
    translation = translate(module, phrasebook, lm=settings.lm, adapter=settings.adapter, lm_name=lm_name)
    warnings = translation.warnings
    made, shortage = checks(module, translation.program, CHECKS)
    if not made:
        raise NotTranslatableError("the inputs", f"no request can be compared: {shortage}")
    if shortage:
        warnings.append(f"Only {len(made)} of {CHECKS} requests are compared. {shortage}")
    return {
        "format": 1,
        "object": path,
        "class": f"{type(module).__module__}.{type(module).__qualname__}",
        "versions": phrasebook["versions"],
        "source_sha256": loading.source_hash(path),
        "program": translation.program,
        "phrasebook": phrasebook,
        "state_json": _state(module, warnings),
        "native": translation.native,
        "warnings": warnings,
        "checks": made,
    }


def _state(module: Any, warnings: list[str]) -> str:
    """The saved state; empty, with a warning, if DSPy cannot save it."""
    try:
        return saved_state(module)
    except Exception as error:
        warnings.append(f"DSPy cannot save the module's state: {error}")
        return ""

"""Captures a phrasebook: DSPy's wording, cut out of what the installed DSPy renders with sentinels for values."""

from __future__ import annotations

import hashlib
import json
import platform
from importlib import metadata
from typing import Any

import dspy

from dspex_dspy import capture_adapters, capture_attempts, capture_fields, capture_signatures, capture_types
from dspex_dspy.cut import Fragments, Names, twice
from dspex_dspy.errors import CaptureError
from dspex_dspy.probes import probes

# The probes that a phrasebook's hash stands for.
SEED = 0
COUNT = 100


def versions() -> dict[str, str]:
    """The releases that the wording depends on."""
    return {
        "dspy": str(dspy.__version__),
        "python": ".".join(platform.python_version_tuple()[:2]),
        "pydantic": metadata.version("pydantic"),
    }


def capture() -> dict[str, Any]:
    """The phrasebook of the installed DSPy. CaptureError names the fragment that cannot be cut out."""
    text: Fragments = {}
    for part in (
        capture_fields.instructions,
        capture_fields.field_lines,
        capture_fields.notes,
        capture_fields.demos,
    ):
        text |= twice(part)
    text |= twice(lambda names: capture_adapters.systems(names, text["placeholder"]))
    for part in (
        capture_adapters.reminders,
        capture_adapters.xml_reminder,
        capture_adapters.baml_system,
        capture_types.tools,
        capture_types.documents,
        capture_attempts.attempts,
    ):
        text |= twice(part)
    text |= twice(lambda names: capture_adapters.two_step(names, text["chat_system"]))

    found = versions()
    phrasebook = {
        "name": f"dspy-{found['dspy']}",
        "versions": found,
        "text": text,
        "type_description": twice(lambda names: capture_types.descriptions(names, text)),
        "builtin_schema": _schemas(text),
        "builtin_doc": capture_types.docstrings(),
        "signature": capture_signatures.signatures(),
    }
    return {**phrasebook, "probe_sha256": _probe_hash(phrasebook)}


def _schemas(text: Fragments) -> dict[str, str]:
    """The schemas of DSPy's types: as pydantic has them, and prompts show no other ones."""
    schemas = capture_types.schemas()
    for name, shown in capture_types.shown_schemas(Names("k"), text).items():
        expected = json.dumps(capture_types.type_first(json.loads(schemas[name])), ensure_ascii=False)
        if expected != shown:
            raise CaptureError(f"builtin_schema of {name}", f"prompts show {shown!r}, pydantic says {expected!r}")
    return schemas


def _probe_hash(phrasebook: dict[str, Any]) -> str:
    digest = hashlib.sha256()
    for probe in probes(SEED, COUNT, phrasebook):
        digest.update(json.dumps(probe, ensure_ascii=False).encode())
    return digest.hexdigest()

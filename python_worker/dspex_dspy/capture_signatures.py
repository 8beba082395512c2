"""Captures the wording of the signatures that DSPy's own metrics and optimizers run."""

from __future__ import annotations

import importlib
from typing import Any

from dspex_dspy.errors import CaptureError

# Where each of them is defined.
_SIGNATURES = {
    "SemanticRecallPrecision": "dspy.evaluate.auto_evaluation",
    "DecompositionalSemanticRecallPrecision": "dspy.evaluate.auto_evaluation",
    "BasicGenerateInstruction": "dspy.teleprompt.copro_optimizer",
    "GenerateInstructionGivenAttempts": "dspy.teleprompt.copro_optimizer",
}


def signatures() -> dict[str, Any]:
    """Their instructions, and the descriptions of the fields that have one."""
    return {name: _wording(name, module) for name, module in _SIGNATURES.items()}


def _wording(name: str, module: str) -> dict[str, Any]:
    signature = getattr(importlib.import_module(module), name, None)
    if signature is None:
        raise CaptureError(f"signature {name}", f"{module} has none of that name")
    described = {field: info.json_schema_extra["desc"] for field, info in signature.fields.items()}
    # A field that is not described has its own name for a description.
    fields = {field: text for field, text in described.items() if text != f"${{{field}}}"}
    return {"instructions": str(signature.instructions), "fields": fields}

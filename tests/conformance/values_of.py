"""Values that DSPy read, as the JSON that dspex answers."""

from __future__ import annotations

import math
from typing import Any

import pydantic

from dspex_dspy.values import to_json_value


def to_json(value: Any, annotation: Any) -> Any:
    """A value as its type writes it: what a union holds is not seen from the value alone."""
    if value is None:
        return None
    written = to_json_value(value)
    try:
        typed = pydantic.TypeAdapter(annotation).dump_python(value, mode="json", warnings="none")
    except (pydantic.ValidationError, pydantic.PydanticUserError, pydantic.PydanticSchemaGenerationError):
        return written
    return written if "CUSTOM-TYPE" in str(typed) else typed


def plain(value: Any) -> Any:
    """JSON has no NaN."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value

"""Renders what a DSPy module would send, for inputs of the user's."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from dspex_dspy.requests import request_of
from dspex_dspy.values import from_json_value


def render(module: Any, lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """For each line, a JSON object of inputs, the request; or the error that DSPy ends with."""
    annotations = _inputs(module)
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            inputs = json.loads(line)
            if not isinstance(inputs, dict):
                raise ValueError("a line is one JSON object: the inputs by name")
            given = {name: from_json_value(value, annotations.get(name, Any)) for name, value in inputs.items()}
            yield {"line": number, **request_of(module, given)}
        except Exception as error:
            yield {"line": number, "error": f"{type(error).__name__}: {error}"}


def _inputs(module: Any) -> Mapping[str, Any]:
    """The annotations of the module's inputs, as far as its first predictor tells."""
    predictors = module.predictors()
    if not predictors:
        return {}
    return {name: info.annotation for name, info in predictors[0].signature.input_fields.items()}

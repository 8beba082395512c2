"""Renders what a DSPy module would send, for inputs of the user's."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from dspex_dspy.requests import requests_of, signature_of
from dspex_dspy.values import from_json_value


def render(module: Any, lines: Iterable[str], program: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """For each line, a JSON object of inputs, the requests of `module`, whose translation is `program`; or the error
    that DSPy ends with."""
    annotations = {name: info.annotation for name, info in signature_of(module, program).input_fields.items()}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            inputs = json.loads(line)
            if not isinstance(inputs, dict):
                raise ValueError("a line is one JSON object: the inputs by name")
            given = {name: from_json_value(value, annotations.get(name, Any)) for name, value in inputs.items()}
            yield {"line": number, **requests_of(module, program, given, number)}
        except Exception as error:
            yield {"line": number, "error": f"{type(error).__name__}: {error}"}

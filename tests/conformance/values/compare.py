"""Both sides of the comparison of values: pydantic and DSPy here, dspex's tool over a pipe."""

from __future__ import annotations

import copy
import enum
import json
import math
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dspy
import pydantic
from dspy.adapters.types.citation import Citations
from dspy.adapters.types.document import Document
from dspy.adapters.utils import parse_value

from dspex_dspy.types_of import TypeWriter, is_own, parts

REFUSED = "refused"


class Tool:
    """The line tool, a process that answers one line with one."""

    def __init__(self, path: Path) -> None:
        self.process = subprocess.Popen([str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8")

    def ask(self, line: dict[str, Any]) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(line, ensure_ascii=True) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer, f"the tool ended at {line}"
        result: dict[str, Any] = json.loads(answer)
        return result

    def close(self) -> None:
        if self.process.stdin is not None:
            self.process.stdin.close()
        self.process.wait(timeout=10)


def encode(value: Any) -> Any:
    """The value in JSON, where {"$float": ...} stands for what JSON has not."""
    if isinstance(value, float) and not math.isfinite(value):
        return {"$float": repr(value)}
    if isinstance(value, dict):
        return {key: encode(item) for key, item in value.items()}
    return [encode(item) for item in value] if isinstance(value, list) else value


def line_of(op: str, annotation: Any, value: Any) -> dict[str, Any]:
    writer = TypeWriter("a value")
    notation = writer.write(annotation)
    types = [{"name": name, "schema": schema} for name, schema in writer.declared.items()]
    given = {"text": value} if op == "parse_text" else {"value": encode(value)}
    return {"op": op, "type": notation, "types": types, **given}


def python_side(op: str, annotation: Any, value: Any) -> Any:
    """What DSPy makes of the value, as JSON, or REFUSED."""
    value = copy.deepcopy(value)
    try:
        adapter = pydantic.TypeAdapter(annotation)
        made = adapter.validate_python(value) if op == "coerce" else parse_value(value, annotation)
    except Exception:  # Whatever it is, the adapter makes one error of it.
        return REFUSED
    try:
        result = encode(dumped(made))
        if op == "coerce" and not _has_own(annotation) and "$float" not in shown(result):
            assert shown(result) == shown(adapter.dump_python(made, mode="json")), "the test's own dump is wrong"
    except ValueError:
        return REFUSED
    return result


def _has_own(annotation: Any) -> bool:
    return any(is_own(part) for part in parts(annotation))


def dumped(value: Any) -> Any:
    """The value as JSON: pydantic's, but DSPy's own types by their contents."""
    if isinstance(value, dspy.Reasoning):
        return value.content
    if isinstance(value, dspy.Code):
        return value.code
    if isinstance(value, dspy.ToolCalls):
        return dumped(value.serialize_model())
    if isinstance(value, dspy.Image | dspy.Audio | dspy.File | Document | Citations | Citations.Citation):
        return {name: dumped(getattr(value, name)) for name in type(value).model_fields}
    if isinstance(value, pydantic.BaseModel):
        return {name: dumped(item) for name, item in value}
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, Mapping):
        return {_key(key): dumped(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [dumped(item) for item in value]
    # Infinities stay; what prints them within lists makes null of them.
    return value if isinstance(value, float) else pydantic.TypeAdapter(Any).dump_python(value, mode="json")


def _key(key: Any) -> str:
    written: dict[str, Any] = pydantic.TypeAdapter(dict[Any, Any]).dump_python({key: 0}, mode="json")
    return next(iter(written))


def shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=True)


def without_order(value: Any) -> Any:
    """Lists sorted: Python's sets have the order of hashes."""
    if isinstance(value, dict):
        return {key: without_order(item) for key, item in value.items()}
    if isinstance(value, list):
        return sorted((without_order(item) for item in value), key=shown)
    return value

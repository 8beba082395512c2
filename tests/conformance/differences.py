"""What stands on the two sides of a comparison, told so that a person sees where they part."""

from __future__ import annotations

import json
from typing import Any


def assert_equal(dspy_side: Any, dspex_side: Any, about: str) -> None:
    """Fails with the first difference and both sides."""
    if dspy_side == dspex_side and same_order(dspy_side, dspex_side):
        return
    path, one, other = first_difference(dspy_side, dspex_side)
    raise AssertionError(
        f"at {path or 'the top'}:\n  DSPy:  {one}\n  dspex: {other}\n\n{about}\n\nDSPy:\n{_shown(dspy_side)}\n\n"
        f"dspex:\n{_shown(dspex_side)}"
    )


def same_order(one: Any, other: Any) -> bool:
    """Whether equal values also have the keys of their objects in one order, and numbers of one kind."""
    return _text(one) == _text(other)


def first_difference(one: Any, other: Any, path: str = "") -> tuple[str, str, str]:
    """Where two values part: the path, and what is there on each side."""
    if isinstance(one, dict) and isinstance(other, dict):
        if list(one) != list(other):
            return path, f"keys {list(one)}", f"keys {list(other)}"
        for key in one:
            if _text(one[key]) != _text(other[key]):
                return first_difference(one[key], other[key], f"{path}.{key}")
    if isinstance(one, list) and isinstance(other, list):
        for index, (mine, yours) in enumerate(zip(one, other, strict=False)):
            if _text(mine) != _text(yours):
                return first_difference(mine, yours, f"{path}[{index}]")
        return path, f"{len(one)} items", f"{len(other)} items"
    if isinstance(one, str) and isinstance(other, str):
        place = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
        begin = max(0, place - 40)
        return f"{path} character {place}", repr(one[begin : place + 60]), repr(other[begin : place + 60])
    return path, repr(one), repr(other)


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=repr)


def _shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1, default=repr)

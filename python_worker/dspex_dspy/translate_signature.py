"""Translates DSPy signatures to dspex.v1.Signature with its declared types."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import dspy
from dspy.signatures.signature import infer_prefix
from pydantic_core import PydanticUndefined

from dspex_dspy.cut import Pieces, rendered
from dspex_dspy.errors import NotTranslatableError
from dspex_dspy.rendering import system_of, to_json
from dspex_dspy.types_of import TypeWriter, is_declared, is_own, parts
from dspex_dspy.values import check_writable, to_json_value

Text = Mapping[str, Pieces]
# Names that a DSPy module takes for itself when it is called.
_TAKEN = ("config", "lm", "demos", "signature", "new_signature")


class SignatureTranslator:
    """Translates the fields of one signature; `text` is the phrasebook's."""

    def __init__(self, signature: Any, text: Text) -> None:
        self.signature = signature
        self.text = text
        self.types = TypeWriter("")
        self.notes = schema_notes(signature, text)

    def translate(self, leave_out: str = "") -> dict[str, Any]:
        """The signature as dspex.v1.Signature, without the output of that name."""
        return {
            "name": str(self.signature.__name__),
            "instructions": instructions_of(self.signature),
            "inputs": [self.field(name) for name in self.signature.input_fields],
            "outputs": [self.field(name) for name in self.signature.output_fields if name != leave_out],
        }

    def field(self, name: str) -> dict[str, Any]:
        """One field as dspex.v1.Field. What is as it is by default is left out."""
        info = self.signature.fields[name]
        what = self.types.what = f"field {name}"
        if name in _TAKEN and name in self.signature.input_fields:
            raise NotTranslatableError(
                what, "DSPy's modules take an argument of that name themselves. Rename the field."
            )
        _check_decisions(what, info)
        extra = info.json_schema_extra
        field: dict[str, Any] = {"name": name, "type": self.types.write(info.annotation)}
        if extra["desc"] != f"${{{name}}}":
            field["description"] = _text(what, "description", extra["desc"])
        if extra["prefix"] != f"{infer_prefix(name)}:":
            field["prefix"] = _text(what, "prefix", extra["prefix"])
        if extra.get("constraints"):
            field["constraints"] = parse_constraints(what, extra["constraints"], self.text)
        field |= self._default(what, info)
        if name in self.notes and any(is_own(part) or is_declared(part) for part in parts(info.annotation)):
            field["schema_note"] = self.notes[name]
        return field

    def _default(self, what: str, info: Any) -> dict[str, str]:
        if info.default_factory is not None:
            raise NotTranslatableError(what, "a default made by a function has no equal. Give default= a constant.")
        if info.default is PydanticUndefined:
            return {}
        value = to_json_value(info.default)
        check_writable(what, value)
        return {"default_json": to_json(value)}


def _text(what: str, which: str, value: Any) -> str:
    if not isinstance(value, str):
        raise NotTranslatableError(what, f"its {which} is no text but {value!r}. Give it text.")
    return value


def _check_decisions(what: str, info: Any) -> None:
    for part in (*parts(info.annotation), *info.metadata):
        kind = part if isinstance(part, type) else type(part)
        if any(base.__module__ == "dspy.adapters.types.decision" for base in kind.__mro__):
            raise NotTranslatableError(what, "DSPy's experimental decision types have no equal. Use bool or Literal.")


def instructions_of(signature: Any) -> str:
    """The instructions such that cleaning them as a docstring, which each reader does, leaves what DSPy prints."""
    text = str(signature.instructions)
    if not text.strip():
        raise NotTranslatableError(
            "instructions",
            "they are empty on purpose, where dspex would put a sentence of its own. Say what is to be done.",
        )
    # Cleaning twice may take more away than cleaning once, unless the first line is blank.
    return text if inspect.cleandoc(text) == text else f"\n{text}"


def schema_notes(signature: Any, text: Text) -> dict[str, str]:
    """By output, the JSON Schema that prompts show for its type; those whose note is another one are absent."""
    system = system_of(dspy.ChatAdapter(), signature)
    prefix, suffix = rendered(text["note_schema"], schema="\0").split("\0")
    notes = {}
    for name in signature.output_fields:
        head = f"[[ ## {name} ## ]]\n" + rendered(text["placeholder"], name=name, note=prefix)
        if head in system:
            # A schema is printed in one line.
            notes[name] = system.partition(head)[2].partition("\n")[0].removesuffix(suffix)
    return notes


def parse_constraints(what: str, printed: str, text: Text) -> list[dict[str, str]]:
    """The constraints of a field, read from what DSPy prints of them: that keeps their order."""
    (separator,) = (piece["sep"] for piece in text["constraints"] if isinstance(piece, dict))
    words = {
        ident.removeprefix("constraint_"): rendered(pieces, value="\0").split("\0")
        for ident, pieces in text.items()
        if ident.startswith("constraint_")
    }
    # Of two rules that fit, the one of more words says more.
    rules = sorted(words.items(), key=lambda rule: len(rule[1][0]), reverse=True)
    found = _read_constraints(printed, separator, rules)
    if found is None:
        raise NotTranslatableError(what, f"its constraints {printed!r} cannot be told apart. Give plain numbers.")
    return [{"rule": rule, "value_json": _constraint_value(value)} for rule, value in found]


def _read_constraints(
    text: str, separator: str, rules: Sequence[tuple[str, Sequence[str]]]
) -> list[tuple[str, str]] | None:
    """Rules and values of a printed list; None if it is none."""
    for rule, (before, after) in rules:
        if not text.startswith(before):
            continue
        end = 0
        while end < len(text):
            # The words of some rule hold the separator too.
            end = text.find(separator, end + 1)
            end = len(text) if end < 0 else end
            rest = [] if end == len(text) else _read_constraints(text[end + len(separator) :], separator, rules)
            value = text[len(before) : end]
            if rest is not None and value and value.endswith(after):
                return [(rule, value.removesuffix(after)), *rest]
    return None


def _constraint_value(text: str) -> str:
    """A value as JSON such that it prints as it did: a number or truth value, else text."""
    if text in ("True", "False"):
        return text.lower()
    for kind in (int, float):
        try:
            number = kind(text)
        except ValueError:
            continue
        if str(number) == text and to_json(number) not in ("Infinity", "-Infinity", "NaN"):
            return to_json(number)
    return to_json(text)

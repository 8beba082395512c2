"""Renders simple signatures with a phrasebook: fields of type str, int and bool, a description now and then.

A second reading of the contract, so that a phrasebook is not judged by the code that made it.
"""

from __future__ import annotations

import json
from typing import Any

NAMES = {str: "str", int: "int", bool: "bool"}


class Renderer:
    def __init__(self, phrasebook: dict[str, Any]) -> None:
        self.text = phrasebook["text"]

    def say(self, ident: str, **values: Any) -> str:
        """A fragment with its slots filled."""
        out = ""
        for piece in self.text[ident]:
            if isinstance(piece, str):
                out += piece
            elif "slot" in piece:
                out += values[piece["slot"]]
            else:
                items = values[piece["list"]]
                out += piece["sep"].join(items) if items else piece["none"]
        return out

    def default_instructions(self, inputs: list[str], outputs: list[str]) -> str:
        named = [[self.say("name", name=name) for name in names] for names in (inputs, outputs)]
        return self.say("instructions", inputs=named[0], outputs=named[1])

    def fields(self, fields: dict[str, tuple[type, str]]) -> str:
        """The field list."""
        lines = []
        for index, (name, (kind, description)) in enumerate(fields.items(), 1):
            values = {"index": str(index), "name": name, "type": NAMES[kind]}
            ident = "described_field" if description else "field"
            lines.append(self.say(ident, description=description, **values))
        return "\n".join(lines).strip()

    def placeholder(self, name: str, kind: type, *, output: bool) -> str:
        note = ""
        if output and kind is bool:
            note = self.say("note_bool", type="bool")
        elif output and kind is int:
            note = self.say("note_number", type="int")
        return self.say("placeholder", name=name, note=note)

    def sections(self, values: dict[str, str]) -> str:
        return "\n\n".join(f"[[ ## {name} ## ]]\n{value}" for name, value in values.items()).strip()

    def system(self, kind: str, inputs: Any, outputs: Any, instructions: str) -> str:
        pattern = {name: self.placeholder(name, each, output=False) for name, (each, _) in inputs.items()}
        asked = {name: self.placeholder(name, each, output=True) for name, (each, _) in outputs.items()}
        return self.say(
            f"{kind}_system",
            input_fields=self.fields(inputs),
            output_fields=self.fields(outputs),
            input_pattern=self.sections(pattern),
            output_pattern=self.sections(asked) if kind == "chat" else json.dumps(asked, indent=2, ensure_ascii=False),
            instructions=instructions.splitlines(),
        )

    def reminder(self, kind: str, outputs: Any) -> str:
        items = []
        for name, (each, _) in outputs.items():
            mark = {"marker": f"[[ ## {name} ## ]]"} if kind == "chat" else {"name": name}
            ident = f"{kind}_reminder_field" if each is str else f"{kind}_reminder_typed_field"
            items.append(self.say(ident, type=NAMES[each], **mark))
        return self.say(f"{kind}_reminder", fields=items)

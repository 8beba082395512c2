"""Completions as language models give them: right, nearly right and wrong."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from dspex_dspy.values import Generator

Mutation = Callable[[random.Random, str], str]


def _cut(source: random.Random, text: str) -> str:
    return text[: source.randint(0, len(text))]


def _around(source: random.Random, text: str) -> str:
    before = source.choice(
        ["Sure!\n\n", "Here it is: ", "```json\n", "```\n", "<think>so</think>\n", "\ufeff", "\n\n "]
    )
    after = source.choice(["", "\n```", "\n\nAnything else?", " ", "\n}", "\u2028"])
    return before + text + after


def _indent(source: random.Random, text: str) -> str:
    pad = source.choice([" ", "  ", "\t", "\u00a0", "> "])
    return "\n".join(pad + line if source.random() < 0.5 else line for line in text.split("\n"))


def _lines(source: random.Random, text: str) -> str:
    lines = text.split("\n")
    place = source.randrange(len(lines))
    match source.randrange(4):
        case 0:
            del lines[place]
        case 1:
            lines.insert(place, lines[source.randrange(len(lines))])
        case 2:
            lines[place] = lines[place] + source.choice(["  ", " trailing", "\x0b", "\x85more", "\u2029"])
        case _:
            source.shuffle(lines)
    return source.choice(["\n", "\n", "\r\n", "\u2028"]).join(lines)


def _characters(source: random.Random, text: str) -> str:
    for _ in range(source.randint(1, 3)):
        place = source.randint(0, len(text))
        piece = source.choice(
            [*"{}[]()\",':#<>&/\\ \n", "```", "null", "None", "True", "1", "''", '""', "&amp;", "[[ ## "]
        )
        text = text[:place] + piece + text[place + source.randint(0, 1) :]
    return text


_MUTATIONS: tuple[Mutation, ...] = (_cut, _around, _indent, _lines, _characters)
_SCRAPS = (
    "",
    " ",
    "No.",
    "null",
    "{}",
    "[]",
    "[[ ## ## ]]",
    "42",
    '{"answer": 1',
    "<answer>",
    "<a><b></a>",
    "```",
    "\\",
    "NaN",
)


class Completions:
    """Makes completions for a signature in the layout of an adapter."""

    def __init__(self, source: random.Random, adapter: Any, signature: Any) -> None:
        self._source = source
        self._adapter = adapter
        self._signature = signature
        self._generator = Generator(source)

    def one(self) -> str:
        """A completion; about every third is as the adapter asks for it."""
        if self._source.random() < 0.05:
            return self._source.choice(_SCRAPS)
        text = self._proper()
        for _ in range(self._source.choice([0, 1, 1, 2])):
            text = self._source.choice(_MUTATIONS)(self._source, text)
        return text

    def _proper(self) -> str:
        outputs = {name: self._value(field.annotation) for name, field in self._signature.output_fields.items()}
        if self._source.random() < 0.15 and outputs:
            outputs.pop(self._source.choice(list(outputs)))
        try:
            return str(
                self._adapter.format_assistant_message_content(self._signature, outputs, missing_field_message="")
            )
        except Exception:
            return str(outputs)

    def _value(self, annotation: Any) -> Any:
        if self._source.random() < 0.3:
            return self._source.choice(
                ["yes", "no", "true", "5", "5.0", "3.7", "1_000", " 7 ", "null", "None", "[1, 2]", "['a', 'b']", "{'a': 1}",
                 '"quoted"', "`red`", "RED", "the green one", "2024-01-31", "2024-01-31T10:00:00Z", "red.", 1, 0, 2.5, [], {}]
            )  # fmt: skip
        try:
            return self._generator.value(annotation)
        except ValueError:
            return None

"""Texts that were once JSON, or that someone meant as JSON: what models send, and worse."""

from __future__ import annotations

import json
import random
import re
from typing import Any

QUOTES = ['"', "'", "“", "”", "„", "`"]
STRUCTURE = [*"{}[](),:\"\\'`#/*", "“", "”", "„", "\n", " ", "-", ".", "1", "e", "a", "t", "n", "_", "\r", "\u00a0"]
PIECES = [
    *STRUCTURE, '"', '"', '"', ",", ":", "{", "}", "[", "]", '{"', '":', '": "', '", "', '"}', '"]', '"a"', '"b": ',
    "a: ",
    "b", "key", "key: ", "true", "false", "null", "None", "True", "nULL", "trueish", "12", "-1", "1.5", "1e5", "1/3",
    "1,234",
    "10-20", "007", "1_000", "-", ".5", "1.", "...", "NaN", "Infinity", "²", "٣", "½", "é", "漢", "😀", "'s", "\\n",
    '\\"',
    "\\'", "\\\\", "\\u00e9", "\\u12", "\\x41", "\\ud83d\\ude00", "\\ud800", "// c\n", "# c\n", "/* c */", "/*", "*/",
    "//", "#",
    "```json\n", "```json", "```", "`", "\n", "\t", "  ", "\u2028", "\x00", "\ufeff", '""', "''", '"""', "{}", "[]",
    "()", "(", ")",
    "(1, 2)", "(1)", '{"a": 1}', '{"a": 1, "b": 2}', "[1, 2]", '["a", "b"]', "{'a': 'b'}", '{"a", "b"}',
    '{\\"a\\": 1}', "}```",
    "text ", "and more. ", " says ", "I'm ", '"quoted" ', "[a-z]", '["\']', "{x: 1}", "{{", "}}", "]]", "[[",
]  # fmt: skip
# A place where something may stand, and what may stand there: the rules on strings look at both.
OPENINGS = [
    '{"a": "', '{"a": "', "{'a': '", '{“a”: “', '["', "['", "[“", '{"a": ', '{"a": x', "[", "[x", "{", '{"a', "{a",
    '{"a": [', '{"a": ["',
    '[{"a": 1, ', '[{"a": "', '{"a": [[1, 2]], ', '{"a": [1], ', '{"a": [[], 1], [', '{"a": [1, "x", ', '{"a": ""',
    '[""', '{""',
    '{"a": {"b": "', '{"a": 1}, "', '{"a": {"b": 1}}, "b": 2}, "', '"a": ', '"a": 1, "b": [', "(", "\n(", "[(",
    '{"a": (', '{"a": "```json\n',
    '["```json\n', "x [1, 2], ", '{"a": "{b: ', '{"a": "x, [', '{"a": "x, {', '{"a": "[', '[{"a": [', "{\\\"a\\\": ",
    "[{\\'a\\': ", "[{",
]  # fmt: skip
CONTENTS = [
    "x", "x y", " ", "\n", ",", ", ", ", b: 1", ", b: x}", ", b: true,", ', "b": 1', ", 'b': 1", ', “b”: 1',
    ", `b`: 1", ", [1, 2]", ", {c: 1}",
    ", {", ", [", ":", ": ", "}", "} ", "]", ")", "{", "[", "(", '"', '"', '", ', '",', '", "', '": ', '"}', '"]',
    '" }', '""', "'", "''",
    "“", "”", "„", "\\", "\\\\", '\\"', '\\\\"', '\\\\\\"', "\\'", "\\n", "\\r", "\\t", "\\b", "\\/", "\\u0041",
    "\\u00", "\\x41", "\\“",
    "\\„", "}```", "} ```", "}\n```\n", "```", "```json", "`", "[a-z'\"]", "[^\"]", '["', '"x"', '"x" y"', "{b: 1}",
    "{b: {c: [1]}}",
    "{b: [x", '{"b": 1}', "[1, (2), {}]", "/* c */", '", /* c */ "b": 1', '", // c\n "b": 1', '", # c\n b: 1', "# c",
    "// c\n", "/* c",
    "1", "-", ".", "1,2", "1/2", "true", "null,", "None", "...", "é", "²", "b", "_b: ", '"b": ', "b: ", "a: 1, ",
    '"a": 2', '"a" ', "a",
    "[3, 4], ", "5, 6, ", "[7], [8]", "[[9, 9]]", "]], ", "[], ", "{}", "()", "(1)", "(x,)", '"b": 2}', '}, "c": 3}',
    "}, {", '\\", \\"b\\": 2',
]  # fmt: skip
CLOSINGS = [
    "", "", '"', '"}', '"]', "}", "]", '"}]', "'}", "”}", '"}\n```', "}}", '", "z": 1}', '": 1}', ")", "```", '\n```"}',
]  # fmt: skip
WORDS = [
    "a", "b", "it", "name", "true", "x y", "one, two", "3", "don't", "é", "[1]", "{k: v}", "a:b", "#1", "//", "C:\\dir",
]  # fmt: skip
PROSE = [
    "Here is the JSON:\n", "Sure! ", "Note (see below): ", "The answer is 5. ", "1. ", "# Title\n", 'He said "no". ',
    "",
    "a/b ", "\n\n", "<think>{maybe}</think>", "**JSON**: ", "(a) ", "It's ",
]  # fmt: skip

# What slips into strings, and what stands for a number or a word.
INSERTIONS = [
    ' "x" ', ' "', "'", "\n", '\\"', "“q”", "„q“", "\\n", ", ", ": ", "}", "]", "[\"']", "{a: 1}", ', "b": 2',
]  # fmt: skip
SCALARS = [
    "None", "True", "nan", "1/2", "1,000", "$5", "5%", "10-20", "+5", "TRUE", "undefined", "-", "1.2.3",
]  # fmt: skip

# An integer beyond 64 bits is a float for the engine, which then does not look like other integers.
HUGE_INTEGER = re.compile(r"\d[\d_]{17}")


def random_value(rng: random.Random, depth: int) -> Any:
    kind = rng.randrange(9 if depth else 6)
    if kind == 0:
        return rng.choice([None, True, False])
    if kind == 1:
        return rng.choice([0, 1, -5, 12, 1.5, -0.0, 1e300, 2.5e-8, 10**15])
    if kind <= 5:
        return " ".join(rng.choices(WORDS, k=rng.choice([0, 1, 1, 2, 4])))
    if kind == 6:
        return [random_value(rng, depth - 1) for _ in range(rng.randrange(4))]
    return {
        rng.choice(["a", "b", "c", "key", "a b", ""]): random_value(rng, depth - 1) for _ in range(rng.randrange(4))
    }


def mutated(rng: random.Random, text: str) -> str:
    """Some characters lost, added, doubled, exchanged or swapped."""
    characters = list(text)
    for _ in range(rng.choice([1, 1, 1, 2, 2, 3, 5])):
        place = rng.randrange(len(characters) + 1)
        kind = rng.randrange(6)
        if kind == 0:
            del characters[place : place + rng.choice([1, 1, 2, 4])]
        elif kind == 1:
            characters.insert(place, rng.choice(STRUCTURE))
        elif kind == 2:
            characters[place:place] = characters[place : place + rng.choice([1, 1, 3, 8])]
        elif kind == 3:
            characters[place : place + 1] = [rng.choice(STRUCTURE)]
        elif kind == 4 and place + 1 < len(characters):
            characters[place], characters[place + 1] = characters[place + 1], characters[place]
        else:
            characters.insert(place, rng.choice(PIECES))
    return "".join(characters)


class SloppyWriter:
    """Writes JSON as if by hand: each habit of a text is as likely as it says, and holds for all of it."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.quotes = rng.choice(['""', '""', '""', "''", "“”", "``", '""""'])
        self.sloppiness = rng.choice([0.0, 0.02, 0.05, 0.15, 0.4])

    def slips(self, chance: float = 1.0) -> bool:
        return self.rng.random() < self.sloppiness * chance

    def space(self) -> str:
        if self.slips(0.5):
            return self.rng.choice([" // c\n", '/* c, "d": */', "# c\n", " # it's: {x}\n", "...", "\u00a0"])
        return self.rng.choice(["", "", " ", "\n", "  "])

    def string(self, text: str, is_key: bool = False) -> str:
        half = len(self.quotes) // 2
        left, right = self.quotes[:half], self.quotes[half:]
        if self.slips(2 if is_key else 1):
            left, right = self.rng.choice(
                [("", ""), (left, ""), ("", right), (left * 2, right * 2), ("'", "'"), ('"', '"')]
            )
        if not self.slips():
            text = text.replace("\\", "\\\\").replace(right or '"', "\\" + (right or '"'))
        if self.slips():
            extra = self.rng.choice(INSERTIONS)
            place = self.rng.randrange(len(text) + 1)
            text = text[:place] + extra + text[place:]
        return left + text + right

    def separator(self, usual: str) -> str:
        if self.slips():
            return self.rng.choice(["", " ", usual * 2, ";", "=", "=>", ",", ":", "\n"])
        return usual

    def write(self, value: Any) -> str:
        if isinstance(value, dict):
            members = [
                self.space()
                + self.string(key, True)
                + self.space()
                + self.separator(":")
                + self.space()
                + self.write(member)
                for key, member in value.items()
            ]
            if members and self.slips():
                members.append(self.rng.choice(members))
            return self.container("{}", members)
        if isinstance(value, list):
            items = [self.space() + self.write(item) for item in value]
            return self.container(self.rng.choice(["()", "{}", "[)"]) if self.slips() else "[]", items)
        if isinstance(value, str):
            return self.string(value)
        if self.slips():
            return self.rng.choice(SCALARS)
        return json.dumps(value)

    def container(self, brackets: str, items: list[str]) -> str:
        text = ""
        for number, item in enumerate(items):
            text += item + self.space()
            if number + 1 < len(items) or self.slips():
                text += self.separator(",")
        left, right = brackets[0], brackets[1]
        if self.slips():
            right = self.rng.choice(["", "}", "]", right * 2, "```", ","])
        if self.slips(0.3):
            left = self.rng.choice(["", left * 2])
        return left + text + self.space() + right


def wrapped(rng: random.Random, text: str) -> str:
    """Within prose, code fences or other JSON."""
    kind = rng.randrange(7)
    if kind == 0:
        return rng.choice(PROSE) + text + rng.choice(PROSE)
    if kind == 1:
        return rng.choice(PROSE) + "```json\n" + text + "\n```" + rng.choice(PROSE)
    if kind == 2:
        return "```" + text + "```"
    if kind == 3:
        return text + rng.choice(["", " ", "\n", ", "]) + text
    if kind == 4:
        return '{"value": "```json\n' + text + '\n```"}'
    if kind == 5:
        return '{"value": "' + text + '"}'
    return "[" + text + rng.choice(["]", ""])


def mangled_text(rng: random.Random) -> str:
    kind = rng.randrange(10)
    if kind == 0:
        return "".join(rng.choices(PIECES, k=rng.randrange(1, 25)))
    if kind <= 3:
        opening = rng.choice(OPENINGS)
        return opening + "".join(rng.choices(CONTENTS, k=rng.randrange(1, 12))) + rng.choice(CLOSINGS)
    value = random_value(rng, rng.choice([1, 2, 2, 3, 4]))
    if kind <= 6:
        text = SloppyWriter(rng).write(value)
    else:
        text = json.dumps(value, indent=rng.choice([None, None, 2]), ensure_ascii=rng.random() < 0.5)
    if kind == 7:
        text = text.replace('"', rng.choice(['\\"', "'", "“", '""', '"']))
    if rng.random() < 0.3:
        text = wrapped(rng, text)
    if rng.random() < 0.6:
        text = mutated(rng, text)
    if rng.random() < 0.25:
        text = text[: rng.randrange(len(text) + 1)]
    if rng.random() < 0.1:
        text = wrapped(rng, text)
    return HUGE_INTEGER.sub("1", text)

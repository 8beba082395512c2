"""The chat layout of completions, against a reader and a writer of its own: 10,000 seeded cases each way."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import unicodedata
from pathlib import Path
from typing import Any

CASES = 10_000
SEED = int(os.environ.get("DSPEX_TEST_SEED", "20240607"))

# Lines end where str.splitlines says; these are white space that ends none.
LINE_BREAKS = ["\n", "\n", "\n", "\n\n", "\r\n", "\r", "\v", "\f", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"]
BLANKS = [" ", "  ", "\t", "\x1f", "\u00a0", "\u1680", "\u2003", "\u202f", "\u205f", "\u3000"]
WORDS = ["a", "é", "漢字", "😀", "½", "٣", "'", '"', "\\", "{", "[", "]", "## ]]", "[[ ##", "\x00", "\ufeff", "\u200b"]


def ask(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the engine makes of each line."""
    tool = Path(os.environ["DSPEX_BIN_DIR"]) / "tests/roundtrip/roundtrip_tool"
    text = "".join(json.dumps(line) + "\n" for line in lines)
    run = subprocess.run([tool], input=text.encode(), stdout=subprocess.PIPE, check=True)
    answers = [json.loads(line) for line in run.stdout.decode().split("\n")[:-1]]
    assert len(answers) == len(lines)
    return answers


def marker(name: str) -> str:
    return f"[[ ## {name} ## ]]"


def field_names(rng: random.Random, count: int) -> list[str]:
    """Distinct identifiers in the form in which a signature keeps them."""
    parts = ["a", "B", "_", "question", "x1", "é", "名", "ß", "µ", "ﬁ"]
    names: set[str] = set()
    while len(names) < count:
        name = "".join(rng.choices(parts, k=rng.randint(1, 3)))
        names.add(unicodedata.normalize("NFKC", name))
    names.discard("_")
    return sorted(names) or ["a"]


def read_sections(completion: str) -> dict[str, str]:
    """Section name -> text, the first of each name."""
    sections: dict[str, list[str]] = {}
    current: list[str] = []
    for line in completion.splitlines():
        header = re.match(r"\[\[ ## (\w+) ## \]\]", line.strip())
        if header is None:
            current.append(line)
            continue
        rest = line[len(header[0]) :].strip()
        current = [rest] if rest else []
        sections.setdefault(header[1], current)
    return {name: "\n".join(lines).strip() for name, lines in sections.items()}


def hostile_completion(rng: random.Random, names: list[str]) -> str:
    """Markers, whole and broken, indented, in lines and between them, among texts in many scripts."""
    pieces = []
    for _ in range(rng.randint(0, 24)):
        name = rng.choice([*names, *names, "completed", "input", "a b", ""])
        near = [f"[[ ##  {name} ## ]]", f"[[ ## {name} ##]]", f"[[## {name} ## ]]", f"[[ ## {name}", f"[{marker(name)}"]
        kind = rng.random()
        if kind < 0.3:
            pieces.append(rng.choice(LINE_BREAKS) + marker(name) + rng.choice(["", *LINE_BREAKS]))
        elif kind < 0.4:
            pieces.append("".join(rng.choices(BLANKS, k=rng.randint(1, 30))) + marker(name))
        elif kind < 0.5:
            pieces.append(rng.choice(near))
        elif kind < 0.65:
            pieces.append(rng.choice(LINE_BREAKS))
        elif kind < 0.75:
            pieces.append(rng.choice(BLANKS))
        else:
            pieces.append(rng.choice(WORDS))
    return "".join(pieces)


def test_sections_are_those_of_the_reader() -> None:
    rng = random.Random(SEED)
    cases = []
    for _ in range(CASES):
        names = field_names(rng, rng.randint(1, 4))
        cases.append((names, hostile_completion(rng, names)))
    answers = ask([{"completion": text, "signature": "input -> " + ", ".join(names)} for names, text in cases])
    complete = 0
    for (names, text), answer in zip(cases, answers, strict=True):
        sections = read_sections(text)
        missing = [name for name in names if name not in sections]
        context = f"DSPEX_TEST_SEED={SEED} {names} {text!r}"
        if missing:
            assert answer["error"]["reason"] == "COMPLETION_UNPARSABLE", context
            assert (answer["error"]["field"], answer["error"]["problem"]) == (missing[0], "missing"), context
        else:
            complete += 1
            assert answer["ok"] == {name: sections[name] for name in names}, context
    assert complete > CASES / 10, "hardly any completion was whole: the generator is off"


def random_value(rng: random.Random, depth: int) -> tuple[str, Any]:
    """A type's notation and a value of it."""
    kind = rng.randint(0, 8 if depth else 5)
    if kind == 0:
        text = "".join(rng.choices([*WORDS, *BLANKS, "\n"], k=rng.randint(0, 12))).strip()
        return "str", "" if any(re.match(r"\[\[ ## \w+ ## \]\]", line.strip()) for line in text.splitlines()) else text
    if kind == 1:
        return "int", rng.choice([rng.randint(-1000, 1000), rng.randint(-(2**63), 2**63 - 1)])
    if kind == 2:
        return "float", rng.choice([float(rng.randint(-9, 9)), rng.uniform(-1, 1) * 10.0 ** rng.randint(-300, 300)])
    if kind == 3:
        return "bool", rng.random() < 0.5
    if kind == 4:
        members: list[Any] = ["yes", "a, b", "it's", 'say "x"', 3, 12, True, None]
        return f"Literal[{', '.join(map(repr, members))}]", rng.choice(members)
    if kind == 5:
        return "dict", {"ключ": [1, 2.5, None, {"x": "y\n"}]}
    if kind == 6:
        notation, value = random_value(rng, depth - 1)
        return f"list[{notation}]", [value] * rng.randint(0, 3)
    if kind == 7:
        notation, value = random_value(rng, depth - 1)
        keys = rng.sample(["k", "", "ключ", '"', "a\nb"], rng.randint(0, 3))
        return f"dict[str, {notation}]", dict.fromkeys(keys, value)
    notation, value = random_value(rng, depth - 1)
    return (f"Optional[{notation}]", rng.choice([value, None])) if notation != "str" else (notation, value)


def written(value: Any) -> str:
    """A value as a prompt and so a completion shows it."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else str(value)


def test_values_come_back_as_they_were_written() -> None:
    rng = random.Random(SEED)
    lines, expected = [], []
    for _ in range(CASES):
        names = field_names(rng, rng.randint(1, 5))
        fields = {name: random_value(rng, 2) for name in names}
        sections = [f"{marker(name)}\n{written(value)}" for name, (_, value) in fields.items()]
        rng.shuffle(sections)
        lines.append(
            {
                "completion": "\n\n".join([*sections, marker("completed")]) + "\n",
                "signature": "input -> " + ", ".join(f"{name}: {notation}" for name, (notation, _) in fields.items()),
            }
        )
        expected.append({name: value for name, (_, value) in fields.items()})
    for line, fields_read, answer in zip(lines, expected, ask(lines), strict=True):
        context = f"DSPEX_TEST_SEED={SEED} {line}: {answer}"
        # As text: 5 is not 5.0, and keys have an order.
        assert json.dumps(answer.get("ok")) == json.dumps(fields_read), context

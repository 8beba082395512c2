"""The engine against a reader of its own kind in Python: signatures and field texts that Python reads with `ast`.

The engine's side is `roundtrip_tool`, found in $DSPEX_BIN_DIR (a folder laid out as bazel-bin is) or in bazel-bin.
Every case comes from a seed, printed with a failure; DSPEX_TEST_SEED sets another one.
"""

from __future__ import annotations

import ast
import json
import math
import os
import random
import struct
import subprocess
import unicodedata
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

SEED = int(os.environ.get("DSPEX_TEST_SEED", "20240607"))
SIGNATURES = 10_000
TEXTS = 10_000
FLOATS = 10_000

WIDE = "\uff57\uff49\uff44\uff45"  # "wide" in full-width letters, which names lose


def binary() -> Path:
    folder = os.environ.get("DSPEX_BIN_DIR") or Path(__file__).parents[2] / "bazel-bin"
    path = Path(folder) / "tests" / "roundtrip" / "roundtrip_tool"
    if not path.exists():
        pytest.fail(f"{path} is missing: build //tests/roundtrip:roundtrip_tool or set DSPEX_BIN_DIR")
    return path


def ask(lines: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the engine says to each line."""
    asked = [json.dumps(line, ensure_ascii=False) for line in lines]
    done = subprocess.run(
        [str(binary())], input="\n".join(asked) + "\n", capture_output=True, encoding="utf-8", check=True, timeout=300
    )
    answers = [json.loads(line) for line in done.stdout.split("\n") if line]
    assert len(answers) == len(asked)
    return answers


# The reader in Python: a type becomes a tuple, ("list", element) or ("Literal", value, ...), a field (name, type).

SCALARS = {
    "str": "str", "int": "int", "float": "float", "bool": "bool", "Any": "Any", "None": "NoneType",
    "NoneType": "NoneType",
}  # fmt: skip
CONTAINERS = ("list", "List", "dict", "Dict")
NONE = ("None",)
NONE_TYPE = ("NoneType",)


def read_type(node: ast.expr) -> tuple[Any, ...]:
    if isinstance(node, ast.Constant) and node.value is None:
        return NONE
    if isinstance(node, ast.Attribute):
        assert isinstance(node.value, ast.Name)
        assert node.value.id == "typing"
        return read_type(ast.Name(node.attr))
    if isinstance(node, ast.Name):
        return (SCALARS.get(node.id) or node.id,)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        left, right = read_type(node.left), read_type(node.right)
        # DSPy reads NoneType | int as Optional[int].
        return union([right, left] if left == NONE_TYPE else [left, right])
    assert isinstance(node, ast.Subscript), ast.dump(node)
    base = node.value.attr if isinstance(node.value, ast.Attribute) else getattr(node.value, "id", "")
    arguments = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    if base == "Literal":
        return ("Literal", *unique(read_literal(argument) for argument in arguments))
    types = [read_type(argument) for argument in arguments]
    if base == "Optional":
        return union([*types, NONE_TYPE])
    if base == "Union":
        return union(types)
    # typing's containers make a type of None.
    return (base, *(typed(kind) for kind in types)) if base[0].isupper() else (base, *types)


def typed(kind: tuple[Any, ...]) -> tuple[Any, ...]:
    return NONE_TYPE if kind == NONE else kind


def read_literal(node: ast.expr) -> tuple[str, Any]:
    assert isinstance(node, ast.Constant)
    return (type(node.value).__name__, node.value)


def unique(values: Iterable[Any]) -> list[Any]:
    kept: list[Any] = []
    for value in values:
        if value not in kept:
            kept.append(value)
    return kept


def key(kind: Any) -> Any:
    """Equal for types that are equal to Python: the order of alternatives does not count."""
    if not isinstance(kind, tuple) or not kind or kind[0] not in {"Union", "Literal"}:
        return tuple(key(part) for part in kind) if isinstance(kind, tuple) else kind
    return (kind[0], frozenset(key(part) for part in kind[1:]))


def union(types: list[tuple[Any, ...]]) -> tuple[Any, ...]:
    flat = [typed(inner) for kind in types for inner in (kind[1:] if kind[0] == "Union" else [kind])]
    firsts: dict[Any, tuple[Any, ...]] = {}
    for kind in flat:
        firsts.setdefault(key(kind), kind)
    kept = list(firsts.values())
    return kept[0] if len(kept) == 1 else ("Union", *kept)


def read_annotation(node: ast.expr | None) -> tuple[Any, ...]:
    kind = NONE if node is None else read_type(node)
    # A bare name of typing, as all of an annotation, is its twin to us; None says nothing to DSPy.
    return ("str",) if kind == NONE else (kind[0].lower(),) if len(kind) == 1 and kind[0] in CONTAINERS else kind


def read_side(text: str) -> list[tuple[str, tuple[Any, ...]]]:
    function = ast.parse(f"def f({text}): pass").body[0]
    assert isinstance(function, ast.FunctionDef)
    return [(argument.arg, read_annotation(argument.annotation)) for argument in function.args.args]


def read_fields(fields: list[dict[str, str]]) -> list[tuple[str, tuple[Any, ...]]]:
    """The engine's answer, its types read by Python from the notation that the engine wrote."""
    return [(field["name"], read_type(ast.parse(field["type"], mode="eval").body)) for field in fields]


# The generator.


class Generator:
    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.names = 0

    def pick(self, *options: str) -> str:
        return self.random.choice(options)

    def space(self) -> str:
        return self.pick("", "", " ", "  ", "\n", "\t ")

    def signature(self) -> tuple[str, str]:
        """Both sides of a signature."""
        self.names = 0
        return self.side(self.random.randint(0, 5)), self.side(self.random.randint(1, 4))

    def side(self, count: int) -> str:
        fields = [self.field() for _ in range(count)]
        comma = self.space() + "," + self.space()
        return comma.join(fields) + (self.pick("", ",") if fields else "") + self.space()

    def field(self) -> str:
        self.names += 1
        stem = self.pick("question", "x", "_y", "Café", "名前", "ﬁ", "größe", "e\u0301", "ñ_", WIDE)
        name = f"{stem}{self.names}"
        if self.random.random() < 0.2:
            return name
        return f"{name}{self.space()}:{self.space()}{self.type()}"

    def type(self, depth: int = 0) -> str:
        kind = self.random.randrange(11 if depth < 4 else 5)
        if kind < 4:
            return self.pick(*SCALARS, *CONTAINERS, "typing.List", "typing.Any")

        def inner() -> str:
            return self.type(depth + 1)

        makers: list[Callable[[], str]] = [
            self.literal,
            lambda: f"list[{inner()}]",
            lambda: f"{self.pick('List', 'typing.List')}[{self.space()}{inner()},]",
            lambda: f"{self.pick('dict', 'Dict')}[{self.pick('str', 'int', 'str | int', 'Any')}, {inner()}]",
            lambda: f"Optional[{inner()}]",
            lambda: f"Union[{inner()},{self.space()}{inner()}]",
            lambda: f"({inner()} | {inner()}{self.space()}|{self.space()}None)",
        ]
        return makers[kind - 4]()

    def literal(self) -> str:
        members = [self.member() for _ in range(self.random.randint(1, 5))]
        return f"{self.pick('Literal', 'typing.Literal')}[{', '.join(members)}]"

    def member(self) -> str:
        if self.random.random() < 0.3:
            return self.pick("0", "7", "1_000", "0xff", "True", "False", "None")
        plain = ("a", "yes", " ", ",", "]", "[", ":", "|", "=", "(", "#", "é", "漢字", "😀")
        escapes = ("\\n", "\\t", "\\x41", "\\u00e9", "\\\\", "\\'", '\\"')
        parts = plain + escapes
        text = "".join(self.pick(*parts) for _ in range(self.random.randint(0, 6)))
        quote = self.pick("'", '"', "'''")
        return f"{quote}{text}{quote}" + self.pick("", "", "", " 'more'")

    # Values, as models write them.

    def value(self, depth: int = 0) -> Any:
        kind = self.random.randrange(9 if depth < 4 else 6)
        if kind == 0:
            return self.random.choice([0, 1, -5, 10**6, 2**53 + 1, 2**63 - 1, -(2**63), 2**64 - 1])
        if kind == 1:
            return self.number()
        if kind == 2:
            return self.random.choice([True, False])
        if kind == 3:
            return None
        if kind < 6:
            return self.text()
        if kind < 8:
            return [self.value(depth + 1) for _ in range(self.random.randint(0, 4))]
        return {self.text(): self.value(depth + 1) for _ in range(self.random.randint(0, 4))}

    def number(self) -> float:
        while True:
            bits = self.random.getrandbits(64)
            value = struct.unpack("<d", struct.pack("<Q", bits))[0]
            if self.random.random() < 0.5:
                value = round(self.random.uniform(-1e6, 1e6), self.random.randint(0, 8))
            if math.isfinite(value):
                return float(value)

    def text(self) -> str:
        parts = (
            "a",
            "b c",
            "'",
            '"',
            "\\",
            "\n",
            "\t",
            "é",
            "漢",
            "😀",
            "\x07",
            "\u2028",
            "[",
            "}",
            ",",
            ":",
            "->",
            "\x85",
        )
        return "".join(self.pick(*parts) for _ in range(self.random.randint(0, 8)))


def test_signatures() -> None:
    generator = Generator(SEED)
    sides = [generator.signature() for _ in range(SIGNATURES)]
    texts = [f"{inputs}->{outputs}" for inputs, outputs in sides]
    answers = ask({"signature": text} for text in texts)
    again = ask({"signature": answer["ok"]["text"]} for answer in answers if "ok" in answer)
    assert len(again) == len(texts), [answer for answer in answers if "ok" not in answer][:3]
    for (inputs, outputs), text, answer, second in zip(sides, texts, answers, again, strict=True):
        about = f"seed {SEED}: {text!r}"
        assert read_fields(answer["ok"]["inputs"]) == read_side(inputs), about
        assert read_fields(answer["ok"]["outputs"]) == read_side(outputs), about
        assert second == answer, about


def test_names_are_normalized() -> None:
    answer = ask([{"signature": f"ﬁ, {WIDE} -> e\u0301"}])[0]["ok"]
    names = [field["name"] for field in answer["inputs"] + answer["outputs"]]
    assert names == [unicodedata.normalize("NFKC", name) for name in ("ﬁ", WIDE, "e\u0301")]


def exact(value: Any) -> Any:
    """The value with its types: in Python 1 == 1.0 == True, and objects that differ in order are equal."""
    if isinstance(value, list):
        return [exact(element) for element in value]
    if isinstance(value, dict):
        return [(key, exact(member)) for key, member in value.items()]
    return (type(value).__name__, repr(value))


def test_field_texts() -> None:
    """What Python writes, as JSON or, of a number or its like, as a literal, is read as the value it was. (What else is
    no JSON is mended, which is not always right: tests/conformance/values.)"""
    generator = Generator(SEED)
    values = [generator.value() for _ in range(TEXTS)]
    lines = []
    for value in values:
        json_text = json.dumps(
            value, ensure_ascii=generator.random.random() < 0.5, indent=generator.random.choice([None, 2])
        )
        nested = isinstance(value, list | dict)
        text = json_text if nested or isinstance(value, str) else generator.random.choice([json_text, repr(value)])
        if nested and generator.random.random() < 0.2:
            text = f"```{generator.pick('json', 'python', '')}\n{text}\n```"
        lines.append({"type": "Any", "text": text})
    for line, value, answer in zip(lines, values, ask(lines), strict=True):
        about = f"seed {SEED}: {line['text']!r}: {answer}"
        got = float(answer["float"]) if "float" in answer else answer.get("ok", "nothing")
        assert exact(got) == exact(value), about


TYPED: list[tuple[str, type]] = [("str", str), ("int", int), ("float", float), ("bool", bool)]


def test_typed_texts() -> None:
    """Scalars, and lists and dicts of them, as str() and json.dumps write them under a type."""
    generator = Generator(SEED)

    def scalar(kind: type) -> Any:
        if kind is str:
            return generator.text()
        if kind is int:
            return generator.random.randint(-(2**63), 2**63 - 1)
        return generator.number() if kind is float else generator.random.random() < 0.5

    lines, expected = [], []
    for _ in range(TEXTS):
        name, kind = generator.random.choice(TYPED)
        shape = generator.random.randrange(4)
        value: Any = scalar(kind)
        if shape == 0:
            lines.append({"type": generator.pick(name, f"Union[{name}]"), "text": value if kind is str else str(value)})
        elif shape == 1 and kind is not str:
            lines.append({"type": f"Optional[{name}]", "text": str(value)})
        elif shape == 2:
            value = {generator.text(): scalar(kind) for _ in range(3)}
            lines.append({"type": f"dict[str, {name}]", "text": json.dumps(value)})
        else:
            value = [scalar(kind) for _ in range(generator.random.randrange(4))]
            lines.append({"type": f"list[{name}]", "text": json.dumps(value)})
        expected.append(value)
    for line, value, answer in zip(lines, expected, ask(lines), strict=True):
        got = float(answer["float"]) if "float" in answer else answer.get("ok", "nothing")
        assert exact(got) == exact(value), f"seed {SEED}: {line}: {answer}"


def test_values_are_written_as_python_writes_them() -> None:
    generator = Generator(SEED)
    values = [generator.number() for _ in range(FLOATS)] + [generator.value() for _ in range(TEXTS)]
    for value, answer in zip(values, ask({"format": value} for value in values), strict=True):
        about = f"seed {SEED}: {value!r}"
        assert answer["ok"]["dumps"] == json.dumps(value, ensure_ascii=False), about
        plain = value if not isinstance(value, list | dict) else json.dumps(value, ensure_ascii=False)
        assert answer["ok"]["str"] == str(plain), about


BAD_SIGNATURES = [
    ("a, b", 4, "end of text"),
    ("a -> b -> c", 7, "->"),
    ("é: complex -> b", 4, "complex"),
    ("a: list[ -> b", 9, "->"),
    ("a: Literal['x] -> b", 11, "'x] -> b"),
    ("a: Literal[-1] -> b", 11, "-"),
    ("a, b, a -> c", 6, "a"),
    ("a ->", 4, "end of text"),
]


@pytest.mark.parametrize(("text", "position", "token"), BAD_SIGNATURES)
def test_bad_signatures_are_errors_with_a_position(text: str, position: int, token: str) -> None:
    error = ask([{"signature": text}])[0]["error"]
    assert (error["reason"], error["position"], error["token"]) == ("INVALID_SIGNATURE", str(position), token)


@pytest.mark.filterwarnings("ignore:invalid escape sequence")
def test_damaged_signatures_never_end_the_engine() -> None:
    """Characters are lost, doubled and exchanged: what the engine still takes, Python takes too."""
    generator = Generator(SEED)
    texts = []
    for _ in range(SIGNATURES // 4):
        inputs, outputs = generator.signature()
        characters = list(f"{inputs}->{outputs}")
        for _ in range(generator.random.randint(1, 3)):
            at = generator.random.randrange(len(characters))
            damage = generator.pick("", "[", "]", "'", ",", ":", "->", "(", "\\", "|", "é", "1")
            characters[at : at + 1] = [damage] * generator.random.randint(1, 2)
        texts.append("".join(characters))
    for text, answer in zip(texts, ask({"signature": text} for text in texts), strict=True):
        if "ok" not in answer:
            assert answer["error"]["reason"] == "INVALID_SIGNATURE", f"seed {SEED}: {text!r}: {answer}"
            continue
        position = text.find("->")
        readable = False
        while position >= 0 and not readable:  # An arrow may stand within a Literal.
            try:
                ast.parse(f"def f({text[:position]}): pass\ndef g({text[position + 2 :]}): pass")
                readable = True
            except SyntaxError:
                position = text.find("->", position + 1)
        assert readable, f"seed {SEED}: {text!r}: {answer}"

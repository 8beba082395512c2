"""DSPy's wording is captured whole, and what is captured renders what DSPy renders."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import dspy
import pytest

from dspex_dspy.cut import Names, cut, cut_list, split, twice
from dspex_dspy.errors import CaptureError
from dspex_dspy.phrasebook import capture
from dspex_dspy.rendering import adapters, messages_of, signature
from tests.python_side.renderer import Renderer
from tests.support.paths import ROOT

# Every fragment that dspex's reader asks for, with its slots.
SYSTEM = "input_fields input_pattern instructions output_fields output_pattern"
SLOTS = {
    "instructions": "inputs outputs", "name": "name", "field": "index name type",
    "described_field": "description index name type", "type_description": "text type", "constraints": "constraints",
    **{f"constraint_{rule}": "value" for rule in ("gt", "ge", "lt", "le", "multiple_of", "min_length", "max_length")},
    "constraint_allow_inf_nan": "value", "placeholder": "name note", "note_bool": "", "note_number": "type",
    "note_enum": "values", "note_literal": "values", "note_schema": "schema",
    "chat_system": SYSTEM, "chat_reminder": "fields", "chat_reminder_field": "marker",
    "chat_reminder_typed_field": "marker type", "chat_reminder_tool_calls": "marker",
    "json_system": SYSTEM, "json_reminder": "fields", "json_reminder_field": "name",
    "json_reminder_typed_field": "name type", "json_reminder_tool_calls": "name",
    "xml_system": SYSTEM, "xml_reminder": "fields structure", "xml_reminder_field": "name",
    "xml_reminder_structure": "schemas",
    "baml_system": "input_fields inputs instructions output_fields outputs", "baml_input": "name",
    "baml_output": "name type", "baml_no_fields": "", "baml_alias": "alias",
    "two_step_system": "input_fields instructions output_fields", "two_step_instructions": "fields",
    "two_step_extract_field": "name", "demo_incomplete": "", "demo_missing_value": "",
    "tool": "arguments description name", "tool_no_description": "arguments name", "document": "length title",
    "untitled_document": "length",
    **{f"copro_{part}": "number text" for part in ("instruction", "prefix", "score")},
}  # fmt: skip


def test_every_fragment_is_there_with_its_slots(phrasebook: dict[str, Any]) -> None:
    found = {
        ident: " ".join(sorted({next(iter(piece.values())) for piece in pieces if isinstance(piece, dict)}))
        for ident, pieces in phrasebook["text"].items()
    }
    assert found == SLOTS
    assert "zq" not in json.dumps(phrasebook)


def test_own_types_are_described(phrasebook: dict[str, Any]) -> None:
    assert {"Code", "ToolCalls", "Document", "Citations"} <= phrasebook["type_description"].keys()
    slots = {piece["slot"] for piece in phrasebook["type_description"]["Code"] if isinstance(piece, dict)}
    assert slots == {"language", "language_lower"}
    for name, schema in phrasebook["builtin_schema"].items():
        assert json.loads(schema)["title"] == name
    assert "Image" in phrasebook["builtin_schema"]
    assert all(phrasebook["builtin_doc"].values())


def test_it_says_what_it_was_captured_from(phrasebook: dict[str, Any]) -> None:
    assert phrasebook["name"] == f"dspy-{dspy.__version__}"
    assert phrasebook["versions"].keys() == {"dspy", "python", "pydantic"}
    assert len(phrasebook["probe_sha256"]) == 64
    assert capture() == phrasebook


@pytest.mark.parametrize("kind", ["chat", "json"])
@pytest.mark.parametrize("number", range(40))
def test_simple_signatures_render_as_dspy_does(kind: str, number: int, phrasebook: dict[str, Any]) -> None:
    source = random.Random(number)
    names = source.sample(["question", "context", "answer", "score", "is_it", "n2", "größe"], source.randint(2, 6))
    border = source.randint(1, len(names) - 1)
    made = {name: (source.choice((str, int, bool)), source.choice(("", "what it is"))) for name in names}
    inputs = {name: made[name] for name in names[:border]}
    outputs = {name: made[name] for name in names[border:]}
    instructions = source.choice((None, "Do it.", "Do it.\n\nThen rest."))

    def specified(fields: Any) -> Any:
        return {name: (each, {"desc": text} if text else {}) for name, (each, text) in fields.items()}

    given = dict.fromkeys(inputs, "a value")
    system, user = messages_of(adapters()[kind], signature(specified(inputs), specified(outputs), instructions), given)
    render = Renderer(phrasebook)
    instructions = instructions or render.default_instructions(list(inputs), list(outputs))
    assert system["content"] == render.system(kind, inputs, outputs, instructions)
    assert user["content"] == f"{render.sections(given)}\n\n{render.reminder(kind, outputs)}"


def test_demos_render_as_dspy_does(phrasebook: dict[str, Any]) -> None:
    sig = signature({"a": (str, {}), "b": (str, {})}, {"c": (str, {}), "d": (str, {})})
    messages = messages_of(dspy.ChatAdapter(), sig, {"a": "1", "b": "2"}, [{"a": "1", "d": "4"}])
    render = Renderer(phrasebook)
    assert messages[1]["content"] == f"{render.say('demo_incomplete')}\n\n{render.sections({'a': '1'})}"
    shown = render.sections({"c": render.say("demo_missing_value"), "d": "4"})
    assert messages[2]["content"] == f"{shown}\n\n[[ ## completed ## ]]\n"


def test_another_wording_is_captured_too(phrasebook: dict[str, Any], tmp_path: Path) -> None:
    """A copy of DSPy whose sentences have their letters' case swapped, as a later release has other words."""
    package = Path(dspy.__file__).parent
    shutil.copytree(package, tmp_path / "dspy", ignore=shutil.ignore_patterns("__pycache__"))
    literals = [piece for pieces in phrasebook["text"].values() for piece in pieces if isinstance(piece, str)]
    runs = {run for literal in literals for run in re.findall(r"[A-Za-z]+(?: [A-Za-z]+){2,}", literal)}
    paths = [path for part in ("adapters", "signatures") for path in (tmp_path / "dspy" / part).rglob("*.py")]
    sources = {path: path.read_text(encoding="utf-8") for path in paths}
    known = [run for run in sorted(runs, key=len, reverse=True) if any(run in code for code in sources.values())]
    assert len(known) >= 15
    pattern = re.compile("|".join(known))

    def swapped(text: str) -> str:
        return pattern.sub(lambda match: match.group().swapcase(), text)

    for path, code in sources.items():
        path.write_text(swapped(code), encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join((str(tmp_path), str(ROOT / "python_worker")))}
    ran = subprocess.run(
        [sys.executable, "-B", "-m", "dspex_dspy", "capture"], env=environment, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    captured = json.loads(ran.stdout)["text"]
    for ident, pieces in phrasebook["text"].items():
        assert captured[ident] == [swapped(piece) if isinstance(piece, str) else piece for piece in pieces], ident


def test_what_cannot_be_cut_is_named() -> None:
    with pytest.raises(CaptureError, match="greeting") as raised:
        cut("greeting", "hello you, you", {"you": "name"})
    assert raised.value.fragment == "greeting"
    with pytest.raises(CaptureError, match="greeting"):
        cut("greeting", "hello", {"you": "name"})
    with pytest.raises(CaptureError, match="listed"):
        split("listed", "a and b", ["b", "a"])
    with pytest.raises(CaptureError, match="listed"):
        cut_list("listed", ["from ", ", ", "; ", "."])


def test_what_depends_on_sentinels_is_no_wording() -> None:
    with pytest.raises(CaptureError, match="shy"):
        twice(lambda names: {"shy": [names.word("left over")]})
    assert twice(lambda names: {"good": cut("good", f"so {names.word('x')}!", {names.word("x"): "x"})}) == {
        "good": ["so ", {"slot": "x"}, "!"]
    }
    assert Names("k").word("x") != Names("w").word("x")


def test_lists_are_cut_between_their_items() -> None:
    parts = split("listed", "from <a> (int), then <b>, then <c>.", ["a", "b", "c"])
    assert parts == ["from <", "> (int), then <", ">, then <", ">."]
    found = cut_list("listed", ["from <", ">, then <", ">, then <", ">."], {"typed": parts[1]})
    assert (found.head, found.separator, found.tail) == ("from ", ", then ", ".")
    assert (found.before, found.after, found.variants) == ("<", ">", {"typed": "> (int)"})

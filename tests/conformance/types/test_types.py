"""Types, signatures in string form, prefixes, schemas and response formats: the installed DSPy against the engine.

Each case is asked of both.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pydantic
import pytest
from hypothesis import strategies as st

from tests.conformance.examples import for_each
from tests.conformance.types import dspy_side, generators
from tests.conformance.types.engine_side import Engine, engine
from tests.conftest import Generated

# What one side takes and the other does not, by design; docs/dspy-compatibility.md gives the reasons.
DSPY_ONLY = {
    r"Literal\[.*\b\d+\.\d": "a float in a Literal",
    r"Literal\[.*\bNoneType\b": "a type in a Literal",
    r"\bcomplex\b|Annotated|\bField\(": "no equal among our types",
    r"\['|\[\"": "a type in quotes within brackets",
}


@pytest.fixture(scope="session")
def peer() -> Iterator[Engine]:
    with engine(dspy_side.builtin_schemas()) as process:
        yield process


def declarations(declared: Mapping[str, type]) -> list[dict[str, Any]]:
    """As a program declares them: under pydantic's name, with a marker for the class's."""
    return [{"name": definition_name(name), "schema": marked(name, kind)} for name, kind in declared.items()]


def definition_name(name: str) -> str:
    return re.sub(r"[^a-zA-Z0-9_]", "_", name)


def marked(name: str, kind: type) -> dict[str, Any]:
    schema = pydantic.TypeAdapter(kind).json_schema()
    own = schema["$defs"][definition_name(name)] if "$ref" in schema else schema
    own["x-dspex-name"] = name
    return schema


def as_declared(text: str, declared: Mapping[str, type]) -> str:
    """The same with the names of the declarations."""
    for name in declared:
        text = text.replace(name, definition_name(name))
    return text


def check_type(peer: Engine, annotation: str, declared: Mapping[str, type]) -> None:
    line = {"types": declarations(declared)} if declared else {}
    expected = dspy_side.outcome(lambda: dspy_side.describe_type(annotation, declared))
    answer = peer.ask("type", annotation=as_declared(annotation, declared), **line)
    if isinstance(expected, dspy_side.Refused):
        assert "error" in answer or lenient(annotation, answer), f"DSPy refuses it: {expected}\ndspex: {answer}"
        return
    assert "error" not in answer, answer
    if annotation.strip("() ") == "None":
        return  # All of an annotation: test_signatures.
    assert answer["name"] == expected.name
    assert answer["allows_none"] == expected.allows_none
    assert answer["round_trips"]
    if expected.schema is not None:
        assert json.loads(answer["schema"]) == json.loads(expected.schema)
        assert answer["schema"] == expected.schema


def lenient(annotation: str, answer: Mapping[str, Any]) -> bool:
    """What we take beyond DSPy: a name of typing, bare, as all of an annotation."""
    bare = answer["name"] in {"list", "dict", "set", "frozenset", "tuple"}
    return bare and re.search(r"List|Dict|Set|Tuple", annotation) is not None


def test_annotations(peer: Engine, generated: Generated) -> None:
    @for_each(generated, generators.annotation_texts())
    def run(annotation: str) -> None:
        check_type(peer, annotation, {})


@pytest.mark.parametrize("annotation", generators.WRONG)
def test_wrong_annotations(peer: Engine, annotation: str) -> None:
    with pytest.raises(dspy_side.Refused):
        dspy_side.describe_type(annotation or "[")
    assert "error" in peer.ask("type", annotation=annotation)


def test_declared_types(peer: Engine, generated: Generated) -> None:
    @for_each(generated, generators.type_cases())
    def run(case: generators.TypeCase) -> None:
        check_type(peer, case.annotation, case.declared)


def test_response_formats(peer: Engine, generated: Generated) -> None:
    @for_each(generated, generators.output_cases())
    def run(case: generators.OutputCase) -> None:
        declared = case.annotations.declared
        text = f"input_ -> {case.annotations.annotation}"
        signature = dspy_side.outcome(lambda: dspy_side.read(text, declared))
        if isinstance(signature, dspy_side.Refused):
            return
        for name in case.defaults:
            signature.output_fields[name].default = None
        expected = dspy_side.response_format(signature, native_tool_calls=case.native_tool_calls)
        answer = peer.ask(
            "output_schema",
            signature=as_declared(text, declared),
            types=declarations(declared),
            defaults=dict.fromkeys(case.defaults),
            native_tool_calls=case.native_tool_calls,
        )
        assert "error" not in answer, answer
        assert answer["schema"] == expected


def test_prefixes_and_titles(peer: Engine, generated: Generated) -> None:
    @for_each(generated, st.lists(generators.names(), min_size=1, max_size=20, unique=True))
    def run(names: list[str]) -> None:
        answer = peer.ask("signature", signature=f"-> {', '.join(names)}")
        assert "error" not in answer, answer
        assert [field["prefix"] for field in answer["outputs"]] == [dspy_side.prefix(name) for name in names]
        schema = json.loads(peer.ask("output_schema", signature=f"-> {', '.join(names)}")["schema"])
        titles = [name.title().replace("_", " ").strip() for name in names]
        assert [schema["properties"][name]["title"] for name in names] == titles


def test_signatures(peer: Engine, generated: Generated) -> None:
    @for_each(generated, generators.signature_texts())
    def run(text: str) -> None:
        answer = peer.ask("signature", signature=text)
        expected = dspy_side.outcome(lambda: dspy_side.read(text))
        if isinstance(expected, dspy_side.Refused):
            assert "error" in answer or we_take(text), f"DSPy refuses it: {expected}\ndspex: {answer}"
            return
        if "error" in answer:
            assert dspy_takes(text, expected), f"DSPy takes it: {expected}\ndspex: {answer}"
            return
        assert answer["round_trips"]
        assert answer["inputs"] == dspy_side.describe_fields(expected.input_fields, inputs=True)
        outputs = [{k: v for k, v in field.items() if k != "untyped"} for field in answer["outputs"]]
        assert outputs == dspy_side.describe_fields(expected.output_fields, inputs=False)


def we_take(text: str) -> bool:
    """Refused by DSPy alone: bare names of typing, and names that begin with an underscore."""
    return re.search(r"\b(List|Dict|Set|FrozenSet|Tuple)\b|\b_", text) is not None


def duplicates(text: str) -> bool:
    sides = [ast.parse(f"def f({side}): pass").body[0] for side in text.split("->")]
    return any(len({a.arg for a in f.args.args}) < len(f.args.args) for f in sides if isinstance(f, ast.FunctionDef))


def dspy_takes(text: str, signature: Any) -> bool:
    """Taken by DSPy alone."""
    if not signature.output_fields:
        return True  # An output is what a program is for.
    if duplicates(text):
        return True  # DSPy keeps the last of equal names.
    return any(re.search(pattern, text) for pattern in DSPY_ONLY)

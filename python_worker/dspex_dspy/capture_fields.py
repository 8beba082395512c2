"""Cuts what DSPy says about fields: their names, their lines in the field list, constraints, and notes on types."""

from __future__ import annotations

import enum
import json
import re
from typing import Any, Literal

import dspy
import pydantic

from dspex_dspy.cut import (
    Fragments,
    Names,
    Pieces,
    between,
    common_prefix,
    common_suffix,
    cut,
    cut_list,
    find,
    listing,
    literals,
    rendered,
    same,
    slot,
    split,
    without_prefix,
    without_suffix,
)
from dspex_dspy.errors import CaptureError
from dspex_dspy.rendering import FieldSpec, messages_of, signature, system_of, texts

# The constraints that DSPy may print, with a type that takes them and a value.
_CONSTRAINTS: dict[str, tuple[type, Any]] = {
    "gt": (float, 7001),
    "ge": (float, 7002),
    "lt": (float, 7003),
    "le": (float, 7004),
    "multiple_of": (float, 7005),
    "min_length": (str, 7006),
    "max_length": (str, 7007),
    "allow_inf_nan": (float, True),
}
_OPTIONAL_CONSTRAINTS: dict[str, tuple[type, Any]] = {"pattern": (str, "zqpatternqz")}


def instructions(names: Names) -> Fragments:
    """The sentence that stands in for missing instructions."""
    inputs, outputs = names.words("in", 3), names.words("out", 3)

    def default(count_in: int, count_out: int) -> str:
        some = texts(inputs[:count_in]), texts(outputs[:count_out])
        return str(signature(*some, None).instructions)

    ident = "instructions"
    parts = split(ident, default(3, 3), [*inputs, *outputs])
    middle = parts[3]
    first = cut_list(ident, [*parts[:3], middle])
    second = cut_list(ident, [middle, *parts[4:]])
    # Both lists name fields alike; what the middle shares with either side belongs to the names.
    before = common_suffix([first.before, second.before])
    after = common_prefix([first.after, second.after])
    head = without_suffix(ident, parts[0], before)
    middle = without_suffix(ident, without_prefix(ident, middle, after), before)
    tail = without_prefix(ident, parts[-1], after)
    separators = [
        without_suffix(ident, without_prefix(ident, same(ident, some), after), before)
        for some in (parts[1:3], parts[4:6])
    ]
    no_inputs = between(ident, default(0, 3), head, middle + before + outputs[0])
    no_outputs = without_suffix(ident, default(3, 0).split(after + middle)[-1], tail)
    sentence = literals(
        head,
        listing("inputs", separators[0], no_inputs),
        middle,
        listing("outputs", separators[1], no_outputs),
        tail,
    )
    return {ident: sentence, "name": literals(before, slot("name"), after)}


class FieldLines:
    """Renders the field list with the fields of interest where stripping does not reach them."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self.around = names.words("around", 11)
        self.field = names.word("field")

    def entry(self, fragment: str, kind: Any, **arguments: Any) -> str:
        """The text that the list has for a field, without the line break before the next field."""
        last = self.names.word("last")
        fields = {**texts(self.around[:10]), self.field: (kind, arguments), last: (str, {})}
        text = system_of(dspy.ChatAdapter(), signature(fields, texts(self.names.words("out", 1))))
        start = text.rfind("\n", 0, find(fragment, text, self.field)) + 1
        end = text.rfind("\n", start, find(fragment, text, last, start))
        return text[start:end]


def field_lines(names: Names) -> Fragments:
    """The lines of the field list and what is appended to them."""
    lines = FieldLines(names)
    kind = pydantic.create_model(names.type_name("model"), x=(int, 0))
    description = names.word("description")
    slots = {"11": "index", lines.field: "name", kind.__name__: "type"}
    fragments = {
        "field": cut("field", lines.entry("field", kind), slots),
        "described_field": cut(
            "described_field",
            lines.entry("described_field", kind, desc=description),
            {**slots, description: "description"},
        ),
    }
    custom = custom_type(names)
    ident = "type_description"
    appended = _appended(ident, lines, fragments["field"], custom)
    described = _appended(ident, lines, fragments["described_field"], custom, description)
    if appended != described:
        raise CaptureError(ident, f"with a description it is {described!r}, without {appended!r}")
    fragments[ident] = cut(ident, appended, {custom.__name__: "type", custom.description(): "text"})
    return fragments | _constraints(lines, fragments["field"])


def custom_type(names: Names) -> Any:
    """A type of DSPy's kind that describes itself by a sentinel."""
    text = names.word("typetext")
    namespace = {"__module__": __name__, "description": classmethod(lambda cls: text)}
    return type(names.type_name("custom"), (dspy.Type,), namespace)


def _appended(
    fragment: str, lines: FieldLines, line: Pieces, kind: Any, description: str = "", **arguments: Any
) -> str:
    """What the entry of a field has behind the line itself."""
    if description:
        arguments["desc"] = description
    entry = lines.entry(fragment, kind, **arguments)
    plain = rendered(line, index="11", name=lines.field, type=kind.__name__, description=description)
    return without_prefix(fragment, entry, plain)


def _constraints(lines: FieldLines, line: Pieces) -> Fragments:
    def printed(kind: type, **constraints: Any) -> str:
        return _appended("constraints", lines, line, kind, **constraints)

    alone = {rule: printed(kind, **{rule: value}) for rule, (kind, value) in _CONSTRAINTS.items()}
    for rule, (kind, value) in _OPTIONAL_CONSTRAINTS.items():
        if text := printed(kind, **{rule: value}):
            alone[rule] = text
    cuts = {
        rule: cut(f"constraint_{rule}", text, {str({**_CONSTRAINTS, **_OPTIONAL_CONSTRAINTS}[rule][1]): "value"})
        for rule, text in alone.items()
    }
    # What all have in common stands once, however many there are.
    head = common_prefix(alone.values())
    tail = common_suffix(str(pieces[-1]) if isinstance(pieces[-1], str) else "" for pieces in cuts.values())
    bare = {rule: without_suffix("constraints", text[len(head) :], tail) for rule, text in alone.items()}
    both = printed(float, gt=7001, lt=7003)
    separator = without_suffix("constraints", without_prefix("constraints", both, head + bare["gt"]), bare["lt"] + tail)
    fragments = {"constraints": literals(head, listing("constraints", separator), tail)}
    for rule, text in bare.items():
        value = str({**_CONSTRAINTS, **_OPTIONAL_CONSTRAINTS}[rule][1])
        fragments[f"constraint_{rule}"] = cut(f"constraint_{rule}", text, {value: "value"})
    return fragments


def section(fragment: str, text: str, name: str) -> str:
    """The text of a section that is not the last."""
    return between(fragment, text, f"[[ ## {name} ## ]]\n", "\n\n")


def shown_schema(fragment: str, text: str, key: str) -> str:
    """The JSON object with that key, as it stands in the text."""
    for match in re.finditer(r"\{", text):
        try:
            value, end = json.JSONDecoder().raw_decode(text, match.start())
        except ValueError:
            continue
        if isinstance(value, dict) and key in value:
            return text[match.start() : end]
    raise CaptureError(fragment, f"there is no JSON object with the key {key!r} in {text!r}")


def notes(names: Names) -> Fragments:
    """What stands for values in the pattern, and the notes on types there."""
    plain, boolean, whole, real, choice, literal, model, last = names.words("out", 8)
    values = names.words("value", 3)
    member = enum.Enum(names.type_name("enum"), {value.upper(): value for value in values})  # type: ignore[misc]
    shape = pydantic.create_model(names.type_name("model"), **{names.word("key"): (int, ...)})  # type: ignore[call-overload]
    kinds = (str, bool, int, float, member, Literal[tuple(values)], shape, str)
    fields = (plain, boolean, whole, real, choice, literal, model, last)
    outputs: dict[str, FieldSpec] = {name: (kind, {}) for name, kind in zip(fields, kinds, strict=True)}
    text = system_of(dspy.ChatAdapter(), signature(texts(names.words("in", 2)), outputs))

    placeholder = cut("placeholder", section("placeholder", text, plain), {plain: "name"})

    def note(fragment: str, name: str) -> str:
        return without_prefix(fragment, section(fragment, text, name), rendered(placeholder, name=name))

    def choices(fragment: str, name: str) -> Pieces:
        parts = split(fragment, note(fragment, name), values)
        return literals(parts[0], listing("values", same(fragment, parts[1:3])), parts[3])

    number = [
        cut("note_number", note("note_number", name), {word: "type"})
        for name, word in ((whole, "int"), (real, "float"))
    ]
    if number[0] != number[1]:
        raise CaptureError("note_number", f"int and float read differently: {number!r}")
    schema = note("note_schema", model)
    return {
        "placeholder": [*placeholder, slot("note")],
        "note_bool": literals(note("note_bool", boolean)),
        "note_number": number[0],
        "note_enum": choices("note_enum", choice),
        "note_literal": choices("note_literal", literal),
        "note_schema": cut("note_schema", schema, {shown_schema("note_schema", schema, "properties"): "schema"}),
    }


def demos(names: Names) -> Fragments:
    """What is said of a demo that lacks fields."""
    inputs, outputs = names.words("in", 2), names.words("out", 2)
    value = names.word("value")
    sig = signature(texts(inputs), texts(outputs))
    messages = messages_of(
        dspy.ChatAdapter(), sig, dict.fromkeys(inputs, value), [{inputs[0]: value, outputs[1]: value}]
    )
    user, assistant = (str(message["content"]) for message in messages[1:3])
    ident = "demo_incomplete"
    head = user[: find(ident, user, f"\n\n[[ ## {inputs[0]} ## ]]")]
    missing = between("demo_missing_value", assistant, f"[[ ## {outputs[0]} ## ]]\n", f"\n\n[[ ## {outputs[1]} ## ]]")
    return {ident: literals(head), "demo_missing_value": literals(missing)}

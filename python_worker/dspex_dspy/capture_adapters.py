"""Cuts the sentences of the adapters: system messages and the reminders that end a turn."""

from __future__ import annotations

import enum
from typing import Any

import dspy
import pydantic
from dspy.adapters.baml_adapter import BAMLAdapter

from dspex_dspy.capture_fields import shown_schema
from dspex_dspy.cut import (
    Fragments,
    Names,
    Piece,
    Pieces,
    between,
    common_prefix,
    cut,
    cut_list,
    find,
    listing,
    literals,
    rendered,
    replace,
    same,
    slot,
    split,
    without_prefix,
    without_suffix,
)
from dspex_dspy.errors import CaptureError
from dspex_dspy.rendering import FieldSpec, RecordingLM, ended_by_request, messages_of, signature, system_of, texts

Span = tuple[int, int, Piece]


class _Setup:
    """A signature of sentinels and the system message that an adapter makes of it."""

    def __init__(self, names: Names, adapter: Any, fragment: str, kind: Any = str) -> None:
        self.fragment = fragment
        self.inputs, self.outputs = names.words("in", 2), names.words("out", 2)
        self.lines = names.words("line", 3)
        outputs: dict[str, FieldSpec] = dict.fromkeys(self.outputs, (kind, {}))
        self.text = system_of(adapter, signature(texts(self.inputs), outputs, "\n".join(self.lines)))

    def field_lists(self) -> list[Span]:
        """The field lists: the lines in which a field's name stands first."""
        spans: list[Span] = []
        for name, fields in (("input_fields", self.inputs), ("output_fields", self.outputs)):
            start = self.text.rfind("\n", 0, find(self.fragment, self.text, fields[0])) + 1
            end = self.text.find("\n", find(self.fragment, self.text, fields[-1], start))
            spans.append((start, end, slot(name)))
        return spans

    def block(self, name: str, first: str, last: str) -> Span:
        """From a text to the end of another one behind it."""
        begin = find(self.fragment, self.text, first)
        return begin, find(self.fragment, self.text, last, begin + len(first)) + len(last), slot(name)

    def instruction_lines(self) -> Span:
        begin = find(self.fragment, self.text, self.lines[0])
        parts = split(self.fragment, self.text[begin:], self.lines)
        end = len(self.text) - len(parts[-1])
        return begin, end, listing("instructions", same(self.fragment, parts[1:3]))


def systems(names: Names, placeholder: Pieces) -> Fragments:
    """The system messages of the chat, JSON and XML adapters."""

    def sections(setup: _Setup, name: str, fields: list[str]) -> Span:
        ending = rendered(placeholder, name=fields[-1], note="")
        return setup.block(name, f"[[ ## {fields[0]} ## ]]\n", f"[[ ## {fields[-1]} ## ]]\n{ending}")

    chat = _Setup(names, dspy.ChatAdapter(), "chat_system")
    json = _Setup(names, dspy.JSONAdapter(), "json_system")
    xml = _Setup(names, dspy.XMLAdapter(), "xml_system")
    shown = shown_schema(json.fragment, json.text, json.outputs[0])
    patterns = {
        chat: [sections(chat, "input_pattern", chat.inputs), sections(chat, "output_pattern", chat.outputs)],
        json: [sections(json, "input_pattern", json.inputs), json.block("output_pattern", shown, "")],
        xml: [
            xml.block(name, f"<{fields[0]}>\n", f"</{fields[-1]}>")
            for name, fields in (("input_pattern", xml.inputs), ("output_pattern", xml.outputs))
        ],
    }
    return {
        setup.fragment: replace(setup.fragment, setup.text, [*setup.field_lists(), *spans, setup.instruction_lines()])
        for setup, spans in patterns.items()
    }


def baml_system(names: Names) -> Fragments:
    """The system message of the BAML-style adapter, with its lines on fields."""
    ident = "baml_system"
    # An enum prints as its name, whatever it holds.
    kind = enum.Enum(names.type_name("type"), {"ONE": 1})  # type: ignore[misc]
    setup = _Setup(names, BAMLAdapter(), ident, kind)
    fields = [*setup.inputs, *setup.outputs]
    starts = [find(ident, setup.text, f"[[ ## {name} ## ]]") for name in fields]
    # The item of the last output is as long as that of the one before.
    starts.append(2 * starts[3] - starts[2])
    items = [
        setup.text[start:end].replace(name, "\0") for name, start, end in zip(fields, starts, starts[1:], strict=False)
    ]
    system = replace(
        ident,
        setup.text,
        [
            *setup.field_lists(),
            (starts[0], starts[2], listing("inputs", "")),
            (starts[2], starts[4], listing("outputs", "")),
            setup.instruction_lines(),
        ],
    )
    shown_input, shown_output = same("baml_input", items[:2]), same("baml_output", items[2:])
    return {
        ident: system,
        "baml_input": cut("baml_input", shown_input, {"\0": "name"}, repeated=["name"]),
        "baml_output": cut("baml_output", shown_output, {"\0": "name", kind.__name__: "type"}, repeated=["name"]),
    } | _baml_comments(names)


def _baml_comments(names: Names) -> Fragments:
    """The comments within a schema of the BAML-style adapter."""
    key, alias, text = names.word("key"), names.word("alias"), names.word("text")
    empty = pydantic.create_model(names.type_name("empty"))
    aliased = pydantic.create_model(
        names.type_name("aliased"),
        **{key: (int, pydantic.Field(alias=alias)), text: (int, pydantic.Field(description=text))},  # type: ignore[call-overload]
    )
    output = names.word("out")

    def lines(kind: Any) -> list[str]:
        system = system_of(BAMLAdapter(), signature({}, {output: (kind, {})}))
        start = find("baml_output", system, "{\n", find("baml_output", system, f"[[ ## {output} ## ]]"))
        return [line.strip() for line in system[start:].split("\n")]

    # A field's description is a comment without words: it shows the sign that begins one.
    shown = lines(aliased)
    comment = without_suffix("baml_alias", shown[[line.endswith(text) for line in shown].index(True)], text)
    with_alias = [line for line in shown if alias in line]
    no_fields = lines(empty)[1]
    if len(with_alias) != 1:
        raise CaptureError("baml_alias", f"it stands in {len(with_alias)} lines of {shown!r}")
    return {
        "baml_alias": cut("baml_alias", without_prefix("baml_alias", with_alias[0], comment), {alias: "alias"}),
        "baml_no_fields": literals(without_prefix("baml_no_fields", no_fields, comment)),
    }


def _reminder(adapter: Any, fragment: str, outputs: dict[str, Any], names: Names) -> str:
    """What ends the live turn, behind the input."""
    name, value = names.word("in"), names.word("value")
    sig = signature(texts([name]), {output: (kind, {}) for output, kind in outputs.items()})
    turn = str(messages_of(adapter, sig, {name: value})[-1]["content"])
    _, found, rest = turn.partition(value)
    rest = rest.removeprefix(f"\n</{name}>")
    if not found:
        raise CaptureError(fragment, f"the input does not stand in {turn!r}")
    return without_prefix(fragment, rest, "\n\n")


def reminders(names: Names) -> Fragments:
    """The reminders of the chat and JSON adapters."""
    fragments: Fragments = {}
    for kind, adapter, mark, value in (
        ("chat", dspy.ChatAdapter(), "[[ ## {} ## ]]", "marker"),
        ("json", dspy.JSONAdapter(), "{}", "name"),
    ):
        ident = f"{kind}_reminder"
        typename = names.type_name("type")
        typed = pydantic.create_model(typename, x=(int, 0))
        outputs = names.words("out", 3)
        marks = [mark.format(name) for name in outputs]

        def shown(*kinds: Any, adapter: Any = adapter, outputs: list[str] = outputs, ident: str = ident) -> str:
            return _reminder(adapter, ident, dict(zip(outputs, kinds, strict=False)), names)

        def ending(kind: Any, show: Any = shown, marks: list[str] = marks, ident: str = ident) -> str:
            return split(ident, show(kind, str), marks[:2])[1]

        listed = cut_list(
            ident,
            split(ident, shown(str, str, str), marks),
            {"typed": ending(typed), "tool_calls": ending(dspy.ToolCalls)},
        )
        nothing = without_suffix(ident, without_prefix(ident, shown(), listed.head), listed.tail)
        fragments |= {
            ident: literals(listed.head, listing("fields", listed.separator, nothing), listed.tail),
            f"{ident}_field": literals(listed.before, slot(value), listed.after),
            f"{ident}_typed_field": literals(
                listed.before, slot(value), *cut(f"{ident}_typed_field", listed.variants["typed"], {typename: "type"})
            ),
            f"{ident}_tool_calls": literals(listed.before, slot(value), listed.variants["tool_calls"]),
        }
    return fragments


def xml_reminder(names: Names) -> Fragments:
    """The reminder of the XML adapter, with the structure of nested outputs."""
    ident = "xml_reminder"
    outputs = names.words("out", 3)
    adapter = dspy.XMLAdapter()
    plain = _reminder(adapter, ident, dict.fromkeys(outputs, str), names)
    listed = cut_list(ident, split(ident, plain, outputs))
    key = names.word("key")
    nested = pydantic.create_model(names.type_name("model"), **{key: (int, ...)})  # type: ignore[call-overload]
    schemas = [f"<{name}><{key}>...</{key}></{name}>" for name in outputs]
    with_structure = _reminder(adapter, ident, dict.fromkeys(outputs, nested), names)
    # The structure stands where the two begin to differ.
    start = len(common_prefix([plain, with_structure]))
    after = plain[start:]
    structure = without_suffix(ident, with_structure[start:], after)
    parts = split("xml_reminder_structure", structure, schemas)
    nothing = _reminder(adapter, ident, {}, names)
    sentence = literals(
        listed.head,
        listing("fields", listed.separator, between(ident, nothing + "\0", listed.head, listed.tail + "\0")),
        without_suffix(ident, listed.tail, after),
        slot("structure"),
        after,
    )
    return {
        ident: sentence,
        "xml_reminder_field": literals(listed.before, slot("name"), listed.after),
        "xml_reminder_structure": literals(parts[0], listing("schemas", same(ident, parts[1:3])), parts[3]),
    }


def two_step(names: Names, chat_system: Pieces) -> Fragments:
    """The system message of the two-step adapter, and the instructions of its second step."""
    ident = "two_step_system"
    setup = _Setup(names, dspy.TwoStepAdapter(RecordingLM()), ident)
    system = replace(
        ident, setup.text, [*setup.field_lists(), setup.block("instructions", setup.lines[0], setup.lines[-1])]
    )

    ident = "two_step_instructions"
    recorder = RecordingLM()
    outputs = names.words("out", 3)
    with ended_by_request():
        dspy.TwoStepAdapter(recorder).parse(signature(texts(names.words("in", 1)), texts(outputs)), names.word("value"))
    # The instructions end the system message, in lines as the chat adapter sets them.
    text = str(recorder.messages[0]["content"])
    position = next(
        i for i, piece in enumerate(chat_system) if isinstance(piece, dict) and piece.get("list") == "instructions"
    )
    lines = chat_system[position]
    head = chat_system[position - 1]
    if not isinstance(lines, dict) or not isinstance(head, str) or text.count(head) != 1:
        raise CaptureError(ident, f"the instructions cannot be told from the rest of {text!r}")
    tail = "".join(str(piece) for piece in chat_system[position + 1 :])
    body = without_suffix(ident, text.partition(head)[2], tail)
    listed = cut_list(ident, split(ident, "\n".join(body.split(lines["sep"])), outputs))
    return {
        "two_step_system": system,
        ident: literals(listed.head, listing("fields", listed.separator), listed.tail),
        "two_step_extract_field": literals(listed.before, slot("name"), listed.after),
    }

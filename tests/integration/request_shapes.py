"""The calls of test_request_shapes.py: as programs of dspex, and as users of the providers' packages write them."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import pydantic

from tests.integration.api import completion

Arguments = dict[str, Any]
# From the prompt's texts to the arguments of a package's method.
Write = Callable[[list[str]], Arguments]

# The package asks its user for a limit; dspex gives this one where a program has none.
MESSAGES_LIMIT = 16384

TOOL = {"type": "object", "properties": {"word": {"type": "string"}}, "required": ["word"]}
NOTHING = {"type": "object", "properties": {}, "required": []}
TOOLS = [
    {"name": "look_up", "desc": "Looks a word up.", "args": {"word": {"type": "string"}}},
    {"name": "ring", "desc": "Rings.", "args": {}},
]
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n and so on").decode()


class Outputs(pydantic.BaseModel):
    """The answer's form, for the packages' own way from a type to a schema."""

    model_config = pydantic.ConfigDict(title="DSPyProgramOutputs")

    answer: int
    tags: list[str]
    kind: Literal["a", "b"]
    note: str | None


Outputs.__name__ = "DSPyProgramOutputs"  # The packages send it.
Outputs.__doc__ = None  # And this.


@dataclass(frozen=True)
class Case:
    """A call of a program, and the same call of each package; `compatible` is `chat` with these changes."""

    program: Arguments
    inputs: Arguments
    chat: Write
    responses: Write
    messages: Write
    compatible: Arguments = field(default_factory=dict)
    stored: bool = False
    answer: str = completion(answer="x")  # Of the model, where the mock's own would not do.

    def arguments(self, face: str, texts: list[str]) -> Arguments:
        if face != "compatible":
            write: Write = getattr(self, face)
            return write(texts)
        changed = self.chat(texts) | self.compatible
        return {name: value for name, value in changed.items() if value is not None}


def one(signature: str, adapter: Arguments | None = None, **predictor: Any) -> Arguments:
    module = {"id": "main", "predict": {"signature": signature, **predictor}}
    return {"modules": [module]} | ({"adapter": adapter} if adapter is not None else {})


def text(*texts: str) -> list[Arguments]:
    """Blocks of the messages API."""
    return [{"type": "text", "text": each} for each in texts]


def turn(role: str, content: Any) -> Arguments:
    return {"role": role, "content": content}


def dialogue(texts: list[str], content: Callable[[str], Any] = lambda each: each) -> list[Arguments]:
    """Turns of user and model, one after the other."""
    return [turn(("user", "assistant")[i % 2], content(each)) for i, each in enumerate(texts)]


def chat_prompt(texts: list[str]) -> Arguments:
    return {"messages": [turn("system", texts[0]), *dialogue(texts[1:])]}


def responses_prompt(texts: list[str]) -> Arguments:
    return {"instructions": texts[0], "input": dialogue(texts[1:])}


def messages_prompt(texts: list[str]) -> Arguments:
    return {"system": text(texts[0]), "messages": dialogue(texts[1:], text)}


def chat_tool(name: str, parameters: Arguments, **more: Any) -> Arguments:
    return {"type": "function", "function": {"name": name, "parameters": parameters, **more}}


def chat_call(call_id: str, name: str, arguments: str) -> Arguments:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


CASES: dict[str, Case] = {
    "a question": Case(
        one("question -> answer"),
        {"question": 'Whät\'s "that"?\n\u0001 😀'},
        chat=chat_prompt,
        responses=responses_prompt,
        messages=lambda t: {**messages_prompt(t), "max_tokens": MESSAGES_LIMIT},
    ),
    "demos and settings": Case(
        one(
            "question -> answer",
            demos=[{"fields": {"question": "one?", "answer": "1"}}, {"fields": {"question": "two?", "answer": "2"}}],
            options={
                "temperature": 0.25,
                "top_p": 0.9,
                "max_tokens": 50,
                "stop": ["END", "\n\n\n"],
                "seed": 7,
                "frequency_penalty": 0.5,
                "presence_penalty": -1,
                "store": False,
            },
        ),
        {"question": "three?"},
        chat=lambda t: {
            **chat_prompt(t),
            "temperature": 0.25,
            "top_p": 0.9,
            "max_completion_tokens": 50,
            "stop": ["END", "\n\n\n"],
            "seed": 7,
            "frequency_penalty": 0.5,
            "presence_penalty": -1,
            "store": False,
        },
        # Other servers know the older name only.
        compatible={"max_completion_tokens": None, "max_tokens": 50},
        responses=lambda t: {
            **responses_prompt(t),
            "temperature": 0.25,
            "top_p": 0.9,
            "max_output_tokens": 50,
            "store": False,
        },
        messages=lambda t: {
            **messages_prompt(t),
            "temperature": 0.25,
            "top_p": 0.9,
            "max_tokens": 50,
            "stop_sequences": ["END", "\n\n\n"],
        },
    ),
    "a schema": Case(
        one(
            "question -> answer: int, tags: list[str], kind: Literal['a', 'b'], note: Optional[str]",
            {"kind": "ADAPTER_KIND_JSON"},
        ),
        {"question": "?"},
        chat=lambda t: {**chat_prompt(t), "response_format": Outputs},
        responses=lambda t: {**responses_prompt(t), "text_format": Outputs},
        messages=lambda t: {
            **messages_prompt(t),
            "max_tokens": MESSAGES_LIMIT,
            "output_format": Outputs,
        },
    ),
    "JSON mode": Case(
        one(
            "question -> answer",
            {"kind": "ADAPTER_KIND_JSON", "response_format": "RESPONSE_FORMAT_JSON_OBJECT"},
        ),
        {"question": "?"},
        chat=lambda t: {
            **chat_prompt(t),
            "response_format": {"type": "json_object"},
        },
        responses=lambda t: {
            **responses_prompt(t),
            "text": {"format": {"type": "json_object"}},
        },
        # The API has no such mode.
        messages=lambda t: {**messages_prompt(t), "max_tokens": MESSAGES_LIMIT},
        answer='{"answer": "x"}',
    ),
    "tools, one at a time": Case(
        one(
            "question, tools: list[dspy.Tool] -> answer, calls: dspy.ToolCalls",
            {"native_function_calling": True, "parallel_tool_calls": False},
        ),
        {"question": "?", "tools": TOOLS},
        chat=lambda t: {
            **chat_prompt(t),
            "tools": [
                chat_tool("look_up", TOOL, description="Looks a word up."),
                chat_tool("ring", NOTHING, description="Rings."),
            ],
            "tool_choice": "auto",
            "parallel_tool_calls": False,
        },
        responses=lambda t: {
            **responses_prompt(t),
            "tools": [
                {
                    "type": "function",
                    "name": "look_up",
                    "description": "Looks a word up.",
                    "parameters": TOOL,
                    "strict": False,
                },
                {"type": "function", "name": "ring", "description": "Rings.", "parameters": NOTHING, "strict": False},
            ],
            "tool_choice": "auto",
            "parallel_tool_calls": False,
        },
        messages=lambda t: {
            **messages_prompt(t),
            "max_tokens": MESSAGES_LIMIT,
            "tools": [
                {"name": "look_up", "description": "Looks a word up.", "input_schema": TOOL},
                {"name": "ring", "description": "Rings.", "input_schema": NOTHING},
            ],
            "tool_choice": {"type": "auto", "disable_parallel_tool_use": True},
        },
    ),
    "images": Case(
        one("far: dspy.Image, near: dspy.Image, question -> answer"),
        {
            "far": {"url": "https://example.com/cat.png"},
            "near": {"url": f"data:image/png;base64,{PNG}"},
            "question": "?",
        },
        chat=lambda t: {
            "messages": [
                turn("system", t[0]),
                turn(
                    "user",
                    [
                        {"type": "text", "text": t[1]},
                        {"type": "image_url", "image_url": {"url": "https://example.com/cat.png"}},
                        {"type": "text", "text": t[2]},
                        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
                        {"type": "text", "text": t[3]},
                    ],
                ),
            ]
        },
        responses=lambda t: {
            "instructions": t[0],
            "input": [
                turn(
                    "user",
                    [
                        {"type": "input_text", "text": t[1]},
                        {"type": "input_image", "image_url": "https://example.com/cat.png", "detail": "auto"},
                        {"type": "input_text", "text": t[2]},
                        {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}", "detail": "auto"},
                        {"type": "input_text", "text": t[3]},
                    ],
                )
            ],
        },
        messages=lambda t: {
            "system": text(t[0]),
            "messages": [
                turn(
                    "user",
                    [
                        {"type": "text", "text": t[1]},
                        {"type": "image", "source": {"type": "url", "url": "https://example.com/cat.png"}},
                        {"type": "text", "text": t[2]},
                        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
                        {"type": "text", "text": t[3]},
                    ],
                )
            ],
            "max_tokens": MESSAGES_LIMIT,
        },
    ),
    "a file": Case(
        one("paper: dspy.File, question -> answer"),
        {"paper": {"file_data": f"data:application/pdf;base64,{PNG}", "filename": "a.pdf"}, "question": "?"},
        chat=lambda t: {
            "messages": [
                turn("system", t[0]),
                turn(
                    "user",
                    [
                        {"type": "text", "text": t[1]},
                        {
                            "type": "file",
                            "file": {"file_data": f"data:application/pdf;base64,{PNG}", "filename": "a.pdf"},
                        },
                        {"type": "text", "text": t[2]},
                    ],
                ),
            ]
        },
        responses=lambda t: {
            "instructions": t[0],
            "input": [
                turn(
                    "user",
                    [
                        {"type": "input_text", "text": t[1]},
                        {
                            "type": "input_file",
                            "file_data": f"data:application/pdf;base64,{PNG}",
                            "filename": "a.pdf",
                        },
                        {"type": "input_text", "text": t[2]},
                    ],
                )
            ],
        },
        messages=lambda t: {
            "system": text(t[0]),
            "messages": [
                turn(
                    "user",
                    [
                        {"type": "text", "text": t[1]},
                        {
                            "type": "document",
                            "source": {"type": "base64", "media_type": "application/pdf", "data": PNG},
                            "title": "a.pdf",
                        },
                        {"type": "text", "text": t[2]},
                    ],
                )
            ],
            "max_tokens": MESSAGES_LIMIT,
        },
    ),
    "a conversation with a tool": Case(
        one(
            "history: dspy.History, question, tools: list[dspy.Tool] -> answer, calls: dspy.ToolCalls",
            {"native_function_calling": True},
        ),
        {
            "history": {
                "messages": [
                    {
                        "question": "first?",
                        "answer": "I look.",
                        "calls": {
                            "tool_calls": [
                                {"id": "c1", "name": "look_up", "args": {"word": "ü"}},
                                {"id": "c2", "name": "ring", "args": {}},
                            ],
                            "tool_call_results": [
                                {"call_id": "c1", "name": "look_up", "value": "a letter"},
                                {"call_id": "c2", "name": "ring", "value": "nobody is in"},
                            ],
                        },
                    }
                ]
            },
            "question": "second?",
            "tools": TOOLS[:1],
        },
        chat=lambda t: {
            "messages": [
                turn("system", t[0]),
                turn("user", t[1]),
                turn("assistant", t[2])
                | {"tool_calls": [chat_call("c1", "look_up", '{"word": "ü"}'), chat_call("c2", "ring", "{}")]},
                {"role": "tool", "tool_call_id": "c1", "content": "a letter"},
                {"role": "tool", "tool_call_id": "c2", "content": "nobody is in"},
                turn("user", t[3]),
            ],
            "tools": [chat_tool("look_up", TOOL, description="Looks a word up.")],
        },
        responses=lambda t: {
            "instructions": t[0],
            "input": [
                turn("user", t[1]),
                turn("assistant", t[2]),
                {"type": "function_call", "call_id": "c1", "name": "look_up", "arguments": '{"word": "ü"}'},
                {"type": "function_call", "call_id": "c2", "name": "ring", "arguments": "{}"},
                {"type": "function_call_output", "call_id": "c1", "output": "a letter"},
                {"type": "function_call_output", "call_id": "c2", "output": "nobody is in"},
                turn("user", t[3]),
            ],
            "tools": [
                {
                    "type": "function",
                    "name": "look_up",
                    "description": "Looks a word up.",
                    "parameters": TOOL,
                    "strict": False,
                }
            ],
        },
        messages=lambda t: {
            "system": text(t[0]),
            "messages": [
                turn("user", text(t[1])),
                turn(
                    "assistant",
                    [
                        *text(t[2]),
                        {"type": "tool_use", "id": "c1", "name": "look_up", "input": {"word": "ü"}},
                        {"type": "tool_use", "id": "c2", "name": "ring", "input": {}},
                    ],
                ),
                turn(
                    "user",
                    [
                        {"type": "tool_result", "tool_use_id": "c1", "content": "a letter"},
                        {"type": "tool_result", "tool_use_id": "c2", "content": "nobody is in"},
                        *text(t[3]),
                    ],
                ),
            ],
            "max_tokens": MESSAGES_LIMIT,
            "tools": [{"name": "look_up", "description": "Looks a word up.", "input_schema": TOOL}],
        },
    ),
    "effort": Case(
        one("question -> answer", options={"reasoning_effort": "low", "max_tokens": 3000}),
        {"question": "?"},
        chat=lambda t: {
            **chat_prompt(t),
            "reasoning_effort": "low",
            "max_completion_tokens": 3000,
        },
        compatible={"max_completion_tokens": None, "max_tokens": 3000},
        responses=lambda t: {
            **responses_prompt(t),
            "reasoning": {"effort": "low"},
            "max_output_tokens": 3000,
        },
        # The limit counts what is thought, too; a program's is meant for the answer.
        messages=lambda t: {
            **messages_prompt(t),
            "thinking": {"type": "enabled", "budget_tokens": 2048},
            "max_tokens": 3000 + 2048,
        },
    ),
    "log probabilities": Case(
        one("question -> answer", options={"logprobs": True, "top_logprobs": 3}),
        {"question": "?"},
        chat=lambda t: {**chat_prompt(t), "logprobs": True, "top_logprobs": 3},
        responses=lambda t: {
            **responses_prompt(t),
            "include": ["message.output_text.logprobs"],
            "top_logprobs": 3,
        },
        # That API has none.
        messages=lambda t: {**messages_prompt(t), "max_tokens": MESSAGES_LIMIT},
    ),
    "a long constant beginning": Case(
        one(
            "question -> answer",
            instructions="Answer. " * 600,
            demos=[{"fields": {"question": "one?", "answer": "1"}}],
        ),
        {"question": "two?"},
        chat=chat_prompt,
        responses=responses_prompt,
        # OpenAI keeps prompts by itself, Anthropic where it is told.
        messages=lambda t: {
            "system": text(t[0]),
            "messages": [
                turn("user", text(t[1])),
                turn("assistant", [{"type": "text", "text": t[2], "cache_control": {"type": "ephemeral"}}]),
                turn("user", text(t[3])),
            ],
            "max_tokens": MESSAGES_LIMIT,
        },
        stored=True,
    ),
}

"""Calls that go beyond one request, or fail, or take what a model gives apart: each with the number of its requests."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import dspy
from dspy.adapters.baml_adapter import BAMLAdapter

from tests.conformance.calls import look_up, send
from tests.conformance.scripted import Call

# Makes a language model of its settings; two-step takes a second one.
MakeLM = Callable[[Mapping[str, Any]], Any]
Make = Callable[[MakeLM], Call]

SCHEMA, JSON_MODE, PLAIN, REASONS = ({"model": f"openai/{name}"} for name in ("gpt-4o-mini", "gpt-4", "made-up", "o3"))
BAD = "I do not know."
LAYOUTS = {
    "chat": (dspy.ChatAdapter, "[[ ## answer ## ]]\n{}\n\n[[ ## completed ## ]]"),
    "json": (dspy.JSONAdapter, '{{"answer": {}}}'),
    "xml": (dspy.XMLAdapter, "<answer>\n{}\n</answer>"),
    "baml": (BAMLAdapter, '{{"answer": {}}}'),
}
CALLS: dict[str, tuple[Make, int]] = {}


def says(*contents: str) -> list[dict[str, Any]]:
    return [{"reply": {"content": content}} for content in contents]


def raw(**message: Any) -> dict[str, Any]:
    """A whole answer, for what the mock's script cannot say."""
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", **message}}
    return {"reply": {"raw_body": json.dumps({"object": "chat.completion", "model": "m", "choices": [choice]})}}


def number(**config: Any) -> Any:
    return dspy.Predict("question -> answer: int", **config)


def add(name: str, requests: int, make: Make) -> None:
    assert name not in CALLS
    CALLS[name] = (make, requests)


def ask(
    name: str,
    requests: int,
    answers: list[dict[str, Any]],
    *,
    module: Any = None,
    adapter: Any = None,
    lm: Mapping[str, Any] = SCHEMA,
    config: Mapping[str, Any] | None = None,
    inputs: Mapping[str, Any] | None = None,
) -> None:
    """Adds a call whose objects do not need the side's language model."""
    add(
        name,
        requests,
        lambda _: Call(
            module or number(),
            adapter or dspy.ChatAdapter(),
            {"question": "3 + 4?", **(inputs or {})},
            answers,
            dict(lm),
            dict(config or {}),
        ),
    )


def fallbacks() -> None:
    """What does not parse: the first time, again, empty, and where the fallback is off."""
    for lm in (SCHEMA, JSON_MODE, PLAIN, REASONS):
        for kind, (make, layout) in LAYOUTS.items():
            one, again = f"{lm['model']}, {kind}", 2 if kind in ("chat", "xml") else 1
            ask(f"{one}: parses", 1, says(layout.format(7)), adapter=make(), lm=lm)
            ask(f"{one}: JSON at last", again, says(BAD, '{"answer": 7}'), adapter=make(), lm=lm)
            ask(f"{one}: a wrong type", again, says(layout.format("seven"), '{"answer": 7}'), adapter=make(), lm=lm)
            ask(f"{one}: never parses", again, says(BAD, BAD, BAD), adapter=make(), lm=lm)
            ask(f"{one}: empty", again, says("", ""), adapter=make(), lm=lm)
            ask(f"{one}: blank", again, says(" \n", "\t"), adapter=make(), lm=lm)
    for make in (dspy.ChatAdapter, dspy.XMLAdapter):
        ask(f"{make.__name__}: no fallback", 1, says(BAD), adapter=make(use_json_adapter_fallback=False))
    mapping = dspy.Predict("question -> answer: dict[str, int]")
    for kind in ("chat", "json"):
        make, requests = LAYOUTS[kind][0], 2 if kind == "chat" else 1
        ask(
            f"{kind}: an open mapping has no schema",
            requests,
            says(BAD, '{"answer": {}}'),
            module=mapping,
            adapter=make(),
        )
    thinking = dspy.ChainOfThought("question -> answer: int")
    ask("chain of thought", 2, says("[[ ## answer ## ]]\n7", '{"reasoning": "so", "answer": 7}'), module=thinking)
    ask("no choices", 2, [{"reply": {"raw_body": '{"model": "m", "choices": []}'}}, *says('{"answer": 7}')])
    ask("a refusal", 2, [raw(content=None, refusal="no"), *says('{"answer": 7}')])
    ask("an image", 2, says(BAD, '{"answer": "x"}'), module=dspy.Predict("question, i: dspy.Image -> answer"),
        inputs={"i": dspy.Image("https://example.com/a.png")})  # fmt: skip
    for reason in ("length", "content_filter", "tool_calls", "strange"):
        cut = [{"reply": {"content": text, "finish_reason": reason}} for text in ("[[ ## answer", '{"answer": 7}')]
        ask(f"ended by {reason}", 2, cut)


def settings() -> None:
    """Settings of the language model, the module and the call; several completions."""
    seven, eight, nine = (LAYOUTS["chat"][1].format(n) for n in (7, 8, 9))
    for temperature in (None, 0, 0.1, 0.15, 0.16, 1.0):
        low = {"temperature": temperature}
        ask(f"n=2, lm at {temperature}", 2, says(seven, eight), module=number(n=2), lm={**SCHEMA, **low})
        ask(f"n=3, module at {temperature}", 3, says(seven, eight, nine), module=number(n=3, **low))
        called = {"n": 3, **({} if temperature is None else low)}
        ask(f"n=3, call at {temperature}", 3, says(seven, eight, nine), config=called)
    ask("n of the language model", 2, says(seven, eight), lm={**SCHEMA, "n": 2})
    ask("n=1 of the call", 1, says(seven), module=number(n=3), config={"n": 1})
    ask("one of three does not parse", 6, says(seven, BAD, nine, *['{"answer": 1}'] * 3), module=number(n=3))
    ask("one of three, twice", 6, says(seven, BAD, nine, '{"answer": 1}', BAD, "{}"), module=number(n=3))
    every = {"temperature": 1.0, "max_tokens": 5, "top_p": 0.5, "stop": "x", "seed": 3, "frequency_penalty": 0.25,
             "presence_penalty": -1, "store": True, "rollout_id": 3}  # fmt: skip
    ask("all settings, in both layouts", 2, says(BAD, BAD), lm={**SCHEMA, **every})
    ask("the call's before the module's before the language model's", 1, says(seven), lm={**SCHEMA, **every},
        module=number(temperature=0.3, seed=4), config={"temperature": 0.9, "stop": ["a", "b"], "rollout_id": 2})  # fmt: skip
    ask("a reasoning model's limit", 1, says(seven), lm={**REASONS, "max_tokens": 20000, "temperature": 1.0})
    ask("a reasoning model's effort", 2, says(BAD, BAD), lm={**REASONS, "reasoning_effort": "high"})


def logprobs() -> None:
    """Of one and of several completions, in the first layout and after it, missing, and odd."""
    seven, eight = (LAYOUTS["chat"][1].format(n) for n in (7, 8))

    def scored(text: str, *entries: Any) -> dict[str, Any]:
        return {"reply": {"content": text, "logprobs": {"content": list(entries)}}}

    token = {"token": "7", "logprob": -0.5, "bytes": [55], "top_logprobs": [{"token": "9", "logprob": -1}]}
    odd = [None, {"token": "x"}, {"token": "é", "logprob": -2, "bytes": None, "top_logprobs": None}]
    some, none = {**SCHEMA, "logprobs": True, "top_logprobs": 2}, {**SCHEMA, "logprobs": True}
    for name, lm in {"with others": some, "without": none}.items():
        ask(f"logprobs {name}", 1, [scored(seven, token)], lm=lm)
        ask(f"logprobs {name}, missing", 1, says(seven), lm=lm)
        ask(f"logprobs {name}, odd", 1, [scored(seven, *odd, token)], lm=lm)
        ask(f"logprobs {name}, after a fallback", 2, [scored(BAD, *odd), scored('{"answer": 7}', token)], lm=lm)
        ask(f"logprobs {name}, several", 2, [scored(seven, token), scored(eight)], lm=lm, module=number(n=2))
    ask("logprobs of the call", 1, [scored(seven, token)], config={"logprobs": True, "top_logprobs": 1})
    ask("logprobs of no others", 1, [scored(seven, token)], lm={**none, "top_logprobs": 0})
    ask("logprobs that nobody asked for", 1, [scored(seven, token)])
    ask("logprobs turned off", 1, [scored(seven, token)], lm=none, config={"logprobs": False})
    answers = [scored("It is seven.", token), *says(seven)]
    add("logprobs in two steps", 2, lambda language_model: Call(
        number(), dspy.TwoStepAdapter(language_model(SCHEMA)), {"question": "3 + 4?"}, answers, dict(some)
    ))  # fmt: skip


def providers() -> None:
    """Failures of the provider end the call; nothing falls back."""
    for fault in ("unauthorized", "rate_limited", "insufficient_quota", "context_length_exceeded", "server_error",
                  "unavailable", "truncated_json", "malformed_json", "wrong_content_type"):  # fmt: skip
        ask(f"{fault} at once", 1, [{"fault": fault}])
        ask(f"{fault} in the fallback", 2, [*says(BAD), {"fault": fault}])
    # The form of answers is chosen before the request; what refuses a schema is not asked for less.
    ask("a schema refused", 1, [{"reply": {"status": 400, "raw_body": "{}"}}], adapter=dspy.JSONAdapter())
    for status in (400, 403, 404, 408, 413, 422, 529):
        ask(f"status {status}", 1, [{"reply": {"status": status, "raw_body": "{}"}}])


def tools() -> None:
    """Tool calls and reasoning: asked for in the provider's own form, asked for as text, or given unasked."""
    given = {"tools": [dspy.Tool(look_up), dspy.Tool(send)]}
    calls = {"tool_calls": [{"name": "look_up", "arguments": {"word": "w"}}, {"name": "send", "arguments": ""}]}
    both = dspy.Predict("question, tools: list[dspy.Tool] -> answer: int, calls: dspy.ToolCalls")
    only = dspy.Predict("question, tools: list[dspy.Tool] -> calls: dspy.ToolCalls")
    for lm in (SCHEMA, PLAIN, REASONS):
        for kind, (make, layout) in LAYOUTS.items():
            for native in (True, False):
                adapter = make(use_native_function_calling=native)
                one = f"{lm['model']}, {kind}, {'native' if native else 'as text'}"
                for what, more in {
                    "calls": {},
                    "text": {"content": layout.format(7)},
                    "scrap": {"content": BAD},
                }.items():
                    answer = [{"reply": {**calls, **more}}]
                    ask(f"{one}: {what}", 1, answer, module=both, adapter=adapter, lm=lm, inputs=given)
                ask(
                    f"{one}: nothing but calls",
                    1,
                    [{"reply": calls}],
                    module=only,
                    adapter=adapter,
                    lm=lm,
                    inputs=given,
                )
    for several in (True, False):
        adapter = dspy.JSONAdapter(parallel_tool_calls=several)
        ask(f"several at once: {several}", 1, [{"reply": calls}], module=both, adapter=adapter, inputs=given)
    native = dspy.ChatAdapter(use_native_function_calling=True)
    ask("no call, no answer", 2, says(BAD, BAD), module=both, adapter=native, inputs=given)
    one_tool = dspy.Predict("question, tool: dspy.Tool -> calls: dspy.ToolCalls")
    ask("one tool", 1, [{"reply": calls}], module=one_tool, adapter=native, inputs={"tool": dspy.Tool(look_up)})
    ask("calls that nobody asked for", 2, [{"reply": calls}, *says('{"answer": 7}')])
    for arguments in ("", "{'a': 1", "null", "[1]", '"x"', "3", '{"a": {"b": [1, 2.50]}}', "nonsense", {"a": 1}):
        call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": arguments}}
        ask(f"arguments {arguments!r}", 1, [raw(content=None, tool_calls=[call])], module=only,
            adapter=dspy.JSONAdapter(), inputs=given)  # fmt: skip
    past(both)


def past(module: Any) -> None:
    """Tool calls of a conversation so far, with and without their results."""
    signature = module.signature.prepend("history", dspy.InputField(), dspy.History)
    answer = '{"answer": 1, "calls": {"tool_calls": []}}'
    for results in (None, [{"call_id": "c1", "name": "look_up", "value": {"ü": 1}}]):
        made = dspy.ToolCalls.from_dict_list([{"id": "c1", "name": "look_up", "args": {"word": "ü"}}])
        turn = {"question": "q", "calls": made.model_copy(update={"tool_call_results": results})}
        for said in ({}, {"answer": 3}):
            for native in (True, False):
                ask(f"past calls, results {bool(results)}, text {bool(said)}, native {native}", 1, says(answer),
                    module=dspy.Predict(signature), adapter=dspy.JSONAdapter(use_native_function_calling=native),
                    inputs={"history": dspy.History(messages=[{**turn, **said}]), "tools": [dspy.Tool(look_up)]})  # fmt: skip


def reasoning() -> None:
    module = dspy.Predict("question -> thoughts: dspy.Reasoning, answer: int, more: dspy.Reasoning")
    whole = '{"thoughts": "t", "answer": 7, "more": "m"}'
    for lm in (SCHEMA, REASONS, {"model": "openai/gpt-5"}):
        for key, text in (("reasoning_content", "so"), ("reasoning", "so"), ("reasoning_content", "")):
            answers = [raw(content=whole, **{key: text})]
            ask(f"{lm['model']}: {key}={text!r}", 1, answers, module=module, adapter=dspy.JSONAdapter(), lm=lm)
        asked = says(BAD, whole)
        ask(f"{lm['model']}: reasoning in a fallback", 2, asked, module=module, lm={**lm, "reasoning_effort": "high"})
        ask(
            f"{lm['model']}: reasoning without a text",
            2,
            [raw(content=None, reasoning="so"), *asked],
            module=module,
            lm=lm,
        )


def two_steps() -> None:
    """The second model is asked for what the first was; only of a text, and with its own fallback."""
    seven = "[[ ## answer ## ]]\n7"

    def add_two(name: str, requests: int, answers: list[dict[str, Any]], module: Any = None, *, second: Any = SCHEMA,
                lm: Any = SCHEMA, inputs: Any = None, **more: Any) -> None:  # fmt: skip
        def make(language_model: MakeLM) -> Call:
            adapter = dspy.TwoStepAdapter(language_model(second), **more)
            return Call(module or number(), adapter, {"question": "3 + 4?", **(inputs or {})}, answers, dict(lm))

        add(f"two steps: {name}", requests, make)

    for second in (SCHEMA, JSON_MODE, PLAIN, REASONS):
        one = second["model"]
        add_two(f"{one}", 2, says("It is seven.", seven), second=second)
        add_two(f"{one} falls back", 3, says("It is seven.", BAD, '{"answer": 7}'), second=second)
        add_two(f"{one} never parses", 3, says("It is seven.", BAD, BAD), second=second)
        add_two(f"{one} of two", 5, says("7", "8", seven, BAD, '{"answer": 8}'), number(n=2), second=second)
        add_two(f"{one} of two, the first fails", 4, says("7", "8", BAD, BAD), number(n=2), second=second)
        thoughts = dspy.Predict("question -> thoughts: dspy.Reasoning, answer: int")
        add_two(f"{one} for reasoning", 3, says("so: 7", BAD, "{}"), thoughts, second=second)
        add_two(f"{one} after reasoning", 3, says("so: 7", BAD, "{}"), thoughts, second=second, lm=REASONS)
    add_two("nothing to extract from", 1, says(""))
    add_two("only the first has settings", 2, says("7", seven), number(temperature=0.5, max_tokens=9))
    tuned = {**SCHEMA, "temperature": 0.3, "max_tokens": 7}
    add_two("the second has settings", 3, says("7", BAD, '{"answer": 7}'), second=tuned)
    add_two(
        "an output named text",
        2,
        says("7", f"{seven}\n[[ ## text ## ]]\nx"),
        dspy.Predict("question -> answer: int, text"),
    )
    calls = {"tool_calls": [{"name": "look_up", "arguments": {"word": "w"}}]}
    tooled = dspy.Predict("question, tools: list[dspy.Tool] -> answer: int, calls: dspy.ToolCalls")
    given = {"tools": [dspy.Tool(look_up)]}
    for native in (True, False):
        more: dict[str, Any] = {"use_native_function_calling": native, "inputs": given}
        add_two(f"calls, native {native}", 1, [{"reply": calls}], tooled, **more)
        add_two(
            f"calls and text, native {native}",
            3,
            [{"reply": {**calls, "content": "7"}}, *says(BAD, BAD)],
            tooled,
            **more,
        )
        add_two(f"no calls, native {native}", 3, says("7", BAD, BAD), tooled, **more)


for group in (fallbacks, settings, logprobs, providers, tools, reasoning, two_steps):
    group()

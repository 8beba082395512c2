"""A language model and metrics that are functions of what they are asked, the same as in scripted_model.cc and chain.cc."""

from __future__ import annotations

import random
import re
import zlib
from collections import Counter
from collections.abc import Mapping
from typing import Any

import dspy

WORDS = ["red", "green", "blue", "a b", "1"]
NUMBERS = ["0", "1", "2", "3"]
PROPOSALS = [
    "Be brief.", '"Be brief."', "  Think first.  ", '""', "Name the colour.\n  Say no more.", "Answer:", "Be exact.",
    "Guess.", "Look twice.", "So:", '"Think first."', "x",
]  # fmt: skip


class ScriptedError(Exception):
    """What the script says goes wrong."""


class ScriptedModel(dspy.BaseLM):  # type: ignore[misc]
    """Answers by the text of the request; copies of it share what they were asked."""

    def __init__(self, script: Mapping[str, Any]) -> None:
        super().__init__(model="scripted/model", temperature=None, max_tokens=None, cache=False)
        self.script = script
        # A number for each request, in order.
        self.calls: list[int] = []
        self._seen: Counter[int] = Counter()

    def __call__(self, prompt: str | None = None, *, messages: Any = None, **given: Any) -> list[str]:
        settings = {**self.kwargs, **given}
        # dspex asks for several completions side by side, so all are asked for before one of them fails.
        answers = [self._answer(messages, settings, sample) for sample in range(settings.get("n") or 1)]
        if None in answers:
            raise ScriptedError("The script says so.")
        return [answer for answer in answers if answer is not None]

    def _answer(self, messages: Any, settings: Mapping[str, Any], sample: int) -> str | None:
        """A completion; None if the call is to fail."""
        shown = "".join(f"{message['role']}:{message['content']}\x1e" for message in messages)
        key = f"{shown}|{settings.get('temperature')}|{settings.get('rollout_id')}|{sample}"
        digest = zlib.crc32(key.encode())
        occurrence = self._seen[digest]
        self._seen[digest] += 1
        if self.script["occurrences"]:
            digest = zlib.crc32(f"{key}|{occurrence}".encode())
        self.calls.append(digest)
        source = random.Random(digest)
        chance = source.random()
        if chance < self.script["error"]:
            return None
        names = re.findall(r"`\[\[ ## (.*?) ## \]\]`", messages[-1]["content"], re.DOTALL)
        if not names or chance < self.script["error"] + self.script["garbage"]:
            return "???"
        return "".join(
            f"[[ ## {name} ## ]]\n" + ("" if name == "completed" else f"{source.choice(_pool(name))}\n\n")
            for name in names
        )


def _pool(name: str) -> list[str]:
    if name.startswith("proposed"):
        return PROPOSALS
    return NUMBERS if name.startswith("num") else WORDS


class Metric:
    """{"kind": "match" or "graded", "field", "expected", "fail": probability}"""

    def __init__(self, definition: Mapping[str, Any]) -> None:
        self._definition = definition

    def __call__(self, example: Any, prediction: Any, trace: Any = None) -> Any:
        answer = str(prediction[self._definition["field"]])
        text = f"{example['question']}|{answer}|{'traced' if trace is not None else ''}"
        source = random.Random(zlib.crc32(text.encode()))
        if source.random() < self._definition["fail"]:
            raise ScriptedError("The case says so.")
        if self._definition["kind"] == "graded":
            return source.randint(-1, 6) / 7
        return str(example[self._definition["expected"]]) == answer

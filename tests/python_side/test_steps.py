"""forward() of modules that call others, read as steps."""

from __future__ import annotations

from typing import Any

import dspy
import pytest

from dspex_dspy.errors import NotTranslatableError
from dspex_dspy.translate import translate


class Two(dspy.Module):  # type: ignore[misc]
    """Two predictors, and a forward() that each test has of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.find = dspy.Predict("question -> query")
        self.answers = [dspy.ChainOfThought("question, query -> answer")]


class Straight(Two):
    def forward(self, question: str) -> Any:
        """Says what it does."""
        found = self.find(question=question)
        query: str = found["query"]
        return self.answers[0](question=question, query=query)


class Again(Two):
    def forward(self, question: str) -> Any:
        once = self.find(question=question)
        twice = self.find(question=once.query)
        return dspy.Prediction(first=once.query, second=twice.query)


class Branch(Two):
    def forward(self, question: str) -> Any:
        found = self.find(question=question)
        if found.query:
            return self.answers[0](question=question, query=found.query)
        return found


class Loop(Two):
    def forward(self, question: str) -> Any:
        for _ in range(2):
            found = self.find(question=question)
        return found


class Literal(Two):
    def forward(self, question: str) -> Any:
        return self.answers[0](question=question, query="all")


class Computed(Two):
    def forward(self, question: str) -> Any:
        return self.find(question=question.strip())


class Default(Two):
    def forward(self, question: str = "why") -> Any:
        return self.find(question=question)


class Echo(Two):
    def forward(self, question: str) -> Any:
        found = self.find(question=question)
        return dspy.Prediction(question=question, query=found.query)


class Other(Two):
    def forward(self, question: str) -> Any:
        return print(question)


class Unknown(Two):
    def forward(self, question: str) -> Any:
        return self.find(question=question).colour


def steps(module: Any, phrasebook: dict[str, Any]) -> dict[str, Any]:
    lm = dspy.LM("openai/gpt-4o-mini")
    program: dict[str, Any] = translate(module, phrasebook, lm=lm, adapter=dspy.ChatAdapter()).program
    return program


def test_calls_become_steps(phrasebook: dict[str, Any]) -> None:
    program = steps(Straight(), phrasebook)
    assert [module["id"] for module in program["modules"]] == ["find", "answers_0"]
    assert program["steps"] == [
        {"id": "find", "module": "find", "inputs": {"question": "question"}},
        {"id": "answers_0", "module": "answers_0", "inputs": {"question": "question", "query": "find.query"}},
    ]
    assert program["outputs"] == {"reasoning": "answers_0.reasoning", "answer": "answers_0.answer"}


def test_a_module_may_be_called_twice(phrasebook: dict[str, Any]) -> None:
    program = steps(Again(), phrasebook)
    assert [(step["id"], step["module"]) for step in program["steps"]] == [("find", "find"), ("find-2", "find")]
    assert program["steps"][1]["inputs"] == {"question": "find.query"}
    assert program["outputs"] == {"first": "find.query", "second": "find-2.query"}


@pytest.mark.parametrize(
    ("module", "reason"),
    [
        (Branch, r"line \d+, 'if found.query:': only calls"),
        (Loop, r"'for _ in range\(2\):': only calls"),
        (Literal, "a literal is no input"),
        (Computed, "calls something else"),
        (Default, "have defaults"),
        (Echo, "the output question is an input"),
        (Other, "calls something else"),
        (Unknown, "the step find has no output colour"),
    ],
)
def test_what_is_no_sequence_of_calls_is_refused(module: Any, reason: str, phrasebook: dict[str, Any]) -> None:
    with pytest.raises(NotTranslatableError, match=reason):
        steps(module(), phrasebook)

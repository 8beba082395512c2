"""The scores of our metrics against those of DSPy's, to the last bit; of judges also the messages they send."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import dspy
import pytest
from dspy.evaluate import metrics
from dspy.evaluate.auto_evaluation import SemanticF1
from hypothesis import event
from hypothesis import strategies as st

from tests.conformance.conftest import MODEL
from tests.conformance.examples import for_each
from tests.conformance.scripted import DspySide, bodies
from tests.mock_llm.client import MockLlm
from tests.support.paths import binary


class Tool:
    """Our side, a case a line."""

    def __init__(self, phrasebook: dict[str, Any]) -> None:
        path = binary("tests/conformance/metrics/metric_tool")
        self._process = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8")
        self._program = {"phrasebook": f"phrasebooks/{phrasebook['name']}"}
        self._ask({"phrasebook": phrasebook})

    def score(
        self,
        metric: dict[str, Any],
        example: dict[str, Any],
        prediction: dict[str, Any],
        *,
        completion: str = "",
        adapter: str = "ADAPTER_KIND_CHAT",
        bootstrapping: bool = False,
    ) -> dict[str, Any]:
        program = {**self._program, "adapter": {"kind": adapter, "jsonFallback": False}}
        answer = self._ask(
            {
                "metric": metric,
                "program": program,
                "outputs": list(prediction),
                "example": example,
                "prediction": prediction,
                "completions": [completion],
                "bootstrapping": bootstrapping,
            }
        )
        assert isinstance(answer, dict)
        return answer

    def _ask(self, line: dict[str, Any]) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(line) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        assert self._process.wait(10) == 0


@pytest.fixture(scope="module")
def tool(phrasebook: dict[str, Any]) -> Iterator[Tool]:
    started = Tool(phrasebook)
    yield started
    started.close()


# No surrogates, which UTF-8 lacks, and nothing that a later Unicode may have.
CHARACTERS = st.characters(exclude_categories=["Cs", "Cn", "Co"])
WORDS = st.sampled_from(
    [
        "the",
        "The",
        "a",
        "an",
        "An",
        "Paris",
        "paris",
        "PARIS!",
        "théâtre",
        "THÉ",
        "in",
        "U.S.",
        "don't",
        "it's",
        "42",
        "3.14",
        "A.",
        "«the»",
        "straße",
        "ΟΔΟΣ",
        "İ",
        "-",
        "_",
        "東京",
        "½",
        "a-b",
        "\xa0",
        "\t\n",
        "é",
        "\x00",
        "\u200b",
        "i̇",
        "",
    ]
)
TEXTS = st.one_of(
    st.lists(WORDS, max_size=6).map(" ".join),
    st.lists(WORDS, max_size=4).map("".join),
    st.text(CHARACTERS, max_size=12),
)
EXPECTED = TEXTS | st.lists(TEXTS, max_size=3)


def score_of(metric: Any, example: dict[str, Any], prediction: dict[str, Any]) -> float | Exception:
    """DSPy's score, or what it raises for values that have none."""
    try:
        return float(metric(dspy.Example(**example), dspy.Prediction(**prediction)))
    except (TypeError, ValueError, AttributeError) as error:
        return error


def compare(tool: Tool, ours: dict[str, Any], theirs: Any, example: dict[str, Any], prediction: dict[str, Any]) -> str:
    """Fails unless both give the same score, or none; says what they give."""
    answer = tool.score(ours, example, prediction)
    about = f"{ours}\nexample: {example!r}\nprediction: {prediction!r}\nours: {answer}"
    expected = score_of(theirs, example, prediction)
    if isinstance(expected, Exception):
        assert answer.get("error") == "METRIC_FAILED", f"{about}\nDSPy raises {expected!r}"
        return f"DSPy raises {type(expected).__name__}"
    assert answer.get("score") == expected, f"{about}\nDSPy's: {expected}"
    return f"score {expected if expected in (0, 1) else 'between'}"


@st.composite
def pairs(draw: Any) -> tuple[Any, Any]:
    """An expected text or several, and a text that is often much like one of them."""
    expected = draw(EXPECTED)
    texts = [expected] if isinstance(expected, str) else expected
    if not texts or draw(st.booleans()):
        return expected, draw(TEXTS)
    words = draw(st.permutations(draw(st.sampled_from(texts)).split(" ")))
    return expected, draw(st.sampled_from(["", "The ", "x "])) + " ".join(words)


def test_exact_match(tool: Tool, generated: Any) -> None:
    @for_each(generated, pairs(), st.sampled_from([0.0, 1.0, 0.5, 0.66, 0.2]))
    def run(pair: tuple[Any, Any], fraction: float) -> None:
        expected, text = pair
        outcome = compare(
            tool,
            {"exactMatch": {"fraction": fraction}},
            lambda example, pred: metrics.answer_exact_match(example, pred, frac=fraction or 1.0),
            {"answer": expected},
            {"answer": text},
        )
        event(outcome)


def test_f1(tool: Tool, generated: Any) -> None:
    @for_each(generated, pairs())
    def run(pair: tuple[Any, Any]) -> None:
        expected, text = pair
        answers = [expected] if isinstance(expected, str) else expected
        outcome = compare(
            tool,
            {"f1": {}},
            lambda _, pred: metrics.F1(pred.answer, answers),
            {"answer": expected},
            {"answer": text},
        )
        event(outcome)


def test_passage_match(tool: Tool, generated: Any) -> None:
    @for_each(generated, EXPECTED, st.lists(TEXTS, max_size=3), st.lists(TEXTS, min_size=2, max_size=2), st.booleans())
    def run(expected: Any, passages: list[str], around: list[str], within: bool) -> None:
        answers = [expected] if isinstance(expected, str) else expected
        if within and answers:
            passages = [*passages, around[0] + answers[0] + around[1]]
        outcome = compare(
            tool,
            {"passageMatch": {}},
            metrics.answer_passage_match,
            {"answer": expected},
            {"context": passages},
        )
        event(outcome)


def test_values_that_are_no_texts(tool: Tool) -> None:
    for value in (None, 5, True, {"a": 1}, [5], ["x", None]):
        example, prediction = {"answer": value}, {"answer": "x"}
        compare(tool, {"exactMatch": {}}, metrics.answer_exact_match, example, prediction)
        if not isinstance(value, list):
            compare(tool, {"exactMatch": {}}, metrics.answer_exact_match, {"answer": "x"}, {"answer": value})


@pytest.fixture(scope="module")
def mock() -> Iterator[MockLlm]:
    """What DSPy's judge asks."""
    with MockLlm.start(binary("tests/mock_llm/mock_llm")) as started:
        yield started


SHARES = st.one_of(
    st.floats(0, 1),
    st.floats(-2, 2),
    st.sampled_from([0.0, 1.0, -0.0, float("inf"), float("-inf"), 1e-320, 1 / 3]),
).map(repr)
# What a model says in prose: no marker of the layout.
PROSE = st.lists(WORDS, min_size=1, max_size=6).map(lambda words: "said " + " ".join(words))


@st.composite
def judgements(draw: Any, decompositional: bool) -> dict[str, str]:
    ideas = ("ground_truth_key_ideas", "system_response_key_ideas", "discussion") if decompositional else ()
    return {
        **{name: draw(PROSE) for name in ("reasoning", *ideas)},
        **{name: draw(SHARES) for name in ("recall", "precision")},
    }


def completion_of(judgement: dict[str, str]) -> str:
    sections = [f"[[ ## {name} ## ]]\n{text}\n\n" for name, text in judgement.items()]
    return "".join(sections) + "[[ ## completed ## ]]"


@pytest.mark.parametrize("decompositional", [False, True])
def test_semantic_f1(tool: Tool, mock: MockLlm, generated: Any, decompositional: bool) -> None:
    side = DspySide(mock)

    @for_each(generated, TEXTS, TEXTS, TEXTS, judgements(decompositional), st.booleans(), one_in=4)
    def run(question: str, truth: str, response: str, judgement: dict[str, str], bootstrapping: bool) -> None:
        example = {"question": question, "response": truth}
        completion = completion_of(judgement)
        mock.reset()
        mock.script([{"reply": {"content": completion}, "times": 1}])
        with dspy.context(lm=side.language_model({"model": MODEL}), adapter=dspy.ChatAdapter()):
            metric = SemanticF1(decompositional=decompositional)
            trace: Any = [] if bootstrapping else None
            expected = metric(dspy.Example(**example), dspy.Prediction(response=response), trace).score
        answer = tool.score(
            {"semanticF1": {"decompositional": decompositional}},
            example,
            {"response": response},
            completion=completion,
            bootstrapping=bootstrapping,
        )
        assert answer["requests"] == [body["messages"] for body in bodies(mock)]
        assert answer.get("score") == float(expected), f"{judgement}\nours: {answer}\nDSPy's: {expected}"

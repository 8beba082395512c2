"""Makes up programs with the messages that DSPy renders for them, to try a phrasebook on."""

from __future__ import annotations

import datetime
import decimal
import enum
import random
from collections.abc import Iterator, Mapping
from typing import Any, Literal

import dspy
import pydantic
from dspy.adapters.baml_adapter import BAMLAdapter

from dspex_dspy.errors import NotTranslatableError
from dspex_dspy.rendering import FieldSpec, signature, to_json
from dspex_dspy.requests import made_up_inputs, quiet, request_of
from dspex_dspy.translate import translate
from dspex_dspy.values import Generator, to_json_value


class Mood(enum.Enum):
    GOOD = "good"
    BAD = "rather bad"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 10


class Place(pydantic.BaseModel):
    """A place on a map."""

    street: str = pydantic.Field(description="with the number")
    zip_code: str | None = None


class Person(pydantic.BaseModel):
    """Somebody.

    With a home.
    """

    name: str
    age: int = pydantic.Field(ge=0, le=150)
    home: Place | None
    mood: Mood = Mood.GOOD
    born: datetime.date | None = None
    nicknames: list[str] = pydantic.Field(default_factory=list)
    kind: Literal["friend", "foe"]
    notes: dict[str, float]


class Tree(pydantic.BaseModel):
    label: str
    children: list[Tree] = []


class Nothing(pydantic.BaseModel):
    pass


_PLAIN: tuple[Any, ...] = (
    str, str, str, int, float, bool, Any, bytes, list[str], list[int], dict[str, int], dict[str, Any], tuple[int, str],
    tuple[float, ...], set[int], list[list[str]], int | None, str | None, int | str, list[float] | None,
    Literal["yes", "no"], Literal["it's", 'say "so"', 3, True, None], datetime.date, datetime.datetime,
    datetime.timedelta, decimal.Decimal, list, dict,
)  # fmt: skip
_DECLARED: tuple[Any, ...] = (
    Mood,
    Level,
    Place,
    Person,
    Tree,
    Nothing,
    list[Person],
    dict[str, Place],
    Place | None,
    list[Mood],
)
_OWN_INPUTS: tuple[Any, ...] = (
    dspy.Image, list[dspy.Image], dspy.Audio, dspy.File, dspy.History, dspy.Code, dspy.Code["Java"], dspy.Tool,
    list[dspy.Tool], dspy.Image | None, dspy.Reasoning,
)  # fmt: skip
_OWN_OUTPUTS: tuple[Any, ...] = (dspy.Code, dspy.Code["Rust"], dspy.Reasoning, dspy.ToolCalls, list[dspy.Code])
_NAMES = (
    "question",
    "answer",
    "urlText",
    "text2number",
    "HTMLPage",
    "a__b",
    "Zeichen",
    "größe",
    "x",
    "Class",
    "n_2",
    "long_name_here",
)
_INSTRUCTIONS = (
    None, "Answer.", "Answer the question.\n\nIn two lines.", "First\n  indented\n\ttabbed\nlast",
    "With «quotes» & <tags> {x}", "trailing blanks  \nnext",
)  # fmt: skip
# One takes a strict schema, one nothing of the kind.
_MODELS = ("openai/gpt-4o-mini", "openai/made-up")


def probes(seed: int, count: int, phrasebook: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Programs with inputs and what DSPy renders for them; the same seed gives the same ones."""
    made = 0
    attempt = 0
    while made < count:
        # Each has a seed of its own, so that one can be made again without those before it.
        source = random.Random(f"{seed}/{attempt}")
        attempt += 1
        if attempt > 20 * count:
            raise RuntimeError(f"only {made} of {count} probes could be made")
        try:
            with quiet():
                probe = _Maker(source).probe(phrasebook)
        except (NotTranslatableError, ValueError, TypeError, pydantic.PydanticUserError):
            # Not every mixture is a program: BAML takes no recursion, Predict no field named as one of its arguments.
            continue
        made += 1
        yield {"probe": f"{seed}/{attempt - 1}", **probe}


class _Maker:
    def __init__(self, source: random.Random) -> None:
        self.random = source
        self.values = Generator(source)

    def probe(self, phrasebook: Mapping[str, Any]) -> dict[str, Any]:
        module, sig = self._module()
        adapter = self._adapter()
        lm = dspy.LM(self.random.choice(_MODELS), engine="lm15", cache=False, **self._settings())
        with dspy.context(lm=lm, adapter=adapter):
            program = translate(module, phrasebook, lm=lm, adapter=adapter).program
            inputs = next(made_up_inputs(sig, self.random.getrandbits(32)))
            request = request_of(module, inputs)
        arguments = dict(request["arguments"])
        return {
            "program": program,
            "inputs_json": to_json(to_json_value(inputs)),
            "messages": request["messages"],
            "response_format": arguments.pop("response_format", None),
            "arguments": arguments,
        }

    def _module(self) -> tuple[Any, Any]:
        names = self.random.sample(_NAMES, self.random.randint(2, 6))
        split = self.random.randint(0 if self.random.random() < 0.1 else 1, len(names) - 1)
        kind = dspy.ChainOfThought if self.random.random() < 0.3 else dspy.Predict
        sig = signature(
            {name: self._field(_OWN_INPUTS) for name in names[:split]},
            {name: self._field(_OWN_OUTPUTS) for name in names[split:]},
            self.random.choice(_INSTRUCTIONS),
        )
        module = kind(sig, **self._settings())
        (predictor,) = module.predictors()
        predictor.demos = [self._demo(predictor.signature) for _ in range(self.random.choice((0, 0, 1, 2, 4)))]
        return module, predictor.signature

    def _settings(self) -> dict[str, Any]:
        settings = {
            "temperature": 0.7,
            "max_tokens": 300,
            "n": 2,
            "top_p": 0.5,
            "rollout_id": 3,
            "stop": ["\n\n"],
            "seed": 7,
        }
        return {key: value for key, value in settings.items() if self.random.random() < 0.1}

    def _field(self, own: tuple[Any, ...]) -> FieldSpec:
        kinds = self.random.choices((_PLAIN, _DECLARED, own), (10, 4, 3))[0]
        kind = self.random.choice(kinds)
        arguments: dict[str, Any] = {}
        if self.random.random() < 0.4:
            arguments["desc"] = self.random.choice(("what it is", "two\nlines", "ends in blanks  ", "{braces}", "«é»"))
        if kind is int and self.random.random() < 0.5:
            arguments |= self._constraints()
        elif kind is str and self.random.random() < 0.2:
            arguments |= {"min_length": 1, "max_length": 80}
        if kind in (str, int) and self.random.random() < 0.1:
            arguments["default"] = {str: "by default", int: 5}[kind]
        return kind, arguments

    def _constraints(self) -> dict[str, Any]:
        rules = {"gt": 0, "ge": 1, "lt": 100, "le": 99, "multiple_of": 1}
        chosen = self.random.sample(sorted(rules), self.random.randint(1, 3))
        return {rule: rules[rule] for rule in chosen}

    def _demo(self, sig: Any) -> dict[str, Any]:
        demo: dict[str, Any] = {"augmented": True} if self.random.random() < 0.5 else {}
        for name, info in sig.fields.items():
            if info.annotation is dspy.History:
                continue
            if self.random.random() < 0.85:
                demo[name] = None if self.random.random() < 0.05 else self.values.value(info.annotation)
        return demo

    def _adapter(self) -> Any:
        native = self.random.random() < 0.3
        return self.random.choice(
            (
                lambda: None,
                lambda: dspy.ChatAdapter(use_native_function_calling=native),
                lambda: dspy.JSONAdapter(use_native_function_calling=native),
                lambda: dspy.XMLAdapter(use_json_adapter_fallback=native),
                BAMLAdapter,
                lambda: dspy.TwoStepAdapter(dspy.LM("openai/made-up", engine="lm15", cache=False)),
            )
        )()

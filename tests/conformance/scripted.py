"""Both sides in front of one scripted language model: DSPy with a client of its own, and dspex, each on real sockets.

A run is all requests that a call makes, in order, and how it ends. Of the body of a request everything counts but what
DSPy's client decides, not DSPy, or what says the same in JSON:

- the order of the settings, and whether a number is written 1 or 1.0 (messages, tools and response format keep the order
  of their keys);
- the spelling of a past tool call's arguments, a JSON text that DSPy's client writes anew.

Headers do not count. No case breaks a connection: dspex sends a request again if a kept one turns out to be closed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import dspy
from dspy.utils import exceptions as raised

from dspex_dspy.translate import options_of, translate
from dspex_dspy.values import to_json_value
from tests.conformance.peer import Failed, Peer
from tests.conformance.values_of import plain, to_json
from tests.mock_llm.client import MockLlm

# What stands for an error of DSPy here; the first that fits.
_REASONS: tuple[tuple[type[Exception], str], ...] = (
    (raised.AdapterParseError, "COMPLETION_UNPARSABLE"),
    (raised.LMAuthError, "PROVIDER_AUTH"),
    (raised.LMBillingError, "PROVIDER_BILLING"),
    (raised.LMRateLimitError, "PROVIDER_RATE_LIMITED"),
    (raised.LMInvalidRequestError, "PROVIDER_INVALID_REQUEST"),
    (raised.LMServerError, "PROVIDER_OVERLOADED"),
    (raised.LMTimeoutError, "PROVIDER_OVERLOADED"),
    (raised.LMTransportError, "PROVIDER_UNREACHABLE"),
    (raised.LMProviderError, "PROVIDER_MALFORMED_RESPONSE"),
)


@dataclass(frozen=True)
class Call:
    """A program, how it is called, and what the language model answers, request by request."""

    module: Any
    adapter: Any
    inputs: dict[str, Any]
    # Rules of the mock, each for one request; after the last the mock answers "mock" to everything.
    answers: Sequence[Mapping[str, Any]]
    lm: dict[str, Any] = field(default_factory=lambda: {"model": "openai/gpt-4o-mini"})
    # DSPy's config= of this one call.
    config: dict[str, Any] = field(default_factory=dict)

    @property
    def signature(self) -> Any:
        (predictor,) = self.module.predictors()
        return predictor.signature


@dataclass(frozen=True)
class Run:
    """What a side did: requests, and outputs of all completions or an error."""

    requests: list[dict[str, Any]]
    outcome: list[dict[str, Any]] | Failed

    def shown(self) -> dict[str, Any]:
        return {"requests": self.requests, "outcome": self.outcome}


class DspySide:
    """DSPy as it is installed."""

    def __init__(self, mock: MockLlm) -> None:
        self._mock = mock

    def language_model(self, settings: Mapping[str, Any]) -> Any:
        """DSPy's own client on the mock, without its retries and cache."""
        connection = {"api_base": self._mock.base_url, "api_key": "test-key"}
        return dspy.LM(**settings, **connection, engine="lm15", num_retries=0, cache=False)

    def run(self, call: Call) -> Run:
        """Makes the call. What DSPy raises that no provider and no completion is to blame for comes out."""
        self._mock.reset()
        self._mock.script(_rules(call))
        lm = self.language_model(call.lm)
        with dspy.context(lm=lm, adapter=call.adapter, warn_on_type_mismatch=False):
            try:
                prediction = call.module(**call.inputs, **({"config": dict(call.config)} if call.config else {}))
            except tuple(kind for kind, _ in _REASONS) as error:
                return Run(bodies(self._mock), failure(error))
        return Run(bodies(self._mock), answers_of(prediction, call.signature))


class DspexSide:
    """A dspex server whose one provider is a mock."""

    def __init__(self, peer: Peer, mock: MockLlm, phrasebook: Mapping[str, Any]) -> None:
        self._peer = peer
        self._mock = mock
        self._phrasebook = phrasebook

    def program(self, call: Call) -> dict[str, Any]:
        """The program that the import makes of the call's; raises NotTranslatableError."""
        lm = dspy.LM(**call.lm, engine="lm15")
        return translate(call.module, self._phrasebook, lm=lm, adapter=call.adapter).program

    def run(self, call: Call, program: Mapping[str, Any]) -> Run:
        self._mock.reset()
        self._mock.script(_rules(call))
        outcome = self._peer.forward(program, to_json_value(call.inputs), options_of(call.config))
        return Run(bodies(self._mock), outcome)


def _rules(call: Call) -> list[dict[str, Any]]:
    return [{**answer, "times": 1} for answer in call.answers]


def bodies(mock: MockLlm) -> list[dict[str, Any]]:
    """The recorded requests in the form in which they are compared."""
    return [_body(json.loads(request.body)) for request in mock.requests()]


def _body(body: dict[str, Any]) -> dict[str, Any]:
    """As the head of this file says."""
    first = ("model", "messages", "response_format", "tools")
    for message in body["messages"]:
        for call in message.get("tool_calls", ()):
            call["function"]["arguments"] = json.loads(call["function"]["arguments"])
    settings = {key: _number(body[key]) for key in sorted(body) if key not in first}
    return {**{key: body[key] for key in first if key in body}, **settings}


def _number(value: Any) -> Any:
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def failure(error: Exception) -> Failed:
    return Failed(next(reason for kind, reason in _REASONS if isinstance(error, kind)), str(error))


def answers_of(prediction: Any, signature: Any) -> list[dict[str, Any]]:
    """The outputs of each completion, and its log probabilities, as JSON."""
    completions = prediction.completions
    answers = [
        {
            name: plain(to_json(completions[name][index], info.annotation))
            for name, info in signature.output_fields.items()
        }
        for index in range(len(completions))
    ]
    if "logprobs" in completions:
        for answer, logprobs in zip(answers, completions["logprobs"], strict=True):
            answer["logprobs"] = json.loads(json.dumps(logprobs))
    return answers

"""Has DSPy render: messages of an adapter, and the request that a module would send, without sending it."""

from __future__ import annotations

import functools
import json
import types
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import dspy
import pydantic
from dspy.adapters.baml_adapter import BAMLAdapter

Messages = list[dict[str, Any]]
FieldSpec = tuple[Any, dict[str, Any]]

# Settings of a connection or of a cache: they shape no request.
CLIENT_SETTINGS = frozenset(
    {
        "api_key", "api_base", "base_url", "model_list", "headers", "extra_headers", "timeout", "api_version", "cache",
        "azure_ad_token_provider", "organization", "project", "extra_query", "custom_llm_provider", "prompt_cache",
    }
)  # fmt: skip


class _Recorded(BaseException):
    """Ends a call where its request is known; no Exception, so that nothing on the way takes it for a failed answer."""


class RecordingLM(dspy.BaseLM):  # type: ignore[misc]
    """Stands in for a language model: same name, settings and capabilities, but keeps the request and ends the call."""

    def __init__(self, lm: Any = None) -> None:
        super().__init__(model=lm.model if lm else "none", model_type=getattr(lm, "model_type", "chat"), cache=False)
        self.kwargs = dict(getattr(lm, "kwargs", {}))
        self.messages: Messages = []
        self.call: dict[str, Any] = {}
        self._lm = lm

    @functools.cached_property
    def _capable(self) -> Any:
        """What says what the language model takes: DSPy's own client if it knows it, else the language model."""
        if not (isinstance(self._lm, dspy.LM) and isinstance(self._lm.engine, str)):
            return self._lm
        return _native_capabilities(self.model, self.model_type) or _capabilities(self._lm)

    @property
    def supports_function_calling(self) -> bool:
        return bool(getattr(self._capable, "supports_function_calling", False))

    @property
    def supports_reasoning(self) -> bool:
        return bool(getattr(self._capable, "supports_reasoning", False))

    @property
    def supports_response_schema(self) -> bool:
        return bool(getattr(self._capable, "supports_response_schema", False))

    @property
    def supported_params(self) -> set[str]:
        return set(getattr(self._capable, "supported_params", ()))

    def __call__(self, prompt: str | None = None, *, messages: Messages | None = None, **kwargs: Any) -> Any:
        self.messages = messages or [{"role": "user", "content": prompt}]
        self.call = kwargs
        raise _Recorded

    async def acall(self, prompt: str | None = None, *, messages: Messages | None = None, **kwargs: Any) -> Any:
        return self(prompt, messages=messages, **kwargs)

    def request(self) -> dict[str, Any]:
        """The request as JSON: the messages and, by their OpenAI names, the arguments that were given at all."""
        arguments = {**self.kwargs, **self.call}
        arguments = {k: v for k, v in arguments.items() if v is not None and k not in CLIENT_SETTINGS}
        # DSPy's client does not send what is so anyway.
        for name in ("logprobs", "top_logprobs"):
            if not arguments.get(name):
                arguments.pop(name, None)
        if "response_format" in arguments:
            arguments["response_format"] = response_format(arguments["response_format"])
        return {"model": self.model, "messages": self.messages, "arguments": arguments}


@functools.lru_cache(maxsize=128)
def _native_capabilities(model: str, model_type: str) -> Any:
    return _capabilities(dspy.LM(model, model_type=model_type, engine="lm15", cache=False))


def _capabilities(lm: Any) -> Any:
    """What DSPy knows of a language model; None if it does not know the model."""
    names = ("supports_function_calling", "supports_reasoning", "supports_response_schema", "supported_params")
    try:
        return types.SimpleNamespace(**{name: getattr(lm, name) for name in names})
    except Exception:
        return None


class _RecordingEngine:
    """Keeps the canonical request that DSPy's client makes of a call."""

    supports_response_schema = True
    supported_params = frozenset({"response_format"})

    def __init__(self) -> None:
        self.request: Any = None

    def complete(self, request: Any) -> Any:
        self.request = request
        raise _Recorded


def response_format(given: Any) -> Any:
    """A response format as it is sent, in OpenAI's spelling: a pydantic model becomes its strict schema."""
    if not (isinstance(given, type) and issubclass(given, pydantic.BaseModel)):
        return given
    engine = _RecordingEngine()
    with ended_by_request(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dspy.LM("openai/none", engine=engine, cache=False)(
            messages=[{"role": "user", "content": "none"}], response_format=given
        )
    sent = dict(engine.request.config.response_format)
    kind = sent.pop("type")
    return {"type": kind, kind: {key: sent[key] for key in ("name", "schema", "strict") if key in sent}}


@contextmanager
def ended_by_request() -> Iterator[None]:
    """Runs a call until its first request is recorded."""
    try:
        yield
    except _Recorded:
        return
    raise RuntimeError("The call ended without a request to a language model.")


def signature(
    inputs: Mapping[str, FieldSpec], outputs: Mapping[str, FieldSpec], instructions: str | None = "zq"
) -> Any:
    """A signature of fields: for each name its type and the arguments of InputField or OutputField."""
    fields: dict[str, Any] = {name: (kind, dspy.InputField(**more)) for name, (kind, more) in inputs.items()}
    fields |= {name: (kind, dspy.OutputField(**more)) for name, (kind, more) in outputs.items()}
    return dspy.Signature(fields, instructions)


def texts(names: Sequence[str]) -> dict[str, FieldSpec]:
    """Fields of the type str."""
    return {name: (str, {}) for name in names}


def messages_of(adapter: Any, sig: Any, inputs: Mapping[str, Any], demos: Sequence[Mapping[str, Any]] = ()) -> Messages:
    return list(adapter.format(sig, list(demos), dict(inputs)))


def system_of(adapter: Any, sig: Any) -> str:
    """The system message."""
    return str(messages_of(adapter, sig, {})[0]["content"])


def adapters() -> dict[str, Any]:
    """The adapters of DSPy by dspex's name, as they are by default."""
    return {
        "chat": dspy.ChatAdapter(),
        "json": dspy.JSONAdapter(),
        "xml": dspy.XMLAdapter(),
        "baml": BAMLAdapter(),
        "two_step": dspy.TwoStepAdapter(RecordingLM()),
    }


def to_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)

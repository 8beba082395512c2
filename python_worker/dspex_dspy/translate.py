"""Translates DSPy modules to dspex.v1.Program, as JSON by the names of the proto's fields."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import dspy
from dspy.adapters.baml_adapter import BAMLAdapter

from dspex_dspy.errors import NotTranslatableError
from dspex_dspy.rendering import CLIENT_SETTINGS, RecordingLM, to_json
from dspex_dspy.steps import module_ids, read_steps
from dspex_dspy.translate_signature import SignatureTranslator
from dspex_dspy.values import check_writable, to_json_value

MODULE_ID = "main"
_RATIONALE = {"name": "reasoning", "type": "str"}
# DSPy's names of sampling settings, by dspex's.
_OPTIONS = {
    "temperature": "temperature", "top_p": "top_p", "max_tokens": "max_tokens", "max_completion_tokens": "max_tokens",
    "stop": "stop", "seed": "seed", "frequency_penalty": "frequency_penalty", "presence_penalty": "presence_penalty",
    "n": "n", "rollout_id": "rollout_id", "reasoning_effort": "reasoning_effort",
    "store": "store", "logprobs": "logprobs", "top_logprobs": "top_logprobs",
}  # fmt: skip
_KINDS: dict[type, str] = {
    dspy.ChatAdapter: "ADAPTER_KIND_CHAT",
    dspy.JSONAdapter: "ADAPTER_KIND_JSON",
    dspy.XMLAdapter: "ADAPTER_KIND_XML",
    BAMLAdapter: "ADAPTER_KIND_BAML",
    dspy.TwoStepAdapter: "ADAPTER_KIND_TWO_STEP",
}

# They show models by their fields, dataclasses and TypedDicts by their names or JSON.
_TELLS_MODELS_APART = (dspy.XMLAdapter, BAMLAdapter)


@dataclass
class Translation:
    """A translated program."""

    program: dict[str, Any]
    # What became a module of dspex's own, for people.
    native: list[str]
    # What is not carried over although the program is.
    warnings: list[str] = field(default_factory=list)


def predictor_of(module: Any) -> tuple[str, Any] | None:
    """The kind of a module that has an equal, and its one predictor; None if it has a forward() of its own."""
    kind = type(module)
    if kind is dspy.Predict or kind is dspy.ChainOfThought:
        if "forward" in vars(module):
            raise NotTranslatableError("the object", "its forward() was replaced. Import the module without that.")
        return ("predict", module) if kind is dspy.Predict else ("chain_of_thought", module.predict)
    name = f"{kind.__module__}.{kind.__qualname__}"
    if not isinstance(module, dspy.Module):
        raise NotTranslatableError(
            "the object", f"{name} is no DSPy module. Name a module, or a function that makes one."
        )
    if kind.__module__.partition(".")[0] == "dspy" or isinstance(module, dspy.Predict | dspy.ChainOfThought):
        raise NotTranslatableError(
            "the object",
            f"{name} is none of the modules that can be imported so far: dspy.Predict, dspy.ChainOfThought, and "
            "modules of your own that call those one after another.",
        )
    return None


def translate(
    module: Any, phrasebook: Mapping[str, Any], *, lm: Any = None, adapter: Any = None, lm_name: str = ""
) -> Translation:
    """Translates a module; `lm` and `adapter` are those that DSPy is configured with, `lm_name` stands in for the
    language model's name."""
    program: dict[str, Any] = {"phrasebook": f"phrasebooks/{phrasebook['name']}", "validation": "VALIDATION_DSPY"}
    found = predictor_of(module)
    if found is None:
        return _translate_steps(module, phrasebook, program, lm=lm, adapter=adapter, lm_name=lm_name)
    kind, predictor = found
    warnings = [f"Callbacks of {owner} are not carried over." for owner in _with_callbacks(module, predictor, adapter)]
    if predictor.lm is not None:
        lm = predictor.lm
    if name := lm_name or model_name(lm, warnings):
        program["lm"] = name
    spec = _spec(kind, predictor, phrasebook, lm=lm, adapter=adapter, warnings=warnings)
    program["modules"] = [{"id": MODULE_ID, kind: spec}]
    program["adapter"] = adapter_of(adapter, lm, warnings)
    return Translation(program, [f"{MODULE_ID}: {type(module).__name__}"], warnings)


def owned_predictors(module: Any) -> list[tuple[str, str, Any, Any]]:
    """Of each predictor, in DSPy's order: its path, its kind, the module that forward() calls, the predictor."""
    chains = {id(part.predict): part for _, part in module.named_sub_modules() if type(part) is dspy.ChainOfThought}
    owned: list[tuple[str, str, Any, Any]] = []
    for path, predictor in module.named_predictors():
        owner = chains.get(id(predictor), predictor)
        found = predictor_of(owner)
        if found is None:
            raise NotTranslatableError(path, f"{type(owner).__name__} has a forward() of its own within another.")
        owned.append((path, found[0], owner, predictor))
    if len(owned) != len(list(module.named_parameters())):
        raise NotTranslatableError("the object", "it has parameters that are no predictors. Remove them.")
    return owned


def _translate_steps(
    module: Any, phrasebook: Mapping[str, Any], program: dict[str, Any], *, lm: Any, adapter: Any, lm_name: str
) -> Translation:
    owned = owned_predictors(module)
    if not owned:
        raise NotTranslatableError("the object", "it has no predictors. Give it some as attributes.")
    if isinstance(adapter, dspy.TwoStepAdapter):
        raise NotTranslatableError("the adapter", "programs of several modules cannot be compared with two steps each.")
    ids = module_ids([path for path, *_ in owned])
    read = read_steps(module, {id(owner): name for name, (_, _, owner, _) in zip(ids, owned, strict=True)})
    warnings: list[str] = []
    if name := lm_name or model_name(lm, warnings):
        program["lm"] = name
    program["adapter"] = adapter_of(adapter, lm, warnings)
    program["modules"] = []
    native = []
    for name, (path, kind, owner, predictor) in zip(ids, owned, strict=True):
        warnings += [
            f"Callbacks of {each} are not carried over." for each in _with_callbacks(owner, predictor, adapter)
        ]
        own = predictor.lm if predictor.lm is not None else lm
        spec = {"id": name, kind: _spec(kind, predictor, phrasebook, lm=own, adapter=adapter, warnings=warnings)}
        if predictor.lm is not None:
            if not lm_name:
                spec["lm"] = model_name(own, warnings)
            spec["adapter"] = adapter_of(adapter, own, warnings)
        program["modules"].append(spec)
        native.append(f"{name}: {type(owner).__name__} ({path})")
    program["steps"] = read.steps
    program["outputs"] = read.outputs
    program["saved_state"] = {"predictors": [{"path": path} for path, *_ in owned]}
    return Translation(program, native, list(dict.fromkeys(warnings)))


def _spec(
    kind: str, predictor: Any, phrasebook: Mapping[str, Any], *, lm: Any, adapter: Any, warnings: list[str]
) -> dict[str, Any]:
    """dspex.v1.Predictor, with the sampling settings of its language model."""
    if getattr(predictor, "fields", None):
        raise NotTranslatableError("the predictor", "it has decision criteria, which have no equal. Remove them.")
    translator = SignatureTranslator(predictor.signature, phrasebook["text"])
    spec = _predictor(kind, predictor, translator)
    if options := options_of({**_kwargs(lm, warnings), **predictor.config}):
        spec["options"] = options
    if translator.types.not_models and isinstance(adapter, _TELLS_MODELS_APART):
        names = ", ".join(sorted(translator.types.not_models))
        raise NotTranslatableError(
            "the types", f"{type(adapter).__name__} shows {names} otherwise than a pydantic model. Make it one."
        )
    return spec


def wiring(module: Any) -> dict[str, Any]:
    """The steps of a program, with the ids of its modules; empty for a module that is called as it stands."""
    if isinstance(module, dspy.Predict | dspy.ChainOfThought):
        return {}
    owned = owned_predictors(module)
    ids = module_ids([path for path, *_ in owned])
    read = read_steps(module, {id(owner): name for name, (_, _, owner, _) in zip(ids, owned, strict=True)})
    return {"modules": [{"id": name} for name in ids], "steps": read.steps}


def _with_callbacks(module: Any, predictor: Any, adapter: Any) -> list[str]:
    owners = {"the module": module, "the predictor": predictor, "the adapter": adapter, "the settings": dspy.settings}
    return [name for name, owner in owners.items() if getattr(owner, "callbacks", None)]


def _predictor(kind: str, predictor: Any, translator: SignatureTranslator) -> dict[str, Any]:
    signature = predictor.signature
    rationale = {}
    if kind == "chain_of_thought":
        if next(iter(signature.output_fields), None) != _RATIONALE["name"]:
            raise NotTranslatableError(
                "the signature",
                "its first output is not the reasoning. Leave the field that ChainOfThought adds first.",
            )
        rationale = translator.field(_RATIONALE["name"])
    spec: dict[str, Any] = {"structured_signature": translator.translate(_RATIONALE["name"] if rationale else "")}
    if not spec["structured_signature"]["outputs"]:
        raise NotTranslatableError("the signature", "it has no outputs. Give it one.")
    if rationale and rationale != _RATIONALE:
        spec["rationale"] = rationale
    if types := translator.types.declarations():
        spec["types"] = types
    if predictor.demos:
        spec["demos"] = [_demo(number, demo) for number, demo in enumerate(predictor.demos, 1)]
    return spec


def _demo(number: int, demo: Any) -> dict[str, str]:
    fields = to_json_value(dict(demo.items()))
    check_writable(f"demo {number}", fields)
    return {"fields_json": to_json(fields)}


def model_name(lm: Any, warnings: list[str]) -> str:
    """The language model as "provider/model"; empty if there is none."""
    if lm is None:
        warnings.append(
            "DSPy has no language model configured: the server's default is used. Configure one by --setup."
        )
        return ""
    if not isinstance(lm, dspy.LM):
        warnings.append(
            f"{type(lm).__name__} is no dspy.LM: the server's default language model is used. Name one by --lm."
        )
        return ""
    if lm.model_type != "chat":
        warnings.append(f"The language model is called by the {lm.model_type} API: dspex sends chat completions.")
    return str(lm.model) if "/" in lm.model else f"openai/{lm.model}"


def _kwargs(lm: Any, warnings: list[str]) -> dict[str, Any]:
    kwargs = dict(getattr(lm, "kwargs", {}))
    ignored = sorted(key for key in kwargs if key in CLIENT_SETTINGS and kwargs[key] is not None)
    if ignored:
        warnings.append(
            f"Settings of the connection are not carried over: {', '.join(ignored)}. Configure the provider."
        )
    return {key: value for key, value in kwargs.items() if key not in CLIENT_SETTINGS}


def options_of(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Sampling settings as dspex.v1.LmOptions."""
    options: dict[str, Any] = {}
    for key, value in settings.items():
        if value is None or key in CLIENT_SETTINGS:
            continue
        if key not in _OPTIONS:
            raise NotTranslatableError(
                "the settings of the language model",
                f"{key} has no equal. Remove it, or set it in the provider's configuration.",
            )
        name = _OPTIONS[key]
        options[name] = [value] if name == "stop" and isinstance(value, str) else value
    try:
        json.dumps(options)
    except TypeError as error:
        raise NotTranslatableError("the settings of the language model", f"{error}. Use plain values.") from error
    return options


def adapter_of(adapter: Any, lm: Any, warnings: list[str]) -> dict[str, Any]:
    """The adapter as dspex.v1.Adapter."""
    adapter = adapter or dspy.ChatAdapter()
    kind = _KINDS.get(type(adapter))
    if kind is None:
        raise NotTranslatableError(
            "the adapter",
            f"{type(adapter).__name__} is none of DSPy's own. Configure one of those: its code has no equal.",
        )
    if adapter.native_response_types != type(adapter)(*_needed(adapter)).native_response_types:
        raise NotTranslatableError("the adapter", "its native_response_types are not DSPy's. Leave them as they are.")
    spec: dict[str, Any] = {"kind": kind, "native_function_calling": bool(adapter.use_native_function_calling)}
    if adapter.parallel_tool_calls is not None:
        spec["parallel_tool_calls"] = bool(adapter.parallel_tool_calls)
    falls_back = kind in ("ADAPTER_KIND_CHAT", "ADAPTER_KIND_XML")
    if falls_back:
        spec["json_fallback"] = bool(adapter.use_json_adapter_fallback)
    if kind == "ADAPTER_KIND_TWO_STEP":
        spec |= _extraction(adapter.extraction_model, warnings)
    elif lm is not None and spec.get("json_fallback", True):
        spec["response_format"] = response_format_of(lm)
    return spec


def _needed(adapter: Any) -> list[Any]:
    """The arguments that the adapter's class cannot be made without."""
    parameters = inspect.signature(type(adapter)).parameters.values()
    needed = [each.name for each in parameters if each.default is each.empty and each.kind is not each.VAR_KEYWORD]
    return [getattr(adapter, name) for name in needed]


def _extraction(lm: Any, warnings: list[str]) -> dict[str, Any]:
    spec: dict[str, Any] = {}
    if name := model_name(lm, warnings):
        spec["extraction_lm"] = name
    if options := options_of(_kwargs(lm, warnings)):
        spec["extraction_options"] = options
    return spec


def response_format_of(lm: Any) -> str:
    """What DSPy asks of this language model with its JSON adapter."""
    recorder = RecordingLM(lm)
    if "response_format" not in recorder.supported_params:
        return "RESPONSE_FORMAT_NONE"
    return "RESPONSE_FORMAT_JSON_SCHEMA" if recorder.supports_response_schema else "RESPONSE_FORMAT_JSON_OBJECT"

"""Reads the forward() of a module as calls of its predictors, one after another."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import dspy

from dspex_dspy.errors import NotTranslatableError

_WHAT = "forward()"


@dataclass
class Steps:
    """The calls, by the names of dspex.v1.Step, and the outputs."""

    steps: list[dict[str, Any]] = field(default_factory=list)
    outputs: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Prediction:
    """What a step answers."""

    step: str
    outputs: tuple[str, ...]


def module_ids(paths: list[str]) -> list[str]:
    """An id for each predictor, from the attributes that lead to it; a ChainOfThought's "predict" is no part of it."""
    ids: list[str] = []
    for path in paths:
        text = re.sub(r"[^a-z0-9]+", "_", re.sub(r"\.predict$", "", path).lower()).strip("_")
        name = (text if text[:1].isalpha() else f"m_{text}")[:50].strip("_")
        ids.append(_free(name, ids))
    return ids


def _free(name: str, taken: list[str]) -> str:
    number = 2
    found = name
    while found in taken:
        found = f"{name}-{number}"
        number += 1
    return found


def _refused(reason: str, node: ast.AST | None = None) -> NotTranslatableError:
    text = "" if node is None else f"line {getattr(node, 'lineno', 0)}, {ast.unparse(node).splitlines()[0][:100]!r}: "
    return NotTranslatableError(_WHAT, text + reason)


def read_steps(module: Any, ids: Mapping[int, str]) -> Steps:
    """The steps of a module's forward(); `ids` are those of the modules that it may call, by Python's id()."""
    kind = type(module)
    if "forward" in vars(module) or kind.__call__ is not dspy.Module.__call__:
        raise _refused("it was replaced, or __call__ was. Import the module without that.")
    function = kind.forward
    if not inspect.isfunction(function) or hasattr(function, "__wrapped__"):
        raise _refused("it is decorated, or no plain function. Write it as one.")
    try:
        (definition,) = ast.parse(textwrap.dedent(inspect.getsource(function))).body
    except (OSError, TypeError, SyntaxError, ValueError) as error:
        raise _refused("its source cannot be read. Define the class in a file.") from error
    if not isinstance(definition, ast.FunctionDef) or definition.decorator_list:
        raise _refused("it is decorated, or no plain function. Write it as one.")
    return _Reader(module, function.__globals__, ids).read(definition)


def _member(node: ast.expr) -> str:
    """The name in `x.name` and `x["name"]`; empty for anything else."""
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
        return node.slice.value
    return ""


class _Reader:
    def __init__(self, module: Any, names: Mapping[str, Any], ids: Mapping[int, str]) -> None:
        self._module = module
        self._globals = names
        self._ids = ids
        self._self = "self"
        # What names stand for: a prediction, or a reference as dspex writes it.
        self._values: dict[str, _Prediction | str] = {}
        self._read = Steps()

    def read(self, definition: ast.FunctionDef) -> Steps:
        arguments = definition.args
        if arguments.vararg or arguments.kwarg or arguments.posonlyargs or not arguments.args:
            raise _refused("it takes *args, **kwargs or positional-only arguments. Name its inputs.")
        if arguments.defaults or any(each is not None for each in arguments.kw_defaults):
            raise _refused("its arguments have defaults, which steps have not. Leave them out.")
        self._self, *inputs = [each.arg for each in arguments.args + arguments.kwonlyargs]
        self._values = {name: name for name in inputs}
        for statement in definition.body:
            if self._statement(statement):
                if not self._read.outputs:
                    raise _refused("it returns a prediction without outputs.", statement)
                return self._read
        raise _refused("it ends without a return. Return a prediction.")

    def _statement(self, node: ast.stmt) -> bool:
        """Whether it is the return."""
        if isinstance(node, ast.Return):
            self._return(node)
            return True
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if len(targets) != 1 or not isinstance(targets[0], ast.Name) or targets[0].id == self._self:
                raise _refused("only plain names can be assigned to.", node)
            self._values[targets[0].id] = self._value(node.value)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            self._call(node.value)
        elif not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)) and not isinstance(
            node, ast.Pass
        ):
            raise _refused("only calls of modules, assignments and a return can be translated.", node)
        return False

    def _return(self, node: ast.Return) -> None:
        call = node.value
        if isinstance(call, ast.Call) and self._resolved(call.func) is dspy.Prediction:
            if call.args:
                raise _refused("dspy.Prediction is given something else than keywords.", node)
            for keyword in call.keywords:
                if keyword.arg is None:
                    raise _refused("dspy.Prediction is given **. Name its fields.", node)
                reference = self._reference(keyword.value)
                if "." not in reference:
                    raise _refused(f"the output {keyword.arg} is an input, which no step answers.", node)
                self._read.outputs[keyword.arg] = reference
            return
        value = None if call is None else self._value(call)
        if not isinstance(value, _Prediction):
            raise _refused("it returns no prediction. Return one, or dspy.Prediction(...).", node)
        self._read.outputs = {name: f"{value.step}.{name}" for name in value.outputs}

    def _value(self, node: ast.expr) -> _Prediction | str:
        if isinstance(node, ast.Name) and node.id in self._values:
            return self._values[node.id]
        if isinstance(node, ast.Call):
            return self._call(node)
        name = _member(node)
        if isinstance(node, ast.Attribute | ast.Subscript) and name:
            owner = self._value(node.value)
            if not isinstance(owner, _Prediction):
                raise _refused("only outputs of predictions can be read.", node)
            if name not in owner.outputs:
                raise _refused(f"the step {owner.step} has no output {name}.", node)
            return f"{owner.step}.{name}"
        if isinstance(node, ast.Constant):
            raise _refused("a literal is no input of a step. Put it into the instructions.", node)
        raise _refused("what it computes has no equal. Pass inputs and outputs as they are.", node)

    def _reference(self, node: ast.expr) -> str:
        value = self._value(node)
        if isinstance(value, _Prediction):
            raise _refused("a whole prediction is passed on. Pass its fields.", node)
        return value

    def _call(self, node: ast.Call) -> _Prediction:
        module = self._resolved(node.func)
        if id(module) not in self._ids:
            raise _refused("it calls something else than a dspy.Predict or dspy.ChainOfThought of its own.", node)
        if node.args:
            raise _refused("a module is given positional arguments. Name them.", node)
        signature = (module.predict if isinstance(module, dspy.ChainOfThought) else module).signature
        inputs = {}
        for keyword in node.keywords:
            if keyword.arg is None or keyword.arg not in signature.input_fields:
                raise _refused(f"{keyword.arg or '**'} is no input of the module's signature.", node)
            inputs[keyword.arg] = self._reference(keyword.value)
        step = _free(self._ids[id(module)], [each["id"] for each in self._read.steps])
        self._read.steps.append({"id": step, "module": self._ids[id(module)], "inputs": inputs})
        return _Prediction(step, tuple(signature.output_fields))

    def _resolved(self, node: ast.expr) -> Any:
        """The object that an expression of names, attributes and constant subscripts stands for; None if none."""
        if isinstance(node, ast.Name):
            if node.id == self._self:
                return self._module
            return None if node.id in self._values else self._globals.get(node.id)
        if isinstance(node, ast.Attribute):
            owner = self._resolved(node.value)
            return None if owner is None else inspect.getattr_static(owner, node.attr, None)
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
            holder: Any = self._resolved(node.value)
            key: Any = node.slice.value
            try:
                return holder[key] if isinstance(holder, list | tuple | dict) else None
            except (LookupError, TypeError):
                return None
        return None

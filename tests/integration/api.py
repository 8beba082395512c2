"""The API as the tests speak it: values, programs, calls and what is wrong with a failed one."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import grpc
from dspex.v1 import dataset_service_pb2_grpc as datasets_grpc
from dspex.v1 import prediction_service_pb2 as predictions_pb
from dspex.v1 import prediction_service_pb2_grpc as predictions_grpc
from dspex.v1 import program_pb2, values_pb2
from dspex.v1 import program_service_pb2 as programs_pb
from dspex.v1 import program_service_pb2_grpc as programs_grpc
from google.protobuf import json_format, struct_pb2
from grpc_health.v1 import health_pb2_grpc

from tests.support.errors import Caught, RichError, raises_rich
from tests.support.server import DspexServer

SIGNATURE = "question: str, numbers: list[int] -> answer: float, label: Literal['yes', 'no']"
COMPLETION = "[[ ## answer ## ]]\n42.5\n\n[[ ## label ## ]]\nyes\n\n[[ ## completed ## ]]"
INPUTS = {"question": "How much is it?", "numbers": [20, 22]}
MODEL = "openai/mock"  # The default of the tests' servers.
# What no error and no log line may show; tests put them into keys, prompts and completions.
SECRET_KEY = "sk-the-key-that-nobody-may-see"
SECRET_PROMPT = "the-prompt-that-nobody-may-see"
SECRET_ANSWER = "the-completion-that-nobody-may-see"
SECRETS = (SECRET_KEY, SECRET_PROMPT, SECRET_ANSWER)


def completion(**values: str) -> str:
    """A completion with these sections."""
    sections = "".join(f"[[ ## {name} ## ]]\n{value}\n\n" for name, value in values.items())
    return f"{sections}[[ ## completed ## ]]"


def struct(values: Mapping[str, Any]) -> struct_pb2.Struct:
    """The values as a Struct."""
    result = struct_pb2.Struct()
    result.update(values)
    return result


def plain(message: struct_pb2.Struct) -> dict[str, Any]:
    """A Struct as Python values; all its numbers are floats."""
    return json_format.MessageToDict(message)


def example(values: Mapping[str, Any]) -> values_pb2.Example:
    """The values as an Example of JSON text."""
    return values_pb2.Example(fields_json=json.dumps(values))


def predict(
    signature: str = SIGNATURE,
    *,
    lm: str = "",
    demos: Sequence[Mapping[str, Any]] = (),
    options: program_pb2.LmOptions | None = None,
    instructions: str = "",
    timeout: float | None = None,
) -> program_pb2.Program:
    """A program of one Predict with the id `main`."""
    predictor = program_pb2.Predictor(
        signature=signature, demos=[example(demo) for demo in demos], options=options, instructions=instructions
    )
    program = program_pb2.Program(lm=lm, modules=[program_pb2.Module(id="main", predict=predictor)])
    if timeout is not None:
        program.timeout.FromNanoseconds(round(timeout * 1e9))
    return program


def target(program: str | program_pb2.Program) -> dict[str, Any]:
    """The request's arguments that name a stored program or carry an inline one."""
    return {"program": program} if isinstance(program, str) else {"inline_program": program}


def values(inputs: Mapping[str, Any] | str) -> dict[str, Any]:
    """The request's arguments that carry inputs: a mapping as a Struct, a text as JSON."""
    return {"inputs_json": inputs} if isinstance(inputs, str) else {"inputs": struct(inputs)}


def forward_request(
    program: str | program_pb2.Program, inputs: Mapping[str, Any] | str = INPUTS, *, include_trace: bool = False
) -> predictions_pb.ForwardRequest:
    """A ForwardRequest."""
    return predictions_pb.ForwardRequest(**target(program), **values(inputs), include_trace=include_trace)


class Client:
    """The services of one server on a connection of its own."""

    def __init__(self, server: DspexServer) -> None:
        self.channel = server.channel(("grpc.max_receive_message_length", -1))
        self.datasets = datasets_grpc.DatasetServiceStub(self.channel)
        self.programs = programs_grpc.ProgramServiceStub(self.channel)
        self.predictions = predictions_grpc.PredictionServiceStub(self.channel)
        # Its types are not complete.
        self.health: Any = health_pb2_grpc.HealthStub(self.channel)

    def forward(
        self,
        program: str | program_pb2.Program,
        inputs: Mapping[str, Any] | str = INPUTS,
        *,
        timeout: float = 20,
        include_trace: bool = False,
        metadata: Mapping[str, str] | None = None,
    ) -> values_pb2.Prediction:
        """Calls Forward."""
        request = forward_request(program, inputs, include_trace=include_trace)
        pairs = tuple((metadata or {}).items())
        return self.predictions.Forward(request, timeout=timeout, metadata=pairs).prediction

    def start_forward(
        self, program: str | program_pb2.Program, inputs: Mapping[str, Any] | str = INPUTS, *, timeout: float = 20
    ) -> grpc.Future[predictions_pb.ForwardResponse]:
        """Begins a Forward."""
        return self.predictions.Forward.future(forward_request(program, inputs), timeout=timeout)

    def create(self, program_id: str, program: program_pb2.Program, **more: Any) -> program_pb2.Program:
        """Calls CreateProgram."""
        request = programs_pb.CreateProgramRequest(program_id=program_id, program=program, **more)
        return self.programs.CreateProgram(request, timeout=20).program

    def close(self) -> None:
        """Closes the connection."""
        self.channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@contextlib.contextmanager
def fails(code: grpc.StatusCode, reason: str, **metadata: str) -> Iterator[Caught]:
    """Expects a call to fail so, as raises_rich does, and to carry everything that every error of an RPC must."""
    with raises_rich(code, reason, **metadata) as caught:
        yield caught
    check_error(caught.error)
    assert caught.error.request_id, f"no RequestInfo: {caught.error}"


def check_error(error: RichError) -> None:
    """Holds if the message says what happened and what to do, and nothing secret is in the error."""
    assert not any(secret in repr(error) for secret in SECRETS), error
    sentences = re.split(r"(?<=[.?]) (?=[A-Z])", error.message)
    assert len(sentences) > 1, f"one sentence only: {error.message}"
    # The provider's own words may follow.
    assert any(ADVICE.match(sentence) for sentence in sentences[1:]), f"no advice: {error.message}"


# What the sentence begins with that says what to do.
ADVICE = re.compile(
    r"(Add|Allow|Ask|Change|Check|Choose|Close|Correct|Create|Delete|Describe|Did you mean|Grant"
    r"|Flatten|Give|Import|Leave|List|Look|Lower|Make|Name|Put|Raise|Read|Remove|Report|Restart"
    r"|Save|Say|Send|Set|Shorten|Split|Start|Take|Try|Use|Wait|Write)\b"
)

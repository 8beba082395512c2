"""Calls of programs, whole and in streams, that end alike for the tests of both servers."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
from dspex.v1 import prediction_service_pb2 as pb
from dspex.v1 import program_pb2, values_pb2
from google.protobuf import json_format

from tests.integration.api import Client
from tests.support.errors import RichError, rich_error
from tests.support.server import DspexServer

# What servers say, by the provider that speaks it.
FACES = {"chat": "openai", "responses": "openai_responses", "messages": "anthropic"}
MODES = ("Forward", "ForwardStream")


def start_server(folder: Path, url: str, **settings: Any) -> DspexServer:
    """A server with a provider for each face of what is at `url`, by the face's name."""
    providers = {face: {"kind": kind, "base_url": url, **settings} for face, kind in FACES.items()}
    return DspexServer(folder, config={"providers": providers})


def one(signature: str, **predictor: Any) -> dict[str, Any]:
    return {"modules": [{"id": "main", "predict": {"signature": signature, **predictor}}]}


@dataclass
class Outcome:
    """How a call ended: a prediction or an error; with the events of a stream before."""

    prediction: values_pb2.Prediction | None = None
    error: RichError | None = None
    events: list[pb.ForwardStreamResponse] = field(default_factory=list)

    @property
    def outputs(self) -> dict[str, Any]:
        assert self.prediction is not None, self.error
        outputs: dict[str, Any] = json.loads(self.prediction.outputs_json)
        return outputs

    def texts(self) -> dict[str, str]:
        """What a client has that joins deltas since each field's last start."""
        joined: dict[str, str] = {}
        for event in self.events:
            if event.HasField("field_started"):
                joined[event.field_started.field] = ""
            elif event.HasField("field_delta"):
                joined[event.field_delta.field] += event.field_delta.text
        return joined

    def completed(self) -> dict[str, Any]:
        """The value that each field was last said to have."""
        ends = [event.field_completed for event in self.events if event.HasField("field_completed")]
        return {end.field: json.loads(end.value_json) for end in ends}

    def parts(self) -> dict[str, list[Any]]:
        """The elements of lists, as they came."""
        parts: dict[str, list[Any]] = {}
        for event in self.events:
            if event.HasField("field_part") and not event.field_part.key:
                parts.setdefault(event.field_part.field, []).append(json.loads(event.field_part.value_json))
        return parts

    def tool_calls(self) -> dict[int, tuple[str, str]]:
        """Names and joined arguments by index."""
        calls: dict[int, tuple[str, str]] = {}
        for event in self.events:
            if event.HasField("tool_call"):
                name, arguments = calls.get(event.tool_call.index, ("", ""))
                calls[event.tool_call.index] = (name + event.tool_call.name, arguments + event.tool_call.arguments)
        return calls


def call(client: Client, mode: str, face: str, program: dict[str, Any], model: str = "m", **inputs: Any) -> Outcome:
    """Calls the program on a face of the server behind the provider."""
    definition = json_format.ParseDict(program | {"lm": f"{face}/{model}"}, program_pb2.Program())
    arguments: dict[str, Any] = {"inline_program": definition, "inputs_json": json.dumps(inputs), "include_trace": True}
    outcome = Outcome()
    try:
        if mode == "Forward":
            outcome.prediction = client.predictions.Forward(pb.ForwardRequest(**arguments), timeout=120).prediction
        else:
            for event in client.predictions.ForwardStream(pb.ForwardStreamRequest(**arguments), timeout=120):
                outcome.events.append(event)
            outcome.prediction = outcome.events[-1].prediction
    except grpc.RpcError as error:
        outcome.error = rich_error(error)
    if outcome.prediction is not None and mode == "ForwardStream":
        check_stream(outcome)
    return outcome


def check_stream(outcome: Outcome) -> None:
    """Holds if what a stream told piece by piece is what it ends with."""
    kinds = [event.WhichOneof("event") for event in outcome.events]
    assert (kinds[0], kinds[-1], kinds.count("prediction")) == ("status", "prediction", 1), kinds
    assert outcome.completed() == outcome.outputs
    told = outcome.texts()
    for name, value in outcome.outputs.items():
        # Other types, texts of a Literal too, come as a whole.
        assert told.get(name, "") in ("", value), name
    for name, parts in outcome.parts().items():
        assert parts == outcome.outputs[name]

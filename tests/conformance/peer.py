"""dspex as the other side of a comparison: a program's requests and the values of a completion."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import grpc
from dspex.v1 import phrasebook_service_pb2 as phrasebooks_pb
from dspex.v1 import phrasebook_service_pb2_grpc as phrasebooks_grpc
from dspex.v1 import prediction_service_pb2 as pb
from dspex.v1 import prediction_service_pb2_grpc as pb_grpc
from dspex.v1 import program_pb2, values_pb2
from google.protobuf import json_format

from tests.support.errors import rich_error
from tests.support.server import DspexServer


@dataclass(frozen=True)
class Failed:
    """An error, by its reason; equal to another of the same reason."""

    reason: str
    message: str = field(default="", compare=False, repr=False)


# Kinds of errors that DSPy does not tell apart.
_COARSER = {
    "PROVIDER_PERMISSION": "PROVIDER_AUTH",
    "CONTEXT_WINDOW_EXCEEDED": "PROVIDER_INVALID_REQUEST",
    "CONTENT_FILTERED": "PROVIDER_INVALID_REQUEST",
}


class Peer:
    """Speaks to one server."""

    def __init__(self, server: DspexServer) -> None:
        channel = server.channel(("grpc.max_receive_message_length", -1))
        self.predictions = pb_grpc.PredictionServiceStub(channel)
        self.phrasebooks = phrasebooks_grpc.PhrasebookServiceStub(channel)

    def store(self, phrasebook: Mapping[str, Any]) -> None:
        """Stores a captured phrasebook under its name."""
        request = phrasebooks_pb.CreatePhrasebookRequest(phrasebook_id=phrasebook["name"])
        request.phrasebook.contents_json = json.dumps(phrasebook, ensure_ascii=False)
        self.phrasebooks.CreatePhrasebook(request, timeout=20)

    def render(self, program: Mapping[str, Any], inputs: Mapping[str, Any]) -> dict[str, Any] | Failed:
        """The body of the request that a Forward would send first."""
        request = pb.RenderRequest(
            inline_program=message_of(program), inputs_json=json.dumps(inputs, ensure_ascii=False)
        )
        try:
            body: dict[str, Any] = json.loads(self.predictions.Render(request, timeout=60).requests[0].body)
        except grpc.RpcError as error:
            return failed(error)
        return body

    def parse(self, program: Mapping[str, Any], completion: str) -> dict[str, Any] | Failed:
        """The outputs of a completion."""
        request = pb.ParseRequest(inline_program=message_of(program), completion=completion, as_json=True)
        try:
            outputs: dict[str, Any] = json.loads(self.predictions.Parse(request, timeout=60).outputs_json)
        except grpc.RpcError as error:
            return failed(error)
        return outputs

    def forward(
        self, program: Mapping[str, Any], inputs: Mapping[str, Any], options: Mapping[str, Any]
    ) -> list[dict[str, Any]] | Failed:
        """The outputs of each completion, and its log probabilities where they were asked for."""
        request = pb.ForwardRequest(
            inline_program=message_of(program),
            inputs_json=json.dumps(inputs, ensure_ascii=False),
            options=json_format.ParseDict(dict(options), program_pb2.LmOptions()),
        )
        try:
            prediction = self.predictions.Forward(request, timeout=60).prediction
        except grpc.RpcError as error:
            return failed(error)
        answers: Sequence[values_pb2.Answer | values_pb2.Prediction] = prediction.answers or [prediction]
        return [json.loads(answer.outputs_json) | logprobs_of(answer) for answer in answers]


def logprobs_of(answer: values_pb2.Answer | values_pb2.Prediction) -> dict[str, Any]:
    """As DSPy has them."""

    def entry(token: values_pb2.TokenLogprob | values_pb2.TopLogprob) -> dict[str, Any]:
        known = list(token.bytes) if token.HasField("bytes") else None
        return {"token": token.token, "logprob": token.logprob, "bytes": known}

    if not answer.HasField("logprobs"):
        return {}
    content = [
        {**entry(each), "top_logprobs": [entry(other) for other in each.top_logprobs]}
        for each in answer.logprobs.content
    ]
    return {"logprobs": {"content": content}}


def message_of(program: Mapping[str, Any]) -> program_pb2.Program:
    return json_format.ParseDict(dict(program), program_pb2.Program())


def failed(error: grpc.RpcError) -> Failed:
    rich = rich_error(error)
    reason = rich.reason or rich.code.name
    return Failed(_COARSER.get(reason, reason), rich.message)

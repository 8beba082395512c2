"""What standard tools ask a server: its services, and the health of each."""

from __future__ import annotations

import grpc
import pytest
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from tests.integration.api import Client
from tests.support.errors import rich_error

SERVICES = {
    "dspex.v1.DatasetService",
    "dspex.v1.OptimizerService",
    "dspex.v1.PhrasebookService",
    "dspex.v1.PredictionService",
    "dspex.v1.ProgramService",
}


def test_reflection_lists_the_services(client: Client) -> None:
    services = ProtoReflectionDescriptorDatabase(client.channel).get_services()
    assert set(services) >= SERVICES
    assert {name for name in services if name.startswith("dspex")} == SERVICES


def test_reflection_describes_them(client: Client) -> None:
    """Enough for a client that knows nothing, as grpcurl does, to make requests."""
    pool = DescriptorPool(ProtoReflectionDescriptorDatabase(client.channel))
    predictions = pool.FindServiceByName("dspex.v1.PredictionService")
    assert {m.name for m in predictions.methods} == {"Forward", "ForwardStream", "ForwardBatch", "Render", "Parse"}
    programs = pool.FindServiceByName("dspex.v1.ProgramService")
    assert {m.name for m in programs.methods} == {
        "CreateProgram", "GetProgram", "ListPrograms", "UpdateProgram", "DeleteProgram", "ListProgramRevisions",
        "SetProgramLabel", "ImportState", "ExportState",
    }  # fmt: skip
    assert {m.name for m in pool.FindServiceByName("grpc.health.v1.Health").methods} == {"Check", "Watch"}
    fields = pool.FindMessageTypeByName("dspex.v1.ForwardRequest").fields_by_name
    for name, message in (("inline_program", "dspex.v1.Program"), ("inputs", "google.protobuf.Struct")):
        assert fields[name].message_type is pool.FindMessageTypeByName(message)


@pytest.mark.parametrize("service", ["", *sorted(SERVICES)])
def test_health(client: Client, service: str) -> None:
    response = client.health.Check(health_pb2.HealthCheckRequest(service=service), timeout=10)
    assert response.status == health_pb2.HealthCheckResponse.SERVING


def test_health_of_an_unknown_service(client: Client) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        client.health.Check(health_pb2.HealthCheckRequest(service="dspex.v1.Nothing"), timeout=10)
    assert rich_error(caught.value).code == grpc.StatusCode.NOT_FOUND


def test_an_unknown_method(client: Client) -> None:
    call: grpc.UnaryUnaryMultiCallable[bytes, bytes] = client.channel.unary_unary("/dspex.v1.PredictionService/Nothing")
    with pytest.raises(grpc.RpcError) as caught:
        call(b"", timeout=10)
    assert rich_error(caught.value).code == grpc.StatusCode.UNIMPLEMENTED

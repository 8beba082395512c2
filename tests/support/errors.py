"""Reads the typed errors of dspex out of a failed RPC."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import grpc
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status


@dataclass(frozen=True)
class RichError:
    """An error with its details; what it does not carry is empty."""

    code: grpc.StatusCode
    message: str
    # ErrorInfo.
    reason: str = ""
    domain: str = ""
    metadata: dict[str, str] = field(default_factory=dict)
    # BadRequest: description by field.
    violations: dict[str, str] = field(default_factory=dict)
    # RetryInfo, in seconds.
    retry_delay: float | None = None
    # RequestInfo.
    request_id: str = ""


def rich_error(error: grpc.RpcError) -> RichError:
    """The details of an RPC's error."""
    assert isinstance(error, grpc.Call), f"{error!r} did not come from a call"
    status = rpc_status.from_call(error)
    return from_status(status) if status is not None else RichError(error.code(), error.details() or "")


def from_status(status: status_pb2.Status) -> RichError:
    """The details of a google.rpc.Status, as ForwardBatch's items carry it."""
    info = error_details_pb2.ErrorInfo()
    request = error_details_pb2.BadRequest()
    retry = error_details_pb2.RetryInfo()
    call = error_details_pb2.RequestInfo()
    retry_delay = None
    for detail in status.details:
        detail.Unpack(info)
        detail.Unpack(request)
        detail.Unpack(call)
        if detail.Unpack(retry):
            retry_delay = retry.retry_delay.ToTimedelta().total_seconds()
    return RichError(
        code=next(code for code in grpc.StatusCode if code.value[0] == status.code),
        message=status.message,
        reason=info.reason,
        domain=info.domain,
        metadata=dict(info.metadata),
        violations={violation.field: violation.description for violation in request.field_violations},
        retry_delay=retry_delay,
        request_id=call.request_id,
    )


class Caught:
    """What raises_rich caught, after its block."""

    error: RichError


@contextmanager
def raises_rich(code: grpc.StatusCode, reason: str, **metadata: str) -> Iterator[Caught]:
    """Expects an RPC to fail so; metadata are those of its entries that the test cares for.

    with raises_rich(grpc.StatusCode.NOT_FOUND, "PROGRAM_NOT_FOUND", program="programs/qa") as caught:
        programs.GetProgram(...)
    assert "CreateProgram" in caught.error.message
    """
    caught = Caught()
    try:
        yield caught
    except grpc.RpcError as rpc_error:
        caught.error = rich_error(rpc_error)
    else:
        raise AssertionError(f"the call did not fail with {code.name} {reason}")
    error = caught.error
    assert (error.code, error.reason, error.domain) == (code, reason, "dspex"), error
    assert {key: error.metadata.get(key) for key in metadata} == metadata, error

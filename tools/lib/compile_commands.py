"""Turns `bazel aquery --output=jsonproto` of C++ compilations into a compilation database, for clang-tidy.

compile_commands.py ACTIONS EXECUTION_ROOT >compile_commands.json
"""

from __future__ import annotations

import json
import sys
from pathlib import Path


def main() -> None:
    actions = json.loads(Path(sys.argv[1]).read_text())["actions"]
    commands = {}
    for action in actions:
        arguments = action["arguments"]
        source = next(argument for argument in arguments if argument.endswith((".cc", ".cpp", ".c")))
        # The same file may be compiled twice, also as position-independent code: once is enough.
        commands[source] = {"directory": sys.argv[2], "file": source, "arguments": arguments}
    json.dump(list(commands.values()), sys.stdout, indent=1)


if __name__ == "__main__":
    main()

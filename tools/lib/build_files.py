"""Finds source files that no build rule names, and .cc files that two do.

A test that stands in no BUILD file never runs, and nothing says so. Reads the tree's files from standard input, each
followed by a zero byte, and the rules from the XML of `bazel query`.
"""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ElementTree
from collections import Counter


def main() -> int:
    files = {name for name in sys.stdin.read().split("\0") if name.endswith((".cc", ".h", ".proto"))}
    named: Counter[str] = Counter()
    for rule in ElementTree.parse(sys.argv[1]).iter("rule"):
        labels = {
            label.get("value", "")
            for attribute in rule.iter("list")
            if attribute.get("name") in ("srcs", "hdrs", "textual_hdrs")
            for label in attribute.iter("label")
        }
        named.update(label.removeprefix("//").replace(":", "/").lstrip("/") for label in labels)
    problems = [f"{name}: no BUILD file names it" for name in sorted(files) if named[name] == 0]
    problems += [
        f"{name}: {named[name]} rules compile it" for name in sorted(files) if name.endswith(".cc") and named[name] > 1
    ]
    print("\n".join(problems))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

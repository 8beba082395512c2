"""Adds up test results: prints what failed, then `N passed, N failed, N skipped`; fails if anything did.

Counts single test cases: GoogleTest's from the XML files that Bazel names in its build events (so never those of an
earlier run), pytest's from its own XML.
"""

from __future__ import annotations

import argparse
import json
import sys
import urllib.parse
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any


class Results:
    """Counts of outcomes and the names of failures."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.failures: list[str] = []

    def fail(self, name: str) -> None:
        self.counts["failed"] += 1
        self.failures.append(name)

    def add_xml(self, path: Path, prefix: str = "") -> int:
        """Adds the cases of a JUnit-shaped file; returns how many of them failed."""
        failed = 0
        for case in ElementTree.parse(path).iter("testcase"):
            outcome = _outcome(case)
            if outcome == "failed":
                failed += 1
                self.fail(f"{prefix}{case.get('classname', '')}.{case.get('name', '')}")
            else:
                self.counts[outcome] += 1
        return failed


def _outcome(case: ElementTree.Element) -> str:
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    # GoogleTest: status="notrun" is a disabled case, result="skipped" is GTEST_SKIP.
    if case.find("skipped") is not None or case.get("status") == "notrun" or case.get("result") == "skipped":
        return "skipped"
    return "passed"


def _events(path: Path) -> Iterator[dict[str, Any]]:
    for line in path.read_text().splitlines():
        yield json.loads(line)


def add_bazel(results: Results, path: Path) -> None:
    """Adds the tests of one `bazel test` from its build events."""
    attempts: dict[str, dict[str, Any]] = {}
    unbuilt: set[str] = set()
    for event in _events(path):
        identity = event["id"]
        if "testResult" in event:
            key = identity["testResult"]
            # Later attempts and shards come later; one shard's last attempt counts.
            attempts[f"{key['label']}#{key.get('shard', 0)}"] = event["testResult"] | {"label": key["label"]}
        elif "targetCompleted" in identity and not event.get("completed", {}).get("success", False):
            unbuilt.add(identity["targetCompleted"]["label"])
    for result in attempts.values():
        unbuilt.discard(result["label"])
        files = {output["name"]: output["uri"] for output in result.get("testActionOutput", [])}
        xml = Path(urllib.parse.unquote(urllib.parse.urlparse(files.get("test.xml", "")).path))
        failed = results.add_xml(xml, f"{result['label']} ") if xml.is_file() else 0
        # A crash, a time-out or a failure after the last case.
        if result["status"] != "PASSED" and failed == 0:
            results.fail(f"{result['label']} ({result['status']})")
    for label in sorted(unbuilt):
        results.fail(f"{label} (did not build)")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bazel", type=Path, action="append", default=[], help="build events of a bazel test")
    parser.add_argument("--junit", type=Path, action="append", default=[], help="pytest's XML")
    parser.add_argument("--failure", action="append", default=[], help="the name of something else that failed")
    arguments = parser.parse_args()

    results = Results()
    for path in arguments.bazel:
        add_bazel(results, path)
    for path in arguments.junit:
        results.add_xml(path)
    for name in arguments.failure:
        results.fail(name)
    for name in results.failures:
        print(f"FAILED {name}")
    counts = results.counts
    print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())

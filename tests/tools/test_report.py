"""tools/test counts what ran: nothing that failed is lost, nothing of an earlier run is counted."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.support.paths import ROOT

GTEST = """<testsuites>
  <testsuite name="A">
    <testcase name="good" status="run" result="completed" classname="A"/>
    {case}
    <testcase name="skipped" status="run" result="skipped" classname="A"><skipped message="why"/></testcase>
    <testcase name="DISABLED_one" status="notrun" result="suppressed" classname="A"/>
  </testsuite>
</testsuites>"""
BAD = '<testcase name="bad" status="run" result="completed" classname="A"><failure message="1 != 2"/></testcase>'
PYTEST = """<testsuites><testsuite name="pytest">
  <testcase classname="tests.a" name="test_good"/>
  <testcase classname="tests.a" name="test_bad"><failure message="no"/></testcase>
  <testcase classname="tests.a" name="test_broken"><error message="fixture"/></testcase>
  <testcase classname="tests.a" name="test_skipped"><skipped message="why"/></testcase>
</testsuite></testsuites>"""


def report(*arguments: str | Path) -> tuple[int, list[str]]:
    result = subprocess.run(
        [sys.executable, ROOT / "tools/lib/report.py", *arguments], capture_output=True, text=True, check=False
    )
    return result.returncode, result.stdout.splitlines()


def result_of(label: str, status: str, xml: Path, attempt: int = 1) -> dict[str, Any]:
    return {
        "id": {"testResult": {"label": label, "run": 1, "shard": 1, "attempt": attempt}},
        "testResult": {"status": status, "testActionOutput": [{"name": "test.xml", "uri": f"file://{xml}"}]},
    }


def events(tmp_path: Path, *lines: dict[str, Any]) -> Path:
    path = tmp_path / "events.json"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def gtest(tmp_path: Path, case: str = "") -> Path:
    path = tmp_path / f"test{len(list(tmp_path.iterdir()))}.xml"
    path.write_text(GTEST.format(case=case))
    return path


def test_all_pass(tmp_path: Path) -> None:
    bazel = events(tmp_path, result_of("//a:a_test", "PASSED", gtest(tmp_path)))
    assert report("--bazel", bazel) == (0, ["1 passed, 0 failed, 2 skipped"])


def test_cases_are_added_up(tmp_path: Path) -> None:
    bazel = events(tmp_path, result_of("//a:a_test", "FAILED", gtest(tmp_path, BAD)))
    junit = tmp_path / "pytest.xml"
    junit.write_text(PYTEST)
    status, lines = report("--bazel", bazel, "--junit", junit)
    assert status == 1
    assert lines == [
        "FAILED //a:a_test A.bad",
        "FAILED tests.a.test_bad",
        "FAILED tests.a.test_broken",
        "2 passed, 3 failed, 3 skipped",
    ]


def test_a_crash_fails_though_all_cases_before_it_passed(tmp_path: Path) -> None:
    bazel = events(tmp_path, result_of("//a:a_test", "FAILED", gtest(tmp_path)))
    assert report("--bazel", bazel) == (1, ["FAILED //a:a_test (FAILED)", "1 passed, 1 failed, 2 skipped"])


def test_a_test_without_xml_fails(tmp_path: Path) -> None:
    bazel = events(tmp_path, result_of("//a:a_test", "TIMEOUT", tmp_path / "none.xml"))
    assert report("--bazel", bazel) == (1, ["FAILED //a:a_test (TIMEOUT)", "0 passed, 1 failed, 0 skipped"])


def test_what_does_not_build_fails(tmp_path: Path) -> None:
    unbuilt = {"id": {"targetCompleted": {"label": "//a:b"}}, "completed": {}}
    built = {"id": {"targetCompleted": {"label": "//a:a_test"}}, "completed": {"success": True}}
    bazel = events(tmp_path, built, unbuilt, result_of("//a:a_test", "PASSED", gtest(tmp_path)))
    assert report("--bazel", bazel) == (1, ["FAILED //a:b (did not build)", "1 passed, 1 failed, 2 skipped"])


def test_the_last_attempt_counts(tmp_path: Path) -> None:
    bazel = events(
        tmp_path,
        result_of("//a:a_test", "FAILED", gtest(tmp_path, BAD), attempt=1),
        result_of("//a:a_test", "PASSED", gtest(tmp_path), attempt=2),
    )
    assert report("--bazel", bazel) == (0, ["1 passed, 0 failed, 2 skipped"])


def test_other_failures_are_named(tmp_path: Path) -> None:
    assert report("--failure", "the build") == (1, ["FAILED the build", "0 passed, 1 failed, 0 skipped"])

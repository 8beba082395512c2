"""A source file that no BUILD file names is found: a test in it would never run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.support.paths import ROOT

RULES = """<query version="2">
  <rule class="cc_library" name="//a:a">
    <list name="srcs"><label value="//a:a.cc"/></list>
    <list name="hdrs"><label value="//a:a.h"/></list>
  </rule>
  <rule class="cc_test" name="//a:a_test"><list name="srcs"><label value="//a:a_test.cc"/></list></rule>
  {more}
</query>"""


def check(tmp_path: Path, *files: str, more: str = "") -> tuple[int, str]:
    rules = tmp_path / "rules.xml"
    rules.write_text(RULES.format(more=more))
    result = subprocess.run(
        [sys.executable, ROOT / "tools/lib/build_files.py", rules],
        input="".join(f"{file}\0" for file in files), capture_output=True, text=True, check=False,
    )  # fmt: skip
    return result.returncode, result.stdout.strip()


def test_named_files_are_fine(tmp_path: Path) -> None:
    assert check(tmp_path, "a/a.cc", "a/a.h", "a/a_test.cc", "a/README.md") == (0, "")


def test_file_without_rule(tmp_path: Path) -> None:
    assert check(tmp_path, "a/a.cc", "a/b_test.cc") == (1, "a/b_test.cc: no BUILD file names it")


def test_file_of_two_rules(tmp_path: Path) -> None:
    more = '<rule class="cc_binary" name="//a:b"><list name="srcs"><label value="//a:a.cc"/></list></rule>'
    assert check(tmp_path, "a/a.cc", more=more) == (1, "a/a.cc: 2 rules compile it")

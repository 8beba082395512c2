"""`tools/demo --mock` does what it says, and leaves nothing behind."""

from __future__ import annotations

import os
import re
import socket
import subprocess

import pytest

from tests.support.paths import ROOT, bin_dir


@pytest.fixture(scope="module")
def output() -> str:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("OPENAI_")}
    environment["DSPEX_BIN_DIR"] = str(bin_dir().resolve())
    result = subprocess.run(
        ["tools/demo", "--mock"], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def test_answers_are_a_table_of_typed_values(output: str) -> None:
    rows = re.findall(r"^How much is (.*)\? Is it cheap\?  +\[(\d+)\]  +(\S.*)$", output, re.MULTILINE)
    assert [(item, number, re.split(r"  +", rest)) for item, number, rest in rows] == [
        ("a tea", "2", ["2.0", "'yes'"]),
        ("a boat", "90000", ["90000.0", "'no'"]),
        ("a pear", "1", ["1.0", "'yes'"]),
        ("a castle", "7000000", ["7000000.0", "'no'"]),
        ("a pen", "2", ["2.0", "'yes'"]),
        # Prose in place of sections: the typed error.
        ("a plane", "400000", ["DATA_LOSS COMPLETION_UNPARSABLE"]),
    ]
    assert "== 5 of 6 answers typed\n" in output


def test_programs_are_made_and_wrong_input_is_refused(output: str) -> None:
    assert "created programs/prices@1\n" in output
    assert "created programs/no-demos@1\n" in output
    assert re.search(r"^error: INVALID_ARGUMENT INVALID_VALUE: .*numbers.*list\[int\]", output, re.MULTILINE)


def test_compiling_raises_the_score_on_held_out_examples(output: str) -> None:
    scores = re.search(r"^== score on held-out examples: ([\d.]+) before, ([\d.]+) after\n\Z", output, re.MULTILINE)
    assert scores is not None, output
    before, after = map(float, scores.groups())
    assert after > before + 15
    # What the two evaluations found is what the job that compiled reports.
    assert re.search(rf"^before +{before:.2f} .*\nafter +{after:.2f} ", output, re.MULTILINE)
    assert re.search(r"^against jobs/\w+: \+\d.* better, ", output, re.MULTILINE)


def test_server_and_model_are_gone(output: str) -> None:
    addresses = re.findall(r"(?:at http://|listening on )127\.0\.0\.1:(\d+)", output)
    assert len(addresses) == 2
    for port in addresses:
        with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", int(port)), timeout=5):
            pass

"""Import of a large dataset by the command line: examples a second and the server's peak memory.

`python -m tests.bench.datasets --bin-dir bazel-bin` measures it alone, with files of any size.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.bench.processes import BenchError, Binaries, peak_rss_mib, running_dspex, running_mock

SIGNATURE = "question: str, numbers: list[int] -> answer: float"


@dataclass(frozen=True)
class ImportFigures:
    """What one import took."""

    examples: int
    file_mib: float
    seconds: float
    server_peak_rss_mib: float
    server_growth_mib: float
    client_peak_rss_mib: float

    @property
    def examples_per_s(self) -> float:
        """The rate, from the start of the command to its end."""
        return self.examples / self.seconds


def write_examples(path: Path, examples: int, bytes_each: int) -> None:
    """A file of distinct examples, each of about so many bytes."""
    fixed = '{"id": "example-", "question": " What is the sum?", "numbers": [], "answer": .5}\n'
    padding = "x" * max(0, bytes_each - len(fixed) - 40)
    with path.open("w") as file:
        for start in range(0, examples, 10_000):
            file.writelines(
                f'{{"id": "example-{i}", "question": "{i} {padding} What is the sum?", "numbers": [{i}, {i + 1}], '
                f'"answer": {i}.5}}\n'
                for i in range(start, min(examples, start + 10_000))
            )


def measure_import(binaries: Binaries, examples: int = 1_000_000, bytes_each: int = 150) -> ImportFigures:
    """Imports a generated file with ids into a new server."""
    with tempfile.TemporaryDirectory() as folder, running_mock(binaries) as mock:
        path = Path(folder) / "examples.jsonl"
        write_examples(path, examples, bytes_each)
        with running_dspex(binaries, mock) as dspex:
            before = peak_rss_mib(dspex.pid)
            command = [str(binaries.dspex), "--server", dspex.target, "datasets", "import", str(path), "--as", "large"]
            options = ["--signature", SIGNATURE, "--id-key", "id", "--split", "train=0.8,dev=0.2"]
            start = time.monotonic()
            client = subprocess.Popen([*command, *options], stdout=subprocess.PIPE)
            client_peak = 0.0
            while client.poll() is None:
                try:
                    client_peak = max(client_peak, peak_rss_mib(client.pid))
                except (OSError, KeyError):  # It has just ended.
                    break
                time.sleep(0.05)
            output = client.communicate()[0]
            seconds = time.monotonic() - start
            if client.returncode != 0:
                raise BenchError(f"dspex datasets import ended with status {client.returncode}: {output.decode()}")
            peak = peak_rss_mib(dspex.pid)
        size = path.stat().st_size / (1 << 20)
    return ImportFigures(examples, size, seconds, peak, peak - before, client_peak)


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin-dir", type=Path, required=True)
    parser.add_argument("--examples", type=int, default=1_000_000)
    parser.add_argument("--bytes", type=int, default=150, help="of each example (150)")
    arguments = parser.parse_args()
    figures = measure_import(Binaries(arguments.bin_dir.resolve()), arguments.examples, arguments.bytes)
    print(
        f"{figures.examples} examples, {figures.file_mib:.0f} MiB in {figures.seconds:.1f} s: "
        f"{figures.examples_per_s:.0f} examples/s, server's peak {figures.server_peak_rss_mib:.0f} MiB "
        f"({figures.server_growth_mib:.0f} more than before), client's {figures.client_peak_rss_mib:.0f} MiB"
    )


if __name__ == "__main__":
    main()

"""What tools/demo does once everything is built."""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support import stubs
from tests.support.paths import ROOT, binary

sys.path.insert(0, str(stubs.folder()))

from tests.mock_llm.client import MockLlm
from tests.support.server import DspexServer

PROGRAM = "tools/demo_program.json"
DESK, EXAMPLES = "tools/demo_desk.json", "tests/data/library_desk.jsonl"
SIGNATURE = 'question: str, numbers: list[int] -> answer: float, label: Literal["yes", "no"]'
INPUTS = {"a tea": 2, "a boat": 90_000, "a pear": 1, "a castle": 7_000_000, "a pen": 2, "a plane": 400_000}


@dataclass(frozen=True)
class Model:
    """A language model as the server is told of it."""

    description: str
    name: str
    environment: dict[str, str] = field(default_factory=dict)
    # Examples to learn from and held-out ones: few, where each takes a second or costs something.
    splits: str = "train=0.1,dev=0.07,rest=0.83"


@contextmanager
def small_model() -> Iterator[Model]:
    """SmolLM2-135M in a process of its own."""
    command = [sys.executable, str(ROOT / "tools/demo_model.py"), "--exit-with-parent"]
    with tempfile.TemporaryFile() as messages:
        # It ends with its standard input, also when this process is killed.
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=messages)
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            if not line:
                messages.seek(0)
                sys.exit(f"demo: the language model did not start:\n{messages.read().decode(errors='replace')[-2000:]}")
            url = f"http://127.0.0.1:{json.loads(line)['port']}/v1"
            environment = {"OPENAI_BASE_URL": url, "OPENAI_API_KEY": "none"}
            yield Model(f"SmolLM2-135M at {url}", "openai/smollm2-135m", environment)
        finally:
            process.stdin.close()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            process.stdout.close()


@contextmanager
def mock_model() -> Iterator[Model]:
    """The mock, scripted.

    It knows all prices but the last, of which it talks in prose, and of the library's messages what its prompt shows.
    """
    rules: list[dict[str, Any]] = [
        {"match": {"contains": "[[ ## message ## ]]"}, "reply": {"content": "{{in_context}}"}}
    ]
    for item, price in list(INPUTS.items())[:-1]:
        label = "yes" if price < 10 else "no"
        content = f"[[ ## answer ## ]]\n{price}.0\n\n[[ ## label ## ]]\n{label}\n\n[[ ## completed ## ]]"
        rules.append({"match": {"contains": question(item)}, "reply": {"content": content}})
    rules.append({"reply": {"content": "That depends on what you call cheap."}})
    with MockLlm.start(binary("tests/mock_llm/mock_llm")) as mock:
        mock.script(rules)
        environment = {"OPENAI_BASE_URL": mock.base_url, "OPENAI_API_KEY": "none"}
        yield Model(f"the mock at {mock.base_url}", "openai/mock", environment, splits="train=0.6,dev=0.4")


@contextmanager
def openai_model(name: str) -> Iterator[Model]:
    """The provider of the environment."""
    environment = {key: value for key, value in os.environ.items() if key.startswith("OPENAI_")}
    yield Model(f"{name} at {environment.get('OPENAI_BASE_URL', 'https://api.openai.com/v1')}", name, environment)


def question(item: str) -> str:
    return f"How much is {item}? Is it cheap?"


def say(text: str) -> None:
    print(f"== {text}", flush=True)


def show(server: DspexServer, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs a command of dspex as a user would, with its output."""
    print("$ dspex", shlex.join(arguments), flush=True)
    result = server.cli(*arguments, timeout=1800)
    print(result.stdout + result.stderr, flush=True)
    return result


def ask(server: DspexServer, item: str, price: int) -> tuple[list[str], bool]:
    """One line of the table of answers, and whether the answer was typed."""
    result = server.cli("--json", "forward", "prices", f"question={question(item)}", f"numbers={json.dumps([price])}")
    given = [question(item), json.dumps([price])]
    if result.returncode != 0:
        return [*given, result.stderr.partition("\n")[0].removeprefix("error: ").partition(":")[0], ""], False
    outputs = json.loads(json.loads(result.stdout)["prediction"]["outputs_json"])
    return [*given, repr(outputs["answer"]), repr(outputs["label"])], True


def print_table(rows: list[list[str]]) -> None:
    widths = [max(len(row[column]) for row in rows[:1] + [row for row in rows if row[-1]]) for column in range(4)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    print(flush=True)


def demonstrate(server: DspexServer) -> int:
    """Creates the program, calls it; how many answers were typed."""
    say("a program: a typed signature, and four demos")
    if show(server, "create", "-f", PROGRAM).returncode != 0:
        return 0
    say("its answers, or the typed error where the model did not keep to the form")
    rows = [["question", "numbers: list[int]", "answer: float", "label: Literal['yes', 'no']"]]
    typed = 0
    for item, price in INPUTS.items():
        row, ok = ask(server, item, price)
        rows.append(row)
        typed += ok
    print_table(rows)
    say("the same signature without demos")
    show(server, "create", "no-demos", SIGNATURE)
    show(server, "forward", "no-demos", f"question={question('a cow')}", "numbers=[900]")
    say("what the server refuses")
    show(server, "forward", "prices", f"question={question('a cow')}", "numbers=many")
    say(f"{typed} of {len(INPUTS)} answers typed")
    return typed


def score(server: DspexServer, program: str, *more: str) -> tuple[str, str] | None:
    """Measures a program on the held-out examples; its score and the job, None if it has none."""
    # What does not parse is a wrong answer, however often.
    ran = show(server, "eval", program, "--data", "desk:dev", "--metric", "exact_match", "--max-errors", "-1", *more)
    found = re.search(r"^job +(\S+)$.*^score +(\S+)", ran.stdout, re.MULTILINE | re.DOTALL)
    return (found.group(2), found.group(1)) if found else None


def optimise(server: DspexServer, splits: str) -> bool:
    """Compiles a program, and shows its score on held-out examples before and after; whether it has both."""
    say("a program without demos, and examples of what it should answer")
    show(server, "create", "-f", DESK)
    show(server, "datasets", "import", EXAMPLES, "--as", "desk", "--program", "desk", "--split", splits)
    say("its score on the held-out examples")
    before = score(server, "desk@1")
    if before is None:
        return False
    say("compiled: answers that were right become demos, and labelled examples fill up")
    settings = ("--metric", "exact_match", "--max-errors", "-1")
    show(server, "compile", "desk@1", "--trainset", "desk:train", "--testset", "desk:dev", *settings)
    say("the score of what came out, on the same examples")
    after = score(server, "desk@2", "--baseline", before[1])
    if after is None:
        return False
    say(f"score on held-out examples: {before[0]} before, {after[0]} after")
    return True


def main() -> int:
    parser = argparse.ArgumentParser(prog="tools/demo", description="Runs dspex with a language model and a program.")
    parser.add_argument("--mock", action="store_true", help="scripted answers in place of a language model")
    parser.add_argument("--keep", action="store_true", help="stay up until Ctrl-C and print calls to try")
    parser.add_argument("--model", default="openai/gpt-4o-mini", help="with OPENAI_API_KEY: which model")
    arguments = parser.parse_args()

    # Ends like Ctrl-C: what was started is stopped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    if arguments.mock:
        chosen = mock_model()
    elif os.environ.get("OPENAI_API_KEY"):
        chosen = openai_model(arguments.model)
    else:
        chosen = small_model()
    # To try calls by hand, the ports that every command has as its default.
    ports = ["--listen", "127.0.0.1:50051", "--metrics", "127.0.0.1:9464"] if arguments.keep else []
    with tempfile.TemporaryDirectory(prefix="dspex-demo.") as folder, chosen as model:
        say(f"a language model: {model.description}")
        # compile reports on the examples that eval measures: with a cache nothing is asked twice.
        config = {"cache": {"max_bytes": 64 << 20}}
        arguments_of_server = ["--model", model.name, *ports]
        with DspexServer(Path(folder), config=config, args=arguments_of_server, env=model.environment) as server:
            say(f"a server: dspex serve --model {model.name}, listening on {server.address}")
            worked = demonstrate(server) > 0
            worked = optimise(server, model.splits) and worked
            if arguments.keep:
                wait_for_interrupt(server)
    return 0 if worked else 1


def wait_for_interrupt(server: DspexServer) -> None:
    dspex = binary("server/dspex")
    link = Path("bazel-bin/server/dspex")
    if link.exists() and link.samefile(dspex):
        dspex = link
    say(f"still up: gRPC on {server.address}, metrics on http://{server.metrics_address}/metrics. Try:")
    for call in (
        "programs list",
        f"forward prices question={shlex.quote(question('a cow'))} numbers='[900]'",
        f"forward prices --render question={shlex.quote(question('a cow'))} numbers='[900]'",
        "create qa 'question -> answer'",
        "forward qa question='What is the capital of France?'",
    ):
        print(f"{dspex} {call}")
    say("Ctrl-C stops it")
    try:
        signal.pause()
    except KeyboardInterrupt:
        print()


if __name__ == "__main__":
    sys.exit(main())

"""Evaluate through the whole server, and DSPy's, with the mock as a model that takes 20 ms."""

from __future__ import annotations

import selectors
import socket
import statistics
import time
from collections.abc import Iterator
from typing import Any

from dspex.v1 import job_pb2

from tests.bench.installed_dspy import prepare_dspy
from tests.bench.processes import BenchError, Binaries, running_dspex, running_mock
from tests.bench.results import Result
from tests.mock_llm.client import MockLlm
from tests.support.jobs import EXACT, JobClient, examples

EXAMPLES = 256
CONCURRENCY = 16
LATENCY_MS = 20
IDEAL_MS = LATENCY_MS * EXAMPLES / CONCURRENCY
NAMES = ("dspex_ms", "vs_ideal", "job_ms", "bare_ms", "dspy_ms")
MODEL = "openai/gpt-4o-mini"  # What the mock stands for.


def questions(count: int) -> list[dict[str, Any]]:
    """Distinct examples, all of which the canned answer is right for."""
    return [{"question": f"What is the capital of country number {i}?", "answer": "Paris"} for i in range(count)]


def measure(binaries: Binaries, rounds: int) -> Iterator[Result]:
    """Both sides and bare calls in turn; each side must have asked the mock once for each example."""
    prepare_dspy()
    taken: dict[str, list[float]] = {name: [] for name in NAMES}
    with running_mock(binaries, LATENCY_MS) as mock, running_dspex(binaries, mock) as dspex:
        client = JobClient(dspex)
        client.create()
        client.load("questions", questions(EXAMPLES))
        _run_dspex(client, mock)  # To warm up, as connections are opened.
        _run_dspy(mock)
        for _ in range(rounds):
            evaluation_ms, job_ms = _run_dspex(client, mock)
            taken["dspex_ms"].append(evaluation_ms)
            taken["vs_ideal"].append(evaluation_ms / IDEAL_MS)
            taken["job_ms"].append(job_ms)
            taken["bare_ms"].append(_run_bare(mock))
            taken["dspy_ms"].append(_run_dspy(mock))
    for name in NAMES:
        unit = "ratio" if name == "vs_ideal" else "ms"
        yield Result(f"compile/evaluate/{EXAMPLES}/{name}", statistics.median(taken[name]), unit)


def answered(mock: MockLlm) -> int:
    """How many requests the mock has answered."""
    return mock.wait("answered", 0)


def _check(before: int, mock: MockLlm, score: float) -> None:
    calls = answered(mock) - before
    if calls != EXAMPLES or score != 100:
        raise BenchError(f"an Evaluate of {EXAMPLES} examples made {calls} calls and scored {score}")


def _run_dspex(client: JobClient, mock: MockLlm) -> tuple[float, float]:
    """Milliseconds from the evaluation's start to its end, as the job says; and of the job, as its client sees it."""
    before = answered(mock)
    settings = job_pb2.EvaluationSettings(concurrency=CONCURRENCY)
    spec = job_pb2.EvaluateSpec(
        program="programs/qa",
        examples=examples(dataset="datasets/questions"),
        metric=EXACT,
        lm=MODEL,
        settings=settings,
    )
    start = time.perf_counter()
    name = client.evaluate(spec).name
    client.watch(name)
    job_ms = 1e3 * (time.perf_counter() - start)
    result = client.get(name).evaluate_result
    _check(before, mock, result.score)
    return result.duration.ToNanoseconds() / 1e6, job_ms


def _run_bare(mock: MockLlm) -> float:
    """The same number of calls, as many at a time, by plain sockets: what the mock's 20 ms come to on this machine."""
    body = b'{"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "What is the capital of France?"}]}'
    head = "POST /v1/chat/completions HTTP/1.1\r\nHost: mock\r\nAuthorization: Bearer bench\r\n"
    request = f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
    with selectors.DefaultSelector() as selector:
        connections = [socket.create_connection(("127.0.0.1", mock.port)) for _ in range(CONCURRENCY)]
        for number, connection in enumerate(connections):
            selector.register(connection, selectors.EVENT_READ, number)
        start = time.perf_counter()
        for connection in connections:
            connection.sendall(request)
        answers = 0
        while answers < EXAMPLES:
            for key, _ in selector.select():
                connection = connections[key.data]
                connection.recv(1 << 16)  # An answer is small: it comes whole.
                answers += 1
                if answers + CONCURRENCY <= EXAMPLES:
                    connection.sendall(request)
        taken = time.perf_counter() - start
    for connection in connections:
        connection.close()
    return 1e3 * taken


def _run_dspy(mock: MockLlm) -> float:
    import dspy
    from dspy.evaluate import answer_exact_match

    devset = [dspy.Example(**example).with_inputs("question") for example in questions(EXAMPLES)]
    evaluate = dspy.Evaluate(devset=devset, metric=answer_exact_match, num_threads=CONCURRENCY)
    model = dspy.LM(MODEL, api_base=mock.base_url, api_key="bench", cache=False)
    before = answered(mock)
    with dspy.context(lm=model, adapter=dspy.ChatAdapter()):
        start = time.perf_counter()
        result = evaluate(dspy.Predict("question -> answer"))
        taken = time.perf_counter() - start
    _check(before, mock, result.score)
    return 1e3 * taken

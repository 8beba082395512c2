"""DatasetService from end to end: what is imported is there, whole or not at all."""

from __future__ import annotations

import json
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import grpc
import pytest
from dspex.v1 import dataset_service_pb2 as pb
from dspex.v1 import program_service_pb2 as programs_pb
from dspex.v1 import values_pb2

from tests.integration.api import Client, fails, predict, struct
from tests.support.process import memory_counts
from tests.support.server import DspexServer, eventually

Code = grpc.StatusCode
APPEND, REPLACE = pb.IMPORT_MODE_APPEND, pb.IMPORT_MODE_REPLACE
QA = "question: str -> answer: int"
MEBIBYTE = 1 << 20


def create(client: Client, dataset_id: str, signature: str = QA, **more: Any) -> pb.Dataset:
    dataset = pb.Dataset(signature=signature, **more) if signature else pb.Dataset(**more)
    request = pb.CreateDatasetRequest(dataset_id=dataset_id, dataset=dataset)
    return client.datasets.CreateDataset(request, timeout=20).dataset


def parts(
    dataset_id: str, *batches: Sequence[Any], mode: pb.ImportMode.ValueType = APPEND, last: bool = True, **more: Any
) -> Iterator[pb.ImportExamplesRequest]:
    """An import of these batches; an example is a mapping, or JSON text."""
    yield pb.ImportExamplesRequest(name=f"datasets/{dataset_id}", mode=mode, **more)
    line = 0
    for batch in batches:
        part = pb.ImportExamplesRequest()
        for example in batch:
            line += 1
            text = example if isinstance(example, str) else json.dumps(example)
            part.examples.append(values_pb2.Example(fields_json=text))
            part.lines.append(line)
        yield part
    if last:
        yield pb.ImportExamplesRequest(last=True)


def send(client: Client, requests: Iterable[pb.ImportExamplesRequest], timeout: float = 60) -> pb.Dataset:
    return client.datasets.ImportExamples(iter(requests), timeout=timeout).dataset


def load(client: Client, dataset_id: str, *batches: Sequence[Any], **more: Any) -> pb.Dataset:
    return send(client, parts(dataset_id, *batches, **more))


def get(client: Client, name: str) -> pb.Dataset:
    return client.datasets.GetDataset(pb.GetDatasetRequest(name=f"datasets/{name}"), timeout=20).dataset


def examples(client: Client, name: str, split: str = "", page_size: int = 0) -> list[pb.DatasetExample]:
    found: list[pb.DatasetExample] = []
    token = ""
    while True:
        request = pb.ListExamplesRequest(name=f"datasets/{name}", split=split, page_size=page_size, page_token=token)
        response = client.datasets.ListExamples(request, timeout=20)
        found += response.examples
        token = response.next_page_token
        if not token:
            return found
        assert response.examples


def fields(listed: Iterable[pb.DatasetExample]) -> list[dict[str, Any]]:
    return [json.loads(example.example.fields_json) for example in listed]


def numbered(count: int, first: int = 0, **more: Any) -> list[dict[str, Any]]:
    return [{"question": f"{i}?", "answer": i} | more for i in range(first, first + count)]


def rows(server: DspexServer) -> int:
    """How many examples the database holds, whether or not they belong to a version."""
    with sqlite3.connect(f"file:{server.data_dir}/dspex.db?mode=ro", uri=True) as database:
        count: int = database.execute("SELECT count(*) FROM dataset_examples").fetchone()[0]
        return count


@pytest.fixture
def own(start_server: Callable[..., DspexServer]) -> DspexServer:
    """A server of the test's own, whose database it looks into."""
    return start_server()


def test_import_and_read(client: Client) -> None:
    made = create(client, "read", description="Sums. Übung")
    assert (made.name, made.version, made.example_count, made.digest) == ("datasets/read", 0, 0, "")
    assert examples(client, "read") == []
    first = load(client, "read", numbered(3), numbered(2, first=3))
    assert (first.version, first.example_count, list(first.input_keys)) == (1, 5, ["question"])
    assert get(client, "read") == first
    listed = examples(client, "read", page_size=2)
    assert fields(listed) == numbered(5)
    assert [(example.id, example.index) for example in listed] == [(str(i + 1), i) for i in range(5)]
    assert get(client, "read@1").name == "datasets/read@1"
    with fails(Code.NOT_FOUND, "DATASET_VERSION_NOT_FOUND", version="2"):
        get(client, "read@2")
    with fails(Code.NOT_FOUND, "DATASET_NOT_FOUND", dataset="datasets/nobody"):
        get(client, "nobody")
    with fails(Code.ALREADY_EXISTS, "DATASET_EXISTS"):
        create(client, "read")


def test_versions_never_change(client: Client) -> None:
    create(client, "versions")
    load(client, "versions", numbered(2))
    appended = load(client, "versions", numbered(1, first=2))
    load(client, "versions", numbered(1, first=9), mode=REPLACE)
    assert fields(examples(client, "versions@1")) == numbered(2)
    assert fields(examples(client, "versions@2")) == numbered(3)
    assert fields(examples(client, "versions")) == numbered(1, first=9)
    create(client, "versions-whole")
    assert load(client, "versions-whole", numbered(3)).digest == appended.digest


def test_splits_are_pythons(client: Client) -> None:
    weights = {"train": 0.6, "dev": 0.2, "test": 0.2}
    create(
        client,
        "splits",
        splits=[pb.Split(name=name, weight=weight) for name, weight in weights.items()],
        split_seed=42,
    )
    made = load(client, "splits", numbered(103))
    assert [split.example_count for split in made.splits] == [62, 21, 20]
    order = list(range(103))
    random.Random(42).shuffle(order)
    cuts = {"train": order[:62], "dev": order[62:83], "test": order[83:]}
    for name, expected in cuts.items():
        assert [example.index for example in examples(client, "splits", name, page_size=10)] == expected
    with fails(Code.NOT_FOUND, "SPLIT_NOT_FOUND", split="all"):
        examples(client, "splits", "all")


def test_pages_are_of_one_version(client: Client) -> None:
    create(client, "pages")
    load(client, "pages", numbered(3))
    request = pb.ListExamplesRequest(name="datasets/pages", page_size=2)
    page = client.datasets.ListExamples(request)
    load(client, "pages", numbered(5, first=100), mode=REPLACE)
    request.page_token = page.next_page_token
    rest = client.datasets.ListExamples(request)
    assert fields(rest.examples) == numbered(1, first=2)
    assert rest.next_page_token == ""


def test_ids(client: Client) -> None:
    create(client, "ids", id_key="key")
    load(client, "ids", [{"key": "a", "question": "?"}, {"key": 7, "question": "?"}])
    listed = examples(client, "ids")
    assert [example.id for example in listed] == ["a", "7"]
    assert fields(listed) == [{"question": "?"}, {"question": "?"}]
    with fails(Code.INVALID_ARGUMENT, "DUPLICATE_ID", id="7", line="2", example="2") as caught:
        load(client, "ids", [{"key": "b", "question": "?"}, {"key": "7", "question": "?"}])
    assert caught.error.message.startswith("Line 2: ")
    assert "example 2 " in caught.error.message
    with fails(Code.INVALID_ARGUMENT, "DUPLICATE_ID", id="x", line="3"):
        load(
            client,
            "ids",
            [{"key": "x", "question": "?"}, {"key": "y", "question": "?"}],
            [{"key": "x", "question": "?"}],
        )
    for wrong in ({}, {"key": 1.5}, {"key": ""}, {"key": "k" * 300}):
        with fails(Code.INVALID_ARGUMENT, "INVALID_VALUE", field="key", line="1"):
            load(client, "ids", [{"question": "?"} | wrong])
    assert get(client, "ids").version == 1


@pytest.mark.parametrize(
    ("bad", "reason", "field"),
    [
        ({"answer": 1}, "MISSING_INPUT", "question"),
        ({"question": None, "answer": 1}, "MISSING_INPUT", "question"),
        ({"question": "?", "answer": "many"}, "INVALID_VALUE", "answer"),
        ({"question": ["?"]}, "INVALID_VALUE", "question"),
        ({"question": "?", "anwser": 1}, "UNKNOWN_FIELD", "anwser"),
        ("[1]", "INVALID_VALUE", None),
        ('{"question": "?", "answer": NaN}', "INVALID_JSON", None),
        ('{"question": "?"', "INVALID_JSON", None),
        ("", "INVALID_JSON", None),
        ("[" * 200, "INVALID_JSON", None),
        (json.dumps({"question": "x" * (4 * MEBIBYTE)}), "EXAMPLE_TOO_LARGE", None),
    ],
)
def test_the_first_bad_example_is_named_and_nothing_is_stored(
    client: Client, bad: Any, reason: str, field: str | None
) -> None:
    name = f"bad-{random.getrandbits(40):x}"
    create(client, name)
    metadata = {"line": "4", "example": "4"} | ({} if field is None else {"field": field})
    with fails(Code.INVALID_ARGUMENT, reason, **metadata) as caught:
        load(client, name, numbered(2), [*numbered(1), bad, {"worse": 1}])
    assert caught.error.message.startswith("Line 4: ")
    if reason == "UNKNOWN_FIELD":
        assert "Did you mean answer?" in caught.error.message
    assert get(client, name).version == 0


def test_a_number_that_is_not_finite(client: Client) -> None:
    create(client, "finite", "x: float -> y: float")
    for form in ({"fields": struct({"x": float("nan")})}, {"fields_json": '{"x": "nan"}'}):
        request = pb.ImportExamplesRequest(name="datasets/finite", examples=[values_pb2.Example(**form)], last=True)
        with pytest.raises(grpc.RpcError) as caught:
            send(client, [request])
        assert caught.value.code() == Code.INVALID_ARGUMENT
        assert "Example 1 of the import: " in (caught.value.details() or "")


def test_wrong_requests(client: Client) -> None:
    create(client, "requests")
    with fails(Code.INVALID_ARGUMENT, "INVALID_REQUEST") as caught:
        load(client, "requests")
    assert "examples" in caught.error.violations
    with fails(Code.INVALID_ARGUMENT, "IMPORT_INCOMPLETE"):
        load(client, "requests", numbered(2), last=False)
    with fails(Code.INVALID_ARGUMENT, "IMPORT_INCOMPLETE"):
        send(client, [])
    with fails(Code.INVALID_ARGUMENT, "INVALID_REQUEST") as caught:
        send(client, [pb.ImportExamplesRequest(name="datasets/requests@1", last=True)])
    assert "name" in caught.error.violations
    with fails(Code.INVALID_ARGUMENT, "INVALID_REQUEST") as caught:
        send(client, [pb.ImportExamplesRequest(name="datasets/requests", lines=[1], last=True)])
    assert "lines" in caught.error.violations
    with fails(Code.NOT_FOUND, "DATASET_NOT_FOUND"):
        load(client, "nobody", numbered(1))
    assert get(client, "requests").version == 0
    bad: list[tuple[dict[str, Any], str, str]] = [
        ({"signature": ""}, "INVALID_REQUEST", "input_keys"),
        ({"signature": "question ->"}, "INVALID_SIGNATURE", "dataset.signature"),
        ({"input_keys": ["quesion"]}, "UNKNOWN_FIELD", "dataset.input_keys"),
        ({"input_keys": ["question", "question"]}, "INVALID_REQUEST", "dataset.input_keys[1]"),
        ({"id_key": "question", "input_keys": ["question"]}, "INVALID_REQUEST", "dataset.input_keys[0]"),
        ({"splits": [pb.Split(name="Dev", weight=1)]}, "INVALID_REQUEST", "dataset.splits[0].name"),
        ({"splits": [pb.Split(name="dev", weight=float("nan"))]}, "INVALID_REQUEST", "dataset.splits[0].weight"),
        ({"splits": [pb.Split(name="dev", weight=1)] * 2}, "INVALID_REQUEST", "dataset.splits[1].name"),
    ]
    for settings, reason, path in bad:
        with fails(Code.INVALID_ARGUMENT, reason) as caught:
            create(client, "wrong", **settings)
        assert path in caught.error.violations, caught.error
    with fails(Code.INVALID_ARGUMENT, "INVALID_REQUEST"):
        create(client, "Wrong")


def test_fields_of_a_program_as_it_is_when_examples_come(client: Client) -> None:
    client.create("fielded", predict(QA))
    dataset = pb.Dataset(program="programs/fielded")
    client.datasets.CreateDataset(pb.CreateDatasetRequest(dataset_id="fielded", dataset=dataset))
    load(client, "fielded", [{"question": "?", "answer": "5"}])
    assert fields(examples(client, "fielded")) == [{"question": "?", "answer": 5}]
    changed = predict("text: str -> answer: int")
    changed.name = "programs/fielded"
    client.programs.UpdateProgram(programs_pb.UpdateProgramRequest(program=changed))
    with fails(Code.INVALID_ARGUMENT, "UNKNOWN_FIELD", field="question"):
        load(client, "fielded", [{"question": "?"}])
    assert list(load(client, "fielded", [{"text": "?"}], mode=REPLACE).input_keys) == ["text"]
    assert list(get(client, "fielded@1").input_keys) == ["question"]
    with fails(Code.NOT_FOUND, "PROGRAM_NOT_FOUND"):
        client.datasets.CreateDataset(
            pb.CreateDatasetRequest(dataset_id="of-nobody", dataset=pb.Dataset(program="programs/nobody"))
        )


def test_any_fields(client: Client) -> None:
    create(client, "any", "", input_keys=["text"])
    load(client, "any", [{"text": "a", "label": [1, {"b": None}], "big": 12345678901234567}])
    assert fields(examples(client, "any")) == [{"text": "a", "label": [1, {"b": None}], "big": 12345678901234567}]
    with fails(Code.INVALID_ARGUMENT, "MISSING_INPUT", field="text"):
        load(client, "any", [{"label": 1}])


def test_a_request_that_is_sent_again_is_done_once(client: Client) -> None:
    create(client, "again", id_key="id")
    batch = [{"id": i, "question": "?"} for i in range(5)]
    first = load(client, "again", batch, request_id="again-1")
    assert load(client, "again", batch[:2], batch[2:], request_id="again-1") == first
    assert get(client, "again") == first
    with fails(Code.ALREADY_EXISTS, "REQUEST_ID_REUSED"):
        load(client, "again", batch[:2], request_id="again-1")


def test_delete_and_make_anew(own: DspexServer) -> None:
    with Client(own) as client:
        create(client, "gone")
        load(client, "gone", numbered(700), numbered(700))
        client.datasets.DeleteDataset(pb.DeleteDatasetRequest(name="datasets/gone"))
        with fails(Code.NOT_FOUND, "DATASET_NOT_FOUND"):
            get(client, "gone")
        eventually(lambda: rows(own) == 0)
        create(client, "gone")
        assert load(client, "gone", numbered(1)).version == 2
        with fails(Code.NOT_FOUND, "DATASET_VERSION_NOT_FOUND"):
            get(client, "gone@1")
        listed = client.datasets.ListDatasets(pb.ListDatasetsRequest()).datasets
        assert [(dataset.name, dataset.example_count) for dataset in listed] == [("datasets/gone", 1)]


class Paused:
    """An import that has sent its first parts and waits."""

    def __init__(self, client: Client, requests: Iterable[pb.ImportExamplesRequest]) -> None:
        self._resume = threading.Event()

        def all_parts() -> Iterator[pb.ImportExamplesRequest]:
            yield from requests
            self._resume.wait()
            yield pb.ImportExamplesRequest(last=True)

        self.call = client.datasets.ImportExamples.future(all_parts(), timeout=60)

    def finish(self) -> pb.Dataset:
        self._resume.set()
        return self.call.result().dataset

    def cancel(self) -> None:
        self.call.cancel()
        self._resume.set()


def test_an_import_that_is_not_ended_is_not_seen_and_keeps_others_out(own: DspexServer) -> None:
    with Client(own) as client:
        create(client, "paused")
        load(client, "paused", numbered(1))
        paused = Paused(client, parts("paused", numbered(1200, first=1), last=False))
        eventually(lambda: rows(own) == 1201)
        assert get(client, "paused").example_count == 1
        with fails(Code.ABORTED, "IMPORT_UNDER_WAY", dataset="datasets/paused"):
            load(client, "paused", numbered(1))
        assert paused.finish().example_count == 1201


def test_a_client_that_goes_away_leaves_nothing(own: DspexServer) -> None:
    with Client(own) as client:
        create(client, "left")
        load(client, "left", numbered(1))
        paused = Paused(client, parts("left", numbered(1200), last=False))
        eventually(lambda: rows(own) == 1201)
        paused.cancel()
        eventually(lambda: rows(own) == 1)
        assert load(client, "left", numbered(1, first=1)).example_count == 2
        assert fields(examples(client, "left")) == numbered(2)


def test_a_server_that_is_killed_leaves_nothing_of_an_import(own: DspexServer) -> None:
    with Client(own) as client:
        create(client, "killed")
        load(client, "killed", numbered(3))
        paused = Paused(client, parts("killed", numbered(2500), last=False))
        eventually(lambda: rows(own) == 2503)
        own.kill9()
        paused.cancel()
    own.start()
    with Client(own) as client:
        eventually(lambda: rows(own) == 3)
        assert fields(examples(client, "killed")) == numbered(3)
        assert load(client, "killed", numbered(1, first=3)).example_count == 4


def test_a_large_import_takes_little_memory(own: DspexServer) -> None:
    text = "x" * 2000

    def stream() -> Iterator[pb.ImportExamplesRequest]:
        yield pb.ImportExamplesRequest(name="datasets/large")
        for start in range(0, 60_000, 100):
            batch = [
                values_pb2.Example(fields_json=f'{{"question": "{i} {text}", "answer": {i}}}')
                for i in range(start, start + 100)
            ]
            yield pb.ImportExamplesRequest(examples=batch)
        yield pb.ImportExamplesRequest(last=True)

    peak = 0
    done = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.is_set():
            peak = max(peak, own.usage().anonymous_bytes)
            time.sleep(0.02)

    with Client(own) as client:
        create(client, "large")
        load(client, "large", numbered(100))
        before = own.usage().anonymous_bytes
        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            made = send(client, stream(), timeout=300)
        finally:
            done.set()
            watcher.join()
        assert made.example_count == 60_100
        # 120 MB went through.
        if memory_counts():
            assert peak - before < 48 * MEBIBYTE
        last = client.datasets.ListExamples(pb.ListExamplesRequest(name="datasets/large", page_size=1000))
        assert fields(last.examples[:1]) == numbered(1)


def test_settings_are_kept(client: Client) -> None:
    settings: Mapping[str, Any] = {
        "description": "d",
        "input_keys": ["question"],
        "allow_other_fields": True,
        "id_key": "k",
        "split_seed": -5,
        "splits": [pb.Split(name="a", weight=0.25)],
    }
    made = create(client, "settings", **settings)
    for name, value in settings.items():
        assert getattr(made, name) == value or list(getattr(made, name)) == value
    preview = pb.CreateDatasetRequest(dataset_id="preview", dataset=pb.Dataset(signature=QA), validate_only=True)
    assert client.datasets.CreateDataset(preview).dataset.name == "datasets/preview"
    with fails(Code.NOT_FOUND, "DATASET_NOT_FOUND"):
        get(client, "preview")

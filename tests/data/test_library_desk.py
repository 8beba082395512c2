"""The file of the library desk is what its generator writes."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from tests.data import library_desk


def test_the_file_is_the_generators() -> None:
    lines = Path(library_desk.__file__).with_suffix(".jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == library_desk.examples()


def test_titles_are_even_and_messages_differ() -> None:
    examples = library_desk.examples()
    times = Counter(example["title"] for example in examples)
    assert times == dict.fromkeys(library_desk.TITLES, library_desk.PER_TITLE)
    assert len({example["message"] for example in examples}) == len(examples)

"""Cuts fixed wording out of rendered text, by the sentinels that stand where values go.

A fragment is a list of pieces as a phrasebook holds them: literal texts, {"slot": name} and {"list": name, "sep": text,
"none": text}.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from dspex_dspy.errors import CaptureError

Piece = str | dict[str, str]
Pieces = list[Piece]
Fragments = dict[str, Pieces]


class Names:
    """Sentinels that occur in no prose; another `tag` makes other ones."""

    def __init__(self, tag: str) -> None:
        self.tag = tag

    def word(self, meaning: str) -> str:
        return f"zq{self.tag}{meaning}qz"

    def words(self, meaning: str, count: int) -> list[str]:
        return [self.word(f"{meaning}{chr(ord('a') + i)}") for i in range(count)]

    def type_name(self, meaning: str) -> str:
        return self.word(meaning).capitalize()


def slot(name: str) -> Piece:
    return {"slot": name}


def listing(name: str, separator: str, none: str = "") -> Piece:
    return {"list": name, "sep": separator, "none": none}


def literals(*pieces: Piece) -> Pieces:
    """The pieces without empty literals, neighbouring literals joined."""
    joined: Pieces = []
    for piece in pieces:
        if piece == "":
            continue
        if isinstance(piece, str) and joined and isinstance(joined[-1], str):
            joined[-1] += piece
        else:
            joined.append(piece)
    return joined


def cut(fragment: str, text: str, slots: Mapping[str, str], *, repeated: Iterable[str] = ()) -> Pieces:
    """Replaces each sentinel by its slot: once, or as often as it stands there if its slot is among `repeated`.

    A sentinel that is a word is found as a whole word only.
    """
    spans: list[tuple[int, int, Piece]] = []
    for sentinel, name in slots.items():
        pattern = (
            rf"(?<!\w){re.escape(sentinel)}(?!\w)"
            if sentinel.isidentifier() or sentinel.isdigit()
            else re.escape(sentinel)
        )
        found = [match.span() for match in re.finditer(pattern, text)]
        if not found or (len(found) > 1 and name not in repeated):
            raise CaptureError(fragment, f"its {name} occurs {len(found)} times in {text!r}")
        spans += [(start, end, slot(name)) for start, end in found]
    return replace(fragment, text, spans)


def replace(fragment: str, text: str, spans: Iterable[tuple[int, int, Piece]]) -> Pieces:
    """The text with some spans replaced by pieces."""
    pieces: list[Piece] = []
    position = 0
    for start, end, piece in sorted(spans, key=lambda span: span[:2]):
        if start < position:
            raise CaptureError(fragment, f"its slots overlap in {text!r}")
        pieces += [text[position:start], piece]
        position = end
    return literals(*pieces, text[position:])


def between(fragment: str, text: str, before: str, after: str) -> str:
    """What stands between the first `before` and the next `after`."""
    start = find(fragment, text, before) + len(before)
    return text[start : find(fragment, text, after, start)]


def find(fragment: str, text: str, part: str, start: int = 0) -> int:
    position = text.find(part, start)
    if position < 0:
        raise CaptureError(fragment, f"{part!r} does not occur in {text!r}")
    return position


def without_prefix(fragment: str, text: str, prefix: str) -> str:
    if not text.startswith(prefix):
        raise CaptureError(fragment, f"{text!r} does not begin with {prefix!r}")
    return text[len(prefix) :]


def without_suffix(fragment: str, text: str, suffix: str) -> str:
    if not text.endswith(suffix):
        raise CaptureError(fragment, f"{text!r} does not end with {suffix!r}")
    return text[: len(text) - len(suffix)]


def common_prefix(texts: Iterable[str]) -> str:
    some = list(texts)
    lowest, highest = min(some), max(some)
    differing = (i for i, (a, b) in enumerate(zip(lowest, highest, strict=False)) if a != b)
    return lowest[: next(differing, len(lowest))]


def common_suffix(texts: Iterable[str]) -> str:
    return common_prefix(text[::-1] for text in texts)[::-1]


def split(fragment: str, text: str, sentinels: Sequence[str]) -> list[str]:
    """The parts before, between and after the sentinels, which occur once each, in order."""
    parts = []
    rest = text
    for sentinel in sentinels:
        if rest.count(sentinel) != 1:
            raise CaptureError(fragment, f"{sentinel!r} does not occur just once in {rest!r}")
        part, _, rest = rest.partition(sentinel)
        parts.append(part)
    return [*parts, rest]


def same(fragment: str, texts: Iterable[str]) -> str:
    """The one text that all of them are."""
    different = set(texts)
    if len(different) != 1:
        raise CaptureError(fragment, f"it reads differently in different places: {sorted(different)!r}")
    return different.pop()


def rendered(pieces: Pieces, **values: str | Sequence[str]) -> str:
    """The text of a fragment."""
    out = []
    for piece in pieces:
        if isinstance(piece, str):
            out.append(piece)
        elif "slot" in piece:
            out.append(str(values[piece["slot"]]))
        else:
            items = values[piece["list"]]
            out.append(piece["sep"].join(items) if items else piece["none"])
    return "".join(out)


def twice(capture: Callable[[Names], Fragments]) -> Fragments:
    """Captures with two sets of sentinels: what depends on them is no wording."""
    first, second = capture(Names("k")), capture(Names("w"))
    for fragment in first.keys() | second.keys():
        if first.get(fragment) != second.get(fragment):
            raise CaptureError(fragment, f"two attempts differ: {first.get(fragment)!r}, {second.get(fragment)!r}")
    return first


@dataclass(frozen=True)
class ListCut:
    """A list within a sentence: the words around it, between its items, and around the sentinel of each item."""

    head: str
    separator: str
    tail: str
    before: str
    after: str
    variants: dict[str, str]

    def item(self, *inner: Piece) -> Pieces:
        return literals(self.before, *inner, self.after)


def cut_list(fragment: str, parts: Sequence[str], variants: Mapping[str, str] | None = None) -> ListCut:
    """Cuts a list by the parts around its items' sentinels (see `split`).

    An item of another form has a part between its sentinel and that of a plain item after it, given in `variants`; what
    follows its sentinel within the item is returned under the same key.
    """
    head, *inner, tail = parts
    middle = same(fragment, inner)
    # Blanks belong to the separator: nothing else tells where an item begins.
    before = common_suffix([head, middle]).lstrip()
    middle = without_suffix(fragment, middle, before)
    endings = {key: without_suffix(fragment, text, before) for key, text in (variants or {}).items()}
    after = common_prefix([middle, tail, *endings.values()])
    separator = middle[len(after) :]
    return ListCut(
        head=without_suffix(fragment, head, before),
        separator=separator,
        tail=without_prefix(fragment, tail, after),
        before=before,
        after=after,
        variants={key: without_suffix(fragment, text, separator) for key, text in endings.items()},
    )

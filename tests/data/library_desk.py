"""Writes library_desk.jsonl: messages to the desk of a town library, each with the title that it is about.

    python tests/data/library_desk.py > tests/data/library_desk.jsonl

Sentences, words and titles were made up for it. The order, and what each sentence is filled with, are drawn from a
fixed seed, so that the file is always the same.
"""

from __future__ import annotations

import json
import random
import re
import sys

SEED = 20261124
PER_TITLE = 42

# Some have words in common, as titles do.
TITLES = [
    "The Glass Orchard",
    "The Glass Harbour",
    "Bread for Beginners",
    "Chess for Beginners",
    "Ferries of the North",
    "A Winter by the Canal",
    "Nine Quiet Gardens",
    "How Bridges Stand",
]

OPENINGS = ["", "", "", "Hello, ", "Hi, ", "Good morning, ", "Sorry to bother you, ", "Quick question: "]
CLOSINGS = ["", "", "", " Thanks!", " Thank you.", " Many thanks, {person}", " Please let me know.", " Best, {person}"]

SENTENCES = [
    "could I keep {title} for {count} more weeks?",
    "I have not finished {title} and it is due on {day}.",
    "{relative} is still reading {title}; please extend the loan.",
    "is it possible to renew {title} from here?",
    "could you set {title} aside for me?",
    "is {title} out on loan, and can I get in line for it?",
    "please put {relative} on the waiting list for {title}.",
    "can {title} be sent to {place} so that I pick it up on {day}?",
    "when {title} comes back, please hold it for {count} days.",
    "how many people are ahead of me in the queue for {title}?",
    "why do I owe {amount} for {title}?",
    "I was charged {amount} although I returned {title} on {day}.",
    "the late fee for {title} seems too high.",
    "I brought {title} back {count} days late, what does that cost?",
    "{title} fell into the bath, do I have to pay for it?",
    "page {count} is missing from {title}.",
    "does {place} have {title} in large print?",
    "I left a letter to {person} in {title}, did you find it?",
    "do you have anything else by the author of {title}?",
    "is {title} suitable for a child of {count}?",
]

WORDS = {
    "person": ["Ada", "Bruno", "Chloe", "Deniz", "Edith", "Farid", "Greta", "Hugo"],
    "relative": ["my son", "my daughter", "my mother", "my neighbour", "my husband", "my wife"],
    "day": ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
    "count": ["two", "three", "four", "five", "six", "seven", "eight", "nine"],
    "amount": ["2.40", "3.00", "4.50", "7.20", "11.00", "16.80"],
    "place": ["the main branch", "the harbour branch", "the branch in the old school", "your branch on Mill Street"],
}


def fill(chance: random.Random, sentence: str, title: str) -> str:
    """The sentence with a word for each slot."""
    # Not everybody writes a title as it is printed.
    words = WORDS | {"title": [title, title, title, title.lower()]}
    return re.sub(r"\{(\w+)\}", lambda slot: chance.choice(words[slot.group(1)]), sentence)


def message(chance: random.Random, title: str) -> str:
    """One message: an opening, a sentence, a closing."""
    opening = chance.choice(OPENINGS)
    body = fill(chance, chance.choice(SENTENCES), title)
    if not opening:
        body = body[0].upper() + body[1:]
    return opening + body + fill(chance, chance.choice(CLOSINGS), title)


def examples() -> list[dict[str, str]]:
    """All examples, each title as often as any other, no message twice."""
    chance = random.Random(SEED)
    found: list[dict[str, str]] = []
    for title in TITLES:
        messages: dict[str, None] = {}
        while len(messages) < PER_TITLE:
            messages[message(chance, title)] = None
        found += [{"message": text, "title": title} for text in messages]
    chance.shuffle(found)
    return found


if __name__ == "__main__":
    sys.stdout.writelines(json.dumps(example) + "\n" for example in examples())

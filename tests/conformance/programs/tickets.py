"""A classifier of support tickets, as its users keep it in production: Literal outputs and eight demos."""

from typing import Literal

import dspy


class Triage(dspy.Signature):
    """Decide what a customer's message is about and how soon somebody must look at it.

    Judge by what the customer needs, not by how they put it.
    """

    message: str = dspy.InputField(desc="what the customer wrote")
    plan: Literal["free", "team", "enterprise"] = dspy.InputField()
    topic: Literal["billing", "bug", "how-to", "feature request"] = dspy.OutputField(desc="the main one")
    urgency: Literal["low", "normal", "high"] = dspy.OutputField()
    sentiment: float = dspy.OutputField(ge=-1, le=1)


def configure() -> None:
    """What the application does when it starts."""
    dspy.configure(lm=dspy.LM("openai/gpt-4o-mini", temperature=0.2, max_tokens=300))


_SEEN = [
    ("I was charged twice this month!", "team", "billing", "high", -0.8),
    ("How do I invite my colleague?", "free", "how-to", "low", 0.1),
    ("The export button does nothing in Firefox.", "team", "bug", "normal", -0.3),
    ("Would love a dark mode :)", "free", "feature request", "low", 0.6),
    ("Production is down since the last update, nobody can log in.", "enterprise", "bug", "high", -0.9),
    ("Can the invoice carry our VAT number?", "enterprise", "billing", "normal", 0.0),
    ('Where did the "Reports" tab go?\nIt was there yesterday.', "team", "how-to", "normal", -0.2),
    ("Grüße aus Köln – gibt es eine deutsche Oberfläche?", "free", "feature request", "low", 0.3),
]


def program() -> dspy.Predict:
    """The classifier with its examples."""
    predict = dspy.Predict(Triage)
    predict.demos = [
        dspy.Example(message=message, plan=plan, topic=topic, urgency=urgency, sentiment=sentiment, augmented=True)
        for message, plan, topic, urgency, sentiment in _SEEN
    ]
    return predict

"""A tutor that thinks before it answers, knows the conversation so far and looks at a picture."""

import dspy


class Tutor(dspy.Signature):
    """Help a pupil with the exercise in the picture without giving the answer away."""

    history: dspy.History = dspy.InputField()
    picture: dspy.Image = dspy.InputField(desc="a photo of the exercise")
    question: str = dspy.InputField()
    hint: str = dspy.OutputField()
    solved: bool = dspy.OutputField(desc="whether the pupil has got it")


def configure() -> None:
    dspy.configure(lm=dspy.LM("openai/gpt-4o-mini", logprobs=False))


class Assistant(dspy.ChainOfThought):
    """Not importable: a class of its own may do anything."""


def program() -> dspy.ChainOfThought:
    return dspy.ChainOfThought(Tutor, temperature=0.7)

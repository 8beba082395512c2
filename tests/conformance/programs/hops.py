"""A question answerer of two hops, made of ChainOfThoughts."""

import dspy


class Hop(dspy.Signature):
    """Write what to look up next to answer the question."""

    question: str = dspy.InputField()
    known: list[str] = dspy.InputField(desc="what was found out so far")
    query: str = dspy.OutputField()
    facts: list[str] = dspy.OutputField(desc="what is known for sure")


def configure() -> None:
    dspy.configure(lm=dspy.LM("openai/gpt-4o-mini", temperature=0.0))


class TwoHop(dspy.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = dspy.ChainOfThought(Hop)
        self.second = dspy.ChainOfThought(Hop, temperature=0.5)
        self.answer = dspy.ChainOfThought("question, facts: list[str], query -> answer, sure: bool")
        self.answer.predict.demos = [
            dspy.Example(question="Who?", facts=["It was Ann."], query="who", reasoning="Ann.", answer="Ann", sure=True)
        ]

    def forward(self, question: str, known: list[str]) -> dspy.Prediction:
        first = self.first(question=question, known=known)
        second = self.second(question=first.query, known=first.facts)
        answer = self.answer(question=question, facts=second.facts, query=second.query)
        return dspy.Prediction(answer=answer.answer, sure=answer.sure, query=second.query)

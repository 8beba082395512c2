"""An extractor of invoices: nested pydantic models, lists, enums, dates, optional fields; asked for as JSON."""

import datetime
import enum

import dspy
import pydantic


class Currency(enum.Enum):
    EUR = "EUR"
    USD = "USD"
    CHF = "CHF"


class Address(pydantic.BaseModel):
    """Where a party is."""

    street: str
    city: str
    postcode: str | None = pydantic.Field(default=None, description="as it is printed")


class Line(pydantic.BaseModel):
    text: str = pydantic.Field(description="what was sold")
    quantity: float = pydantic.Field(gt=0)
    unit_price: float


class Invoice(pydantic.BaseModel):
    number: str
    issued: datetime.date
    due: datetime.date | None = None
    currency: Currency
    seller: Address
    buyer: Address
    lines: list[Line]
    notes: list[str] = []


class ExtractInvoice(dspy.Signature):
    """Read the invoice. Copy numbers as they stand."""

    document: str = dspy.InputField()
    hints: dict[str, str] = dspy.InputField(desc="what is known already")
    invoice: Invoice = dspy.OutputField()
    doubts: list[str] = dspy.OutputField(desc="what could not be read for sure")


def configure() -> None:
    lm = dspy.LM("openai/gpt-4o", temperature=0.0, store=False, logprobs=True, top_logprobs=2)
    dspy.configure(lm=lm, adapter=dspy.JSONAdapter())


extractor = dspy.Predict(ExtractInvoice, max_tokens=2000)

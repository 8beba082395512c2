"""A dater of photographs. Its demos hold what a saved state writes otherwise: images, and times with their zone."""

import datetime
import tempfile
from pathlib import Path

import dspy
import pydantic
from dspy.adapters.baml_adapter import BAMLAdapter


class Note(pydantic.BaseModel):
    at: datetime.datetime
    text: str


class Date(dspy.Signature):
    """Say what the pictures have in common, and when the first was taken."""

    pictures: list[dspy.Image] = dspy.InputField()
    since: datetime.datetime = dspy.InputField(desc="when the camera was bought")
    notes: list[Note] = dspy.InputField()
    cover: dspy.Image | None = dspy.InputField()
    subject: str = dspy.OutputField()
    taken: datetime.datetime = dspy.OutputField()
    days: list[datetime.date] = dspy.OutputField()


def _configure(adapter: dspy.Adapter | None = None) -> None:
    dspy.configure(lm=dspy.LM("openai/gpt-4o-mini"), adapter=adapter)


def configure() -> None:
    _configure()


def configure_json() -> None:
    _configure(dspy.JSONAdapter())


def configure_xml() -> None:
    _configure(dspy.XMLAdapter())


def configure_baml() -> None:
    _configure(BAMLAdapter())


def configure_two_step() -> None:
    _configure(dspy.TwoStepAdapter(dspy.LM("openai/gpt-4o-mini")))


_PIXEL = "data:image/png;base64,iVBORw0KGgo="
_ZONES = (datetime.UTC, None, datetime.timezone(datetime.timedelta(hours=2)))


def _demo(zone: datetime.tzinfo | None) -> dspy.Example:
    taken = datetime.datetime(2024, 3, 1, 12, 30, 5, 120_000, tzinfo=zone)
    return dspy.Example(
        pictures=[dspy.Image("https://example.com/a.png"), dspy.Image(_PIXEL)],
        since=taken.replace(year=2020, microsecond=0),
        notes=[Note.model_validate({"at": taken.isoformat(), "text": "by the sea"})],
        cover=dspy.Image(_PIXEL),
        subject="a beach",
        taken=taken,
        days=[taken.date()],
    )


def program() -> dspy.Predict:
    predict = dspy.Predict(Date)
    predict.demos = [*map(_demo, _ZONES), dspy.Example(subject="half a demo", taken=_demo(datetime.UTC).taken)]
    return predict


def loaded() -> dspy.Predict:
    """The same once it has been saved and loaded: its demos then hold texts."""
    predict = dspy.Predict(Date)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "state.json"
        program().save(file)
        predict.load(file)
    return predict

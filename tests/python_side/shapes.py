"""Types as users of DSPy write them: those that have an equal outside Python, and those that do not."""

from __future__ import annotations

import dataclasses
import decimal
import enum
from typing import Annotated, Any, Generic, Literal, TypeVar

import dspy
import pydantic
import typing_extensions

T = TypeVar("T")


class Color(enum.Enum):
    RED = "red"
    BLUE = "sea blue"


class Size(enum.IntEnum):
    SMALL = 1
    LARGE = 2


class Box(pydantic.BaseModel, Generic[T]):
    inside: T


class Home(pydantic.BaseModel):
    """Where somebody lives."""

    street: str = pydantic.Field(description="with the number", min_length=1)
    code: str = pydantic.Field(alias="postCode")
    tags: list[str] = pydantic.Field(default_factory=list)


class Person(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid")

    name: str
    home: Home | None = None
    color: Color = Color.RED
    size: Size
    worth: decimal.Decimal
    by_number: dict[int, str]
    children: list[Person] = []


@dataclasses.dataclass
class Point:
    x: int
    labels: list[str] = dataclasses.field(default_factory=list)


class Options(typing_extensions.TypedDict, total=False):
    depth: typing_extensions.Required[int]
    name: str


class Validated(pydantic.BaseModel):
    x: int

    @pydantic.field_validator("x")
    @classmethod
    def check(cls, value: int) -> int:
        return value


class Serialized(pydantic.BaseModel):
    x: int

    @pydantic.field_serializer("x")
    def write(self, value: int) -> str:
        return str(value)


class Stripped(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(str_strip_whitespace=True)

    x: str


class Strict(pydantic.BaseModel):
    x: int = pydantic.Field(strict=True)


class Computed(pydantic.BaseModel):
    x: int

    @pydantic.computed_field  # type: ignore[prop-decorator]
    @property
    def twice(self) -> int:
        return 2 * self.x


class Cat(pydantic.BaseModel):
    kind: Literal["cat"]


class Dog(pydantic.BaseModel):
    kind: Literal["dog"]


class Pet(pydantic.BaseModel):
    animal: Annotated[Cat | Dog, pydantic.Field(discriminator="kind")]


class Framed(pydantic.BaseModel):
    image: dspy.Image


class Changing(pydantic.BaseModel):
    x: list[object] = pydantic.Field(default_factory=lambda: [object()])


class Own(dspy.Type):  # type: ignore[misc]
    x: int

    def format(self) -> str:
        return "own"


class Initialised(pydantic.BaseModel):
    x: int

    def __init__(self, **data: Any) -> None:
        super().__init__(**data)


class Wandering(enum.Enum):
    A = "a"

    @classmethod
    def _missing_(cls, value: object) -> Wandering:
        return cls.A


class Silent(dspy.Signature):  # type: ignore[misc]
    """"""

    a: str = dspy.InputField()
    b: str = dspy.OutputField()

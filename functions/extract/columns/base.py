"""The types and base classes of every resource's columns."""

from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field

from trial.codes import Model

Number = Annotated[float, AfterValidator(lambda value: round(value, 3) + 0.0)]  # -0.0 is 0
Count = Annotated[int, Field(ge=0)]
Place = Annotated[int, Field(ge=1)]

# With a letter in front, because a spreadsheet drops digits of a long number.
OrderName = Annotated[str, Field(pattern="^E[0-9a-f]{16}$")]
PersonName = Annotated[str, Field(pattern="^P[0-9a-f]{16}$")]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Row(Model):
    """A row of one resource, identified by its key. A field that may be None may be empty."""

    resource: ClassVar[str]
    title: ClassVar[str]
    key: ClassVar[tuple[str, ...]]


class OrderRow(Row):
    """A row about one order."""

    key: ClassVar[tuple[str, ...]] = ("enrolment",)

    enrolment: OrderName = Field(description="The order taken into the trial: a keyed hash.")

"""What the routes of operations take: the contract's JSON, apart from what the table holds."""

from pydantic import StrictBool

from trial.api.fields import Code, Line, UkMobile
from trial.codes import Model


class SwitchIn(Model):
    """To pause the whole trial's sending, or to resume it."""

    paused: StrictBool
    reason: Line
    by: Code


class SuppressionIn(Model):
    """A number never to be texted again, whoever it belongs to."""

    number: UkMobile
    reason: Code
    by: Code

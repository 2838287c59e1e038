"""CloudWatch's call of a live panel."""

from enum import StrEnum
from typing import Any, Literal, Self
from uuid import UUID

from trial.codes import Model


class PanelName(StrEnum):
    """The panels."""

    WAITING = "waiting"
    FLOW = "flow"
    SENDING = "sending"
    HELD = "held"


class PanelAction(StrEnum):
    """What the buttons of a panel do besides refreshing it."""

    PAUSE = "pause"
    RESUME = "resume"
    ADMIT = "admit"


class Asked(Model):
    """
    One call of a panel: which panel, which button was clicked, and the content of its form.

    `endpoint` is the function's own ARN, which the panel's buttons call. `theme` is the
    dashboard's.
    """

    panel: PanelName
    act: PanelAction | None
    enrolment_id: UUID | None
    form: dict[str, str]
    theme: Literal["light", "dark"]
    endpoint: str

    @classmethod
    def of(cls, event: dict[str, Any], endpoint: str) -> Self:
        """The call in an event. Raises ValidationError for an unknown panel or button."""
        about = event.get("widgetContext", {})
        return cls(
            panel=event.get("panel"),
            act=event.get("act"),
            enrolment_id=event.get("enrolment_id"),
            form=about.get("forms", {}).get("all", {}),
            theme="dark" if about.get("theme") == "dark" else "light",
            endpoint=endpoint,
        )

"""
Calls the live panels as CloudWatch does: the function draws each in a theme, also after a click.

The event has CloudWatch's form:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/add_custom_widget_dashboard_about.html
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_lambda import LambdaClient


@dataclass(frozen=True)
class LivePanel:
    """A custom widget of the dashboard: its function, and the parameters that the call takes."""

    title: str
    width: int
    endpoint: str
    params: dict[str, Any]
    html: str = field(default="", compare=False)


def draw(
    panel: LivePanel, functions: LambdaClient, theme: str = "light", form: Mapping[str, str] = {}
) -> str:
    """The panel's HTML, for the parts of CloudWatch's event that it reads. Raises RuntimeError."""
    about = {"theme": theme, "title": panel.title, "forms": {"all": form}, "params": panel.params}
    event = json.dumps(panel.params | {"widgetContext": about})
    answer = functions.invoke(FunctionName=panel.endpoint, Payload=event)
    said = json.load(answer["Payload"])
    if "FunctionError" in answer:
        raise RuntimeError(f"{panel.title}: {said}")
    return str(said)

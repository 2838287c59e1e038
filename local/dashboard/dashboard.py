"""
Draws the template's dashboard from the metrics of the running stack.

Panels, titles, metrics, statistics, periods and limits come from the deployed dashboard's
definition. The page is build/dashboard/index.html; `make panels` serves it with live panels whose
buttons work.
"""

import json
from functools import partial
from typing import Any

from commands.arguments import described
from commands.deployed_stack import ROOT, DeployedStack
from local.dashboard import live
from local.dashboard.metrics import recorded_by
from local.dashboard.page import render
from local.dashboard.panels import WidgetRow, rows

PAGE = ROOT / "build/dashboard/index.html"


def defined(stack: DeployedStack) -> dict[str, Any]:
    """The deployed dashboard's definition."""
    (name,) = stack.of_type("AWS::CloudWatch::Dashboard").values()
    body = stack.client("cloudwatch").get_dashboard(DashboardName=name)["DashboardBody"]
    definition: dict[str, Any] = json.loads(body)
    return definition


def shown(stack: DeployedStack) -> tuple[list[WidgetRow], tuple[float, float]]:
    """The dashboard's rows with their data, and the times of the first and last values."""
    recorded, functions = recorded_by(stack), stack.client("lambda")
    drawn, cloudwatch = partial(live.draw, functions=functions), stack.client("cloudwatch")
    return rows(defined(stack), recorded, cloudwatch, drawn), recorded.span()


def draw(stack: DeployedStack) -> list[str]:
    """Write the page; returns the titles of panels that should show something and do not."""
    found, span = shown(stack)
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(render(found, span), encoding="utf-8")
    return [panel.title for row in found for panel in row.panels if panel.empty]


def main() -> None:
    """Draw the page and print its path."""
    described("python -m local.dashboard.dashboard", __doc__).parse_args()
    if empty := draw(DeployedStack.here()):
        print(f"Nothing yet: {'; '.join(empty)}.")
    print(f"The dashboard: {PAGE}")


if __name__ == "__main__":
    main()

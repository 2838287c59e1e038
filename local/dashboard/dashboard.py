"""
Draws the template's own dashboard from what the stack that is up has emitted so far.

Panels, titles, metrics, statistics, periods and limits are those of the deployed dashboard, and
its definition is read from there. The page is build/dashboard/index.html.
"""

import argparse
import json

from commands.deployed_stack import ROOT, DeployedStack
from local.dashboard.metrics import told_by
from local.dashboard.page import render
from local.dashboard.panels import rows

PAGE = ROOT / "build/dashboard/index.html"


def draw(stack: DeployedStack) -> list[str]:
    """Write the page; the titles of the panels that should show something and do not."""
    cloudwatch = stack.client("cloudwatch")
    (name,) = stack.of_type("AWS::CloudWatch::Dashboard").values()
    body = json.loads(cloudwatch.get_dashboard(DashboardName=name)["DashboardBody"])
    told = told_by(stack)
    found = rows(body, told, cloudwatch)
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(render(found, told.span()), encoding="utf-8")
    return [panel.title for row in found for panel in row.panels if panel.empty]


def main() -> None:
    """Draw what there is, and say where."""
    about, _, more = (__doc__ or "").strip().partition("\n\n")
    parser = argparse.ArgumentParser(
        prog="python -m local.dashboard.dashboard", description=about, epilog=more
    )
    parser.parse_args()
    if empty := draw(DeployedStack.here()):
        print(f"Nothing yet: {'; '.join(empty)}.")
    print(f"The dashboard: {PAGE}")


if __name__ == "__main__":
    main()

"""
The dashboard's live panels: CloudWatch calls this function and shows the HTML that it returns.

CloudWatch does not pass on who looks or clicks, so the audit trail names the invocation, and
CloudTrail's data events record who made it. How CloudWatch calls it, and what HTML it shows:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/add_custom_widget_dashboard_about.html
"""

from __future__ import annotations

from trial.log import logger

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from operations.context import StaffContext
from operations.panels import flow, held, sending, waiting
from operations.panels.admissions import Admissions
from operations.panels.asked import Asked, PanelName
from operations.panels.markup import panel
from operations.store import OperationsStore
from trial.aws import clients
from trial.aws.table import Table
from trial.config import PanelsSettings, settings
from trial.open_claims import outlast_claims
from trial.protocol.load import load

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext


DESCRIPTION = """
## Live panels of the trial
Param | Description
---|---
**panel** | `waiting`, `held`, `flow` or `sending`
"""


@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> str:
    """Do what was clicked on in a panel, if anything; then return the panel as HTML."""
    if event.get("describe"):
        return DESCRIPTION
    asked = Asked.of(event, context.invoked_function_arn)
    chosen = settings(PanelsSettings)
    protocol = load(chosen.protocol)
    staff = StaffContext(
        store=OperationsStore(Table(clients.dynamodb(), chosen.table_name)),
        by=f"dashboard, invocation {context.aws_request_id}",
        now=datetime.now(UTC),
        outlast_claims=partial(outlast_claims, chosen.outlast_claims_seconds),
    )
    match asked.panel:
        case PanelName.WAITING:
            body = waiting.drawn(asked, staff, protocol)
        case PanelName.FLOW:
            body = flow.drawn(staff.store, protocol.trial)
        case PanelName.SENDING:
            body = sending.drawn(asked, staff, protocol.place)
        case PanelName.HELD:
            admissions = Admissions(
                clients.functions(), chosen.enrolment_function, context.aws_request_id
            )
            body = held.drawn(asked, staff, protocol, admissions.admit)
    if asked.act:
        logger.info("clicked", panel=asked.panel, act=asked.act)
    return panel(asked, body, staff.now, protocol.place)

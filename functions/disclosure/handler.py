"""The unblinded routes: allocations and timetables. Calling them needs a separate permission."""

from __future__ import annotations

from trial.log import logger

from typing import TYPE_CHECKING, Any

from disclosure.routes import router
from trial.api.resolver import answered, resolver

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

app = resolver(router)


@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one request."""
    return answered(app, event, context)

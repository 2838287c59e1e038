"""
What the extract holds: a model per resource, whose fields are its columns and their dictionary.

Rows are made with true values. What a form shows of them is decided in `package`.
"""

from typing import Final

from extract.columns.base import Row
from extract.columns.enrolments import BlindedEnrolment, EnrolmentRow
from extract.columns.events import BlindedOutcome, MissingRow, OutcomeRow, ReminderRow, VersionRow

ROWS: Final[dict[str, type[Row]]] = {
    kind.resource: kind for kind in (EnrolmentRow, ReminderRow, OutcomeRow, MissingRow, VersionRow)
}
"""What rows are made as: the resources of the unblinded form."""

BLINDED_ROWS: Final[dict[str, type[Row]]] = {
    kind.resource: kind for kind in (BlindedEnrolment, BlindedOutcome, MissingRow, VersionRow)
}
"""The resources of the blinded form."""

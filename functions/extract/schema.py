"""
The extract's resources: a model for each, whose fields are its columns and their dictionary.

Rows hold true values. `package` decides what each form shows of them.
"""

from typing import Final

from extract.columns.base import Row
from extract.columns.enrolments import BlindedEnrolment, EnrolmentRow
from extract.columns.events import BlindedOutcome, MissingRow, OutcomeRow, ReminderRow, VersionRow

ROWS: Final[dict[str, type[Row]]] = {
    kind.resource: kind for kind in (EnrolmentRow, ReminderRow, OutcomeRow, MissingRow, VersionRow)
}
"""The resources of the unblinded form, as which all rows are made."""

BLINDED_ROWS: Final[dict[str, type[Row]]] = {
    kind.resource: kind for kind in (BlindedEnrolment, BlindedOutcome, MissingRow, VersionRow)
}
"""The resources of the blinded form."""

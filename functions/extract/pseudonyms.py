"""
Pseudonyms, which reveal nobody and are the same in every extract of a trial.

Their key is a message authentication code of the trial's id under a separate KMS key, so one call
to KMS serves for all pseudonyms. Numbers and person ids are hashed under another key: a role that
can make pseudonyms cannot match those hashes, and a role that can match them cannot make
pseudonyms.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from extract.codes import Label
from trial.codes import Arm
from trial.identity import reference

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from trial.aws.kms import MacKey


@dataclass(frozen=True, slots=True)
class Pseudonyms:
    """The pseudonyms of one trial: HMAC-SHA-256 under its research key, cut short."""

    _key: bytes = field(repr=False)

    @classmethod
    def of(cls, trial: str, research: MacKey) -> Self:
        """A trial's pseudonyms, under the key that never leaves KMS."""
        return cls(research.mac(f"research|{trial}".encode()))

    def enrolment(self, enrolment_id: object) -> str:
        """For an order."""
        return "E" + self._made("enrolment", str(enrolment_id))[:16]

    def person(self, person_hash: str) -> str:
        """For a respondent."""
        return "P" + self._made("person", person_hash)[:16]

    def outcome(self, outcome_id: str) -> str:
        """For an event, which upstream may report under several orders and in any letter case."""
        return self._made("outcome", reference(outcome_id))[:16]

    def superintendent(self, force: str, name: str) -> str:
        """For the superintendent who authorised an order; the same name elsewhere is another."""
        return f"S-{self._made('superintendent', f'{force}/{name}')[:6]}"

    @property
    def labels(self) -> Mapping[Arm, Label]:
        """The blinded form's names of the arms."""
        labels = list(Label)
        if int(self._made("label", "")[0], 16) % 2:
            labels.reverse()
        return dict(zip(Arm, labels, strict=True))

    def _made(self, what: str, value: str) -> str:
        return hmac.digest(self._key, f"{what}|{value}".encode(), "sha256").hex()

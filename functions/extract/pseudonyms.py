"""
Names that tell nothing of whom they stand for, and are the same in every extract of a trial.

The key is a message authentication code of the trial's id, under a KMS key of its own. So one
call makes all pseudonyms; who may make them can match no number or person id, which are hashed
under another key; and who may match those can make no pseudonym.
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
        """Those of a trial, by the key that never leaves KMS."""
        return cls(research.mac(f"research|{trial}".encode()))

    def enrolment(self, enrolment_id: object) -> str:
        """For an order."""
        return "E" + self._made("enrolment", str(enrolment_id))[:16]

    def person(self, person_hash: str) -> str:
        """For a respondent."""
        return "P" + self._made("person", person_hash)[:16]

    def outcome(self, outcome_id: str) -> str:
        """For an event that upstream reports, perhaps under several orders, in any capitals."""
        return self._made("outcome", reference(outcome_id))[:16]

    def superintendent(self, force: str, name: str) -> str:
        """For whoever authorised an order; others of that name are of other forces."""
        return f"S-{self._made('superintendent', f'{force}/{name}')[:6]}"

    @property
    def labels(self) -> Mapping[Arm, Label]:
        """What the blinded form calls the arms."""
        labels = list(Label)
        if int(self._made("label", "")[0], 16) % 2:
            labels.reverse()
        return dict(zip(Arm, labels, strict=True))

    def _made(self, what: str, value: str) -> str:
        return hmac.digest(self._key, f"{what}|{value}".encode(), "sha256").hex()

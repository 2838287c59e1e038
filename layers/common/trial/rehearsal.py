"""
Rehearsals: orders about nobody, by which a deployment is tried from end to end.

Each belongs to a trial of its own beside the real one, under the same protocol. So no sequence,
count, report or extract of the real trial holds one, and none needs a rule that leaves it out.
"""

from typing import Final

_SUFFIX: Final = "-rehearsal"


def rehearsal_of(trial: str) -> str:
    """The trial that holds a trial's rehearsals."""
    return trial + _SUFFIX


def is_rehearsal(trial: str) -> bool:
    """Whether a trial holds rehearsals only."""
    return trial.endswith(_SUFFIX)


def real_trial(trial: str) -> str:
    """The trial whose protocol a trial goes by: for one of rehearsals, the one rehearsed."""
    return trial.removesuffix(_SUFFIX)

"""
Prints, as JSON, the figures of many small trials and of a whole report.

`python -m tests.evaluation.figures EXTRACT` under any kernel must print the same.
"""

import json
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from evaluation.package import read
from evaluation.report.make import report
from evaluation.report.page import as_json, plain
from evaluation.statistics.regression import adjusted, by_person
from evaluation.statistics.subgroups import interaction
from evaluation.statistics.survival import kaplan_meier, log_rank
from tests.support.fixture_protocol import AGREED

TRIALS = 20


def small_trial(random: np.random.Generator) -> dict[str, Any]:
    """Few people, few events: mostly separated, so that Firth's method is needed."""
    people = int(random.integers(12, 60))
    event = random.random(people) < random.uniform(0.05, 0.2)
    treated = random.random(people) < 0.5
    age, days = random.integers(0, 3, people), random.integers(1, 29, people)
    return {
        "adjusted": adjusted(event=event, treated=treated, covariates={"age": age}, alpha=0.05),
        "by_person": by_person(event=event, treated=treated, person=days, alpha=0.05),
        "interaction": interaction(event=event, treated=treated, subgroup=age),
        "curve": kaplan_meier(days=days, event=event, alpha=0.05),
        "log_rank": log_rank(days=days, event=event, treated=treated),
    }


def main() -> None:
    assert AGREED  # the protocol under which the extract was made is one that is known
    warnings.simplefilter("ignore")  # what a fit says on its way is no figure
    random = np.random.default_rng(20261123)
    trials = [plain(small_trial(random)) for _ in range(TRIALS)]
    whole = json.loads(as_json(report(read(Path(sys.argv[1])))))
    json.dump({"trials": trials, "report": whole}, sys.stdout, indent=1)


if __name__ == "__main__":
    main()

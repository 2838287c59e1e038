"""No group is too small to be shown, and none is left out, so that none can be worked out."""

import numpy as np
import pandas as pd
import pytest

from evaluation.groups import Grouping, grouped
from tests.support.fixture_protocol import AGREED
from trial.protocol.plan import AnalysisPlan, Merge

MINIMUM = 10
PLAN = AGREED.analysis.model_copy(update={"merges": ()})


def people(**sizes: int) -> pd.DataFrame:
    """So many people of each sex, half of them in either arm."""
    codes = [code for code, n in sizes.items() for _ in range(n)]
    return pd.DataFrame({"sex": codes, "arm": [("a", "b")[i % 2] for i in range(len(codes))]})


def by_sex(rows: pd.DataFrame, plan: AnalysisPlan = PLAN, *, arms: bool = False) -> Grouping:
    by = rows["arm"] if arms else None
    return grouped(rows, "sex", plan=plan, minimum=MINIMUM, by=by)


def sizes(found: Grouping) -> dict[str, int]:
    return {title: int((found.groups == title).sum()) for title in found.titles}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"male": 50, "female": 30}, {"male": 50, "female": 30}),
        ({"male": 50, "female": 30, "not_known": 4}, {"male": 50, "female or not known": 34}),
        ({"male": 50, "female": 9, "not_known": 4}, {"male": 50, "female or not known": 13}),
        (
            {"male": 90, "female": 40, "other": 3, "not_known": 4},
            {"male": 90, "female or other or not known": 47},
        ),
        ({"male": 50, "female": 3}, {"male or female": 53}),
        ({"male": 4}, {"male": 4}),
        ({}, {}),
    ],
)
def test_a_small_group_joins_the_smallest_other(
    before: dict[str, int], after: dict[str, int]
) -> None:
    found = by_sex(people(**before))
    assert sizes(found) == after
    assert bool(found.unplanned) == (len(after) < len(before))
    assert found.has_groups == (len(after) > 1)


def test_each_arm_of_a_group_must_have_enough_people() -> None:
    rows = people(male=60, female=24)
    rows.loc[rows["sex"] == "female", "arm"] = ["a"] * 20 + ["b"] * 4
    assert sizes(by_sex(rows)) == {"male": 60, "female": 24}
    assert sizes(by_sex(rows, arms=True)) == {"male or female": 84}


def test_on_a_scale_only_neighbours_are_merged() -> None:
    rows = pd.DataFrame({"age_band": ["18-24"] * 3 + ["25-34"] * 90 + ["35-44"] * 11})
    found = grouped(rows, "age_band", plan=PLAN, minimum=MINIMUM)
    assert sizes(found) == {"18 to 24 or 25 to 34": 93, "35 to 44": 11}


def test_a_merge_that_the_plan_names_is_not_a_departure() -> None:
    merge = Merge(characteristic="sex", codes=("female", "other", "not_known"), title="not male")
    plan = PLAN.model_copy(update={"merges": (merge,)})
    found = by_sex(people(male=50, female=30, not_known=3), plan)
    assert sizes(found) == {"male": 50, "not male": 33}
    assert found.unplanned == []
    assert found.planned == ["Sex: female and not known are shown as one."]
    assert sizes(by_sex(people(male=50, female=30), plan)) == {"male": 50, "female": 30}


def test_strata_are_named_by_the_days_in_their_ids_and_merged_by_ids() -> None:
    rows = pd.DataFrame({"stratum": ["14"] * 40 + ["15-60"] * 30 + ["longer"] * 3})
    merge = Merge(characteristic="stratum", codes=("15-60", "longer"), title="over 14 days")
    planned = PLAN.model_copy(update={"merges": (merge,)})
    for plan, other in ((PLAN, "15 to 60 days or longer"), (planned, "over 14 days")):
        found = grouped(rows, "stratum", plan=plan, minimum=MINIMUM)
        assert sizes(found) == {"14 days": 40, other: 33}


def test_withheld_and_not_said_do_not_form_groups() -> None:
    rows = pd.DataFrame({"ethnicity_group": ["white"] * 40 + ["asian"] * 20 + [""] * 30})
    found = grouped(rows, "ethnicity_group", plan=PLAN, minimum=MINIMUM)
    assert sizes(found) == {"white": 40, "Asian": 20}
    assert found.unknown == 30
    rows = pd.DataFrame({"first_order": pd.array([True] * 12 + [False] * 15 + [None] * 10)})
    found = grouped(rows, "first_order", plan=PLAN, minimum=MINIMUM)
    assert sizes(found) == {"yes": 12, "no": 15}
    assert found.unknown == 10


def test_a_few_with_no_recorded_value_cannot_be_found_by_subtraction() -> None:
    """What happened to two people would be the total less the groups."""
    rows = pd.DataFrame({"first_order": pd.array([True] * 12 + [False] * 15 + [None] * 2)})
    found = grouped(rows, "first_order", plan=PLAN, minimum=MINIMUM)
    assert sizes(found) == {"yes or not said": 14, "no": 15}
    assert found.unknown == 0
    (why,) = found.unplanned
    assert why.endswith("yes and not said are shown as one, since there are fewer than 10 of whom "
                        "it is not said.")  # fmt: skip


def test_a_few_in_one_arm_with_no_recorded_value_join_a_group_in_both_arms() -> None:
    rows = pd.DataFrame(
        {
            "risk_grade": ["high"] * 40 + ["medium"] * 60 + [None] * 23,
            "arm": ["a", "b"] * 50 + ["a"] * 20 + ["b"] * 3,
        }
    )
    apart = grouped(rows, "risk_grade", plan=PLAN, minimum=MINIMUM)
    assert sizes(apart) == {"medium": 60, "high": 40}
    found = grouped(rows, "risk_grade", plan=PLAN, minimum=MINIMUM, by=rows["arm"])
    assert sizes(found) == {"medium": 60, "high or not said": 63}


@pytest.mark.parametrize("seed", range(60))
def test_no_group_is_too_small_and_nobody_is_left_out(seed: int) -> None:
    random = np.random.default_rng(seed)
    how_many = int(random.integers(0, 150))
    shares = random.dirichlet([3, 1, 0.3, 0.3])
    rows = pd.DataFrame(
        {
            "sex": random.choice(["male", "female", "other", "not_known"], how_many, p=shares),
            "arm": random.choice(["a", "b"], how_many),
        },
        dtype=object,
    )
    found = by_sex(rows, arms=True)
    assert sum(sizes(found).values()) == len(rows)
    if found.has_groups:
        for title in found.titles:
            for arm in set(rows["arm"]):
                assert ((found.groups == title) & (rows["arm"] == arm)).sum() >= MINIMUM


def test_codes_that_cross_two_characteristics_are_all_shown_or_all_hidden() -> None:
    """Durham has 58 people, and 20 orders are of 14 days: that is said in tables of their own."""
    few = {"durham, 14": 8, "durham, 28": 50, "cumbria, 14": 12, "cumbria, 28": 60}
    rows = pd.DataFrame({"place": [code for code, n in few.items() for _ in range(n)]})
    found = grouped(rows, "place", plan=PLAN, minimum=MINIMUM, crossed=True)
    assert sizes(found) == {"all together": 130}
    enough = rows.iloc[8:]
    found = grouped(enough, "place", plan=PLAN, minimum=MINIMUM, crossed=True)
    assert len(found.titles) == 3

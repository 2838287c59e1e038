"""The small-cell rule: no ethnicity shared by too few people is shown."""

from collections import Counter
from itertools import repeat

from hypothesis import given
from hypothesis import strategies as some

from extract.cells import Cells, cell
from extract.codes import Group, group_of
from extract.columns.enrolments import EnrolmentRow
from tests.support.extracts import enrolment_row
from trial.codes import AgeBand, Ethnicity, Sex

MINIMUM = 3

people = some.tuples(
    some.sampled_from([AgeBand.FROM_18, AgeBand.FROM_55]),
    some.sampled_from([Sex.MALE, Sex.FEMALE]),
    some.sampled_from([*Ethnicity, *Group, None]),
)


def shown(*rows: EnrolmentRow) -> list[EnrolmentRow]:
    cells = Cells(Counter(map(cell, rows)), MINIMUM)
    return [cells.shown(row) for row in rows]


def many(count: int, ethnicity: Ethnicity | Group | None) -> list[EnrolmentRow]:
    return list(repeat(enrolment_row(ethnicity=ethnicity), count))


def told(rows: list[EnrolmentRow]) -> list[tuple[str | None, str | None]]:
    return [(row.ethnicity, row.ethnicity_group) for row in rows]


def test_a_large_enough_ethnicity_is_shown_as_it_is() -> None:
    assert told(shown(*many(3, Ethnicity.A1))) == [("A1", "asian")] * 3


def test_a_small_ethnicity_is_shown_as_its_group() -> None:
    rows = [*many(2, Ethnicity.A1), *many(1, Ethnicity.A2)]
    assert told(shown(*rows)) == [("asian", "asian")] * 3


def test_a_small_ethnic_group_is_withheld() -> None:
    assert told(shown(*many(2, Ethnicity.A1))) == [(None, None)] * 2


def test_a_common_code_does_not_reveal_the_rest_of_its_group() -> None:
    rows = [*many(9, Ethnicity.A1), *many(1, Ethnicity.A2)]
    assert told(shown(*rows)) == [*([("A1", "asian")] * 9), (None, None)]


def test_not_asked_is_shown_with_not_stated() -> None:
    rows = [*many(1, Ethnicity.NS), *many(1, Group.NOT_STATED), *many(1, None)]
    assert told(shown(*rows)) == [("not_stated", "not_stated")] * 3


@given(some.lists(people, max_size=60))
def test_no_ethnicity_with_fewer_people_than_the_minimum_is_shown(
    given: list[tuple[AgeBand, Sex, Ethnicity | Group | None]],
) -> None:
    before = [enrolment_row(age_band=age, sex=sex, ethnicity=code) for age, sex, code in given]
    after = shown(*before)
    for column in ("ethnicity", "ethnicity_group"):
        cells = Counter((row.age_band, row.sex, getattr(row, column)) for row in after)
        assert all(count >= MINIMUM or code is None for (_, _, code), count in cells.items())
    for one, other in zip(before, after, strict=True):
        same = {"ethnicity", "ethnicity_group"}
        assert one.model_dump(exclude=same) == other.model_dump(exclude=same)
        recorded = one.ethnicity or Group.NOT_STATED
        assert other.ethnicity in (recorded, group_of(recorded), None)
        assert other.ethnicity_group == (group_of(recorded) if other.ethnicity else None)

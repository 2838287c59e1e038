import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from enrolment.wire import EnrolmentIn, ResumeIn
from tests.support.samples import order
from trial.api.problems import FieldProblem, field_problems

PERSONAL = "Zaphod 1979-10-12"


def problems(body: object) -> list[FieldProblem]:
    try:
        EnrolmentIn.model_validate(body)
    except ValidationError as error:
        return field_problems(error.errors())
    return []


def test_a_valid_body_has_no_problems() -> None:
    assert problems(order()) == []


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        (order(order={"court": 5}), "order.court", "must be text"),
        (order(respondent={"sex": PERSONAL}), "respondent.sex", "must be 'male', "),
        (order(respondent={"shoe_size": 9}), "respondent.shoe_size", "is no field of this"),
        (order(respondent={PERSONAL: 9}), "respondent.(a field)", "is no field of this"),
        (
            order(respondent={"person_id": PERSONAL}),
            "respondent.person_id",
            "is not an id: letters",
        ),
        (order(respondent={"date_of_birth": "12/10/1979"}), "respondent.date_of_birth", "is not"),
        (
            order(protected_numbers=["+447700900456", PERSONAL]),
            "protected_numbers.1",
            "is not in E.164 form",
        ),
        (order(mobile={"number": PERSONAL}), "mobile.number", "is not in E.164 form"),
        (order(order={"expires_on": "2026-11-29"}), "order.expires_on", "is before made_on"),
        (order(order={"conditions": []}), "order.conditions", "has too few entries"),
        (order(order={"conditions": [None]}), "order.conditions.0", "must be 'no_molestation', "),
        (PERSONAL, "", "must be an object"),
        ([], "", "must be an object"),
        (None, "", "must be an object"),
    ],
)
def test_each_problem_names_its_field_and_says_what_is_wrong(
    body: object, field: str, message: str
) -> None:
    (problem,) = problems(body)
    assert problem.field == field
    assert problem.message.startswith(message)


def test_the_one_code_that_a_field_allows_is_named() -> None:
    body = {"reason": PERSONAL, "at": "2026-12-01T09:00:00Z", "by": "PC-1182"}
    with pytest.raises(ValidationError) as refusal:
        ResumeIn.model_validate(body)
    (problem,) = field_problems(refusal.value.errors())
    assert problem == FieldProblem(field="reason", message="must be 'in_custody'")


def test_every_fault_has_its_problem() -> None:
    body = order(order={"court": None}, mobile={"number": None}, protected_numbers={})
    assert {each.field for each in problems(body)} == {
        "order.court",
        "mobile.number",
        "protected_numbers",
    }


def places(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The path of everything in a body, itself included."""
    inside: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        inside = [*value.items()]
    elif isinstance(value, list):
        inside = [*enumerate(value)]
    return [path] + [place for step, each in inside for place in places(each, (*path, step))]


def replaced(value: Any, path: tuple[str | int, ...], new: object) -> Any:
    if not path:
        return new
    step, *rest = path
    copy = value.copy()
    copy[step] = replaced(value[step], tuple(rest), new)
    return copy


WHOLE = order(protected_numbers=["+447700900456"])
anything = st.recursive(
    st.sampled_from([PERSONAL, f" {PERSONAL}", f"{PERSONAL}\n", f"+44{PERSONAL}"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.just(PERSONAL), inner),
    max_leaves=3,
)


@given(place=st.sampled_from(places(WHOLE)), new=anything)
def test_no_problem_repeats_a_given_value_wherever_it_was(
    place: tuple[str | int, ...], new: object
) -> None:
    told = [problem.model_dump() for problem in problems(replaced(WHOLE, place, new))]
    assert PERSONAL not in json.dumps(told)


def test_messages_from_pydantic_are_passed_on_only_if_they_are_known_to_hold_no_value() -> None:
    with pytest.raises(ValidationError) as error:
        TypeAdapter(float).validate_python(PERSONAL)
    (problem,) = field_problems(error.value.errors())
    assert problem.message == "is not valid"

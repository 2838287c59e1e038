"""Each check of the demo can fail: a good run with one fault names the order."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from commands.api import Answer
from commands.deployed_stack import ROOT
from local.demo import checks
from local.demo.checks import CHECKS, verdicts
from local.demo.demo import FAULTS_ONLY
from local.demo.orders import OrderStory
from local.demo.run import Case, DemoText, Run, local
from tests.local.demo.demo_run import good_run
from trial.codes import Arm, Condition, ReminderState


@pytest.fixture(scope="module")
def run() -> Run:
    return good_run(24)


def find(run: Run, kind: OrderStory = OrderStory.ON_TIME, arm: Arm | None = None) -> Case:
    return next(
        case for case in run.cases if case.order.kind is kind and (arm is None or case.arm is arm)
    )


def with_case(run: Run, case: Case, **changes: Any) -> Run:
    cases = tuple(replace(case, **changes) if other is case else other for other in run.cases)
    return replace(run, cases=cases)


def with_reminder(run: Run, case: Case, index: int, **changes: Any) -> Run:
    assert case.allocation
    reminders = [dict(reminder) for reminder in case.reminders]
    reminders[index] |= changes
    return with_case(run, case, allocation=case.allocation | {"reminders": reminders})


def with_text(run: Run, case: Case, body: str = "Durham Police: hello") -> Run:
    noon = run.started_at + timedelta(days=5, hours=3)
    return replace(run, texts=(*run.texts, DemoText(case.order.number or "", body, noon)))


def without_text(run: Run, case: Case) -> Run:
    return replace(run, texts=tuple(t for t in run.texts if t is not run.texts_to(case)[2]))


def changed_text(run: Run, case: Case, **changes: Any) -> Run:
    first = run.texts_to(case)[0]
    return replace(run, texts=tuple(replace(t, **changes) if t is first else t for t in run.texts))


def at(run: Run, case: Case, hour: int, minute: int, days: int = 0) -> Run:
    seen = local(run.texts_to(case)[0].seen_at) + timedelta(days=days)
    return changed_text(run, case, seen_at=seen.replace(hour=hour, minute=minute, second=0))


def never_told_the_conditions(run: Run, case: Case) -> Run:
    first = run.texts_to(case)[0]
    late = with_reminder(run, case, 0, sent_at=None, state="suppressed", reason="missed_late_start")
    return replace(late, texts=tuple(text for text in run.texts if text is not first))


def misstated(run: Run, case: Case, body: str) -> Run:
    order = case.order.body["order"] | {"conditions": [Condition.NO_MOLESTATION]}
    mild = replace(case.order, body=case.order.body | {"order": order})
    texts = tuple(text for text in run.texts if text.number != case.order.number)
    return with_text(replace(with_case(run, case, order=mild), texts=texts), case, body)


def text_in_custody(run: Run, case: Case) -> Run:
    assert case.order.taken_at
    body = run.texts_to(case)[0].body
    later = DemoText(case.order.number or "", body, case.order.taken_at + timedelta(hours=1))
    return replace(run, texts=(*run.texts, later))


def test_a_good_run_passes_every_check(run: Run) -> None:
    assert not any(verdicts(run).values())


Spoil = Callable[[Run, Case], Run]
Check = Callable[[Run], Iterator[str]]


def answered(*answers: Answer, after: int = 0) -> Spoil:
    """These answers, after so many of the right ones."""
    return lambda run, case: with_case(run, case, answers=(*case.answers[:after], *answers))


def allocated(arm: str | None, reminders: Callable[[Run, Case], Any] = lambda *_: []) -> Spoil:
    """Another allocation; or, without an arm, none."""
    return lambda run, case: with_case(
        run, case, allocation=arm and {"arm": arm, "reminders": reminders(run, case)}
    )


def recorded(index: int, **changes: Any) -> Spoil:
    return lambda run, case: with_reminder(run, case, index, **changes)


def texted(**changes: Any) -> Spoil:
    return lambda run, case: changed_text(run, case, **changes)


def like(field: str, index: int) -> Spoil:
    """The first text as another of the case's in one respect."""
    return lambda run, case: changed_text(
        run, case, **{field: getattr(run.texts_to(case)[index], field)}
    )


def without_the_fifth(_: Run, case: Case) -> list[dict[str, Any]]:
    return [*case.reminders[:4], *case.reminders[5:]]


def of_the_other_arm(run: Run, _: Case) -> Any:
    return find(run, arm=Arm.INTERVENTION).reminders


MISSED = {"sent_at": None, "state": "suppressed"}
ELIGIBLE = Answer(202, {"status": "eligible", "reasons": []})
SPOILT: dict[tuple[Check, OrderStory, Arm | None], list[Spoil]] = {
    (checks.check_answers, OrderStory.INVALID, None): [answered(Answer(202, {}))],
    (checks.check_answers, OrderStory.UNSIGNED, None): [answered(Answer(202, {}))],
    (checks.check_answers, OrderStory.NUMBER_FOUND, None): [answered(Answer(409, {}), after=1)],
    (checks.check_answers, OrderStory.REPEATED, None): [
        lambda run, case: with_case(run, case, answers=(case.answers[0],) * 2),
        answered(Answer(200, {"enrolment_id": "other"}), after=1),
    ],
    (checks.check_decisions, OrderStory.UNSAFE_NUMBER, None): [answered(ELIGIBLE)],
    (checks.check_decisions, OrderStory.NO_NUMBER, None): [allocated("control")],
    (checks.check_decisions, OrderStory.ON_TIME, None): [allocated(None)],
    (checks.check_dose, OrderStory.ON_TIME, Arm.INTERVENTION): [without_text, with_text],
    (checks.check_ended, OrderStory.CUSTODY, Arm.INTERVENTION): [
        text_in_custody,
        recorded(-1, reason="stale"),
    ],
    (checks.check_late_starts, OrderStory.POSTED_LATE, Arm.INTERVENTION): [
        never_told_the_conditions,
        recorded(4, **MISSED, reason="stale"),
        recorded(-1, **MISSED, reason="missed_late_start"),
        allocated(Arm.INTERVENTION, without_the_fifth),
    ],
    (checks.check_records, OrderStory.ON_TIME, Arm.INTERVENTION): [
        recorded(0, state=ReminderState.UNKNOWN),
        recorded(0, sent_at=None),
        texted(delivered=False),
        texted(delivered=None),
    ],
    (checks.check_records, OrderStory.POSTED_LATE, Arm.INTERVENTION): [without_text],
    (checks.check_once, OrderStory.ON_TIME, Arm.INTERVENTION): [
        like("body", -1),
        like("seen_at", 1),
    ],
    (checks.check_hours, OrderStory.ON_TIME, Arm.INTERVENTION): [
        partial(at, hour=8, minute=59),
        partial(at, hour=20, minute=0),
    ],
    (checks.check_days, OrderStory.ON_TIME, Arm.INTERVENTION): [
        partial(at, hour=9, minute=0),
        lambda run, case: at(run, case, 9, 0, days=case.order.days),
    ],
    (checks.check_wording, OrderStory.ON_TIME, Arm.INTERVENTION): [
        partial(misstated, body=body)
        for body in (
            "Do not reply, and do not ask others.",
            "no contact with the person it protects",
            "do not go into the address",
            "keep away from the address",
            "Do not go in.",
            "in force until Wed 30 Sep 2026.",
        )
    ],
    (checks.check_one_part, OrderStory.ON_TIME, Arm.INTERVENTION): [
        texted(body="x" * 161),
        texted(body="one curly quote \N{RIGHT SINGLE QUOTATION MARK}"),
    ],
    (checks.check_control, OrderStory.ON_TIME, Arm.CONTROL): [
        with_text,
        allocated(Arm.CONTROL, of_the_other_arm),
    ],
    (checks.check_not_randomised, OrderStory.UNSAFE_NUMBER, None): [with_text],
    (checks.check_not_randomised, OrderStory.NOT_SERVED, None): [with_text],
    (checks.check_not_randomised, OrderStory.INVALID, None): [with_text],
    (checks.check_recipients, OrderStory.ON_TIME, Arm.CONTROL): [with_text],
    (checks.check_recipients, OrderStory.UNSIGNED, None): [with_text],
}


@pytest.mark.parametrize(
    ("check", "kind", "arm", "spoil"),
    [(*which, spoil) for which, spoils in SPOILT.items() for spoil in spoils],
)
def test_a_faulty_run_fails_its_check_and_names_the_order(
    run: Run, check: Check, kind: OrderStory, arm: Arm | None, spoil: Spoil
) -> None:
    case = find(run, kind, arm)
    problems = list(check(spoil(run, case)))
    assert len(problems) == 1
    assert case.order.reference in problems[0]


def test_a_text_whose_receipt_is_still_to_come_may_be_sent_or_unconfirmed(run: Run) -> None:
    case = find(run, arm=Arm.INTERVENTION)
    for state in (ReminderState.SENT, ReminderState.UNCONFIRMED):
        waiting = changed_text(with_reminder(run, case, 0, state=state), case, delivered=None)
        assert list(checks.check_records(waiting)) == []


def test_a_protected_number_gets_no_text_even_if_its_order_is_in_intervention(run: Run) -> None:
    unsafe = find(run, OrderStory.UNSAFE_NUMBER)
    treated = with_case(run, unsafe, allocation={"arm": Arm.INTERVENTION, "reminders": []})
    case = find(treated, OrderStory.UNSAFE_NUMBER)
    assert list(checks.check_recipients(with_text(treated, case))) == [
        f"{case.order.reference}: 1 texts to this number"
    ]


def test_a_text_to_an_unknown_number_is_reported_by_its_last_digits(run: Run) -> None:
    stranger = replace(run.texts[0], number="+447700900999")
    assert list(checks.check_recipients(replace(run, texts=(*run.texts, stranger)))) == [
        "number ending 999: 1 texts to this number"
    ]


@pytest.mark.parametrize("arm", list(Arm))
def test_a_run_without_one_of_the_arms_proves_nothing(run: Run, arm: Arm) -> None:
    cases = tuple(case for case in run.cases if case.arm is not arm)
    assert f"nobody in {arm}" in checks.check_coverage(replace(run, cases=cases))


@pytest.mark.parametrize("side", ["before", "after"])
def test_a_run_with_all_texts_on_one_side_of_the_clock_change_proves_nothing(
    run: Run, side: str
) -> None:
    texts = tuple(
        text
        for text in run.texts
        if (local(text.seen_at).date() < run.clock_change) == (side == "after")
    )
    assert list(checks.check_coverage(replace(run, texts=texts))) == [
        f"no text {side} the clock change"
    ]


@pytest.mark.parametrize("kind", list(OrderStory))
def test_a_run_without_some_kind_of_order_proves_nothing(run: Run, kind: OrderStory) -> None:
    cases = tuple(case for case in run.cases if case.order.kind is not kind)
    assert f"no order of the kind {kind}" in checks.check_coverage(replace(run, cases=cases))


def test_every_check_is_part_of_the_verdict() -> None:
    written = {value for name, value in vars(checks).items() if name.startswith("check_")}
    assert set(CHECKS.values()) == written


def test_each_panel_that_may_be_empty_is_on_the_dashboard() -> None:
    dashboard = (ROOT / "infra" / "monitoring.yaml").read_text()
    assert {title for title in FAULTS_ONLY if f"title: {title}\n" not in dashboard} == set()


def test_a_found_number_that_leaves_the_waiting_list_unchanged_fails_the_check(run: Run) -> None:
    first, *others = run.found
    stuck = replace(run, found=(replace(first, after=first.before), *others))
    (problem,) = checks.check_work(stuck)
    assert problem.startswith(f"{first.reference}: {first.before} waited before")


def test_a_digest_of_another_s_orders_and_a_missing_digest_fail_the_check(run: Run) -> None:
    mine = run.cases[0].order.body["order"]["authorising_superintendent"]
    other = next(
        case.order.reference
        for case in run.cases
        if case.order.body["order"]["authorising_superintendent"] != mine
    )
    assert list(checks.check_work(replace(run, digest=f"{other}: no number"))) == [
        f"{other} is in a digest of {mine}'s"
    ]
    assert list(checks.check_work(replace(run, digest=""))) == [f"{mine} was sent no digest"]

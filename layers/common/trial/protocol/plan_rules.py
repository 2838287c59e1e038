"""The rules between the settings of an analysis plan."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from trial.codes import AgeBand, EndReason, PriorIncidents, RiskGrade, Sex
from trial.protocol.lines import ProtocolProblem, repeated
from trial.protocol.plan import AnalysisPlan, Strategy

_AT: Final = ("analysis",)
_CODES: Final = {
    "age_band": AgeBand,
    "sex": Sex,
    "prior_incidents": PriorIncidents,
    "risk_grade": RiskGrade,
}


def broken(plan: AnalysisPlan) -> Iterator[ProtocolProblem]:
    """Every problem within the plan."""
    yield from _looks(plan)
    yield from _estimand(plan)
    if plan.planned_risk_intervention >= plan.planned_risk_control:
        yield ProtocolProblem((*_AT, "planned_risk_intervention"), "not below that of control")
    for id_ in repeated(endpoint.id for endpoint in plan.secondary):
        yield ProtocolProblem((*_AT, "secondary"), f"{id_} is listed twice")
    for name, code in repeated(
        (each.characteristic, c) for each in plan.merges for c in each.codes
    ):
        yield ProtocolProblem((*_AT, "merges"), f"{code} of {name} is listed twice")
    for merge in plan.merges:
        known = _CODES.get(merge.characteristic)
        for code in merge.codes if known else ():
            if code not in set(known or ()):
                yield ProtocolProblem((*_AT, "merges"), f"{merge.characteristic} has no {code}")
    for name in ("adjust_for", "subgroups"):
        for characteristic in repeated(getattr(plan, name)):
            yield ProtocolProblem((*_AT, name), f"{characteristic} is listed twice")


def locked_too_early(plan: AnalysisPlan, longest_days: int) -> Iterator[ProtocolProblem]:
    """Whether the lock date comes before the planned follow-up of everybody has ended."""
    planned = plan.recruitment
    if planned is None:
        return
    if planned.last_day <= planned.first_day:
        yield ProtocolProblem((*_AT, "recruitment", "last_day"), "not after the first day")
    follow_up = max((each.days or 0) for each in (plan.primary, *plan.secondary))
    over = planned.last_day + timedelta(days=longest_days + follow_up)
    if plan.lock_date < over:
        yield ProtocolProblem((*_AT, "lock_date"), f"the last person is followed until {over}")


def _looks(plan: AnalysisPlan) -> Iterator[ProtocolProblem]:
    at = (*_AT, "interim_looks")
    for look in plan.interim_looks:
        if look >= plan.lock_date:
            yield ProtocolProblem(at, f"{look} is not before the lock date")
        if plan.recruitment and look <= plan.recruitment.first_day:
            yield ProtocolProblem(at, f"{look}: nobody is randomised by then")
    for look in repeated(plan.interim_looks):
        yield ProtocolProblem(at, f"{look} is listed twice")
    if plan.interim_looks and not plan.monitoring:
        yield ProtocolProblem(at, "a look without a monitoring rule")
    spent = (*_AT, "monitoring", "benefit_p")
    if plan.monitoring and plan.monitoring.benefit_p >= plan.alpha:
        yield ProtocolProblem(spent, "not below alpha, which is for the end")
    elif plan.final_alpha <= 0:
        yield ProtocolProblem(spent, "the looks leave no alpha for the end")


def _estimand(plan: AnalysisPlan) -> Iterator[ProtocolProblem]:
    at = (*_AT, "estimand", "intercurrent")
    events = plan.estimand.intercurrent if plan.estimand else ()
    for event in repeated(each.event for each in events):
        yield ProtocolProblem(at, f"{event} is listed twice")
    for each in events:
        if each.strategy is Strategy.WHILE_AT_RISK and each.event not in set(EndReason):
            yield ProtocolProblem(
                at, f"{each.event} does not end an order: the outcome stays possible"
            )

"""No stack is deployed whose texts may cost more in a month than its spending limit."""

from argparse import Namespace
from typing import Any, cast

import pytest
from rich.console import Console

from commands.deploy.deploy import Deployment, deploy
from commands.deploy.refusals import parts_of, refuse_overspending
from tests.commands.deploy.test_deploy import Recorded
from tests.support.fixture_protocol import VERSION
from trial.protocol.settings import Protocol

PLANNED = "20261201T090000000000"


def deployed(given: dict[str, str], *, known: dict[str, str] | None = None) -> list[str]:
    """The requests to CloudFormation, where the existing stack has the parameters `known`."""
    texts = [("TextsPerDay", "60"), ("SpendLimitUsd", "100")]
    cloudformation = Recorded(
        describe_stacks={
            "Stacks": [
                {
                    "StackStatus": "UPDATE_COMPLETE",
                    "Parameters": [
                        {"ParameterKey": key, "ParameterValue": value}
                        for key, value in ({"Protocol": VERSION} | (known or {})).items()
                    ],
                }
            ]
        },
        create_change_set={"Id": "change"},
        describe_change_set={"Changes": []},
        get_template_summary={
            "Parameters": [
                *({"ParameterKey": key, "DefaultValue": value} for key, value in texts),
                *({"ParameterKey": key} for key in ("Protocol", "Stage")),
            ]
        },
    )
    storage = Recorded(list_objects_v2={"Contents": [{"Key": f"{PLANNED}.yaml"}]})
    clients = cast("Any", cloudformation), cast("Any", storage)
    command = Namespace(
        parameters=[("Protocol", VERSION), *given.items()],
        to=PLANNED,
        deposit=None,
        closes=False,
        stage="v1",
        watch=0,
        plan=True,
        yes=True,
    )
    deploy(Deployment(*clients, "a-stack", "a-bucket", "eu-west-2"), command, Console(quiet=True))
    return [name for name, _ in cloudformation.asked]


@pytest.mark.parametrize(
    ("given", "known"),
    [
        ({"TextsPerDay": "65"}, {}),
        ({}, {"TextsPerDay": "65"}),
        ({"SpendLimitUsd": "92"}, {}),
        ({"TextsPerDay": "200"}, {"SpendLimitUsd": "300"}),
    ],
)
def test_more_texts_than_the_limit_pays_for_are_refused_before_anything_changes(
    given: dict[str, str], known: dict[str, str]
) -> None:
    with pytest.raises(SystemExit, match="texts a day, of up to 1 parts each, may take"):
        deployed(given, known=known)


@pytest.mark.parametrize(
    "given", [{}, {"TextsPerDay": "64"}, {"TextsPerDay": "200", "SpendLimitUsd": "310"}]
)
def test_texts_within_the_spending_limit_are_deployed(given: dict[str, str]) -> None:
    assert "create_change_set" in deployed(given)


def test_the_template_s_default_limits_match_each_other(template: dict[str, Any]) -> None:
    refuse_overspending(
        {name: str(said.get("Default", "")) for name, said in template["Parameters"].items()},
        parts=1,
    )


def test_texts_of_two_parts_cost_twice_as_much(monkeypatch: pytest.MonkeyPatch) -> None:
    assert parts_of(VERSION) == parts_of("of-another-release-1") == 1
    deployed({"TextsPerDay": "64"})
    monkeypatch.setattr(Protocol, "most_parts", 2)
    assert parts_of(VERSION) == 2
    with pytest.raises(SystemExit, match="Give TextsPerDay=32 or less"):
        deployed({"TextsPerDay": "64"})
    deployed({"TextsPerDay": "32"})

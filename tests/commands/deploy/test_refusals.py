"""No protocol with a draft is deployed, and a trial is opened only as it was registered."""

from argparse import Namespace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from mypy_boto3_cloudformation.type_defs import StackTypeDef
from rich.console import Console

from commands.audit.registration import deposited, registration
from commands.deploy.deploy import deploy
from commands.deploy.refusals import (
    closed_but_unknown,
    refuse_closing,
    refuse_drafts,
    refuse_unregistered,
    to_be_deployed,
)
from tests.support.fixture_protocol import FIRST, REAL, VERSION
from tests.support.keys import mac_key
from trial.protocol import load as protocols
from trial.protocol.load import CURRENT, load

NEW = {"Protocol": FIRST}
CLOSED = {"TakesOrders": "false"}


def stack(version: str, *, takes_orders: str | None = None) -> StackTypeDef:
    """A stack as deployed; without `takes_orders`, from before there was such a parameter."""
    values = {"Protocol": version, "TakesOrders": takes_orders}
    parameters = [
        {"ParameterKey": name, "ParameterValue": value} for name, value in values.items() if value
    ]
    return cast("StackTypeDef", {"Parameters": parameters})


def deposit_of(version: str, folder: Path) -> Path:
    found = registration(load(version), mac_key("k"), datetime(2026, 11, 1, tzinfo=UTC))
    path = folder / "registration.json"
    path.write_bytes(deposited(found, b"")["registration.json"])
    return path


def test_the_protocol_is_the_given_one_else_the_deployed_one_else_the_current_one() -> None:
    assert to_be_deployed({"Protocol": "a"}, stack("b")) == "a"
    assert to_be_deployed({}, stack("b")) == "b"
    assert to_be_deployed({}, None) == CURRENT


def test_approved_wordings_may_be_deployed() -> None:
    refuse_drafts({"Protocol": VERSION}, None)


def test_a_draft_is_refused_by_its_name_and_what_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocols, "FOLDER", REAL)
    with pytest.raises(SystemExit) as refusal:
        refuse_drafts({}, stack(CURRENT))
    told = str(refusal.value)
    assert "  C1-KD (en): solicitor, specialist" in told
    assert "  C1-KD (cy): solicitor, specialist, translator" in told


def test_an_unknown_protocol_is_refused() -> None:
    with pytest.raises(SystemExit, match="cannot be used"):
        refuse_drafts({"Protocol": "fixture-0"}, None)


def test_a_stack_on_aws_cannot_pass_as_a_local_stack() -> None:
    with pytest.raises(SystemExit, match="OnAws=false"):
        refuse_drafts({"Protocol": VERSION, "OnAws": "false"}, None)


def test_a_deployment_that_opens_no_trial_needs_no_deposit() -> None:
    assert refuse_unregistered({}, stack(VERSION), None) is None
    assert refuse_unregistered({"Protocol": VERSION}, stack(VERSION), None) is None
    assert refuse_unregistered(NEW, None, None) is None


def test_a_trial_is_opened_as_registered_and_the_earlier_one_closes(tmp_path: Path) -> None:
    said = refuse_unregistered(NEW, stack(VERSION), deposit_of(FIRST, tmp_path))
    assert said == (
        "This opens the trial first, and closes fixture for new orders; the orders that there are "
        "continue, each in its own trial."
    )


@pytest.mark.parametrize("was", [VERSION, "gone-1"])
def test_another_trial_is_not_opened_without_its_deposit(was: str) -> None:
    with pytest.raises(SystemExit, match=f"Register it first .*PROTOCOL={FIRST}"):
        refuse_unregistered(NEW, stack(was), None)


def test_a_deployment_that_opens_a_trial_checks_the_deposit() -> None:
    deployment = cast("Any", SimpleNamespace(described=lambda: stack(FIRST)))
    command = Namespace(parameters=[("Protocol", VERSION)], deposit=None, closes=None)
    with pytest.raises(SystemExit, match="Register it first"):
        deploy(deployment, command, Console(quiet=True))


def test_another_plan_than_the_registered_one_is_not_opened(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="registers another plan"):
        refuse_unregistered(NEW, stack(VERSION), deposit_of(VERSION, tmp_path))
    changed = deposit_of(FIRST, tmp_path)
    changed.write_text(changed.read_text().replace(load(FIRST).sha256, "0" * 64))
    with pytest.raises(SystemExit, match="registers another plan"):
        refuse_unregistered(NEW, stack(VERSION), changed)


@pytest.mark.parametrize("takes_orders", [None, "true"])
def test_a_trial_is_closed_only_if_its_id_is_given(takes_orders: str | None) -> None:
    open_one = stack(VERSION, takes_orders=takes_orders)
    assert refuse_closing(CLOSED, open_one, "fixture") == (
        "This closes the trial fixture and opens no other; its orders continue in it."
    )
    with pytest.raises(SystemExit, match=r"this closes the trial fixture\. .*TRIAL=fixture"):
        refuse_closing(CLOSED, open_one, None)
    with pytest.raises(SystemExit, match="first is not open: fixture is"):
        refuse_closing(CLOSED, open_one, "first")


def test_a_deployment_that_closes_no_trial_needs_no_trial_id() -> None:
    assert refuse_closing({}, stack(VERSION), None) is None
    assert refuse_closing({}, stack(VERSION, takes_orders="false"), None) is None
    assert refuse_closing(CLOSED, stack(VERSION, takes_orders="false"), None) is None
    assert refuse_closing(CLOSED, None, None) is None


def test_a_deployment_that_closes_a_trial_checks_its_id() -> None:
    deployment = cast("Any", SimpleNamespace(described=lambda: stack(FIRST)))
    command = Namespace(parameters=[("TakesOrders", "false")], deposit=None, closes="fixture")
    with pytest.raises(SystemExit, match="fixture is not open"):
        deploy(deployment, command, Console(quiet=True))


def test_a_version_without_closed_trials_is_refused_because_it_would_open_one() -> None:
    assert closed_but_unknown(stack(VERSION, takes_orders="false"), {"Protocol"})
    assert not closed_but_unknown(stack(VERSION, takes_orders="false"), {"TakesOrders"})
    assert not closed_but_unknown(stack(VERSION, takes_orders="true"), {"Protocol"})


def test_a_closed_trial_is_opened_again_only_as_registered(tmp_path: Path) -> None:
    closed, again = stack(VERSION, takes_orders="false"), {"TakesOrders": "true"}
    assert refuse_unregistered({}, closed, None) is None
    with pytest.raises(SystemExit, match=f"Register it first .*PROTOCOL={VERSION}"):
        refuse_unregistered(again, closed, None)
    assert refuse_unregistered(again, closed, deposit_of(VERSION, tmp_path)) == (
        "This opens the trial fixture; the orders that there are continue, each in its own trial."
    )


def test_a_file_that_is_not_a_deposit_opens_no_trial(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("{}")
    with pytest.raises(SystemExit, match="not a registration"):
        refuse_unregistered(NEW, stack(VERSION), tmp_path / "x.json")
    with pytest.raises(SystemExit, match="No such file"):
        refuse_unregistered(NEW, stack(VERSION), tmp_path / "y.json")

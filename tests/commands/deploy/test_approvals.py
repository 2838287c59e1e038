"""No protocol with a draft is deployed to AWS."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from commands.deploy.approvals import refuse_drafts, to_be_deployed
from tests.support.fixture_protocol import REAL, VERSION
from trial.protocol import load as protocols
from trial.protocol.load import CURRENT

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import StackTypeDef


def stack(version: str) -> StackTypeDef:
    parameters = [{"ParameterKey": "Protocol", "ParameterValue": version}]
    return cast("StackTypeDef", {"Parameters": parameters})


def test_the_protocol_is_the_one_given_or_the_one_deployed_or_the_current_one() -> None:
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


def test_aws_cannot_be_passed_off_as_a_local_stack() -> None:
    with pytest.raises(SystemExit, match="OnAws=false"):
        refuse_drafts({"Protocol": VERSION, "OnAws": "false"}, None)

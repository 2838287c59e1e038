"""What a first event needs is ready before it, on Lambda; elsewhere an import does nothing."""

import subprocess
import sys

import pytest

from tests.proofs.simulation.world import SETTINGS
from tests.support.samples import ROOT
from trial.early import early

SAID = "AWS_LAMBDA_INITIALIZATION_TYPE"
LAMBDA = {SAID: "on-demand"}


def test_work_is_done_early_where_lambda_starts_the_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done: list[str] = []
    monkeypatch.setenv(SAID, LAMBDA[SAID])
    early(lambda: done.append("first"), lambda: done.append("second"))
    assert done == ["first", "second"]


def test_elsewhere_work_waits_until_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    monkeypatch.delenv(SAID, raising=False)
    early(lambda: done.append("first"))
    assert done == []


@pytest.mark.parametrize(("where", "made"), [(LAMBDA, "1 1 1 1"), ({}, "0 0 0 0")])
def test_sending_starts_with_its_clients_and_the_protocol(where: dict[str, str], made: str) -> None:
    """So do the other functions of an order, in the same way."""
    code = (
        "import sending.handler\n"
        "from trial.aws import clients\n"
        "from trial.protocol.load import load\n"
        "for each in (clients.dynamodb, clients.kms, clients.sns, load):\n"
        "    print(each.cache_info().currsize, end=' ')"
    )
    keys = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
    region = {"AWS_DEFAULT_REGION": "eu-west-2", "AWS_EC2_METADATA_DISABLED": "true"}
    path = {"PYTHONPATH": "functions:layers/common"}
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=SETTINGS | keys | region | path | where,
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.strip() == made

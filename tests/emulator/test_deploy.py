"""A deployment works from end to end, and a change of its template loses nothing."""

from datetime import timedelta

import pytest

from commands.api import Api
from commands.deploy import package
from commands.deploy.deploy import Deployment, forbidden
from commands.deploy.smoke import options, run
from local.emulator import emulator
from local.emulator.stack import LIBRARIES, NAME
from tests.emulator.conftest import System
from tests.support.fixture_protocol import REAL
from trial.protocol import load as protocols

pytestmark = pytest.mark.emulator
BUCKET = "next-version"


@pytest.fixture(scope="module")
def template(system: System) -> str:
    made, _ = package.build(
        package.linked_libraries(LIBRARIES),
        archives_at="s3://packages/",
        templates_at=f"{system.stack.endpoint_url}/packages/",
    )
    return made


def lost(system: System, template: str) -> list[str] | None:
    """What would be lost by a change to this template; none if nothing would change."""
    with system.at_its_time():
        deployment = Deployment(
            system.client("cloudformation"),
            system.client("s3"),
            NAME,
            BUCKET,
            "eu-west-2",
            f"{system.stack.endpoint_url}/{{bucket}}",
        )
        planned = deployment.plan(deployment.upload(template, {}), {}, watch_minutes=0)
        return None if planned is None else forbidden(list(deployment.changes(planned)))


def test_another_version_replaces_neither_the_table_nor_a_key(
    system: System, template: str
) -> None:
    assert "MemorySize: 512" in template
    assert lost(system, template.replace("MemorySize: 512", "MemorySize: 1024")) == []


def test_a_version_that_would_make_a_new_table_is_refused(system: System, template: str) -> None:
    own = "BillingMode: PAY_PER_REQUEST"
    assert template.count(own) == 1
    renamed = template.replace(own, f"{own}\n      TableName: another")
    assert "Table (AWS::DynamoDB::Table)" in (lost(system, renamed) or [])


def test_the_deployment_passes_its_smoke_test(
    system: System, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(protocols, "FOLDER", REAL)  # the stack's own
    with system.at_its_time():
        status = run(
            options([]),
            Api.local(system.stack),
            lambda until: system.walk(max(until, system.clock.now()) + timedelta(seconds=1)),
            longest_wait=timedelta(days=2),
        )
    assert status == 0, capsys.readouterr().out
    texts = emulator.texts(system.stack.port)
    assert texts
    assert all(text["PhoneNumber"].startswith("+447700900") for text in texts)

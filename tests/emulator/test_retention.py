"""Audit and retention on the emulator: started by their triggers, with their own rights."""

from datetime import UTC, datetime, time, timedelta

import pytest
from rich.progress import Progress

from commands.audit.audit_findings import Chain, TrailFault
from commands.audit.verify_audit import AnyFinding, AuditTrail, verify
from commands.deployed_stack import DeployedStack
from local.emulator.clock import settle
from tests.emulator.conftest import System
from tests.support.samples import LONDON

pytestmark = [pytest.mark.emulator, pytest.mark.xdist_group("retention")]

SERIALS = range(801, 805)


def verified(system: System) -> tuple[Chain, list[AnyFinding]]:
    with system.at_its_time():
        ids = DeployedStack.local(system.stack).ids
        place = AuditTrail(
            system.client("s3"),
            system.client("dynamodb"),
            system.client("lambda"),
            ids["AuditBucket"],
            ids["Table"],
            ids["AuditFunction"],
        )
        with Progress(disable=True) as progress:
            chain, wrong, _ = verify(place, progress, noted=None, now=datetime.now(UTC))
    return chain, wrong


def test_due_data_is_erased_at_night_and_every_act_is_exported(system: System) -> None:
    tomorrow = system.today + timedelta(days=1)
    system.clock.jump(datetime.combine(tomorrow, time(9, 30), LONDON).astimezone(UTC))
    last_day = tomorrow + timedelta(days=13)
    idents = [system.enrol(serial) for serial in SERIALS]
    settle(system.stack.port)
    body = {"reason": "proceedings", "by": "PC-1182"}
    assert system.call("POST", f"/enrolments/{idents[0]}/hold", body).status == 200
    settle(system.stack.port)
    system.clock.jump(datetime.combine(last_day + timedelta(days=91), time(0, 30), UTC))
    system.walk(datetime.combine(last_day + timedelta(days=91), time(2), UTC))
    shown = [system.call("GET", f"/enrolments/{ident}").body for ident in idents]
    assert [bool(each["erased_at"]) for each in shown] == [False, True, True, True]
    assert [each["mobile"]["known"] for each in shown] == [True, False, False, False]
    settle(system.stack.port)
    chain, wrong = verified(system)
    assert wrong == []
    told = [entry.what for entry in chain.entries.values()]
    assert told.count("identifiers erased") == 3
    assert told.count("enrolled") == len(SERIALS)
    assert "not authorized" not in system.printed()
    change_a_byte(system)
    _, wrong = verified(system)
    assert {fault for fault, _ in wrong} >= {TrailFault.CHAIN_BROKEN}


def change_a_byte(system: System) -> None:
    """As nobody on AWS could, where a lock keeps every version."""
    with system.at_its_time():
        client, bucket = system.client("s3"), system.stack.outputs["AuditBucketName"]
        newest, *older = client.list_objects_v2(Bucket=bucket)["Contents"]
        assert newest["Key"] < older[0]["Key"]
        path = older[0]["Key"]
        content = client.get_object(Bucket=bucket, Key=path)["Body"].read()
        for version in client.list_object_versions(Bucket=bucket, Prefix=path)["Versions"]:
            client.delete_object(Bucket=bucket, Key=path, VersionId=version["VersionId"])
        client.put_object(Bucket=bucket, Key=path, Body=content.replace(b"arn", b"brn", 1))

"""The research extract on the emulator: fired at night, with its own rights, read with others'."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

from commands.staff.extract import fetch, newest
from local.emulator.clock import settle
from local.emulator.stack import access
from tests.support.extracts import opened
from tests.support.fixture_protocol import REAL
from tests.support.samples import LONDON, order
from trial.protocol.load import CURRENT, read

if TYPE_CHECKING:
    from pathlib import Path

    from tests.emulator.conftest import System

pytestmark = [pytest.mark.emulator, pytest.mark.xdist_group("extract")]

SERIALS = range(701, 707)
FORMS = ("blinded", "unblinded")
TRIAL = read(REAL / f"{CURRENT}.toml").trial


@pytest.fixture(scope="module")
def night(system: System) -> str:
    """Six orders, and the night after; the name of its extract."""
    tomorrow = system.clock.now().astimezone(LONDON).date() + timedelta(days=1)
    system.clock.jump(datetime.combine(tomorrow, time(9, 30), LONDON).astimezone(UTC))
    dates = {
        "made_on": tomorrow.isoformat(),
        "served_on": tomorrow.isoformat(),
        "expires_on": (tomorrow + timedelta(days=13)).isoformat(),
    }
    for serial in SERIALS:
        answer = system.call("POST", "/enrolments", order(serial, order=dates))
        assert answer.status == 202, answer.body
    settle(system.stack.port)
    after = tomorrow + timedelta(days=1)
    system.walk(datetime.combine(after, time(4), UTC))
    return after.isoformat()


@pytest.fixture(scope="module")
def fetched(
    system: System, night: str, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, Any]]:
    """Both packages of the night, as `make extract` would fetch them."""
    with system.at_its_time():
        client, bucket = system.client("s3"), system.stack.outputs["ExtractBucketName"]
        packages = {}
        for form in FORMS:
            folder: Path = tmp_path_factory.mktemp(form) / form
            source = newest(client, bucket, form)
            assert source == f"{form}/{TRIAL}/{night}/"
            fetch(client, bucket, source, folder)
            files = {path.name: path.read_bytes() for path in folder.iterdir()}
            packages[form] = opened(files, "")
    return packages


def test_every_night_all_that_happened_is_told(fetched: dict[str, dict[str, Any]]) -> None:
    blinded, unblinded = (fetched[form]["enrolments"] for form in FORMS)
    assert len(blinded) == len(unblinded) == len(SERIALS)
    arms = Counter(row["arm"] for row in unblinded)
    assert arms.keys() == {"control", "intervention"}
    assert sorted(Counter(row["arm"] for row in blinded).values()) == sorted(arms.values())
    treated = {row["enrolment"] for row in unblinded if row["arm"] == "intervention"}
    assert {row["enrolment"] for row in fetched["unblinded"]["reminders"]} == treated
    # The first reminder of each was due on the day before.
    assert [row["sent"] for row in unblinded if row["arm"] == "intervention"] == [1] * len(treated)


@pytest.mark.usefixtures("fetched")
@pytest.mark.parametrize("own", FORMS)
def test_a_reader_gets_one_form_only(system: System, night: str, own: str) -> None:
    reader = reading_with(system, own)
    bucket = system.stack.outputs["ExtractBucketName"]
    with system.at_its_time():
        for form in FORMS:
            wanted = {"Bucket": bucket, "Key": f"{form}/{TRIAL}/{night}/datapackage.json"}
            if form == own:
                said = json.load(reader.get_object(**wanted)["Body"])
                assert said["form"] == own
                listed = reader.list_objects_v2(Bucket=bucket, Prefix=f"{own}/")
                assert listed["KeyCount"] > 0
            else:
                with pytest.raises(ClientError, match="AccessDenied"):
                    reader.get_object(**wanted)
                with pytest.raises(ClientError, match="AccessDenied"):
                    reader.list_objects_v2(Bucket=bucket, Prefix=f"{form}/")
        with pytest.raises(ClientError, match="AccessDenied"):
            reader.list_objects_v2(Bucket=bucket, Prefix="staging/")
        with pytest.raises(ClientError, match="AccessDenied"):
            reader.put_object(Bucket=bucket, Key=f"{own}/{night}/datapackage.json", Body=b"")


def reading_with(system: System, form: str) -> Any:
    """An S3 client of somebody who has one reader's policy and nothing else."""
    policy = system.stack.outputs[f"Research{form.title()}ReaderArn"]
    with system.at_its_time():
        iam = system.client("iam")
        iam.create_user(UserName=f"reader-{form}")
        iam.attach_user_policy(UserName=f"reader-{form}", PolicyArn=policy)
        key = iam.create_access_key(UserName=f"reader-{form}")["AccessKey"]
    theirs = {
        "aws_access_key_id": key["AccessKeyId"],
        "aws_secret_access_key": key["SecretAccessKey"],
    }
    return boto3.client("s3", **access(system.stack.port) | theirs)


def test_it_runs_once_a_night_however_often_it_is_fired(system: System, night: str) -> None:
    lines = [json.loads(line) for line in system.printed().splitlines() if '"extracted"' in line]
    became = [line["became"] for line in lines if line["run"] == night]
    assert became == ["published", *["published_before"] * (len(became) - 1)]

"""
Whether a CloudTrail trail records reads of the trial's items and objects, and how to let it.

A trail has either basic or advanced event selectors, and setting them replaces all that it has:
https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_PutEventSelectors.html. The
command therefore repeats what a trail has.
"""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_TABLE: Final = "AWS::DynamoDB::Table"
_OBJECT: Final = "AWS::S3::Object"
_MANAGEMENT: Final = {
    "Name": "Management",
    "FieldSelectors": [{"Field": "eventCategory", "Equals": ["Management"]}],
}


class DataEvents(NamedTuple):
    """What must be recorded: the items of a table, or the objects of a bucket."""

    kind: str
    arn: str


def of_table(name: str, region: str, account: str) -> DataEvents:
    """The items of a table."""
    return DataEvents(_TABLE, f"arn:aws:dynamodb:{region}:{account}:table/{name}")


def of_bucket(name: str) -> DataEvents:
    """The objects of a bucket."""
    return DataEvents(_OBJECT, f"arn:aws:s3:::{name}/")


def unrecorded(client: Any, wanted: Iterable[DataEvents]) -> tuple[list[DataEvents], str]:  # noqa: ANN401 - boto3's
    """What no trail records, and the command that lets the first trail record it."""
    trails = [each["TrailARN"] for each in client.describe_trails()["trailList"]]
    recording = [each for each in trails if client.get_trail_status(Name=each)["IsLogging"]]
    found = [client.get_event_selectors(TrailName=each) for each in recording]
    missing = [each for each in wanted if not any(_records(trail, each) for trail in found)]
    if not trails:
        return missing, "cloudtrail create-trail --name dvpo-reminders --s3-bucket-name BUCKET"
    if not recording:
        return missing, f"cloudtrail start-logging --name {trails[0]}"
    selectors = shlex.quote(json.dumps(_with(found[0], missing)))
    form = "event-selectors" if _basic(found[0]) else "advanced-event-selectors"
    return (
        missing,
        f"cloudtrail put-event-selectors --trail-name {recording[0]} --{form} {selectors}",
    )


def _records(trail: Any, wanted: DataEvents) -> bool:  # noqa: ANN401 - of AWS's many forms
    basic = (
        value
        for selector in trail.get("EventSelectors", ())
        for resource in selector.get("DataResources", ())
        if resource["Type"] == wanted.kind
        for value in resource.get("Values", ())
    )
    return any(map(wanted.arn.startswith, basic)) or any(
        _selects(selector["FieldSelectors"], wanted)
        for selector in trail.get("AdvancedEventSelectors", ())
    )


def _selects(fields: Sequence[Any], wanted: DataEvents) -> bool:
    """Whether an advanced selector is for this resource, whatever else it leaves out."""
    by_name = {each["Field"]: each for each in fields}
    if wanted.kind not in by_name.get("resources.type", {}).get("Equals", ()):
        return False
    arns = by_name.get("resources.ARN")
    return arns is None or any(
        (
            *map(wanted.arn.startswith, arns.get("StartsWith", ())),
            wanted.arn in arns.get("Equals", ()),
        )
    )


def _basic(trail: Any) -> bool:  # noqa: ANN401 - of AWS's many forms
    """Whether a trail's basic selectors record data events, which advanced ones would replace."""
    return any(each.get("DataResources") for each in trail.get("EventSelectors", ()))


def _with(trail: Any, missing: Sequence[DataEvents]) -> list[Any]:  # noqa: ANN401 - as above
    """A trail's selectors, and those for what is missing."""
    if _basic(trail):
        resources = [{"Type": each.kind, "Values": [each.arn]} for each in missing]
        first, *rest = trail["EventSelectors"]
        return [first | {"DataResources": [*first.get("DataResources", ()), *resources]}, *rest]
    more = [
        {
            "Name": each.arn.rpartition(":")[2],
            "FieldSelectors": [
                {"Field": "eventCategory", "Equals": ["Data"]},
                {"Field": "resources.type", "Equals": [each.kind]},
                {"Field": "resources.ARN", "StartsWith": [each.arn]},
            ],
        }
        for each in missing
    ]
    return [*(trail.get("AdvancedEventSelectors") or [_MANAGEMENT]), *more]

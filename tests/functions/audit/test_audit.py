"""The audit trail, exported: each entry once, in one chain, in which nothing can be changed."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from rich.progress import Progress
from time_machine import Traveller

from audit.chain import ExportedEntry, Link, new_link, number_of, path_of, read, sha256
from audit.export import export
from audit.handler import lambda_handler
from audit.store import AuditStore
from commands.audit import verify_audit
from commands.audit.agreement import Disagreement
from commands.audit.audit_findings import TrailFault, TrailFinding
from commands.audit.verify_audit import AuditTrail, verify
from tests.support.buckets import make_bucket
from tests.support.faults import counting
from tests.support.life import CUSTODY, followed, report_change, shown
from tests.support.samples import MORNING, TABLE, order
from tests.support.steps import CONTEXT, announcement, failures, post, stream
from tests.support.table import everything, to_wire, wired
from trial.aws import clients
from trial.aws.table import Key
from trial.codes import Why
from trial.errors import ContendedError
from trial.records.audit import AuditEntry
from trial.retry import TRIES

BUCKET = "audit"
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _bucket(cloud: dict[str, str]) -> None:
    make_bucket(cloud["AUDIT_BUCKET"], locked=True)


def logged() -> list[Key]:
    """Where the entries in the table are, the oldest first."""
    entries = {key: item for key, item in everything().items() if item["kind"] == "audit"}
    return sorted(entries, key=lambda key: (entries[key]["at"], key.sk))


def announce(*keys: Key) -> Any:
    """Let the stream bring these entries."""
    records = [announcement(key, sequence) for sequence, key in enumerate(keys, start=1)]
    for record in records:
        record["eventName"] = "INSERT"
    return lambda_handler(stream(*records), CONTEXT)


def links() -> list[Link]:
    """All links, the first one first."""
    store = AuditStore(clients.s3(), BUCKET)
    return [read(store.link(number)) for number in range(1, store.newest() + 1)]


def exported() -> list[Key]:
    return [entry.key for link in links() for entry in link.entries]


def findings(*, noted: tuple[int, str] | None = None) -> set[tuple[TrailFault | Disagreement, str]]:
    place = AuditTrail(clients.s3(), clients.dynamodb(), None, BUCKET, TABLE, "")  # type: ignore[arg-type]
    with Progress(disable=True) as progress:
        _, wrong, _ = verify(place, progress, noted=noted, now=datetime.now(UTC))
    return {(fault, where.partition(",")[0].partition(" (")[0]) for fault, where in wrong}


def faults() -> list[TrailFault | Disagreement]:
    return sorted(fault for fault, _ in findings())


def named(key: Key) -> str:
    return f"{key.pk} {key.sk}"


@pytest.fixture
def lived(clock: Traveller) -> list[Key]:
    """The entries of two people's first hours, exported in three links."""
    followed(1)
    ident = followed(2)
    announce(*logged())
    for hours in (1, 2):
        clock.move_to(MORNING + hours * HOUR)
        shown(ident)
        announce(*logged()[-1:])
    return logged()


# Entries


def test_an_entry_names_its_kind_of_processing() -> None:
    ident = followed(1)
    shown(ident)
    kinds = {item["what"]: item["why"] for item in everything().values() if "why" in item}
    assert kinds == {
        "enrolled": Why.COLLECTION,
        "allocated": Why.ALTERATION,
        "slot_drawn": Why.ALTERATION,
        "enrolment consulted": Why.CONSULTATION,
    }


@pytest.mark.parametrize(
    ("what", "why"),
    [
        ("text 3 disclosed", Why.DISCLOSURE),
        ("text 12 receipt collected", Why.COLLECTION),
        ("outcome_reported", Why.COLLECTION),
        ("number_protected", Why.COMBINATION),
        ("number_shared", Why.COMBINATION),
        ("identifiers erased", Why.ERASURE),
        ("mobile_changed", Why.ALTERATION),
        ("sending_paused", Why.ALTERATION),
    ],
)
def test_the_kind_of_act_implies_its_purpose(what: str, why: Why) -> None:
    assert AuditEntry(at=MORNING, what=what, by="somebody").why == why


def test_two_equal_acts_in_the_same_microsecond_are_two_entries() -> None:
    ident = followed(1)
    shown(ident)
    shown(ident)
    consulted = [each for each in everything().values() if each.get("what", "").endswith("ed")]
    assert [each["what"] for each in consulted].count("enrolment consulted") == 2


def test_an_entry_without_a_kind_of_processing_is_still_valid() -> None:
    item = {"kind": "audit", "at": "2026-12-01T09:30:00Z", "what": "enrolled", "by": "upstream"}
    assert AuditEntry.of(item).why is Why.COLLECTION


# Export


def test_every_entry_is_exported_with_the_hash_of_the_link_before(lived: list[Key]) -> None:
    assert sorted(exported()) == sorted(lived)
    store = AuditStore(clients.s3(), BUCKET)
    assert [link.number for link in links()] == [1, 2, 3]
    assert links()[0].previous == sha256(None)
    for link in links()[1:]:
        assert link.previous == sha256(store.link(link.number - 1))
    assert findings() == set()


def test_an_exported_entry_says_who_did_what_when_and_why(lived: list[Key]) -> None:
    entry = links()[-1].entries[0]
    assert (entry.key, entry.at) == (lived[-1], MORNING + 2 * HOUR)
    assert (entry.what, entry.why) == ("enrolment consulted", Why.CONSULTATION)
    assert entry.by == "arn:aws:iam::123456789012:user/upstream"


def test_a_redelivery_writes_nothing_twice(lived: list[Key], clock: Traveller) -> None:
    before = links()
    announce(*lived)
    announce(lived[-1])
    clock.move_to(MORNING + 23 * HOUR)
    announce(*lived[:2])
    assert links() == before


def test_a_backlog_takes_as_many_reads_as_it_has_links(lived: list[Key], clock: Traveller) -> None:
    """After an outage every entry is older than all links that are written meanwhile."""
    ident = UUID(lived[-1].pk.partition("#")[2])
    for _ in range(12):
        shown(ident)
    waiting = [key for key in logged() if key not in lived]
    clock.move_to(MORNING + 20 * HOUR)
    reads = []
    for key in waiting:
        with counting(clients.s3(), "s3.GetObject") as requests:
            announce(key)
        reads.append(len(requests))
    assert sum(reads) <= len(lived)
    assert reads[-1] == 0
    assert exported() == [*lived, *waiting]


def test_an_export_restarted_in_a_backlog_reads_each_link_once(clock: Traveller) -> None:
    ident = followed(1)
    for _ in range(5):
        shown(ident)
    clock.move_to(MORNING + 20 * HOUR)
    for key in logged()[:-2]:
        announce(key)
    last, entries = logged()[-2:], everything()
    store = AuditStore(clients.s3(), BUCKET)
    with counting(clients.s3(), "s3.GetObject") as requests:
        for key in last:
            entry = ExportedEntry.of(key, AuditEntry.of(entries[key]))
            assert export([entry], store=store, now=datetime.now(UTC)) == 1
    assert len(requests) == len(links()) - 2


def test_the_newest_link_of_another_bucket_is_not_remembered(lived: list[Key]) -> None:
    other = clients.s3().list_object_versions(Bucket=BUCKET)["Versions"]
    for each in other:
        clients.s3().delete_object(
            Bucket=BUCKET,
            Key=each["Key"],
            VersionId=each["VersionId"],
            BypassGovernanceRetention=True,
        )
    announce(lived[0])
    announce(*lived)
    assert exported() == lived


def test_the_rest_of_a_partly_exported_batch_is_exported() -> None:
    followed(1)
    first, *rest = logged()
    announce(first)
    announce(first, *rest)
    assert [[entry.key for entry in link.entries] for link in links()] == [[first], rest]


def test_an_invalid_entry_is_retried_and_does_not_delay_the_others() -> None:
    ident = followed(1)
    first, *rest = logged()
    broken = announcement(first, 1)
    broken["dynamodb"]["NewImage"]["number"] = {"S": "+447700900001"}
    answer = lambda_handler(stream(broken, *[announcement(key, 2) for key in rest]), CONTEXT)
    assert failures(answer) == ["000000000000000000001"]
    assert exported() == rest
    assert str(ident) in rest[0].pk


def test_nothing_personal_is_exported() -> None:
    given = order(1, protected_numbers=["+447700900777"])
    ident = post(given).body["enrolment_id"]
    report_change(ident, "end", CUSTODY)
    announce(*logged())
    text = "".join(link.model_dump_json() for link in links())
    for personal in ("+4477", "2003/", "1990-05-01", "DVPO-2026-", "Peterlee"):
        assert personal not in text


class Racing(AuditStore):
    """Another writer writes a link just before this one, this many times."""

    def __init__(self, times: int, entry: ExportedEntry) -> None:
        super().__init__(clients.s3(), BUCKET)
        self.times = times
        self.entry = entry

    def append(self, number: int, link: bytes) -> None:
        if self.times:
            self.times -= 1
            previous = sha256(self.link(number - 1) if number > 1 else None)
            other = self.entry.model_copy(update={"sk": f"{self.entry.sk}{self.times}"})
            theirs = new_link(number, [other], previous=previous, written_at=MORNING)
            super().append(number, theirs)
        super().append(number, link)


ENTRY = ExportedEntry(
    pk="history#1", sk="1", at=MORNING, what="enrolled", why=Why.COLLECTION, by="upstream"
)


def test_two_simultaneous_exports_make_one_chain() -> None:
    mine = ENTRY.model_copy(update={"sk": "mine"})
    store = Racing(3, ENTRY)
    assert export([mine], store=store, now=MORNING, pause=lambda _: None) == 1
    assert [len(link.entries) for link in links()] == [1, 1, 1, 1]
    assert exported()[-1] == mine.key
    for link in links()[1:]:
        assert link.previous == sha256(store.link(link.number - 1))


def test_an_export_that_is_always_overtaken_is_retried_by_the_stream() -> None:
    pauses: list[float] = []
    with pytest.raises(ContendedError):
        export([ENTRY], store=Racing(99, ENTRY), now=MORNING, pause=pauses.append)
    assert len(pauses) == TRIES - 1


def test_a_lost_answer_makes_no_second_link() -> None:
    class Losing(AuditStore):
        def append(self, number: int, link: bytes) -> None:
            super().append(number, link)
            super().append(number, link)  # as the SDK does when it has no answer

    store = Losing(clients.s3(), BUCKET)
    assert export([ENTRY], store=store, now=MORNING, pause=lambda _: None) == 0
    assert exported() == [ENTRY.key]


@pytest.mark.parametrize("number", [1, 2, 999, 10**9])
def test_a_link_s_path_gives_its_number(number: int) -> None:
    assert number_of(path_of(number)) == number
    assert path_of(number + 1) < path_of(number)


# Verification


def rewritten(number: int, change: Callable[[bytes], bytes]) -> None:
    """A link changed by somebody who may do anything: the old version is gone."""
    path = path_of(number)
    content = change(AuditStore(clients.s3(), BUCKET).link(number))
    for version in clients.s3().list_object_versions(Bucket=BUCKET, Prefix=path)["Versions"]:
        clients.s3().delete_object(
            Bucket=BUCKET, Key=path, VersionId=version["VersionId"], BypassGovernanceRetention=True
        )
    clients.s3().put_object(Bucket=BUCKET, Key=path, Body=content)


@pytest.mark.usefixtures("lived")
@pytest.mark.parametrize("number", [1, 2])
def test_a_change_of_one_byte_is_found(number: int) -> None:
    rewritten(number, lambda content: content.replace(b'"by": "arn', b'"by": "brn', 1))
    assert (TrailFault.CHAIN_BROKEN, path_of(number)) in findings()
    assert TrailFault.DIFFERENT in faults()


def test_an_object_that_is_not_a_link_is_found_and_delays_no_entry(lived: list[Key]) -> None:
    strange = ["links/", "links/000000000000.txt", "links/zaphod"]
    for path in strange:
        clients.s3().put_object(Bucket=BUCKET, Key=path, Body=b"")
    shown(UUID(lived[-1].pk.partition("#")[2]))
    announce(*logged())
    assert [link.number for link in links()] == [1, 2, 3, 4]
    assert findings() == {(TrailFault.STRANGE, path) for path in strange}


def test_an_object_under_the_next_link_s_name_ends_no_export(lived: list[Key]) -> None:
    """Nobody can remove it, so the chain continues after it and includes its hash."""
    clients.s3().put_object(Bucket=BUCKET, Key=path_of(4), Body=b"not a link")
    ident = UUID(lived[-1].pk.partition("#")[2])
    for _ in range(2):
        shown(ident)
        announce(logged()[-1])
        announce(*logged())  # a redelivery
    assert findings() == {(TrailFault.LINK_UNREADABLE, path_of(4))}


@pytest.mark.parametrize(
    "numbers", [(500,), (499, 500), (499_999_999_999,), (10**12 - 1,)], ids=str
)
def test_objects_under_far_links_names_end_no_export(
    lived: list[Key], numbers: tuple[int, ...]
) -> None:
    for number in numbers:
        clients.s3().put_object(Bucket=BUCKET, Key=path_of(number), Body=b"not a link")
    ident = UUID(lived[-1].pk.partition("#")[2])
    for _ in range(2):
        shown(ident)
        announce(logged()[-1])
        announce(*logged())
    assert TrailFault.NOT_EXPORTED not in faults()
    assert set(faults()) <= {
        *(TrailFault.STRANGE, TrailFault.LINK_MISSING, TrailFault.CHAIN_BROKEN)
    }


def test_a_link_that_somebody_removed_ends_no_export(lived: list[Key]) -> None:
    clients.s3().delete_object(Bucket=BUCKET, Key=path_of(2))
    export_anew = AuditStore(clients.s3(), BUCKET)
    entries = [ExportedEntry.of(key, AuditEntry.of(everything()[key])) for key in lived]
    again = [each for each in entries if each.at <= MORNING + 24 * HOUR]
    assert export(again, store=export_anew, now=datetime.now(UTC)) >= 1
    assert export_anew.newest() == 4


@pytest.mark.usefixtures("lived")
def test_one_added_space_is_found() -> None:
    rewritten(2, lambda content: content + b" ")
    assert findings() == {(TrailFault.CHAIN_BROKEN, path_of(2))}


@pytest.mark.usefixtures("lived")
def test_the_newest_link_is_checked_against_the_noted_one() -> None:
    remembered = sha256(AuditStore(clients.s3(), BUCKET).link(3))
    assert findings(noted=(3, remembered)) == set()
    rewritten(3, lambda content: content + b" ")
    assert findings() == set()  # nothing else can prove it
    assert findings(noted=(3, remembered)) == {(TrailFault.NOT_AS_NOTED, path_of(3))}


@pytest.mark.usefixtures("lived")
def test_a_truncated_chain_is_found_by_the_noted_link() -> None:
    assert (TrailFault.NOT_AS_NOTED, path_of(4)) in findings(noted=(4, "00"))


def test_a_missing_link_is_found(lived: list[Key], clock: Traveller) -> None:
    path = path_of(2)
    (version,) = clients.s3().list_object_versions(Bucket=BUCKET, Prefix=path)["Versions"]
    clients.s3().delete_object(
        Bucket=BUCKET, Key=path, VersionId=version["VersionId"], BypassGovernanceRetention=True
    )
    clock.move_to(MORNING + 3 * HOUR)
    assert findings() == {
        (TrailFault.LINK_MISSING, path),
        (TrailFault.NOT_EXPORTED, named(lived[-2])),
    }


@pytest.mark.usefixtures("lived")
def test_a_link_marked_as_deleted_is_found_and_still_read() -> None:
    clients.s3().delete_object(Bucket=BUCKET, Key=path_of(2))
    assert findings() == {(TrailFault.LINK_REMOVED, path_of(2))}


@pytest.mark.usefixtures("lived")
def test_a_rewritten_link_is_found_and_its_first_version_counts() -> None:
    clients.s3().put_object(Bucket=BUCKET, Key=path_of(2), Body=b"{}")
    assert findings() == {(TrailFault.LINK_REWRITTEN, path_of(2))}


@pytest.mark.usefixtures("lived")
def test_an_unreadable_link_is_found() -> None:
    rewritten(2, lambda _: b"{}")
    assert (TrailFault.LINK_UNREADABLE, path_of(2)) in findings()


def test_an_entry_that_was_not_exported_is_named_once_it_is_late(
    lived: list[Key], clock: Traveller
) -> None:
    ident = followed(3)
    late = [key for key in logged() if key not in lived]
    clock.shift(9 * MINUTE)
    assert findings() == set()
    clock.shift(2 * MINUTE)
    assert findings() == {
        *((TrailFault.NOT_EXPORTED, named(key)) for key in late),
        (Disagreement.NOT_DRAWN, f"enrolment {ident}"),
        (Disagreement.SEAL, f"enrolment {ident}"),
    }


def test_an_entry_missing_from_the_table_is_named(lived: list[Key]) -> None:
    clients.dynamodb().delete_item(TableName=TABLE, Key=wired(lived[1]))
    assert findings() == {(TrailFault.NOT_IN_TABLE, named(lived[1]))}


@pytest.mark.parametrize(
    ("name", "other"),
    [("by", "nobody"), ("what", "served"), ("at", "2026-12-01T09:30:01Z"), ("why", "erasure")],
)
def test_an_entry_that_was_changed_in_the_table_is_named(
    lived: list[Key], name: str, other: str
) -> None:
    item = wired(lived[1]) | {
        each: to_wire(value) for each, value in (everything()[lived[1]] | {name: other}).items()
    }
    clients.dynamodb().put_item(TableName=TABLE, Item=item)
    assert findings() == {(TrailFault.DIFFERENT, named(lived[1]))}


def test_an_invalid_entry_in_the_table_is_named(lived: list[Key]) -> None:
    key = Key(lived[0].pk, "forged")
    item = wired(key) | {"kind": {"S": "audit"}, "at": {"S": "never"}}
    clients.dynamodb().put_item(TableName=TABLE, Item=item)
    assert findings() == {(TrailFault.NO_ENTRY, named(key))}


def test_an_entry_exported_twice_is_a_finding_only_if_it_differs(lived: list[Key]) -> None:
    store = AuditStore(clients.s3(), BUCKET)
    entry = links()[0].entries[0]
    for number, told_again in ((4, entry), (5, entry.model_copy(update={"by": "nobody"}))):
        assert faults() == []
        link = new_link(
            number,
            [told_again],
            previous=sha256(store.link(number - 1)),
            written_at=MORNING + 3 * HOUR,
        )
        store.append(number, link)
    assert faults() == [TrailFault.TOLD_TWICE]
    assert entry.key in lived


def test_missing_entries_are_exported_on_request(
    lived: list[Key],
    clock: Traveller,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    followed(3)
    clock.shift(30 * HOUR)

    class AnsweringLambda:
        @staticmethod
        def invoke(*, Payload: str, **_: str) -> dict[str, Any]:  # noqa: N803 - boto3's name
            answer = lambda_handler(json.loads(Payload), CONTEXT)
            return {"Payload": _Body(json.dumps(answer))}

    class _Body:
        def __init__(self, text: str) -> None:
            self.text = text

        def read(self) -> str:
            return self.text

    place = AuditTrail(clients.s3(), clients.dynamodb(), AnsweringLambda(), BUCKET, TABLE, "audit")  # type: ignore[arg-type]
    monkeypatch.setattr(verify_audit, "placed", lambda _: place)
    with pytest.raises(SystemExit) as ended:
        verify_audit.main(["--export"])
    assert ended.value.code == verify_audit.SOMETHING_WRONG
    assert TrailFault.NOT_EXPORTED in capsys.readouterr().out
    verify_audit.main([])
    said = capsys.readouterr().out
    assert "All is well" in said
    assert len(exported()) == len(set(exported())) == len(lived) + 3


def test_a_bucket_without_a_lock_is_a_finding_on_aws(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make_bucket("unlocked")
    place = AuditTrail(clients.s3(), clients.dynamodb(), None, "unlocked", TABLE, "")  # type: ignore[arg-type]
    monkeypatch.setattr(verify_audit, "placed", lambda _: place)
    verify_audit.main([])
    assert "without a lock" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        verify_audit.main(["--stack-name", "somewhere"])
    assert TrailFinding(TrailFault.NO_LOCK, "unlocked").fault in capsys.readouterr().out

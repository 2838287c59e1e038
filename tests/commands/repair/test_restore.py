"""After a restore no arm has changed, no text goes twice, and everything lost is named."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import pytest
from time_machine import Traveller

from audit.chain import ExportedEntry, path_of
from audit.export import export
from audit.store import AuditStore
from commands.audit.agreement import TableFacts, disagreements
from commands.audit.trail import Trail
from commands.deployed_stack import DeployedStack
from commands.repair.recover import Difference, Kind, Recovery
from commands.repair.restore import Restore, main, options
from commands.repair.rewind import Copies, load, save
from reconciliation.handler import lambda_handler as reconciliation
from retention.handler import lambda_handler as retention
from tests.support.buckets import make_bucket
from tests.support.faults import counting
from tests.support.fixture_protocol import AGREED
from tests.support.life import CUSTODY, QUASHED, RELEASE, corrected, stands, treated
from tests.support.samples import TABLE, order, sample
from tests.support.steps import (
    UNHURRIED,
    allocate,
    call,
    enrol,
    failures,
    fire,
    schedule,
)
from tests.support.table import allocation_of, enrolment_of, everything, number_of, reminder_of
from trial.aws import clients
from trial.aws.kms import MacKey
from trial.aws.table import Table
from trial.codes import Arm, Reason, ReminderState, Status, Suppression, Why
from trial.messages import opting_out
from trial.open_claims import OUTLASTED
from trial.records.audit import AuditEntry
from trial.records.receipt import opt_out_key

HOUR = timedelta(hours=1)
LONGER, SHORTER = "2026-12-28", "2026-12-20"


def copies() -> Copies:
    return Copies(clients.dynamodb(), TABLE)


def chain() -> tuple[ExportedEntry, ...]:
    """What was exported: every entry of the table."""
    return tuple(
        ExportedEntry.of(key, AuditEntry.of(item))
        for key, item in everything().items()
        if item["kind"] == "audit"
    )


class Backup:
    """A copy of the table, and the way back to it."""

    def __init__(self, cloud: dict[str, str]) -> None:
        self.key, self.of, self.copy = cloud["ALLOCATION_KEY_ID"], datetime.now(UTC), copies().now()

    def recovered(self, entries: tuple[ExportedEntry, ...] | None = None) -> list[Difference]:
        recovery = Recovery(
            table=Table(clients.dynamodb(), TABLE),
            sequence=MacKey(clients.kms(), self.key),
            entries=entries or chain(),
            since=self.of,
            protocol=AGREED,
            now=datetime.now(UTC),
        )
        return list(recovery.differences())

    def restored(self, entries: tuple[ExportedEntry, ...] | None = None) -> list[Difference]:
        entries = entries or chain()
        copies().rewind(self.copy)
        return self.recovered(entries)


BackUp = Callable[[], Backup]


@pytest.fixture
def back_up(cloud: dict[str, str], clock: Traveller) -> BackUp:
    """Backs the table up an hour ago."""

    def an_hour_ago() -> Backup:
        backup = Backup(cloud)
        clock.shift(HOUR)
        return backup

    return an_hour_ago


def rule_out(ident: UUID) -> None:
    wrong = {"number": number_of(ident), "reason": "wrong_number", "by": "ops-1"}
    assert call("POST", "/suppressions", wrong).status == 201


def deployed(cloud: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the command find a stack that has exported nothing yet."""
    make_bucket(cloud["AUDIT_BUCKET"], locked=True)
    ids = {
        "Table": TABLE,
        "AuditBucket": cloud["AUDIT_BUCKET"],
        "AllocationFunction": "allocation",
        "AllocationKey": cloud["ALLOCATION_KEY_ID"],
    }
    settings = {"Environment": {"Variables": {"PROTOCOL": cloud["PROTOCOL"]}}}
    asked = {
        "dynamodb": clients.dynamodb(),
        "kms": clients.kms(),
        "lambda": SimpleNamespace(get_function_configuration=lambda **_: settings),
        "s3": clients.s3(),
    }
    stack = SimpleNamespace(ids=ids, client=asked.get)
    monkeypatch.setattr(DeployedStack, "named_by", lambda _: stack)


def text(ident: UUID, number: int, clock: Traveller) -> str:
    clock.move_to(reminder_of(ident, number).due_at)
    return fire(ident, number)


def agreed(now: datetime) -> None:
    """The trail and the table say the same, but of texts that count as claimed again."""
    facts = TableFacts()
    for key, item in everything().items():
        facts.add(item | {"pk": key.pk, "sk": key.sk})
    wrong = list(disagreements(Trail.of(chain()), facts, until=now))
    assert wrong == []


def test_no_arm_changes_and_no_text_goes_twice(back_up: BackUp, clock: Traveller) -> None:
    waiting = enrol(700)  # taken in, and not drawn yet
    someone = treated(1)
    backup = back_up()
    assert failures(allocate(waiting)) == []
    late = treated(500)
    serial = int(str(enrolment_of(late).order.reference)[-3:])
    with counting(clients.sns(), "sns.Publish") as texts:
        assert text(late, 1, clock) == "sent"
        assert text(someone, 2, clock) == "sent"
        arms = {each: allocation_of(each) for each in (waiting, someone, late)}

        kinds = Counter(each.kind for each in backup.restored())
        assert kinds[Kind.NOT_THERE] == kinds[Kind.ALLOCATION] - 1 >= 1
        assert kinds[Kind.CURSOR] == 1
        assert kinds[Kind.TEXT] == 1
        posted = call("POST", "/enrolments", order(serial))
        assert (posted.status, posted.body["enrolment_id"]) == (202, str(late))
        for ident in (waiting, late):
            assert failures(allocate(ident)) == []
            assert enrolment_of(ident).status is Status.ALLOCATED
            schedule(ident)
        assert {
            each: allocation_of(each).model_copy(update={"claimed": None}) for each in arms
        } == arms
        for ident, number in ((late, 1), (someone, 2)):
            assert reminder_of(ident, number).state is ReminderState.CLAIMED
            assert fire(ident, number) == "nothing_to_do"
        assert len(texts) == 2
    agreed(datetime.now(UTC))


def test_an_order_posted_again_gets_its_arm_and_texts_back_though_it_may_no_longer_be_drawn(
    back_up: BackUp,
    cloud: dict[str, str],
    clock: Traveller,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    backup = back_up()
    someone = treated(1)
    serial = int(str(enrolment_of(someone).order.reference)[-3:])
    assert text(someone, 1, clock) == "sent"
    before = allocation_of(someone)
    rule_out(someone)
    backup.restored()
    assert call("POST", "/enrolments", order(serial)).body["status"] == "waiting"
    assert failures(allocate(someone)) == []
    assert enrolment_of(someone).allocated_at is None

    deployed(cloud, monkeypatch)
    main(["--finish"])
    assert f"{Kind.TAKEN_UP.capitalize()}: 1\n  enrolment {someone}\n" in capsys.readouterr().out
    assert enrolment_of(someone).status is Status.ALLOCATED
    assert allocation_of(someone).model_copy(update={"claimed": None}) == before
    assert reminder_of(someone, 1).state is ReminderState.CLAIMED
    main(["--finish"])
    printed = "Each order posted again has its allocation. An operator may resume.\n"
    assert capsys.readouterr().out == printed


def test_nobody_is_drawn_for_an_earlier_order_posted_again_before_the_one_that_was_drawn(
    back_up: BackUp,
) -> None:
    backup = back_up()
    earlier, same = enrol(1), {"respondent": order(1)["respondent"]}
    mistaken = QUASHED | {"reason": "recorded_in_error"}
    assert call("POST", f"/enrolments/{earlier}/end", mistaken).status == 200
    drawn = enrol(2, **same)
    assert failures(allocate(drawn)) == []
    backup.restored()

    assert call("POST", "/enrolments", order(1)).body["reasons"] == ["already_in_trial"]
    assert failures(allocate(earlier)) == []
    assert enrolment_of(earlier).allocated_at is None
    assert call("POST", "/enrolments", order(2, **same)).body["status"] == "eligible"
    assert failures(allocate(drawn)) == []
    assert enrolment_of(drawn).status is Status.ALLOCATED
    assert call("POST", f"/enrolments/{earlier}/end", mistaken).status == 200
    assert enrolment_of(drawn).status is Status.ALLOCATED


def test_a_recovered_draw_holds_its_person_s_place_whatever_is_reported_before_it_is_posted(
    back_up: BackUp,
) -> None:
    backup = back_up()
    drawn, same = enrol(1), {"respondent": order(1)["respondent"]}
    assert failures(allocate(drawn)) == []
    later = enrol(2, **same)
    backup.restored()

    for serial in (1, 2):
        assert call("POST", "/enrolments", order(serial, **same)).status == 202
    assert call("POST", f"/enrolments/{drawn}/end", CUSTODY).status == 200
    assert stands(later) == ("ineligible", ["already_in_trial"])
    assert failures(allocate(later)) == []
    assert enrolment_of(later).allocated_at is None


def test_the_first_draw_after_a_restore_takes_the_slot_after_the_last_recovered_one(
    back_up: BackUp,
) -> None:
    backup = back_up()
    drawn = [enrol(serial) for serial in range(5)]
    allocate(*drawn)
    slots = {(allocation_of(each).block, allocation_of(each).position) for each in drawn}
    backup.restored()
    new = enrol(99)
    assert failures(allocate(new)) == []
    own = allocation_of(new)
    assert (own.block, own.position) == max(
        [(block or 0, (position or 0) + 1) for block, position in slots]
    ) or (own.block, own.position) == (max(block or 0 for block, _ in slots) + 1, 0)
    assert (own.block, own.position) not in slots


def test_ends_changed_protected_and_suppressed_numbers_hold_after_a_restore(
    back_up: BackUp, clock: Traveller
) -> None:
    ended, moved, protected, suppressed = map(treated, (100, 200, 300, 400))
    backup = back_up()
    assert call("POST", f"/enrolments/{ended}/end", QUASHED).status == 200
    rule_out(suppressed)
    told = {"number": "+447700900999"}
    assert call("PUT", f"/enrolments/{moved}/mobile", told).status == 200
    enrol(900, protected_numbers=[number_of(protected)])
    found = {each.kind for each in backup.restored()}
    assert {Kind.END, Kind.NUMBER, Kind.PROTECTED, Kind.SUPPRESSED} <= found
    # What is reported first must not make a protected number safe.
    for what, at in (("end", CUSTODY), ("resume", RELEASE)):
        assert call("POST", f"/enrolments/{protected}/{what}", at).status == 200
    assert enrolment_of(protected).waits_for == (Reason.NO_NUMBER,)
    with counting(clients.sns(), "sns.Publish") as texts:
        for ident in (ended, moved, protected, suppressed):
            assert text(ident, 2, clock) == "suppressed"
    assert texts == []


def test_other_enrolments_follow_a_recovered_end_or_suppression(back_up: BackUp) -> None:
    first = enrol(1)
    later = enrol(2, respondent=order(1)["respondent"])
    waiting = enrol(3)
    assert stands(later) == ("ineligible", ["already_in_trial"])
    backup = back_up()
    ended = QUASHED | {"reason": "recorded_in_error"}
    assert call("POST", f"/enrolments/{first}/end", ended).status == 200
    rule_out(waiting)
    backup.restored()
    assert stands(first) == ("ended", ["order_ended"])
    assert stands(later) == ("eligible", [])
    assert stands(waiting) == ("waiting", ["suppressed_number"])


def test_an_enrolment_drawn_and_ended_since_the_backup_has_its_arm_after_a_restore(
    back_up: BackUp, clock: Traveller
) -> None:
    block = [enrol(serial) for serial in range(4)]  # the first four are never all control
    backup = back_up()
    assert failures(allocate(*block)) == []
    someone = next(each for each in block if allocation_of(each).arm is Arm.INTERVENTION)
    schedule(someone)
    assert text(someone, 2, clock) == "sent"
    plan = {each: reminder_of(someone, each).due_at for each in (1, 2, 3)}
    assert call("POST", f"/enrolments/{someone}/end", QUASHED).status == 200
    drawn = allocation_of(someone)
    backup.restored()
    kept = enrolment_of(someone)
    assert (kept.status, kept.reasons) == (Status.ENDED, ())
    assert kept.allocated_at == drawn.allocated_at
    assert kept.stratum == drawn.stratum
    assert {each: reminder_of(someone, each).due_at for each in plan} == plan
    assert reminder_of(someone, 2).state is ReminderState.CLAIMED


def test_numbers_that_changed_before_and_after_a_restore_agree_with_the_trail(
    back_up: BackUp, clock: Traveller
) -> None:
    known, without = enrol(1), enrol(2, mobile={"missing_reason": "refused"})
    backup = back_up()
    lost = enrol(3)
    for minute in range(1, 3):
        clock.shift(60)
        for ident in (known, without, lost):
            told = {"number": f"+44770090099{minute}"}
            assert call("PUT", f"/enrolments/{ident}/mobile", told).status == 200
    backup.restored()
    agreed(datetime.now(UTC))
    clock.shift(60)
    assert enrol(3) == lost
    told = {"number": "+447700900995"}
    assert call("PUT", f"/enrolments/{known}/mobile", told).status == 200
    agreed(datetime.now(UTC))


def test_an_opt_out_still_holds_after_a_restore(back_up: BackUp, clock: Traveller) -> None:
    someone = treated()
    backup = back_up()
    key = opt_out_key(enrolment_of(someone).mobile.number_hash or "")
    acts = opting_out(key.pk.partition("#")[2], by="receipts", now=datetime.now(UTC))
    Table(clients.dynamodb(), TABLE).write(*acts)
    assert [each.kind for each in backup.restored()] == [Kind.OPTED_OUT]
    assert text(someone, 2, clock) == "suppressed"
    assert reminder_of(someone, 2).reason == Suppression.OPTED_OUT
    assert everything()[key]["by"] == "receipts"


def test_nothing_put_on_hold_since_the_backup_is_erased_after_a_restore(
    back_up: BackUp, clock: Traveller
) -> None:
    ident = enrol(1)
    clock.shift(timedelta(days=100))
    backup = back_up()
    held = {"reason": "proceedings", "by": "PC-1182"}
    assert call("POST", f"/enrolments/{ident}/hold", held).status == 200
    assert [each.kind for each in backup.restored()] == [Kind.HOLD]
    assert backup.recovered() == []
    clock.shift(timedelta(days=300))
    assert retention(sample("retention-nightly"), UNHURRIED)["erased"] == {}
    assert call("POST", f"/enrolments/{ident}/release", {"by": "PC-1182"}).status == 200
    assert retention(sample("retention-nightly"), UNHURRIED)["erased"] == {"identifiers": 1}


def test_an_admission_that_a_restore_lost_comes_back(
    back_up: BackUp, configure: Callable[..., None]
) -> None:
    configure(ORDERS_PER_DAY="1")
    enrol(1)
    held = enrol(2)
    assert enrolment_of(held).held_over_daily_limit
    backup = back_up()
    assert call("POST", f"/enrolments/{held}/admit", {"by": "OPS-1"}).status == 200
    assert [each.kind for each in backup.restored()] == [Kind.ADMITTED]
    assert backup.recovered() == []
    assert enrolment_of(held).status is Status.ELIGIBLE


def test_whatever_cannot_be_recovered_is_named(back_up: BackUp) -> None:
    ident = enrol(1, order={"served_on": None})
    backup = back_up()
    served = {"served_on": "2026-12-01"}
    assert call("PUT", f"/enrolments/{ident}/service", served).status == 200
    different = backup.restored()
    assert [each.where.split(" at ")[0] for each in different] == [f"enrolment {ident}: served"]


def test_no_strange_object_among_the_links_makes_a_restore_impossible(
    cloud: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    enrol(1)
    deployed(cloud, monkeypatch)
    bucket, entries = cloud["AUDIT_BUCKET"], chain()
    for path in (path_of(1), path_of(500), "links/zaphod"):
        clients.s3().put_object(Bucket=bucket, Key=path, Body=b"not a link")
    restore = Restore(DeployedStack.named_by(options(["--finish"])))
    with pytest.raises(SystemExit, match="verify-audit"):  # it could be the newest link, spoilt
        restore.entries()
    export(entries, store=AuditStore(clients.s3(), bucket), now=datetime.now(UTC))
    assert restore.entries() == entries


@pytest.mark.usefixtures("clock")
def test_a_restore_s_pause_counts_although_sending_was_resumed_meanwhile(
    cloud: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    deployed(cloud, monkeypatch)
    for paused in (True, False):  # the clock stands still
        asked = {"paused": paused, "reason": "exercise", "by": "S-0417"}
        assert call("PUT", "/sending", asked).status == 200
    Restore(DeployedStack.named_by(options(["--finish"]))).pause(datetime.now(UTC))
    assert Trail.of(chain()).paused


@pytest.mark.parametrize("what", ["ended_abroad", "held_for_ransom"])
def test_an_entry_with_an_unknown_code_is_named_and_does_not_stop_a_restore(
    back_up: BackUp, what: str
) -> None:
    ident = enrol(1)
    backup = back_up()
    (entry, *_) = (each for each in chain() if str(ident) in each.pk)
    invented = {"sk": "invented", "at": datetime.now(UTC), "what": what, "why": Why.ALTERATION}
    told = (*chain(), entry.model_copy(update=invented | {"status": None}))
    found = [each.where for each in backup.restored(told)]
    assert found == [f"enrolment {ident}: {what} at 2026-12-01 10:30:00"]
    assert enrolment_of(ident).status is Status.ELIGIBLE


@pytest.mark.parametrize("changed", ["arm", "protocol"])
def test_a_draw_that_somebody_invented_gives_nobody_an_arm_in_a_restore(
    back_up: BackUp, changed: str
) -> None:
    ident = enrol(1)
    backup = back_up()
    assert failures(allocate(ident)) == []
    arm = next(each for each in Arm if each is not allocation_of(ident).arm)
    edit = {"arm": arm} if changed == "arm" else {"protocol": "nobody-s-1"}
    told = [
        entry.model_copy(update={"slot": entry.slot.model_copy(update=edit)})
        if entry.slot
        else entry
        for entry in chain()
    ]
    kinds = {each.kind for each in backup.restored(tuple(told))}
    assert Kind.STRANGE in kinds
    assert not kinds & {Kind.ALLOCATION, Kind.CURSOR}
    assert enrolment_of(ident).allocated_at is None


def test_a_lost_correction_of_dates_is_accepted_again_although_a_text_went(
    back_up: BackUp, clock: Traveller
) -> None:
    known = treated(1)
    backup = back_up()
    lost = treated(500)
    serials = {each: int(str(enrolment_of(each).order.reference)[-3:]) for each in (known, lost)}
    longer = {ident: corrected(serial, expires_on=LONGER) for ident, serial in serials.items()}
    for ident, whole in longer.items():
        assert call("PUT", f"/enrolments/{ident}/order", whole).status == 200
    for ident in longer:
        assert text(ident, 1, clock) == "sent"
        clock.shift(HOUR)
        shorter = corrected(serials[ident], expires_on=SHORTER)
        assert call("PUT", f"/enrolments/{ident}/order", shorter).status == 409
    clock.shift(24 * HOUR)
    backup.restored()
    clock.shift(60)
    assert enrol(serials[lost]) == lost
    assert failures(allocate(lost)) == []
    for ident, whole in longer.items():
        assert call("PUT", f"/enrolments/{ident}/order", whole).status == 200
        assert str(enrolment_of(ident).order.expires_on) == LONGER
        schedule(ident)
        assert reminder_of(ident, 1).state is ReminderState.CLAIMED


def test_a_repeated_restore_changes_nothing(back_up: BackUp, clock: Traveller) -> None:
    someone = treated(1)
    backup = back_up()
    assert text(someone, 2, clock) == "sent"
    backup.restored()
    once = everything()
    assert backup.recovered() == []
    assert everything() == once
    backup.restored()
    assert everything() == once


def test_no_text_sent_before_a_restore_is_settled_by_a_guess(
    back_up: BackUp, clock: Traveller
) -> None:
    someone = treated(1)
    backup = back_up()
    assert text(someone, 2, clock) == "sent"
    backup.restored()
    clock.shift(HOUR)
    report = reconciliation(sample("reconciliation-hourly"), UNHURRIED)
    assert report["gaps"]["unknown"] == 1
    assert reminder_of(someone, 2).state is ReminderState.UNKNOWN


def test_a_saved_copy_reads_back_as_it_was_written(cloud: dict[str, str], tmp_path: Path) -> None:
    assert cloud
    enrol(1)
    copy, file = copies().now(), tmp_path / "copy.jsonl"
    save(copy, file)
    at, again = load(file)
    assert (at, again) == (datetime.now(UTC), copy)
    assert file.stat().st_mode & 0o077 == 0


@pytest.mark.usefixtures("cloud")
def test_an_interrupted_restore_continues_with_the_copy_that_it_made() -> None:
    """AWS makes no second table of a name."""
    enrol(1)
    first = copies().at(datetime.now(UTC), "copy-1")
    assert first == copies().now()
    enrol(2)
    assert copies().at(datetime.now(UTC), "copy-1") == first


@pytest.mark.usefixtures("cloud")
def test_a_restore_never_removes_history() -> None:
    copy = copies().now()
    enrol(1)
    copies().rewind(copy)
    assert {item["kind"] for item in everything().values()} == {"audit"}


def test_the_time_to_restore_must_have_a_zone(capsys: pytest.CaptureFixture[str]) -> None:
    given = options(["--at", "2026-12-05T10:00:00Z"])
    assert given.at == datetime(2026, 12, 5, 10, tzinfo=UTC)
    with pytest.raises(SystemExit):
        options(["--at", "2026-12-05T10:00:00"])
    assert "zone" in capsys.readouterr().err


def test_functions_run_again_only_once_the_table_is_complete(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On an incomplete table people would be drawn again, and a text in flight would go again."""
    asked: list[str] = []
    wait = f"waits {OUTLASTED.total_seconds()} seconds"
    monkeypatch.setattr(
        "commands.repair.restore.sleep", lambda seconds: asked.append(f"waits {seconds} seconds")
    )

    class RecordingLambda:
        def __getattr__(self, name: str) -> Any:
            return lambda **_: asked.append(name)

    stack = SimpleNamespace(
        client=lambda _: RecordingLambda(), of_type=lambda _: {"AllocationFunction": "allocation-1"}
    )
    restore = Restore(cast("DeployedStack", stack))
    with pytest.raises(OSError, match="cut"), restore.nothing_runs():
        raise OSError("cut")
    assert asked == ["put_function_concurrency", wait]
    with restore.nothing_runs():
        pass
    assert asked[-3:] == ["put_function_concurrency", wait, "delete_function_concurrency"]

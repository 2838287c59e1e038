"""
The guards on which the invariants depend, each with the code without it.

A snippet occurs exactly once in its file: `test_guards.py` checks it, so that no guard counts as
tested after its code has changed.
"""

from __future__ import annotations

from typing import NamedTuple


class Guard(NamedTuple):
    """One guard: what it prevents, where it is, and the code with and without it."""

    prevents: str
    file: str
    snippet: str
    replacement: str


_SENDING = "functions/sending"
_ENROLMENT = "functions/enrolment"
_ALLOCATION = "functions/allocation"
_SCHEDULING = "functions/scheduling"
_RECONCILIATION = "functions/reconciliation"
_AUDIT = "functions/audit"
_RETENTION = "functions/retention"
_TRIAL = "layers/common/trial"
_SETTLEMENT = f"{_TRIAL}/settlement"
_TEMPLATE = "infra/template.yaml"

GUARDS = (
    # Sending: the claim
    Guard(
        "two claims of one reminder",
        f"{_SENDING}/store.py",
        '    text = "#state IN (:planned, :scheduled) AND #due_at = :due_at"\n',
        '    values = {"due_at": values["due_at"]}\n    text = "#due_at = :due_at"\n',
    ),
    Guard(
        "a claim at a time from which the reminder has moved",
        f"{_SENDING}/store.py",
        '    text = "#state IN (:planned, :scheduled) AND #due_at = :due_at"\n',
        '    del values["due_at"]\n    text = "#state IN (:planned, :scheduled)"\n',
    ),
    Guard(
        "a text on what the enrolment no longer says",
        f"{_SENDING}/store.py",
        '                    "#version = :seen AND #status = :allocated",\n'
        '                    {"seen": enrolment.version, "allocated": Status.ALLOCATED.value},\n',
        '                    "#status = :allocated",\n'
        '                    {"allocated": Status.ALLOCATED.value},\n',
    ),
    Guard(
        "a text while sending is paused",
        f"{_SENDING}/store.py",
        "Suppression.PAUSED: switch is not None and Switch.of(switch).paused,",
        "Suppression.PAUSED: False,",
    ),
    Guard(
        "a text to a suppressed number",
        f"{_SENDING}/store.py",
        "suppressed is not None",
        "False",
    ),
    Guard(
        "a text to a number that opted out",
        f"{_SENDING}/store.py",
        "opted_out is not None",
        "False",
    ),
    Guard(
        "a text that was stopped while sending slept",
        f"{_SENDING}/send.py",
        "    barrier = store.barrier(claim)\n",
        "    barrier = store.barrier(claim)\n"
        "    claim = Claim(facts, text.kept, at=clock(), place=protocol.place)\n",
    ),
    Guard(
        "passing over an opt-out that the provider reports",
        f"{_SENDING}/send.py",
        "        if refusal.opted_out:\n",
        "        if False:\n",
    ),
    Guard(
        "passing over an opt-out that the carrier reports",
        "functions/receipts/keep.py",
        "addressed.receipt.reason == Failure.OPTED_OUT",
        "False",
    ),
    Guard(
        "an opt-out of a number that is not known",
        "functions/receipts/keep.py",
        "        if store.is_ours(hashed):\n",
        "        if True:\n",
    ),
    Guard(
        "answering a protection while a text to a number just given up may still go",
        f"{_ENROLMENT}/enrol.py",
        "protects = any(around.numbers[each].version for each in made.protected_hashes)",
        "protects = protects_others(found)",
    ),
    Guard(
        "a restore that misses a text whose sender had not read its pause",
        "commands/repair/restore.py",
        "        sleep(OUTLASTED.total_seconds())\n",
        "",
    ),
    Guard(
        "losing an admission in a restore",
        "commands/repair/recover.py",
        '    if entry.what == "admitted":\n',
        "    if False:\n",
    ),
    Guard(
        "losing an opt-out in a restore",
        "commands/repair/recover.py",
        'elif entry.what == "number_opted_out":',
        "elif False:",
    ),
    Guard(
        "a restore that loses the arm of somebody drawn since the backup",
        "commands/repair/recover.py",
        "        if enrolment and not enrolment.allocated_at:\n",
        "        if False:\n",
    ),
    Guard(
        "a draw for an order posted again before the one that was drawn",
        "commands/repair/recover.py",
        "    if lost:\n",
        "    if False:\n",
    ),
    Guard(
        "a place that is free after a restore until its draw is recovered",
        "layers/common/trial/settlement/standing.py",
        " or (known is not None and known.drawn)",
        "",
    ),
    Guard(
        "a recovered end without its effects on others",
        "commands/repair/recover.py",
        "        follow_up(act, self._at, time_is_left=lambda: True)\n",
        "",
    ),
    Guard(
        "a recovered suppression without its effect on those with the number",
        "commands/repair/recover.py",
        "            follow_up_number(hashed, self._at, time_is_left=lambda: True)\n",
        "",
    ),
    Guard(
        "a text to a number that was protected after a restore's copy",
        "commands/repair/recover.py",
        '"number_protected": Kind.PROTECTED',
        '"": Kind.PROTECTED',
    ),
    Guard(
        "a restore after which the trail takes lost numbers for present ones",
        "commands/repair/recover.py",
        "        self._versions()\n",
        "",
    ),
    Guard(
        "an order posted again after a restore that the trail does not know",
        "commands/audit/trail.py",
        "            if about in self._enrolled:",
        "            if False:",
    ),
    Guard(
        "a suppression without its effects if its process dies",
        f"{_SETTLEMENT}/store.py",
        "        put(number_follow_up_key(number_hash), note.item()),\n",
        "",
    ),
    Guard(
        "a text to a number that has just become protected",
        f"{_SENDING}/store.py",
        '(number or {}).get("protected_until", "") >= today',
        "False",
    ),
    Guard(
        "two texts a day to a person",
        f"{_SENDING}/store.py",
        "                Check(DAY_FREE, ABSENT),\n",
        "",
    ),
    Guard(
        "closing another's claim",
        f"{_SENDING}/store.py",
        '            "#state = :claimed AND #claimed_at = :claimed_at",\n            {"claimed": '
        'ReminderState.CLAIMED.value, "claimed_at": self.at.isoformat()},\n',
        '            "#state IN (:claimed, :unknown, :planned, :scheduled)",\n'
        '            {each: each for each in ("claimed", "unknown", "planned", "scheduled")},\n',
    ),
    # Sending: the guard
    Guard(
        "a text after the end",
        f"{_SENDING}/guard.py",
        "enrolment.status is not Status.ALLOCATED",
        "False",
    ),
    Guard(
        "a text after the last day",
        f"{_SENDING}/guard.py",
        "protocol.place.date_at(now) > order.last_day",
        "False",
    ),
    Guard(
        "a stale text",
        f"{_SENDING}/guard.py",
        "now - reminder.due_at > timedelta(hours=protocol.freshness_hours)",
        "now - reminder.due_at > timedelta(hours=protocol.freshness_hours + 12)",
    ),
    Guard(
        "a text outside the window",
        f"{_SENDING}/guard.py",
        "not allowed_at(now, window, protocol.place.tz)",
        "False",
    ),
    Guard(
        "a text to a number that has been lost",
        f"{_SENDING}/guard.py",
        "mobile.sealed is None",
        "False",
    ),
    Guard(
        "more texts in a day than the trial may send",
        f"{_SENDING}/store.py",
        '"attribute_not_exists(#counted) OR #counted < :most"',
        '"attribute_not_exists(#counted) OR #counted < :most OR #counted >= :most"',
    ),
    Guard(
        "a text to a number that was sealed for another order",
        f"{_TRIAL}/aws/kms.py",
        'return {"enrolment": about, "purpose": self.purpose, "hash": self.hashed}',
        'return {"purpose": self.purpose, "hash": self.hashed}',
    ),
    Guard(
        "a text to a number that was sealed beside another hash",
        f"{_TRIAL}/aws/kms.py",
        'return {"enrolment": about, "purpose": self.purpose, "hash": self.hashed}',
        'return {"enrolment": about, "purpose": self.purpose}',
    ),
    Guard(
        "a text to whatever else was sealed for the order",
        f"{_TRIAL}/aws/kms.py",
        'return {"enrolment": about, "purpose": self.purpose, "hash": self.hashed}',
        'return {"enrolment": about}',
    ),
    Guard(
        "a number that anybody can read in the table",
        f"{_ENROLMENT}/new_enrolment.py",
        "sealed=sealing.sealed(given.number, Binding(ident, Purpose.NUMBER, number_hash)),",
        "sealed=given.number,",
    ),
    Guard(
        "identifiers that anybody can read in the table",
        f"{_ENROLMENT}/new_enrolment.py",
        "        sealed=context.sealing.sealed(\n            who.model_dump_json(), "
        "Binding(ident, Purpose.IDENTIFIERS, person_hash)\n        ),\n",
        "        sealed=who.model_dump_json(),\n",
    ),
    Guard(
        "a repeated number sealed again as if it were another",
        f"{_ENROLMENT}/mobile.py",
        "mobile = _with_source(enrolment.mobile, given.source)",
        "pass",
    ),
    Guard(
        "an older number that stands because upstream's clock is ahead",
        f"{_ENROLMENT}/mobile.py",
        "given.recorded_at or max(context.now, known_at)",
        "min(given.recorded_at or context.now, context.now)",
    ),
    Guard(
        "one of two numbers of the same moment that stands because it came last",
        f"{_ENROLMENT}/mobile.py",
        "given.recorded_at and given.recorded_at == enrolment.mobile_recorded_at:",
        "False:",
    ),
    Guard(
        "a release that frees the holds of others too",
        f"{_ENROLMENT}/hold.py",
        "if each not in over)",
        "if not over)",
    ),
    Guard(
        "a release that frees a hold at random",
        f"{_ENROLMENT}/hold.py",
        "if len(over) > 1:",
        "if False:",
    ),
    Guard(
        "all people without an id recorded as one person",
        f"{_TRIAL}/identity.py",
        'if _NOBODY.fullmatch(re.sub(r"[/_.\\-]", "", canonical)):',
        "if False:",
    ),
    Guard(
        "a second person from a PNC id with text around it",
        f"{_TRIAL}/identity.py",
        "if _PNC_WITHIN.search(bare):",
        "if False:",
    ),
    Guard(
        "an act done despite an unknown parameter",
        f"{_TRIAL}/api/resolver.py",
        "if unknown := [name for name in others if name not in known]:",
        "if known and (unknown := [name for name in others if name not in known]):",
    ),
    Guard(
        "a variation undone by a repeated earlier report of the same day",
        f"{_ENROLMENT}/vary.py",
        "if same or any(",
        "if any(",
    ),
    Guard(
        "a variation undone by a repeated earlier correction",
        f"{_ENROLMENT}/change.py",
        "if any(order.says_the_same_as(each.until_then) for each in enrolment.variations):",
        "if False:",
    ),
    Guard(
        "an order not updated because it was settled before the place was freed",
        f"{_SETTLEMENT}/follow_up.py",
        "waiting.extend(each for each in one.others if each not in waiting)",
        "waiting.extend(each for each in one.others if each not in waiting"
        " and all(each != done.after.enrolment_id for done in settled))",
    ),
    Guard(
        "a held order that nobody is asked to admit although the place is free",
        f"{_SETTLEMENT}/standing.py",
        "each.held or (each.fit_until and each.fit_until < today)",
        "each.fit_until and each.fit_until < today",
    ),
    Guard(
        "an erasure, after a restore, of what was held since the backup",
        "commands/repair/recover.py",
        "    if on_hold := _code(HoldReason, entry.what, _HELD):\n",
        "    if on_hold := None:\n",
    ),
    Guard(
        "an order that waits for a number that was freed when a follow-up was cut short",
        f"{_SETTLEMENT}/follow_up.py",
        "*own.concerned, *chain.from_iterable(freed), note",
        "*own.concerned, note",
    ),
    Guard(
        "an order made on a child, by a correction of its date",
        f"{_TRIAL}/eligibility.py",
        "bool(respondent.of_age_on and order.made_on < respondent.of_age_on)",
        "False",
    ),
    Guard(
        "a text to a protected number",
        f"{_SENDING}/guard.py",
        "Suppression.UNSAFE_NUMBER: mobile.unsafe",
        "Suppression.UNSAFE_NUMBER: False",
    ),
    Guard(
        "a plan to do better after a breach",
        f"{_SENDING}/guard.py",
        "enrolment.breach_reported_at is not None",
        "False",
    ),
    Guard(
        "a text before it is due",
        f"{_SENDING}/send.py",
        "        if now < facts.reminder.due_at:\n"
        "            return Result(SendResult.NOT_DUE)"
        "  # it has moved; its own schedule will bring it\n",
        "",
    ),
    Guard(
        "a text to somebody in control",
        f"{_SENDING}/send.py",
        "if facts.allocation.arm is not Arm.INTERVENTION:",
        "if False:",
    ),
    # Sending: the provider
    Guard(
        "repeating what the provider answered with an error",
        f"{_SENDING}/gateway.py",
        '    return UnsureError(f"the provider answered {status}")',
        '    return NotSentError(f"the provider answered {status}")',
    ),
    Guard(
        "repeating what the provider did not answer",
        f"{_SENDING}/gateway.py",
        '            raise UnsureError("the provider gave no answer") from None',
        '            raise NotSentError("the provider gave no answer") from None',
    ),
    Guard(
        "losing what was turned away",
        f"{_SENDING}/send.py",
        "    except NotSentError:\n        store.release_claim(claim, now=now)\n",
        "    except NotSentError:\n",
    ),
    Guard(
        "several requests for one text",
        f"{_TRIAL}/aws/clients.py",
        'read_timeout=READ_TIMEOUT,\n    retries={"total_max_attempts": 1}',
        'read_timeout=READ_TIMEOUT,\n    retries={"total_max_attempts": 3}',
    ),
    Guard(
        "a text that leaves long after its claim",
        f"{_SENDING}/send.py",
        "overdue = now - claim.at > BEGIN_WITHIN",
        "overdue = False",
    ),
    Guard(
        "a text after the window has closed in mid-claim",
        f"{_SENDING}/send.py",
        "if overdue or why_not(reminder, enrolment, protocol=protocol, now=now):",
        "if overdue:",
    ),
    Guard(
        "answering an end while a text may go",
        f"{_ENROLMENT}/change.py",
        "        context.outlast_claims()\n",
        "        pass\n",
    ),
    Guard(
        "answering a pause while a text may go",
        "functions/operations/switch.py",
        "    if switch.paused:\n        context.outlast_claims()\n",
        "",
    ),
    Guard(
        "answering a suppression while a text may go",
        "functions/operations/switch.py",
        "    context.outlast_claims()\n    return kept\n",
        "    return kept\n",
    ),
    Guard(
        "answering a protection while a text may go",
        f"{_ENROLMENT}/enrol.py",
        "    if act.protects:\n        context.outlast_claims()\n",
        "",
    ),
    Guard(
        "a verdict on a number from a missing right of our own",
        f"{_SENDING}/gateway.py",
        "if status == _BAD_REQUEST and code in _FINAL:",
        "if _BAD_REQUEST <= status < _SERVER_ERROR and code not in _THROTTLED:",
    ),
    Guard(
        "exchanging two people's slots unnoticed",
        f"{_ALLOCATION}/allocate.py",
        "return max(now, cursor.drawn_at + timedelta(microseconds=1))",
        "return now",
    ),
    Guard(
        "a backlog of the audit trail that takes as long as it covers",
        f"{_AUDIT}/store.py",
        "        if number not in self._known:\n",
        "        if number:\n",
    ),
    Guard(
        "an order shown by a repeated request without an audit entry",
        f"{_ENROLMENT}/routes.py",
        '    else:\n        _consulted(at, enrolment.enrolment_id, "enrolment")\n',
        "",
    ),
    Guard(
        "an order shown by an unchanged change without an audit entry",
        f"{_ENROLMENT}/routes.py",
        "    if own.after == own.before:\n",
        "    if False:\n",
    ),
    Guard(
        "a refusal that discloses something without an audit entry",
        f"{_ENROLMENT}/context.py",
        "            self.store.log(enrolment_id, consulted)\n",
        "",
    ),
    Guard(
        "an outcome shown again without an audit entry",
        f"{_ENROLMENT}/routes.py",
        '    else:\n        _consulted(at, ident, "outcome")\n',
        "",
    ),
    Guard(
        "a suppression shown again without an audit entry",
        "functions/operations/switch.py",
        "            context.store.log_suppressed(hashed, consulted)\n",
        "",
    ),
    # Reconciliation
    Guard(
        "settling a text by another's receipt",
        f"{_RECONCILIATION}/reconcile.py",
        "if not strays or store.others_unsure(facts.enrolment, since=since, until=until):",
        "if not strays:",
    ),
    Guard(
        "counting another sender's text as ours",
        f"{_RECONCILIATION}/reconcile.py",
        "strays = store.strays(facts.enrolment, since=since, until=until)",
        "strays = store.strays(facts.enrolment, since=since - AHEAD, until=until + AHEAD)",
    ),
    Guard(
        "keeping receipts for texts to strangers",
        "functions/receipts/keep.py",
        "if not store.is_ours(hashed):",
        "if False:",
    ),
    Guard(
        "a reference stored just after references were erased",
        f"{_ENROLMENT}/outcomes.py",
        "context.store.keep(audit=audit, outcome=outcome, seen=enrolment)",
        "context.store.keep(audit=audit, outcome=outcome)",
    ),
    Guard(
        "calling a reminder lost while its sender may still run",
        f"{_RECONCILIATION}/reconcile.py",
        "    if now - claimed_at <= CLAIM_PATIENCE:\n        return None\n",
        "",
    ),
    Guard(
        "undoing what sending did in the meantime",
        f"{_RECONCILIATION}/store.py",
        '        "#state = :seen_state AND #due_at = :seen_due_at",\n'
        '        {"seen_state": reminder.state.value, "seen_due_at": reminder.item()["due_at"]},\n',
        '        "attribute_not_exists(#nothing)",\n',
    ),
    # Enrolment
    Guard(
        "overwriting somebody else's change",
        f"{_TRIAL}/records/record.py",
        '        Check("unchanged", "#version = :seen", {"seen": seen})\n        if seen\n'
        '        else Check("unchanged", ABSENT)\n',
        "        None\n",
    ),
    Guard(
        "a number flooded by orders made up to name it",
        f"{_SETTLEMENT}/standing.py",
        "protected or before.get(each, len(live)) > MOST_SHARING,",
        "protected,",
    ),
    Guard(
        "a number that another order protects",
        f"{_SETTLEMENT}/standing.py",
        "protected = any(last_day >= today for last_day in number.protected.values())",
        "protected = False",
    ),
    Guard(
        "a number that the same order protects",
        f"{_SETTLEMENT}/standing.py",
        "        if number_hash in enrolment.protected_hashes:\n",
        "        if False:\n",
    ),
    Guard(
        "a number that a later order protects",
        f"{_SETTLEMENT}/standing.py",
        "and marks != was.get(ident):",
        "and False:",
    ),
    Guard(
        "an end blocked by data of others",
        f"{_ENROLMENT}/change.py",
        "act = settle.end(enrolment_id",
        "act = settle.change(enrolment_id",
    ),
    Guard(
        "an end that fails because of others' orders",
        f"{_SETTLEMENT}/follow_up.py",
        "        except TrialError:\n",
        "        except KeyError:\n",
    ),
    Guard(
        "forgetting the follow-up of a later change",
        f"{_SETTLEMENT}/store.py",
        'text = "#version <= :seen" +',
        'text = "(#version <= :seen OR attribute_exists(#version))" +',
    ),
    Guard(
        "a number that is safe because its item has no room for its owner",
        f"{_SETTLEMENT}/standing.py",
        "    unsafe, shared = _marks(numbers[number_hash], today, ident)[ident]\n",
        "    unsafe, shared = _marks(numbers[number_hash], today).get(ident, (False, False))\n",
    ),
    Guard(
        "later orders that take a number from its first owner",
        f"{_SETTLEMENT}/standing.py",
        "lambda each: (each.last_day >= today, -each.arrival))",
        "lambda each: each.last_day)",
    ),
    Guard(
        "later orders that hide that a person was drawn",
        f"{_SETTLEMENT}/standing.py",
        "lambda each: (each.drawn, each.last_day))",
        "lambda each: each.last_day)",
    ),
    Guard(
        "an item that grows with every order",
        f"{_SETTLEMENT}/standing.py",
        "    return {each: orders[each] for each in place[:MOST_ORDERS]}\n",
        "    return orders\n",
    ),
    Guard(
        "an item that grows with every number",
        f"{_SETTLEMENT}/bounds.py",
        "(*enrolment.former_numbers, former)[-MOST_NUMBERS:]",
        "(*enrolment.former_numbers, former)",
    ),
    Guard(
        "the same order with other content",
        f"{_ENROLMENT}/enrol.py",
        "if known.request_digest != hashes.request:",
        "if False:",
    ),
    Guard(
        "drawing somebody whose number is suppressed",
        f"{_TRIAL}/eligibility.py",
        "Reason.SUPPRESSED_NUMBER: mobile.suppressed,",
        "",
    ),
    Guard(
        "a place held by a waiting order",
        f"{_SETTLEMENT}/standing.py",
        "    if status is not Status.ELIGIBLE:\n        return None\n",
        "",
    ),
    Guard(
        "choosing a stratum by a correction",
        f"{_SETTLEMENT}/standing.py",
        "if status is Status.ELIGIBLE and enrolment.stratum is None:",
        "if status is Status.ELIGIBLE:",
    ),
    Guard(
        "two live orders of a person in the trial",
        f"{_SETTLEMENT}/standing.py",
        "place not in (None, ident)",
        "False",
    ),
    Guard(
        "other dates once a text may have gone",
        f"{_ENROLMENT}/change.py",
        "if first_due and context.now >= first_due:",
        "if False:",
    ),
    Guard(
        "randomising before service",
        f"{_TRIAL}/eligibility.py",
        "Reason.NOT_SERVED: order.served_on is None",
        "Reason.NOT_SERVED: False",
    ),
    # Allocation
    Guard(
        "allocating somebody no longer eligible",
        f"{_ALLOCATION}/store.py",
        '        "#version = :seen AND #status = :eligible",\n'
        '        {"seen": enrolment.version, "eligible": Status.ELIGIBLE.value},\n',
        '        "attribute_not_exists(#nothing)",\n        {},\n',
    ),
    Guard(
        "two arms for a person",
        f"{_ALLOCATION}/store.py",
        "next_version(person_key(enrolment.person_hash), drawn.person),",
        "put(person_key(enrolment.person_hash), drawn.person.item()),",
    ),
    Guard(
        "using a slot twice",
        f"{_ALLOCATION}/store.py",
        '            "#block = :seen_block AND #position = :seen_position",\n'
        '            {"seen_block": seen.block, "seen_position": seen.position},\n',
        '            "attribute_not_exists(#nothing)",\n            {},\n',
    ),
    Guard(
        "using the first slot twice",
        f"{_ALLOCATION}/store.py",
        '        else Check("cursor as seen", ABSENT)\n',
        "        else None\n",
    ),
    Guard(
        "drawing an order in a trial that did not accept it",
        f"{_ALLOCATION}/allocate.py",
        "protocol = of_trial(announced.trial, protocol)",
        "pass",
    ),
    Guard(
        "another arm for a later order",
        f"{_ALLOCATION}/allocate.py",
        "if known := facts.around.person.allocated.get(enrolment.trial):",
        "if known := None:",
    ),
    # Scheduling
    Guard(
        "scheduling what changed in the meantime",
        f"{_SCHEDULING}/store.py",
        'condition = Check("reminder as seen", "#state = :state AND #due_at = :due_at", seen)\n',
        'condition = Check("reminder as seen", "attribute_not_exists(#nothing)")\n',
    ),
    Guard(
        "schedules for somebody in control",
        f"{_SCHEDULING}/converge.py",
        "if file is None or file.allocation.arm is not Arm.INTERVENTION:",
        "if file is None:",
    ),
    # Audit
    Guard(
        "an entry of the audit trail that is exported twice",
        f"{_AUDIT}/export.py",
        "if entry.key not in known]",
        "if entry.key]",
    ),
    Guard(
        "an export ended by an object under a far link's name",
        f"{_AUDIT}/store.py",
        "                if (link and link.written_at) or number == 1 or self.known(number - 1):\n",
        "                if link:\n",
    ),
    Guard(
        "an export ended by an object under the next link's name",
        f"{_AUDIT}/store.py",
        "            self._known[number] = KnownLink(etag, None, sha256(content), frozenset())\n"
        "            return\n",
        "            raise\n",
    ),
    Guard(
        "an export ended by the removal of a link",
        f"{_AUDIT}/export.py",
        "            number = store.newest(before=number)\n            continue\n",
        "            raise ValueError\n",
    ),
    Guard(
        "a restore made impossible by an object in a link's place",
        "commands/repair/restore.py",
        "            and (finding.fault is not TrailFault.LINK_UNREADABLE "
        "or finding.where == newest)\n",
        "",
    ),
    Guard(
        "two chains of the audit trail",
        f"{_AUDIT}/store.py",
        '                IfNoneMatch="*",\n',
        "",
    ),
    Guard(
        "a link that does not name the one before it",
        f"{_AUDIT}/chain.py",
        "previous=previous, entries",
        "previous=sha256(None), entries",
    ),
    Guard(
        "a change of status that is not announced",
        f"{_SETTLEMENT}/settle.py",
        "    status = after.status if changed else None\n",
        "    status = None\n",
    ),
    Guard(
        "an entry without a change of status that is announced",
        f"{_ALLOCATION}/announce.py",
        "if entry.status is None:",
        "if False:",
    ),
    Guard(
        "an audit entry that overwrites another",
        f"{_TRIAL}/records/audit.py",
        '#{entry.what}#{token_hex(4)}"',
        '#{entry.what}"',
    ),
    # Retention
    Guard(
        "erasing what is on hold",
        f"{_RETENTION}/erase.py",
        " and not enrolment.hold and",
        " and",
    ),
    Guard(
        "erasing what was put on hold in the meantime",
        f"{_RETENTION}/store.py",
        'Check("enrolment as seen", "#version = :seen", {"seen": enrolment.version})',
        'Check("enrolment is there", "attribute_exists(#pk)")',
    ),
    Guard(
        "erasing what another order needs of a number",
        f"{_RETENTION}/traces.py",
        "return number is not None and bool(",
        "return False and bool(",
    ),
    Guard(
        "another arm for a person whose identifiers were erased",
        f"{_RETENTION}/traces.py",
        "if not (allocated and each == ident)",
        "if False",
    ),
    Guard(
        "an order accepted again after it was erased",
        f"{_ENROLMENT}/enrol.py",
        "if known.erased_at:",
        "if False:",
    ),
    Guard(
        "a number put back after it was erased",
        f"{_ENROLMENT}/change.py",
        "        if enrolment.erased_at:\n",
        "        if False:\n",
    ),
    Guard(
        "a new order in a trial that is closed",
        f"{_ENROLMENT}/enrol.py",
        "        if not context.takes_orders:\n",
        "        if False:\n",
    ),
    # Floods
    Guard(
        "made-up orders without end in a day",
        f"{_ENROLMENT}/enrol.py",
        "        over = around.orders_taken >= context.orders_per_day\n",
        "        over = False\n",
    ),
    Guard(
        "two orders that both get the day's last place",
        f"{_SETTLEMENT}/store.py",
        '            text = "attribute_not_exists(#counted) OR #counted < :most"\n',
        '            text = "attribute_not_exists(#counted) OR #counted <= :most"\n',
    ),
    Guard(
        "a draw of an order that nobody has admitted",
        f"{_TRIAL}/eligibility.py",
        "        Reason.HELD_OVER_DAILY_LIMIT: held_over_daily_limit,\n",
        "        Reason.HELD_OVER_DAILY_LIMIT: False,\n",
    ),
    Guard(
        "texts of those who came last, where texts run short",
        f"{_SENDING}/store.py",
        '                    {"most": claim.most(self._texts_per_day)},\n',
        '                    {"most": self._texts_per_day},\n',
    ),
    Guard(
        "made-up numbers that use up the day's texts",
        f"{_TRIAL}/records/reminder.py",
        '"drama" if for_drama else "texts"',
        '"texts"',
    ),
    # Digest and lists
    Guard(
        "a digest that discloses an order without an audit entry",
        "functions/digest/handler.py",
        "        store.log_disclosed([each.enrolment_id for each in digest.named], now)\n",
        "",
    ),
    Guard(
        "a digest that grows with every order",
        "functions/digest/digest.py",
        "    named = orders[:MOST]\n",
        "    named = orders\n",
    ),
    Guard(
        "a list of troubled reminders without audit entries",
        "functions/disclosure/routes.py",
        'store.log(about, AuditEntry(at=now, what="allocation consulted", by=caller(router)))',
        "pass",
    ),
    Guard(
        "an order admitted by the system that posts orders",
        "infra/access.yaml",
        "${Api}/*/POST/enrolments/*/admit",
        "${Api}/*/POST/nothing",
    ),
    # After a restore
    Guard(
        "another arm for somebody drawn before a restore",
        f"{_ALLOCATION}/allocate.py",
        "    if facts.allocation:\n",
        "    if None:\n",
    ),
    Guard(
        "a second text of one that went before a restore",
        f"{_TRIAL}/planning.py",
        "    if slot.number in claimed:\n",
        "    if False:\n",
    ),
    Guard(
        "a text of another protocol than the draw's",
        f"{_SENDING}/send.py",
        "    if {planned.protocol_sha256, drawn.protocol_sha256} != {protocol.sha256}:\n",
        "    if planned.protocol_sha256 != protocol.sha256:\n",
    ),
    Guard(
        "an unseen second text by whoever opens a sent reminder again",
        "commands/audit/agreement.py",
        "    for about, number in trail.texted_again:\n",
        "    for about, number in ():\n",
    ),
    Guard(
        "an outcome removed or moved unseen",
        "commands/audit/agreement.py",
        "    yield from _outcomes(trail, table)\n",
        "",
    ),
    Guard(
        "a pause taken out of the table unseen",
        "commands/audit/agreement.py",
        "    if trail.paused is not table.paused:\n",
        "    if False:\n",
    ),
    Guard(
        "reminders under another protocol unseen",
        "commands/audit/allocation_findings.py",
        "        *_planned_otherwise(evidence.allocations, evidence.planned),\n",
        "",
    ),
    Guard(
        "follow-ups kept waiting by one that takes all the time",
        f"{_ENROLMENT}/context.py",
        "    for key in rotated(list(store.noted()), datetime.now(UTC)):\n",
        "    for key in store.noted():\n",
    ),
    Guard(
        "orders never updated after a change that affects too many",
        f"{_SETTLEMENT}/follow_up.py",
        "    everybody = own._replace(others=tuple(rotated(others, at.now)))\n",
        "    everybody = own._replace(others=others)\n",
    ),
    Guard(
        "follow-ups stopped by an item that cannot be read",
        f"{_TRIAL}/records/record.py",
        "            raise UnreadableError(message) from None\n",
        "            raise error from None\n",
    ),
    Guard(
        "reconciliation stopped by a strange key",
        f"{_RECONCILIATION}/reconcile.py",
        "            yield STRANGE_KEY\n            continue\n",
        "            raise ValueError\n",
    ),
    Guard(
        "a text stopped unseen by a disabled schedule",
        f"{_TRIAL}/aws/schedules.py",
        "_at(now - 2 * _NOTICE) <= there < expression",
        "there < expression",
    ),
    Guard(
        "an end made impossible by a flood of changes",
        f"{_SETTLEMENT}/settle.py",
        "    return on_contention(attempt, tries=TRIES_TO_END)\n",
        "    return on_contention(attempt)\n",
    ),
    Guard(
        "orders held because of rehearsals",
        f"{_ENROLMENT}/enrol.py",
        "    counter = orders_key(today, rehearsals=request.rehearsal)\n",
        "    counter = orders_key(today)\n",
    ),
    Guard(
        "an arm from an invented draw in a restore",
        "commands/repair/recover.py",
        "        return self._arms(slot)[slot.position : slot.position + 1] == (slot.arm,)\n",
        "        return True\n",
    ),
    Guard(
        "losing an end in a restore",
        "commands/repair/recover.py",
        "    if reason := _code(EndReason, entry.what, _ENDED):\n",
        "    if reason := None:\n",
    ),
    Guard(
        "losing a suppression in a restore",
        "commands/repair/recover.py",
        '            elif entry.what == "number_suppressed":\n',
        "            elif False:\n",
    ),
    Guard(
        "a slot drawn again after a restore",
        "commands/repair/recover.py",
        "            if (known.block, known.position) < (wanted.block, wanted.position):\n",
        "            if False:\n",
    ),
    Guard(
        "a second text to somebody drawn before a restore's copy",
        "commands/repair/recover.py",
        "            yield from self._text(about, number, claimed_at)\n",
        "            pass\n",
    ),
    Guard(
        "a restore that removes entries of the audit trail",
        "commands/repair/rewind.py",
        ' if here[place].get("kind") != _AUDIT]',
        "]",
    ),
    Guard(
        "functions that run on an incomplete table",
        "commands/repair/restore.py",
        "functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)",
        "pass",
    ),
    Guard(
        "a restore that leaves out what is not exported yet",
        "commands/repair/restore.py",
        "known = dict(self._stored())  # what was not exported yet\n",
        "known: dict[Key, ExportedEntry] = {}\n",
    ),
    Guard(
        "a restore's pause that an earlier entry of the trail outlasts",
        "commands/repair/restore.py",
        "at = switched_at(resumed, now)",
        "at = now",
    ),
    Guard(
        "a restore after which sending resumes by itself",
        "commands/repair/restore.py",
        "            self.copies.rewind(copy)\n            self.pause(now)\n",
        "            self.copies.rewind(copy)\n",
    ),
    Guard(
        "a restore that loses the arm of somebody no longer eligible",
        "commands/repair/recover.py",
        "            self._take_up(ident, own)\n            yield Difference(Kind.TAKEN_UP",
        "            yield Difference(Kind.TAKEN_UP",
    ),
    Guard(
        "a last day that stays wrong because a restore lost its correction",
        "commands/repair/recover.py",
        'if known and entry.what == "order_corrected":',
        "if False:",
    ),
    Guard(
        "a last day that stays wrong on an order posted again after a restore",
        f"{_ENROLMENT}/change.py",
        "max(enrolment.allocated_at, enrolment.enrolled_at)",
        "enrolment.allocated_at",
    ),
    # The proof
    Guard(
        "a proof that starts again whenever it is cut short",
        f"{_RECONCILIATION}/handler.py",
        "    if stopped != began:\n",
        "    if False:\n",
    ),
    Guard(
        "a proof that starts its schedules again whenever it is cut short among them",
        f"{_RECONCILIATION}/prove.py",
        "    for place in _in_order(named, after):\n",
        "    for place in named:\n",
    ),
    Guard(
        "a proof that skips orders on hold",
        f"{_RECONCILIATION}/store.py",
        "        for retained in (Retained.IDENTIFIERS, Retained.HELD):\n",
        "        for retained in (Retained.IDENTIFIERS,):\n",
    ),
    Guard(
        "an unexpected schedule that is not reported",
        f"{_RECONCILIATION}/prove.py",
        "        return Gap.STRANGE_SCHEDULE, found.name\n",
        "        return None\n",
    ),
    Guard(
        "no schedules at all once the group is deleted",
        f"{_TRIAL}/aws/schedules.py",
        "        except _NoGroupError:\n            self._create_group()\n",
        "        except _NoGroupError:\n            pass\n",
    ),
    # The template
    Guard(
        "one bad record that blocks allocation",
        _TEMPLATE,
        "MaximumRetryAttempts: 10\n            MaximumRecordAgeInSeconds: 72000\n"
        "            FunctionResponseTypes: [ReportBatchItemFailures]\n"
        "            DestinationConfig: {OnFailure: {Type: SQS, "
        "Destination: !GetAtt AllocationFailures.Arn}}\n",
        "MaximumRetryAttempts: -1\n            MaximumRecordAgeInSeconds: 72000\n"
        "            FunctionResponseTypes: [ReportBatchItemFailures]\n"
        "            DestinationConfig: {OnFailure: {Type: SQS, "
        "Destination: !GetAtt AllocationFailures.Arn}}\n",
    ),
    Guard(
        "dropping an event that scheduling failed at",
        _TEMPLATE,
        "        DestinationConfig: {OnFailure: {Type: SQS, "
        "Destination: !GetAtt SchedulingFailures.Arn}}\n",
        "",
    ),
    Guard(
        "taking an event that Lambda refused as accepted",
        f"{_ALLOCATION}/hand_over.py",
        "        raise UnavailableError("
        "f\"Lambda answered {error.response['Error']['Code']}\") from None\n",
        "        del error\n",
    ),
    Guard(
        "allocations that never reach scheduling",
        f"{_ALLOCATION}/handler.py",
        "case Status.ALLOCATED | Status.ENDED:",
        "case Status.ENDED:",
    ),
    Guard(
        "ends that never reach scheduling",
        f"{_ALLOCATION}/handler.py",
        "case Status.ALLOCATED | Status.ENDED:",
        "case Status.ALLOCATED:",
    ),
    Guard(
        "a draw whose duration reveals its arm",
        f"{_ALLOCATION}/store.py",
        "for reminder in timetable),",
        "for reminder in timetable if allocation.arm is Arm.INTERVENTION),",
    ),
    # Rehearsals
    Guard(
        "a rehearsal in the real trial",
        f"{_ENROLMENT}/new_enrolment.py",
        "trial=rehearsal_of(trial) if request.rehearsal else trial,",
        "trial=trial,",
    ),
    Guard(
        "a rehearsal that texts somebody",
        f"{_SENDING}/send.py",
        "    if is_rehearsal(enrolment.trial) and not is_for_drama(number):\n",
        "    if False:\n",
    ),
    Guard(
        "a rehearsal about somebody who has a number",
        f"{_ENROLMENT}/wire.py",
        "        if not (self.mobile.number and is_for_drama(self.mobile.number)):\n",
        "        if False:\n",
    ),
    Guard(
        "a rehearsal that gets a real number",
        f"{_ENROLMENT}/mobile.py",
        "if is_rehearsal(enrolment.trial) and given.number and not is_for_drama(given.number):",
        "if False:",
    ),
    Guard(
        "a registration that counts rehearsals as allocations",
        "commands/audit/registration.py",
        '        if not is_rehearsal(of := trials.get(each.enrolment_id, ""))\n',
        '        if (of := trials.get(each.enrolment_id, "")) is not None\n',
    ),
    Guard(
        "a registration once somebody was drawn",
        "commands/audit/register.py",
        "    if drawn := registration.drawn_in(evidence, protocol.trial, known):\n",
        "    if drawn := []:\n",
    ),
    # The runtime
    Guard(
        "forgetting an unfinished follow-up with that of a later change",
        f"{_SETTLEMENT}/store.py",
        "again=around.is_unfinished",
        "again=False",
    ),
    Guard(
        "forgetting an unfinished follow-up with that of an end",
        f"{_SETTLEMENT}/settle.py",
        "again=is_unfinished",
        "again=False",
    ),
    Guard(
        "a write without its condition on an old runtime",
        f"{_TRIAL}/aws/clients.py",
        '.split(".")[:3]) < LOWEST_BOTOCORE:',
        '.split(".")[:3]) < ():',
    ),
)

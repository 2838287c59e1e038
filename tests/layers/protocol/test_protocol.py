import hashlib
from datetime import date, time, timedelta
from pathlib import Path

import pytest

from tests.support.fixture_protocol import VERSION
from trial.codes import Arm, Instrument, Language, OutcomeType
from trial.errors import RejectedError
from trial.protocol.__main__ import main
from trial.protocol.load import ProtocolError, load, path_of, read
from trial.protocol.settings import Approval, RepeatPolicy

AGREED = path_of(VERSION).read_text()
APPROVED = next(line for line in AGREED.splitlines() if line.startswith("approvals = ["))


def problems_of(folder: Path, content: str | bytes) -> list[str]:
    path = folder / f"{VERSION}.toml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ProtocolError) as refusal:
        read(path)
    return str(refusal.value).splitlines()


def replaced(old: str, new: str, content: str = AGREED) -> str:
    assert content.count(old) == 1, f"{old!r} is not there once"
    return content.replace(old, new)


def line_of(text: str, content: str) -> int:
    return content[: content.index(text)].count("\n") + 1


def test_the_agreed_settings_are_read_as_written() -> None:
    agreed = load(VERSION)
    assert (agreed.version, agreed.trial) == (VERSION, "fixture")
    assert agreed.arms == {Arm.CONTROL: 1, Arm.INTERVENTION: 1}
    assert agreed.block_sizes == (2, 4, 6)
    assert agreed.repeat_policy is RepeatPolicy.RETAIN_ARM
    assert (agreed.eligibility.minimum_age, agreed.eligibility.min_days_left) == (18, 3)
    assert (agreed.window.opens, agreed.window.closes) == (time(9), time(20))
    assert agreed.freshness_hours == 6
    assert agreed.retention.identifiers_days == 90
    assert len(agreed.wordings[Language.EN]) == 21


def test_the_plan_of_the_analysis_is_read_as_written() -> None:
    plan = load(VERSION).analysis
    assert (plan.lock_date, plan.alpha, plan.final_alpha) == (date(2029, 2, 28), 0.05, 0.049)
    assert plan.interim_looks == (date(2028, 6, 1),)
    assert plan.primary.types == (OutcomeType.ARREST, OutcomeType.BREACH)
    assert (plan.primary.instruments, plan.primary.days) == ((Instrument.DVPO,), None)
    assert [each.days for each in plan.secondary] == [None, None, None, 30, 90, 365]
    assert plan.subgroups[0] == "age_band"


def test_every_cost_has_a_source() -> None:
    figures = [figure for _, figure in load(VERSION).costs]
    assert len(figures) == 5
    assert all(figure.value > 0 and len(figure.source) > 40 for figure in figures)


def test_a_copy_under_another_name_is_read_as_the_given_version(tmp_path: Path) -> None:
    path = tmp_path / "protocol.toml"
    path.write_text(AGREED)
    assert read(path, version=VERSION) == load(VERSION)
    with pytest.raises(ProtocolError, match="version: the file is named fixture-2"):
        read(path, version="fixture-2")


def test_the_hash_is_that_of_the_file() -> None:
    assert load(VERSION).sha256 == hashlib.sha256(path_of(VERSION).read_bytes()).hexdigest()


def test_a_protocol_is_read_once() -> None:
    assert load(VERSION) is load(VERSION)


def test_a_wording_is_a_draft_until_both_have_approved_it() -> None:
    draft = load(VERSION).wordings[Language.EN]["S1"]
    solicitor, specialist = (
        Approval(role=role, name="A. Name", on=date(2026, 11, 30))
        for role in ("solicitor", "specialist")
    )
    assert not draft.draft
    assert draft.model_copy(update={"approvals": ()}).lacks == ("solicitor", "specialist")
    assert draft.model_copy(update={"approvals": (solicitor, solicitor)}).draft
    both = draft.model_copy(update={"approvals": (solicitor, specialist)})
    assert not both.draft
    assert both.model_copy(update={"machine_draft": True}).lacks == ("translator",)


def test_approvals_are_read_from_the_file(tmp_path: Path) -> None:
    path = tmp_path / f"{VERSION}.toml"
    approval = '{ role = "solicitor", name = "A. Name", on = 2026-11-30 }'
    path.write_text(AGREED.replace(APPROVED, f"approvals = [{approval}]"))
    assert read(path).wordings[Language.EN]["E2"].approvals[0].on == date(2026, 11, 30)


TITLE = load(VERSION).title

MANY_LOOKS = ", ".join(str(date(2028, 6, 1) + timedelta(days=n)) for n in range(51))

# What is wrong, the edit that makes it so, and the text whose line is to be named.
BROKEN = {
    "unknown key": ("minimum_cell_size = 10", "cell_size = 10", "cell_size =", "Extra inputs"),
    "unknown key in a section": ("first = 1\n", "first = 1\nper_day = 2\n", "per_day", "Extra"),
    "unknown key in an item": ('"M2", rank = 4 }', '"M2", rnk = 4 }', "rnk = 4", "Extra inputs"),
    "missing key": ("minimum_age = 18\n", "", "[eligibility]", "minimum_age: Field required"),
    "hash in the file": ('trial = "', 'sha256 = "00"\ntrial = "', "sha256 =", "is calculated"),
    "number as text": ("freshness_hours = 6", 'freshness_hours = "6"', "freshness_h", "integer"),
    "nothing": ("freshness_hours = 6", "freshness_hours = 0", "freshness_hours", "greater than"),
    "hour as a number": ("opens = 09:00:00", "opens = 36000", "opens =", "valid time"),
    "no title": (TITLE, "", "title =", "at least 1 character"),
    "unknown policy": ('= "retain_arm"', '= "redraw"', '"redraw"', "'retain_arm' or 'exclude'"),
    "another version": (f'version = "{VERSION}"', 'version = "b"', 'version = "b"', "is named"),
    "id that could be two": ('trial = "fixture', 'trial = "fixture|', "trial = ", "pattern"),
    "one arm": ("control = 1\n", "", "[arms]", "at least 2 items"),
    "unknown arm": ("control = 1\n", "controls = 1\n", "controls", "'control' or 'intervention'"),
    "no share": ("control = 1\n", "control = 0\n", "control = 0", "greater than"),
    "block the ratio leaves uneven": ("[2, 4, 6]", "[2, 3, 6]", "block_sizes", "3 is no multiple"),
    "no blocks": ("[2, 4, 6]", "[]", "block_sizes", "at least 1 item"),
    "length in no stratum": ("min_days = 15", "min_days = 16", "[[strata]]", "15 days in no str"),
    "length in two": ("max_days = 14", "max_days = 15", "[[strata]]", "15 days in 14 and 15-28"),
    "no such stratum": ("min_days = 15", 'min_days = "15"', 'min_days = "15"', "valid integer"),
    "stratum twice": ('id = "15-28"', 'id = "14"', "[[strata]]", "14 is listed twice"),
    "lengths the wrong way": ("shortest_days = 14", "shortest_days = 29", "shortest_days =",
        "more than longest_days"),
    "two texts a day": ("per_week = 3", "per_week = 7", "[orders.dvpo.timetable]",
        "28 days get 29 texts, two"),
    "a single text": ("shortest_days = 14", "shortest_days = 1", "[orders.dvpo.timetable]",
        "1 days get 1 text"),
    "even and without a limit": ("longest_days = 28\n", "", "[orders.dvpo.timetable]",
        "for orders of limited length"),
    "condition twice": ('always = ["no_molestation"]',
        'always = ["no_molestation", "no_molestation"]', "always =", "is listed twice"),
    "always what it never holds": ('always = ["no_molestation"]', 'always = ["programme"]',
        "always =", "programme is none of its conditions"),
    "no such timetable": ('kind = "even"', 'kind = "odd"', "[orders.dvpo.timetable]", "'even'"),
    "held back after a breach": ('instrument = "dvpo"',
        'instrument = "dvpo"\nwithheld_after_breach = ["plan"]', "withheld_after_breach",
        "nothing that happens later"),
    "no such zone": ('"Europe/London"', '"Europe/Londom"', "zone =", "no such zone"),
    "no such country": ('country = "GB"', 'country = "Britain"', "country =", "pattern"),
    "more slots than themes": ("per_week = 3", "per_week = 4", "themes =", "13 themes, but"),
    "core over the shortest": ('"R", rank = 2', '"R", core = true', "themes =", "8 in the core"),
    "window opens at night": ("opens = 09", "opens = 02", "opens =", "clocks may change"),
    "window closed": ("closes = 20:00", "closes = 09:15", "closes =", "not more than 0:15:00"),
    "theme twice": ('theme = "calm"', 'theme = "plan"', "themes =", "plan is listed twice"),
    "theme misspelt": ('theme = "calm"', 'theme = "Calm!"', "Calm!", "pattern"),
    "rank twice": ("rank = 3", "rank = 2", "themes =", "rank 2 is listed twice"),
    "neither core nor rank": (", rank = 3 }", " }", '"substances"', "either core = true or a rank"),
    "core and rank": ("rank = 3", "core = true, rank = 3", '"substances"', "either core = true or"),
    "conditions late": ('"C1", core = true', '"C1", rank = 9', '"C1", rank', "conditions: must be"),
    "expiry optional": ('"E2", core = true', '"E2", rank = 9', '"E2", rank', "the expiry: must be"),
    "no text": ('text = "{force}: This', 'txt = "{force}: This', "[wordings.en.S1", "text: Field"),
    "variant missing": ("[wordings.en.C1-NE]", "[wordings.en.C1-NEX]", "[wordings.en.",
        "C1-NE: is missing"),
    "wording unused": ("[wordings.en.C1-NE]", "[wordings.en.C1-NEX]", "[wordings.en.C1-NEX",
        "no theme"),
    "wording of a theme missing": ('wording = "S1"', 'wording = "S9"', "[wordings", "S9: is miss"),
    "wording of two themes": ('wording = "S1"', 'wording = "S2"', "themes =", "S2 is listed twice"),
    "variants of no wording": ("\nB = [", "\nB2 = [", "B2 = [", "no theme uses it"),
    "variant that needs what no order holds": ('["keep_distance"], wording = "C1-KD"',
        '["programme"], wording = "C1-KD"', '"C1-KD"', "no such order holds programme"),
    "variant behind all": ('["no_contact"], wording = "B-NC"', '[], wording = "B-NC"',
        '"B-MOL" }', "never comes to be used"),
    "variants that leave some out": ('{ wording = "B-MOL" }',
        '{ needs = ["no_entry"], wording = "B-MOL" }', "B = [", "leaves out orders with an end"),
    "no such language": ("[wordings.en.S1]", "[wordings.fr.S1]", "[wordings.fr", "'en' or 'cy'"),
    "curly quote": ("crisis to call.", "crisis to call\N{RIGHT SINGLE QUOTATION MARK}.",
        "crisis", r"not in the GSM-7 alphabet: '\u2019' (U+2019)"),
    "emoji": ("crisis to call.", "crisis to call \N{SLIGHTLY SMILING FACE}", "crisis", "U+1F642"),
    "too long": ("crisis to call.", f"crisis to call.{'.' * 20}", "crisis", "161 septets, one"),
    "too long by tildes": ("crisis to call.", f"crisis to call.{'~' * 10}", "crisis", "161 sep"),
    "too long at the longest force": ('"Northamptonshire Police"', f'"{"P" * 30}"',
        "Not sure of one?", "161 septets, one part has 160, at the longest"),
    "longest value not GSM": ('"Northamptonshire Police"', '"P\N{EM DASH}P"', "force = ", "U+2014"),
    "unknown placeholder": ("crisis to call.", "crisis, {name}.", "crisis", "placeholder {name}"),
    "placeholder with a format": ("crisis to call.", "{force!r}", "day or night", "{force!r}"),
    "lone brace": ("crisis to call.", "crisis {.", "crisis", "placeholder {."),
    "lone closing brace": ("crisis to call.", "crisis }.", "crisis", "placeholder }"),
    "unnamed force": ("{force}: This can", "This can", "This can", "must name the {force}"),
    "expiry untold": ("end of {expiry_date}", "end", "order runs to", "must tell the {exp"),
    "link": ("crisis to call.", "crisis: police.uk/help", "crisis", "a link: police.uk/help"),
    "link with a scheme": ("crisis to call.", "http://1", "day or night", "a link: http://1"),
    "telling word": ("crisis to call.", "Domestic crisis.", "crisis", "never say Domestic"),
    "other telling word": ("crisis to call.", "violence", "violence", "never say violence"),
    "reply asked for": ("crisis to call.", "Reply YES.", "day or night", "gets no reply"),
    "pronoun": ("crisis to call.", "crisis: call her.", "crisis", "a pronoun for the protected"),
    "who it is": ("crisis to call.", "crisis with your ex.", "crisis", "says who the protected"),
    "third person": ("crisis to call.", "crisis. Call a friend.", "crisis", "a third person"),
    "name": ("crisis to call.", "crisis, Sarah says.", "crisis", "'Sarah': names nobody"),
    "name that begins a sentence": ("crisis to call.", "crisis. Sarah is safe.", "crisis",
        "'Sarah': a name, or a first word"),
    "convicted": ("crisis to call.", "crisis as an offender.", "crisis", "nobody is convicted"),
    "claim": ("crisis to call.", "crisis. Most people call.", "crisis", "without its figures"),
    "temper": ("crisis to call.", "crisis. Stay calm.", "crisis", "matter of temper"),
    "breach called a crime": ("If you break yours you", "To break yours is a crime. You",
        "To break yours", "to break a dvpo is no crime"),
    "look after the lock": ("[2028-06-01]", "[2029-02-28]",
        "interim_looks =", "2029-02-28 is not before the lock date"),
    "look twice": ("[2028-06-01]", "[2028-06-01, 2028-06-01]",
        "interim_looks =", "2028-06-01 is listed twice"),
    "look before the first order": ("[2028-06-01]", "[2027-01-04]",
        "interim_looks =", "2027-01-04: nobody is randomised by then"),
    "look without a rule": (
        AGREED[AGREED.index("[analysis.monitoring]") : AGREED.index("[[analysis.merges]]")], "",
        "interim_looks =", "a look without a monitoring rule"),
    "looks spend all": ("[2028-06-01]", f"[{MANY_LOOKS}]",
        "benefit_p =", "the looks leave no alpha"),
    "lock before the last follow-up": ("lock_date = 2029-02-28", "lock_date = 2029-01-26",
        "lock_date =", "the last person is followed until 2029-01-27"),
    "last day before the first": ("last_day = 2027-12-31", "last_day = 2027-01-04",
        "last_day =", "not after the first day"),
    "date as text": ("lock_date = 2029-02-28", 'lock_date = "soon"', "lock_date =", "valid date"),
    "alpha in per cent": ("alpha = 0.05", "alpha = 5.0", "alpha =", "less than 1"),
    "no effect planned": ("intervention = 0.20", "intervention = 0.28",
        "planned_risk_intervention", "not below that of control"),
    "subgroup unknown": ('subgroups = ["age_band"', 'subgroups = ["height"',
        "subgroups =", "'sex'"),
    "subgroup twice": ('subgroups = ["age_band"', 'subgroups = ["sex"',
        "subgroups =", "sex is listed twice"),
    "adjusted twice": ('adjust_for = ["stratum"', 'adjust_for = ["sex"',
        "adjust_for =", "sex is listed twice"),
    "monitoring spends all": ("benefit_p = 0.001", "benefit_p = 0.05",
        "benefit_p =", "not below alpha"),
    "prior without spread": ("sd_log_odds_ratio = 0.27", "sd_log_odds_ratio = 0.0",
        "sd_log_odds_ratio =", "greater than 0"),
    "event twice": ('{ event = "quashed"', '{ event = "deceased"',
        "intercurrent =", "deceased is listed twice"),
    "at risk of nothing": ('"number_lost", strategy = "treatment_policy"',
        '"number_lost", strategy = "while_at_risk"', "intercurrent =",
        "number_lost does not end an order"),
    "merged twice": ('codes = ["45-54", "55+"]', 'codes = ["55+", "55+"]',
        "[[analysis.merges]]", "55+ of age_band is listed twice"),
    "merged without being there": ('codes = ["45-54", "55+"]', 'codes = ["45-54", "56+"]',
        "[[analysis.merges]]", "age_band has no 56+"),
    "unknown strategy": ('"while_at_risk", why = "nobody', '"luck", why = "nobody',
        '{ event = "deceased"', "'while_at_risk'"),
    "nothing counts": ('types = ["breach"]', "types = []", "types = []", "at least 1 item"),
    "breaches that nobody counts": ('"arrest", "breach"]\ninstruments = ["dvpo"]',
        '"arrest", "breach"]\ninstruments = ["dapo"]', 'instruments = ["dapo"]',
        "leaves out dvpo: no breach of a dvpo would count"),
    "unknown outcome": ('types = ["breach"]', 'types = ["beach"]', '["beach"]', "'breach'"),
    "endpoint twice": ('id = "any_365"', 'id = "any_90"', "[[analysis.secondary]]",
        "any_90 is listed twice"),
    "no primary": ("[analysis.primary]", "[analysis.main]", "[analysis.main]", "Extra inputs"),
    "cost without source": ("value = 60, source", "value = 60, sources",
        "infrastructure_pence_per_order", "source: Field required"),
    "negative cost": ("value = 60,", "value = -60,", "infrastructure_pence", "greater than or eq"),
    "cost without end": ("value = 60,", "value = inf,", "infrastructure_pence", "finite number"),
    "approval by nobody": (f'4040."\n{APPROVED}', '4040."\napprovals = [{ role = "solicitor" }]',
        '[{ role = "solicitor" }]\n', "name: Field required"),
    "approval by anybody": (f'4040."\n{APPROVED}',
        '4040."\napprovals = [{ role = "x", name = "N", on = 2026-11-30 }]',
        'role = "x"', "solicitor"),
}  # fmt: skip


@pytest.mark.parametrize(("old", "new", "where", "reason"), BROKEN.values(), ids=BROKEN)
def test_a_fault_in_a_protocol_is_reported_with_its_line(
    tmp_path: Path, old: str, new: str, where: str, reason: str
) -> None:
    content = replaced(old, new)
    line = line_of(where, content)
    reports = problems_of(tmp_path, content)
    assert any(f"line {line}: " in report and reason in report for report in reports), reports


def test_all_problems_are_reported_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    content = AGREED
    for old, new in (
        ("minimum_cell_size = 10", 'minimum_cell_size = "ten"'),
        ("[2, 4, 6]", "[2, 5]"),
        ("per_week = 3", "per_weak = 3"),
        ("closes = 20:00:00", "closes = 08:00:00"),
        ('text = "{force}: This can', 'text = 7 # "{force}: This can'),
        ("0808 802 4040.", "respect.uk."),
        ("avoid arrest.", "avoid arrest for domestic violence."),
        ("[wordings.en.B-MOL]", "[wordings.en.BB]"),
    ):
        content = replaced(old, new, content)
    reports = problems_of(tmp_path, content)
    lines = [int(report.partition("line ")[2].partition(":")[0]) for report in reports]
    assert lines == sorted(lines)
    assert [report.split(": ", 2)[1] for report in reports] == [
        "block_sizes", "minimum_cell_size", "window.closes", "orders.dvpo.timetable.per_week",
        "orders.dvpo.timetable.per_weak", "wordings.en.S2.text", "wordings.en.S1.text",
        "wordings.en.P2.text", "wordings.en.P2.text",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (replaced("[longest]", "[longest"), f"(at line {line_of('[longest]', AGREED)}, "),
        (AGREED + "\n[window]\n", "Cannot declare"),
        (b"# a\n# b \xff\n" + AGREED.encode(), "line 2: not UTF-8"),
        ("", "line 1: wordings: Field required"),
        ("wordings = 3", "line 1: wordings: Input should be"),
        ("wordings = { S1 = 3 }", "line 1: wordings.S1: Input"),
    ],
    ids=["unclosed", "a table twice", "not UTF-8", "empty", "not a table", "not a wording"],
)
def test_a_file_of_another_kind_is_refused(
    tmp_path: Path, content: str | bytes, reason: str
) -> None:
    assert reason in "\n".join(problems_of(tmp_path, content))


def test_an_unknown_version_is_refused() -> None:
    with pytest.raises(RejectedError, match=r"^fixture-0\.toml: No such file"):
        load("fixture-0")


def test_the_command_prints_version_hash_and_drafts(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    *others, line = capsys.readouterr().out.splitlines()
    assert [other.split()[0] for other in others] == ["dapo-1", "first-1"]
    assert line == f"{VERSION} sha256={load(VERSION).sha256} drafts 0 of 21"


def test_the_command_checks_each_file_and_fails_if_one_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = tmp_path / f"{VERSION}.toml", tmp_path / "other.toml"
    for path in (good, bad):
        path.write_text(AGREED)
    assert main([str(bad), str(good)]) == 1
    refused, accepted = capsys.readouterr().out.splitlines()
    assert refused.startswith(f"other.toml, line {line_of('version =', AGREED)}: version: ")
    assert accepted.startswith(f"{VERSION} sha256=")

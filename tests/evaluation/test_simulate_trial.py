"""The simulated trial allocates as the protocol says, and shows the result."""

import re
from collections import defaultdict
from collections.abc import Mapping
from itertools import islice
from pathlib import Path

import pytest

from evaluation.example.simulate_trial import (
    MOST_PEOPLE,
    SimulatedStratum,
    best_guesses,
    bound,
    chart,
    main,
    page,
    rows,
    sequence,
    simulate,
)
from tests.evaluation.pages import ParsedReport, assert_loads_nothing
from tests.support.fixture_protocol import AGREED
from trial.codes import Arm
from trial.protocol import load as protocols
from trial.protocol.settings import Protocol

C, T = Arm.CONTROL, Arm.INTERVENTION
EVEN = {C: 1, T: 1}
TWO_TO_ONE = {C: 1, T: 2}


@pytest.fixture
def protocol() -> Protocol:
    return AGREED


def redesigned(protocol: Protocol, sizes: tuple[int, ...], ratio: Mapping[Arm, int]) -> Protocol:
    return protocol.model_copy(update={"block_sizes": sizes, "arms": ratio})


# Allocating


def test_everybody_is_allocated_once(protocol: Protocol) -> None:
    strata = simulate(protocol, people=500, seed=1)
    assert [s.id for s in strata] == [s.id for s in protocol.strata]
    assert sum(s.arms.total() for s in strata) == 500


def test_the_same_seed_gives_the_same_trial_and_another_seed_another(protocol: Protocol) -> None:
    one, same, other = (simulate(protocol, people=100, seed=seed) for seed in (1, 1, 2))
    assert [s.imbalances for s in one] == [s.imbalances for s in same]
    assert one[0].imbalances[:30] != other[0].imbalances[:30]


def test_no_key_or_stratum_shares_its_blocks_with_another(protocol: Protocol) -> None:
    first = {
        tuple(islice(sequence(protocol, key, stratum), 30))
        for key in (b"one key", b"another")
        for stratum in ("14", "15-28")
    }
    assert len(first) == 4


def test_people_take_the_slots_of_each_block_in_order() -> None:
    blocks = iter([(C, T), (T, T, C, C), (C, T)])
    stratum = SimulatedStratum("14", EVEN, blocks, guesses=defaultdict(lambda: C))
    for _ in range(7):
        stratum.allocate()
    assert stratum.imbalances == [-1, 0, 1, 2, 1, 0, -1]
    assert stratum.arms == {C: 4, T: 3}
    assert stratum.whole_blocks == 2


@pytest.mark.parametrize(
    ("sizes", "ratio", "limit"), [((2, 4, 6), EVEN, 3), ((2,), EVEN, 1), ((3, 6), TWO_TO_ONE, 2)]
)
def test_the_arms_differ_by_at_most_what_the_design_allows(
    protocol: Protocol, sizes: tuple[int, ...], ratio: Mapping[Arm, int], limit: float
) -> None:
    design = redesigned(protocol, sizes, ratio)
    imbalances = [i for s in simulate(design, people=2000, seed=1) for i in s.imbalances]
    assert (min(imbalances), max(imbalances)) == (-limit, limit)
    assert bound(design) == limit


# Guessing


@pytest.mark.parametrize(
    ("sizes", "ratio", "rate"),
    [
        ((2,), EVEN, 3 / 4),
        ((4,), EVEN, 17 / 24),
        ((6,), EVEN, 41 / 60),
        ((2, 4, 6), EVEN, 253 / 360),
        ((3,), TWO_TO_ONE, 7 / 9),
    ],
)
def test_the_share_of_right_guesses_is_what_the_design_allows(
    protocol: Protocol, sizes: tuple[int, ...], ratio: Mapping[Arm, int], rate: float
) -> None:
    design = redesigned(protocol, sizes, ratio)
    assert best_guesses(design)[1] == pytest.approx(rate)
    strata = simulate(design, people=20_000, seed=1)
    guessed = sum(s.guessed for s in strata) / 20_000
    # Four standard errors of a coin tossed as often.
    assert guessed == pytest.approx(rate, abs=0.014)


def test_an_arm_is_guessed_before_it_is_shown(protocol: Protocol) -> None:
    guesses, _ = best_guesses(redesigned(protocol, (2,), EVEN))
    stratum = SimulatedStratum("14", EVEN, iter([(T, C), (T, C)]), guesses)
    seen = []
    for _ in range(4):
        stratum.allocate()
        seen.append(stratum.guessed)
    assert seen == [0, 1, 1, 2]


# Telling


def test_a_stratum_without_people_is_listed_too(protocol: Protocol) -> None:
    (row,) = rows([SimulatedStratum("14", EVEN, sequence(protocol, b"", "14"), {})])
    assert row == ("14", "0", "0", "0", "0", "0", "-")


def test_the_page_has_a_described_chart_of_everybody_and_loads_nothing(protocol: Protocol) -> None:
    strata = simulate(protocol, people=300, seed=1)
    html = page(protocol, strata, seed=1)
    assert_loads_nothing(html)
    for stratum, described in zip(strata, ParsedReport(html).pictures, strict=True):
        people = stratum.arms.total()
        assert f"Stratum {stratum.id}: imbalance after each of {people:,} people" in described
        assert f"<figcaption>{described}</figcaption>" in html


def heights(stratum: SimulatedStratum) -> list[float]:
    """Where the line of a stratum's chart runs, one place for each person and one before."""
    _, svg = chart(stratum, 1)
    line = re.findall(r'<path d="M([^"]+)"', svg)[-1]
    return [float(point.split()[1]) for point in line.split("L")][::2]


def test_the_chart_rises_for_intervention() -> None:
    stratum = SimulatedStratum("14", EVEN, iter([(T, C)]), guesses=defaultdict(lambda: C))
    (before,) = heights(stratum)
    stratum.allocate()
    stratum.allocate()
    start, top, end = heights(stratum)
    assert top < start == end == before  # the drawing's units count downwards


def test_the_page_says_which_trial_it_simulates(protocol: Protocol) -> None:
    html = page(protocol, simulate(protocol, people=1, seed=7), seed=7)
    assert f"seed 7, protocol {protocol.version} (SHA-256 {protocol.sha256})" in html


# The command


def test_the_command_prints_a_table_and_writes_the_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for people in ("10", "50"):
        main(["-n", people, "--seed", "4", "-o", str(tmp_path / "new" / "folder")])
    printed = capsys.readouterr().out
    assert "15-28" in printed
    assert "70.3%" in printed
    assert "50 synthetic people" in (tmp_path / "new/folder/index.html").read_text("utf-8")


@pytest.mark.parametrize("n", ["0", "-5", "1,000", "1e3", "ten", "", str(MOST_PEOPLE + 1)])
def test_a_bad_number_of_people_is_refused_with_the_reason(
    n: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["-n", n])
    assert f"{n!r} is not a whole number from 1 to" in capsys.readouterr().err


def test_an_unknown_protocol_is_refused_with_a_list_of_the_known_ones(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--protocol", "dvpo-1999-1"])
    assert re.search("choose from .*fixture-1", capsys.readouterr().err)


def test_a_faulty_protocol_is_refused_with_its_faults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "faulty.toml").write_text("version = 1", encoding="utf-8")
    monkeypatch.setattr(protocols, "FOLDER", tmp_path)
    with pytest.raises(SystemExit, match=r"faulty\.toml, line 1"):
        main(["--protocol", "faulty"])


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SystemExit, match=r"cannot write .*file/index\.html"):
        main(["-n", "1", "-o", str(tmp_path / "file")])

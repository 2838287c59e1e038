"""Several extracts, one for each force, analysed as one."""

import json
from pathlib import Path

import pytest

from evaluation.__main__ import main
from evaluation.package import PackageError
from evaluation.pool import read_all
from evaluation.report.make import report
from extract.columns.base import Row
from extract.columns.enrolments import EnrolmentRow
from tests.evaluation.packages import trial, written
from trial.protocol.load import path_of


def of_force(force: str, offset: int, rows: list[Row]) -> list[Row]:
    """The same rows in another force's extract, which has names of its own."""
    moved: list[Row] = []
    for row in rows:
        update = {
            name: f"{value[0]}{int(value[1:], 16) + offset:016x}"
            for name in ("enrolment", "person")
            if (value := getattr(row, name, None))
        }
        if isinstance(row, EnrolmentRow):
            update["force"] = force
        moved.append(row.model_copy(update=update))
    return moved


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    durham = trial(control=(20, 60), treated=(8, 60), without=20)
    cumbria = of_force("cumbria", 10**8, trial(control=(12, 40), treated=(10, 40)))
    return [written(tmp_path / "durham", durham), written(tmp_path / "cumbria", cumbria)]


def test_the_forces_are_compared_and_pooled(folders: list[Path]) -> None:
    sections = {each.id: each for each in report(read_all(folders)).sections}
    primary = sections["primary"].figures
    assert (primary["control"]["people"], primary["intervention"]["events"]) == (100, 18)
    assert isinstance(primary["rerandomisation_p"], float)
    forces = sections["forces"].figures["forces"]
    assert {name: each.control.people for name, each in forces.items()} == {
        "cumbria": 40, "durham": 60,
    }  # fmt: skip
    assert sections["forces"].figures["heterogeneity"].degrees == 1
    assert set(sections["adjusted"].figures["strata"]) == {
        "cumbria, 15 to 28 days", "durham, 15 to 28 days",
    }  # fmt: skip
    assert "force" in sections["adjusted"].figures["adjusted"].covariates
    assert sections["baseline"].figures["control"]["force"] == {"cumbria": 40, "durham": 60}


def test_a_force_with_few_people_is_never_shown_alone(tmp_path: Path) -> None:
    """Its strata stand with another's: by subtraction they could be had from the forces' table."""
    folders = [
        written(tmp_path / force, of_force(force, n * 10**8, trial(control=(n, k), treated=(1, k))))
        for n, (force, k) in enumerate((("durham", 60), ("cumbria", 40), ("kent", 4)), start=1)
    ]
    figures = {each.id: each.figures for each in report(read_all(folders)).sections}
    together = {"cumbria or kent": 44, "durham": 60}
    forces = figures["forces"]["forces"]
    assert {name: each.control.people for name, each in forces.items()} == together
    strata = figures["adjusted"]["strata"]
    assert sorted(each.control.people for each in strata.values()) == sorted(together.values())
    assert sum(each.control.people for each in strata.values()) == 104


def test_a_small_stratum_cannot_be_worked_out_from_its_force_and_length(tmp_path: Path) -> None:
    """Where one of force and length is too small, none is shown: the sums of both are elsewhere."""

    def rows(serial: int, force: str, people: int, short: int) -> list[Row]:
        made = of_force(force, serial * 10**8, trial(control=(5, people), treated=(5, people)))
        seen = [each for each in made if isinstance(each, EnrolmentRow)]
        lengths = {each.enrolment: "14" if i // 2 < short else "15-28" for i, each in
                   enumerate(sorted(seen, key=lambda each: each.enrolment))}  # fmt: skip
        return [
            each.model_copy(update={"stratum": lengths[each.enrolment]})
            if isinstance(each, EnrolmentRow)
            else each
            for each in made
        ]

    folders = [
        written(tmp_path / "a", rows(1, "durham", 50, 4)),
        written(tmp_path / "b", rows(2, "cumbria", 40, 15)),
    ]
    figures = {each.id: each.figures for each in report(read_all(folders)).sections}
    assert set(figures["forces"]["forces"]) == {"durham", "cumbria"}
    assert list(figures["adjusted"]["strata"]) == ["all together"]
    assert figures["adjusted"]["mantel_haenszel"].strata == 4


def test_blocks_of_different_extracts_are_unrelated(folders: list[Path]) -> None:
    """Both have a block 0 of the stratum; together in one they would be no block of the design."""
    together = read_all(folders)
    assert set(together.enrolments["source"]) == {"1", "2"}
    test = {each.id: each for each in report(together).sections}["primary"]
    assert 0 < test.figures["rerandomisation_p"] < 0.05


def test_pooling_one_extract_alone_changes_nothing(folders: list[Path]) -> None:
    found = {each.id: each for each in report(read_all(folders[:1])).sections}
    assert found["forces"].figures == {"forces": ["durham"]}
    assert found["primary"].figures["control"]["people"] == 60


def test_the_same_extract_twice_is_refused(folders: list[Path]) -> None:
    with pytest.raises(PackageError, match="140 orders are in more than one of them"):
        read_all([folders[0], folders[0]])


def test_extracts_of_two_forms_or_two_protocols_are_refused(
    folders: list[Path], tmp_path: Path
) -> None:
    with pytest.raises(PackageError, match="blinded, not unblinded"):
        read_all([folders[0], folders[1].parent / "blinded"])
    changed = tmp_path / "fixture-1.toml"
    changed.write_text(path_of("fixture-1").read_text() + "\n# another\n")
    rows = of_force("cumbria", 10**9, trial())
    other = written(tmp_path / "other", rows, protocol=changed)
    with pytest.raises(PackageError, match="under another protocol"):
        read_all([folders[0], other])


def test_the_report_command_takes_several_extracts(folders: list[Path], tmp_path: Path) -> None:
    page, figures = tmp_path / "report.html", tmp_path / "report.json"
    main(["report", *map(str, folders), "-o", str(page), "--json", str(figures)])
    assert len(json.loads(figures.read_text())["extract_sha256"]) == 2
    assert "Cumbria" in page.read_text()

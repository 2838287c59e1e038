"""The check of imports, on small trees that break each rule."""

from pathlib import Path

import pytest

from commands.repository.imports import against_the_rules, circle, graph, modules


def written(root: Path, **files: str) -> dict[str, Path]:
    """A tree of modules, given by path with __ for /, and what each holds."""
    for name, text in files.items():
        path = root / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return modules(root)


def test_a_circle_is_named_through_all_its_modules(tmp_path: Path) -> None:
    files = written(
        tmp_path,
        layers__common__trial__one="from trial import two",
        layers__common__trial__two="from trial.three import name",
        layers__common__trial__three="def late():\n    import trial.one",
    )
    found = circle(graph(files))
    assert found[0] == found[-1]
    assert " ".join(found) in 2 * "trial.one trial.two trial.three " + "trial.one"


def test_imports_in_one_direction_make_no_circle(tmp_path: Path) -> None:
    files = written(
        tmp_path,
        layers__common__trial__one="from trial import two, three",
        layers__common__trial__two="import trial.three",
        layers__common__trial__three="import json",
    )
    assert circle(graph(files)) == []


@pytest.mark.parametrize(
    ("path", "text", "reason"),
    [
        ("functions__sending__send", "import allocation.allocate", "never import each other"),
        ("functions__allocation__other", "from allocation import handler", "never the reverse"),
        ("functions__sending__send", "from commands import api", "functions may not import"),
        ("layers__common__trial__new", "import allocation.allocate", "trial may not import"),
        ("layers__common__trial__planning", "import trial.aws.table", "only from its arguments"),
        (
            "layers__common__trial__protocol__load",
            "from trial import config",
            "only from its arguments",
        ),
        ("commands__new", "from local.demo import demo", "commands may not import local"),
        ("evaluation__new", "from local.demo import demo", "evaluation may not import local"),
        ("local__new", "import tests.support.samples", "local may not import tests"),
    ],
)
def test_an_import_in_the_wrong_direction_is_found(
    tmp_path: Path, path: str, text: str, reason: str
) -> None:
    files = written(
        tmp_path,
        functions__allocation__allocate="",
        functions__allocation__handler="from allocation import allocate\nimport trial.aws.table",
        layers__common__trial__aws__table="",
        layers__common__trial__config="",
        commands__api="import allocation.allocate",
        local__demo__demo="from commands import api",
        tests__support__samples="from local.demo import demo",
    )
    assert not list(against_the_rules(graph(files), files, tmp_path))
    files = written(tmp_path, **{path: text})
    found = list(against_the_rules(graph(files), files, tmp_path))
    assert len(found) == 1
    assert reason in found[0]

"""Forbidden words are found in any spelling, and allowed ones pass."""

import pytest

from tests.support.fixture_protocol import AGREED
from trial.codes import Language
from trial.protocol.lint import bad_style, never_said


def reasons(said: str) -> str:
    text = f"{{force}}: {said}"
    return "; ".join([*never_said(text), *bad_style(text, Language.EN, AGREED.may_name)])


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        *((each, "never say") for each in (
            "Domestic order", "d0mestic order", "DOMESTIC-order", "dom-estic", "dom.estic",
            "dom\u00e8stic", "violence", "v1olent", "Viol\u00e9nt",
        )),
        *((each, "a pronoun") for each in (
            "leave HIM alone", "s/he", "it is hers", "do not contact them", "their home",
        )),
        *((each, "who the protected person is") for each in (
            "your ex-partner", "your Ex", "your missus", "your hubby", "that woman", "your kids",
            "your child", "your children", "the witnesses", "your partners", "your fianc\u00e9e",
        )),
        *((each, "a third person") for each in (
            "ask somebody", "everyone helps", "your brother may call", "use a go-between",
            "a third-party", "my neighbor", "your flatmate", "families",
        )),
        *((each, "without its figures") for each in (
            "most men keep to it", "9 in 10 keep to it", "nearly all people keep to it", "90%",
        )),
        ("the offenders", "nobody is convicted"),
        ("see police.uk", "a link"),
        ("keep away, Sarah says", "names nobody"),
    ],
)  # fmt: skip
def test_forbidden_words_are_found_in_any_spelling(said: str, reason: str) -> None:
    assert reason in reasons(said)


@pytest.mark.parametrize(
    "said",
    [
        "If they contact you first, your order still applies.",
        "Questions about belongings, money or children? Call us on 0300 123 1110.",
        "You must not hurt, threaten, harass or pester the person it protects.",
        "Drinkline 0300 123 1110, FRANK 0300 123 6600.",
        "Call us at any time: 116 123.",
    ],
)
def test_allowed_words_pass(said: str) -> None:
    assert reasons(said) == ""

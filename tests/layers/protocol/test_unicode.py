"""A text that the GSM alphabet cannot carry: accepted with its price, and refused without."""

from datetime import date
from pathlib import Path

import pytest

from tests.support.fixture_protocol import DAPO
from trial.codes import Condition, Language
from trial.protocol.aloud import aloud
from trial.protocol.alphabet import WordingError, size
from trial.protocol.load import ProtocolError, path_of, read
from trial.protocol.settings import Protocol
from trial.protocol.wording import Recipient, Sender, render

TEXT = DAPO.wordings[Language.CY]["C1-NC"].text
# "Cadw draw o'r t\u0177 hwn": stay away from this house.
SHORT = "{force}: Cadwch draw o'r t\u0177 hwn. {contact}"
TWO_PARTS = SHORT.replace("hwn.", "hwn. Cadwch at bob amod o'r gorchymyn hwn.")


def with_text(folder: Path, text: str, parts: int | None = None) -> Protocol:
    """The protocol with another Welsh wording, and the number of parts that it pays for."""
    content = path_of(DAPO.version).read_text()
    accepted = f"\nunicode_parts = {parts}" if parts else ""
    assert content.count(f'text = "{TEXT}"') == 1
    path = folder / f"{DAPO.version}.toml"
    path.write_text(content.replace(f'text = "{TEXT}"', f'text = "{text}"{accepted}'))
    return read(path)


def test_a_unicode_text_is_refused_unless_the_protocol_accepts_its_price(tmp_path: Path) -> None:
    with pytest.raises(ProtocolError, match=r"wordings.cy.C1-NC.text: not in the GSM-7 .*U\+0177"):
        with_text(tmp_path, SHORT)


@pytest.mark.parametrize(("parts", "needed"), [(1, 2), (2, 3)])
def test_a_unicode_text_is_refused_if_it_takes_more_parts_than_are_paid_for(
    tmp_path: Path, parts: int, needed: int
) -> None:
    text = TWO_PARTS.replace("bob amod", "bob amod" + " a bob amod" * 6 * (needed - 2))
    why = rf"UCS-2 units take {needed} parts; the protocol pays for {parts}, at the longest values"
    with pytest.raises(ProtocolError, match=why):
        with_text(tmp_path, text, parts)


@pytest.mark.parametrize(("text", "parts"), [(SHORT, 1), (TWO_PARTS, 2)])
def test_a_unicode_text_is_accepted_shown_and_sent_if_the_protocol_accepts_its_price(
    tmp_path: Path, text: str, parts: int
) -> None:
    protocol = with_text(tmp_path, text, parts)
    assert protocol.most_parts == parts
    (figures,) = {line for line in aloud(protocol) if "UCS-2 units" in line}
    shown = "1 part" if parts == 1 else "2 parts"
    assert f", {shown}, {parts * protocol.costs.text_part_pence.value:.1f} p" in figures
    about = Recipient(
        order_type="dapo",
        conditions=(Condition.NO_MOLESTATION, Condition.NO_CONTACT),
        expires_on=date(2028, 5, 31),
        language=Language.CY,
    )
    sender = Sender(force="Heddlu Gwent", contact="101")
    sent = render(protocol, "conditions", turn=0, about=about, sender=sender)
    assert "t\u0177 hwn. " in sent.message
    with pytest.raises(WordingError, match=f"the protocol pays for {parts}"):
        render(
            protocol,
            "conditions",
            turn=0,
            about=about,
            sender=Sender(force="Heddlu Gwent" * 9, contact="101"),
        )


def test_a_gsm_text_is_one_part_however_many_parts_are_paid_for(tmp_path: Path) -> None:
    with pytest.raises(ProtocolError, match="septets take 2 parts; the protocol pays for 1"):
        with_text(tmp_path, TEXT + "a" * 60, 2)


@pytest.mark.parametrize(
    ("text", "units", "parts"),
    [
        ("\u0175" * 70, "70 UCS-2 units", 1),
        ("\u0175" * 71, "71 UCS-2 units", 2),
        ("\U0001f600" * 35, "70 UCS-2 units", 1),  # two units each
        ("a" * 160, "160 septets", 1),
        ("\u20ac" * 80, "160 septets", 1),  # with an escape each
        ("a" * 161, "161 septets", 2),
    ],
)
def test_a_text_s_size_is_counted_in_the_units_of_its_alphabet(
    text: str, units: str, parts: int
) -> None:
    assert (size(text).units, size(text).parts) == (units, parts)

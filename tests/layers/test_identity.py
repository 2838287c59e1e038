import hashlib
import unicodedata
from collections.abc import Callable
from typing import Literal
from uuid import RFC_4122

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.keys import mac_key
from tests.support.spellings import BIDI, BLANKS, UNSEEN, dialled, spelled
from trial import identity
from trial.identity import SpellingError
from trial.phone import NumberError, phone_number

PNC, SERIAL = "2003/0011985X", 11985
"""The Ministry of Justice's own example of a PNC id: hmpps-person-record's tests."""


KEY, ANOTHER_KEY = mac_key("key"), mac_key("another")


def refused_or_same(canonical: Callable[[str], str], spelling: str, one: str) -> None:
    assert canonical_or_none(canonical, spelling) in (one, None)


def canonical_or_none(canonical: Callable[[str], str], spelling: str) -> str | None:
    """The canonical form, or none if it is refused, by a message that does not repeat it."""
    try:
        return canonical(spelling)
    except (SpellingError, NumberError) as error:
        refusal = str(error)
    assert spelling.strip() == "" or spelling not in refusal
    return None


@pytest.mark.parametrize(
    "spelling",
    [
        "03/0011985X",
        "03/11985X",
        "3/11985X",
        "2003/11985x",
        "20030011985X",
        "030011985x",
        "0311985X",
        " 2003/0011985X ",
        "2003-0011985X",
        "03/0011985/X",
        "03//11985X",
        "03/0000011985X",
        pytest.param(f"03/{'0' * 5000}11985X", id="thousands of zeros"),
        "PNC2003/0011985X",
        "pnc 03/11985x",
        "PNCID: 2003/0011985X",
        "PNC-ID-2003/0011985X",
        "pnc no. 03/11985x",
        "PNC_NUMBER/2003-0011985X",
        "".join(chr(ord(each) + 0xFEE0) for each in PNC),
    ],
)
def test_every_spelling_of_a_pnc_id_is_the_same_person(spelling: str) -> None:
    assert identity.person_id(spelling) == PNC


@pytest.mark.parametrize("letter", sorted(set("ABCDEFGHIJKLMNOPQRSTUVWXYZ") - {"X"}))
def test_a_pnc_id_with_a_wrong_check_letter_is_refused(letter: str) -> None:
    for spelling in (f"2003/0011985{letter}", f"03/11985{letter.lower()}", f"030011985{letter}"):
        with pytest.raises(SpellingError, match="check letter"):
            identity.person_id(spelling)


@pytest.mark.parametrize(
    "spelling",
    [
        "2003/0011985", "03/11985", "3/11985", "3/11985Y", "1949/0011985X", "2050/0011985X",
        "2103/0011985X", "2103/0011985", "2003/10011985X", "2003-0011985", "03.0011985",
        "PNC03/11985", "003/11985X", "2003/0011985XX", "2003/0011985X1", "2003/OO11985X",
        "2oo3-0011985x", "03/00l1985X", "2OO30011985X", "ID2003/0011985X", "ID-03/0011985X",
        "2003/0011985X/A", "2003/0011985X-1", "2003/0011985X2003/0011985X", "REF.2003/0011985A",
    ],
)  # fmt: skip
def test_text_that_only_looks_like_a_pnc_id_makes_no_second_person(spelling: str) -> None:
    with pytest.raises(SpellingError):
        identity.person_id(spelling)


@pytest.mark.parametrize(
    "other",
    [
        "123456/03X",
        "1234/03X",
        "SF03/482703J",
        "12-3456",
        "DH/1234/03",
        "O123456A",
        "PNC-1",
        "X320741",
    ],
)
def test_an_id_of_another_system_stays_as_it_is(other: str) -> None:
    assert identity.person_id(other.lower()) == other


@pytest.mark.parametrize(
    "nobody",
    [
        "Unknown", "N/A", "n.a", "NONE", "null", "not-known", "NOT_RECORDED", "tbc", "TBA", "0",
        "0000000", "0000/0000000", "00/0000000Z", "2000/0000000Z", "x", "XXX", "nk", "no-pnc",
        "PNC/UNKNOWN", "not-yet-known", "not.stated", "pending", "No-Trace", "NOT-ON-PNC",
    ],
)  # fmt: skip
def test_a_placeholder_for_an_unknown_person_is_refused(nobody: str) -> None:
    with pytest.raises(SpellingError, match=r"no person|looks like"):
        identity.person_id(nobody)


@pytest.mark.parametrize("somebody", ["NA1", "NONE-7", "X1", "1000", "NIL-2", "TBC-12"])
def test_an_id_that_only_begins_like_a_placeholder_is_accepted(somebody: str) -> None:
    assert identity.person_id(somebody) == somebody


def test_an_ambiguous_pnc_id_is_refused() -> None:
    short, whole = identity.pnc_id(2020, 9_001), identity.pnc_id(2009, 1)
    assert short[-1] == whole[-1]
    with pytest.raises(SpellingError, match="two PNC ids"):
        identity.person_id(f"2009001{whole[-1]}")


@given(
    year=st.integers(1950, 2049),
    serial=st.integers(0, 9_999_999),
    short=st.booleans(),
    bare=st.booleans(),
    parting=st.sampled_from(["/", "", "-", " / ", "//"]),
    case=st.sampled_from([str.upper, str.lower]),
)
def test_every_spelling_of_a_pnc_id_is_refused_or_canonical(
    *, year: int, serial: int, short: bool, bare: bool, parting: str, case: Callable[[str], str]
) -> None:
    one = identity.pnc_id(year, serial)
    digits = str(serial) if bare else f"{serial:07}"
    spelling = f"{year % 100:02}" if short else str(year)
    refused_or_same(identity.person_id, case(f"{spelling}{parting}{digits}{one[-1]}"), one)


@given(st.data())
def test_no_spelling_of_an_id_makes_a_second_id(data: st.DataObject) -> None:
    one = data.draw(st.sampled_from([PNC, "A1234BC", "N-77/B_1.2", "X320741"]))
    refused_or_same(identity.person_id, data.draw(spelled(one)), one)
    refused_or_same(identity.reference, data.draw(spelled("DVPO-2026-000123")), "DVPO-2026-000123")
    refused_or_same(identity.force, data.draw(spelled("west-midlands")), "west-midlands")


@given(text=st.text(max_size=80))
def test_a_canonical_form_is_its_own_canonical_form(text: str) -> None:
    for canonical in (
        identity.person_id,
        identity.reference,
        identity.force,
        identity.name,
        identity.line,
    ):
        try:
            one = canonical(text)
        except SpellingError:
            continue
        assert canonical(one) == one


@pytest.mark.parametrize("slug", ["durham", "west-midlands", "force2"])
def test_a_force_is_a_lower_case_slug(slug: str) -> None:
    assert identity.force(slug) == slug


@pytest.mark.parametrize(
    "other", ["Durham", "durham ", "", "-durham", "durham-", "west--midlands", "a/b", "d" * 65, "é"]
)
def test_any_other_spelling_of_a_force_is_refused(other: str) -> None:
    with pytest.raises(SpellingError):
        identity.force(other)


@pytest.mark.parametrize(
    "other", ["", " ", "/1", "1/", "DVPO 1", "\u2167\u0301", "\xdf", "\u0131", "A" * 65]
)
def test_text_that_is_not_an_id_is_refused(other: str) -> None:
    with pytest.raises(SpellingError):
        identity.reference(other)


@pytest.mark.parametrize(
    "name",
    [
        "Supt Siân D'Arcy", "Supt Siân D\u2019Arcy", "Det Supt (Acting) O'Brien",
        "Custody visit, DC O'Neil", "'t Hooft", "Łukasz Żółć", "Σωκράτης", "سامي", "नीलम", "王小明",
        "S-0417", "T/Supt A. B. Smith-Jones & Co", "property_returned",
    ],
)  # fmt: skip
def test_names_are_accepted_as_people_write_them(name: str) -> None:
    assert identity.name(name) == name


@pytest.mark.parametrize(
    "not_a_name", ["", " ", "-", "<b>", "a@b", "a;b", "a\nb", "S\u202e-1", "1+1", "😀", "a" * 65]
)
def test_characters_that_no_name_has_are_refused(not_a_name: str) -> None:
    with pytest.raises(SpellingError):
        identity.name(not_a_name)


@pytest.mark.parametrize(
    "blank",
    ["", " ", "\u3000", "\u3164", "\u2800", "\u200b", "\u202ePeterlee", "a\u2028b", "a\x85b",
     "a\tb", "a\x00", "a\ufffdb", "a\ufe0f", "a\udc80", "a\ue000", "...", "a" * 121],
)  # fmt: skip
def test_text_without_visible_characters_is_refused(blank: str) -> None:
    with pytest.raises(SpellingError):
        identity.line(blank)


FORMS: tuple[Literal["NFC", "NFD"], ...] = ("NFC", "NFD")


@given(st.data())
def test_look_alike_spellings_of_a_court_or_a_name_are_equal_or_refused(
    data: st.DataObject,
) -> None:
    court, name = "Llys Ynadon Caernarfon, Gŵyr", "Supt Siân D'Arcy"
    for one, canonical in ((court, identity.line), (name, identity.name)):
        unseen = st.sampled_from([*UNSEEN, *BIDI, *BLANKS])
        place = data.draw(st.integers(0, len(one)))
        form = data.draw(st.sampled_from(FORMS))
        hidden = unicodedata.normalize(form, one[:place]) + data.draw(unseen) + one[place:]
        found = canonical_or_none(canonical, hidden)
        assert found is None or found.replace(" ", "") == one.replace(" ", "")
        blank = data.draw(st.sampled_from([" ", "  ", "\u00a0", "\u3000"]))
        assert canonical(unicodedata.normalize(form, blank + one.replace(" ", blank))) == one


COUNTRIES = {
    "1": ("1", "+12025550123"),
    "33": ("0", "+33612345678"),
    "353": ("0", "+353851234567"),
    "36": ("06", "+36201234567"),
    "370": ("0", "+37061234567"),
    "39": ("", "+390669812345"),
    "44": ("0", "+447400123456"),
    "49": ("0", "+4915123456789"),
    "61": ("0", "+61412345678"),
    "64": ("0", "+6421123456"),
    "7": ("8", "+79123456789"),
}
"""Country codes with their national dialling prefix, and a number of each."""


@given(st.data())
def test_only_one_spelling_of_a_number_is_accepted(data: st.DataObject) -> None:
    code = data.draw(st.sampled_from(sorted(COUNTRIES)))
    trunk, number = COUNTRIES[code]
    assert phone_number(number) == number
    marks = ("(", ")", "-", ".", "/", "0")
    spelling = data.draw(dialled(number, code=code, trunk=trunk) | spelled(number, between=marks))
    if canonical_or_none(phone_number, spelling) not in (number, None):
        # A digit more makes another number, which the library does not take for the same.
        assert phonenumbers.is_number_match(spelling, number) == phonenumbers.MatchType.NO_MATCH


def test_a_hash_depends_on_the_canonical_form_only() -> None:
    of = identity.person_hash
    assert of(KEY, "durham", "03/11985x") == of(KEY, "durham", PNC)
    assert of(KEY, "durham", "a1") == of(KEY, "durham", "A1")
    with pytest.raises(NumberError):
        identity.number_hash(KEY, "+4407400123456")
    with pytest.raises(SpellingError):
        of(KEY, "Durham", "A1")


def test_a_pnc_id_is_the_same_person_in_every_force_and_another_id_is_not() -> None:
    of = identity.person_hash
    assert of(KEY, "durham", PNC) == of(KEY, "cleveland", PNC)
    assert of(KEY, "durham", "A1") != of(KEY, "cleveland", "A1")


def test_no_two_kinds_of_things_share_a_hash() -> None:
    made = {
        identity.number_hash(KEY, "+447700900123"),
        identity.person_hash(KEY, "durham", PNC),
        identity.person_hash(KEY, "durham", "A1"),
        identity.request_hash(KEY, "A1"),
        identity.enrolment_id(KEY, "durham", "A1").hex,
    }
    assert len(made) == 5


def test_a_request_of_any_size_has_a_hash() -> None:
    long = "x" * 10_000
    plain = hashlib.sha256(long.encode()).hexdigest()
    assert identity.request_hash(KEY, long) not in (plain, identity.request_hash(KEY, long[1:]))


def test_an_order_has_one_id_which_only_the_key_can_derive() -> None:
    one = identity.enrolment_id(KEY, "durham", "DVPO-1")
    assert one == identity.enrolment_id(KEY, "durham", "dvpo-1")
    assert one != identity.enrolment_id(KEY, "cleveland", "DVPO-1")
    assert (one.version, one.variant) == (8, RFC_4122)
    assert one != identity.enrolment_id(ANOTHER_KEY, "durham", "DVPO-1")

"""
The canonical form of each identifier, and the keyed hash of it.

Two spellings of one identifier become equal, or one of them is refused. A refusal never repeats the
input. This module makes every input canonical before hashing it, so that no caller can forget to.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from typing import TYPE_CHECKING
from uuid import UUID

from trial.phone import phone_number

if TYPE_CHECKING:
    from trial.aws.kms import MacKey

LONGEST_ID, LONGEST_NAME, LONGEST_LINE = 64, 64, 120
"""In characters of the canonical form."""

_FORCE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_WORD = re.compile(r"[a-z][a-z0-9_]*")
_ID = re.compile(r"[A-Z0-9]([A-Z0-9/_.\-]*[A-Z0-9])?")

# A PNC id (Police National Computer): year, serial, check letter. The letter is the remainder by
# 23 of the year's last two digits followed by the serial's seven. As the Ministry of Justice
# checks it: hmpps-person-record, model/identifiers/PNCIdentifier.kt on GitHub. NNNN/YYL is a CRO
# number (CROIdentifier.kt there), unless its first digits are a year of this century or the last.
_PNC_LETTERS = "ZABCDEFGHJKLMNPQRTUVWXY"
_PNC_SERIAL_DIGITS = 7
_PNC_PARTED = re.compile(
    r"(?P<year>[0-9]{1,2}|(?:19|20)[0-9]{2}|[0-9]{4}(?=/[0-9]{3}))[ /_.\-]+"
    r"(?P<serial>[0-9]+)[ /_.\-]*(?P<letter>[A-Z])"
)
_PNC_UNPARTED = re.compile(r"(?P<digits>[0-9]{3,})(?P<letter>[A-Z])")
_PNC_PREFIX = re.compile(r"PNC[^0-9]*")
# Written as PNC ids are, with something else before or after it.
_PNC_WITHIN = re.compile(r"(?<![0-9])((19|20)?[0-9]{2})/[0-9]{7}[A-Z]")
# What people and systems write where they have no id, without its marks, such as NOT-YET-KNOWN. As
# an id it would make one person of everybody without one.
_NOBODY = re.compile(
    r"0+|X+|2?0+Z|"
    r"(NA|NAN|NO|NOT|NONE|NULL|NIL|NK|UNK|UNKNOWN|UNDEFINED|UNIDENTIFIED|UNALLOCATED|MISSING|BLANK|"
    r"PENDING|AWAIT(ED|ING)|TB[ACD]|YET|ON|KNOWN|RECORDED|AVAILABLE|APPLICABLE|STATED|PROVIDED|"
    r"GIVEN|HELD|ISSUED|ALLOCATED|FOUND|TRACE|PNC|CRO|ID|NUMBER){1,5}"
)
# What a reader also takes for a PNC id: without its letter, with a padded year, or with more than
# one letter. Some type letters for the digits that they look like.
_PNC_LOOKALIKE = re.compile(
    r"""
    ([0-9]{1,2}|[0-9]{4})/[0-9]{1,7}
    |([0-9]{2}|(19|20)[0-9]{2})[ _.\-]+[0-9]{7}
    |0*([0-9]{1,2}|(19|20)[0-9]{2})[ /_.\-]+[0-9]{4,}[ /_.\-]*[A-Z]
    |([0-9]{2}|(19|20)[0-9]{2})[ /_.\-]*[0-9]{7}[A-Z][A-Z0-9]*
    """,
    re.VERBOSE,
)
_LETTERS_FOR_DIGITS = str.maketrans("OIL", "011")
# Years may be written with two digits, so the range must cover exactly a hundred.
_PNC_YEARS = range(1950, 2050)
_PNC_REMEDY = "check its digits, and write it as YYYY/NNNNNNNC"

_MARKS = frozenset("'\u2019.,-()/&_ ")
# Letters, marks and symbols that are invisible or show as a blank: the blank Braille pattern, and
# Unicode 16's Default_Ignorable_Code_Point without the format characters, which `_written` refuses.
# https://www.unicode.org/Public/16.0.0/ucd/DerivedCoreProperties.txt
_INVISIBLE = frozenset(
    map(
        chr,
        (
            0x034F,
            0x115F,
            0x1160,
            0x17B4,
            0x17B5,
            *range(0x180B, 0x1810),
            0x2800,
            0x3164,
            *range(0xFE00, 0xFE10),
            0xFFA0,
            *range(0xE0100, 0xE01F0),
        ),
    )
)


class SpellingError(ValueError):
    """An identifier is refused. The message gives cause and remedy, and never repeats the input."""


def force(text: str) -> str:
    """A police force's short name: a lower-case slug, such as durham or west-midlands."""
    if len(text) > LONGEST_ID or not _FORCE.fullmatch(text):
        raise SpellingError(
            "is not a lower-case slug: letters a to z, digits and single hyphens, such as durham"
        )
    return text


def order_type(text: str) -> str:
    """A type of order, as a protocol names it: a lower-case word."""
    if len(text) > LONGEST_ID or not _WORD.fullmatch(text):
        raise SpellingError("is not a lower-case word: say a type of order, such as dvpo")
    return text


def reference(text: str) -> str:
    """An order's reference, or another system's id: upper case, letters, digits and / _ . -."""
    return ident(text).upper()


def ident(text: str) -> str:
    """As a reference, but lower case is kept: for ids that answers give back."""
    canonical = unicodedata.normalize("NFKC", text).strip(" ")
    # Checked before upper-casing, which turns some letters into another letter or into two.
    if not canonical.isascii() or not _ID.fullmatch(canonical.upper()):
        raise SpellingError(
            "is not an id: letters A to Z, digits and / _ . - only, a letter or digit first"
        )
    if len(canonical) > LONGEST_ID:
        raise SpellingError(f"is too long: at most {LONGEST_ID} characters")
    return canonical


def person_id(text: str) -> str:
    """
    A person's id: a PNC id in any spelling becomes YYYY/NNNNNNNC; any other id is a reference.

    Something that looks like a PNC id but is not valid is refused. To accept it as another
    system's id would record one person as two. So is what stands for an unknown id: it would record
    two people as one.
    """
    canonical = unicodedata.normalize("NFKC", text).strip(" ").upper()
    if _NOBODY.fullmatch(re.sub(r"[/_.\-]", "", canonical)):
        raise SpellingError("stands for no person: give an id that nobody else has")
    bare = _PNC_PREFIX.sub("", canonical, count=1) if canonical.startswith("PNC") else canonical
    if parted := _PNC_PARTED.fullmatch(bare):
        return _pnc_of([(parted["year"], parted["serial"])], parted["letter"])
    if unparted := _PNC_UNPARTED.fullmatch(bare):
        digits = unparted["digits"]
        return _pnc_of([(digits[:at], digits[at:]) for at in (2, 4)], unparted["letter"])
    if _PNC_WITHIN.search(bare):
        raise SpellingError(f"holds a PNC id and something else: {_PNC_REMEDY}")
    if _PNC_LOOKALIKE.fullmatch(bare[:-1].translate(_LETTERS_FOR_DIGITS) + bare[-1:]):
        raise SpellingError(f"looks like a PNC id, and is none: {_PNC_REMEDY}")
    return reference(text)


def _pnc_of(readings: list[tuple[str, str]], letter: str) -> str:
    """The only reading (year and serial) whose check letter is this one, as a PNC id."""
    read = {
        pnc_id(whole_year, int(serial[-_PNC_SERIAL_DIGITS:]))
        for year, serial in readings
        if serial
        and (whole_year := _whole_year(year)) in _PNC_YEARS
        and len(serial.lstrip("0")) <= _PNC_SERIAL_DIGITS
    }
    right = [each for each in read if each.endswith(letter)]
    if not right:
        raise SpellingError(
            f"looks like a PNC id, and its check letter does not fit: {_PNC_REMEDY}"
        )
    if len(right) > 1:
        raise SpellingError(f"may be read as two PNC ids: {_PNC_REMEDY}")
    return right[0]


def _whole_year(year: str) -> int:
    if len(year) > len("99"):
        return int(year)
    first = _PNC_YEARS[0]
    return first + (int(year) - first) % 100


def pnc_id(year: int, serial: int) -> str:
    """The PNC id of a four-digit year and a serial of up to seven digits."""
    letter = _PNC_LETTERS[(year % 100 * 10**_PNC_SERIAL_DIGITS + serial) % len(_PNC_LETTERS)]
    return f"{year}/{serial:0{_PNC_SERIAL_DIGITS}}{letter}"


def name(text: str) -> str:
    """
    A person's name or code: letters of any alphabet, digits, spaces and some punctuation marks.

    NFC; runs of spaces count as one.
    """
    canonical = _spaced(text)
    for character in canonical:
        if unicodedata.category(character)[0] not in "LM" and not (
            character in _MARKS or unicodedata.category(character) == "Nd"
        ):
            raise SpellingError("is not a name: letters, digits, spaces and ' . , - ( ) / & only")
    return _written(canonical, LONGEST_NAME)


def line(text: str) -> str:
    """A line of text, such as a court's name: NFC; runs of spaces count as one."""
    return _written(_spaced(text), LONGEST_LINE)


def _spaced(text: str) -> str:
    """The text in NFC, with one plain space between words."""
    composed = unicodedata.normalize("NFC", text)
    spaced = "".join(" " if unicodedata.category(each) == "Zs" else each for each in composed)
    return " ".join(filter(None, spaced.split(" ")))


def _written(canonical: str, longest: int) -> str:
    if any(unicodedata.category(each)[0] in "CZ" and each != " " for each in canonical):
        raise SpellingError("holds a control or format character, or a line break: leave it out")
    if not _INVISIBLE.isdisjoint(canonical):
        raise SpellingError("holds a character that cannot be seen: leave it out")
    if not {"\ufffc", "\ufffd"}.isdisjoint(canonical):
        raise SpellingError("holds a character that was lost when it was converted: type it again")
    if not any(unicodedata.category(each)[0] in "LN" for each in canonical):
        raise SpellingError("holds no letter and no digit")
    if len(canonical) > longest:
        raise SpellingError(f"is too long: at most {longest} characters")
    return canonical


def number_hash(key: MacKey, number: str) -> str:
    """The keyed hash of a phone number. Raises NumberError unless it is in canonical form."""
    return _keyed(key, "number", phone_number(number))


def person_hash(key: MacKey, of_force: str, of_id: str) -> str:
    """
    The keyed hash of a person. Raises SpellingError.

    A PNC id means the same person in every force; any other id is local to its force.
    """
    canonical = person_id(of_id)
    if _PNC_PARTED.fullmatch(canonical):
        return _keyed(key, "pnc", canonical)
    return _keyed(key, "person", f"{force(of_force)}|{canonical}")


def request_hash(key: MacKey, content: str) -> str:
    """The keyed hash of a request's content, made of canonical parts."""
    # SHA-256 first, because KMS takes at most 4,096 bytes; then keyed, so that nobody can confirm
    # a guess at the content.
    return _keyed(key, "request", hashlib.sha256(content.encode()).hexdigest())


def enrolment_id(key: MacKey, of_force: str, of_reference: str) -> UUID:
    """
    The id of an order: always the same, and impossible to compute without the key.

    A version 8 UUID (RFC 9562, 5.8): all bits but version and variant come from the keyed hash.
    Raises SpellingError.
    """
    # A slug holds no slash, so no two orders share a message.
    made = _keyed(key, "order", f"{force(of_force)}/{reference(of_reference)}")
    bits = int(made[:32], 16)
    bits = bits & ~(0xF000 << 64) | 8 << 76
    return UUID(int=bits & ~(0xC000 << 48) | 0x8000 << 48)


def _keyed(key: MacKey, what: str, canonical: str) -> str:
    return key.mac(f"{what}|{canonical}".encode()).hex()

"""Other spellings of one thing, as people, spreadsheets and other systems write it."""

import unicodedata

from hypothesis import strategies as st

UNSEEN = ("\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u00ad", "\u034f", "\ufe0f", "\u3164")
BIDI = ("\u202a", "\u202e", "\u2066", "\u2069", "\u200e", "\u200f", "\u061c")
BLANKS = (" ", "\u00a0", "\u2007", "\u202f", "\u3000", "\t", "\n", "\r", "\x85", "\u2028", "\u2029")
OTHER_DIGITS = (0x660, 0x6F0, 0x966, 0xFF10, 0x1D7CE, 0x1D7F6)
"""Where other sets of digits begin: Arabic, Persian, Devanagari, full width, two bold ones."""


def _digits(text: str, zero: int) -> str:
    return "".join(chr(zero + int(each)) if each in "0123456789" else each for each in text)


def _wide(text: str) -> str:
    return "".join(chr(ord(each) + 0xFEE0) if "!" <= each <= "~" else each for each in text)


@st.composite
def spelled(draw: st.DrawFn, text: str, *, between: tuple[str, ...] = ()) -> str:
    """The text with up to three changes that a reader may not see, or would read past."""
    spelling = text
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(spelling)))
        inserted = draw(st.sampled_from([*UNSEEN, *BIDI, *BLANKS, *between]))
        spelling = draw(
            st.sampled_from(
                [
                    spelling[:place] + inserted + spelling[place:],
                    _digits(spelling, draw(st.sampled_from(OTHER_DIGITS))),
                    _wide(spelling),
                    spelling.upper(),
                    spelling.lower(),
                    spelling.title(),
                    unicodedata.normalize("NFD", spelling),
                    unicodedata.normalize("NFKC", spelling),
                ]
            )
        )
    return spelling


@st.composite
def dialled(draw: st.DrawFn, number: str, *, code: str, trunk: str) -> str:
    """A number in E.164 form as people write it: from home, from abroad, in groups, as a link."""
    rest = number.removeprefix(f"+{code}")
    gap = draw(st.sampled_from(["", " ", "-", ".", "\u00a0", "/"]))
    grouped = gap.join([rest[:4], rest[4:7], rest[7:]])
    digits = draw(st.sampled_from([rest, grouped]))
    start = draw(
        st.sampled_from(
            [
                f"+{code}{trunk}",
                f"+{code}({trunk})",
                f"+{code} {trunk}",
                f"00{code}",
                f"00{code}{trunk}",
                f"+00{code}",
                f"011{code}",
                f"+0{code}",
                f"{code}",
                f"{trunk}",
                f"({trunk})",
                f"++{code}",
                f"+{code}{code}",
                f"+{code}+{code}",
                f"tel:+{code}",
                f"sms:+{code}",
                f"\uff0b{code}",
                f"+{code}0{trunk}",
            ]
        )
    )
    end = draw(st.sampled_from(["", "", "", ";ext=1", "x1", " ext. 1", ",1", "#", "\n", " "]))
    return f"{start}{digits}{end}"

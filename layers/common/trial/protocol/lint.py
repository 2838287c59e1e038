"""
What no text may say: the rules of style that a machine can check.

The real guard is approval by a solicitor and a specialist. Each rule is a pattern, with the reason
reported when a text matches it.
"""

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from typing import Final

from trial.codes import Language

_TELLING: Final = re.compile(r"\b(?:domestic|violen|domestig|trais|thrais|drais)\w*", re.IGNORECASE)
_LINK: Final = re.compile(r"\S*(?:://|[a-z0-9]\.[a-z])\S*", re.IGNORECASE)

_RULES: Final[Mapping[Language, Mapping[str, str]]] = {
    Language.EN: {
        r"(?<!not )\breply\b|\btext (?:us|back|stop|yes|no)\b": "a named sender gets no reply",
        r"\b(?:he|hi[ms]|himself|she|hers?|herself|them|theirs?|themsel(?:f|ves))\b": "a pronoun"
        " for the protected person: say 'the person it protects'",
        r"\b(?:wife|wives|husbands?|hubb(?:y|ie)|spouses?|missus|fiances?|fiancees?|lovers?|ex(?:es)?"
        r"|partners?|bf|gf|(?:girl|boy)(?:friends?)?|wom[ae]n|m[ae]n|lad(?:y|ies)|bloke|guy|mothers?"
        r"|fathers?|mum|dad|parents?|sons?|daughters?|kids?|child|your children|bab(?:y|ies)"
        r"|victims?|survivors?|complainants?|accusers?|witness(?:es)?)\b": "says who the protected"
        " person is",
        r"\b(?:some|any|every)(?:one|body)\b|\bfriends?\b|\bfamil(?:y|ies)\b"
        r"|\brelatives?\b|\bneighbou?rs?\b|\bmates?\b|\b(?:brother|sister|cousin|uncle|aunt"
        r"|colleague|lodger|(?:house|flat)mate)s?\b|\bin-laws?\b|\bgo-betweens?\b"
        r"|\bthird[ -]part(?:y|ies)\b": "a third person, who may be the protected person",
        r"\b(?:offender|perpetrator|abuser|guilty)s?\b": "nobody is convicted",
        r"\b(?:most|nearly all|hardly any) (?:people|men|women)\b|\bmost keep\b|\bper cent\b|%"
        r"|\b\d+ (?:in|out of) \d+\b": "a claim without its figures",
        r"\b(?:calm|angry|anger|temper|upset)\b": "sounds as if harm were a matter of temper",
    },
    Language.CY: {
        r"\b(?:ei wraig|ei g[w\u0175]r|partner|cariad|dioddefwr|mam|tad)\b": "says who the"
        " protected person is",
        r"\b(?:rhywun|unrhyw un|ffrind(?:iau)?|teulu|perthynas|cymydog)\b": "a third person, who"
        " may be the protected person",
        r"\b(?:troseddwr|euog)\b": "nobody is convicted",
        r"%": "a claim without its figures",
    },
}
# Breach of such an order is a civil contempt, not a crime: its texts must not call it a crime.
_BREACH_A_CRIME: Final = re.compile(
    r"\b(?:break|breach|torr)\w*\b[^.]*\b(?:crime|criminal|offence|convict|[dt]rosedd|euogfarn)",
    re.IGNORECASE,
)
# A capital inside a sentence, and a sentence's first word, which may be a name as well.
_INSIDE: Final = re.compile(r"(?<=[a-z,;:0-9)'}] )[A-Z][\w'-]*")
_FIRST: Final = re.compile(r"(?:^|(?<=[.?!] ))[A-Z][\w'-]*")
_FIRST_WORDS: Final[Mapping[Language, str]] = {
    Language.EN: "a|after|all|an|and|any|ask|at|bail|be|before|breaking|by|call|can|cannot|check"
    "|contact|court|decide|do|drink|each|every|for|free|from|go|harassment|hard|has|have|here|how"
    "|if|in|is|it|keep|keeping|know|leave|letters|make|many|may|more|need|no|nobody|not|now|of"
    "|officers|on|one|only|or|orders|other|our|people|phone|plan|police|questions|read|remember"
    "|reminder|so|some|still|stop|tell|that|the|their|there|these|they|think|thinking|this|to|talk"
    "|today|until|use|wait|we|what|when|whether|where|who|why|with|worried|you|your",
    Language.CY: "a|adeg|am|angen|ansicr|ar|atgoffa|beth|bydd|bob|cadw|cadwch|chi|cofiwch"
    "|cwestiynau|cyn|cyngor|darllenwch|daw|dim|diwrnod|does|eich|er|ewch|ffoniwch|gall|gallwch"
    "|gorchymyn|gwell|gyda|hyd|llythyrau|mae|meddwl|methu|nac|neu|ni|nid|nodyn|o|oes|os|peidiwch"
    "|penderfynwch|poeni|rhaid|swyddogion|tan|wrth|y|yn|yr|ystyried",
}


def never_said(text: str) -> Iterator[str]:
    """The faults of a text that do not depend on its language."""
    if link := _LINK.search(text):
        yield f"looks like a link: {link[0]}"
    for word in _TELLING.findall(_plain(text)):
        yield f"others may see it: never say {word}"


def bad_style(text: str, language: Language, may_name: Collection[str]) -> Iterator[str]:
    """The breaches of its language's rules; `may_name` are the services that it may name."""
    said = text.replace("{force}: ", "", 1)
    for pattern, reason in _RULES[language].items():
        if found := re.search(pattern, _without_marks(said), re.IGNORECASE):
            yield f"{found[0]!r}: {reason}"
    for name in may_name:
        said = said.replace(name, "")
    for word in _INSIDE.findall(said):
        yield f"{word!r}: names nobody but what may_name lists"
    for word in _FIRST.findall(said):
        if not re.fullmatch(_FIRST_WORDS[language], word.lower().partition("'")[0]):
            yield f"{word!r}: a name, or a first word that may_name has to list"


def _without_marks(text: str) -> str:
    """The text with each letter's accent taken off, so that no accent hides a word."""
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


def _plain(text: str) -> str:
    """The text without accents, and with digits and signs in words read as letters."""
    signs = str.maketrans("013457@$", "oieastas")
    words = (
        word.translate(signs) if any(c.isalpha() for c in word) else word
        for word in _without_marks(text).split(" ")
    )
    return " ".join(re.sub(r"(?<=\w)[-.*_](?=\w)", "", word) for word in words)


def breach_a_crime(text: str) -> str | None:
    """The words by which the text calls breach of the order a crime, if it does."""
    found = _BREACH_A_CRIME.search(text)
    return found[0] if found else None

"""Claims: what a sentence says, as words, names, quantities and whether it is negated."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

from core.bm25 import WORD
from core.stemming import STOP_WORDS, stem
from pipelines.chat.agreement import MODAL_VERBS, NEGATION, NO_NEGATION
from pipelines.text_checks.quantities import CALENDAR, MAGNITUDES, NUMBER_WORDS, Quantity, quantities

FUNCTION_WORDS = (
    STOP_WORDS
    | MODAL_VERBS
    | frozenset(
        re.findall(
            r"\w+",
            "any all both each every other some only just very too more most less least than up down "
            "out off per between within during after before until till under over above below at most "
            "here there one allow allows allowed permitted need needs been being got get gets let "
            "lets ever yet still however der die das den dem des ein eine einen einem einer und oder "
            "ist sind war waren wird werden hat haben im in am an auf aus bei mit nach von vor zu zum "
            "zur f\u00fcr \u00fcber sich nicht kein keine es sie er wir ihr el la los las un una unos "
            "unas y o son era de del al en con por para que se su no lo le les une et ou est sont du "
            "aux dans avec pour par sur qui ne pas ce cette",
        )
    )
)
"""Words that say nothing of a subject, in English, German, Spanish and French."""
COMPARATIVES = frozenset(
    ("more", "less", "least", "most", "before", "after", "above", "below", "over", "under", "up", "down")
)
"""Function words that can have the opposite meaning."""
CLAUSE_BREAK = re.compile(
    r"[;:()\u2013\u2014]\s|,?\s+(?:but|while|whereas|although|though|because|aber|sondern|pero|mais)\s",
    re.IGNORECASE,
)
IMPLICIT_NEGATION = re.compile(
    r"\b(?:refus\w+|fail(?:s|ed|ing)?|declin(?:es?|ed|ing)|unable|neglect(?:s|ed|ing)?)\s+to\b|"
    r"\black(?:s|ed|ing)?\b",
    re.IGNORECASE,
)
"""Verbs that negate what follows them."""
CAPITALIZED = re.compile(r"(?<![\w'\u2019])(?:[^\W\d_a-z][\w'\u2019.&-]*\w|[A-Z]\b)")
MAX_CAPITALIZED_SHARE = 0.3
"""Texts with more capitalized words are in a language that capitalizes nouns."""
OPENINGS = " \t\n\"'\u201c\u201e\u00ab\u2018([*_-\u2013\u2022"


@dataclass(frozen=True)
class Claim:
    """A sentence or clause as what it says. `names` are stems with what is written."""

    text: str
    words: frozenset[str]
    names: tuple[tuple[str, str], ...]
    quantities: tuple[Quantity, ...]
    negation: str | None
    """The word that negates it."""
    written: Mapping[str, str]
    """Words by their stems."""

    @property
    def negated(self) -> bool:
        return self.negation is not None

    @cached_property
    def name_stems(self) -> frozenset[str]:
        return frozenset(name for name, _ in self.names)

    @cached_property
    def said(self) -> frozenset[str]:
        """All content words, names included."""
        return self.words | self.name_stems

    @cached_property
    def clauses(self) -> tuple["Claim", ...]:
        """The clauses, if there are several."""
        parts = [part for part in CLAUSE_BREAK.split(self.text) if WORD.search(part)]
        return tuple(claim(part) for part in parts) if len(parts) > 1 else (self,)


@lru_cache(maxsize=8192)
def claim(text: str) -> Claim:
    """What a sentence says."""
    found = quantities(text)
    masked = _mask(text, found)
    tokens = WORD.findall(masked)
    written = [
        match
        for match in CAPITALIZED.finditer(masked)
        if match[0][0].isupper() and not _begins(masked, match.start())
    ]
    if len(written) > MAX_CAPITALIZED_SHARE * len(tokens) and len(tokens) > len(written) + 2:
        lowered = [word for word in tokens if word.islower()]
        if not _is_english(lowered):
            written = []
    names = {
        stem(part.lower()): part
        for match in written
        for part in WORD.findall(match.group().removesuffix("'s").removesuffix("\u2019s"))
        if part.lower() not in FUNCTION_WORDS and part.lower() not in CALENDAR
    }
    written_words = {
        stem(word): word
        for word in map(str.lower, tokens)
        if (word not in FUNCTION_WORDS or word in COMPARATIVES)
        and not word.isdigit()
        and word not in NUMBER_WORDS
        and word not in MAGNITUDES
        and len(word) > 1
        and not NEGATION.fullmatch(word)
    }
    return Claim(
        text,
        frozenset(written_words.keys() - names.keys()),
        tuple(names.items()),
        found,
        _negation(text),
        written_words,
    )


def _negation(text: str) -> str | None:
    """The word that negates a text."""
    text = NO_NEGATION.sub("", text)
    match = NEGATION.search(text) or IMPLICIT_NEGATION.search(text)
    return match.group() if match else None


def content_words(texts: Iterable[str]) -> frozenset[str]:
    """The content words of some sentences, names included."""
    return frozenset(word for text in texts for word in claim(text).said)


def _mask(text: str, found: Iterable[Quantity]) -> str:
    """The text with blanks in place of its quantities, whose units are no content words."""
    for quantity in found:
        end = quantity.start + len(quantity.text)
        text = text[: quantity.start] + " " * (end - quantity.start) + text[end:]
    return text


def _begins(text: str, start: int) -> bool:
    """Whether a word begins a sentence, so that it is capitalized anyway."""
    before = text[:start].rstrip(OPENINGS)
    return not before or before[-1] in ".!?:\u2026"


def _is_english(words: list[str]) -> bool:
    return sum(word in STOP_WORDS for word in words) * 4 >= len(words)

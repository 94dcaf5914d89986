"""Evidence that a sentence answers a question: what it holds of the asked-for kind, and about whom or what."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from providers.chat.lexical_matching import STOP_WORDS, coverage, stems
from providers.chat.question_kinds import CAPITALIZED, QuestionKind, holds_kind, new_names, question_kind

NUMBER = re.compile(r"\d[\d,.]*\d|\d")
QUALIFIER = re.compile(
    r"\b(?:first|last|second|third|fourth|fifth|original(?:ly)?|final(?:ly)?|next|previous|current(?:ly)?|former(?:ly)?|"
    r"new|old|early|late|north(?:ern)?|south(?:ern)?|east(?:ern)?|west(?:ern)?|upper|lower|most|least|best|worst|"
    r"only|main|minimum|maximum|average|annual|total|more|less|fewer|before|after|not|never|without|except|"
    r"[a-z]{3,}(?<!for)(?<!inter)(?<!mod)est)\b",
    re.IGNORECASE,
)
"""Words that tell one of several like things from the others."""
OPENING = re.compile(r"\W*(\w+)")
NUMERIC = {
    *(QuestionKind.MONEY, QuestionKind.PERCENTAGE, QuestionKind.DURATION, QuestionKind.AGE),
    *(QuestionKind.MEASURE, QuestionKind.COUNT, QuestionKind.YEAR),
}
NAMED = {QuestionKind.PERSON, QuestionKind.PLACE, QuestionKind.NAME}


@dataclass(frozen=True)
class Subject:
    """What a question is about: the stems of the names in it, its numbers, and its qualifiers."""

    names: frozenset[str]
    numbers: frozenset[str]
    qualifiers: frozenset[str]


def subject(question: str, names: set[str]) -> Subject:
    """The subject of a question; `names` are stems that the passages write with capitals."""
    opening = OPENING.match(question)
    first = opening[1] if opening else ""
    capitalized = {
        word for word in CAPITALIZED.findall(question) if word != first and word.lower() not in STOP_WORDS
    }
    own = set().union(*(stems(word) for word in capitalized))
    return Subject(
        frozenset(own | (stems(question) & names)),
        frozenset(NUMBER.findall(question)),
        frozenset(word.lower() for word in QUALIFIER.findall(question)),
    )


def written_names(texts: Sequence[str]) -> set[str]:
    """Stems of words that the texts write with a capital letter in the middle of a sentence, never without."""
    capitalized: set[str] = set()
    plain: set[str] = set()
    for text in texts:
        for match in re.finditer(r"[^\W\d_]+", text):
            word = match.group()
            if word[0].islower():
                plain |= stems(word)
            elif text[: match.start()].rstrip()[-1:] not in ("", ".", "!", "?", '"', "\u201c", ":", "\n"):
                capitalized |= stems(word)
    return capitalized - plain


def share(wanted: frozenset[str], found: set[str]) -> float:
    """The share of what is wanted that was found; 1 if nothing is wanted."""
    return len(wanted & found) / len(wanted) if wanted else 1.0

"""What is said of a component: sentences, and where they stand."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from core.ports import Passage
from core.sentence_segmentation import sentences
from db.models import RequirementOrigin
from pipelines.requirements.pattern_library import Item, Pattern

LONGEST_SNIPPET = 500
MOST_SENTENCES = 300
"""Of documents: the passages that fit best come first."""
WORDS_BEFORE = 60
"""Characters that tell how a word is meant."""

DENIED = re.compile(
    r"(?:\b(?:no|not|never|without|cannot|neither|nor)\b|n't\b)(?:\s+\w+){0,2}\s*$", re.IGNORECASE
)
"""The end of what comes before a word that is denied, as in `without an icon`."""


@dataclass(frozen=True)
class Sentence:
    """Something said of the component; `citation` is the place in a document, if it is of one."""

    text: str
    origin: RequirementOrigin
    citation: Mapping[str, Any] | None = None


def described(text: str) -> list[Sentence]:
    """The sentences of a description."""
    spans = sentences(text)
    return [Sentence(text[start:end], RequirementOrigin.DESCRIPTION) for start, end in spans]


def documented(passages: Sequence[Passage], pattern: Pattern, others: Sequence[Pattern]) -> list[Sentence]:
    """What passages that name the component say, but for sentences about another one."""
    own, strange = names(pattern), [names(other) for other in others if other is not pattern]
    found: dict[tuple[Any, ...], Sentence] = {}
    for passage in passages:
        if not own.search(passage.text) or passage.document_id is None:
            continue
        for start, end in sentences(passage.text):
            text = passage.text[start:end][:LONGEST_SNIPPET]
            if own.search(text) or not any(other.search(text) for other in strange):
                citation = {
                    "document_id": str(passage.document_id),
                    "document_title": passage.source,
                    "page": passage.page,
                    "snippet": text,
                    "start": passage.start + start,
                    "end": passage.start + start + len(text),
                }
                place = (passage.document_id, passage.page, citation["start"])
                found.setdefault(place, Sentence(text, RequirementOrigin.DOCUMENT, citation))
    return list(found.values())[:MOST_SENTENCES]


def names(pattern: Pattern) -> re.Pattern[str]:
    """Finds the names of a component."""
    return phrases(pattern.names)


@cache
def phrases(words: tuple[str, ...]) -> re.Pattern[str]:
    """Finds any of these words, the longest first, also in the plural."""
    ordered = sorted(words, key=len, reverse=True)
    either = "|".join(re.escape(word).replace(r"\ ", r"[\s-]+") for word in ordered)
    return re.compile(rf"(?<![\w-])(?:{either})(?:s|es)?(?![\w])", re.IGNORECASE)


def mentions(item: Item, said: Sequence[Sentence]) -> Iterator[tuple[Sentence, str, bool]]:
    """Where an item is spoken of: the sentence, the words, and whether they are denied."""
    wanted = phrases((item.name, item.spoken, *item.words))
    for sentence in said:
        for match in wanted.finditer(sentence.text):
            yield sentence, match.group(), bool(DENIED.search(before(sentence.text, match.start())))


def before(text: str, position: int) -> str:
    """The few words before a position."""
    return text[max(0, position - WORDS_BEFORE) : position]

"""Evidence: sentences about a component, with citations of documents."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from core.ports import Passage
from core.sentence_segmentation import sentences
from db.models import RequirementOrigin
from pipelines.requirements.pattern_library import Pattern, PatternItem

MAX_SNIPPET_LENGTH = 500
MAX_SENTENCES = 300
"""Sentences of documents; the most relevant passages come first."""
CONTEXT_LENGTH = 60
"""Characters before a word that are searched for its context."""

NEGATION = re.compile(
    r"(?:\b(?:no|not|never|without|cannot|neither|nor)\b|n't\b)(?:\s+\w+){0,2}\s*$", re.IGNORECASE
)
"""Text before a negated word, as in `without an icon`."""


@dataclass(frozen=True)
class Sentence:
    """A sentence about the component; `citation` locates it if it is from a document.

    `label` is text on the component that the sentence quotes, and states nothing about it.
    """

    text: str
    origin: RequirementOrigin
    citation: Mapping[str, Any] | None = None
    label: str = ""

    @property
    def statement(self) -> str:
        """The text without the label."""
        return self.text.replace(f"“{self.label}”", "") if self.label else self.text


def description_sentences(text: str) -> list[Sentence]:
    """The sentences of a description."""
    spans = sentences(text)
    return [Sentence(text[start:end], RequirementOrigin.DESCRIPTION) for start, end in spans]


def document_sentences(
    passages: Sequence[Passage], pattern: Pattern, others: Sequence[Pattern]
) -> list[Sentence]:
    """The sentences of passages that name the component, except sentences about other components."""
    own_names, other_names = (
        name_pattern(pattern),
        [name_pattern(other) for other in others if other is not pattern],
    )
    unique: dict[tuple[Any, ...], Sentence] = {}
    for passage in passages:
        if not own_names.search(passage.text) or passage.document_id is None:
            continue
        for start, end in sentences(passage.text):
            text = passage.text[start:end][:MAX_SNIPPET_LENGTH]
            if own_names.search(text) or not any(other.search(text) for other in other_names):
                citation = {
                    "document_id": str(passage.document_id),
                    "document_title": passage.source,
                    "page": passage.page,
                    "snippet": text,
                    "start": passage.start + start,
                    "end": passage.start + start + len(text),
                }
                place = (passage.document_id, passage.page, citation["start"])
                unique.setdefault(place, Sentence(text, RequirementOrigin.DOCUMENT, citation))
    return list(unique.values())[:MAX_SENTENCES]


def name_pattern(pattern: Pattern) -> re.Pattern[str]:
    """A pattern that matches the names of a component."""
    return phrase_pattern(pattern.names)


@cache
def phrase_pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    """A pattern that matches any of these phrases, the longest first, also in the plural."""
    ordered = sorted(words, key=len, reverse=True)
    alternatives = "|".join(re.escape(word).replace(r"\ ", r"[\s-]+") for word in ordered)
    return re.compile(rf"(?<![\w-])(?:{alternatives})(?:s|es)?(?![\w])", re.IGNORECASE)


def find_mentions(item: PatternItem, sentences: Sequence[Sentence]) -> Iterator[tuple[Sentence, str, bool]]:
    """The mentions of an item: the sentence, the matched words, and whether they are negated."""
    pattern = phrase_pattern((item.name, item.spoken_name, *item.words))
    for sentence in sentences:
        text = sentence.statement
        for match in pattern.finditer(text):
            yield sentence, match.group(), bool(NEGATION.search(preceding_text(text, match.start())))


def preceding_text(text: str, position: int) -> str:
    """The few words before a position in a text."""
    return text[max(0, position - CONTEXT_LENGTH) : position]

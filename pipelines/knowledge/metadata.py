"""What a document is about, told by counting its words; no model is asked."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import log

import structlog

from core.sentence_segmentation import sentences
from pipelines.knowledge import lexicons
from pipelines.knowledge.extraction import Page

logger = structlog.get_logger(__name__)

KEYWORDS, TOPICS = 10, 5
SUMMARY_SENTENCES = 3
LONGEST_SUMMARY = 600
"""Characters."""
READ = 400_000
"""Characters of a document that are looked at."""
MOST_SENTENCES = 2_000
WHOLE = re.compile(r"[^\W\d_a-z].*[.!?\u3002\u061f][\"'\u2019\u201d)]*", re.DOTALL)
"""A sentence that begins and ends as one."""
SENTENCE_LENGTHS = (40, 320)
"""Characters: shorter ones are headings and fragments, longer ones lists and tables."""
FIRST = 1.25
"""What the sentences of the first tenth count for: documents tell early what they are about."""
LONGEST_PHRASE = 3
LEAST_HITS, LEAST_SHARE = 3, 0.002
"""The words of a topic that a text holds at least, and their share of all words."""

WORD = re.compile(r"[^\W\d_](?:[\w'\u2019-]*\w)?")
LEAST_CATEGORY = 0.008
"""The share of a text's words that a category's words make up at least; else it is `general`."""
GENERAL = "general"


@dataclass(frozen=True)
class Metadata:
    """A summary in the document's own sentences, its keywords and topics by weight, and its category."""

    summary: str = ""
    keywords: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    category: str = GENERAL


def describe(pages: Sequence[Page]) -> Metadata:
    """What the pages are about. An error is logged and gives empty metadata: a document is not lost by it."""
    try:
        return described("\n\n".join(page.text for page in pages)[:READ])
    except Exception:
        logger.exception("metadata_failed")
        return Metadata()


def described(text: str) -> Metadata:
    """What a text is about."""
    words = [word.lower() for word in WORD.findall(text)]
    counts = Counter(words)
    weights = {
        word: 1 + log(count)
        for word, count in counts.items()
        if count > 1 and word not in lexicons.STOP_WORDS and len(word) > 2
    }
    return Metadata(
        summary(text, weights),
        keywords(text),
        topics(counts),
        category(counts),
    )


def summary(text: str, weights: dict[str, float]) -> str:
    """The sentences that hold most of what the text repeats, in their order, each telling something new."""
    shortest, longest = SENTENCE_LENGTHS
    spans = [
        span
        for span in sentences(text)
        if shortest <= span[1] - span[0] <= longest and WHOLE.fullmatch(text, *span)
    ][:MOST_SENTENCES]
    contents = [{word.lower() for word in WORD.findall(text, *span)} & weights.keys() for span in spans]
    known: set[str] = set()
    chosen: list[int] = []
    length = 0
    while len(chosen) < SUMMARY_SENTENCES:
        values = [
            sum(weights[word] for word in words - known)
            / (8 + len(words))
            * (FIRST if index * 10 < len(spans) else 1.0)
            for index, words in enumerate(contents)
        ]
        best = max(range(len(values)), key=values.__getitem__, default=None)
        if best is None or not values[best]:
            break
        length += spans[best][1] - spans[best][0]
        if chosen and length > LONGEST_SUMMARY:
            break
        chosen.append(best)
        known |= contents[best]
    if not chosen:
        return " ".join(text[:longest].split())
    return " ".join(" ".join(text[slice(*spans[index])].split()) for index in sorted(chosen))


def keywords(text: str) -> tuple[str, ...]:
    """The words and phrases that a text repeats, a longer one before what it contains."""
    counts: Counter[str] = Counter()
    shown: dict[str, str] = {}
    for start, end in sentences(text):
        for run in runs(text[start:end]):
            for size in range(1, LONGEST_PHRASE + 1):
                for first in range(len(run) - size + 1):
                    phrase = " ".join(run[first : first + size])
                    counts[phrase.lower()] += 1
                    shown.setdefault(phrase.lower(), phrase)
    scores = {
        phrase: count * (1 + 0.7 * phrase.count(" "))
        for phrase, count in counts.items()
        if len(phrase) > 3 and (count > 1 or " " not in phrase)
    }
    kept: list[str] = []
    for phrase in sorted(scores, key=lambda phrase: (-scores[phrase], phrase)):
        if not any(f" {phrase} " in f" {other} " or f" {other} " in f" {phrase} " for other in kept):
            kept.append(phrase)
        if len(kept) == KEYWORDS:
            break
    return tuple(shown[phrase] if shown[phrase].isupper() else phrase for phrase in kept)


def runs(sentence: str) -> Iterable[list[str]]:
    """Neighbouring words that carry meaning, without signs between them."""
    run: list[str] = []
    end = 0
    for match in WORD.finditer(sentence):
        word = match.group().lower()
        telling = word not in lexicons.STOP_WORDS and len(word) > 1 and word.isalnum()
        if run and (not telling or sentence[end : match.start()].strip(" ")):
            yield run
            run = []
        if telling:
            run.append(match.group())
        end = match.end()
    if run:
        yield run


def topics(counts: Counter[str]) -> tuple[str, ...]:
    """The topics whose words the text holds often enough, by how often."""
    total = sum(counts.values())
    hits = {topic: _hits(counts, words.split()) for topic, words in lexicons.TOPICS.items()}
    known = [topic for topic in hits if hits[topic] >= max(LEAST_HITS, LEAST_SHARE * total)]
    return tuple(sorted(known, key=lambda topic: -hits[topic])[:TOPICS])


def category(counts: Counter[str]) -> str:
    """The kind of document that uses such words, `general` where none is likely."""
    total = sum(counts.values())
    hits = {kind: _hits(counts, words.split()) for kind, words in lexicons.CATEGORIES.items()}
    best = max(hits, key=lambda kind: hits[kind])
    return best if hits[best] >= max(LEAST_HITS, LEAST_CATEGORY * total) else GENERAL


def _hits(counts: Counter[str], words: Sequence[str]) -> int:
    """How often the words are there, in the singular and the plural."""
    return sum(counts[form] for word in words for form in {word, f"{word}s"})

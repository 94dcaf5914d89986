"""Document metadata from word counts: summary, keywords, topics and category."""

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

MAX_KEYWORDS, MAX_TOPICS = 10, 5
SUMMARY_SENTENCES = 3
MAX_SUMMARY_LENGTH = 600
"""Characters."""
MAX_ANALYZED_LENGTH = 400_000
"""Characters of a document that are analyzed."""
MAX_SENTENCES = 2_000
COMPLETE_SENTENCE = re.compile(r"[^\W\d_a-z].*[.!?\u3002\u061f][\"'\u2019\u201d)]*", re.DOTALL)
SENTENCE_LENGTH_RANGE = (40, 320)
"""Characters: shorter sentences are headings and fragments, longer ones lists and tables."""
LEAD_WEIGHT = 1.25
"""Weight of the sentences in the first tenth of a document."""
MAX_PHRASE_WORDS = 3
MIN_TOPIC_HITS, MIN_TOPIC_SHARE = 3, 0.002
"""The least number of words of a topic in a text, and their least share of all words."""

WORD = re.compile(r"[^\W\d_](?:[\w'\u2019-]*\w)?")
MIN_CATEGORY_SHARE = 0.008
"""The least share of a category's words in a text; else the category is `general`."""
DEFAULT_CATEGORY = "general"


@dataclass(frozen=True)
class Metadata:
    """An extractive summary, keywords and topics by weight, and a category."""

    summary: str = ""
    keywords: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    category: str = DEFAULT_CATEGORY


def extract_metadata(pages: Sequence[Page]) -> Metadata:
    """The metadata of pages. On an error, log it and return empty metadata."""
    try:
        return analyze_text("\n\n".join(page.text for page in pages)[:MAX_ANALYZED_LENGTH])
    except Exception:
        logger.exception("metadata_failed")
        return Metadata()


def analyze_text(text: str) -> Metadata:
    """The metadata of a text."""
    words = [word.lower() for word in WORD.findall(text)]
    counts = Counter(words)
    weights = {
        word: 1 + log(count)
        for word, count in counts.items()
        if count > 1 and word not in lexicons.STOP_WORDS and len(word) > 2
    }
    return Metadata(
        summarize(text, weights),
        extract_keywords(text),
        match_topics(counts),
        classify(counts),
    )


def summarize(text: str, weights: dict[str, float]) -> str:
    """The sentences with most of the text's frequent words, in order, each adding new words."""
    shortest, longest = SENTENCE_LENGTH_RANGE
    spans = [
        span
        for span in sentences(text)
        if shortest <= span[1] - span[0] <= longest and COMPLETE_SENTENCE.fullmatch(text, *span)
    ][:MAX_SENTENCES]
    contents = [{word.lower() for word in WORD.findall(text, *span)} & weights.keys() for span in spans]
    covered_words: set[str] = set()
    chosen: list[int] = []
    length = 0
    while len(chosen) < SUMMARY_SENTENCES:
        values = [
            sum(weights[word] for word in words - covered_words)
            / (8 + len(words))
            * (LEAD_WEIGHT if index * 10 < len(spans) else 1.0)
            for index, words in enumerate(contents)
        ]
        best = max(range(len(values)), key=values.__getitem__, default=None)
        if best is None or not values[best]:
            break
        length += spans[best][1] - spans[best][0]
        if chosen and length > MAX_SUMMARY_LENGTH:
            break
        chosen.append(best)
        covered_words |= contents[best]
    if not chosen:
        return " ".join(text[:longest].split())
    return " ".join(" ".join(text[slice(*spans[index])].split()) for index in sorted(chosen))


def extract_keywords(text: str) -> tuple[str, ...]:
    """The frequent words and phrases of a text, longer phrases first."""
    counts: Counter[str] = Counter()
    spellings: dict[str, str] = {}
    for start, end in sentences(text):
        for run in content_word_runs(text[start:end]):
            for size in range(1, MAX_PHRASE_WORDS + 1):
                for first in range(len(run) - size + 1):
                    phrase = " ".join(run[first : first + size])
                    counts[phrase.lower()] += 1
                    spellings.setdefault(phrase.lower(), phrase)
    scores = {
        phrase: count * (1 + 0.7 * phrase.count(" "))
        for phrase, count in counts.items()
        if len(phrase) > 3 and (count > 1 or " " not in phrase)
    }
    selected: list[str] = []
    for phrase in sorted(scores, key=lambda phrase: (-scores[phrase], phrase)):
        if not any(f" {phrase} " in f" {other} " or f" {other} " in f" {phrase} " for other in selected):
            selected.append(phrase)
        if len(selected) == MAX_KEYWORDS:
            break
    return tuple(spellings[phrase] if spellings[phrase].isupper() else phrase for phrase in selected)


def content_word_runs(sentence: str) -> Iterable[list[str]]:
    """Runs of content words without punctuation between them."""
    run: list[str] = []
    end = 0
    for match in WORD.finditer(sentence):
        word = match.group().lower()
        is_content_word = word not in lexicons.STOP_WORDS and len(word) > 1 and word.isalnum()
        if run and (not is_content_word or sentence[end : match.start()].strip(" ")):
            yield run
            run = []
        if is_content_word:
            run.append(match.group())
        end = match.end()
    if run:
        yield run


def match_topics(counts: Counter[str]) -> tuple[str, ...]:
    """The topics whose words are frequent enough, by frequency."""
    total = sum(counts.values())
    hits = {topic: _count_words(counts, words.split()) for topic, words in lexicons.TOPICS.items()}
    matching = [topic for topic in hits if hits[topic] >= max(MIN_TOPIC_HITS, MIN_TOPIC_SHARE * total)]
    return tuple(sorted(matching, key=lambda topic: -hits[topic])[:MAX_TOPICS])


def classify(counts: Counter[str]) -> str:
    """The category of documents with such words, `general` if none is likely."""
    total = sum(counts.values())
    hits = {kind: _count_words(counts, words.split()) for kind, words in lexicons.CATEGORIES.items()}
    best = max(hits, key=lambda kind: hits[kind])
    return best if hits[best] >= max(MIN_TOPIC_HITS, MIN_CATEGORY_SHARE * total) else DEFAULT_CATEGORY


def _count_words(counts: Counter[str], words: Sequence[str]) -> int:
    """The total count of the words, in the singular and the plural."""
    return sum(counts[form] for word in words for form in {word, f"{word}s"})

"""Questions about a drawing session: what they ask, which sheets they name, and which words.

A question is answered from rows only if each of its words is known, is one of the drawings, or names a sheet.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pipelines.chat.session_questions.intents import CHANGING, CONTINUING, Intent, find_intent
from pipelines.chat.session_questions.name_patterns import PAGE_KEYWORDS, PLACEHOLDER, word_set
from pipelines.chat.session_questions.sheet_names import (
    Reference,
    SheetNames,
    without_references,
)
from pipelines.chat.session_questions.vocabulary import FILLERS, PHRASES, TOPICS, Topic, fold
from resolvers.chat.session_rows import SessionRows, SheetRow

TERM = "termref"
"""Stands for a word of the drawings in the rest of a question."""
QUOTED = re.compile(
    r"[\"\u201c\u201d\u201e\u00ab\u00bb]([^\"\u201c\u201d\u201e\u00ab\u00bb]{1,100})[\"\u201c\u201d\u201e\u00ab\u00bb]"
)
EDGES = ".,;:!?()[]\u2026'"
MIN_TYPO_LENGTH = 6
"""Letters of a word that may be misspelled."""
GERMAN = word_set(
    "hat haben ist sind wurde wurden gibt auf sich der die das den dem im von auch noch kam kamen "
    "steht neu weg wird alles dort blatt plan seite zeichnung"
)
VOCABULARY = FILLERS.union(*TOPICS.values())


@dataclass(frozen=True)
class SessionQuestion:
    """A question about a session. `intent` is None if its answer is not in the rows."""

    intent: Intent | None
    references: tuple[Reference, ...] = ()
    kinds: tuple[str, ...] = ()
    """Kinds of changes that it asks for; all, if there are none."""
    terms: tuple[str, ...] = ()
    """Words of the drawings."""
    is_new: bool | None = None
    """The set that it asks for, if it asks for one."""
    is_negated: bool = False
    """Whether it asks for what has not changed, or for the fewest."""
    is_closed: bool = False
    """Whether its answer begins with yes or no."""
    is_only: bool = False
    is_both: bool = False
    is_total: bool = False
    """Whether it asks about all of them."""
    is_about_changes: bool = False
    """Whether it asks about changes in some way, even if not only about them."""
    thresholds: tuple[int, int | None] = (1, None)
    """The least and the largest number of changes of the sheets that it asks for."""
    is_changed: bool = False
    """Whether it asks for what has changed, of any kind."""

    @property
    def sheets(self) -> tuple[SheetRow, ...]:
        """The distinct sheets that it names and that are known."""
        return tuple({id(each.sheet): each.sheet for each in self.references if each.sheet}.values())

    @property
    def unresolved(self) -> tuple[Reference, ...]:
        return tuple(each for each in self.references if each.sheet is None)


class QuestionParser:
    """Reads questions about one session."""

    def __init__(self, rows: SessionRows) -> None:
        self.rows = rows
        self.names = SheetNames(rows)
        self.words = {
            word.casefold().strip(EDGES)
            for sheet in rows.sheets
            for words in (
                sheet.words_removed,
                sheet.words_added,
                *(change.words_removed for change in sheet.changes),
                *(change.words_added for change in sheet.changes),
            )
            for word in words
        } - {""}

    def parse(self, text: str, earlier: Sequence[str] = ()) -> SessionQuestion:
        """What a question asks; `earlier` are the questions before it, the latest last."""
        rest, terms = self.cut_terms(text)
        references = tuple(
            each
            for each in self.names.find(rest)
            if not self.is_word(each) and not is_of_document(each, rest)
        )
        rest = without_references(rest, references)
        rest, more = self.cut_words(rest)
        rest, thresholds = cut_thresholds(rest)
        topics, unknown, words = read_topics(rest)
        question = SessionQuestion(None, references, terms=(*terms, *more), thresholds=thresholds)
        question = replace(
            question, is_about_changes=bool(topics & (CHANGING | {Topic.NOTHING, Topic.UNCHANGED}))
        )
        if not unknown:
            question = replace(question, **find_intent(topics, words, bool(references), bool(question.terms)))
        if not earlier:
            return question
        return self.complete(question, topics, unknown, text, earlier)

    def cut_terms(self, text: str) -> tuple[str, tuple[str, ...]]:
        """The text without what it quotes, unless that is a sheet."""
        terms: list[str] = []

        def cut(found: re.Match[str]) -> str:
            quoted = found[1].strip()
            is_word = quoted.casefold().strip(EDGES) in self.words
            if not is_word and any(each.candidates for each in self.names.find(quoted)):
                return f" {quoted} "
            terms.append(quoted)
            return f" {TERM} "

        return QUOTED.sub(cut, text), tuple(terms)

    def cut_words(self, text: str) -> tuple[str, tuple[str, ...]]:
        """The text without the words of the drawings that are no words of questions."""
        terms: list[str] = []
        kept: list[str] = []
        for token in text.split():
            word = token.strip(EDGES)
            is_known = all(part in VOCABULARY or part in (PLACEHOLDER, TERM) for part in fold(word).split())
            if not is_known and word.casefold() in self.words:
                terms.append(word)
                kept.append(TERM)
            else:
                kept.append(token)
        return " ".join(kept), tuple(terms)

    def is_word(self, reference: Reference) -> bool:
        """Whether what looks like a sheet number is a word of the drawings, or nothing that is known."""
        if reference.candidates or reference.has_keyword:
            return False
        return reference.text.casefold() in self.words

    def complete(
        self,
        question: SessionQuestion,
        topics: frozenset[Topic],
        unknown: tuple[str, ...],
        text: str,
        earlier: Sequence[str],
    ) -> SessionQuestion:
        """The question, completed from the one before: `And on A-102?`, `How many were added there?`."""
        before = self.parse(earlier[-1], earlier[:-1][-2:])
        if unknown:
            return question
        if question.references and not question.terms and topics <= CONTINUING and before.intent:
            return replace(before, references=question.references)
        if question.references or not before.references:
            return question
        revision = re.search(r"\b(?:(new|newer|neue\w?)|(old|older|alte\w?))\b", text, re.IGNORECASE)
        if before.unresolved and revision and topics <= CONTINUING | {Topic.ADDED, Topic.SHEETS}:
            suffix = f"the {'new' if revision[1] else 'old'} set"
            chosen = tuple(
                replace(each, candidates=kept) if (kept := of_set(each, suffix)) else each
                for each in before.references
            )
            return replace(before, references=chosen)
        if REFERRING.search(fold(text)) and question.intent:
            completed = replace(question, references=before.references)
            _, _, words = read_topics(fold(text))
            return replace(
                completed, **find_intent(topics - {Topic.SHEETS}, words, True, bool(question.terms))
            )
        return question


THRESHOLD = re.compile(
    r"\b(?:(?P<over>more than|over|mehr als|\u00fcber)|(?P<least>at least|mindestens)"
    r"|(?P<under>fewer than|less than|under|weniger als|unter)|(?P<most>at most|h\u00f6chstens))"
    r"\s+(?P<number>\d{1,4})\b",
    re.IGNORECASE,
)


def cut_thresholds(text: str) -> tuple[str, tuple[int, int | None]]:
    """The text without `more than 5`, and the least and the largest number that it names."""
    found = THRESHOLD.search(text)
    if found is None:
        return text, (1, None)
    number = int(found["number"])
    rest = f"{text[: found.start()]} {text[found.end() :]}"
    if found["over"] or found["least"]:
        return rest, (number + 1 if found["over"] else number, None)
    return rest, (1, number - 1 if found["under"] else number)


PAGE_OF_DOCUMENT = re.compile(
    r"\s+(?:of|from|des|vom|aus)\s+(?:(?:the|dem|der|our|unserem|unseres)\s+)?([^\W\d_]+)", re.I
)


def is_of_document(reference: Reference, text: str) -> bool:
    """Whether a page is one of something else than a drawing set: `page 9 of the lease`."""
    if not reference.text.casefold().startswith(tuple(PAGE_KEYWORDS)):
        return False
    found = PAGE_OF_DOCUMENT.match(text, reference.end)
    return found is not None and not set(fold(found[1]).split()) <= VOCABULARY


REFERRING = re.compile(
    r"\b(?:on it|of it|in it|(?:this|that|the same) (?:sheet|drawing|plan|page|one)|"
    r"(?<!are )(?<!is )(?<!were )there$|dort|darauf|darin|"
    r"davon|dies(?:em|er|es|en) (?:blatt|plan|seite|zeichnung)|(?:dem|der)selben (?:blatt|plan|seite))\b"
)


def of_set(reference: Reference, suffix: str) -> tuple[tuple[SheetRow, str], ...]:
    return tuple(each for each in reference.candidates if each[1].endswith(suffix))


def read_topics(text: str) -> tuple[frozenset[Topic], tuple[str, ...], list[str]]:
    """The topics of a text, the words that are unknown, and all words, on folded text."""
    folded = fold(text)
    for pattern, phrase in PHRASES:
        folded = re.sub(pattern, phrase, folded)
    words = folded.split()
    if "was" in words and GERMAN & set(words):
        words = ["was_de" if word == "was" else word for word in words]
    words = [correct_typo(word) for word in words]
    topics = frozenset(topic for topic, known in TOPICS.items() if known & set(words))
    unknown = tuple(word for word in words if word not in VOCABULARY and word not in (PLACEHOLDER, TERM))
    return topics, unknown, words


def correct_typo(word: str) -> str:
    """A known word with two letters swapped, or one letter doubled or left out, as that word."""
    if word in VOCABULARY or len(word) < MIN_TYPO_LENGTH or word in (PLACEHOLDER, TERM):
        return word
    swapped = {word[:i] + word[i + 1] + word[i] + word[i + 2 :] for i in range(len(word) - 1)}
    doubled = {word[:i] + word[i + 1 :] for i in range(len(word))}
    missed = {known for known in VOCABULARY if len(known) == len(word) + 1 and is_without_one(word, known)}
    found = sorted((swapped | doubled | missed) & VOCABULARY)
    return found[0] if found else word


def is_without_one(word: str, known: str) -> bool:
    return any(word == known[:i] + known[i + 1 :] for i in range(len(known)))

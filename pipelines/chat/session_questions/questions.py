"""Questions about a drawing session: what they ask, which sheets they name, and which words.

A question is answered from rows only if every word of it is known, is a word of the drawings, or names a sheet.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from pipelines.chat.session_questions.sheet_names import (
    PLACEHOLDER,
    Reference,
    SheetNames,
    without_references,
)
from pipelines.chat.session_questions.vocabulary import FILLERS, PHRASES, TOPICS, Topic, fold
from resolvers.chat.session_rows import SessionRows, SheetRow

TERM = "termref"
"""Stands for a word of the drawings in the rest of a question."""
QUOTED = re.compile(r"[\"\u201c\u201d\u201e\u00ab\u00bb]([^\"\u201c\u201d\u201e\u00ab\u00bb]{1,100})[\"\u201c\u201d\u201e\u00ab\u00bb]")
EDGES = ".,;:!?()[]\u2026'"
MIN_TYPO_LENGTH = 6
"""Letters of a word that may be misspelled."""
LOCATING = frozenset("on of from for in at to auf von vom aus fur bei an zu zum im about uber".split())
"""Words before a sheet that is the place, not the subject, of a question."""
GERMAN = frozenset(
    "hat haben ist sind wurde wurden gibt auf sich der die das den dem im von auch noch kam kamen steht neu weg "
    "wird alles dort blatt plan seite zeichnung".split()
)
VERBS = frozenset(
    "is are was were did do does has have had can could ist sind wurde wurden war waren hat haben gibt kann "
    "fehlt fehlen steht stehen kommt blieb".split()
)
"""First words of questions that are answered by yes or no."""
KINDS = {
    Topic.ADDED: "added",
    Topic.REMOVED: "removed",
    Topic.MODIFIED: "modified",
    Topic.FILL: "fill",
    Topic.MOVED: "moved",
    Topic.RENAMED: "renamed",
    Topic.RESIZED: "resized",
}
VOCABULARY = FILLERS.union(*TOPICS.values())


class Intent(Enum):
    """What a question asks of the rows."""

    CHANGES = "changes"
    COUNT = "count"
    COUNT_SHEETS = "count_sheets"
    CHANGED_SHEETS = "changed_sheets"
    UNCHANGED_SHEETS = "unchanged_sheets"
    OVERVIEW = "overview"
    EXTREME_SHEET = "extreme_sheet"
    LARGEST_CHANGE = "largest_change"
    COMPARE = "compare"
    UNPAIRED = "unpaired"
    PRESENCE = "presence"
    WORDS = "words"
    WHERE = "where"
    CONFIDENCE = "confidence"
    LOW_SHEETS = "low_sheets"
    FAILED_SHEETS = "failed_sheets"
    CRITICAL = "critical"
    SHARE = "share"
    TERMS = "terms"
    SHEETS = "sheets"
    RENAMED_SHEETS = "renamed_sheets"


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
        references = tuple(each for each in self.names.find(rest) if not self.is_word(each))
        rest = without_references(rest, references)
        rest, more = self.cut_words(rest)
        topics, unknown, words = read_topics(rest)
        question = SessionQuestion(None, references, terms=(*terms, *more))
        if not unknown:
            question = replace(question, **find_intent(question, topics, words))
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
            return replace(completed, **find_intent(completed, topics - {Topic.SHEETS}, words))
        return question


REFERRING = re.compile(
    r"\b(?:on it|of it|in it|(?:this|that|the same) (?:sheet|drawing|plan|page|one)|there$|dort|darauf|darin|davon|"
    r"dies(?:em|er|es|en) (?:blatt|plan|seite|zeichnung)|(?:dem|der)selben (?:blatt|plan|seite))\b"
)
CONTINUING = frozenset({Topic.ASKS_WHAT, Topic.EXIST, Topic.SUMMARY, Topic.LIST, Topic.SHEETS})
"""Topics of `What about A-102?`, which asks what the question before did."""


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
    words = [corrected(word) for word in words]
    topics = frozenset(topic for topic, known in TOPICS.items() if known & set(words))
    unknown = tuple(word for word in words if word not in VOCABULARY and word not in (PLACEHOLDER, TERM))
    return topics, unknown, words


def corrected(word: str) -> str:
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


def find_intent(question: SessionQuestion, topics: frozenset[Topic], words: list[str]) -> dict[str, object]:
    """The intent with its arguments, as fields of the question."""
    is_closed = bool(words) and words[0] in VERBS
    kinds = tuple(kind for topic, kind in KINDS.items() if topic in topics)
    has_sheets, has_terms = bool(question.references), bool(question.terms)
    is_new = {(True, False): True, (False, True): False}.get(
        (Topic.NEW_SET in topics, Topic.OLD_SET in topics)
    )
    fields: dict[str, object] = {"is_closed": is_closed, "is_new": is_new, "is_only": Topic.ONLY in topics}
    fields["is_both"], fields["is_changed"] = Topic.BOTH in topics, Topic.CHANGE in topics
    has_negation = bool(topics & {Topic.UNCHANGED, Topic.NOTHING, Topic.NOT})
    is_double = Topic.UNCHANGED in topics and Topic.NOT in topics
    fields["is_negated"] = has_negation and not is_double
    if topics & {Topic.MODIFIED} and not topics & {Topic.ADDED, Topic.REMOVED}:
        kinds = tuple(kind for kind in kinds if kind != "modified")
        topics |= {Topic.CHANGE}
    fields["kinds"] = kinds
    intent = None
    for candidate in (term_intent, rating_intent, pairing_intent, extreme_intent, change_intent):
        intent = candidate(topics, words, has_sheets, has_terms, fields)
        if intent is not None:
            break
    return {**fields, "intent": intent}


Fields = dict[str, object]


def term_intent(
    topics: frozenset[Topic], words: list[str], has_sheets: bool, has_terms: bool, fields: Fields
) -> Intent | None:
    return Intent.TERMS if has_terms else None


def rating_intent(
    topics: frozenset[Topic], words: list[str], has_sheets: bool, has_terms: bool, fields: Fields
) -> Intent | None:
    """How sure a comparison is, whether it failed, and what is critical."""
    has_changes = bool(topics & CHANGING)
    if Topic.FAILED in topics:
        return Intent.CONFIDENCE if has_sheets else Intent.FAILED_SHEETS
    if Topic.CRITICAL in topics:
        return Intent.CRITICAL
    rated = topics & {Topic.CONFIDENCE, Topic.SCORE, Topic.LOW}
    if rated and not has_changes:
        if has_sheets:
            return Intent.CONFIDENCE
        return Intent.LOW_SHEETS if Topic.LOW in topics or Topic.NOT in topics else Intent.CONFIDENCE
    return None


def pairing_intent(
    topics: frozenset[Topic], words: list[str], has_sheets: bool, has_terms: bool, fields: Fields
) -> Intent | None:
    """Sheets of one set only, and which set a sheet is in."""
    names_set = bool(topics & {Topic.NEW_SET, Topic.OLD_SET, Topic.BOTH, Topic.UNPAIRED, Topic.ONLY})
    comes_or_goes = bool(topics & {Topic.ADDED, Topic.REMOVED})
    is_asked = bool(topics & {Topic.ASKS_WHAT, Topic.COUNT, Topic.WORDS, Topic.LIST, Topic.WHERE, Topic.ANYTHING})
    if Topic.WORDS in topics or Topic.CHANGE in topics and not topics & {Topic.ONLY, Topic.UNPAIRED}:
        return None
    if has_sheets:
        if Topic.UNCHANGED in topics:
            return None
        if names_set and not (comes_or_goes and is_located(words)) and not topics & {Topic.MOST, Topic.MORE}:
            if Topic.UNPAIRED in topics and Topic.ONLY not in topics:
                fields["is_only"] = True
            return Intent.PRESENCE
        is_subject = not is_located(words) and not is_asked
        if comes_or_goes and is_subject and fields["is_closed"]:
            fields["is_only"], fields["is_new"] = True, Topic.ADDED in topics
            return Intent.PRESENCE
        if Topic.EXIST in topics and not comes_or_goes and not topics & CHANGING and not has_negation(topics):
            return Intent.PRESENCE
        return None
    if Topic.RENAMED in topics and Topic.SHEETS in topics:
        return Intent.RENAMED_SHEETS
    if topics & {Topic.MOST, Topic.FEWEST, Topic.MORE, Topic.UNCHANGED}:
        return None
    if Topic.SHEETS in topics and comes_or_goes and not (Topic.ADDED in topics and Topic.REMOVED in topics):
        if is_located(words, "sheets") and not names_set:
            return None
        fields["is_new"] = Topic.ADDED in topics and Topic.REMOVED not in topics
        return Intent.UNPAIRED
    if names_set and Topic.BOTH not in topics:
        return Intent.UNPAIRED if topics & {Topic.ONLY, Topic.UNPAIRED, Topic.NOT} else Intent.SHEETS
    return None


def extreme_intent(
    topics: frozenset[Topic], words: list[str], has_sheets: bool, has_terms: bool, fields: Fields
) -> Intent | None:
    """The sheet with most changes, the largest change, and which of some sheets has more."""
    is_extreme = bool(topics & {Topic.MOST, Topic.FEWEST})
    if not is_extreme and Topic.MORE not in topics:
        return None
    if not topics & CHANGING and not topics & {Topic.UNCHANGED}:
        return None
    fewer = Topic.FEWEST in topics or bool(set(words) & {"fewer", "less", "weniger"})
    fields["is_negated"] = fewer
    if words.count(PLACEHOLDER) > 1:
        return Intent.COMPARE
    if not is_extreme:
        return None
    is_sum = Topic.WHERE in topics and bool(set(words) & {"most", "least", "am_meisten", "am_wenigsten"})
    if is_sum and not has_sheets:
        return Intent.EXTREME_SHEET
    nouns = {"change", "anderung", "difference", "addition", "removal", "deletion", "unterschied", "modification"}
    if has_sheets or (nouns & set(words) and Topic.SHEETS not in topics):
        return Intent.LARGEST_CHANGE
    if Topic.SHEETS in topics or Topic.WHERE in topics or "what" in words or "was_de" in words:
        return Intent.EXTREME_SHEET
    return None


CHANGING = frozenset({Topic.CHANGE, Topic.REPLACED, Topic.SHARE, *KINDS})


def has_negation(topics: frozenset[Topic]) -> bool:
    return bool(topics & {Topic.UNCHANGED, Topic.NOTHING, Topic.NOT})


def change_intent(
    topics: frozenset[Topic], words: list[str], has_sheets: bool, has_terms: bool, fields: Fields
) -> Intent | None:
    """What, where, how many and which words changed, on the sheets that are named or on all."""
    if Topic.MORE in topics or (Topic.WORDS in topics and Topic.UNCHANGED in topics):
        return None
    if Topic.WORDS in topics:
        return Intent.WORDS if topics & CHANGING else None
    if Topic.SHARE in topics and Topic.CHANGE in topics and has_sheets:
        return Intent.SHARE
    if Topic.WHERE in topics and topics & CHANGING:
        return Intent.WHERE if has_sheets else Intent.CHANGED_SHEETS
    if Topic.COUNT in topics and not has_sheets:
        return count_intent(topics, words)
    if has_sheets:
        if Topic.COUNT in topics and topics & (CHANGING | {Topic.UNCHANGED}):
            return Intent.COUNT
        if topics & (CHANGING | {Topic.UNCHANGED, Topic.NOTHING, Topic.SUMMARY, Topic.ANYTHING}):
            return Intent.CHANGES
        return None if topics - CONTINUING else Intent.CHANGES
    if topics & {Topic.UNCHANGED} or (Topic.CHANGE in topics and Topic.NOT in topics):
        return Intent.UNCHANGED_SHEETS if Topic.SHEETS in topics or Topic.ASKS_WHAT in topics else Intent.OVERVIEW
    if Topic.CHANGE in topics or fields["kinds"]:
        return Intent.CHANGED_SHEETS if Topic.SHEETS in topics else Intent.OVERVIEW
    if Topic.SHEETS in topics and topics & {Topic.ASKS_WHAT, Topic.LIST, Topic.EXIST}:
        return Intent.SHEETS
    return Intent.OVERVIEW if Topic.SUMMARY in topics and topics - {Topic.SUMMARY} <= CONTINUING | {Topic.TOTAL} else None


def count_intent(topics: frozenset[Topic], words: list[str]) -> Intent | None:
    """Whether sheets or changes are counted: what follows `how many` decides."""
    counters = TOPICS[Topic.COUNT]
    place = next(index for index, word in enumerate(words) if word in counters)
    for word in words[place + 1 :]:
        if word in TOPICS[Topic.SHEETS]:
            return Intent.COUNT_SHEETS
        if any(word in TOPICS[topic] for topic in CHANGING) or word in COUNTABLE:
            return Intent.COUNT if topics & (CHANGING | {Topic.UNCHANGED}) else None
    return None


COUNTABLE = frozenset("things items objects elements dinge objekte elemente sachen".split())


def is_located(words: list[str], kind: str = "reference") -> bool:
    """Whether the first sheet of a question stands after a word such as `on`."""
    for index, word in enumerate(words):
        is_sheet = word == PLACEHOLDER if kind == "reference" else word in TOPICS[Topic.SHEETS]
        if is_sheet:
            before = words[max(0, index - 2) : index]
            return bool(LOCATING & set(before))
    return False


def earlier_questions(contents: Sequence[tuple[str, str]]) -> Iterator[str]:
    """The questions of a conversation's turns."""
    for role, content in contents:
        if role == "user":
            yield content

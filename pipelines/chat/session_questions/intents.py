"""Intents of questions about a drawing session, by the topics of their words."""

from enum import Enum
from typing import Any

from pipelines.chat.session_questions.name_patterns import PLACEHOLDER, word_set
from pipelines.chat.session_questions.vocabulary import TOPICS, Topic

Fields = dict[str, Any]
"""Fields of a question by name."""
LOCATING = word_set("on of from for in at to auf von vom aus fur bei an zu zum im about uber")
"""Words before a sheet that is the place, not the subject, of a question."""
VERBS = word_set(
    "is are was were did do does has have had can could ist sind wurde wurden war waren hat haben "
    "gibt kann fehlt fehlen steht stehen kommt blieb"
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


def find_intent(topics: frozenset[Topic], words: list[str], has_sheets: bool, has_terms: bool) -> Fields:
    """The intent with its arguments, as fields of the question."""
    is_closed = bool(words) and words[0] in VERBS and Topic.LIST not in topics
    kinds = tuple(kind for topic, kind in KINDS.items() if topic in topics)
    is_new = {(True, False): True, (False, True): False}.get(
        (Topic.NEW_SET in topics, Topic.OLD_SET in topics)
    )
    fields: Fields = {"is_closed": is_closed, "is_new": is_new, "is_only": Topic.ONLY in topics}
    fields["is_total"] = Topic.TOTAL in topics
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


def term_intent(
    topics: frozenset[Topic], words: list[str], has_sheets: bool, has_terms: bool, fields: Fields
) -> Intent | None:
    return Intent.TERMS if has_terms else None


def rating_intent(
    topics: frozenset[Topic], words: list[str], has_sheets: bool, has_terms: bool, fields: Fields
) -> Intent | None:
    """How sure a comparison is, whether it failed, and what is critical."""
    has_changes = bool(topics & CHANGING)
    if topics & {Topic.FAILED, Topic.LOW} and has_sheets:
        fields["is_negated"] = Topic.NOT not in topics
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


CHANGE_NOUNS = word_set(
    "addition additions removal removals deletion deletions insertion insertions hinzufugung "
    "hinzufugungen erganzung erganzungen entfernung entfernungen loschung loschungen something "
    "etwas things"
)
"""What is added or removed on sheets, and no sheet itself."""


def pairing_intent(
    topics: frozenset[Topic], words: list[str], has_sheets: bool, has_terms: bool, fields: Fields
) -> Intent | None:
    """Sheets of one set only, and which set a sheet is in."""
    names_set = bool(topics & {Topic.NEW_SET, Topic.OLD_SET, Topic.BOTH, Topic.UNPAIRED, Topic.ONLY})
    comes_or_goes = bool(topics & {Topic.ADDED, Topic.REMOVED})
    has_question_word = bool(
        topics & {Topic.ASKS_WHAT, Topic.COUNT, Topic.WORDS, Topic.LIST, Topic.WHERE, Topic.ANYTHING}
    )
    if Topic.WORDS in topics or (Topic.CHANGE in topics and not topics & {Topic.ONLY, Topic.UNPAIRED}):
        return None
    if has_sheets:
        if Topic.UNCHANGED in topics:
            return None
        if names_set and not (comes_or_goes and is_located(words)) and not topics & {Topic.MOST, Topic.MORE}:
            if Topic.UNPAIRED in topics and Topic.ONLY not in topics:
                fields["is_only"] = True
            return Intent.PRESENCE
        is_subject = not is_located(words) and not has_question_word
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
    if set(words) & CHANGE_NOUNS:
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
    nouns = {
        "change",
        "anderung",
        "difference",
        "addition",
        "removal",
        "deletion",
        "unterschied",
        "modification",
    }
    if has_sheets or (nouns & set(words) and Topic.SHEETS not in topics):
        return Intent.LARGEST_CHANGE
    if Topic.SHEETS in topics or Topic.WHERE in topics or "what" in words or "was_de" in words:
        return Intent.EXTREME_SHEET
    return None


CHANGING = frozenset({Topic.CHANGE, Topic.REPLACED, Topic.SHARE, *KINDS})


CONTINUING = frozenset({Topic.ASKS_WHAT, Topic.EXIST, Topic.SUMMARY, Topic.LIST, Topic.SHEETS})
"""Topics of `What about A-102?`, which asks what the question before did."""


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
        if fields["is_closed"] and not topics - CONTINUING:
            return Intent.PRESENCE if words.count(PLACEHOLDER) == 1 else None
        return None if topics - CONTINUING else Intent.CHANGES
    if topics & {Topic.UNCHANGED} or (Topic.CHANGE in topics and Topic.NOT in topics):
        return (
            Intent.UNCHANGED_SHEETS
            if Topic.SHEETS in topics or Topic.ASKS_WHAT in topics
            else Intent.OVERVIEW
        )
    if Topic.CHANGE in topics or fields["kinds"]:
        return Intent.CHANGED_SHEETS if Topic.SHEETS in topics else Intent.OVERVIEW
    if Topic.SHEETS in topics and topics & {Topic.ASKS_WHAT, Topic.LIST, Topic.EXIST}:
        return Intent.SHEETS
    return (
        Intent.OVERVIEW
        if Topic.SUMMARY in topics and topics - {Topic.SUMMARY} <= CONTINUING | {Topic.TOTAL}
        else None
    )


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


COUNTABLE = word_set("things items objects elements dinge objekte elemente sachen")


def is_located(words: list[str], kind: str = "reference") -> bool:
    """Whether the first sheet of a question stands after a word such as `on`."""
    for index, word in enumerate(words):
        is_sheet = word == PLACEHOLDER if kind == "reference" else word in TOPICS[Topic.SHEETS]
        if is_sheet:
            before = words[max(0, index - 2) : index]
            return bool(LOCATING & set(before))
    return False

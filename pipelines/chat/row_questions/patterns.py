"""Patterns of questions about rows, in English, German, French and Spanish.

A question is one about rows only if every word of it is known. Any other question is one about documents.
"""

import re
import unicodedata
from dataclasses import dataclass, replace
from datetime import date
from typing import TypeVar

from db.models import JobStatus
from pipelines.chat.row_questions.languages import Language
from pipelines.chat.row_questions.lexicon import Lexicon, Mark, Measure, Metric, Slot, Subject, load_lexicon
from pipelines.chat.row_questions.periods import Period, find_period


@dataclass(frozen=True)
class RowQuestion:
    """The typed arguments of a question about rows."""

    subject: Subject
    measure: Measure
    status: JobStatus | None = None
    period: Period | None = None
    metric: str | None = None
    """A metric of evaluation runs, or `cost` of reports."""
    latest_only: bool = False
    """Only the latest row is asked for."""
    is_mine: bool = False
    """Only the asker's rows are asked for."""
    is_ambiguous: bool = False
    """The question may as well be about a document."""
    language: Language = Language.EN


COUNTABLE_ALONE = frozenset(
    {Subject.CRAWLS, Subject.EXPORTS, Subject.DOCUMENTS, Subject.EVALUATIONS, Subject.REPORTS}
)
"""Subjects that are counted without a status, a period or a word such as `our`."""
WRITTEN = frozenset({Subject.DOCUMENTS, Subject.REPORTS, Subject.IMAGES})
"""Subjects of which documents tell as well."""
ENDED_STATUSES = frozenset({JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED})
ORDERS = frozenset({Measure.LATEST, Measure.MINIMUM, Measure.MAXIMUM})


@dataclass(frozen=True)
class Words:
    """A question as slots: all that its terms say, what the first says, and what else narrows it."""

    slots: frozenset[Slot]
    first: frozenset[Slot]
    status: JobStatus | None
    metric: Metric | None
    has_period: bool

    def has(self, *slots: Slot) -> bool:
        """Whether one of the slots is said."""
        return bool(self.slots.intersection(slots))

    @property
    def is_owned(self) -> bool:
        """Whether it is about what is the asker's or the company's."""
        return self.has(Mark.OURS, Mark.MINE)

    @property
    def is_narrowed(self) -> bool:
        """Whether it is not about all there is in the world."""
        return self.has_period or self.status is not None or self.is_owned


def fold(text: str) -> str:
    """The text in lower case, without accents and without punctuation except within dates."""
    plain = "".join(
        letter
        for letter in unicodedata.normalize("NFKD", text.casefold())
        if not unicodedata.combining(letter)
    )
    return " ".join(re.sub(r"[^\w\s-]|-(?!\d)|(?<!\d)-", " ", plain).split())


def parse_question(text: str, today: date) -> RowQuestion | None:
    """The question about rows that a text asks, or None if that is not certain.

    It is read in each language by itself; readings that differ are not certain.
    """
    folded = fold(text)
    period, rest = find_period(folded, today)
    has_period = rest != folded
    if has_period and (period is None or period.first > today):
        return None  # of a time that has not come there are no rows, which is not the answer 0
    readings = [
        reading
        for language in Language
        if language is Language.FR or "hier" not in folded.split()  # in German, it is no time
        if (reading := _read(rest, period, has_period, language))
    ]
    meanings = {replace(reading, language=Language.EN) for reading in readings}
    return readings[0] if len(meanings) == 1 else None


def _read(text: str, period: Period | None, has_period: bool, language: Language) -> RowQuestion | None:
    """The question in one language."""
    found = find_terms(text, load_lexicon(language))
    if not found:
        return None
    slots = frozenset[Slot]().union(*found)
    subject = _single_value(slots, Subject, _meant_subject(slots))
    status, metric = _single_value(slots, JobStatus, None), _single_value(slots, Metric, None)
    if not isinstance(subject, Subject) or isinstance(status, Several) or isinstance(metric, Several):
        return None
    words = Words(slots, found[0], status, metric, has_period)
    measure = _measure(subject, words)
    if measure is None or (words.has(Mark.ACT) and words.is_owned):
        return None
    return RowQuestion(
        subject,
        measure,
        status if measure is not Measure.STATE or words.has(Mark.WHEN) else None,
        period,
        metric and metric.value,
        latest_only=measure is Measure.LIST and words.has(Measure.LATEST),
        is_mine=words.has(Mark.MINE) and subject is not Subject.CONSUMPTION,
        is_ambiguous=not words.is_owned
        and (status is None or subject in WRITTEN - {Subject.IMAGES} or words.has(Mark.TASK)),
        language=language,
    )


def find_terms(text: str, lexicon: Lexicon) -> list[frozenset[Slot]]:
    """What the terms of a folded text say, the longest first; empty if a word belongs to no term."""
    words, found, position = text.split(), [], 0
    has_images = any(Subject.IMAGES in lexicon.terms.get(word, ()) for word in words)
    while position < len(words):
        for length in range(min(lexicon.longest, len(words) - position), 0, -1):
            phrase = " ".join(words[position : position + length])
            slots = lexicon.terms.get(phrase) or (has_images and lexicon.image_states.get(phrase))
            if slots:
                found.append(slots)
                position += length
                break
        else:
            return []
    return found


class Several:
    """More than one value, where a question may have one."""


Kind = TypeVar("Kind", Subject, JobStatus, Metric)


def _single_value(slots: frozenset[Slot], kind: type[Kind], default: Kind | None) -> Kind | Several | None:
    """The only value of a kind."""
    values = [slot for slot in slots if isinstance(slot, kind)]
    return Several() if len(values) > 1 else values[0] if values else default


def _meant_subject(slots: frozenset[Slot]) -> Subject | None:
    """The consumption, if energy is used."""
    return Subject.CONSUMPTION if {Mark.USE, Mark.ENERGY} <= slots else None


def _measure(subject: Subject, words: Words) -> Measure | None:
    """The measure, or None if it does not belong to the subject or the question may be about documents."""
    if subject is Subject.CONSUMPTION:
        return _consumption_measure(words)
    if words.has(Mark.ENERGY, Mark.USE, Mark.DAILY, Measure.AVERAGE):
        return None
    if words.metric is not None or (words.has(Mark.HOW_WELL) and words.status is None):
        return _figure_measure(subject, words)
    if words.has(Measure.MINIMUM, Measure.MAXIMUM):
        return None
    if words.has(Measure.LATEST) and not words.has(Mark.WHY, Measure.COUNT):
        return _state_measure(subject, words)
    if words.has(Mark.STATE, Mark.WHEN):
        return None
    if words.has(Measure.COUNT):
        return _count_measure(subject, words)
    if words.has(Mark.WHY) or (words.has(Mark.WHICH) and words.status is not None):
        return _list_measure(subject, words)
    return _existence_measure(subject, words)


def _consumption_measure(words: Words) -> Measure | None:
    if words.status is not None or words.metric is not None or not (words.has_period or words.is_owned):
        return None
    if words.has(Mark.WHY, Mark.ALL, Mark.ANY, Mark.ADD, Mark.RUN, Mark.STATE, Mark.WHEN, *ORDERS):
        return None
    if words.has(Measure.AVERAGE, Mark.DAILY):
        return Measure.AVERAGE
    if words.has(Measure.COUNT) and not words.has(Mark.AMOUNT, Mark.ENERGY):
        return None
    if words.has(Mark.AMOUNT, Measure.COUNT):
        return Measure.SUM
    return None if words.has(Mark.HOW_WELL) or Mark.IS_THERE in words.first else Measure.SUM


def _figure_measure(subject: Subject, words: Words) -> Measure | None:
    """The measure of a figure of the latest evaluation run, or of the cost of reports."""
    if words.status is not None or words.has(Measure.COUNT, Mark.WHY, Mark.ALL, Mark.ANY, Mark.ADD):
        return None
    orders = words.slots & ORDERS
    match subject, words.metric:
        case Subject.EVALUATIONS, metric if metric is not Metric.COST and orders == {Measure.LATEST}:
            return Measure.LATEST
        case Subject.REPORTS, Metric.COST if not words.has(Mark.HOW_WELL, Mark.RUN):
            return next((order for order in (Measure.MINIMUM, Measure.MAXIMUM) if orders == {order}), None)
        case _:
            return None


def _count_measure(subject: Subject, words: Words) -> Measure | None:
    # Without a status, jobs may be employment.
    if words.has(Measure.LATEST, Mark.WHY, Mark.ALL) or (subject is Subject.JOBS and words.status is None):
        return None
    return Measure.COUNT if words.is_narrowed or subject in COUNTABLE_ALONE else None


def _list_measure(subject: Subject, words: Words) -> Measure | None:
    if words.status is None or subject is Subject.IMAGES:
        return None
    if not words.has(Mark.WHY):
        return Measure.LIST
    is_certain = words.has(Measure.LATEST, Mark.WHICH, Mark.PLURAL) or words.is_owned or words.has_period
    return Measure.LIST if is_certain and words.status is JobStatus.FAILED else None


def _state_measure(subject: Subject, words: Words) -> Measure | None:
    """The measure of a question about the latest row: its state, its time, or its name."""
    if subject is Subject.IMAGES or words.has(Mark.ALL, Mark.ANY, Mark.PLURAL):
        return None
    is_query = Mark.IS_THERE in words.first and words.status is not None
    if words.has(Mark.STATE) or is_query:
        return None if subject in WRITTEN else Measure.STATE
    if words.has(Mark.WHEN):
        is_known = words.status in ENDED_STATUSES or words.has(Mark.ADD)
        return Measure.STATE if is_known and (words.status is None or subject not in WRITTEN) else None
    return _list_measure(subject, words) if words.has(Mark.WHICH) else None


def _existence_measure(subject: Subject, words: Words) -> Measure | None:
    """A count for a question for yes or no: of several rows, in a state."""
    is_query = Mark.IS_THERE in words.first or words.has(Mark.ANY)
    if not is_query or words.status is None or words.has(Measure.LATEST, Mark.ALL):
        return None
    if not words.has(Mark.PLURAL, Mark.ANY):
        return None
    is_any = words.has(Mark.ANY) or words.is_owned
    if not is_any and (subject in WRITTEN or words.status is JobStatus.COMPLETED):
        return None
    return Measure.COUNT

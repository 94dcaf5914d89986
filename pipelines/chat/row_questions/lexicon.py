"""Terms of questions about rows by slot: entity, state, operation, metric and marks, in four languages.

`lexicon.toml` lists the terms.
"""

import tomllib
from dataclasses import dataclass
from enum import Enum
from functools import cache
from pathlib import Path

from db.models import JobStatus
from pipelines.chat.row_questions.languages import Language

FILE = Path(__file__).with_name("lexicon.toml")


class Subject(Enum):
    """The kind of rows that a question is about."""

    IMAGES = "images"
    JOBS = "jobs"
    CRAWLS = "crawls"
    EXPORTS = "exports"
    DOCUMENTS = "documents"
    REPORTS = "reports"
    EVALUATIONS = "evaluation runs"
    CONSUMPTION = "consumption"


class Measure(Enum):
    """What a question wants to know of the rows."""

    COUNT = "count"
    LIST = "list"
    SUM = "sum"
    AVERAGE = "average"
    MINIMUM = "minimum"
    MAXIMUM = "maximum"
    LATEST = "latest"
    STATE = "state"
    """The state of the latest row, and when it began and ended."""


class Metric(Enum):
    """A figure of evaluation runs, or the cost of reports."""

    RECALL = "recall"
    PRECISION = "precision"
    F1 = "f1_score"
    COST = "cost"


class Mark(Enum):
    """What else a question says."""

    PLURAL = "plural"
    """The entity is named in the plural."""
    OURS = "ours"
    """Something is the company's: our, we."""
    MINE = "mine"
    """Something is the asker's: my, I."""
    IS_THERE = "is there"
    """The question can be answered with yes or no."""
    ANY = "any"
    """Any of them, which also asks for yes or no."""
    WHICH = "which"
    WHY = "why"
    ALL = "all"
    HOW_WELL = "how well"
    NOW = "now"
    """Still or at this moment."""
    ENERGY = "energy"
    """Belongs to questions about consumption only."""
    USE = "use"
    """Means consumption if energy is named."""
    DAILY = "daily"
    AMOUNT = "amount"
    ADD = "add"
    """Documents are uploaded, and everything else is created."""
    STATE = "state"
    WHEN = "when"
    ACT = "act"
    """Jobs do it, and people as well."""
    TASK = "task"
    """A name of jobs that means work of people as well."""
    RUN = "run"
    """Part of “evaluation run”."""
    SPEECH = "speech"
    """Articles, prepositions, auxiliary verbs: words without a meaning of their own here."""


Slot = Subject | Measure | JobStatus | Metric | Mark


_KINDS: dict[str, type[Slot]] = {
    "subject": Subject,
    "measure": Measure,
    "status": JobStatus,
    "metric": Metric,
    "mark": Mark,
}
_IMAGES_FAILED = "images.failed"
"""The slot of terms that mean failed quality checks, and only of images."""


@dataclass(frozen=True)
class Lexicon:
    """The slots of each term of a language; `image_states` are terms beside images only."""

    terms: dict[str, frozenset[Slot]]
    image_states: dict[str, frozenset[Slot]]

    @property
    def longest(self) -> int:
        """The number of words of the longest term."""
        return max(text.count(" ") + 1 for text in (*self.terms, *self.image_states))


@cache
def load_lexicon(language: Language) -> Lexicon:
    """The terms of a language."""
    lexicon = Lexicon({}, {})
    for group in tomllib.loads(FILE.read_text("utf-8"))["terms"]:
        is_of_images = _IMAGES_FAILED in group["slots"]
        slots: frozenset[Slot] = (
            frozenset({JobStatus.FAILED}) if is_of_images else frozenset(map(_slot, group["slots"]))
        )
        part = lexicon.image_states if is_of_images else lexicon.terms
        for text in _expand(group.get(language.value, "")):
            part[text] = part.get(text, frozenset()) | slots
    return lexicon


def _expand(texts: str) -> list[str]:
    """The terms of a list, with each ending of those that have several."""
    found = []
    for text in filter(None, (part.strip() for part in texts.split(","))):
        stem, _, endings = text.rstrip(")").partition("(")
        found += [stem + ending for ending in endings.split("|")]
    return found


def _slot(name: str) -> Slot:
    kind, _, value = name.partition(".")
    return _KINDS[kind][value.upper()]

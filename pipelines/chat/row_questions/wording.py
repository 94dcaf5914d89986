"""Sentences of answers of rows, in the language of the question."""

import tomllib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from db.models import JobStatus
from pipelines.chat.row_questions.kinds import Kind, counts_by_end
from pipelines.chat.row_questions.languages import Language
from pipelines.chat.row_questions.lexicon import Subject
from pipelines.chat.row_questions.patterns import RowQuestion

FILE = Path(__file__).with_name("sentences.toml")


@cache
def _sentences() -> dict[str, Any]:
    return tomllib.loads(FILE.read_text("utf-8"))


def sentence(question: RowQuestion, key: str, **values: object) -> str:
    """A sentence, or a part of one, in the question's language."""
    template: str = _sentences()[question.language.value][key]
    return template.format(**values)


def describe_period(question: RowQuestion) -> str:
    """The period with its zone, or nothing."""
    return question.period.describe(question.language) if question.period else ""


def count_sentence(question: RowQuestion, kinds: Sequence[Kind], counts: Sequence[int]) -> str:
    """How many rows there are, of which kinds."""
    notes = [
        f"{count} {_name(question, kind, count)}"
        for kind, count in zip(kinds, counts, strict=True)
        if count and question.subject is Subject.JOBS
    ]
    notes = [", ".join(notes)] if notes else []
    if question.subject is Subject.JOBS:
        notes.append(sentence(question, "uncounted"))
    if question.is_mine:
        notes.append(sentence(question, "mine"))
    note = f" ({'; '.join(notes)})" if notes else ""
    return f"{rows_phrase(question, kinds, sum(counts))}{note}."


def rows_phrase(question: RowQuestion, kinds: Sequence[Kind], total: int) -> str:
    """A number of rows with their state and period, such as `2 exports failed on 3 March 2026 (UTC)`."""
    if question.language is Language.EN:
        names = Kind(None, "job", "jobs") if question.subject is Subject.JOBS else kinds[0]
        subject = f"{total or 'No'} {names.one if total == 1 else names.many}"
        return f"{subject} {_predicate(question, total == 1)} {describe_period(question)}".rstrip()
    parts = [f"{total} {_name(question, kinds[0], total, is_subject=True)}"]
    if question.subject is Subject.DOCUMENTS:
        parts.append(sentence(question, "readable"))
    if question.status is not None:
        state = "invalid" if question.subject is Subject.IMAGES else question.status.value
        states = _sentences()[question.language.value]["states"]
        parts.append(sentence(question, "state", state=states[state]))
    if question.period is not None:
        key = "ended" if counts_by_end(kinds[0].model, question) else "created"
        parts.append(sentence(question, key, period=describe_period(question)))
    return ", ".join(parts)


def kind_name(question: RowQuestion, kind: Kind) -> str:
    """The name of a row of the kind."""
    return _name(question, kind, 1)


def state_name(question: RowQuestion, status: JobStatus) -> str:
    """A state in words."""
    if question.language is Language.EN:
        return status.value
    return str(_sentences()[question.language.value]["states"][status.value])


def _name(question: RowQuestion, kind: Kind, count: int, *, is_subject: bool = False) -> str:
    """The name of one or several rows."""
    if question.language is Language.EN:
        return kind.one if count == 1 else kind.many
    key = "job" if is_subject and question.subject is Subject.JOBS else kind.model.__name__
    one, many = _sentences()[question.language.value]["kinds"][key]
    is_one = count == 1 or (question.language is Language.FR and count == 0)
    return str(one if is_one else many)


def _predicate(question: RowQuestion, is_one: bool) -> str:
    """The English verb of a count, which says which instant of a row counts."""
    be, was = ("is", "was") if is_one else ("are", "were")
    is_past = question.period is not None
    match question.subject, question.status:
        case Subject.IMAGES, JobStatus.FAILED:
            return "failed the quality checks" + (", of those stored" if is_past else "")
        case Subject.IMAGES, _:
            return f"{was} stored"
        case Subject.DOCUMENTS | Subject.REPORTS as subject, JobStatus() as status:
            added = "added" if subject is Subject.DOCUMENTS else "requested"
            state = f"{be} {status.value} now"
            return f"{state}, of those {added}" if is_past else state
        case Subject.DOCUMENTS, None:
            return f"that you can read {was} added"
        case Subject.REPORTS, None:
            return f"{was} requested"
        case _, (JobStatus.PENDING | JobStatus.RUNNING) as status:
            state = f"{be} {status.value} now"
            return f"{state}, of those created" if is_past else state
        case _, JobStatus.FAILED:
            return "failed"
        case _, JobStatus() as status:
            return f"{was} {status.value}"
        case _:
            return f"{was} created"

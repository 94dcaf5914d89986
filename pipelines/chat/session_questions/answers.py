"""Answers about a drawing session: statements from its rows, each with the sheet that it is about."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from pipelines.chat.session_questions.intents import Intent
from pipelines.chat.session_questions.questions import QuestionParser, SessionQuestion
from pipelines.chat.session_questions.set_answers import (
    all_sheets,
    changed_sheets,
    counted_sheets,
    extreme_sheet,
    failed_sheets,
    low_sheets,
    renamed_sheets,
    unchanged_sheets,
    unpaired_sheets,
)
from pipelines.chat.session_questions.sheet_answers import (
    changes,
    comparison,
    confidence,
    count_changes,
    critical,
    largest_change,
    presence,
    share,
    where,
    words,
)
from pipelines.chat.session_questions.sheet_names import Reference
from pipelines.chat.session_questions.statements import (
    MAX_NAMED_SHEETS,
    SourcedStatement,
    about,
    join,
    sheet_label,
    state_sentence,
)
from pipelines.chat.session_questions.word_answers import find_terms
from resolvers.chat.session_rows import SessionRows

UNMARKED_KINDS = frozenset({"moved", "renamed", "resized"})
"""Kinds that not every comparison tells apart; elsewhere such changes are of other kinds."""
SEPARATOR = "\n\n"


@dataclass(frozen=True)
class SessionAnswer:
    """Statements with their sources. Not `found`: there is no such sheet, or it asks which."""

    statements: tuple[SourcedStatement, ...]
    found: bool = True

    @property
    def text(self) -> str:
        return SEPARATOR.join(statement.text for statement in self.statements)


def answer(parser: QuestionParser, question: SessionQuestion) -> SessionAnswer | None:
    """The answer of the rows; None if it is not in them."""
    if question.unresolved and (unclear := unresolved_answer(parser, question)):
        return unclear
    if len(question.sheets) > MAX_NAMED_SHEETS:
        return None
    if question.intent is None:
        return state_answer(question)
    if question.unresolved:
        return None
    known_kinds = {change.kind for sheet in parser.rows.sheets for change in sheet.changes}
    unknown_kinds = [kind for kind in question.kinds if kind in UNMARKED_KINDS and kind not in known_kinds]
    if unknown_kinds and question.intent is not Intent.TERMS:
        kinds = tuple(kind for kind in question.kinds if kind not in unknown_kinds)
        question = replace(question, kinds=kinds, is_closed=False)
    statements = ANSWERS[question.intent or Intent.CHANGES](parser.rows, question)
    if unknown_kinds and statements and question.intent is not Intent.TERMS:
        first = statements[0]
        text = f"No change is marked as {join(unknown_kinds, 'or')}. {first.text}"
        statements = [replace(first, text=text), *statements[1:]]
    unique = tuple(dict.fromkeys(statements))
    return SessionAnswer(unique) if unique else None


def state_answer(question: SessionQuestion) -> SessionAnswer | None:
    """Why nothing can be said about the changes of the sheets that are named, if none has known changes."""
    sentences = [(sheet, state_sentence(sheet)) for sheet in question.sheets]
    if not question.is_about_changes or question.unresolved or not all(said for _, said in sentences):
        return None
    statements = tuple(about(sheet, said) for sheet, said in sentences if said)
    return SessionAnswer(statements) if statements else None


def unresolved_answer(parser: QuestionParser, question: SessionQuestion) -> SessionAnswer | None:
    """That a sheet is unknown, with the nearest ones, or which of several is meant."""
    said: list[str] = []
    for each in question.unresolved:
        if len(each.candidates) > 1:
            said.append(which_is_meant(each))
        elif each.has_keyword or parser.names.has_like(each.text) or question.intent is not None:
            said.append(unknown_sheet(parser, each, question))
    statements = tuple(SourcedStatement(text, "") for text in dict.fromkeys(said))
    return SessionAnswer(statements, found=False) if said else None


def which_is_meant(reference: Reference) -> str:
    described = [f"{sheet_label(sheet)}, which is {name}," for sheet, name in reference.candidates]
    return f"“{reference.text}” may be {join(described, 'or').rstrip(',')}. Which one do you mean?"


def unknown_sheet(parser: QuestionParser, reference: Reference, question: SessionQuestion) -> str:
    nearest = parser.names.nearest(reference.text)
    be = "The nearest is" if len(nearest) == 1 else "The nearest are"
    offered = f" {be} {join(nearest, 'and')}." if nearest else ""
    name = reference.text if reference.text[:1].isupper() or reference.has_keyword else reference.text.upper()
    said = f"There is no sheet “{name}” in this session"
    if not reference.has_keyword:
        said += ", and no such word among those that were added or removed"
    start = "No. " if question.is_closed and question.intent is Intent.PRESENCE else ""
    return f"{start}{said}.{offered}"


Answerer = Callable[[SessionRows, SessionQuestion], list[SourcedStatement]]

ANSWERS: dict[Intent, Answerer] = {
    Intent.CHANGES: changes,
    Intent.COUNT: count_changes,
    Intent.COUNT_SHEETS: counted_sheets,
    Intent.CHANGED_SHEETS: changed_sheets,
    Intent.UNCHANGED_SHEETS: unchanged_sheets,
    Intent.OVERVIEW: changed_sheets,
    Intent.EXTREME_SHEET: extreme_sheet,
    Intent.LARGEST_CHANGE: largest_change,
    Intent.COMPARE: comparison,
    Intent.UNPAIRED: unpaired_sheets,
    Intent.PRESENCE: presence,
    Intent.WORDS: words,
    Intent.WHERE: where,
    Intent.CONFIDENCE: confidence,
    Intent.LOW_SHEETS: low_sheets,
    Intent.FAILED_SHEETS: failed_sheets,
    Intent.CRITICAL: critical,
    Intent.SHARE: share,
    Intent.TERMS: find_terms,
    Intent.SHEETS: all_sheets,
    Intent.RENAMED_SHEETS: renamed_sheets,
}

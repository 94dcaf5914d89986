"""Answers about words of the drawings: where they were added or removed, and what they became."""

from collections.abc import Iterable, Sequence

from pipelines.chat.session_questions.questions import EDGES, SessionQuestion
from pipelines.chat.session_questions.statements import (
    ALL_SHEETS,
    SourcedStatement,
    about,
    join,
    names_of,
    remainder,
    sheet_label,
    state_sentence,
    verdict_of,
)
from resolvers.chat.session_rows import ChangeRow, SessionRows


def find_terms(rows: SessionRows, question: SessionQuestion) -> list[SourcedStatement]:
    """The changes with the words that a question names."""
    sheets = question.sheets or rows.sheets
    wanted = [part for term in question.terms for part in split_term(term)]
    said = []
    for sheet in sheets:
        if question.references and (sentence := state_sentence(sheet)):
            said.append(about(sheet, sentence))
            continue
        if not sheet.is_compared:
            continue
        found = [
            change
            for change in sheet.changes
            if has_words(change.words_removed, wanted) or has_words(change.words_added, wanted)
        ]
        if "removed" in question.kinds and not question.is_closed:
            found = [change for change in found if has_words(change.words_removed, wanted)]
        if "added" in question.kinds and not question.is_closed:
            found = [change for change in found if has_words(change.words_added, wanted)]
        if found:
            said.append(about(sheet, f"{sheet_label(sheet)}:\n{term_lines(found, wanted)}"))
            continue
        removed, added = has_words(sheet.words_removed, wanted), has_words(sheet.words_added, wanted)
        quoted = " ".join(question.terms)
        if removed or added:
            verb = "both added and removed" if removed and added else "added" if added else "removed"
            said.append(about(sheet, f'{sheet_label(sheet)}: "{quoted}" is among the words {verb}.'))
    return with_term_verdict(rows, question, wanted, said)


def term_lines(found: Sequence[ChangeRow], wanted: Sequence[str]) -> str:
    """The changes with some words; what a long text became is cut to the words around them."""
    lines = []
    for change in found:
        line = change.description.rstrip(".")
        shown = [part for word in words_shown(line) for part in split_term(word)]
        if not set(wanted) <= set(shown):
            sides = [
                f'{verb} "{around(words, wanted)}"'
                for verb, words in (("removed", change.words_removed), ("added", change.words_added))
                if has_words(words, wanted)
            ]
            line += f": {' and '.join(sides)}"
        lines.append(f"- {line}")
    return "\n".join(dict.fromkeys(lines))


def words_shown(line: str) -> list[str]:
    return line.replace('"', " ").split()


def around(words: Sequence[str], wanted: Sequence[str], reach: int = 6) -> str:
    """The words next to those that are wanted."""
    folded = [word.casefold().strip(EDGES) for word in words]
    place = folded.index(wanted[0])
    start, end = max(0, place - reach), place + len(wanted) + reach
    cut = ("…" if start else "") + " ".join(words[start:end])
    return cut + ("…" if end < len(words) else "")


def with_term_verdict(
    rows: SessionRows, question: SessionQuestion, wanted: Sequence[str], said: list[SourcedStatement]
) -> list[SourcedStatement]:
    """The statements after yes or no; that the words are among no changes, if there are none."""
    quoted = " ".join(question.terms)
    sheets = [sheet for sheet in question.sheets or rows.sheets if sheet.is_compared]
    if not said:
        on = f" on {join(names_of(sheets), 'and')}" if question.sheets else ""
        text = (
            f'{verdict_of(question, False)}"{quoted}" is not among the words that were added or removed{on}.'
        )
        if question.sheets:
            return [about(sheet, text) for sheet in sheets[:1]]
        return [SourcedStatement(text + remainder(rows), ALL_SHEETS)]
    if not question.is_closed or set(question.kinds) == {"added", "removed"}:
        return said
    sides = {"removed": ("words_removed",), "added": ("words_added",)}
    wanted_sides = [side for kind in question.kinds for side in sides.get(kind, ())] or [
        "words_removed",
        "words_added",
    ]
    is_true = any(has_words(getattr(sheet, side), wanted) for sheet in sheets for side in wanted_sides)
    first = said[0]
    verdict = verdict_of(question, is_true is not question.is_negated)
    return [SourcedStatement(verdict + first.text, first.source, first.page), *said[1:]]


def split_term(term: str) -> list[str]:
    return [word for part in term.split() if (word := part.casefold().strip(EDGES))]


def has_words(words: Iterable[str], wanted: Sequence[str]) -> bool:
    return bool(wanted) and set(wanted) <= {word.casefold().strip(EDGES) for word in words}

"""Statements about sheets and changes, and the words that they are made of."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from db.models import SheetState
from pipelines.chat.session_questions.questions import SessionQuestion
from resolvers.chat.session_rows import ChangeRow, SessionRows, SheetRow

ALL_SHEETS = "All sheets"
"""The source of statements about a whole session."""

MAX_LISTED_CHANGES = 40

MAX_LISTED_WORDS = 60

MAX_LISTED_SHEETS = 40

MAX_NAMED_SHEETS = 20
"""Sheets that are answered about one by one."""

NOUNS = {
    "added": ("addition", "additions"),
    "removed": ("removal", "removals"),
    "modified": ("modification", "modifications"),
    "fill": ("change of fill or hatch", "changes of fill or hatch"),
    "moved": ("moved object", "moved objects"),
    "renamed": ("renamed object", "renamed objects"),
    "resized": ("resized object", "resized objects"),
    "recoloured": ("recoloured object", "recoloured objects"),
    "line_weight": ("change of line weights", "changes of line weights"),
}


@dataclass(frozen=True)
class SourcedStatement:
    """A statement and what it is from: a sheet with its page, or all sheets."""

    text: str
    source: str
    page: int | None = None


def sheet_label(sheet: SheetRow) -> str:
    """The sheet's name, with its old one if it was another."""
    if sheet.old and sheet.new and sheet.old.name != sheet.new.name:
        return f"{sheet.new.name} ({sheet.old.name} in the old set)"
    return sheet.name


def about(sheet: SheetRow, text: str) -> SourcedStatement:
    return SourcedStatement(text, sheet.name, sheet.page.number)


def state_sentence(sheet: SheetRow) -> str | None:
    """Why the changes of a sheet are not known, if they are not."""
    label = sheet_label(sheet)
    if sheet.state is SheetState.FAILED and not sheet.is_pair:
        return f"{label} could not be read in the {set_name(sheet)} set{reason(sheet)}"
    if not sheet.is_pair:
        if sheet.state is SheetState.PENDING:
            return f"{label} has not been compared yet."
        revision = set_name(sheet)
        page = sheet.page.number
        return f"{label} is only in the {revision} set (page {page}): there is nothing to compare it with."
    if sheet.state is SheetState.FAILED:
        return f"{label} could not be compared{reason(sheet)}"
    if sheet.state is not SheetState.COMPLETED:
        return f"{label} has not been compared yet."
    if sheet.low_confidence:
        score = f" (alignment score {sheet.score:.2f}, LOW)" if sheet.score is not None else " (LOW)"
        return (
            f"The changes of {label} cannot be listed: its two versions could not be aligned with "
            f"confidence{score}."
        )
    return None


def reason(sheet: SheetRow) -> str:
    return f": {sheet.error}" if sheet.error else "."


def set_name(sheet: SheetRow) -> str:
    return "new" if sheet.new else "old"


def count_of(number: int, kinds: Sequence[str] = ()) -> str:
    """`3 changes`, `1 addition`, `no additions or removals`."""
    if not kinds:
        nouns = [("change", "changes")]
    else:
        nouns = [NOUNS.get(kind, (f"{kind} change", f"{kind} changes")) for kind in kinds]
    return f"{number or 'no'} {join([noun[number != 1] for noun in nouns], 'or')}"


def noun_of(kinds: Sequence[str]) -> str:
    """What changes of some kinds are called: `changes`, `additions or removals`."""
    return count_of(2, kinds).removeprefix("2 ")


def of_kinds(sheet: SheetRow, kinds: Sequence[str]) -> list[ChangeRow]:
    """The sheet's changes of some kinds, the largest first."""
    chosen = [change for change in sheet.changes if not kinds or change.kind in kinds]
    return sorted(chosen, key=lambda change: -change.area)


def by_kind(changes: Iterable[ChangeRow]) -> str:
    """`2 additions and 1 removal`, in the order of their number."""
    counts = Counter(change.kind for change in changes)
    return join([count_of(number, (kind,)) for kind, number in counts.most_common()], "and")


def join(parts: Sequence[str], conjunction: str) -> str:
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} {conjunction} {parts[-1]}"


def capitalize(text: str) -> str:
    return text[:1].upper() + text[1:]


def list_names(names: Sequence[str]) -> str:
    """Names, and the number of those that are too many."""
    more = len(names) - MAX_LISTED_SHEETS
    return ", ".join(names[:MAX_LISTED_SHEETS]) + (f" and {more} more" if more > 0 else "")


def count_sheets(number: int) -> str:
    return f"{number or 'No'} sheet{'' if number == 1 else 's'}"


def word_sentences(sheet: SheetRow, removed: bool = True, added: bool = True) -> str:
    """The words that only one version has, each once."""
    parts = []
    for wanted, words, verb in (
        (added, sheet.words_added, "added"),
        (removed, sheet.words_removed, "removed"),
    ):
        if not wanted:
            continue
        counts = Counter(words)
        quoted = [
            f'"{word}"' + (f" ({number} times)" if number > 1 else "") for word, number in counts.items()
        ]
        more = len(quoted) - MAX_LISTED_WORDS
        shown = ", ".join(quoted[:MAX_LISTED_WORDS]) + (f" and {more} more" if more > 0 else "")
        parts.append(
            f"{len(words)} word{'' if len(words) == 1 else 's'} {verb}: {shown}"
            if words
            else f"no words {verb}"
        )
    return "; ".join(parts)


def listed_changes(chosen: Sequence[ChangeRow]) -> str:
    """One line for each distinct description."""
    counts = Counter(change.description.rstrip(".") for change in chosen)
    lines = [
        f"- {description}" + (f" ({number} times)" if number > 1 else "")
        for description, number in list(counts.items())[:MAX_LISTED_CHANGES]
    ]
    more = len(counts) - MAX_LISTED_CHANGES
    return "\n".join([*lines, *([f"- and {more} smaller ones"] if more > 0 else [])])


def names_of(sheets: Iterable[SheetRow]) -> list[str]:
    return [sheet_label(sheet) for sheet in sheets]


def is_low(sheet: SheetRow) -> bool:
    return sheet.is_pair and sheet.state is SheetState.COMPLETED and sheet.low_confidence


def is_only(sheet: SheetRow, is_new: bool) -> bool:
    return not sheet.is_pair and sheet.state is SheetState.UNMATCHED and (sheet.new is not None) is is_new


def remainder(rows: SessionRows) -> str:
    """The sheets whose changes are not known, which a sum leaves out."""
    parts = []
    for names, what in (
        (names_of(s for s in rows.sheets if is_low(s)), "could not be aligned with confidence (LOW)"),
        (names_of(s for s in rows.sheets if s.state is SheetState.FAILED), "could not be compared"),
        (names_of(s for s in rows.sheets if s.state is SheetState.PENDING), "not compared yet"),
        (names_of(s for s in rows.sheets if is_only(s, True)), "only in the new set"),
        (names_of(s for s in rows.sheets if is_only(s, False)), "only in the old set"),
    ):
        if names:
            parts.append(f"{what}: {list_names(names)}")
    return f" Not counted: {'; '.join(parts)}." if parts else ""


def verdict_of(question: SessionQuestion | None, is_true: bool) -> str:
    if question is None or not question.is_closed:
        return ""
    return "Yes. " if is_true else "No. "

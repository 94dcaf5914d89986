"""Answers about a drawing session: statements from its rows, each with the sheet that it is about."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from core.bm25 import terms as words_of
from db.models import SheetState
from pipelines.chat.session_questions.questions import EDGES, Intent, QuestionParser, SessionQuestion
from pipelines.chat.session_questions.sheet_names import Reference
from resolvers.chat.drawing_context import UNMATCHED_SHEETS
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
}
SEPARATOR = "\n\n"


@dataclass(frozen=True)
class SourcedStatement:
    """A statement and what it is from: a sheet with its page, or all sheets."""

    text: str
    source: str
    page: int | None = None


@dataclass(frozen=True)
class SessionAnswer:
    """Statements with their sources. If `found` is False, it says that there is no such sheet, or asks which."""

    statements: tuple[SourcedStatement, ...]
    found: bool = True

    @property
    def text(self) -> str:
        return SEPARATOR.join(statement.text for statement in self.statements)


def answer(parser: QuestionParser, question: SessionQuestion) -> SessionAnswer | None:
    """The answer of the rows; None if it is not in them."""
    if question.unresolved and (unclear := unresolved_answer(parser, question)):
        return unclear
    if question.intent is None or len(question.sheets) > MAX_NAMED_SHEETS:
        return None
    if question.unresolved:
        return None
    statements = ANSWERS[question.intent](parser.rows, question)
    unique = tuple(dict.fromkeys(statements))
    return SessionAnswer(unique) if unique else None


def unresolved_answer(parser: QuestionParser, question: SessionQuestion) -> SessionAnswer | None:
    """That a sheet is unknown, with the nearest ones, or which of several is meant."""
    said: list[str] = []
    for each in question.unresolved:
        if len(each.candidates) > 1:
            said.append(which_is_meant(each))
        elif each.has_keyword or parser.names.has_prefix_of(each.text) or question.intent is not None:
            said.append(unknown_sheet(parser, each, question))
    statements = tuple(SourcedStatement(text, "") for text in dict.fromkeys(said))
    return SessionAnswer(statements, found=False) if said else None


def which_is_meant(reference: Reference) -> str:
    described = [f"{sheet_label(sheet)}, which is {name}" for sheet, name in reference.candidates]
    return f"“{reference.text}” may be {join(described, 'or')}. Which one do you mean?"


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


# --- words for sheets and changes


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
        return f"{label} is only in the {revision} set (page {sheet.page.number}): there is nothing to compare it with."
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


def listed(names: Sequence[str]) -> str:
    more = len(names) - MAX_LISTED_SHEETS
    return ", ".join(names[:MAX_LISTED_SHEETS]) + (f" and {more} more" if more > 0 else "")


def count_sheets(number: int) -> str:
    return f"{number or 'No'} sheet{'' if number == 1 else 's'}"


def changed_only_by_words(sheet: SheetRow) -> bool:
    return not sheet.changes and sheet.has_changed


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
        quoted = [f'"{word}"' + (f" ({number} times)" if number > 1 else "") for word, number in counts.items()]
        more = len(quoted) - MAX_LISTED_WORDS
        shown = ", ".join(quoted[:MAX_LISTED_WORDS]) + (f" and {more} more" if more > 0 else "")
        parts.append(f"{len(words)} word{'' if len(words) == 1 else 's'} {verb}: {shown}" if words else f"no words {verb}")
    return "; ".join(parts)


# --- answers about the sheets that are named, or all


def changes(rows: SessionRows, question: SessionQuestion) -> list[SourcedStatement]:
    return [about(sheet, sheet_changes(sheet, question)) for sheet in question.sheets]


def sheet_changes(sheet: SheetRow, question: SessionQuestion) -> str:
    """What changed on a sheet: how much of which kind, and each change once."""
    if sentence := state_sentence(sheet):
        return sentence
    label = sheet_label(sheet)
    chosen = of_kinds(sheet, question.kinds)
    verdict = ""
    if question.is_closed:
        has_any = bool(chosen) if question.kinds else sheet.has_changed
        verdict = "Yes. " if has_any is not question.is_negated else "No. "
    if not sheet.has_changed:
        if question.kinds:
            return f"{verdict}{label}: {count_of(0, question.kinds)}; nothing changed on it."
        return f"{verdict}{label}: no changes found, and no words differ."
    if not sheet.changes:
        return f"{verdict}{label}: no changed regions were found, but words differ: {word_sentences(sheet)}."
    text = f"{verdict}{label}: {count_of(len(chosen), question.kinds)}"
    if question.kinds:
        others = [change for change in sheet.changes if change not in chosen]
        text += f" (its other changes: {by_kind(others)})" if others else ""
    else:
        text += f" ({by_kind(chosen)})"
    lines = listed_changes(chosen)
    return f"{text}.\n{lines}" if lines else f"{text}."


def listed_changes(chosen: Sequence[ChangeRow]) -> str:
    """One line for each distinct description."""
    counts = Counter(change.description.rstrip(".") for change in chosen)
    lines = [
        f"- {description}" + (f" ({number} times)" if number > 1 else "")
        for description, number in list(counts.items())[:MAX_LISTED_CHANGES]
    ]
    more = len(counts) - MAX_LISTED_CHANGES
    return "\n".join([*lines, *([f"- and {more} smaller ones"] if more > 0 else [])])


def count_changes(rows: SessionRows, question: SessionQuestion) -> list[SourcedStatement]:
    if not question.references:
        return [session_count(rows, question)]
    said = []
    for sheet in question.sheets:
        sentence = state_sentence(sheet)
        if sentence is None:
            chosen = of_kinds(sheet, question.kinds)
            sentence = f"{sheet_label(sheet)}: {count_of(len(chosen), question.kinds)}"
            if not question.kinds and chosen:
                sentence += f" ({by_kind(chosen)})"
            others = len(sheet.changes) - len(chosen)
            if others:
                sentence += f" (of {count_of(len(sheet.changes))} in all)"
            if changed_only_by_words(sheet):
                sentence += f", but words differ ({word_sentences(sheet)})"
            sentence += "."
        said.append(about(sheet, sentence))
    return said


def session_count(rows: SessionRows, question: SessionQuestion) -> SourcedStatement:
    compared = [sheet for sheet in rows.sheets if sheet.is_compared]
    chosen = [change for sheet in compared for change in of_kinds(sheet, question.kinds)]
    on = sum(bool(of_kinds(sheet, question.kinds)) for sheet in compared)
    text = f"{capitalize(count_of(len(chosen), question.kinds))} on {on} of {len(compared)} compared sheets"
    if not question.kinds and chosen:
        text += f" ({by_kind(chosen)})"
    return SourcedStatement(f"{text}.{remainder(rows)}", ALL_SHEETS)


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
            parts.append(f"{what}: {listed(names)}")
    return f" Not counted: {'; '.join(parts)}." if parts else ""


def names_of(sheets: Iterable[SheetRow]) -> list[str]:
    return [sheet_label(sheet) for sheet in sheets]


def is_low(sheet: SheetRow) -> bool:
    return sheet.is_pair and sheet.state is SheetState.COMPLETED and sheet.low_confidence


def is_only(sheet: SheetRow, is_new: bool) -> bool:
    return not sheet.is_pair and sheet.state is SheetState.UNMATCHED and (sheet.new is not None) is is_new


def where(rows: SessionRows, question: SessionQuestion) -> list[SourcedStatement]:
    said = []
    for sheet in question.sheets:
        sentence = state_sentence(sheet)
        if sentence is None:
            chosen = of_kinds(sheet, question.kinds)
            places = Counter(change.location or "at an unknown place" for change in chosen)
            lines = "\n".join(
                f"- {place}: {count_of(number, question.kinds)}"
                for place, number in list(places.items())[:MAX_LISTED_CHANGES]
            )
            more = len(places) - MAX_LISTED_CHANGES
            lines += f"\n- and {more} more places" if more > 0 else ""
            sentence = f"{sheet_label(sheet)}: {count_of(len(chosen), question.kinds)}"
            sentence += f", by place:\n{lines}" if chosen else "."
            if changed_only_by_words(sheet):
                sentence += f" Words differ: {word_sentences(sheet)}."
        said.append(about(sheet, sentence))
    return said


def words(rows: SessionRows, question: SessionQuestion) -> list[SourcedStatement]:
    sheets = question.sheets or tuple(sheet for sheet in rows.sheets if sheet.is_compared and sheet.has_changed)
    wants_removed, wants_added = ("removed" in question.kinds, "added" in question.kinds)
    if wants_removed is wants_added:
        wants_removed = wants_added = True
    said = []
    for sheet in sheets[:MAX_NAMED_SHEETS]:
        sentence = state_sentence(sheet)
        found = word_sentences(sheet, wants_removed, wants_added)
        if sentence is None:
            sentence = f"{sheet_label(sheet)}: {found}."
        elif is_low(sheet) and sheet.has_changed:
            sentence += f" By their text alone, wherever they stand: {found}."
        said.append(about(sheet, sentence))
    more = len(sheets) - MAX_NAMED_SHEETS
    return [*said, *([SourcedStatement(f"Words differ on {more} more sheets.", ALL_SHEETS)] if more > 0 else [])]


def confidence(rows: SessionRows, question: SessionQuestion) -> list[SourcedStatement]:
    if not question.references:
        return [session_confidence(rows)]
    said = []
    for sheet in question.sheets:
        sentence = state_sentence(sheet)
        verdict = ""
        if question.is_closed:
            verdict = "No. " if sentence or question.is_negated else "Yes. "
        if sentence is None:
            score = f"{sheet.score:.2f}" if sheet.score is not None else "unknown"
            sentence = (
                f"{sheet_label(sheet)} is aligned with confidence: the alignment score is {score} of 1, and its "
                f"changes are listed ({count_of(len(sheet.changes))})."
            )
        said.append(about(sheet, f"{verdict}{sentence}"))
    return said


def session_confidence(rows: SessionRows) -> SourcedStatement:
    compared = [sheet for sheet in rows.sheets if sheet.is_compared and sheet.score is not None]
    if not compared:
        return low_sheets(rows, None)[0]
    worst = min(compared, key=lambda sheet: sheet.score or 0)
    text = (
        f"{count_sheets(len(compared))} aligned with confidence; the lowest alignment score of these is "
        f"{worst.score:.2f} ({sheet_label(worst)})."
    )
    return SourcedStatement(f"{text} {low_sheets(rows, None)[0].text}", ALL_SHEETS)


def low_sheets(rows: SessionRows, question: SessionQuestion | None) -> list[SourcedStatement]:
    low = [sheet for sheet in rows.sheets if is_low(sheet)]
    if not low:
        return [SourcedStatement("No sheet has a LOW alignment.", ALL_SHEETS)]
    names = [f"{sheet_label(sheet)} ({sheet.score:.2f})" if sheet.score is not None else sheet_label(sheet) for sheet in low]
    be = "has" if len(low) == 1 else "have"
    text = f"{count_sheets(len(low))} {be} a LOW alignment, so that changes cannot be listed: {listed(names)}."
    return [SourcedStatement(verdict_of(question, True) + text, ALL_SHEETS)]


def verdict_of(question: SessionQuestion | None, is_true: bool) -> str:
    if question is None or not question.is_closed:
        return ""
    return "Yes. " if is_true else "No. "


def share(rows: SessionRows, question: SessionQuestion) -> list[SourcedStatement]:
    said = []
    for sheet in question.sheets:
        sentence = state_sentence(sheet)
        if sentence is None:
            ratio = "" if sheet.change_ratio is None else f"{sheet.change_ratio:.1%} of its ink differs, in "
            sentence = f"{sheet_label(sheet)}: {ratio}{count_of(len(sheet.changes))}."
        said.append(about(sheet, sentence))
    return said


def critical(rows: SessionRows, question: SessionQuestion) -> list[SourcedStatement]:
    sheets = question.sheets or tuple(sheet for sheet in rows.sheets if sheet.critical)
    said = []
    for sheet in sheets[:MAX_NAMED_SHEETS]:
        none = f"{sheet_label(sheet)}: no change is marked as critical."
        found = f"{sheet_label(sheet)}: {sheet.critical}" if sheet.critical else none
        said.append(about(sheet, state_sentence(sheet) or verdict_of(question, bool(sheet.critical)) + found))
    if not said:
        return [SourcedStatement(f"No change is marked as critical on any sheet.{remainder(rows)}", ALL_SHEETS)]
    return said


# --- answers about which sheets


def changed_sheets(rows: SessionRows, question: SessionQuestion) -> list[SourcedStatement]:
    if question.is_negated:
        return unchanged_sheets(rows, question)
    compared = [sheet for sheet in rows.sheets if sheet.is_compared]
    chosen = [
        (sheet, len(of_kinds(sheet, question.kinds)))
        for sheet in compared
        if of_kinds(sheet, question.kinds) or (not question.kinds and sheet.has_changed)
    ]
    names = [
        f"{sheet_label(sheet)} ({count_of(number, question.kinds) if number else 'words only'})"
        for sheet, number in chosen
    ]
    have = f"have {count_of(2, question.kinds).removeprefix('2 ')}" if question.kinds else "changed"
    if question.kinds and len(chosen) == 1:
        have = have.replace("have", "has", 1)
    text = f"{verdict_of(question, bool(chosen))}{len(chosen) or 'None'} of {len(compared)} compared sheets {have}"
    text += f": {listed(names)}." if names else "."
    return [SourcedStatement(text + remainder(rows), ALL_SHEETS)]


def unchanged_sheets(rows: SessionRows, question: SessionQuestion) -> list[SourcedStatement]:
    compared = [sheet for sheet in rows.sheets if sheet.is_compared]
    same = names_of(
        sheet
        for sheet in compared
        if (not of_kinds(sheet, question.kinds) if question.kinds else not sheet.has_changed)
    )
    what = f"have {count_of(0, question.kinds)}" if question.kinds else "have not changed"
    text = f"{verdict_of(question, bool(same))}{len(same) or 'None'} of {len(compared)} compared sheets {what}"
    text += f": {listed(same)}." if same else "."
    return [SourcedStatement(text + remainder(rows), ALL_SHEETS)]


def overview(rows: SessionRows, question: SessionQuestion) -> list[SourcedStatement]:
    return changed_sheets(rows, question)


def counted_sheets(rows: SessionRows, question: SessionQuestion) -> list[SourcedStatement]:
    """How many sheets there are, changed, are only in one set, failed or are LOW."""
    if question.is_negated:
        return unchanged_sheets(rows, question)
    if question.kinds or question.is_changed:
        return changed_sheets(rows, question)
    return all_sheets(rows, question)


def all_sheets(rows: SessionRows, question: SessionQuestion) -> list[SourcedStatement]:
    pairs = [sheet for sheet in rows.sheets if sheet.is_pair]
    old, new = (sum(getattr(sheet, side) is not None for sheet in rows.sheets) for side in ("old", "new"))
    if question.is_new is not None:
        side = "new" if question.is_new else "old"
        names = [page.name for sheet in rows.sheets if (page := getattr(sheet, side))]
        return [SourcedStatement(f"The {side} set has {len(names)} sheets: {listed(names)}.", ALL_SHEETS)]
    names = names_of(rows.sheets)
    text = f"{count_sheets(len(names))}: {listed(names)}. The old set has {old}, the new one {new}; {len(pairs)} are in both."
    return [SourcedStatement(text, ALL_SHEETS)]


def renamed_sheets(rows: SessionRows, question: SessionQuestion) -> list[SourcedStatement]:
    renamed = [
        f"{sheet.old.name} is now {sheet.new.name}"
        for sheet in rows.sheets
        if sheet.old and sheet.new and sheet.old.name != sheet.new.name
    ]
    text = f"{count_sheets(len(renamed))} {'has' if len(renamed) == 1 else 'have'} another number: {listed(renamed)}."
    return [SourcedStatement(text if renamed else "No sheet has another number.", ALL_SHEETS)]


def unpaired(rows: SessionRows, question: SessionQuestion) -> list[SourcedStatement]:
    parts = []
    for is_new in (True, False):
        if question.is_new in (None, is_new):
            names = names_of(sheet for sheet in rows.sheets if is_only(sheet, is_new))
            found = f": {listed(names)}" if names else ""
            be = "is" if len(names) == 1 else "are"
            parts.append(f"{count_sheets(len(names))} {be} only in the {'new' if is_new else 'old'} set{found}.")
    has_any = any(not part.startswith("No ") for part in parts)
    return [SourcedStatement(verdict_of(question, has_any) + " ".join(parts), UNMATCHED_SHEETS)]


def failed_sheets(rows: SessionRows, question: SessionQuestion) -> list[SourcedStatement]:
    failed = [sheet for sheet in rows.sheets if sheet.state is SheetState.FAILED]
    if not failed:
        return [SourcedStatement(f"{verdict_of(question, False)}Every pair of sheets could be compared.", ALL_SHEETS)]
    names = [
        f"{sheet_label(sheet)} ({sheet.error.rstrip('.')})" if sheet.error else sheet_label(sheet)
        for sheet in failed
    ]
    text = f"{verdict_of(question, True)}{count_sheets(len(failed))} could not be compared: {listed(names)}."
    low = names_of(sheet for sheet in rows.sheets if is_low(sheet))
    text += f" LOW alignment, so that changes cannot be listed: {listed(low)}." if low else ""
    return [SourcedStatement(text, ALL_SHEETS)]


def presence(rows: SessionRows, question: SessionQuestion) -> list[SourcedStatement]:
    """Which set a sheet is in."""
    said = []
    for sheet in question.sheets:
        if sheet.is_pair:
            assert sheet.old and sheet.new
            text = f"{sheet_label(sheet)} is in both sets (page {sheet.old.number} of the old one, page {sheet.new.number} of the new one)."
        else:
            text = f"{sheet.name} is only in the {set_name(sheet)} set (page {sheet.page.number})."
        is_true = True
        if question.is_new is not None:
            side = sheet.new if question.is_new else sheet.old
            is_true = side is not None and (not question.is_only or not sheet.is_pair)
        elif question.is_only:
            is_true = not sheet.is_pair
        elif question.is_both:
            is_true = sheet.is_pair
        if question.is_negated:
            is_true = not is_true
        said.append(about(sheet, verdict_of(question, is_true) + text))
    return said


def extreme_sheet(rows: SessionRows, question: SessionQuestion) -> list[SourcedStatement]:
    counts = [
        (sheet, len(of_kinds(sheet, question.kinds)))
        for sheet in rows.sheets
        if sheet.is_compared
    ]
    with_changes = [(sheet, number) for sheet, number in counts if number]
    if not with_changes:
        return [SourcedStatement(f"No sheet has {count_of(2, question.kinds).removeprefix('2 ')}.{remainder(rows)}", ALL_SHEETS)]
    best = (min if question.is_negated else max)(number for _, number in with_changes)
    chosen = [sheet for sheet, number in with_changes if number == best]
    word = "fewest" if question.is_negated else "most"
    noun = count_of(2, question.kinds).removeprefix("2 ")
    said = []
    for sheet in chosen[:MAX_NAMED_SHEETS]:
        also = f", as many as {join([one.name for one in chosen if one is not sheet][:5], 'and')}" if len(chosen) > 1 else ""
        said.append(about(sheet, f"{sheet_label(sheet)} has the {word} {noun}: {count_of(best, question.kinds)}{also}."))
    if question.is_negated and len(with_changes) < len(counts):
        same = names_of(sheet for sheet, number in counts if not number)
        said.append(SourcedStatement(f"Without any: {listed(same)}.", ALL_SHEETS))
    return said


def largest_change(rows: SessionRows, question: SessionQuestion) -> list[SourcedStatement]:
    if not question.references:
        sheets = [sheet for sheet in rows.sheets if sheet.is_compared and of_kinds(sheet, question.kinds)]
        pick = min if question.is_negated else max
        if not sheets:
            return []
        extreme = pick(sheets, key=lambda sheet: of_kinds(sheet, question.kinds)[-1 if question.is_negated else 0].area)
        sheets = [extreme]
    else:
        sheets = list(question.sheets)
    said = []
    for sheet in sheets:
        sentence = state_sentence(sheet)
        chosen = of_kinds(sheet, question.kinds)
        if sentence is None and not chosen:
            sentence = f"{sheet_label(sheet)}: {count_of(0, question.kinds)}."
        elif sentence is None:
            word = "smallest" if question.is_negated else "largest"
            change = chosen[-1 if question.is_negated else 0]
            sentence = f"{sheet_label(sheet)}: the {word} of its {count_of(len(chosen), question.kinds)} is: {change.description.rstrip('.')}."
        said.append(about(sheet, sentence or ""))
    return said


def comparison(rows: SessionRows, question: SessionQuestion) -> list[SourcedStatement]:
    """Which of the named sheets has more changes."""
    counts = {id(sheet): len(of_kinds(sheet, question.kinds)) for sheet in question.sheets if state_sentence(sheet) is None}
    said = count_changes(rows, question)
    known = [sheet for sheet in question.sheets if id(sheet) in counts]
    if len(known) < len(question.sheets) or len(known) < 2:
        return said
    best = (min if question.is_negated else max)(counts.values())
    chosen = [sheet for sheet in known if counts[id(sheet)] == best]
    word = "fewer" if question.is_negated else "more"
    verdict = verdict_of(question, chosen == known[:1])
    noun = count_of(2, question.kinds).removeprefix("2 ")
    if len(chosen) == len(known):
        result = f"{join(names_of(known), 'and')} have equally many {noun}."
    else:
        result = f"{join(names_of(chosen), 'and')} {'has' if len(chosen) == 1 else 'have'} {word} {noun}."
    return [about(chosen[0], verdict + result), *said]


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
        text = f'{verdict_of(question, False)}"{quoted}" is not among the words that were added or removed{on}.'
        if question.sheets:
            return [about(sheet, text) for sheet in sheets[:1]]
        return [SourcedStatement(text, ALL_SHEETS)]
    if not question.is_closed or set(question.kinds) == {"added", "removed"}:
        return said
    sides = {"removed": ("words_removed",), "added": ("words_added",)}
    wanted_sides = [side for kind in question.kinds for side in sides.get(kind, ())] or ["words_removed", "words_added"]
    is_true = any(has_words(getattr(sheet, side), wanted) for sheet in sheets for side in wanted_sides)
    first = said[0]
    verdict = verdict_of(question, is_true is not question.is_negated)
    return [SourcedStatement(verdict + first.text, first.source, first.page), *said[1:]]


def split_term(term: str) -> list[str]:
    return [word for part in term.split() if (word := part.casefold().strip(EDGES))]


def has_words(words: Iterable[str], wanted: Sequence[str]) -> bool:
    return bool(wanted) and set(wanted) <= {word.casefold().strip(EDGES) for word in words}


Answerer = Callable[[SessionRows, SessionQuestion], list[SourcedStatement]]
ANSWERS: dict[Intent, Answerer] = {
    Intent.CHANGES: changes,
    Intent.COUNT: count_changes,
    Intent.COUNT_SHEETS: counted_sheets,
    Intent.CHANGED_SHEETS: changed_sheets,
    Intent.UNCHANGED_SHEETS: unchanged_sheets,
    Intent.OVERVIEW: overview,
    Intent.EXTREME_SHEET: extreme_sheet,
    Intent.LARGEST_CHANGE: largest_change,
    Intent.COMPARE: comparison,
    Intent.UNPAIRED: unpaired,
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

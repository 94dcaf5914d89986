"""Answers about which sheets of a session changed, are new, failed, or have most changes."""

from db.models import SheetState
from pipelines.chat.session_questions.questions import SessionQuestion
from pipelines.chat.session_questions.statements import (
    ALL_SHEETS,
    MAX_NAMED_SHEETS,
    SourcedStatement,
    about,
    count_of,
    count_sheets,
    is_low,
    is_only,
    join,
    list_names,
    names_of,
    noun_of,
    of_kinds,
    remainder,
    sheet_label,
    verdict_of,
)
from resolvers.chat.drawing_context import UNMATCHED_SHEETS
from resolvers.chat.session_rows import SessionRows


def changed_sheets(rows: SessionRows, question: SessionQuestion) -> list[SourcedStatement]:
    if question.is_negated:
        return unchanged_sheets(rows, question)
    compared = [sheet for sheet in rows.sheets if sheet.is_compared]
    chosen = [
        (sheet, len(of_kinds(sheet, question.kinds)))
        for sheet in compared
        if of_kinds(sheet, question.kinds) or (not question.kinds and sheet.has_changed)
    ]
    least, largest = question.thresholds
    if question.thresholds != (1, None):
        chosen = [each for each in chosen if least <= each[1] <= (largest or each[1])]
    names = [
        f"{sheet_label(sheet)} ({count_of(number, question.kinds) if number else 'words only'})"
        for sheet, number in chosen
    ]
    have = f"have {noun_of(question.kinds)}" if question.kinds else "changed"
    if question.thresholds != (1, None):
        limit = f"at least {least}" if largest is None else f"1 to {largest}"
        have = f"have {limit} {noun_of(question.kinds)}"
    if have.startswith("have") and len(chosen) == 1:
        have = have.replace("have", "has", 1)
    verdict = verdict_of(question, is_true_of(question, len(chosen), len(rows.sheets)))
    number = len(chosen) or "None"
    text = f"{verdict}{number} of {len(compared)} compared sheets {have}"
    text += f": {list_names(names)}." if names else "."
    return [SourcedStatement(text + remainder(rows), ALL_SHEETS)]


def is_true_of(question: SessionQuestion, number: int, total: int) -> bool:
    """Whether it is so of all sheets, if a question is about all, or else of any."""
    return number == total if question.is_total else number > 0


def unchanged_sheets(rows: SessionRows, question: SessionQuestion) -> list[SourcedStatement]:
    compared = [sheet for sheet in rows.sheets if sheet.is_compared]
    same = names_of(
        sheet
        for sheet in compared
        if (not of_kinds(sheet, question.kinds) if question.kinds else not sheet.has_changed)
    )
    what = f"have {count_of(0, question.kinds)}" if question.kinds else "have not changed"
    verdict = verdict_of(question, is_true_of(question, len(same), len(rows.sheets)))
    text = f"{verdict}{len(same) or 'None'} of {len(compared)} compared sheets {what}"
    text += f": {list_names(same)}." if same else "."
    return [SourcedStatement(text + remainder(rows), ALL_SHEETS)]


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
        return [SourcedStatement(f"The {side} set has {len(names)} sheets: {list_names(names)}.", ALL_SHEETS)]
    names = names_of(rows.sheets)
    text = f"{count_sheets(len(names))}: {list_names(names)}."
    text += f" The old set has {old}, the new one {new}; {len(pairs)} are in both."
    return [SourcedStatement(text, ALL_SHEETS)]


def renamed_sheets(rows: SessionRows, question: SessionQuestion) -> list[SourcedStatement]:
    renamed = [
        f"{sheet.old.name} is now {sheet.new.name}"
        for sheet in rows.sheets
        if sheet.old and sheet.new and sheet.old.name != sheet.new.name
    ]
    have = "has" if len(renamed) == 1 else "have"
    text = f"{count_sheets(len(renamed))} {have} another number: {list_names(renamed)}."
    return [SourcedStatement(text if renamed else "No sheet has another number.", ALL_SHEETS)]


def unpaired_sheets(rows: SessionRows, question: SessionQuestion) -> list[SourcedStatement]:
    parts = []
    for is_new in (True, False):
        if question.is_new in (None, is_new):
            names = names_of(sheet for sheet in rows.sheets if is_only(sheet, is_new))
            found = f": {list_names(names)}" if names else ""
            be = "is" if len(names) == 1 else "are"
            parts.append(
                f"{count_sheets(len(names))} {be} only in the {'new' if is_new else 'old'} set{found}."
            )
    has_any = any(not part.startswith("No ") for part in parts)
    return [SourcedStatement(verdict_of(question, has_any) + " ".join(parts), UNMATCHED_SHEETS)]


def failed_sheets(rows: SessionRows, question: SessionQuestion) -> list[SourcedStatement]:
    failed = [sheet for sheet in rows.sheets if sheet.state is SheetState.FAILED]
    if not failed:
        return [
            SourcedStatement(
                f"{verdict_of(question, False)}Every pair of sheets could be compared.", ALL_SHEETS
            )
        ]
    names = [
        f"{sheet_label(sheet)} ({sheet.error.rstrip('.')})" if sheet.error else sheet_label(sheet)
        for sheet in failed
    ]
    text = (
        f"{verdict_of(question, True)}{count_sheets(len(failed))} could not be compared: {list_names(names)}."
    )
    low = names_of(sheet for sheet in rows.sheets if is_low(sheet))
    text += f" LOW alignment, so that changes cannot be listed: {list_names(low)}." if low else ""
    return [SourcedStatement(text, ALL_SHEETS)]


def low_sheets(rows: SessionRows, question: SessionQuestion | None) -> list[SourcedStatement]:
    low = [sheet for sheet in rows.sheets if is_low(sheet)]
    if not low:
        return [SourcedStatement("No sheet has a LOW alignment.", ALL_SHEETS)]
    names = [
        f"{sheet_label(sheet)} ({sheet.score:.2f})" if sheet.score is not None else sheet_label(sheet)
        for sheet in low
    ]
    be = "has" if len(low) == 1 else "have"
    text = f"{count_sheets(len(low))} {be} a LOW alignment, so that changes cannot be listed: "
    text += f"{list_names(names)}."
    return [SourcedStatement(verdict_of(question, True) + text, ALL_SHEETS)]


def extreme_sheet(rows: SessionRows, question: SessionQuestion) -> list[SourcedStatement]:
    counts = [(sheet, len(of_kinds(sheet, question.kinds))) for sheet in rows.sheets if sheet.is_compared]
    with_changes = [(sheet, number) for sheet, number in counts if number]
    if not with_changes:
        return [SourcedStatement(f"No sheet has {noun_of(question.kinds)}.{remainder(rows)}", ALL_SHEETS)]
    best = (min if question.is_negated else max)(number for _, number in with_changes)
    chosen = [sheet for sheet, number in with_changes if number == best]
    word = "fewest" if question.is_negated else "most"
    noun = noun_of(question.kinds)
    said = []
    same = names_of(sheet for sheet, number in counts if not number) if question.is_negated else []
    none = f" Without any: {list_names(same)}." if same else ""
    for sheet in chosen[:MAX_NAMED_SHEETS]:
        also = (
            f", as many as {join([one.name for one in chosen if one is not sheet][:5], 'and')}"
            if len(chosen) > 1
            else ""
        )
        said.append(
            about(
                sheet,
                f"{sheet_label(sheet)} has the {word} {noun}: {count_of(best, question.kinds)}{also}.{none}",
            )
        )
        none = ""
    return said

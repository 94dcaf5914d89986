"""Answers about the sheets that a question names: what, how much and where something changed."""

from collections import Counter

from pipelines.chat.session_questions.questions import SessionQuestion
from pipelines.chat.session_questions.set_answers import low_sheets
from pipelines.chat.session_questions.statements import (
    ALL_SHEETS,
    MAX_LISTED_CHANGES,
    MAX_NAMED_SHEETS,
    SourcedStatement,
    about,
    by_kind,
    capitalize,
    count_of,
    count_sheets,
    is_low,
    join,
    listed_changes,
    names_of,
    noun_of,
    of_kinds,
    remainder,
    set_name,
    sheet_label,
    state_sentence,
    verdict_of,
    word_sentences,
)
from resolvers.chat.session_rows import SessionRows, SheetRow


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
        return f"{verdict}{label}: no changes found."
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


def changed_only_by_words(sheet: SheetRow) -> bool:
    return not sheet.changes and sheet.has_changed


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
    sheets = question.sheets or tuple(
        sheet for sheet in rows.sheets if sheet.is_compared and sheet.has_changed
    )
    wants_removed, wants_added = ("removed" in question.kinds, "added" in question.kinds)
    if wants_removed is wants_added:
        wants_removed = wants_added = True
    said = []
    for sheet in sheets[:MAX_NAMED_SHEETS]:
        sentence = state_sentence(sheet)
        found = word_sentences(sheet, wants_removed, wants_added)
        with_words = [change for change in of_kinds(sheet, ()) if change.words_removed or change.words_added]
        if sentence is None and wants_removed and wants_added and with_words:
            counted = f"{sheet_label(sheet)}: {count_of(len(with_words))} of words"
            sentence = f"{counted}.\n{listed_changes(with_words)}"
        elif sentence is None:
            sentence = f"{sheet_label(sheet)}: {found}."
        elif is_low(sheet) and sheet.has_changed:
            sentence += f" By their text alone, wherever they stand: {found}."
        said.append(about(sheet, sentence))
    more = len(sheets) - MAX_NAMED_SHEETS
    return [
        *said,
        *([SourcedStatement(f"Words differ on {more} more sheets.", ALL_SHEETS)] if more > 0 else []),
    ]


def confidence(rows: SessionRows, question: SessionQuestion) -> list[SourcedStatement]:
    if not question.references:
        return [session_confidence(rows)]
    said = []
    for sheet in question.sheets:
        sentence = state_sentence(sheet)
        verdict = ""
        if question.is_closed:
            verdict = verdict_of(question, (sentence is None) is not question.is_negated)
        if sentence is None:
            score = f"{sheet.score:.2f}" if sheet.score is not None else "unknown"
            sentence = (
                f"{sheet_label(sheet)} is aligned with confidence: the alignment score is {score} of 1, and "
                f"its changes are listed ({count_of(len(sheet.changes))})."
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
        return [
            SourcedStatement(f"No change is marked as critical on any sheet.{remainder(rows)}", ALL_SHEETS)
        ]
    return said


def presence(rows: SessionRows, question: SessionQuestion) -> list[SourcedStatement]:
    """Which set a sheet is in."""
    said = []
    for sheet in question.sheets:
        if sheet.is_pair:
            old, new = (page.number for page in (sheet.old, sheet.new) if page)
            text = f"{sheet_label(sheet)} is in both sets (page {old} of the old, page {new} of the new one)."
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


def largest_change(rows: SessionRows, question: SessionQuestion) -> list[SourcedStatement]:
    if not question.references:
        sheets = [sheet for sheet in rows.sheets if sheet.is_compared and of_kinds(sheet, question.kinds)]
        pick = min if question.is_negated else max
        if not sheets:
            return []
        extreme = pick(
            sheets, key=lambda sheet: of_kinds(sheet, question.kinds)[-1 if question.is_negated else 0].area
        )
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
            number = count_of(len(chosen), question.kinds)
            said_of = change.description.rstrip(".")
            sentence = f"{sheet_label(sheet)}: the {word} of its {number} is: {said_of}."
        said.append(about(sheet, sentence or ""))
    return said


def comparison(rows: SessionRows, question: SessionQuestion) -> list[SourcedStatement]:
    """Which of the named sheets has more changes."""
    counts = {
        id(sheet): len(of_kinds(sheet, question.kinds))
        for sheet in question.sheets
        if state_sentence(sheet) is None
    }
    said = count_changes(rows, question)
    known = [sheet for sheet in question.sheets if id(sheet) in counts]
    if len(known) < len(question.sheets) or len(known) < 2:
        return said
    best = (min if question.is_negated else max)(counts.values())
    chosen = [sheet for sheet in known if counts[id(sheet)] == best]
    word = "fewer" if question.is_negated else "more"
    verdict = verdict_of(question, chosen == known[:1])
    noun = noun_of(question.kinds)
    if len(chosen) == len(known):
        result = f"{join(names_of(known), 'and')} have equally many {noun}."
    else:
        result = f"{join(names_of(chosen), 'and')} {'has' if len(chosen) == 1 else 'have'} {word} {noun}."
    return [about(chosen[0], verdict + result), *said]

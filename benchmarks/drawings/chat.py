"""Questions about drawing sessions, answered from the rows."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.drawings.real import CHAIN
from benchmarks.drawings.sections import Limit, compare_pages, console, processes, render_page
from benchmarks.drawings.session_questions import (
    AnswerText,
    Case,
    Score,
    generate,
    judge,
    synthetic_session,
)
from benchmarks.drawings.session_wordings import FURTHER, HELD_OUT, OTHERS, REAL, WORDINGS
from core.ports import Evidence
from db.models import SheetState
from pipelines.chat.session_questions.answers import answer
from pipelines.chat.session_questions.questions import QuestionParser
from pipelines.drawings.handlers import result_values
from pipelines.drawings.sizes import sheet_scale
from providers.vision.wording import sentence
from resolvers.chat.session_rows import ChangeRow, Page, SessionRows, SheetRow

MIN_SHARE = 0.95
SHOWN_FAILURES = 10


def chat(data: Path, folder: Path) -> Iterator[Limit]:
    """Questions about a synthetic and a published set: answered right, and about no wrong sheet."""
    rows = synthetic_session()
    yield from limits("synthetic session, templates", list(generate(rows)), rows)
    yield from limits("synthetic session, other wordings", WORDINGS, rows)
    yield from limits("synthetic session, further wordings", FURTHER, rows)
    held_out = judge(HELD_OUT, rows, ask_rows(rows))
    show_failures(held_out)
    wrong = held_out.wrong_sheets
    what = f"synthetic session, {held_out.total} wordings held out: answered right"
    yield Limit(what, ">= 75 %", f"{held_out.share:.1%}", held_out.share >= 0.75)
    yield Limit(
        "synthetic session, wordings held out: answers about a wrong sheet", "0", str(wrong), wrong == 0
    )
    answerer = ask_rows(rows)
    left = sum(answerer(text) is None for text in OTHERS)
    yield Limit(f"{len(OTHERS)} other questions left to passages", "all", str(left), left == len(OTHERS))
    real_rows = published_session(data, folder)
    if real_rows is not None:
        yield from limits("BeagleBone A6 to B, templates", list(generate(real_rows)), real_rows)
        yield from limits("BeagleBone A6 to B, further wordings", REAL, real_rows)


def limits(name: str, cases: list[Case] | tuple[Case, ...], rows: SessionRows) -> Iterator[Limit]:
    score = judge(cases, rows, ask_rows(rows))
    show_failures(score)
    what = f"{name}: {score.total} questions answered right"
    yield Limit(what, ">= 95 %", f"{score.share:.1%}", score.share >= MIN_SHARE)
    wrong = score.wrong_sheets
    yield Limit(f"{name}: answers about a wrong sheet", "0", str(wrong), wrong == 0)


def show_failures(score: Score) -> None:
    for case, said in score.failures[:SHOWN_FAILURES]:
        console.print(f"{case.text} -> {said.text[:200] if said else 'left to the passages'}")


def ask_rows(rows: SessionRows) -> Callable[[str], AnswerText | None]:
    """Asks the rows of a session."""
    parser = QuestionParser(rows)

    def ask(text: str) -> AnswerText | None:
        said = answer(parser, parser.parse(text))
        if said is None:
            return None
        return AnswerText(said.text, frozenset(each.source for each in said.statements if said.found))

    return ask


def published_session(data: Path, folder: Path) -> SessionRows | None:
    """The rows of the oldest and the newest published revision; None without the files."""
    names = CHAIN[0], CHAIN[-1]
    if not all((data / name).exists() for name in names):
        console.print(f"Skipped the published set: {data} has no {' and '.join(names)}.")
        return None
    with processes() as pool:
        drawn = list(
            pool.map(render_page, [(data / name, page, folder) for name in names for page in range(1, 12)])
        )
        pairs = list(zip(drawn[:11], drawn[11:], strict=True))
        outcomes = list(pool.map(compare_pages, [(old, new, folder) for old, new in pairs]))
    sheets = []
    for (old, new), outcome in zip(pairs, outcomes, strict=True):
        values = result_values(
            outcome, sheet_scale({"dpi": new.dpi, "width": new.width, "height": new.height})
        )
        sheets.append(
            SheetRow(
                Page(old.sheet.name, old.number),
                Page(new.sheet.name, new.number),
                SheetState.COMPLETED,
                values["low_confidence"],
                values["alignment_score"],
                values["change_ratio"],
                tuple(described_change(change) for change in values["changes"]),
                tuple(values["words_removed"]),
                tuple(values["words_added"]),
            )
        )
    return SessionRows(tuple(sheets))


def described_change(stored: dict[str, Any]) -> ChangeRow:
    """A change with the sentence of the analyser."""
    evidence = Evidence(
        kind=stored["kind"],
        box=tuple(stored["box"]),
        area=stored["area"],
        location=stored["location"],
        words_removed=tuple(stored["words_removed"]),
        words_added=tuple(stored["words_added"]),
    )
    return ChangeRow.of({**stored, "description": sentence(evidence)})

"""What the rows of a session answer."""

import pytest

from benchmarks.drawings.session_questions import AnswerText, generate, judge, synthetic_session
from benchmarks.drawings.session_wordings import OTHERS, WORDINGS
from db.models import SheetState
from pipelines.chat.session_questions.answers import answer
from pipelines.chat.session_questions.questions import QuestionParser
from resolvers.chat.session_rows import ChangeRow, Page, SessionRows, SheetRow

ROWS = synthetic_session()
PARSER = QuestionParser(ROWS)


def ask(text: str, *earlier: str, parser: QuestionParser = PARSER) -> str | None:
    said = answer(parser, parser.parse(text, earlier))
    return None if said is None else said.text


def answer_text(text: str) -> AnswerText | None:
    said = answer(PARSER, PARSER.parse(text))
    if said is None:
        return None
    return AnswerText(said.text, frozenset(each.source for each in said.statements if said.found))


def a_session(*sheets: SheetRow) -> QuestionParser:
    return QuestionParser(SessionRows(sheets))


def a_pair(name: str, *changes: ChangeRow, **values: object) -> SheetRow:
    page = Page(name, 1)
    return SheetRow(page, page, SheetState.COMPLETED, score=0.9, changes=changes, **values)  # type: ignore[arg-type]


def test_questions_of_the_templates_are_answered_and_none_about_a_wrong_sheet() -> None:
    score = judge(list(generate(ROWS)), ROWS, answer_text)

    assert (score.total, score.wrong_sheets) == (294, 0)
    assert score.failures == []


def test_no_line_of_an_answer_is_there_twice() -> None:
    for case in (*generate(ROWS), *WORDINGS):
        said = answer_text(case.text)
        assert said is not None
        lines = [line for line in said.text.split("\n") if line]
        assert len(lines) == len(set(lines)), case.text


def test_other_wordings_are_answered_too() -> None:
    score = judge(WORDINGS, ROWS, answer_text)

    assert score.total == 60
    assert score.failures == []


@pytest.mark.parametrize("text", OTHERS)
def test_what_is_not_in_the_rows_is_left_to_the_passages(text: str) -> None:
    assert ask(text) is None


def test_the_sheet_of_another_question_is_known() -> None:
    assert [sheet.name for sheet in PARSER.parse("What should we confirm on plan a101?").sheets] == ["A-101"]


@pytest.mark.parametrize(
    "text", ["What does page 77 of the lease say?", "Was steht auf Seite 4 des Mietvertrags?"]
)
def test_a_page_of_a_document_is_no_sheet(text: str) -> None:
    assert PARSER.parse(text).references == ()
    assert ask(text) is None


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("Are all sheets unchanged?", "No. 2 of 8 compared sheets have not changed"),
        ("Did all sheets change?", "No. 6 of 8 compared sheets changed"),
        ("Are any sheets unchanged?", "Yes. 2 of 8 compared sheets have not changed"),
        ("Is there a sheet A-103?", "Yes. A-103 is in both sets"),
        ("Gibt es Blatt S201?", "Yes. S-201 is in both sets"),
        ("Can you show me the changes on A-103?", "A-103: no changes found."),
        ("Did M-301 fail?", "Yes. M-301 could not be compared"),
        ("Is S-202 reliable?", "No. The changes of S-202 cannot be listed"),
        ("Is S-202 unreliable?", "Yes. The changes of S-202 cannot be listed"),
        ("Is A-102 unreliable?", "No. A-102 is aligned with confidence"),
        ("What moved on A-102?", "No change is marked as moved. A-102: 3 changes"),
        ("Which sheets have at least 8 changes?", "2 of 8 compared sheets have at least 8 changes: A-104"),
    ],
)
def test_yes_and_no_are_true(text: str, start: str) -> None:
    said = ask(text)

    assert said is not None
    assert said.startswith(start), said


def test_what_only_looks_like_a_sheet_is_left_to_the_passages() -> None:
    assert ask("What does the note about M10 bolts say?") is None
    assert ask("How many sheets are there?", "What changed on A-101?") == ask("How many sheets are there?")


def test_words_that_are_in_no_change_say_what_was_not_read() -> None:
    said = ask('Was "ATRIUM" added?')

    assert said is not None
    assert said.startswith('No. "ATRIUM" is not among the words that were added or removed. Not counted: ')
    assert "(LOW): S-202" in said


def test_an_unknown_sheet_is_unknown_in_any_question() -> None:
    assert ask("What did the architect say about sheet A-999?") == (
        "There is no sheet “A-999” in this session. The nearest are A-401, A-107 and A-106."
    )


def test_the_changes_of_a_low_pair_cannot_be_listed() -> None:
    sentence = (
        "The changes of S-202 cannot be listed: its two versions could not be aligned with confidence "
        "(alignment score 0.41, LOW)."
    )
    assert ask("What changed on S-202?") == sentence
    assert ask("How many things were added on S-202?") == sentence
    assert ask("Which words were added on S-202?") == (
        f'{sentence} By their text alone, wherever they stand: 1 word added: "K2".'
    )


def test_nothing_is_said_twice() -> None:
    change = ChangeRow("added", "Linework added (centre)", "centre")
    parser = a_session(a_pair("A-1", change, change, ChangeRow("removed", "Linework removed (left)", "left")))

    assert ask("What changed on A-1 and sheet A1?", parser=parser) == (
        "A-1: 3 changes (2 additions and 1 removal).\n"
        "- Linework added (centre) (2 times)\n- Linework removed (left)"
    )


def test_a_word_of_the_drawings_is_no_sheet() -> None:
    change = ChangeRow("modified", 'Text modified: "R30" becomes "R31" (left)', "left", ("R30",), ("R31",))
    parser = a_session(a_pair("A-1", change, words_removed=("R30",), words_added=("R31",)))

    assert ask("What happened to R30?", parser=parser) == (
        'A-1:\n- Text modified: "R30" becomes "R31" (left)'
    )
    assert ask("Was R30 removed?", parser=parser) == 'Yes. A-1:\n- Text modified: "R30" becomes "R31" (left)'
    assert ask("Was R77 removed?", parser=parser) == (
        "No. There is no sheet “R77” in this session, and no such word among those that were added or "
        "removed. The nearest is A-1."
    )


@pytest.mark.parametrize(
    ("text", "earlier", "start"),
    [
        ("And on A-102?", "How many things were removed on A-101?", "A-102: 1 removal"),
        ("und auf Blatt 9?", "Wie viele Änderungen gibt es auf A-101?", "Sheet_09: 7 changes"),
        ("How many were added there?", "What changed on A-104?", "A-104: 3 additions"),
        ("Was wurde dort entfernt?", "Was hat sich auf Plan A104 geändert?", "A-104: 1 removal"),
        ("the old one", "How many changes are there on page 4?", "A-104: 8 changes"),
        ("A-401", "How many changes are there on page 4?", "A-401 is only in the new set"),
    ],
)
def test_a_question_continues_the_one_before(text: str, earlier: str, start: str) -> None:
    said = ask(text, earlier)

    assert said is not None
    assert said.startswith(start)


def test_a_session_that_is_not_compared_yet_says_so() -> None:
    page = Page("A-1", 1)
    parser = a_session(SheetRow(page, page, SheetState.PENDING))

    assert ask("What changed on A-1?", parser=parser) == "A-1 has not been compared yet."
    assert ask("Which sheets changed?", parser=parser) == (
        "None of 0 compared sheets changed. Not counted: not compared yet: A-1."
    )

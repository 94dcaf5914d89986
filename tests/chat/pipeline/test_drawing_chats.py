"""Conversations about a drawing session: answered from what was found there, and from documents beside."""

from pathlib import Path
from typing import Any

from db.models import DrawingType, RoleName, SheetState
from resolvers.chat.session_rows import session_rows
from resolvers.identity import accounts
from schema.framework.context import Services
from server.worker import Worker
from tests import factories
from tests.chat.pipeline import operations
from tests.chat.pipeline.conftest import Person, a_worker, somebody
from tests.drawings.pipeline import operations as drawing
from tests.drawings.pipeline.sample_drawings import DPI, sheets
from tests.factories import Fixture, a_comparison, a_drawing, a_session, an_analysis

FLOOR: dict[str, Any] = {
    "analysis_summary": "A-101: 3 changes (1 added, 1 removed, 1 modified, 2.1% of the ink).",
    "changes_found": [
        'Text modified: "STORE 104" becomes "OFFICE 104" (upper left, near grid C/4)',
        'Text removed: "FIRE DOOR 90 MIN" is gone (lower right, near grid F/9)',
        "Linework added: 4,120 pixels of ink in an area of 310 x 200 pixels (centre)",
    ],
    "critical_change": "Concerns fire protection. The fire door near grid F/9 was removed \U0001f525.",
    "recommendations": ["Confirm that what was removed was removed on purpose."],
}
FLOOR_CHANGES = [
    {
        "kind": kind,
        "box": [0, 0, 10, 10],
        "area": area,
        "location": "centre",
        "description": description,
        "words_removed": removed,
        "words_added": added,
    }
    for area, kind, description, removed, added in zip(
        (9_000, 8_000, 4_120),
        ("modified", "removed", "added"),
        FLOOR["changes_found"],
        (["STORE", "104"], ["FIRE", "DOOR", "90", "MIN"], []),
        (["OFFICE", "104"], [], []),
        strict=True,
    )
]
ROOF: dict[str, Any] = {
    "analysis_summary": "A-301: no changes found.",
    "changes_found": [],
    "recommendations": [],
}


async def a_compared_session(person: Person) -> Fixture:
    """A session with two compared sheets, and one that only the new set has."""
    session = a_session(person.user)
    rows = [session, a_drawing(session, drawing_name="A-401", page_number=5, state=SheetState.UNMATCHED)]
    for name, page, said, changes in (("A-101", 3, FLOOR, FLOOR_CHANGES), ("A-301", 4, ROOF, [])):
        old = a_drawing(session, DrawingType.OLD, drawing_name=name, page_number=page)
        new = a_drawing(session, DrawingType.NEW, drawing_name=name, page_number=page)
        comparison = a_comparison(session, old, new, changes=changes, changes_detected=bool(changes))
        rows += [old, new, comparison, an_analysis(comparison, **said)]
    await factories.save(person.graphql.services.database, *rows)
    return session


QUESTIONS = {
    "What happened to the fire door?": ("A-101", 3, 1),
    "What changed on A-101?": ("A-101", 3, 1),
    "What changed on A-301?": ("A-301", 4, 1),
    "Which sheets are only in the new set?": ("Sheets without a counterpart", None, 1),
    "What should we confirm?": ("A-101", 3, 1),
}
"""Where each is answered, and by how many quotations."""


async def test_what_a_session_found_is_cited_word_for_word(worker: Worker, person: Person) -> None:
    session = await a_compared_session(person)
    said = [
        text
        for sheet in (FLOOR, ROOF)
        for text in (
            sheet["analysis_summary"],
            sheet.get("critical_change", ""),
            *sheet["changes_found"],
            *sheet["recommendations"],
        )
    ]
    conversation = await person.conversation(sessionId=session.gid)

    for question, (sheet, page, count) in QUESTIONS.items():
        answer = await person.ask(conversation, question)

        cited = answer["citations"]["nodes"]
        assert len(cited) == count, question
        for each in cited:
            assert (each["sourceName"], each["pageNumber"]) == (sheet, page)
            assert answer["content"][each["textStartIndex"] : each["textEndIndex"]] == each["snippet"]
            assert each["snippet"] in answer["sources"][each["sourceIndex"] - 1]["snippet"]
            head, *lines = each["snippet"].split("\n")
            quoted = lines or [head]
            assert page is None or all(
                any(line.removeprefix("- ") in text for text in said) for line in quoted
            )
    assert answer["sources"][0]["document"] is None
    state = (await person(operations.CONVERSATION, id=conversation))["conversation"]
    assert state["messageCount"] == 2 * len(QUESTIONS)


async def test_rows_answer_about_the_sheets_that_a_question_names(worker: Worker, person: Person) -> None:
    session = await a_compared_session(person)
    conversation = await person.conversation(sessionId=session.gid)

    counted = await person.ask(conversation, "Wie viele Änderungen gibt es auf Plan a101?")
    unknown = await person.ask(conversation, "What changed on A-999?")

    assert counted["content"] == "A-101: 3 changes (1 modification, 1 removal and 1 addition)."
    assert [each["sourceName"] for each in counted["citations"]["nodes"]] == ["A-101"]
    assert counted["lowConfidenceWarning"] is False
    assert unknown["content"].startswith("There is no sheet “A-999” in this session")
    assert (unknown["citations"]["nodes"], unknown["sources"]) == ([], [])


async def test_a_council_reads_what_the_rows_say_of_the_sheet(worker: Worker, person: Person) -> None:
    session = await a_compared_session(person)
    conversation = await person.conversation(sessionId=session.gid)

    answer = await person.ask(conversation, "How many changes are there on A-301?", mode="COUNCIL")

    assert answer["state"] == "COMPLETED"
    assert [source["name"] for source in answer["sources"]] == ["A-301"]
    assert "A-101" not in answer["content"]


async def test_the_rows_of_a_session_are_those_that_somebody_can_read(person: Person) -> None:
    session = await a_compared_session(person)
    database = person.graphql.services.database
    stranger = await somebody(person.graphql)
    read = []
    for each in (person, stranger):
        viewer = await accounts.load_viewer(database, each.user.id, None)
        async with database.transaction(viewer.scope, read_only=True) as uow:
            read.append(await session_rows(uow, viewer, session.id))

    assert read[1] is None
    assert read[0] is not None
    assert [(sheet.name, sheet.is_pair, len(sheet.changes)) for sheet in read[0].sheets] == [
        ("A-101", True, 3),
        ("A-301", True, 0),
        ("A-401", False, 0),
    ]
    assert read[0].sheets[0].critical == FLOOR["critical_change"]


async def test_documents_answer_beside_the_session(worker: Worker, person: Person) -> None:
    session = await a_compared_session(person)
    document = await person.added("The minimum credit score of this programme is 660.", title="Loans")
    conversation = await person.conversation(sessionId=session.gid)

    loan = await person.ask(conversation, "What is the minimum credit score?")
    other = await person.ask(await person.conversation(), "What happened to the fire door?")

    assert [each["sourceName"] for each in loan["citations"]["nodes"]] == ["Loans"]
    assert [each["document"] for each in loan["sources"]] == [None] * 3 + [{"id": document["id"]}]
    assert [each["name"] for each in other["sources"]] == ["Loans"]
    assert other["citations"]["nodes"] == []
    assert "fire" not in other["content"]


async def test_a_colleague_may_ask_about_the_session_too(worker: Worker, person: Person) -> None:
    session = await a_compared_session(person)
    colleague = await somebody(person.graphql, person.user.company, RoleName.ANALYST)

    answer = await colleague.ask(
        await colleague.conversation(sessionId=session.gid), "What changed on A-301?"
    )

    assert answer["content"] == "A-301: no changes found."


async def test_what_the_comparison_itself_found_is_cited(
    services: Services, worker: Worker, person: Person, tmp_path: Path
) -> None:
    files = [sheets(tmp_path / f"{revision}.pdf", revision, "A-101", "A-102") for revision in (0, 1)]
    old, new = [await person.upload(file.read_bytes(), file.name, "application/pdf") for file in files]
    made = await person(drawing.CREATE, old=old.gid, new=new.gid)
    id = made["drawingSessionCreate"]["session"]["id"]
    await person(drawing.START, id=id)
    async with a_worker(services, queues=("drawings",), drawing_dpi=DPI):
        await person.until(drawing.STATE, id, lambda state: state["status"] == "COMPLETED")

    conversation = await person.conversation(sessionId=id)
    whole = await person.ask(conversation, "What changed on sheet A-101?")
    text = await person.ask(conversation, "Which text was modified on sheet A-101?")

    session = (await person(drawing.WHOLE, id=id))["drawingSession"]
    (analysis,) = [
        analysis
        for comparison in session["comparisons"]["nodes"]
        for analysis in comparison["analysisResults"]["nodes"]
        if analysis["drawingName"] == "A-101"
    ]
    for answer in (whole, text):
        cited = answer["citations"]["nodes"]
        assert (answer["state"], answer["lowConfidenceWarning"]) == ("COMPLETED", False)
        assert [(each["sourceName"], each["pageNumber"]) for each in cited] == [("A-101", 1)]
        lines = [line for each in cited for line in each["snippet"].split("\n")[1:]]
        assert lines
        assert all(line.removeprefix("- ") in analysis["changesFound"] for line in lines)
        spans = [answer["content"][each["textStartIndex"] : each["textEndIndex"]] for each in cited]
        assert spans == [each["snippet"] for each in cited]
    assert len(whole["content"].split("\n")) == 1 + len(set(analysis["changesFound"]))
    assert "\n- Text modified: " in text["content"]

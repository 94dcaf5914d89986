"""Reports of a session as the API lists them."""

from db.models import DrawingType, SessionStatus
from tests.conftest import People, Save
from tests.factories import a_comparison, a_drawing, a_session
from tests.graphql_client import Client

REPORTS = "query ($id: ID!) { drawingSession(id: $id) { reports { format isStale } } }"
NOTES = "query ($id: ID!) { comparison(id: $id) { alignmentNotes { kind isDoubt text } } }"
STORED = {
    "format": "csv",
    "name": "a.csv",
    "mime_type": "text/csv",
    "size": 10,
    "key": "a/b",
    "created_at": "2026-05-04T09:30:00+00:00",
    "fingerprint": "",
}


async def test_a_report_is_stale_once_results_have_changed(
    graphql: Client, save: Save, people: People
) -> None:
    session = a_session(people.user, status=SessionStatus.COMPLETED, reports=[STORED])
    await save(session)
    user = graphql.of(people.user)

    before = (await user(REPORTS, id=session.gid))["drawingSession"]
    await save(a_comparison(session, a_drawing(session, DrawingType.OLD), a_drawing(session)))
    after = (await user(REPORTS, id=session.gid))["drawingSession"]

    assert before == {"reports": [{"format": "CSV", "isStale": False}]}
    assert after == {"reports": [{"format": "CSV", "isStale": True}]}


async def test_notes_say_what_is_doubtful(graphql: Client, save: Save, people: People) -> None:
    session = a_session(people.user, status=SessionStatus.COMPLETED)
    alignment = {"note_kinds": ["repetition", "mirrored"]}
    sheets = a_drawing(session, DrawingType.OLD), a_drawing(session)
    comparison, plain = (
        a_comparison(session, *sheets, drawing_name=name, alignment=stored)
        for name, stored in (("A-1", alignment), ("A-2", None))
    )
    await save(comparison, plain)
    user = graphql.of(people.user)

    notes = (await user(NOTES, id=comparison.gid))["comparison"]["alignmentNotes"]
    none = (await user(NOTES, id=plain.gid))["comparison"]["alignmentNotes"]

    assert [(note["kind"], note["isDoubt"]) for note in notes] == [("REPETITIVE", True), ("MIRRORED", False)]
    assert all(note["text"].endswith((".", "?")) for note in notes)
    assert none == []

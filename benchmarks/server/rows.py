"""Rows from a fixed seed: 50 projects, 3,000 comparisons, 20,000 messages and 60,000 citations."""

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from random import Random
from typing import Any
from uuid import UUID

Row = dict[str, Any]
"""One row of the floor's database, by column."""
Tables = dict[str, list[Row]]

USERS, PROJECTS, SESSIONS_EACH, DRAWINGS_EACH, COMPARISONS_EACH = 200, 50, 20, 2, 3
CONVERSATIONS, MESSAGES_EACH, CITATIONS_EACH = 100, 200, 3
COMPARISON, CONVERSATION = 1_500, 50
"""Numbers of the comparison and the conversation that are asked for."""

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
WORDS = (
    "beam column slab duct pipe valve door window wall grid level section detail note revision cloud panel "
    "riser sprinkler conduit"
)
VOCABULARY = WORDS.split()


@dataclass
class Chance:
    """Values drawn from a fixed seed."""

    random: Random = field(default_factory=lambda: Random(42))
    ticks: int = 0

    def id(self) -> UUID:
        """An ID."""
        return UUID(int=self.random.getrandbits(128), version=4)

    def instant(self) -> datetime:
        """A later instant than the last one. Its microseconds have six digits, the last of which is not 0."""
        self.ticks += 1
        microseconds = self.random.randrange(10_000, 99_999) * 10 + 1 + self.random.randrange(9)
        return BEGIN + timedelta(seconds=self.ticks * 7, microseconds=microseconds)

    def text(self, words: int) -> str:
        """A sentence."""
        return " ".join(self.random.choice(VOCABULARY) for _ in range(words)).capitalize() + "."

    def share(self) -> float:
        """A number from 0 to 1 with four digits."""
        return round(self.random.random(), 4)

    def one_of(self, *choices: Any) -> Any:
        """One of the choices."""
        return self.random.choice(choices)

    def stamps(self) -> Row:
        """When a row was created and updated."""
        return {"created_at": self.instant(), "updated_at": self.instant()}


@cache
def tables() -> Tables:
    """Every row, by table."""
    chance, found = Chance(), defaultdict[str, list[Row]](list)
    company = company_row(chance)
    found["companies"].append(company)
    found["users"] = [user_row(chance, company["id"], number) for number in range(USERS)]
    users = [user["id"] for user in found["users"]]
    for number in range(PROJECTS):
        for table, row in project_rows(chance, company["id"], users, number):
            found[table].append(row)
    sessions = [session["id"] for session in found["sessions"]]
    drawings = [drawing["id"] for drawing in found["drawings"]]
    for number in range(CONVERSATIONS):
        for table, row in conversation_rows(chance, sessions[number * 10], users, drawings, number):
            found[table].append(row)
    return dict(found)


def company_row(chance: Chance) -> Row:
    """The company of all rows."""
    return {
        "id": chance.id(),
        "name": "Acme",
        "domain": "acme.test",
        "plan": "enterprise",
        "is_active": True,
        "seats": 250,
        "description": chance.text(12),
        "settings": json.dumps({"theme": "dark", "sso": True}),
        **chance.stamps(),
    }


def user_row(chance: Chance, company_id: UUID, number: int) -> Row:
    """One user."""
    return {
        "id": chance.id(),
        "company_id": company_id,
        "name": f"User {number}",
        "email": f"user{number}@acme.test",
        "role": chance.one_of("admin", "member", "viewer"),
        "is_active": True,
        "avatar_url": f"https://cdn.acme.test/a/{number}.png",
        "locale": "en-US",
        "preferences": json.dumps({"tz": "UTC", "beta": number % 2 == 0}),
        "last_login_at": chance.instant(),
        **chance.stamps(),
    }


def project_rows(
    chance: Chance, company_id: UUID, users: list[UUID], number: int
) -> Iterator[tuple[str, Row]]:
    """A project with its sessions, drawings, comparisons and analyses."""
    project: Row = {
        "id": chance.id(),
        "company_id": company_id,
        "owner_id": chance.one_of(*users),
        "name": f"Project {number}",
        "code": f"P-{number:04d}",
        "description": chance.text(15),
        "status": chance.one_of("active", "paused", "done"),
        "budget": round(chance.random.random() * 1e6, 2),
        "archived": number % 9 == 0,
        "metadata": json.dumps({"city": "Oslo", "tags": ["a", "b"], "n": number}),
        **chance.stamps(),
    }
    yield "projects", project
    for place in range(SESSIONS_EACH):
        yield from session_rows(chance, project["id"], users, number, place)


def session_rows(
    chance: Chance, project_id: UUID, users: list[UUID], project: int, number: int
) -> Iterator[tuple[str, Row]]:
    """A session with its drawings, comparisons and analyses."""
    session: Row = {
        "id": chance.id(),
        "project_id": project_id,
        "user_id": chance.one_of(*users),
        "name": f"Session {project}.{number}",
        "status": chance.one_of("open", "running", "closed"),
        "notes": chance.text(20),
        "progress": chance.share(),
        "settings": json.dumps({"dpi": 300, "layers": ["A", "B"], "align": True}),
        "started_at": chance.instant(),
        "finished_at": chance.instant() if number % 3 else None,
        **chance.stamps(),
    }
    yield "sessions", session
    drawings = [
        drawing_row(chance, session["id"], f"A-{project}{number}{revision}", number, revision)
        for revision in range(DRAWINGS_EACH)
    ]
    for drawing in drawings:
        yield "drawings", drawing
    for place in range(COMPARISONS_EACH):
        comparison = comparison_row(chance, session["id"], [drawing["id"] for drawing in drawings])
        yield "comparisons", comparison
        yield "analysis_results", analysis_row(chance, comparison["id"], place)


def drawing_row(chance: Chance, session_id: UUID, name: str, sheet: int, revision: int) -> Row:
    """One drawing."""
    id = chance.id()
    return {
        "id": id,
        "session_id": session_id,
        "name": f"{name}.pdf",
        "file_url": f"https://files.acme.test/{id}.pdf",
        "page_number": revision + 1,
        "width": 3300,
        "height": 2550,
        "scale": chance.share(),
        "mime_type": "application/pdf",
        "metadata": json.dumps({"rev": revision, "sheet": f"A{sheet}"}),
        **chance.stamps(),
    }


def comparison_row(chance: Chance, session_id: UUID, drawings: list[UUID]) -> Row:
    """One comparison."""
    return {
        "id": chance.id(),
        "session_id": session_id,
        "old_drawing_id": drawings[0],
        "new_drawing_id": drawings[1],
        "status": chance.one_of("pending", "done", "failed"),
        "score": chance.share(),
        "threshold": 0.5,
        "change_count": chance.random.randrange(100),
        "summary": chance.text(14),
        "options": json.dumps({"mode": "overlay", "tol": 2}),
        **chance.stamps(),
    }


def analysis_row(chance: Chance, comparison_id: UUID, number: int) -> Row:
    """One analysis."""
    return {
        "id": chance.id(),
        "comparison_id": comparison_id,
        "kind": chance.one_of("diff", "ocr", "clash"),
        "severity": chance.one_of("low", "mid", "high"),
        "confidence": chance.share(),
        "title": chance.text(5),
        "details": chance.text(30),
        "reviewed": number == 0,
        "payload": json.dumps({"boxes": [[1, 2, 3, 4]], "n": number}),
        **chance.stamps(),
    }


def conversation_rows(
    chance: Chance, session_id: UUID, users: list[UUID], drawings: list[UUID], number: int
) -> Iterator[tuple[str, Row]]:
    """A conversation with its messages and citations."""
    conversation: Row = {
        "id": chance.id(),
        "session_id": session_id,
        "user_id": chance.one_of(*users),
        "title": f"Conversation {number}",
        "model": "m-1",
        "status": "open",
        "summary": chance.text(10),
        "settings": json.dumps({"temp": 0.2}),
        **chance.stamps(),
    }
    yield "conversations", conversation
    for position in range(MESSAGES_EACH):
        message = message_row(chance, conversation["id"], users, position)
        yield "messages", message
        for place in range(CITATIONS_EACH):
            yield "citations", citation_row(chance, message["id"], drawings, place)


def message_row(chance: Chance, conversation_id: UUID, users: list[UUID], position: int) -> Row:
    """One message: questions and answers take turns."""
    is_question = position % 2 == 0
    return {
        "id": chance.id(),
        "conversation_id": conversation_id,
        "user_id": chance.one_of(*users) if is_question else None,
        "position": position,
        "role": "user" if is_question else "assistant",
        "content": chance.text(chance.random.randrange(20, 60)),
        "token_count": chance.random.randrange(500),
        "latency_ms": None if is_question else chance.random.randrange(3_000),
        "metadata": json.dumps({"src": "web", "m": position}),
        **chance.stamps(),
    }


def citation_row(chance: Chance, message_id: UUID, drawings: list[UUID], position: int) -> Row:
    """One citation."""
    return {
        "id": chance.id(),
        "message_id": message_id,
        "drawing_id": chance.one_of(*drawings),
        "position": position,
        "label": f"[{position + 1}]",
        "quote": chance.text(12),
        "page": chance.random.randrange(1, 40),
        "score": chance.share(),
        "bbox": json.dumps({"x": 1, "y": 2, "w": 3, "h": 4}),
        **chance.stamps(),
    }

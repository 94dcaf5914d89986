"""What is sent: shapes of answers, with the leaves of each and the limits of its cost."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from benchmarks.server import documents
from benchmarks.server.rows import COMPARISON, CONVERSATION, Row, tables

LOCATION = "Bergen"


@dataclass(frozen=True)
class Change:
    """A text that changes between rounds: table in both databases, column, and number of the row."""

    floor: str
    seshat: str
    column: str
    number: int


@dataclass(frozen=True)
class Ratios:
    """How many times the floor's cost: CPU time at concurrency 16, and the median at concurrency 1."""

    must: float
    goal: float
    latency: float


@dataclass(frozen=True)
class Shape:
    """An operation and the number of leaves of its answer."""

    name: str
    title: str
    leaves: int
    document: str
    """In Seshat's contract."""
    plain: str | None = None
    """In the contract of stock Strawberry, whose fields are the floor's."""
    ratios: Ratios | None = None
    change: Change | None = None
    renamed: dict[str, str] = field(default_factory=dict)
    """Fields of Seshat that have the values of a field of the floor with another name."""
    type: str = ""
    rows: tuple[Row, ...] = ()
    """The rows whose IDs are sent, and their type."""
    arguments: dict[str, Any] = field(default_factory=dict)

    def variables(self, encode: Callable[[str, UUID], str]) -> list[dict[str, Any]]:
        """Variables of the requests that are sent in turn."""
        if not self.rows:
            return [self.arguments]
        return [{**self.arguments, "id": encode(self.type, row["id"])} for row in self.rows]


def shapes() -> dict[str, Shape]:
    """The shapes by name."""
    rows = tables()
    comparison, conversation = rows["comparisons"][COMPARISON], rows["conversations"][CONVERSATION]
    session = next(n for n, row in enumerate(rows["sessions"]) if row["id"] == comparison["session_id"])
    every_shape = (
        Shape(
            "Q1",
            "list",
            450,
            documents.LIST,
            documents.PLAIN_LIST,
            Ratios(must=2.2, goal=1.8, latency=2.5),
            Change("projects", "projects", "name", 0),
            {"projectNumber": "code", "user": "owner", "fullName": "name"},
        ),
        Shape(
            "Q2",
            "deep",
            7_860,
            documents.DEEP,
            documents.PLAIN_DEEP,
            Ratios(must=1.6, goal=1.4, latency=2.5),
            Change("sessions", "drawing_sessions", "name", 0),
            {"alignmentScore": "score", "aiModelUsed": "kind", "fullName": "name"},
        ),
        Shape(
            "Q3",
            "one object",
            30,
            documents.OBJECT,
            documents.PLAIN_OBJECT,
            Ratios(must=3.0, goal=1.6, latency=4),
            Change("sessions", "drawing_sessions", "name", session),
            {
                "alignmentScore": "score",
                "changeRatio": "threshold",
                "errorMessage": "summary",
                "filename": "name",
            },
            type="Comparison",
            rows=(comparison,),
        ),
        Shape(
            "Q4",
            "chat page",
            4_002,
            documents.CHAT,
            documents.PLAIN_CHAT,
            Ratios(must=1.5, goal=1.3, latency=2.5),
            Change("conversations", "conversations", "title", CONVERSATION),
            {
                "totalTokens": "tokenCount",
                "sourceName": "label",
                "snippet": "quote",
                "pageNumber": "page",
                "confidence": "score",
            },
            type="Conversation",
            rows=(conversation,),
        ),
        Shape("Q5", "pages, totals", 561, documents.NESTED),
        Shape(
            "M1",
            "mutation",
            3,
            documents.RELOCATE,
            type="Project",
            rows=tuple(project for project in rows["projects"] if project["status"] == "active"),
            arguments={"location": LOCATION},
        ),
    )
    return {shape.name: shape for shape in every_shape}

"""The independent check of the stored rows: against the ledger, and against one another."""

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
from strawberry.relay import GlobalID

from db.base import TenantModel
from tests.chaos.invariants import INVARIANTS, JOB_TABLES
from tests.chaos.ledger import Fate, Ledger, Stream

SHOWN = 5
"""Rows that are shown of a finding."""

NAME_COLUMNS = {
    "uploads": "filename",
    "projects": "name",
    "documents": "title",
    "conversations": "title",
    "messages": "content",
    "text_checks": "text",
    "crawl_jobs": "name",
    "validation_jobs": "name",
    "export_jobs": "name",
    "historical_data_imports": "filename",
    "reports": "title",
    "saved_reports": "title",
    "requirement_proposals": "description",
    "proposed_requirements": "name",
    "evaluation_runs": "name",
    "drawing_sessions": "name",
}
"""The column of each tenant table that holds the names of the ledger's entries."""
PLATFORM_NAME_COLUMNS = {"companies": "name", "users": "email", "embedding_models": "name"}
EVENT_KINDS = {
    "MessageCreated": "message_created",
    "RunStep": "run_step",
    "MessageDelta": "message_delta",
    "CitationsAdded": "citations_added",
    "MessageCompleted": "message_completed",
    "MessageFailed": "message_failed",
    "MessageReset": "message_reset",
}

CANCELLED_WITH_DOCUMENT = """
SELECT id FROM tenant.processing_jobs j WHERE task = 'ProcessDocument' AND status = 'cancelled'
AND NOT EXISTS (SELECT FROM tenant.documents d WHERE d.company_id = j.company_id AND d.id = j.id)
"""
"""Jobs that were cancelled because their document was deleted."""
STREAMED_ROWS = {
    "CrawlJob": "SELECT id FROM tenant.images WHERE crawl_job_id = $1",
    "RequirementProposal": "SELECT id FROM tenant.proposed_requirements "
    "WHERE proposal_id = $1 AND NOT custom",
}
"""The rows that a stream of each type has sent when it ends."""


@dataclass(frozen=True)
class Violation:
    """Something that does not hold."""

    check: str
    detail: str


def excerpt(rows: Iterable[Any]) -> str:
    """A few of the rows."""
    found = [str(tuple(row) if isinstance(row, asyncpg.Record) else row)[:300] for row in rows]
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return "; ".join(found[:SHOWN]) + more


def key(global_id: str) -> UUID:
    """The UUID in a global ID."""
    return UUID(GlobalID.from_id(global_id).node_id)


class Checker:
    """Reads the database past all fences, and compares it with what the clients were told."""

    def __init__(self, connection: asyncpg.Connection, ledger: Ledger, markers: Mapping[str, str]) -> None:
        """`markers` are the markers of the companies by name."""
        self._connection, self._ledger, self._markers = connection, ledger, markers

    async def findings(self) -> list[Violation]:
        """Everything that does not hold."""
        found = [
            Violation("answers", f"{what} ({count} times)") for what, count in self._ledger.faults.items()
        ]
        for name, statement in INVARIANTS.items():
            if rows := await self._connection.fetch(statement):
                found.append(Violation(name, excerpt(rows)))
        found += [finding async for finding in self._failed_jobs()]
        found += [finding async for finding in self._entries()]
        found += [finding async for finding in self._foreign_rows()]
        found += [finding async for finding in self._streams()]
        found += [finding async for finding in self.activities()]
        return found

    async def company_ids(self) -> dict[str, UUID]:
        """The IDs of the companies by name."""
        rows = await self._connection.fetch("SELECT id, name FROM platform.companies")
        by_marker = {row["name"].partition(" ")[0]: row["id"] for row in rows}
        return {name: by_marker[marker] for name, marker in self._markers.items()}

    async def _failed_jobs(self) -> AsyncIterator[Violation]:
        expected = {key(id) for id in self._ledger.may_fail}
        expected |= {row["id"] for row in await self._connection.fetch(CANCELLED_WITH_DOCUMENT)}
        for table in JOB_TABLES:
            rows = await self._connection.fetch(
                f"SELECT id, task, status, attempts, error_message FROM tenant.{table} "
                "WHERE status IN ('failed', 'cancelled')"
            )
            if unexpected := [row for row in rows if row["id"] not in expected]:
                yield Violation("jobs complete", excerpt(unexpected))

    async def _entries(self) -> AsyncIterator[Violation]:
        companies = await self.company_ids()
        for table, column in NAME_COLUMNS.items():
            rows = await self._connection.fetch(f"SELECT * FROM tenant.{table}")
            for finding in compare(self._ledger, table, column, [dict(row) for row in rows], companies):
                yield finding
        for table, column in PLATFORM_NAME_COLUMNS.items():
            rows = await self._connection.fetch(f"SELECT * FROM platform.{table}")
            for finding in compare(self._ledger, table, column, [dict(row) for row in rows], {}):
                yield finding

    async def _foreign_rows(self) -> AsyncIterator[Violation]:
        companies = await self.company_ids()
        for table in TenantModel.metadata.sorted_tables:
            for name, marker in self._markers.items():
                rows = await self._connection.fetch(
                    f"SELECT t::text FROM {table.fullname} t WHERE t.company_id <> $1 "
                    "AND position($2 in t::text) > 0 LIMIT 10",
                    companies[name],
                    marker,
                )
                if rows:
                    yield Violation(
                        "no foreign row", f"{table.fullname} holds text of {name}: {excerpt(rows)}"
                    )

    async def _streams(self) -> AsyncIterator[Violation]:
        stored: dict[UUID, list[asyncpg.Record]] = {}
        for row in await self._connection.fetch(
            "SELECT conversation_id, sequence, kind, detail FROM tenant.conversation_events ORDER BY sequence"
        ):
            stored.setdefault(row["conversation_id"], []).append(row)
        for stream in self._ledger.streams:
            if len(set(stream.received)) != len(stream.received):
                yield Violation("events are received once", f"stream of {stream.subject}")
            if GlobalID.from_id(stream.subject).type_name == "Conversation":
                events = stored.get(key(stream.subject), [])
                if not is_part(stream, [EVENT_OF[row["kind"]] for row in events]):
                    yield Violation("events are received in order", f"stream of {stream.subject}")
            elif finding := await self._incomplete(stream):
                yield finding

    async def _incomplete(self, stream: Stream) -> Violation | None:
        """Whether a stream that has ended lacks rows of its subject."""
        statement = STREAMED_ROWS.get(GlobalID.from_id(stream.subject).type_name)
        if statement is None or not stream.complete:
            return None
        stored = {row["id"] for row in await self._connection.fetch(statement, key(stream.subject))}
        lost = stored - {key(id) for id in stream.received}
        return Violation("all events are received", f"{len(lost)} lost of {stream.subject}") if lost else None

    async def activities(self) -> AsyncIterator[Violation]:
        """Differences between the activities that were received and those that are stored."""
        companies = await self.company_ids()
        for name, received in self._ledger.activities.items():
            ids = [key(id) for id in received]
            rows = await self._connection.fetch(
                "SELECT id FROM tenant.activity_logs WHERE company_id = $1 ORDER BY sequence", companies[name]
            )
            stored = [row["id"] for row in rows]
            first = stored.index(ids[0]) if ids and ids[0] in stored else 0
            if ids != stored[first:]:
                repeated = [id for id, count in Counter(ids).items() if count > 1]
                lost = set(stored[first:]) - set(ids)
                yield Violation(
                    "activities are received once and in order",
                    f"{name}: {len(lost)} lost, {len(repeated)} repeated of {len(stored)}",
                )


EVENT_OF = {stored: received for received, stored in EVENT_KINDS.items()}


def is_part(stream: Stream, stored: list[str]) -> bool:
    """Whether the received kinds of events are a run of the stored ones, without a gap."""
    received = [event["kind"] for event in stream.events]
    size = len(received)
    return any(stored[start : start + size] == received for start in range(len(stored) - size + 1))


def compare(
    ledger: Ledger,
    table: str,
    column: str,
    rows: list[dict[str, Any]],
    companies: Mapping[str, UUID],
) -> Iterator[Violation]:
    """Compares the rows of a table with the ledger's entries."""
    by_name: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_name.setdefault(row[column], []).append(row)
    fates = {entry.id: entry.fate for entry in ledger.entries if entry.id is not None}
    for entry in ledger.of(table):
        found = by_name.get(entry.name, [])
        if len(found) not in entry.counts(fates.get(entry.parent or "", Fate.KEPT)):
            yield Violation(
                "acknowledged mutations once",
                f"{table} {entry.name!r} is {entry.fate.value} and stored {len(found)} times",
            )
        for row in found:
            if companies and row["company_id"] != companies[entry.company]:
                yield Violation("no foreign row", f"{table} {entry.name!r} is in another company")
            if entry.id is not None and row["id"] != key(entry.id):
                yield Violation("acknowledged mutations once", f"{table} {entry.name!r} has another ID")
            for name, value in entry.fields.items():
                if row[name] not in (value if isinstance(value, list) else [value]):
                    detail = f"{table}.{name} of {entry.name!r} is {row[name]!r}, not {value!r}"
                    yield Violation("acknowledged updates are stored", detail)

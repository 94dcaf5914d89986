"""Companies of any size, whose rows PostgreSQL generates from their number, from the models' columns.

Of the rows that a foreign key can point to, number 1 has half of them, number 2 the first `FIRST`, number 3
none, and all others the rest, evenly. Of the values of a filter, one is common, one belongs to each hundredth
row, none of which is number 1's, and one to the first rows only. An index that finds one of two conditions
reads many rows for nothing.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

import asyncpg
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from db.base import PlatformModel, TenantModel
from db.models import (
    ActivityLog,
    AgentLog,
    Citation,
    Company,
    CompanyProfile,
    ConsumptionReading,
    CrawlCandidate,
    DocumentChunk,
    EnergySource,
    Feedback,
    Image,
    Member,
    Message,
    RunLog,
    TokenUsage,
    User,
)

FIRST = 30
"""Rows that the rare value and parent have."""

MANY, RARE, NONE = 1, 2, 3
"""Numbers of the parents with half of the rows, few old ones, and none."""

COMMON, SOME, OLD = "common", "some", "old"
"""Values of texts, from the most to the least frequent."""

LARGE: tuple[type[TenantModel], ...] = (
    *(ActivityLog, AgentLog, Citation, ConsumptionReading, CrawlCandidate, DocumentChunk),
    *(Feedback, Image, Message, RunLog, TokenUsage),
)
SKIPPED = {"tenants", "cached_answers", "cached_vectors", "conversation_events", "report_events"} | {
    "idempotency_keys",
    CompanyProfile.__tablename__,
    EnergySource.__tablename__,
}
"""Tables without a list, or with few rows for ever."""

BOUNDED = {
    "agent_logs.message_id": 200,
    "citations.message_id": 200,
    "document_chunks.document_id": 10_000,
    "messages.conversation_id": 10_000,
    "messages.parent_message_id": 200,
    "text_check_sentences.check_id": 200,
}
"""Foreign keys to rows that never have more than so many."""

READERS = {
    "messages": "conversation_id fn_conversation_reader(status, user_id, session_id)",
    "citations": "message_id reader_id",
    "feedback": "message_id reader_id",
    "document_chunks": "document_id fn_document_reader(scope, uploaded_by_id)",
}
"""The parent by its key, and the reader by the parent's columns: triggers do not run here."""

REFERENCE = re.compile("<(key|parent|owner) ?(\\w*)>")
EPOCH_MS = 1_704_067_200_000


def cases(otherwise: str, **conditions: str) -> str:
    """A value by the first condition on n that holds."""
    branches = " ".join(f"WHEN {condition} THEN '{value}'" for value, condition in conditions.items())
    return f"CASE {branches} ELSE '{otherwise}' END"


EACH_HUNDREDTH, EACH_THOUSANDTH, HIDDEN = "n % 100 = 1", "n % 1000 = 500", "n % 1000 = 999"
NAME = f"CASE WHEN n % 2 = 0 OR n <= {FIRST} THEN 'A-' || n ELSE '{COMMON}' END"
"""Unique within a parent."""

STATUS = cases("active", deleted=HIDDEN, archived=EACH_HUNDREDTH)

OVERRIDES: Mapping[str, Mapping[str, str]] = {
    "activity_logs": {"sequence": "n"},
    "agent_logs": {"vote_data": f"CASE WHEN {EACH_HUNDREDTH} THEN '{{}}'::jsonb END"},
    "analysis_results": {"drawing_name": NAME, "error_message": "'x'"},
    "comparisons": {"drawing_name": NAME},
    "consumption_readings": {"starts_on": "date '2000-01-01' + n::int"},
    "conversations": {
        "session_id": f"CASE WHEN {EACH_THOUSANDTH} THEN <key drawing_sessions> END",
        "status": STATUS,
    },
    "crawl_candidates": {"state": "'found'", "code": "NULL", "url_key": "<key crawl_candidates>"},
    "crawl_chunks": {"number": "n"},
    "crawl_jobs": {"keywords": "'[\"x\"]'"},
    "dataset_images": {"image_id": "<key images>", "position": "n", "group_number": "n"},
    "dataset_versions": {"number": "n", "image_count": "1"},
    "document_chunks": {"chunk_index": "n", "vector_id": "NULL"},
    "documents": {"scope": cases("user", company=EACH_THOUSANDTH)},
    "drawing_versions": {"drawing_id": "<key drawings>", "drawing_name": NAME, "version_number": "n"},
    "drawings": {"drawing_name": NAME, "page_number": "n"},
    "evaluation_cases": {"number": "n"},
    "export_jobs": {"dataset_version_id": "NULL"},
    "feedback": {
        "message_id": "<key messages>",
        "user_id": "CASE WHEN n % 2 = 0 THEN <owner> ELSE <parent members> END",
    },
    "image_labels": {"image_id": "<key images>"},
    "images": {
        "hash": "n::text",
        "sequence": "n",
        "duplicate_group": f"CASE WHEN n <= {FIRST} THEN <parent images> END",
    },
    "messages": {"state": "'completed'"},
    "processing_jobs": {"session_id": "CASE WHEN n % 2 = 1 THEN <key drawing_sessions> END"},
    "projects": {"status": STATUS, "name": "'P' || n"},
    "proposed_requirements": {"sequence": "n", "key": "n::text", "removed": "false"},
    "requirement_exports": {"proposal_latency_ms": "n % 5000"},
    "run_logs": {
        "error_code": f"CASE WHEN {EACH_HUNDREDTH} THEN 'x' END",
        "status": cases("success", error=EACH_HUNDREDTH),
    },
    "saved_reports": {"report_id": "n::text"},
    "text_check_sentences": {"number": "n", "text_start_index": "0", "text_end_index": "n"},
    "uploads": {"sha256": "'x'"},
    "validation_findings": {"image_id": "<key images>"},
    "users": {
        "email": "<key users> || '@x'",
        "username": "<key users>::text",
        "status": cases("active", suspended="n % 100 = 51"),
        "role_id": "(SELECT id FROM platform.roles WHERE name = 'user')",
    },
}
"""Values that checks, unique columns and rules ask for. `<key table>` is the key of that table's row n."""


@dataclass(frozen=True)
class GeneratedCompany:
    """A company with `large` rows in each of the large tables and at most `other` in all others."""

    number: int
    large: int
    other: int

    @property
    def id(self) -> UUID:
        """The company's key."""
        return UUID(int=self.number << 96 | 7 << 76 | 2 << 62)

    def size(self, table: str) -> int:
        """The number of rows of a table."""
        return (
            self.large if table in {model.__tablename__ for model in LARGE} else min(self.large, self.other)
        )

    def key(self, table: str, number: int) -> UUID:
        """The key of a row by its number."""
        if table == Company.__tablename__:
            return self.id
        return UUID(f"{EPOCH_MS + 1000 * number:012x}7{TABLES[table]:03x}8{self.number:03x}{number:012x}")

    def key_sql(self, table: str, number: str) -> str:
        """The same, in SQL."""
        time = f"lpad(to_hex({EPOCH_MS} + 1000 * ({number})), 12, '0')"
        middle = f"7{TABLES[table]:03x}8{self.number:03x}"
        return f"({time} || '{middle}' || lpad(to_hex({number}), 12, '0'))::uuid"

    def parent_sql(self, table: str, bound: int | None = None) -> str:
        """The key of the parent of row n."""
        others = f"{NONE + 1} + (n / 2) % {self.size(table) - NONE}"
        many = "n % 2 = 0" if bound is None else f"n <= {min(bound, self.large // 2)}"
        number = f"CASE WHEN n <= {FIRST} THEN {RARE} WHEN {many} THEN {MANY} ELSE {others} END"
        return self.key_sql(table, number)

    def insert_sql(self, table: sa.Table) -> str:
        """The statement that generates the rows of a table."""
        chosen = {column.name: self.value_sql(table, column) for column in table.columns}
        values = {f'"{name}"': value for name, value in chosen.items() if value is not None}
        return (
            f"INSERT INTO {table} ({', '.join(values)}) SELECT {', '.join(values.values())} "
            f"FROM generate_series(1::bigint, {self.size(table.name)}) AS n"
        )

    def value_sql(self, table: sa.Table, column: "sa.Column[object]") -> str | None:
        """A column's value in row n, or None for its default."""
        override = OVERRIDES.get(table.name, {}).get(column.name)
        if override is not None:
            return REFERENCE.sub(self._referenced, override)
        if column.name == "company_id":
            return f"'{self.id}'::uuid"
        if column.name == "id":
            return self.key_sql(table.name, "n")
        if column.name == "reader_id":
            return self.reader_sql(table)
        parents = [key.column.table.name for key in column.foreign_keys if key.column.table.name in TABLES]
        if parents:
            return self.parent_sql(parents[0], BOUNDED.get(f"{table.name}.{column.name}"))
        if column.name == "user_id":  # of rows that outlive their user
            return self.parent_sql("members")
        return generated_sql(column)

    def reader_sql(self, table: sa.Table) -> str:
        """The reader of row n."""
        key, _, reader = READERS[table.name].partition(" ")
        (parent,) = (each.column.table for each in table.columns[key].foreign_keys)
        found = f"SELECT {reader.replace('fn_', 'tenant.fn_')} FROM {parent} parent"
        return (
            f"({found} WHERE company_id = '{self.id}' AND id = {self.value_sql(table, table.columns[key])})"
        )

    def _referenced(self, reference: re.Match[str]) -> str:
        kind, table = reference.groups()
        if kind == "owner":  # of the first conversations
            return f"'{self.key('members', RARE)}'"
        return self.key_sql(table, "n") if kind == "key" else self.parent_sql(table)


def generated_sql(column: "sa.Column[object]") -> str | None:
    """A value by the column's type."""
    match column.type:
        case sa.Enum(enums=words):
            return cases(words[0], **({words[-1]: f"n <= {FIRST}"} | {words[1]: EACH_HUNDREDTH}))
        case sa.Boolean():
            return EACH_HUNDREDTH
        case sa.DateTime() if not column.nullable:
            return f"to_timestamp({EPOCH_MS // 1000} + n)"
        case sa.String(length=int()):
            return cases(COMMON, **{OLD: f"n <= {FIRST}", SOME: EACH_HUNDREDTH})
    if column.nullable or column.server_default is not None:
        return None
    match column.type:
        case sa.Integer():
            return "1 + n % 100"
        case sa.Float():
            return "(n % 100) / 100.0"
        case sa.Uuid():
            return "'00000000-0000-7000-8000-000000000000'::uuid"
        case JSONB():
            return "'{}'"
    return "'x'"


TENANT_TABLES = [table for table in TenantModel.metadata.sorted_tables if table.name not in SKIPPED]
TABLES = {table.name: number for number, table in enumerate(TENANT_TABLES, 1)}
TABLES[User.__tablename__] = TABLES[Member.__tablename__]  # whose keys are those of users

DROPPABLE = """
SELECT i.indexrelid::regclass::text AS name, pg_get_indexdef(i.indexrelid) AS definition
FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
WHERE c.relnamespace = 'tenant'::regnamespace AND NOT i.indisunique
"""


async def generate(admin: asyncpg.Connection, *companies: GeneratedCompany) -> None:
    """Stores the companies, as a superuser. Indexes are built afterwards."""
    await admin.execute("SET session_replication_role = replica; SET maintenance_work_mem = '256MB'")
    indexes = await admin.fetch(DROPPABLE)
    for index in indexes:
        await admin.execute(f"DROP INDEX {index['name']}")
    for company in companies:
        await admin.execute(
            "INSERT INTO platform.companies (id, name) VALUES ($1, $2)", company.id, f"G{company.number}"
        )
        await admin.execute("INSERT INTO tenant.tenants (company_id) VALUES ($1)", company.id)
        for table in [PlatformModel.metadata.tables["platform.users"], *TENANT_TABLES]:
            await admin.execute(company.insert_sql(table))
    for index in indexes:
        await admin.execute(index["definition"])
    await admin.execute("SET session_replication_role = origin")
    await admin.execute("VACUUM ANALYZE")

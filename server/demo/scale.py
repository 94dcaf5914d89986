"""Fills a company with rows of every kind, for the demo or for benchmarks.

They come in units of about 2,000. Each follows from a seed and its number and belongs to two people of its
own, so that a unit which is there already is known by them and not made again.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
import structlog
from sqlalchemy import func, insert, select

from core.ports import ObjectStore
from core.settings import driverless_url
from db.database import Database
from db.ids import new_id
from db.models import (
    ActivityLog,
    AgentLog,
    AnalysisResult,
    Citation,
    CompanyProfile,
    Comparison,
    Conversation,
    CrawlJob,
    Document,
    DocumentChunk,
    Drawing,
    DrawingSession,
    DrawingVersion,
    EmbeddingModel,
    EvaluationRun,
    ExportJob,
    Feedback,
    HistoricalDataImport,
    Image,
    Member,
    Message,
    ProcessingJob,
    Project,
    Report,
    RequirementExport,
    RequirementProposal,
    Role,
    RoleName,
    RunLog,
    SavedReport,
    TextCheck,
    TokenUsage,
    Upload,
    User,
    ValidationJob,
)
from db.uow import UnitOfWork
from server.demo import dialogue, records, requirements
from server.demo.bulk import insert_rows
from server.demo.draft import MAX_AGE, Counts, Draft

log = structlog.get_logger(__name__)

SEED = "seshat"

UNIT: Counts = {
    Project: 4,
    Upload: 20,
    DrawingSession: 10,
    Drawing: 80,
    Comparison: 40,
    AnalysisResult: 40,
    DrawingVersion: 40,
    ProcessingJob: 30,
    CrawlJob: 8,
    Image: 300,
    ValidationJob: 8,
    ExportJob: 8,
    Document: 20,
    DocumentChunk: 300,
    Conversation: 30,
    Message: 360,
    Citation: 150,
    Feedback: 40,
    RunLog: 120,
    AgentLog: 80,
    TextCheck: 20,
    TokenUsage: 150,
    SavedReport: 10,
    HistoricalDataImport: 4,
    Report: 8,
    EvaluationRun: 8,
    RequirementProposal: 20,
    RequirementExport: 20,
    ActivityLog: 140,
}
"""One unit, people apart."""

COMPARISON_MODELS = (
    Upload,
    DrawingSession,
    Drawing,
    Comparison,
    AnalysisResult,
    DrawingVersion,
    ProcessingJob,
)
"""Models whose rows the demo's comparison creates by the pipeline."""

BENCHMARK_MODELS = (HistoricalDataImport, Report, RequirementProposal, TextCheck)
"""Models of which only benchmarks have rows."""

SAMPLE: Counts = {
    **{model: 3 for model in UNIT if model not in COMPARISON_MODELS + BENCHMARK_MODELS},
    CompanyProfile: 1,
    DocumentChunk: 12,
    Message: 12,
    Image: 12,
    TokenUsage: 12,
    ActivityLog: 6,
}
"""Numbers of demo rows besides its comparison."""

PEOPLE = {"ann": "Ann Analyst", "uma": "Uma User"}
"""Users of a unit."""

PARTS = (
    records.projects,
    records.drawings,
    records.imagery,
    dialogue.knowledge,
    dialogue.chat,
    dialogue.text_checks,
    records.insights,
    records.evaluation,
    requirements.requirements,
    records.activity,
)
"""Functions that create rows, in order of their references."""

MODELS = (
    {"name": "all-MiniLM-L6-v2", "provider": "sentence-transformers", "dimension": 384, "max_tokens": 256},
    {"name": "text-embedding-3-small", "provider": "openai", "dimension": 1536, "max_tokens": 8191},
)


def fill(draft: Draft) -> None:
    """Creates the rows, parents before children."""
    for part in PARTS:
        part(draft)


async def store(uow: UnitOfWork, draft: Draft) -> int:
    """Inserts the rows. Returns their number."""
    for model, rows in draft.rows.items():
        await insert_rows(uow, model, rows)
    return sum(map(len, draft.rows.values()))


async def embedding_models(uow: UnitOfWork) -> None:
    """Creates two embedding models if there are none."""
    if await uow.scalar(select(func.count()).select_from(EmbeddingModel)):
        return
    for number, model in enumerate(MODELS):
        await uow.execute(insert(EmbeddingModel).values({"id": new_id(), "is_active": number == 0, **model}))


async def sample(database: Database, files: ObjectStore, company_id: UUID) -> None:
    """Creates a few rows of every kind, and the files of the documents, unless they exist."""
    async with database.tenant(company_id, kind="platform", read_only=True) as uow:
        if await uow.scalar(select(Conversation.id).limit(1)):
            return
        found = await uow.all(select(User.id).where(User.company_id == company_id).order_by(User.id))
    draft = Draft(SEED, company_id, [row.id for row in found], datetime.now(UTC), SAMPLE)
    fill(draft)
    for document in draft.rows[Document]:
        await files.put(document["file_path"], document["extracted_text"].encode())
    async with database.tenant(company_id, kind="platform") as uow:
        await embedding_models(uow)
        await store(uow, draft)


async def scale(database: Database, company_id: UUID, units: int, counts: Counts = UNIT) -> int:
    """Creates the missing units up to this number. Returns the number of rows."""
    made = 0
    for number in range(1, units + 1):
        async with database.tenant(company_id, kind="platform") as uow:
            count = await unit(uow, number, counts)
        made += count
        if count:
            log.info("demo_rows_inserted", unit=number, of=units, rows=count)
    return made


async def grow(database: Database, company_id: UUID, units: int, admin_url: str | None) -> int:
    """As `scale`, with planner statistics after the first and last unit. Returns the number of rows.

    Without statistics, foreign keys are checked with unsuitable indexes, and units become ever slower.
    """
    made = 0
    for upto in sorted({min(units, 1), units}):
        count = await scale(database, company_id, upto)
        if count and admin_url is not None:
            await analyse(admin_url)
        made += count
    return made


async def analyse(admin_url: str) -> None:
    """Collects planner statistics, as the administrator."""
    connection = await asyncpg.connect(driverless_url(admin_url))
    try:
        await connection.execute("ANALYZE")
    finally:
        await connection.close()


async def unit(uow: UnitOfWork, number: int, counts: Counts) -> int:
    """Creates a unit unless it exists. Returns the number of rows."""
    until, company = datetime.now(UTC), uow.company_id
    emails = [f"{name}-{number}@{company}.example" for name in PEOPLE]
    if await uow.scalar(select(User.id).where(User.email == emails[0])):
        return 0
    draft = Draft(f"{SEED}:{company}:{number}", company, [], until, counts)
    people = [draft.key(until - MAX_AGE) for _ in PEOPLE]
    await add_people(uow, people, emails)
    draft.people = people
    fill(draft)
    return len(people) + await store(uow, draft)


async def add_people(uow: UnitOfWork, ids: Sequence[UUID], emails: Sequence[str]) -> None:
    """Creates users without passwords, who cannot sign in."""
    role_id = await uow.scalar(select(Role.id).where(Role.name == RoleName.ANALYST))
    for id, email, (name, full_name) in zip(ids, emails, PEOPLE.items(), strict=True):
        username = f"{name}-{email.partition('@')[2].removesuffix('.example')}-{id.hex[-8:]}"
        values = {"id": id, "email": email, "username": username, "full_name": full_name}
        values |= {"company_id": uow.company_id, "role_id": role_id}
        await uow.execute(insert(User).values(values))
        await uow.execute(insert(Member).values(id=id))

"""Rows that are valid unless a test says otherwise. A factory saves nothing: `save` does, parents first."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select
from strawberry import relay

from db.base import Model
from db.database import Database
from db.ids import new_id
from db.models import (
    ActivityLog,
    AgentLog,
    AnalysisResult,
    Citation,
    Company,
    CompanyProfile,
    Comparison,
    ConsumptionReading,
    Conversation,
    CrawlCandidate,
    CrawlChunk,
    CrawlJob,
    Dataset,
    DatasetImage,
    DatasetVersion,
    Document,
    DocumentChunk,
    Drawing,
    DrawingSession,
    DrawingType,
    DrawingVersion,
    EmbeddingModel,
    EnergySource,
    EvaluationCase,
    EvaluationRun,
    ExportJob,
    Feedback,
    HistoricalDataImport,
    Image,
    Invitation,
    Member,
    Message,
    ProcessingJob,
    ProcessingJobType,
    Project,
    ProposedRequirement,
    Report,
    RequirementExport,
    RequirementProposal,
    Role,
    RoleName,
    RunLog,
    SavedReport,
    SheetState,
    Tenant,
    TextCheck,
    TextCheckSentence,
    TokenUsage,
    Upload,
    UploadState,
    User,
    ValidationFinding,
    ValidationJob,
)
from db.uow import UnitOfWork
from schema.framework.decorators import STORED_TYPES
from tests.placement import DATABASES, IS_DEDICATED

numbers = itertools.count(1)
"""For names that no two rows may share."""

ORDER: tuple[type[Model], ...] = (
    Company,
    User,
    Invitation,
    Project,
    Upload,
    DrawingSession,
    Drawing,
    DrawingVersion,
    Comparison,
    AnalysisResult,
    ProcessingJob,
    CrawlJob,
    CrawlChunk,
    Image,
    CrawlCandidate,
    ValidationJob,
    ValidationFinding,
    Dataset,
    DatasetVersion,
    DatasetImage,
    ExportJob,
    CompanyProfile,
    SavedReport,
    EnergySource,
    HistoricalDataImport,
    ConsumptionReading,
    Report,
    EvaluationRun,
    EvaluationCase,
    RequirementProposal,
    ProposedRequirement,
    RequirementExport,
    EmbeddingModel,
    Document,
    DocumentChunk,
    Conversation,
    Message,
    Citation,
    Feedback,
    TextCheck,
    TextCheckSentence,
    RunLog,
    AgentLog,
    TokenUsage,
    ActivityLog,
)
"""Parents before their children."""


@dataclass(eq=False)
class Fixture:
    """A row to be: its model, its values, and the rows it hangs on."""

    model: type[Model]
    values: dict[str, Any]
    parents: tuple[Fixture, ...] = ()
    saved: bool = field(default=False, repr=False)

    @property
    def id(self) -> UUID:
        """Its key."""
        key: UUID = self.values["id"]
        return key

    @property
    def gid(self) -> str:
        """The id by which clients know it."""
        (name,) = (stored.name for stored in STORED_TYPES.values() if stored.model is self.model)
        return relay.to_base64(name, str(self.id))

    @property
    def company(self) -> Fixture:
        """The company that it belongs to."""
        return self if self.model is Company else self.parents[0].company

    def __getattr__(self, name: str) -> Any:
        try:
            return self.values[name]
        except KeyError:
            raise AttributeError(name) from None


def build(
    model: type[Model], parents: Iterable[Fixture | None], values: dict[str, Any], /, **defaults: Any
) -> Fixture:
    """The row, with what the test says in place of the usual values."""
    hung = tuple(parent for parent in parents if parent is not None)
    return Fixture(model, {"id": new_id(), **defaults, **values}, hung)


def a_company(**values: Any) -> Fixture:
    """An organisation."""
    return build(Company, (), values, name=f"Company {next(numbers)} {new_id()}")


def a_user(company: Fixture, role: RoleName = RoleName.ADMIN, **values: Any) -> Fixture:
    """A person of the company; without a password unless `hashed_password` is given."""
    name = f"person{next(numbers)}-{new_id().hex}"
    defaults = {"email": f"{name}@test.example", "username": name, "company_id": company.id, "role": role}
    return build(User, [company], values, **defaults)


def an_invitation(user: Fixture, **values: Any) -> Fixture:
    """A pending invitation to this person's company."""
    defaults = {
        "company_id": user.company.id,
        "email": f"invited{next(numbers)}@test.example",
        "role": RoleName.USER,
        "invited_by_id": user.id,
        "digest": new_id().bytes,
        "expires_at": datetime.now(UTC) + timedelta(days=7),
    }
    return build(Invitation, [user], values, **defaults)


def a_project(user: Fixture, **values: Any) -> Fixture:
    """An active project of this person's."""
    return build(Project, [user], values, name=f"Project {next(numbers)}", user_id=user.id)


def an_upload(user: Fixture, **values: Any) -> Fixture:
    """A stored file of this person's."""
    defaults: dict[str, Any] = {
        "user_id": user.id,
        "filename": "plan.pdf",
        "mime_type": "application/pdf",
        "size": 1000,
        "sha256": "0" * 64,
        "state": UploadState.STORED,
        "storage_key": f"{user.company.id}/uploads/plan.pdf",
        "expires_at": datetime.now(UTC) + timedelta(days=1),
    }
    return build(Upload, [user], values, **defaults)


def a_session(
    user: Fixture,
    project: Fixture | None = None,
    old: Fixture | None = None,
    new: Fixture | None = None,
    **values: Any,
) -> Fixture:
    """A drawing session of this person's."""
    defaults = {
        "user_id": user.id,
        "project_id": project and project.id,
        "old_upload_id": old and old.id,
        "new_upload_id": new and new.id,
        "name": f"Session {next(numbers)}",
    }
    return build(DrawingSession, [user, project, old, new], values, **defaults)


def a_drawing(session: Fixture, drawing_type: DrawingType = DrawingType.NEW, **values: Any) -> Fixture:
    """A finished sheet of the session."""
    number = next(numbers)
    defaults = {
        "session_id": session.id,
        "drawing_type": drawing_type,
        "filename": f"{number}.png",
        "original_filename": "plan.pdf",
        "storage_path": f"{session.company.id}/sessions/{session.id}/{number}.png",
        "thumbnail_path": f"{session.company.id}/sessions/{session.id}/{number}.small.png",
        "drawing_name": f"A-{number}",
        "page_number": number,
        "state": SheetState.COMPLETED,
    }
    return build(Drawing, [session], values, **defaults)


def a_version(project: Fixture, drawing: Fixture, **values: Any) -> Fixture:
    """The first revision of the sheet in the project."""
    defaults = {
        "project_id": project.id,
        "drawing_id": drawing.id,
        "drawing_name": drawing.drawing_name,
        "version_number": 1,
    }
    return build(DrawingVersion, [project, drawing], values, **defaults)


def a_comparison(
    session: Fixture, old: Fixture | None = None, new: Fixture | None = None, **values: Any
) -> Fixture:
    """A finished comparison of two sheets of the session."""
    name = f"A-{next(numbers)}"
    old = old or a_drawing(session, DrawingType.OLD, drawing_name=name)
    new = new or a_drawing(session, DrawingType.NEW, drawing_name=name)
    defaults: dict[str, Any] = {
        "session_id": session.id,
        "old_drawing_id": old.id,
        "new_drawing_id": new.id,
        "drawing_name": new.drawing_name,
        "overlay_path": f"{session.company.id}/sessions/{session.id}/overlay.png",
        "alignment_score": 0.9,
        "changes_detected": True,
        "state": SheetState.COMPLETED,
    }
    return build(Comparison, [session, old, new], values, **defaults)


def an_analysis(comparison: Fixture, **values: Any) -> Fixture:
    """What the analyser says of the comparison: a success."""
    defaults = {
        "comparison_id": comparison.id,
        "session_id": comparison.session_id,
        "drawing_name": comparison.drawing_name,
        "ai_model_used": "measured 1",
    }
    return build(AnalysisResult, [comparison], values, **defaults)


def a_job(user: Fixture, session: Fixture | None = None, **values: Any) -> Fixture:
    """A pending job, of the session if there is one."""
    defaults: dict[str, Any] = {
        "job_type": ProcessingJobType.PDF_EXTRACTION if session else ProcessingJobType.UPKEEP,
        "session_id": session and session.id,
        "requested_by_id": user.id,
    }
    return build(ProcessingJob, [user, session], values, **defaults)


def an_activity(user: Fixture, **values: Any) -> Fixture:
    """Something this person did."""
    defaults = {"user_id": user.id, "action": "TEST", "resource_type": "Test", "resource_id": str(user.id)}
    return build(ActivityLog, [user], values, **defaults)


async def save(database: Database, *rows: Fixture) -> None:
    """Store the rows with all they hang on, each company in a transaction of its own."""
    wanted = {row.id: row for top in rows for row in lineage(top) if not row.saved}
    assert {row.model for row in wanted.values()} <= set(ORDER)
    companies = {row.company.id for row in wanted.values()}
    for company_id in companies:
        own = [row for row in wanted.values() if row.company.id == company_id]
        for company in [row for row in own if row.model is Company]:
            if company.values.get("database_name", IS_DEDICATED):
                await place_apart(database, company)
        async with database.tenant(company_id, kind="platform") as uow:
            for model in ORDER:
                await store(uow, model, [row for row in own if row.model is model])
    for row in wanted.values():
        row.saved = True


async def place_apart(database: Database, company: Fixture) -> None:
    """Give a new company a database of its own."""
    place = await DATABASES.take(company.id)
    company.values.update(database_server=place.server, database_name=place.database)
    database.placement.remember(company.id, place)


def lineage(row: Fixture) -> Iterator[Fixture]:
    """Everything above the row, and the row."""
    for parent in row.parents:
        yield from lineage(parent)
    yield row


async def store(uow: UnitOfWork, model: type[Model], rows: list[Fixture]) -> None:
    """Insert rows of one model, in as few statements as they have different columns."""
    by_columns: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row in rows:
        values = dict(row.values)
        if model is User:
            role = values.pop("role")
            values["role_id"] = await uow.scalar(select(Role.id).where(Role.name == role))
        by_columns.setdefault(tuple(sorted(values)), []).append(values)
    for alike in by_columns.values():
        await uow.execute(insert(model), alike)
    if model is Company:
        for row in rows:
            await uow.execute(insert(Tenant).values(company_id=row.id))
    if model is User and rows:
        await uow.execute(insert(Member), [{"id": row.id} for row in rows])

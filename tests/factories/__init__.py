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
    CrawlJob,
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
    TokenUsage,
    Upload,
    UploadState,
    User,
    ValidationJob,
)
from db.uow import Database, UnitOfWork
from schema.framework.decorators import STORED_TYPES

numbers = itertools.count(1)
"""For names that no two rows may share."""

ORDER: tuple[type[Model], ...] = (
    Company,
    User,
    Project,
    Upload,
    DrawingSession,
    Drawing,
    DrawingVersion,
    Comparison,
    AnalysisResult,
    ProcessingJob,
    CrawlJob,
    Image,
    ValidationJob,
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
    RunLog,
    AgentLog,
    TokenUsage,
    ActivityLog,
)
"""Parents before their children."""


@dataclass(eq=False)
class Made:
    """A row to be: its model, its values, and the rows it hangs on."""

    model: type[Model]
    values: dict[str, Any]
    parents: tuple[Made, ...] = ()
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
    def company(self) -> Made:
        """The company that it belongs to."""
        return self if self.model is Company else self.parents[0].company

    def __getattr__(self, name: str) -> Any:
        try:
            return self.values[name]
        except KeyError:
            raise AttributeError(name) from None


def made(model: type[Model], parents: Iterable[Made | None], values: dict[str, Any], /, **usual: Any) -> Made:
    """The row, with what the test says in place of the usual values."""
    hung = tuple(parent for parent in parents if parent is not None)
    return Made(model, {"id": new_id(), **usual, **values}, hung)


def a_company(**values: Any) -> Made:
    """An organisation."""
    return made(Company, (), values, name=f"Company {next(numbers)} {new_id()}")


def a_user(company: Made, role: RoleName = RoleName.ADMIN, **values: Any) -> Made:
    """A person of the company; without a password unless `hashed_password` is given."""
    name = f"person{next(numbers)}-{new_id().hex}"
    usual = {"email": f"{name}@test.example", "username": name, "company_id": company.id, "role": role}
    return made(User, [company], values, **usual)


def a_project(user: Made, **values: Any) -> Made:
    """An active project of this person's."""
    return made(Project, [user], values, name=f"Project {next(numbers)}", user_id=user.id)


def an_upload(user: Made, **values: Any) -> Made:
    """A stored file of this person's."""
    usual: dict[str, Any] = {
        "user_id": user.id,
        "filename": "plan.pdf",
        "mime_type": "application/pdf",
        "size": 1000,
        "sha256": "0" * 64,
        "state": UploadState.STORED,
        "storage_key": f"{user.company.id}/uploads/plan.pdf",
        "expires_at": datetime.now(UTC) + timedelta(days=1),
    }
    return made(Upload, [user], values, **usual)


def a_session(
    user: Made, project: Made | None = None, old: Made | None = None, new: Made | None = None, **values: Any
) -> Made:
    """A drawing session of this person's."""
    usual = {
        "user_id": user.id,
        "project_id": project and project.id,
        "old_upload_id": old and old.id,
        "new_upload_id": new and new.id,
        "name": f"Session {next(numbers)}",
    }
    return made(DrawingSession, [user, project, old, new], values, **usual)


def a_drawing(session: Made, drawing_type: DrawingType = DrawingType.NEW, **values: Any) -> Made:
    """A finished sheet of the session."""
    number = next(numbers)
    usual = {
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
    return made(Drawing, [session], values, **usual)


def a_version(project: Made, drawing: Made, **values: Any) -> Made:
    """The first revision of the sheet in the project."""
    usual = {
        "project_id": project.id,
        "drawing_id": drawing.id,
        "drawing_name": drawing.drawing_name,
        "version_number": 1,
    }
    return made(DrawingVersion, [project, drawing], values, **usual)


def a_comparison(session: Made, old: Made | None = None, new: Made | None = None, **values: Any) -> Made:
    """A finished comparison of two sheets of the session."""
    name = f"A-{next(numbers)}"
    old = old or a_drawing(session, DrawingType.OLD, drawing_name=name)
    new = new or a_drawing(session, DrawingType.NEW, drawing_name=name)
    usual: dict[str, Any] = {
        "session_id": session.id,
        "old_drawing_id": old.id,
        "new_drawing_id": new.id,
        "drawing_name": new.drawing_name,
        "overlay_path": f"{session.company.id}/sessions/{session.id}/overlay.png",
        "alignment_score": 0.9,
        "changes_detected": True,
        "state": SheetState.COMPLETED,
    }
    return made(Comparison, [session, old, new], values, **usual)


def an_analysis(comparison: Made, **values: Any) -> Made:
    """What the analyser says of the comparison: a success."""
    usual = {
        "comparison_id": comparison.id,
        "session_id": comparison.session_id,
        "drawing_name": comparison.drawing_name,
        "ai_model_used": "measured 1",
    }
    return made(AnalysisResult, [comparison], values, **usual)


def a_job(user: Made, session: Made | None = None, **values: Any) -> Made:
    """A pending job, of the session if there is one."""
    usual: dict[str, Any] = {
        "job_type": ProcessingJobType.PDF_EXTRACTION if session else ProcessingJobType.UPKEEP,
        "session_id": session and session.id,
        "requested_by_id": user.id,
    }
    return made(ProcessingJob, [user, session], values, **usual)


def an_activity(user: Made, **values: Any) -> Made:
    """Something this person did."""
    usual = {"user_id": user.id, "action": "TEST", "resource_type": "Test", "resource_id": str(user.id)}
    return made(ActivityLog, [user], values, **usual)


async def save(database: Database, *rows: Made) -> None:
    """Store the rows with all they hang on, each company in a transaction of its own."""
    wanted = {row.id: row for top in rows for row in lineage(top) if not row.saved}
    assert {row.model for row in wanted.values()} <= set(ORDER)
    companies = {row.company.id for row in wanted.values()}
    for company_id in companies:
        own = [row for row in wanted.values() if row.company.id == company_id]
        async with database.tenant(company_id, kind="platform") as uow:
            for model in ORDER:
                await store(uow, model, [row for row in own if row.model is model])
    for row in wanted.values():
        row.saved = True


def lineage(row: Made) -> Iterator[Made]:
    """Everything above the row, and the row."""
    for parent in row.parents:
        yield from lineage(parent)
    yield row


async def store(uow: UnitOfWork, model: type[Model], rows: list[Made]) -> None:
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

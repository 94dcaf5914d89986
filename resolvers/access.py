"""Who may see and do what. The only place where a viewer's reach inside a company is written."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar, cast
from uuid import UUID

from sqlalchemy import ColumnElement, Select, false, or_, select

from core.errors import Conflict, Forbidden, NotFound
from db.base import Model
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
    ConversationStatus,
    CrawlCandidate,
    CrawlChunk,
    CrawlJob,
    Document,
    DocumentChunk,
    DocumentScope,
    Drawing,
    DrawingSession,
    DrawingVersion,
    EmbeddingModel,
    EnergySource,
    EvaluationCase,
    EvaluationRun,
    ExportJob,
    Feedback,
    HistoricalDataImport,
    Image,
    Message,
    Permission,
    ProcessingJob,
    Project,
    ProjectStatus,
    ProposedRequirement,
    Report,
    RequirementExport,
    RequirementProposal,
    Role,
    RoleName,
    RunLog,
    SavedReport,
    TokenUsage,
    Upload,
    User,
    ValidationJob,
)
from db.uow import ScopeKind, Scope, UnitOfWork

M = TypeVar("M", bound=Model)
Conditions = list[ColumnElement[bool]]
Rule = Callable[["Viewer", Any], Conditions]


@dataclass(frozen=True)
class Viewer:
    """Who asks: a signed-in user, with the permissions (`resource:action`) that their role grants."""

    user_id: UUID
    company_id: UUID
    role: RoleName
    permissions: frozenset[str]
    expires_at: datetime | None = None
    platform_id: UUID | None = None
    """The platform's own company."""

    def has_permission(self, permission: str) -> bool:
        """Whether the role grants `resource:action`."""
        return permission in self.permissions

    @property
    def scope(self) -> Scope:
        """What the database is told: which company, and whose user rows are in reach."""
        kind: ScopeKind = (
            "platform" if self.has_permission("platform:manage") else "company" if self.has_permission("users:read") else "self"
        )
        return Scope(self.company_id, self.user_id, kind)

    @property
    def platform_scope(self) -> Scope | None:
        """Where the platform keeps what every company reads; none for its own people, who are there."""
        if self.platform_id is None or self.platform_id == self.company_id:
            return None
        return Scope(self.platform_id, self.user_id, "self")


def require(viewer: Viewer, permission: str) -> None:
    """Raise `Forbidden` unless the viewer's role grants `resource:action`."""
    if not viewer.has_permission(permission):
        raise Forbidden(f"Your role, {viewer.role.value}, does not include {permission}.")


def all_rows(viewer: Viewer, entity: Any) -> Conditions:
    """No rule beyond the company fence."""
    return []


def own_company(viewer: Viewer, company: Any) -> Conditions:
    """One's own company; the platform sees all."""
    return [] if viewer.has_permission("platform:manage") else [company.id == viewer.company_id]


def colleagues(viewer: Viewer, user: Any) -> Conditions:
    """Oneself, and the company's people for who may read them; the platform sees all."""
    if viewer.has_permission("platform:manage"):
        return []
    if viewer.has_permission("users:read"):
        return [user.company_id == viewer.company_id]
    return [user.id == viewer.user_id]


def not_deleted(viewer: Viewer, project: Any) -> Conditions:
    """The company's projects, but for deleted ones."""
    return [project.status != ProjectStatus.DELETED]


def own_activity(viewer: Viewer, activity: Any) -> Conditions:
    """The company's for who may read it, else one's own."""
    return [] if viewer.has_permission("activity:read") else [activity.user_id == viewer.user_id]


def own_uploads(viewer: Viewer, upload: Any) -> Conditions:
    """One's own: an upload is not yet anything of the company's."""
    return [upload.user_id == viewer.user_id]


def conversations(viewer: Viewer, conversation: Any) -> Conditions:
    """One's own and those about drawing sessions, all for who oversees chats; none that were deleted."""
    shown = [conversation.status != ConversationStatus.DELETED]
    if viewer.has_permission("chat:oversee"):
        return shown
    own = conversation.user_id == viewer.user_id
    return [*shown, or_(own, conversation.session_id.is_not(None))]


def within_conversation(viewer: Viewer, message: Any) -> Conditions:
    """Where the conversation is seen."""
    seen = select(Conversation.id).where(*conversations(viewer, Conversation))
    return [message.conversation_id.in_(seen)]


def about_message(viewer: Viewer, row: Any) -> Conditions:
    """Where the message is seen."""
    seen = select(Message.id).where(*within_conversation(viewer, Message))
    return [row.message_id.in_(seen)]


def own_records(viewer: Viewer, row: Any) -> Conditions:
    """One's own, and everybody's for who may read analytics."""
    return [] if viewer.has_permission("analytics:read") else [row.user_id == viewer.user_id]


def documents(viewer: Viewer, document: Any) -> Conditions:
    """One's own, and those for the company; all for who oversees documents."""
    if viewer.has_permission("documents:oversee"):
        return []
    return [or_(document.uploaded_by_id == viewer.user_id, document.scope != DocumentScope.USER)]


def within_document(viewer: Viewer, chunk: Any) -> Conditions:
    """Where the document is seen."""
    rule = documents(viewer, Document)
    return [chunk.document_id.in_(select(Document.id).where(*rule))] if rule else []


def published_documents(viewer: Viewer, document: Any) -> Conditions:
    """The platform's documents for everybody."""
    return [document.scope == DocumentScope.GLOBAL]


def within_published(viewer: Viewer, chunk: Any) -> Conditions:
    """What the platform's documents for everybody say."""
    published = select(Document.id).where(*published_documents(viewer, Document))
    return [chunk.document_id.in_(published)]


def own_requirements(viewer: Viewer, row: Any) -> Conditions:
    """One's own proposals and exports, and everybody's for who oversees requirements."""
    return [] if viewer.has_permission("requirements:oversee") else [row.user_id == viewer.user_id]


def within_proposal(viewer: Viewer, requirement: Any) -> Conditions:
    """Where the proposal is seen."""
    rule = own_requirements(viewer, RequirementProposal)
    return [requirement.proposal_id.in_(select(RequirementProposal.id).where(*rule))] if rule else []


RULES: dict[type[Model], Rule] = {
    Company: own_company,
    User: colleagues,
    Role: all_rows,
    Permission: all_rows,
    ActivityLog: own_activity,
    Project: not_deleted,
    DrawingSession: all_rows,
    Drawing: all_rows,
    DrawingVersion: all_rows,
    Comparison: all_rows,
    AnalysisResult: all_rows,
    ProcessingJob: all_rows,
    Upload: own_uploads,
    CrawlJob: all_rows,
    CrawlChunk: all_rows,
    CrawlCandidate: all_rows,
    Image: all_rows,
    ValidationJob: all_rows,
    ExportJob: all_rows,
    EmbeddingModel: all_rows,
    Document: documents,
    DocumentChunk: within_document,
    Conversation: conversations,
    Message: within_conversation,
    Citation: about_message,
    Feedback: about_message,
    RunLog: own_records,
    AgentLog: own_records,
    TokenUsage: own_records,
    CompanyProfile: all_rows,
    SavedReport: all_rows,
    EnergySource: all_rows,
    HistoricalDataImport: all_rows,
    ConsumptionReading: all_rows,
    Report: all_rows,
    EvaluationRun: all_rows,
    EvaluationCase: all_rows,
    RequirementProposal: own_requirements,
    ProposedRequirement: within_proposal,
    RequirementExport: own_requirements,
}

READING: dict[type[Model], str] = {
    Role: "roles:read",
    Permission: "roles:read",
    Project: "projects:read",
    DrawingSession: "drawings:read",
    Drawing: "drawings:read",
    DrawingVersion: "drawings:read",
    Comparison: "drawings:read",
    AnalysisResult: "drawings:read",
    ProcessingJob: "jobs:read",
    CrawlJob: "images:read",
    CrawlChunk: "images:read",
    CrawlCandidate: "images:read",
    Image: "images:read",
    ValidationJob: "images:read",
    ExportJob: "images:read",
    EmbeddingModel: "documents:read",
    Document: "documents:read",
    DocumentChunk: "documents:read",
    Conversation: "chat:history",
    Message: "chat:history",
    Citation: "chat:history",
    Feedback: "chat:history",
    CompanyProfile: "reports:view",
    SavedReport: "reports:view",
    EnergySource: "reports:view",
    HistoricalDataImport: "reports:view",
    ConsumptionReading: "reports:view",
    Report: "reports:view",
    EvaluationRun: "evaluations:read",
    EvaluationCase: "evaluations:read",
}
"""What a role must grant for any row of a model to be seen; of the others, one sees one's own without."""

PUBLISHED: dict[type[Model], Rule] = {Document: published_documents, DocumentChunk: within_published}
"""What the other companies see of the platform's own company, beside their own rows. Nothing else."""


def visibility(viewer: Viewer, model: type[Model], entity: Any) -> Conditions:
    """The conditions under which the viewer sees rows of `entity` (the model or an alias of it).

    A model without a rule is refused: `KeyError`.
    """
    rule, needed = RULES[model], READING.get(model)
    return rule(viewer, entity) if needed is None or viewer.has_permission(needed) else [false()]


def platform_visibility(viewer: Viewer, model: type[Model], entity: Any) -> Conditions:
    """As `sees`, in the platform's company for a viewer of another one."""
    rule, needed = PUBLISHED[model], READING[model]
    return rule(viewer, entity) if viewer.has_permission(needed) else [false()]


def visible(viewer: Viewer, model: type[Model], *columns: Any) -> Select[Any]:
    """A select of the rows that the viewer sees."""
    return select(*(columns or (model,))).where(*visibility(viewer, model, model))


async def find(
    uow: UnitOfWork,
    viewer: Viewer,
    model: type[M],
    id: UUID,
    *path: str,
    lock: bool = False,
    columns: Sequence[Any] = (),
) -> M:
    """The row, locked until the transaction ends if asked; `NotFound` where absent or out of sight."""
    statement = visible(viewer, model, *columns).where(model.__table__.c.id == id)
    row = await uow.first(statement.with_for_update() if lock else statement)
    if row is None:
        raise NotFound(f"There is no such {model_label(model)}.", *(path or ("id",)))
    return cast(M, row)


async def require_unchanged(
    uow: UnitOfWork, viewer: Viewer, model: type[Model], id: UUID, updated_at: datetime | None
) -> None:
    """Raise `Conflict` if the row, locked now, is not as it was at `updated_at`; None asks nothing."""
    if updated_at is None:
        return
    row = await find(uow, viewer, model, id, lock=True, columns=[model.__table__.c.updated_at])
    if row.updated_at != updated_at:
        message = f"This {model_label(model)} has changed since it was read."
        raise Conflict(message, "input", "expectedUpdatedAt")


def model_label(model: type[Model]) -> str:
    """A model's name as prose: `DrawingSession` is `drawing session`."""
    return "".join(" " + c.lower() if c.isupper() else c for c in model.__name__).strip()

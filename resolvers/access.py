"""Authorization: which rows a viewer can read, by model. The only place where these rules are defined."""

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
from db.uow import Scope, ScopeKind, UnitOfWork

M = TypeVar("M", bound=Model)
Conditions = list[ColumnElement[bool]]
Rule = Callable[["Viewer", Any], Conditions]


@dataclass(frozen=True)
class Viewer:
    """The signed-in user of an operation, with the permissions (`resource:action`) of their role."""

    user_id: UUID
    company_id: UUID
    role: RoleName
    permissions: frozenset[str]
    expires_at: datetime | None = None
    platform_id: UUID | None = None
    """The company of the platform."""

    def has_permission(self, permission: str) -> bool:
        """Whether the role grants `resource:action`."""
        return permission in self.permissions

    @property
    def scope(self) -> Scope:
        """The scope of the viewer's transactions: their company, and which users' rows are accessible."""
        kind: ScopeKind = (
            "platform"
            if self.has_permission("platform:manage")
            else "company"
            if self.has_permission("users:read")
            else "self"
        )
        return Scope(self.company_id, self.user_id, kind)

    @property
    def platform_scope(self) -> Scope | None:
        """The scope of the platform's published rows; None for the platform's own users."""
        if self.platform_id is None or self.platform_id == self.company_id:
            return None
        return Scope(self.platform_id, self.user_id, "self")


def require(viewer: Viewer, permission: str) -> None:
    """Raises `Forbidden` unless the viewer's role grants `resource:action`."""
    if not viewer.has_permission(permission):
        raise Forbidden(f"Your role, {viewer.role.value}, does not include {permission}.")


def all_rows(viewer: Viewer, entity: Any) -> Conditions:
    """All rows of the company."""
    return []


def no_rows(viewer: Viewer, entity: Any) -> Conditions:
    """No row."""
    return [false()]


def own_company(viewer: Viewer, company: Any) -> Conditions:
    """The viewer's company; all companies for platform managers."""
    return [] if viewer.has_permission("platform:manage") else [company.id == viewer.company_id]


def colleagues(viewer: Viewer, user: Any) -> Conditions:
    """The viewer; the company's users with `users:read`; all users for platform managers."""
    if viewer.has_permission("platform:manage"):
        return []
    if viewer.has_permission("users:read"):
        return [user.company_id == viewer.company_id]
    return [user.id == viewer.user_id]


def not_deleted(viewer: Viewer, project: Any) -> Conditions:
    """Projects that are not deleted."""
    return [project.status != ProjectStatus.DELETED]


def own_activity(viewer: Viewer, activity: Any) -> Conditions:
    """The viewer's activity; the company's with `activity:read`."""
    return [] if viewer.has_permission("activity:read") else [activity.user_id == viewer.user_id]


def own_uploads(viewer: Viewer, upload: Any) -> Conditions:
    """The viewer's uploads."""
    return [upload.user_id == viewer.user_id]


def conversations(viewer: Viewer, conversation: Any) -> Conditions:
    """The viewer's conversations, and those about drawing sessions; all with `chat:oversee`. None deleted."""
    conditions = [conversation.status != ConversationStatus.DELETED]
    if viewer.has_permission("chat:oversee"):
        return conditions
    own = conversation.user_id == viewer.user_id
    return [*conditions, or_(own, conversation.session_id.is_not(None))]


def within_conversation(viewer: Viewer, message: Any) -> Conditions:
    """Rows of visible conversations."""
    visible_ids = select(Conversation.id).where(*conversations(viewer, Conversation))
    return [message.conversation_id.in_(visible_ids)]


def about_message(viewer: Viewer, row: Any) -> Conditions:
    """Rows of visible messages."""
    visible_ids = select(Message.id).where(*within_conversation(viewer, Message))
    return [row.message_id.in_(visible_ids)]


def own_records(viewer: Viewer, row: Any) -> Conditions:
    """The viewer's records; all with `analytics:read`."""
    return [] if viewer.has_permission("analytics:read") else [row.user_id == viewer.user_id]


def documents(viewer: Viewer, document: Any) -> Conditions:
    """The viewer's documents and those shared with the company; all with `documents:oversee`."""
    if viewer.has_permission("documents:oversee"):
        return []
    return [or_(document.uploaded_by_id == viewer.user_id, document.scope != DocumentScope.USER)]


def within_document(viewer: Viewer, chunk: Any) -> Conditions:
    """Chunks of visible documents."""
    rule = documents(viewer, Document)
    return [chunk.document_id.in_(select(Document.id).where(*rule))] if rule else []


def published_documents(viewer: Viewer, document: Any) -> Conditions:
    """Documents that the platform publishes to all companies."""
    return [document.scope == DocumentScope.GLOBAL]


def within_published(viewer: Viewer, chunk: Any) -> Conditions:
    """Chunks of published documents."""
    published = select(Document.id).where(*published_documents(viewer, Document))
    return [chunk.document_id.in_(published)]


def own_requirements(viewer: Viewer, row: Any) -> Conditions:
    """The viewer's proposals and exports; all with `requirements:oversee`."""
    return [] if viewer.has_permission("requirements:oversee") else [row.user_id == viewer.user_id]


def within_proposal(viewer: Viewer, requirement: Any) -> Conditions:
    """Requirements of visible proposals."""
    rule = own_requirements(viewer, RequirementProposal)
    return [requirement.proposal_id.in_(select(RequirementProposal.id).where(*rule))] if rule else []


@dataclass(frozen=True)
class Policy:
    """Which rows of a model a viewer can read."""

    rule: Rule = all_rows
    read: str | None = None
    """Permission that is required to read any row."""
    published: Rule | None = None
    """Rows of the platform's company that all other companies can read as well."""


POLICIES: dict[type[Model], Policy] = {
    Company: Policy(rule=own_company),
    User: Policy(rule=colleagues),
    Role: Policy(read="roles:read"),
    Permission: Policy(read="roles:read"),
    ActivityLog: Policy(rule=own_activity),
    Project: Policy(rule=not_deleted, read="projects:read"),
    DrawingSession: Policy(read="drawings:read"),
    Drawing: Policy(read="drawings:read"),
    DrawingVersion: Policy(read="drawings:read"),
    Comparison: Policy(read="drawings:read"),
    AnalysisResult: Policy(read="drawings:read"),
    ProcessingJob: Policy(read="jobs:read"),
    Upload: Policy(rule=own_uploads),
    CrawlJob: Policy(read="images:read"),
    CrawlChunk: Policy(read="images:read"),
    CrawlCandidate: Policy(read="images:read"),
    Image: Policy(read="images:read"),
    ValidationJob: Policy(read="images:read"),
    ExportJob: Policy(read="images:read"),
    EmbeddingModel: Policy(read="documents:read"),
    Document: Policy(rule=documents, read="documents:read", published=published_documents),
    DocumentChunk: Policy(rule=within_document, read="documents:read", published=within_published),
    Conversation: Policy(rule=conversations, read="chat:history"),
    Message: Policy(rule=within_conversation, read="chat:history"),
    Citation: Policy(rule=about_message, read="chat:history"),
    Feedback: Policy(rule=about_message, read="chat:history"),
    RunLog: Policy(rule=own_records),
    AgentLog: Policy(rule=own_records),
    TokenUsage: Policy(rule=own_records),
    CompanyProfile: Policy(read="reports:view"),
    SavedReport: Policy(read="reports:view"),
    EnergySource: Policy(read="reports:view"),
    HistoricalDataImport: Policy(read="reports:view"),
    ConsumptionReading: Policy(read="reports:view"),
    Report: Policy(read="reports:view"),
    EvaluationRun: Policy(read="evaluations:read"),
    EvaluationCase: Policy(read="evaluations:read"),
    RequirementProposal: Policy(rule=own_requirements),
    ProposedRequirement: Policy(rule=within_proposal),
    RequirementExport: Policy(rule=own_requirements),
}
"""The policy of each model. A model without a policy cannot be read (`KeyError`)."""


def visibility(viewer: Viewer, model: type[Model], entity: Any) -> Conditions:
    """The conditions for the viewer to read rows of `entity` (the model or an alias of it)."""
    policy = POLICIES[model]
    return _conditions(viewer, policy, policy.rule, entity)


def platform_visibility(viewer: Viewer, model: type[Model], entity: Any) -> Conditions:
    """The conditions for the viewer to read published rows of the platform's company."""
    policy = POLICIES[model]
    return _conditions(viewer, policy, policy.published or no_rows, entity)


def _conditions(viewer: Viewer, policy: Policy, rule: Rule, entity: Any) -> Conditions:
    if policy.read is not None and not viewer.has_permission(policy.read):
        return [false()]
    return rule(viewer, entity)


def is_published(model: type[Model]) -> bool:
    """Whether the platform publishes rows of this model to all companies."""
    return POLICIES[model].published is not None


def visible(viewer: Viewer, model: type[Model], *columns: Any) -> Select[Any]:
    """A select of the rows that the viewer can read."""
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
    """The row, with `lock` locked until the transaction ends. Raises `NotFound` if absent or not visible."""
    statement = visible(viewer, model, *columns).where(model.__table__.c.id == id)
    row = await uow.first(statement.with_for_update() if lock else statement)
    if row is None:
        raise not_found(model, *(path or ("id",)))
    return cast(M, row)


def not_found(model: type[Model], *path: str) -> NotFound:
    """The error for an object that does not exist or is not visible."""
    return NotFound(f"There is no such {model_label(model)}.", *path)


async def require_unchanged(
    uow: UnitOfWork, viewer: Viewer, model: type[Model], id: UUID, updated_at: datetime | None
) -> None:
    """Locks the row and raises `Conflict` if it has changed since `updated_at`. None skips the check."""
    if updated_at is None:
        return
    row: Any = await find(uow, viewer, model, id, lock=True, columns=[model.__table__.c.updated_at])
    if row.updated_at != updated_at:
        message = f"The {model_label(model)} has changed since it was read."
        raise Conflict(message, "input", "expectedUpdatedAt")


def model_label(model: type[Model]) -> str:
    """The name of a model in prose: `DrawingSession` is `drawing session`."""
    return "".join(" " + c.lower() if c.isupper() else c for c in model.__name__).strip()

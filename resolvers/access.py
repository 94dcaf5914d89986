"""Authorization: which rows a viewer can read, by model. The only place where these rules are defined."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, TypeVar, cast
from uuid import UUID

from sqlalchemy import ColumnElement, Select, false, or_, select
from sqlalchemy.orm import aliased

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
    TextCheck,
    TextCheckSentence,
    TokenUsage,
    Upload,
    User,
    ValidationJob,
)
from db.readers import COLLEAGUES, PUBLIC
from db.selects import VIEWER_COMPANY_ID, VIEWER_ID
from db.uow import Scope, ScopeKind, UnitOfWork

M = TypeVar("M", bound=Model)
Conditions = list[ColumnElement[bool]]
Rule = Callable[["Viewer", Any], Conditions]
"""The conditions of a model. Conditions of a row's parent join it, so that either can be read first."""

Readers = tuple[UUID, ...] | None
"""Values of `reader_id` of the rows that a viewer can read; None if those are no condition."""

SHARED_SCOPES = [scope for scope in DocumentScope if scope is not DocumentScope.USER]


@dataclass(frozen=True)
class Audience:
    """What decides which rows a viewer sees, apart from the user."""

    company_id: UUID
    role: RoleName
    permissions: frozenset[str]
    platform_id: UUID | None


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
    def scope_kind(self) -> ScopeKind:
        """Which users' rows are accessible in the viewer's transactions."""
        if self.has_permission("platform:manage"):
            return "platform"
        return "company" if self.has_permission("users:read") else "self"

    @cached_property
    def scope(self) -> Scope:
        """The scope of the viewer's transactions: their company, and which users' rows are accessible."""
        return Scope(self.company_id, self.user_id, self.scope_kind)

    @cached_property
    def visibility(self) -> "Visibility":
        """The conditions for reading rows of their company."""
        return Visibility.of(self)

    @cached_property
    def published_visibility(self) -> "Visibility":
        """The conditions for reading rows that the platform publishes."""
        return Visibility.of(self, published=True)

    @cached_property
    def parameters(self) -> Mapping[str, UUID]:
        """The values of the viewer's parameters in statements."""
        return {VIEWER_ID.key: self.user_id, VIEWER_COMPANY_ID.key: self.company_id}

    @cached_property
    def platform_scope(self) -> Scope | None:
        """The scope of the platform's published rows; None for the platform's own users."""
        if self.platform_id is None or self.platform_id == self.company_id:
            return None
        return Scope(self.platform_id, self.user_id, "self")

    @property
    def audience(self) -> Audience:
        """Those who see the same rows, except for rows that are visible to single users."""
        return Audience(self.company_id, self.role, self.permissions, self.platform_id)


class SharedViewer(Viewer):
    """A viewer on behalf of its whole audience.

    Calls `on_user` whenever the user is asked for: what is found then is for this user alone. Scopes have no
    user, so that no user's own row is accessible without a rule that asks for the user.
    """

    def __init__(self, viewer: Viewer, on_user: Callable[[], None]) -> None:
        names = ("company_id", "role", "permissions", "platform_id")
        vars(self).update({name: getattr(viewer, name) for name in names}, expires_at=None)
        vars(self).update(own_id=viewer.user_id, on_user=on_user)

    @property
    def user_id(self) -> UUID:
        """The user who stands for the audience."""
        vars(self)["on_user"]()
        return cast(UUID, vars(self)["own_id"])

    @property
    def scope(self) -> Scope:
        """The scope of the audience's company."""
        return Scope(self.company_id, None, self.scope_kind)

    @property
    def platform_scope(self) -> Scope | None:
        """The scope of the platform's published rows; None for the platform's own users."""
        if self.platform_id is None or self.platform_id == self.company_id:
            return None
        return Scope(self.platform_id, None, "self")

    @property
    def parameters(self) -> Mapping[str, UUID]:
        """The values of parameters in statements, which ask for the user only if a statement has it."""
        return SharedParameters(self)


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


def conversation_readers(viewer: Viewer) -> Readers:
    """The readers of rows of visible conversations; None with `chat:oversee`."""
    return None if viewer.has_permission("chat:oversee") else (viewer.user_id, COLLEAGUES)


def within_conversation(viewer: Viewer, row: Any) -> Conditions:
    """Rows of visible conversations. Those of deleted ones have no reader."""
    readers = conversation_readers(viewer)
    return [row.reader_id.is_not(None) if readers is None else row.reader_id.in_(readers)]


def text_checks(viewer: Viewer, check: Any) -> Conditions:
    """The viewer's text checks; all with `chat:oversee`."""
    return [] if viewer.has_permission("chat:oversee") else [check.user_id == viewer.user_id]


def within_text_check(viewer: Viewer, sentence: Any) -> Conditions:
    """Sentences of visible text checks."""
    check = aliased(TextCheck)
    rule = text_checks(viewer, check)
    return [sentence.check_id == check.id, *rule] if rule else []


def own_records(viewer: Viewer, row: Any) -> Conditions:
    """The viewer's records; all with `analytics:read`."""
    return [] if viewer.has_permission("analytics:read") else [row.user_id == viewer.user_id]


def documents(viewer: Viewer, document: Any) -> Conditions:
    """The viewer's documents and those shared with the company; all with `documents:oversee`."""
    if viewer.has_permission("documents:oversee"):
        return []
    return [or_(document.uploaded_by_id == viewer.user_id, document.scope.in_(SHARED_SCOPES))]


def document_readers(viewer: Viewer) -> Readers:
    """The readers of chunks of visible documents; None with `documents:oversee`."""
    return None if viewer.has_permission("documents:oversee") else (viewer.user_id, COLLEAGUES, PUBLIC)


def within_document(viewer: Viewer, chunk: Any) -> Conditions:
    """Chunks of visible documents."""
    readers = document_readers(viewer)
    return [] if readers is None else [chunk.reader_id.in_(readers)]


def published_documents(viewer: Viewer, document: Any) -> Conditions:
    """Documents that the platform publishes to all companies."""
    return [document.scope == DocumentScope.GLOBAL]


def within_published(viewer: Viewer, chunk: Any) -> Conditions:
    """Chunks of published documents."""
    return [chunk.reader_id == PUBLIC]


def own_requirements(viewer: Viewer, row: Any) -> Conditions:
    """The viewer's proposals and exports; all with `requirements:oversee`."""
    return [] if viewer.has_permission("requirements:oversee") else [row.user_id == viewer.user_id]


def within_proposal(viewer: Viewer, requirement: Any) -> Conditions:
    """Requirements of visible proposals."""
    proposal = aliased(RequirementProposal)
    rule = own_requirements(viewer, proposal)
    return [requirement.proposal_id == proposal.id, *rule] if rule else []


@dataclass(frozen=True)
class Policy:
    """Which rows of a model a viewer can read."""

    rule: Rule = all_rows
    read: str | None = None
    """Permission that is required to read any row."""
    published: Rule | None = None
    """Rows of the platform's company that all other companies can read as well."""
    readers: Callable[[Viewer], Readers] | None = None
    """The readers that the rule asks for and nothing else, so that a list is one of each reader's rows."""


WITHIN_CONVERSATION = Policy(rule=within_conversation, read="chat:history", readers=conversation_readers)
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
    DocumentChunk: Policy(
        rule=within_document, read="documents:read", published=within_published, readers=document_readers
    ),
    Conversation: Policy(rule=conversations, read="chat:history"),
    Message: WITHIN_CONVERSATION,
    Citation: WITHIN_CONVERSATION,
    Feedback: WITHIN_CONVERSATION,
    TextCheck: Policy(rule=text_checks, read="chat:history"),
    TextCheckSentence: Policy(rule=within_text_check, read="chat:history"),
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


@dataclass(frozen=True)
class Visibility:
    """The conditions for anybody with this role to read rows: the viewer's ids are parameters."""

    role: RoleName
    permissions: frozenset[str]
    published: bool = False
    """Whether the rows are those that the platform publishes, or else those of the viewer's company."""

    @classmethod
    def of(cls, viewer: Viewer, *, published: bool = False) -> "Visibility":
        """What the viewer can read."""
        return cls(viewer.role, viewer.permissions, published)

    @cached_property
    def _hash(self) -> int:
        return hash((self.role, self.permissions, self.published))

    def __hash__(self) -> int:
        return self._hash

    @property
    def _anybody(self) -> Viewer:
        user_id, company_id = cast(UUID, VIEWER_ID), cast(UUID, VIEWER_COMPANY_ID)
        return Viewer(user_id, company_id, self.role, self.permissions)

    def __call__(self, model: type[Model], entity: Any) -> Conditions:
        """The conditions, for the model or an alias of it."""
        return (platform_visibility if self.published else visibility)(self._anybody, model, entity)

    def readers(self, model: type[Model]) -> Readers:
        """The readers whose rows these are, if the conditions ask for nothing else."""
        policy, viewer = POLICIES[model], self._anybody
        if self.published or policy.readers is None or not may_read(viewer, policy):
            return None
        return policy.readers(viewer)


class SharedParameters(Mapping[str, UUID]):
    """The values of a shared viewer's parameters, which ask for the user only if a statement has it."""

    def __init__(self, viewer: SharedViewer) -> None:
        self._viewer = viewer

    def __getitem__(self, name: str) -> UUID:
        if name == VIEWER_ID.key:
            return self._viewer.user_id
        if name == VIEWER_COMPANY_ID.key:
            return self._viewer.company_id
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter((VIEWER_ID.key, VIEWER_COMPANY_ID.key))

    def __len__(self) -> int:
        return 2


def may_read(viewer: Viewer, policy: Policy) -> bool:
    """Whether the viewer has the permission that is required to read any row."""
    return policy.read is None or viewer.has_permission(policy.read)


def _conditions(viewer: Viewer, policy: Policy, rule: Rule, entity: Any) -> Conditions:
    return rule(viewer, entity) if may_read(viewer, policy) else [false()]


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
    row = await uow.first(statement.with_for_update(of=model) if lock else statement)
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

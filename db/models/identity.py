"""Identity: companies, users, roles and activity."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from db.base import (
    Flag,
    Instant,
    PlatformModel,
    PrimaryKey,
    Str50,
    Str100,
    Str255,
    TenantKey,
    TenantModel,
    UpdatedAt,
    company_foreign_key,
    enum_column,
    list_indexes,
    tenant_foreign_key,
    tenant_index,
    view_relationship,
)
from db.rls import CURRENT_COMPANY

if TYPE_CHECKING:
    from db.models.drawings import DrawingSession
    from db.models.insights import CompanyProfile
    from db.models.projects import Project


class RoleName(Enum):
    """Role of a user in their company, from most to least authority."""

    SUPER_ADMIN = "super_admin"
    """Administers the platform and all of its companies."""
    ADMIN = "admin"
    """Administers a company and its users."""
    MANAGER = "manager"
    """Does everything an analyst does, and reads the data of all users of the company."""
    ANALYST = "analyst"
    """Does everything a user does, and deletes sessions, crawls and reports."""
    REP = "rep"
    """Has the same permissions as `USER`."""
    USER = "user"
    """Works on projects, uploads files and holds conversations."""
    VIEWER = "viewer"
    """Has read-only access."""


class UserStatus(Enum):
    """Whether a user can sign in."""

    ACTIVE = "active"
    """The user can sign in."""
    SUSPENDED = "suspended"
    """The user cannot sign in, and access tokens of the user are refused."""
    PENDING = "pending"
    """The user cannot sign in until the registration is approved or the email address is verified."""


class LlmProvider(Enum):
    """Provider of a language model."""

    CUSTOM = "custom"
    """An OpenAI-compatible server."""
    OLLAMA = "ollama"
    """An Ollama server."""
    OPENAI = "openai"
    """The OpenAI API."""


class ExplainabilityLevel(Enum):
    """Amount of reasoning shown with an answer."""

    BASIC = "basic"
    """The agent and action of each step."""
    DETAILED = "detailed"
    """Also the result and confidence of each step."""
    DEBUG = "debug"
    """Also the measurements of each step, such as its time and tokens."""


class CompanyKind(Enum):
    """Kind of a company."""

    ORGANISATION = "organisation"
    """An organisation with any number of users."""
    PERSONAL = "personal"
    """The workspace of a single user."""
    PLATFORM = "platform"
    """The operator of the platform."""


class Company(PrimaryKey, PlatformModel):
    """A tenant and its database; without a placement, the shared database."""

    __tablename__ = "companies"
    __table_args__ = (
        sa.UniqueConstraint("database_server", "database_name"),
        sa.Index(None, "created_at", "id"),
        sa.Index(None, "embedding_model_id"),
        sa.Index("uq_companies_platform", "kind", unique=True, postgresql_where=sa.text("kind = 'platform'")),
    )

    name: Mapped[Str255] = mapped_column(unique=True)
    industry: Mapped[Str100 | None]
    kind: Mapped[CompanyKind] = enum_column(CompanyKind, CompanyKind.ORGANISATION)
    database_server: Mapped[Str255 | None]
    database_name: Mapped[Str255 | None]
    is_active: Mapped[bool] = mapped_column(server_default=sa.true())
    embedding_model_id: Mapped[UUID | None] = mapped_column(
        sa.ForeignKey("platform.embedding_models.id", ondelete="SET NULL")
    )
    created_at: Mapped[Instant]

    users: Mapped[list[User]] = view_relationship("Company.id == foreign(User.company_id)")
    profile: Mapped[CompanyProfile | None] = view_relationship(
        "Company.id == foreign(CompanyProfile.company_id)"
    )


class RolePermission(PlatformModel):
    """A permission that a role grants."""

    __tablename__ = "role_permissions"
    __table_args__ = (sa.Index(None, "permission_id"),)

    role_id: Mapped[UUID] = mapped_column(
        sa.ForeignKey("platform.roles.id", ondelete="CASCADE"), primary_key=True
    )
    permission_id: Mapped[UUID] = mapped_column(
        sa.ForeignKey("platform.permissions.id", ondelete="CASCADE"), primary_key=True
    )


class Role(PrimaryKey, PlatformModel):
    """A role. There are seven."""

    __tablename__ = "roles"

    name: Mapped[RoleName] = enum_column(RoleName, unique=True)
    description: Mapped[Str255 | None]


class Permission(PrimaryKey, PlatformModel):
    """A permission, as `resource:action`."""

    __tablename__ = "permissions"
    __table_args__ = (sa.UniqueConstraint("resource", "action"),)

    resource: Mapped[Str50]
    action: Mapped[Str50]
    description: Mapped[Str255 | None]


class User(PrimaryKey, PlatformModel):
    """A user account. `email` and `username` are stored in lower case."""

    __tablename__ = "users"
    __table_args__ = (
        sa.Index(None, "company_id", "id"),
        sa.Index(None, "company_id", "created_at", "id"),
        sa.Index(None, "role_id"),
    )

    email: Mapped[Str255] = mapped_column(unique=True)
    username: Mapped[Str100] = mapped_column(unique=True)
    email_verified_at: Mapped[datetime | None]
    hashed_password: Mapped[Str255 | None]
    full_name: Mapped[Str255 | None]
    company_label: Mapped[Str255 | None]
    profession: Mapped[Str100 | None]
    company_id: Mapped[UUID | None] = mapped_column(
        sa.ForeignKey("platform.companies.id", ondelete="SET NULL")
    )
    role_id: Mapped[UUID] = mapped_column(sa.ForeignKey("platform.roles.id", ondelete="RESTRICT"))
    status: Mapped[UserStatus] = enum_column(UserStatus, UserStatus.ACTIVE)
    preferences: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    preferred_llm: Mapped[LlmProvider] = enum_column(LlmProvider, LlmProvider.CUSTOM)
    explainability_level: Mapped[ExplainabilityLevel] = enum_column(
        ExplainabilityLevel, ExplainabilityLevel.DETAILED
    )
    has_completed_onboarding: Mapped[Flag]
    last_login_at: Mapped[datetime | None]
    created_at: Mapped[Instant]
    updated_at: Mapped[UpdatedAt]

    company: Mapped[Company | None] = view_relationship("foreign(User.company_id) == Company.id")
    role: Mapped[Role] = view_relationship("foreign(User.role_id) == Role.id")
    projects: Mapped[list[Project]] = view_relationship("User.id == foreign(Project.user_id)")
    sessions: Mapped[list[DrawingSession]] = view_relationship("User.id == foreign(DrawingSession.user_id)")


class RefreshToken(PrimaryKey, PlatformModel):
    """A refresh token of a rotation `family`, a session; later reuse of a token revokes the family."""

    __tablename__ = "refresh_tokens"
    __table_args__ = (
        sa.Index(None, "family"),
        sa.Index(None, "family", "revoked_at", postgresql_where=sa.text("revoked_at IS NOT NULL")),
        sa.Index(None, "user_id"),
        sa.Index(None, "expires_at"),
    )

    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("platform.users.id", ondelete="CASCADE"))
    family: Mapped[UUID]
    previous_id: Mapped[UUID | None]
    """The token that it was issued for."""
    digest: Mapped[bytes] = mapped_column(unique=True)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    signed_in_at: Mapped[datetime | None]
    """When the session began; None for tokens from before this was stored."""
    address: Mapped[Str255 | None]
    """Network address of the client that it was issued to."""
    user_agent: Mapped[Str255 | None]
    """`User-Agent` header of the client that it was issued to."""
    created_at: Mapped[Instant]


class SignInAttempt(PrimaryKey, PlatformModel):
    """A failed sign-in, kept while it counts towards the limits of its account and its source."""

    __tablename__ = "sign_in_attempts"
    __table_args__ = (
        sa.Index(None, "login", "created_at"),
        sa.Index(None, "source", "created_at"),
        sa.Index(None, "created_at"),
    )

    login: Mapped[Str255]
    source: Mapped[bytes | None]
    """Digest of the device or the network that it came from."""
    is_known: Mapped[Flag]
    """Whether the user had signed in from there before."""
    created_at: Mapped[Instant]


class KnownAddress(PrimaryKey, PlatformModel):
    """A network that a user has signed in from, as a keyed digest."""

    __tablename__ = "known_addresses"
    __table_args__ = (sa.UniqueConstraint("user_id", "digest"), sa.Index(None, "used_at"))

    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("platform.users.id", ondelete="CASCADE"))
    digest: Mapped[bytes]
    used_at: Mapped[Instant]


class Tenant(TenantModel):
    """A company's row in its database: deleting it deletes the company's rows there."""

    __tablename__ = "tenants"

    company_id: Mapped[UUID] = mapped_column(primary_key=True, server_default=sa.text(CURRENT_COMPANY))
    created_at: Mapped[Instant]


class Member(TenantKey, TenantModel):
    """The copy of a user (same id) in the company's database, for foreign keys."""

    __tablename__ = "members"
    __table_args__ = (company_foreign_key(),)

    created_at: Mapped[Instant]


class ActivityLog(TenantKey, TenantModel):
    """An activity of a user, written in the same transaction.

    `sequence` counts the company's rows in commit order. A trigger sets it, except in copies of rows.
    """

    __tablename__ = "activity_logs"
    __table_args__ = (
        company_foreign_key(),
        tenant_foreign_key("members", "user_id", "SET NULL"),
        *list_indexes("timestamp", "id", filters=("user_id", "resource_type", "resource_id", "action")),
        tenant_index("sequence", unique=True),
    )

    user_id: Mapped[UUID | None]
    action: Mapped[str]
    resource_type: Mapped[Str50 | None]
    resource_id: Mapped[Str50 | None]
    metadata_: Mapped[dict[str, Any] | None] = mapped_column("metadata", JSONB(none_as_null=True))
    timestamp: Mapped[Instant]
    sequence: Mapped[int | None] = mapped_column(sa.BigInteger)

    user: Mapped[User | None] = view_relationship("foreign(ActivityLog.user_id) == User.id")


class IdempotencyKey(TenantKey, TenantModel):
    """An idempotency key with the request's fingerprint and the first request's result."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (
        company_foreign_key(),
        tenant_foreign_key("members", "user_id"),
        tenant_index("user_id", "operation", "key", unique=True),
        tenant_index("created_at"),
    )

    user_id: Mapped[UUID]
    operation: Mapped[Str100]
    key: Mapped[Str255]
    fingerprint: Mapped[bytes]
    result: Mapped[dict[str, Any]]
    created_at: Mapped[Instant]

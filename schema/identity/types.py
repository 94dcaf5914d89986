"""Types and queries of the identity domain."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Any
from uuid import UUID

import strawberry
from sqlalchemy import ColumnElement
from strawberry import relay
from strawberry.scalars import JSON

from core.settings.placement import PRIMARY
from db import models
from db.models import CompanyKind, ExplainabilityLevel, LlmProvider, RoleName, UserStatus
from db.pagination import Order
from resolvers.activity_exports import ActivityConditions
from resolvers.identity.roles import permissions_by_role
from schema.drawings.filters import DrawingSessionFilter, DrawingSessionOrder
from schema.framework.context import Info
from schema.framework.decorators import enumeration, input, node, output
from schema.framework.fields import Connection, connection, inverse, lookup, relation
from schema.framework.global_ids import key_of
from schema.framework.payloads import alias, field
from schema.framework.projection import columns
from schema.lazy_types import CompanyProfileRef, DrawingSessionRef, ProjectRef
from schema.projects import ProjectFilter, ProjectOrder

for kind in (CompanyKind, ExplainabilityLevel, LlmProvider, RoleName, UserStatus):
    enumeration(kind)

ADMINS = (RoleName.ADMIN, RoleName.SUPER_ADMIN)


@enumeration
class UserOrder(Enum):
    """Sort orders of users."""

    CREATED_AT_DESC = Order("created_at", descending=True)
    CREATED_AT_ASC = Order("created_at")


@enumeration
class CompanyOrder(Enum):
    """Sort orders of companies."""

    NAME_ASC = Order("name")
    NAME_DESC = Order("name", descending=True)
    CREATED_AT_DESC = Order("created_at", descending=True)
    CREATED_AT_ASC = Order("created_at")


@enumeration
class ActivityOrder(Enum):
    """Sort orders of activities."""

    TIMESTAMP_DESC = Order("timestamp", descending=True)
    TIMESTAMP_ASC = Order("timestamp")


@input
class UserFilter:
    """Conditions for listing users."""

    status: UserStatus | None = None
    """Matches users with this status."""

    email: str | None = None
    """Matches the user with this email address. Case-insensitive."""

    username: str | None = None
    """Matches the user with this username. Case-insensitive."""

    def where(self, user: Any) -> list[ColumnElement[bool]]:
        found = [user.status == self.status] if self.status else []
        found += [user.email == self.email.lower()] if self.email is not None else []
        return found + ([user.username == self.username.lower()] if self.username is not None else [])


@input
class ActivityFilter:
    """Conditions for listing activities."""

    user_id: relay.GlobalID | None = None
    """Matches items of this user."""

    action: str | None = None
    """Matches activities with this action, such as `PERMISSION_REFUSE`."""

    resource_type: str | None = None
    """Matches activities on objects of this type, such as `Project`."""

    resource_id: str | None = None
    """Matches activities on the object with this key, as in `resourceId`."""

    timestamp_from: datetime | None = None
    """Matches activities at this time or later."""

    timestamp_to: datetime | None = None
    """Matches activities before this time."""

    def conditions(self, *path: str) -> ActivityConditions:
        user = self.user_id and key_of(self.user_id, models.User, *path, "userId")
        return ActivityConditions(
            user or None,
            self.action,
            self.resource_type,
            self.resource_id,
            self.timestamp_from,
            self.timestamp_to,
        )

    def where(self, log: Any) -> list[ColumnElement[bool]]:
        return self.conditions("filter").where(log)


@node(models.Permission)
class Permission(relay.Node):
    """A permission that a role can grant."""

    id: relay.NodeID[UUID]

    resource: str
    """Resource that the permission applies to, such as `documents`."""

    action: str
    """Action that the permission allows, such as `read`."""

    description: str | None
    """Description of the permission."""

    @field(needs=("resource", "action"))
    def name(self) -> str:
        """Name in the form `resource:action`."""
        return f"{self.resource}:{self.action}"


@node(models.Role)
class Role(relay.Node):
    """A role of users in their company."""

    id: relay.NodeID[UUID]

    name: RoleName
    """Name of the role."""

    description: str | None
    """Description of the role."""

    @field(needs=("id",))
    async def permissions(self, info: Info) -> list[Permission]:
        """Permissions that the role grants, by name. Not paginated."""
        return await info.context.loaders.by(permissions_by_role).load(self.id) or []


@output
class CompanyPlacement:
    """Where the data of a company is stored."""

    is_dedicated: bool
    """Whether the company has a database of its own."""

    server: str
    """Server of the database, as named in the settings of the installation; `primary` is the server of the
    shared database.
    """


def may_locate(info: Info) -> bool:
    """Whether the viewer sees where data is stored."""
    return info.context.viewer.has_permission("companies:update")


@node(models.Company)
class Company(relay.Node):
    """A tenant of the platform."""

    id: relay.NodeID[UUID]

    name: str
    """Name. Unique on the platform."""

    industry: str | None
    """Industry, such as `Manufacturing`. Free text."""

    kind: CompanyKind
    """Kind of the company."""

    is_active: bool
    """Whether users of the company can sign in."""

    created_at: datetime
    """Creation time."""

    users: Connection[User] = connection(models.Company.users, orders=UserOrder, filter=UserFilter)
    """Users of the company that are visible to the viewer."""

    profile: CompanyProfileRef | None = inverse(models.Company.profile)
    """Energy profile of the company. Null if there is none or the viewer may not see it."""

    @field(needs=("database_server", "database_name"))
    def placement(self, info: Info) -> CompanyPlacement | None:
        """Where the data of the company is stored. Null for viewers without `companies:update`."""
        row: Any = self
        if not may_locate(info):
            return None
        return CompanyPlacement(
            is_dedicated=row.database_name is not None, server=row.database_server or PRIMARY
        )

    @field(needs=("database_name",))
    def database_name(self, info: Info) -> str | None:
        """Name of the database of its own. Null without such a database, and for viewers without
        `companies:update`.
        """
        row: Any = self
        return row.database_name if may_locate(info) else None


@node(models.User)
class User(relay.Node):
    """A user account."""

    id: relay.NodeID[UUID]

    email: str
    """Email address, in lower case. Can be used to sign in."""

    username: str
    """Username, in lower case. Can be used to sign in."""

    full_name: str | None
    """Full name."""

    name: str | None = alias("full_name", "Use `fullName`.")
    """Full name."""

    company_label: str | None
    """Company name as entered by the user. Not necessarily the name of `company`."""

    profession: str | None
    """Profession, such as `architect`. Free text."""

    company: Company | None = relation(models.User.company)
    """Company that the user belongs to."""

    role: Role = relation(models.User.role)
    """Role of the user in their company."""

    status: UserStatus
    """Whether the user can sign in."""

    email_verified_at: datetime | None
    """Time at which the user has confirmed the email address. Null if it is not confirmed."""

    preferences: JSON | None
    """Preferences stored by clients, such as a theme. Null, with an error, if they cannot be represented."""

    preferred_llm: LlmProvider
    """Preferred provider of language models."""

    explainability_level: ExplainabilityLevel
    """Amount of reasoning shown with answers."""

    has_completed_onboarding: bool
    """Whether the user has completed the onboarding."""

    last_login_at: datetime | None
    """Time of the last sign-in."""

    created_at: datetime
    """Creation time."""

    updated_at: datetime
    """Time of the last change."""

    projects: Connection[ProjectRef] = connection(
        models.User.projects, orders=ProjectOrder, filter=ProjectFilter
    )
    """Projects owned by the user, newest first."""

    sessions: Connection[DrawingSessionRef] = connection(
        models.User.sessions, orders=DrawingSessionOrder, filter=DrawingSessionFilter
    )
    """Drawing sessions of the user, newest first."""

    @field(needs=("status",))
    def is_active(self) -> bool:
        """Whether `status` is `ACTIVE`."""
        return self.status is UserStatus.ACTIVE

    @field(needs=("role_id",))
    async def is_admin(self, info: Info) -> bool:
        """Whether `role` is an administrator role."""
        row: Any = self
        role = await info.context.loaders.one(models.Role, ("id", "name")).load(row.role_id)
        return role.name in ADMINS


@node(models.ActivityLog)
class ActivityLog(relay.Node):
    """An activity of a user."""

    id: relay.NodeID[UUID]

    user: User | None = relation(models.ActivityLog.user)
    """User who performed the action. Null if the user is deleted or not visible to the viewer."""

    action: str
    """Action, such as `PROJECT_CREATE`."""

    resource_type: str | None
    """Type of the affected object."""

    resource_id: str | None
    """Key of the affected object."""

    metadata: JSON | None = strawberry.field(
        resolver=lambda root: root.metadata_, metadata={"needs": ("metadata_",)}
    )
    """Additional data about the action."""

    timestamp: datetime
    """Time of the action."""


@output
class IdentityQueries:
    @field
    async def me(self, info: Info) -> User:
        """The signed-in user."""
        viewer = info.context.viewer
        loader = info.context.loaders.one(models.User, columns(info, models.User))
        user: User = await loader.load(viewer.user_id)
        return user

    user: User | None = lookup(models.User, "Looks up a user by ID.")
    company: Company | None = lookup(models.Company, "Looks up a company by ID.")
    role: Role | None = lookup(models.Role, "Looks up a role by ID.")
    permission: Permission | None = lookup(models.Permission, "Looks up a permission by ID.")
    activity_log: ActivityLog | None = lookup(models.ActivityLog, "Looks up an activity by ID.")

    users: Connection[User] = connection(models.User, orders=UserOrder, filter=UserFilter)
    """Lists the users that are visible to the viewer, newest first."""

    companies: Connection[Company] = connection(models.Company, orders=CompanyOrder)
    """Lists the companies that are visible to the viewer, by name."""

    roles: Connection[Role] = connection(models.Role)
    """Lists all roles."""

    permissions: Connection[Permission] = connection(models.Permission)
    """Lists all permissions."""

    activity: Connection[ActivityLog] = connection(
        models.ActivityLog, orders=ActivityOrder, filter=ActivityFilter
    )
    """Lists the activities of the company, newest first. Viewers without permission to read all activities
    see only their own.
    """

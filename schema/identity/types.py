"""The types of the identity domain, and what can be read of it."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Any
from uuid import UUID

import strawberry
from sqlalchemy import ColumnElement
from strawberry import relay
from strawberry.scalars import JSON

from db import models
from db.models import CompanyKind, ExplainabilityLevel, LlmProvider, RoleName, UserStatus
from db.paging import Order
from resolvers.identity.roles import permissions_of
from schema.framework.context import Info
from schema.framework.decorators import enumeration, input, node, output
from schema.framework.fields import Connection, connection, lookup, relation
from schema.framework.global_ids import key_of
from schema.framework.payloads import alias, field
from schema.framework.projection import columns
from schema.lazy_types import ProjectRef
from schema.projects import ProjectFilter, ProjectOrder

for kind in (CompanyKind, ExplainabilityLevel, LlmProvider, RoleName, UserStatus):
    enumeration(kind)

ADMINS = (RoleName.ADMIN, RoleName.SUPER_ADMIN)


@enumeration
class UserOrder(Enum):
    """How to order users."""

    CREATED_AT_DESC = Order("created_at", descending=True)
    CREATED_AT_ASC = Order("created_at")


@enumeration
class CompanyOrder(Enum):
    """How to order companies."""

    NAME_ASC = Order("name")
    NAME_DESC = Order("name", descending=True)
    CREATED_AT_DESC = Order("created_at", descending=True)
    CREATED_AT_ASC = Order("created_at")


@enumeration
class ActivityOrder(Enum):
    """How to order activity."""

    TIMESTAMP_DESC = Order("timestamp", descending=True)
    TIMESTAMP_ASC = Order("timestamp")


@input
class UserFilter:
    """Which users to list."""

    status: UserStatus | None = None
    """Only active, or only suspended ones."""

    email: str | None = None
    """Only the one with this address, in whatever case."""

    username: str | None = None
    """Only the one with this username, in whatever case."""

    def where(self, user: Any) -> list[ColumnElement[bool]]:
        found = [user.status == self.status] if self.status else []
        found += [user.email == self.email.lower()] if self.email is not None else []
        return found + ([user.username == self.username.lower()] if self.username is not None else [])


@input
class ActivityFilter:
    """Which activity to list."""

    user_id: relay.GlobalID | None = None
    """Only this user's."""

    resource_type: str | None = None
    """Only what was done to objects of this type, such as `Project`."""

    def where(self, log: Any) -> list[ColumnElement[bool]]:
        own = [log.user_id == key_of(self.user_id, models.User, "filter", "userId")] if self.user_id else []
        return own + ([log.resource_type == self.resource_type] if self.resource_type is not None else [])


@node(models.Permission)
class Permission(relay.Node):
    """Something a role may grant."""

    id: relay.NodeID[UUID]

    resource: str
    """What it is about, such as `documents`."""

    action: str
    """What may be done, such as `read`."""

    description: str | None
    """What it allows, in words."""

    @field(needs=("resource", "action"))
    def name(self) -> str:
        """As it is written: `resource:action`."""
        return f"{self.resource}:{self.action}"


@node(models.Role)
class Role(relay.Node):
    """What a person is to their company."""

    id: relay.NodeID[UUID]

    name: RoleName
    """Which of the seven roles."""

    description: str | None
    """What it is for."""

    @field(needs=("id",))
    async def permissions(self, info: Info) -> list[Permission]:
        """What it grants, by name; a few dozen at most."""
        return await info.context.loaders.by(permissions_of).load(self.id) or []


@node(models.Company)
class Company(relay.Node):
    """A tenant: an organisation, one person alone, or the platform itself."""

    id: relay.NodeID[UUID]

    name: str
    """Unique on the platform."""

    industry: str | None
    """Such as `Manufacturing`; an open vocabulary."""

    kind: CompanyKind
    """Why it exists."""

    database_name: str | None
    """The dedicated database that it lives in; null in the pool."""

    is_active: bool
    """Whether its people may sign in."""

    created_at: datetime
    """When it was made."""

    users: Connection[User] = connection(models.Company.users, orders=UserOrder, filter=UserFilter)
    """Its people, as far as the viewer may see them."""


@node(models.User)
class User(relay.Node):
    """A person who signs in."""

    id: relay.NodeID[UUID]

    email: str
    """In lower case; a login."""

    username: str
    """In lower case; the other login."""

    full_name: str | None
    """How others see them."""

    name: str | None = alias("full_name", "Use `fullName`.")
    """The full name."""

    company_label: str | None
    """The company as the person wrote it; not the tenant."""

    profession: str | None
    """Such as `architect`; an open vocabulary."""

    company: Company | None = relation(models.User.company)
    """The tenant they belong to."""

    role: Role = relation(models.User.role)
    """What they are to their company."""

    status: UserStatus
    """Whether they may sign in."""

    preferences: JSON
    """What clients keep for them, such as a theme."""

    preferred_llm: LlmProvider
    """Where their language model runs."""

    explainability_level: ExplainabilityLevel
    """How much reasoning their answers show."""

    has_completed_onboarding: bool
    """Whether they have been through onboarding."""

    last_login_at: datetime | None
    """When they last signed in."""

    created_at: datetime
    """When they were added."""

    updated_at: datetime
    """When anything of this last changed."""

    projects: Connection[ProjectRef] = connection(
        models.User.projects, orders=ProjectOrder, filter=ProjectFilter
    )
    """Those that they own, newest first."""

    @field(needs=("status",))
    def is_active(self) -> bool:
        """Whether the status is `ACTIVE`."""
        return self.status is UserStatus.ACTIVE

    @field(needs=("role_id",))
    async def is_admin(self, info: Info) -> bool:
        """Whether the role is that of an administrator."""
        row: Any = self
        role = await info.context.loaders.one(models.Role, ("id", "name")).load(row.role_id)
        return role.name in ADMINS


@node(models.ActivityLog)
class ActivityLog(relay.Node):
    """What somebody did."""

    id: relay.NodeID[UUID]

    user: User | None = relation(models.ActivityLog.user)
    """Who; null when they are gone, or out of the viewer's sight."""

    action: str
    """What, such as `PROJECT_CREATE`."""

    resource_type: str | None
    """The type of what it was done to."""

    resource_id: str | None
    """The key of what it was done to."""

    metadata: JSON | None = strawberry.field(
        resolver=lambda root: root.metadata_, metadata={"needs": ("metadata_",)}
    )
    """More about it."""

    timestamp: datetime
    """When."""


@output
class IdentityQueries:
    @field
    async def me(self, info: Info) -> User:
        """Who is signed in."""
        viewer = info.context.viewer
        loader = info.context.loaders.one(models.User, columns(info, models.User))
        user: User = await loader.load(viewer.user_id)
        return user

    user: User | None = lookup(models.User, "A user, by id.")
    company: Company | None = lookup(models.Company, "A company, by id.")
    role: Role | None = lookup(models.Role, "A role, by id.")
    permission: Permission | None = lookup(models.Permission, "A permission, by id.")
    activity_log: ActivityLog | None = lookup(models.ActivityLog, "One thing that was done, by id.")

    users: Connection[User] = connection(models.User, orders=UserOrder, filter=UserFilter)
    """Every user the viewer may see, newest first."""

    companies: Connection[Company] = connection(models.Company, orders=CompanyOrder)
    """Every company the viewer may see, by name."""

    roles: Connection[Role] = connection(models.Role)
    """The seven roles."""

    permissions: Connection[Permission] = connection(models.Permission)
    """Everything a role may grant."""

    activity: Connection[ActivityLog] = connection(
        models.ActivityLog, orders=ActivityOrder, filter=ActivityFilter
    )
    """What was done in the company, newest first: everybody's for who may read it, else one's own."""

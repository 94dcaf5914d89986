"""Mutations of users."""

from __future__ import annotations

import strawberry
from strawberry import relay
from strawberry.scalars import JSON

from db import models
from db.models import ExplainabilityLevel, LlmProvider, RoleName
from resolvers import access
from resolvers.chat import providers
from resolvers.identity import users
from schema.framework.context import Info
from schema.framework.decorators import input, output
from schema.framework.global_ids import key_of
from schema.framework.payloads import (
    ConditionalUpdate,
    IdempotentInput,
    Payload,
    input_changes,
    input_values,
    mutation,
)
from schema.identity.types import User


@input
class UserCreateInput(IdempotentInput):
    """Input of `userCreate`."""

    email: str
    """Email address. Unique on the platform."""

    role: RoleName
    """Role of the user. It cannot be higher than the role of the viewer."""

    password: str | None = None
    """Password. Without one the user cannot sign in with a password."""

    username: str | None = None
    """Username. Derived from the email address by default."""

    full_name: str | None = None
    """Full name."""

    profession: str | None = None
    """Profession, such as `architect`."""

    company_id: relay.GlobalID | None = None
    """Global ID of the company. Defaults to the company of the viewer. Platform administrators can choose
    any.
    """


@input
class UserUpdateInput(ConditionalUpdate):
    """Fields to change. Fields that are omitted keep their value."""

    full_name: strawberry.Maybe[str | None]
    """Full name."""

    company_label: strawberry.Maybe[str | None]
    """Company name as entered by the user."""

    profession: strawberry.Maybe[str | None]
    """Profession, such as `architect`."""

    preferences: strawberry.Maybe[JSON]
    """Preferences. Replaces all existing ones."""

    preferred_llm: strawberry.Maybe[LlmProvider]
    """Preferred provider of language models."""

    explainability_level: strawberry.Maybe[ExplainabilityLevel]
    """Amount of reasoning shown with answers."""

    has_completed_onboarding: strawberry.Maybe[bool]
    """Whether the user has completed the onboarding."""

    role: strawberry.Maybe[RoleName]
    """Role of the user. It cannot be higher than the role of the viewer."""


@output
class UserCreatePayload(Payload):
    user: User | None = None
    """The new user."""


@output
class UserUpdatePayload(Payload):
    user: User | None = None
    """The updated user."""


@output
class UserSuspendPayload(Payload):
    user: User | None = None
    """The updated user."""


@output
class UserRestorePayload(Payload):
    user: User | None = None
    """The updated user."""


@output
class UserApprovePayload(Payload):
    user: User | None = None
    """The updated user."""


@output
class UserMutations:
    @mutation(idempotent=True)
    async def user_create(self, info: Info, input: UserCreateInput) -> UserCreatePayload:
        """Add a user to a company."""
        viewer = info.context.viewer
        company = key_of(input.company_id, models.Company, "input", "companyId") if input.company_id else None
        if company not in (None, viewer.company_id) and not viewer.has_permission("platform:manage"):
            raise access.not_found(models.Company, "input", "companyId")
        async with info.context.write(company) as uow:
            await access.find(uow, viewer, models.Company, uow.company_id, "input", "companyId")
            user = await users.create(uow, viewer, **input_values(input, omit=("company_id",)))
        return UserCreatePayload.of(user=user)

    @mutation
    async def user_update(self, info: Info, id: relay.GlobalID, input: UserUpdateInput) -> UserUpdatePayload:
        """Update a user. Updating another user requires `users:update`."""
        values = input_changes(input)
        providers.validate_provider(
            info.context.services.settings, values.get("preferred_llm"), "input", "preferredLlm"
        )
        key = key_of(id, models.User)
        async with info.context.write() as uow:
            await access.require_unchanged(
                uow, info.context.viewer, models.User, key, input.expected_updated_at
            )
            user = await users.update(uow, info.context.viewer, key, values)
        info.context.services.viewers.forget(key)
        return UserUpdatePayload.of(user=user)

    @mutation
    async def user_suspend(self, info: Info, id: relay.GlobalID) -> UserSuspendPayload:
        """Suspend a user and end all of their sessions."""
        key = key_of(id, models.User)
        async with info.context.write() as uow:
            user = await users.suspend(uow, info.context.viewer, key)
        info.context.services.viewers.forget(key)
        return UserSuspendPayload.of(user=user)

    @mutation
    async def user_restore(self, info: Info, id: relay.GlobalID) -> UserRestorePayload:
        """Restore a suspended user."""
        key = key_of(id, models.User)
        async with info.context.write() as uow:
            user = await users.restore(uow, info.context.viewer, key)
        info.context.services.viewers.forget(key)
        return UserRestorePayload.of(user=user)

    @mutation
    async def user_approve(self, info: Info, id: relay.GlobalID) -> UserApprovePayload:
        """Approve the registration of a user with the status `PENDING`. Requires `platform:manage`."""
        key = key_of(id, models.User)
        async with info.context.write() as uow:
            user = await users.approve(uow, info.context.viewer, key)
        info.context.services.viewers.forget(key)
        return UserApprovePayload.of(user=user)

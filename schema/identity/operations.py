"""Mutations of users, companies and sessions."""

from __future__ import annotations

from typing import Any

import strawberry
from strawberry import relay
from strawberry.scalars import JSON

from db import models
from db.models import ExplainabilityLevel, LlmProvider, RoleName
from resolvers import access
from resolvers.chat import providers
from resolvers.identity import accounts, companies, placement, users
from resolvers.identity.refresh_tokens import TokenPair
from schema.framework.context import Context, Info
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
from schema.identity.types import Company, User
from schema.lazy_types import ProcessingJobRef


@input
class UserRegisterInput:
    """Input of `userRegister`."""

    email: str
    """Email address. Unique on the platform."""

    password: str
    """Password of 10 to 200 characters, at least four of them different."""

    full_name: str | None = None
    """Full name."""

    username: str | None = None
    """Username. Derived from the email address by default."""


@input
class UserSignInInput:
    """Input of `userSignIn`."""

    login: str
    """Email address or username. Case-insensitive."""

    password: str
    """Password."""


@input
class TokenRefreshInput:
    """Input of `tokenRefresh`."""

    refresh_token: str
    """Refresh token from the last sign-in or refresh. Valid for a single use."""


@input
class UserSignOutInput:
    """Input of `userSignOut`."""

    refresh_token: str | None = None
    """Refresh token of the session to end. By default all sessions of the viewer end."""


@input
class CompanyCreateInput(IdempotentInput):
    """Input of `companyCreate`."""

    name: str
    """Name. Unique on the platform."""

    industry: str | None = None
    """Industry, such as `Manufacturing`."""

    dedicated: bool | None = None
    """Whether the company gets a database of its own. The default is a setting of the installation. Platform
    administrators only.
    """

    server: str | None = None
    """Server of that database, as named in the settings of the installation. Default `primary`. Platform
    administrators only.
    """


@input
class CompanyPlaceInput:
    """Input of `companyPlace`."""

    dedicated: bool
    """Whether the company gets a database of its own, or is stored in the shared one."""

    server: str | None = None
    """Server of the database of its own, as named in the settings of the installation. Default `primary`."""


@input
class CompanyUpdateInput:
    """Fields to change. Fields that are omitted keep their value."""

    name: strawberry.Maybe[str]
    """Name. Unique on the platform."""

    industry: strawberry.Maybe[str | None]
    """Industry, such as `Manufacturing`."""

    is_active: strawberry.Maybe[bool]
    """Whether users of the company can sign in. Platform administrators only."""


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
class UserRegisterPayload(Payload):
    access_token: str | None = None
    """Access token for the `Authorization: Bearer` header. Valid for a few minutes."""

    refresh_token: str | None = None
    """Refresh token for `tokenRefresh`. Valid for a single use."""

    user: User | None = None
    """The signed-in user."""


@output
class UserSignInPayload(Payload):
    access_token: str | None = None
    """Access token for the `Authorization: Bearer` header. Valid for a few minutes."""

    refresh_token: str | None = None
    """Refresh token for `tokenRefresh`. Valid for a single use."""

    user: User | None = None
    """The signed-in user."""


@output
class TokenRefreshPayload(Payload):
    access_token: str | None = None
    """Access token for the `Authorization: Bearer` header. Valid for a few minutes."""

    refresh_token: str | None = None
    """Refresh token for the next `tokenRefresh`. Valid for a single use."""

    user: User | None = None
    """The signed-in user."""


@output
class UserSignOutPayload(Payload):
    pass


@output
class CompanyCreatePayload(Payload):
    company: Company | None = None
    """The new company."""


@output
class CompanyPlacePayload(Payload):
    company: Company | None = None
    """The company, where it is before the move."""

    job: ProcessingJobRef | None = None
    """The job that moves the company. Null if it is there already."""


@output
class CompanyUpdatePayload(Payload):
    company: Company | None = None
    """The updated company."""


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
class IdentityMutations:
    @mutation
    async def user_register(self, info: Info, input: UserRegisterInput) -> UserRegisterPayload:
        """Register a user with a personal company, and sign in.

        An existing account with this password is signed in. With another password, the refusal does not name
        the reason.
        """
        tokens = await accounts.register(
            info.context.services.database,
            info.context.services.settings,
            info.context.services.token_signer,
            email=input.email,
            password=input.password,
            full_name=input.full_name,
            username=input.username,
        )
        return UserRegisterPayload.of(**await signed_in(info.context, tokens))

    @mutation
    async def user_sign_in(self, info: Info, input: UserSignInInput) -> UserSignInPayload:
        """Sign in by email address or username. Ten failed attempts lock the login for 15 minutes."""
        services = info.context.services
        tokens = await accounts.sign_in(
            services.database, services.token_signer, login=input.login, password=input.password
        )
        return UserSignInPayload.of(**await signed_in(info.context, tokens))

    @mutation
    async def token_refresh(self, info: Info, input: TokenRefreshInput) -> TokenRefreshPayload:
        """Exchange a refresh token for a new pair of tokens. Reusing a refresh token revokes the session."""
        services = info.context.services
        tokens = await accounts.refresh(services.database, services.token_signer, input.refresh_token)
        return TokenRefreshPayload.of(**await signed_in(info.context, tokens))

    @mutation
    async def user_sign_out(self, info: Info, input: UserSignOutInput | None = None) -> UserSignOutPayload:
        """End one session or all sessions of the viewer. Access tokens stay valid until they expire."""
        services, viewer = info.context.services, info.context.viewer
        await accounts.sign_out(services.database, viewer, input.refresh_token if input else None)
        return UserSignOutPayload()

    @mutation
    async def company_create(self, info: Info, input: CompanyCreateInput) -> CompanyCreatePayload:
        """Create a company. Requires `companies:create`."""
        company = await companies.create(
            info.context.services.database,
            info.context.services.settings,
            info.context.viewer,
            name=input.name,
            industry=input.industry,
            dedicated=input.dedicated,
            server=input.server,
            key=input.idempotency_key,
        )
        return CompanyCreatePayload.of(company=company)

    @mutation
    async def company_place(
        self, info: Info, id: relay.GlobalID, input: CompanyPlaceInput
    ) -> CompanyPlacePayload:
        """Move a company to a database of its own, or to the shared one, while its users work. Requires
        `platform:manage`.
        """
        viewer, settings = info.context.viewer, info.context.services.settings
        key = key_of(id, models.Company)
        async with info.context.write() as uow:
            company, job = await placement.move(
                uow, settings, viewer, key, dedicated=input.dedicated, server=input.server
            )
        return CompanyPlacePayload.of(company=company, job=job)

    @mutation
    async def company_update(
        self, info: Info, id: relay.GlobalID, input: CompanyUpdateInput
    ) -> CompanyUpdatePayload:
        """Update a company."""
        values = input_changes(input)
        key = key_of(id, models.Company)
        async with info.context.write() as uow:
            company = await companies.update(uow, info.context.viewer, key, values)
        info.context.services.viewers.forget()
        return CompanyUpdatePayload.of(company=company)

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


async def signed_in(context: Context, tokens: TokenPair) -> dict[str, Any]:
    """The tokens and the user, who becomes the viewer of the operation."""
    await context.sign_in(tokens.user_id)
    every = tuple(sorted(models.User.__mapper__.column_attrs.keys()))
    user = await context.loaders.one(models.User, every).load(tokens.user_id)
    return {"access_token": tokens.access_token, "refresh_token": tokens.refresh_token, "user": user}

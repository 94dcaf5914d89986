"""What can be done in the identity domain."""

from __future__ import annotations

from typing import Any

import strawberry
from strawberry import relay
from strawberry.scalars import JSON

from core.errors import NotFound
from db import models
from db.models import ExplainabilityLevel, LlmProvider, RoleName
from resolvers import access
from resolvers.chat import providers
from resolvers.identity import accounts, companies, users
from resolvers.identity.tokens import Tokens
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


@input
class UserRegisterInput:
    """A person who comes on their own."""

    email: str
    """A login, unique on the platform."""

    password: str
    """10 to 200 characters, four different ones at least."""

    full_name: str | None = None
    """How others see them."""

    username: str | None = None
    """The other login; made from the email unless given."""


@input
class UserSignInInput:
    """Who signs in."""

    login: str
    """Email or username, in whatever case."""

    password: str
    """The password."""


@input
class TokenRefreshInput:
    """Staying signed in."""

    refresh_token: str
    """From signing in or from the last refresh; good for one use."""


@input
class UserSignOutInput:
    """Signing out."""

    refresh_token: str | None = None
    """Ends this sign-in; without it every sign-in of the viewer ends."""


@input
class CompanyCreateInput(IdempotentInput):
    """A new organisation."""

    name: str
    """Unique on the platform."""

    industry: str | None = None
    """Such as `Manufacturing`."""


@input
class CompanyUpdateInput:
    """What to change; what is left out stays."""

    name: strawberry.Maybe[str]
    """Unique on the platform."""

    industry: strawberry.Maybe[str | None]
    """Such as `Manufacturing`."""

    is_active: strawberry.Maybe[bool]
    """Whether its people may sign in; for the platform to say."""


@input
class UserCreateInput(IdempotentInput):
    """A person to add to a company."""

    email: str
    """A login, unique on the platform."""

    role: RoleName
    """What they are to the company; nobody gives a role above their own."""

    password: str | None = None
    """Without one they cannot sign in with a password."""

    username: str | None = None
    """The other login; made from the email unless given."""

    full_name: str | None = None
    """How others see them."""

    profession: str | None = None
    """Such as `architect`."""

    company_id: relay.GlobalID | None = None
    """The viewer's own company unless given; another one is for the platform."""


@input
class UserUpdateInput(ConditionalUpdate):
    """What to change; what is left out stays."""

    full_name: strawberry.Maybe[str | None]
    """How others see them."""

    company_label: strawberry.Maybe[str | None]
    """The company as the person wrote it."""

    profession: strawberry.Maybe[str | None]
    """Such as `architect`."""

    preferences: strawberry.Maybe[JSON]
    """Replaces all preferences."""

    preferred_llm: strawberry.Maybe[LlmProvider]
    """Where their language model runs."""

    explainability_level: strawberry.Maybe[ExplainabilityLevel]
    """How much reasoning their answers show."""

    has_completed_onboarding: strawberry.Maybe[bool]
    """Whether they have been through onboarding."""

    role: strawberry.Maybe[RoleName]
    """What they are to the company; nobody gives a role above their own."""


@output
class UserRegisterPayload(Payload):
    access_token: str | None = None
    """For the `Authorization: Bearer` header; valid for minutes."""

    refresh_token: str | None = None
    """For `tokenRefresh`; good for one use."""

    user: User | None = None
    """Who is signed in now."""


@output
class UserSignInPayload(Payload):
    access_token: str | None = None
    """For the `Authorization: Bearer` header; valid for minutes."""

    refresh_token: str | None = None
    """For `tokenRefresh`; good for one use."""

    user: User | None = None
    """Who is signed in now."""


@output
class TokenRefreshPayload(Payload):
    access_token: str | None = None
    """For the `Authorization: Bearer` header; valid for minutes."""

    refresh_token: str | None = None
    """For the next `tokenRefresh`; good for one use."""

    user: User | None = None
    """Who is signed in."""


@output
class UserSignOutPayload(Payload):
    pass


@output
class CompanyCreatePayload(Payload):
    company: Company | None = None
    """The new company."""


@output
class CompanyUpdatePayload(Payload):
    company: Company | None = None
    """The company as it is now."""


@output
class UserCreatePayload(Payload):
    user: User | None = None
    """The new user."""


@output
class UserUpdatePayload(Payload):
    user: User | None = None
    """The user as they are now."""


@output
class UserSuspendPayload(Payload):
    user: User | None = None
    """The user as they are now."""


@output
class UserRestorePayload(Payload):
    user: User | None = None
    """The user as they are now."""


@output
class IdentityMutations:
    @mutation
    async def user_register(self, info: Info, input: UserRegisterInput) -> UserRegisterPayload:
        """Come alone: an account, a personal company to administer, and a first sign-in."""
        tokens = await accounts.register(
            info.context.services.database,
            info.context.services.keys,
            email=input.email,
            password=input.password,
            full_name=input.full_name,
            username=input.username,
        )
        return UserRegisterPayload.of(**await signed_in(info.context, tokens))

    @mutation
    async def user_sign_in(self, info: Info, input: UserSignInInput) -> UserSignInPayload:
        """Sign in by email or username. Ten refusals close a login for a quarter of an hour."""
        services = info.context.services
        tokens = await accounts.sign_in(
            services.database, services.keys, login=input.login, password=input.password
        )
        return UserSignInPayload.of(**await signed_in(info.context, tokens))

    @mutation
    async def token_refresh(self, info: Info, input: TokenRefreshInput) -> TokenRefreshPayload:
        """A new pair of tokens. Using a refresh token twice ends every token of its chain."""
        services = info.context.services
        tokens = await accounts.refresh(services.database, services.keys, input.refresh_token)
        return TokenRefreshPayload.of(**await signed_in(info.context, tokens))

    @mutation
    async def user_sign_out(self, info: Info, input: UserSignOutInput | None = None) -> UserSignOutPayload:
        """End this sign-in, or all of the viewer's. Access tokens stay valid for their last minutes."""
        services, viewer = info.context.services, info.context.viewer
        await accounts.sign_out(services.database, viewer, input.refresh_token if input else None)
        return UserSignOutPayload()

    @mutation
    async def company_create(self, info: Info, input: CompanyCreateInput) -> CompanyCreatePayload:
        """Make a company; for the platform."""
        company = await companies.create(
            info.context.services.database,
            info.context.viewer,
            name=input.name,
            industry=input.industry,
            key=input.idempotency_key,
        )
        return CompanyCreatePayload.of(company=company)

    @mutation
    async def company_update(
        self, info: Info, id: relay.GlobalID, input: CompanyUpdateInput
    ) -> CompanyUpdatePayload:
        """Change a company."""
        given = input_changes(input)
        key = key_of(id, models.Company)
        async with info.context.write() as uow:
            company = await companies.update(uow, info.context.viewer, key, given)
        return CompanyUpdatePayload.of(company=company)

    @mutation(idempotent=True)
    async def user_create(self, info: Info, input: UserCreateInput) -> UserCreatePayload:
        """Add a person to the company."""
        viewer = info.context.viewer
        company = key_of(input.company_id, models.Company, "input", "companyId") if input.company_id else None
        if company not in (None, viewer.company_id) and not viewer.may("platform:manage"):
            raise NotFound("There is no such company.", "input", "companyId")
        async with info.context.write(company) as uow:
            await access.find(uow, viewer, models.Company, uow.company_id, "input", "companyId")
            user = await users.create(uow, viewer, **input_values(input, omit=("company_id",)))
        return UserCreatePayload.of(user=user)

    @mutation
    async def user_update(self, info: Info, id: relay.GlobalID, input: UserUpdateInput) -> UserUpdatePayload:
        """Change a person: everybody themselves, who manages people the others too."""
        given = input_changes(input)
        providers.validate_provider(
            info.context.services.settings, given.get("preferred_llm"), "input", "preferredLlm"
        )
        key = key_of(id, models.User)
        async with info.context.write() as uow:
            await access.unchanged_since(
                uow, info.context.viewer, models.User, key, input.expected_updated_at
            )
            user = await users.update(uow, info.context.viewer, key, given)
        return UserUpdatePayload.of(user=user)

    @mutation
    async def user_suspend(self, info: Info, id: relay.GlobalID) -> UserSuspendPayload:
        """Sign a person out everywhere and let them in no more."""
        async with info.context.write() as uow:
            user = await users.suspend(uow, info.context.viewer, key_of(id, models.User))
        return UserSuspendPayload.of(user=user)

    @mutation
    async def user_restore(self, info: Info, id: relay.GlobalID) -> UserRestorePayload:
        """Let a suspended person in again."""
        async with info.context.write() as uow:
            user = await users.restore(uow, info.context.viewer, key_of(id, models.User))
        return UserRestorePayload.of(user=user)


async def signed_in(context: Context, tokens: Tokens) -> dict[str, Any]:
    """The tokens and the user, who is the operation's viewer from here on."""
    await context.sign_in(tokens.user_id)
    every = tuple(sorted(models.User.__mapper__.column_attrs.keys()))
    user = await context.loaders.one(models.User, every).load(tokens.user_id)
    return {"access_token": tokens.access_token, "refresh_token": tokens.refresh_token, "user": user}

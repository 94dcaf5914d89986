"""Verifying and changing email addresses."""

from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update

from core.errors import Conflict, Invalid
from core.settings import Settings
from db.database import Database
from db.models import OneTimeToken, TokenPurpose, User, UserStatus
from resolvers import activity_log, validators
from resolvers.access import Viewer
from resolvers.identity import mails, one_time_tokens, password_changes
from resolvers.identity.jwt import TokenSigner
from resolvers.identity.sign_in_limits import Origin

PURPOSE = TokenPurpose.EMAIL_VERIFICATION
VERIFIED = "Your email address is verified already."


async def request_verification(database: Database, settings: Settings, viewer: Viewer) -> None:
    """Mail a token to the viewer's address. Raises `Conflict` if it is verified."""
    async with database.tenant(viewer.company_id, viewer.user_id, kind="platform") as uow:
        user = await uow.one(select(User.email, User.email_verified_at).where(User.id == viewer.user_id))
        if user.email_verified_at is not None:
            raise Conflict(VERIFIED)
        await mails.enqueue_verification(uow, settings, user.email, viewer.user_id)


async def request_change(
    database: Database,
    settings: Settings,
    signer: TokenSigner,
    viewer: Viewer,
    origin: Origin,
    *,
    email: str,
    password: str,
) -> None:
    """Mail a token to the new address. The address changes when the token is used, if nobody has it."""
    address = validators.email(email, "input", "email")
    await password_changes.require_password(database, signer, viewer, origin, password, "input", "password")
    async with database.tenant(viewer.company_id, viewer.user_id, kind="platform") as uow:
        await mails.enqueue_verification(uow, settings, address, viewer.user_id)


async def verify(database: Database, settings: Settings, token: str) -> UUID:
    """Make the token's address the verified address of its user; returns the user.

    Who registered for an address of a domain of `REGISTRATION_DOMAINS` may sign in from then on.
    """
    async with database.platform(read_only=True) as uow:
        found: Any = await uow.first(
            select(User.id, User.company_id)
            .join(OneTimeToken, OneTimeToken.user_id == User.id)
            .where(OneTimeToken.digest == one_time_tokens.digest(token))
        )
    if found is None or found.company_id is None:
        raise Invalid(one_time_tokens.NOT_VALID, *one_time_tokens.PATH)
    async with database.tenant(found.company_id, found.id, kind="platform") as uow:
        row = await one_time_tokens.find(uow, PURPOSE, token)
        await one_time_tokens.use(uow, row)
        user = await uow.one(
            select(User.id, User.email, User.status).where(User.id == found.id).with_for_update()
        )
        taken = select(User.id).where(User.email == row.email, User.id != user.id)
        if user.status is UserStatus.SUSPENDED or await uow.scalar(taken):
            raise Invalid(one_time_tokens.NOT_VALID, *one_time_tokens.PATH)
        values: dict[str, Any] = {
            "email": row.email,
            "email_verified_at": func.now(),
            "updated_at": func.now(),
        }
        if user.status is UserStatus.PENDING and settings.is_registered_domain(row.email):
            values["status"] = UserStatus.ACTIVE
        await uow.execute(update(User).where(User.id == user.id).values(values))
        if user.email != row.email:
            await mails.enqueue(uow, "email_changed", user.id, user.email)
        await activity_log.record(uow, user.id, "USER_EMAIL_VERIFY", "User", user.id)
    id: UUID = user.id
    return id

"""Changing and resetting passwords. Both end the sessions of the user."""

from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update

from core.errors import Invalid
from core.settings import Settings
from db.database import Database
from db.models import OneTimeToken, TokenPurpose, User, UserStatus
from db.uow import UnitOfWork
from resolvers import activity_log, validators
from resolvers.access import Viewer
from resolvers.identity import accounts, mails, one_time_tokens, passwords, refresh_tokens
from resolvers.identity.jwt import TokenSigner
from resolvers.identity.refresh_tokens import TokenPair
from resolvers.identity.sign_in_limits import Origin

WRONG_PASSWORD = "The current password is incorrect."


async def change(
    database: Database, signer: TokenSigner, viewer: Viewer, origin: Origin, *, current: str, new: str
) -> TokenPair:
    """Change the viewer's own password: all of their sessions end, and a new one begins."""
    passwords.validate(new, "input", "newPassword")
    await require_password(database, signer, viewer, origin, current, "input", "currentPassword")
    hashed = await passwords.hash(new)
    async with database.tenant(viewer.company_id, viewer.user_id, kind="platform") as uow:
        await store(uow, viewer.user_id, hashed)
        await activity_log.record(uow, viewer.user_id, "USER_PASSWORD_CHANGE", "User", viewer.user_id)
        return await refresh_tokens.issue(uow, signer, viewer.user_id, origin)


async def require_password(
    database: Database,
    signer: TokenSigner,
    viewer: Viewer,
    origin: Origin,
    password: str,
    *path: str,
    is_complete: bool = True,
) -> None:
    """Raise `Invalid` unless this is the viewer's password. Wrong ones count as failed sign-ins."""
    if not await accounts.verify_password(
        database, signer, viewer.user_id, password, origin, path[-1], is_complete=is_complete
    ):
        raise Invalid(WRONG_PASSWORD, *path)


async def request_reset(database: Database, settings: Settings, email: str) -> None:
    """Mail a token to the address if a user has it. The work is the same for every address."""
    address = validators.email(email, "input", "email")
    company_id = await mails.platform_company(database)
    if company_id is None:
        return
    async with database.tenant(company_id, kind="platform") as uow:
        purpose = TokenPurpose.PASSWORD_RESET
        if id := await one_time_tokens.issue(uow, settings, purpose, address):
            await mails.enqueue(uow, purpose.value, id)


async def reset(database: Database, *, token: str, new: str) -> UUID:
    """Set a new password by a token of a mail, which also verifies the address; returns the user."""
    passwords.validate(new, "input", "newPassword")
    async with database.platform(read_only=True) as uow:
        user_id, company_id = await _user_of(uow, token)
    hashed = await passwords.hash(new)
    async with database.tenant(company_id, user_id, kind="platform") as uow:
        row = await one_time_tokens.find(uow, TokenPurpose.PASSWORD_RESET, token)
        await one_time_tokens.use(uow, row)
        await store(uow, user_id, hashed, email_verified_at=func.now())
        await activity_log.record(uow, user_id, "USER_PASSWORD_RESET", "User", user_id)
    return user_id


async def _user_of(uow: UnitOfWork, token: str) -> tuple[UUID, UUID]:
    """The user of a token, and their company."""
    digest = one_time_tokens.digest(token)
    row: Any = await uow.first(
        select(User.id, User.company_id)
        .join(OneTimeToken, OneTimeToken.email == User.email)
        .where(
            OneTimeToken.digest == digest,
            OneTimeToken.purpose == TokenPurpose.PASSWORD_RESET,
            User.status != UserStatus.SUSPENDED,
            User.company_id.is_not(None),
        )
    )
    if row is None:
        raise Invalid(one_time_tokens.NOT_VALID, *one_time_tokens.PATH)
    return row.id, row.company_id


async def store(uow: UnitOfWork, user_id: UUID, hashed: str, **values: object) -> None:
    """Store a password, end all sessions, and tell the user by mail."""
    await uow.execute(update(User).where(User.id == user_id).values(hashed_password=hashed, **values))
    await refresh_tokens.revoke_all(uow, user_id)
    await mails.enqueue(uow, "password_changed", user_id)

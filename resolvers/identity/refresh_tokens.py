"""Rotating refresh tokens: issue, rotate, revoke."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import insert, select, update

from core.errors import NotAuthenticated
from db.ids import new_id
from db.models import RefreshToken
from db.uow import UnitOfWork
from resolvers.identity.jwt import TokenSigner


@dataclass(frozen=True)
class TokenPair:
    """An access token and a refresh token."""

    access_token: str
    refresh_token: str
    user_id: UUID


async def issue(uow: UnitOfWork, signer: TokenSigner, user_id: UUID, family: UUID | None = None) -> TokenPair:
    """Issue a new pair. The refresh token continues `family`, or starts one."""
    refresh = secrets.token_urlsafe(32)
    await uow.execute(
        insert(RefreshToken).values(
            user_id=user_id,
            family=family or new_id(),
            digest=_digest(refresh),
            expires_at=datetime.now(UTC) + signer.refresh_ttl,
        )
    )
    return TokenPair(signer.access_token(user_id), refresh, user_id)


async def rotate(uow: UnitOfWork, signer: TokenSigner, refresh: str) -> TokenPair | None:
    """Exchange an unused refresh token for a new pair.

    A token that was used before is considered stolen: its family is revoked and None returned, so that the
    caller commits and then refuses. Raises `NotAuthenticated` for an unknown, expired or revoked token.
    """
    statement = select(RefreshToken).where(RefreshToken.digest == _digest(refresh)).with_for_update()
    token = await uow.first(statement)
    if token is None or token.revoked_at is not None or token.expires_at <= datetime.now(UTC):
        raise NotAuthenticated("The refresh token is not valid.", "input", "refreshToken")
    if token.used_at is not None:
        await revoke(uow, token.family)
        return None
    now = datetime.now(UTC)
    await uow.execute(update(RefreshToken).where(RefreshToken.id == token.id).values(used_at=now))
    return await issue(uow, signer, token.user_id, token.family)


async def revoke(uow: UnitOfWork, family: UUID) -> None:
    """Revoke every token of a family."""
    statement = update(RefreshToken).where(RefreshToken.family == family, RefreshToken.revoked_at.is_(None))
    await uow.execute(statement.values(revoked_at=datetime.now(UTC)))


async def revoke_all(uow: UnitOfWork, user_id: UUID) -> None:
    """Revoke every refresh token of a user."""
    statement = update(RefreshToken).where(RefreshToken.user_id == user_id, RefreshToken.revoked_at.is_(None))
    await uow.execute(statement.values(revoked_at=datetime.now(UTC)))


async def find_family(uow: UnitOfWork, user_id: UUID, refresh: str) -> UUID | None:
    """The family of a refresh token of this user, if any."""
    own = RefreshToken.user_id == user_id, RefreshToken.digest == _digest(refresh)
    family: UUID | None = await uow.scalar(select(RefreshToken.family).where(*own))
    return family


def _digest(refresh: str) -> bytes:
    return hashlib.sha256(refresh.encode(errors="replace")).digest()

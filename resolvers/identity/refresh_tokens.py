"""Rotating refresh tokens: issue, rotate, revoke. The tokens of one sign-in are a family: a session."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import func, insert, select, update

from core.errors import NotAuthenticated
from db.ids import new_id
from db.models import RefreshToken
from db.uow import UnitOfWork
from resolvers.identity.jwt import TokenSigner
from resolvers.identity.sign_in_limits import UNKNOWN_ORIGIN, Origin

CONCURRENT_USE = timedelta(seconds=10)
"""Time after the first use of a token in which other tabs of the browser may use it."""


@dataclass(frozen=True)
class TokenPair:
    """An access token and a refresh token."""

    access_token: str
    refresh_token: str
    user_id: UUID


async def issue(
    uow: UnitOfWork,
    signer: TokenSigner,
    user_id: UUID,
    origin: Origin = UNKNOWN_ORIGIN,
    previous: RefreshToken | None = None,
) -> TokenPair:
    """Issue a new pair. The refresh token continues the family of the previous one, or starts one."""
    refresh = secrets.token_urlsafe(32)
    family = previous.family if previous else new_id()
    await uow.execute(
        insert(RefreshToken).values(
            user_id=user_id,
            family=family,
            previous_id=previous.id if previous else None,
            digest=_digest(refresh),
            expires_at=datetime.now(UTC) + signer.refresh_ttl,
            signed_in_at=previous.signed_in_at if previous else func.now(),
            address=_printable(origin.address),
            user_agent=_printable(origin.user_agent),
        )
    )
    return TokenPair(signer.access_token(user_id, family), refresh, user_id)


async def rotate(
    uow: UnitOfWork,
    signer: TokenSigner,
    refresh: str,
    began_at: datetime | None = None,
    origin: Origin = UNKNOWN_ORIGIN,
) -> TokenPair | None:
    """Exchange a refresh token for a new pair, in a request that began at this time.

    Tabs of a browser that share a token may use it at once: each gets a pair. A later use is considered
    theft: the family is revoked and None returned, so that the caller commits and then refuses. Raises
    `NotAuthenticated` for an unknown, expired or revoked token.
    """
    began_at = began_at or datetime.now(UTC)
    statement = select(RefreshToken).where(RefreshToken.digest == _digest(refresh)).with_for_update()
    token = await uow.first(statement)
    if token is None or token.revoked_at is not None or token.expires_at <= datetime.now(UTC):
        raise NotAuthenticated("The refresh token is not valid.", "input", "refreshToken")
    if token.used_at is None:
        now = datetime.now(UTC)
        await uow.execute(update(RefreshToken).where(RefreshToken.id == token.id).values(used_at=now))
    elif not await _is_concurrent(uow, token, began_at):
        await revoke(uow, token.family)
        return None
    return await issue(uow, signer, token.user_id, origin, token)


async def _is_concurrent(uow: UnitOfWork, token: RefreshToken, began_at: datetime) -> bool:
    """Whether a further use of a token came with the first one, before any of its successors was used."""
    assert token.used_at is not None
    if began_at > token.used_at + CONCURRENT_USE:
        return False
    used_successor = select(RefreshToken.id).where(
        RefreshToken.family == token.family,
        RefreshToken.previous_id == token.id,
        RefreshToken.used_at <= began_at,
    )
    return await uow.scalar(used_successor.limit(1)) is None


async def revoke(uow: UnitOfWork, family: UUID) -> None:
    """Revoke every token of a family."""
    statement = update(RefreshToken).where(RefreshToken.family == family, RefreshToken.revoked_at.is_(None))
    await uow.execute(statement.values(revoked_at=datetime.now(UTC)))


async def revoke_all(uow: UnitOfWork, user_id: UUID, except_family: UUID | None = None) -> None:
    """Revoke every refresh token of a user, except for those of one family."""
    statement = update(RefreshToken).where(RefreshToken.user_id == user_id, RefreshToken.revoked_at.is_(None))
    if except_family is not None:
        statement = statement.where(RefreshToken.family != except_family)
    await uow.execute(statement.values(revoked_at=datetime.now(UTC)))


async def find_family(uow: UnitOfWork, user_id: UUID, refresh: str) -> UUID | None:
    """The family of a refresh token of this user, if any."""
    own = RefreshToken.user_id == user_id, RefreshToken.digest == _digest(refresh)
    family: UUID | None = await uow.scalar(select(RefreshToken.family).where(*own))
    return family


def _printable(text: str | None) -> str | None:
    return "".join(filter(str.isprintable, text))[:255] if text else None


def _digest(refresh: str) -> bytes:
    return hashlib.sha256(refresh.encode(errors="replace")).digest()

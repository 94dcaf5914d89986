"""Sessions of the viewer: list and revoke. A session is a family of refresh tokens."""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on

from core.errors import Conflict, NotFound
from db.models import RefreshToken
from db.uow import UnitOfWork
from resolvers import activity_log
from resolvers.access import Viewer
from resolvers.identity import refresh_tokens

MAX_SESSIONS = 100


@dataclass(frozen=True)
class Session:
    """A sign-in of a user that has not ended, and the client that last used it."""

    id: UUID
    user_agent: str | None
    address: str | None
    created_at: datetime | None
    last_used_at: datetime
    is_current: bool


async def list_all(uow: UnitOfWork, viewer: Viewer, count: int) -> list[Session]:
    """The viewer's sessions that have not ended, the last used first."""
    own = RefreshToken.user_id == viewer.user_id
    ended = select(RefreshToken.family).where(own, RefreshToken.revoked_at.is_not(None))
    newest = (
        select(RefreshToken)
        .where(own, RefreshToken.expires_at > datetime.now(UTC), RefreshToken.family.not_in(ended))
        .order_by(RefreshToken.family, RefreshToken.created_at.desc(), RefreshToken.id.desc())
        .ext(distinct_on(RefreshToken.family))
        .subquery()
    )
    tokens = await uow.all(
        select(newest).order_by(newest.c.created_at.desc(), newest.c.family.desc()).limit(count)
    )
    return [
        Session(
            token.family,
            token.user_agent,
            token.address,
            token.signed_in_at,
            token.created_at,
            token.family == viewer.session_id,
        )
        for token in tokens
    ]


async def revoke(uow: UnitOfWork, viewer: Viewer, id: UUID) -> None:
    """End a session of the viewer. No effect on one that has ended. Raises `NotFound` for others'."""
    own = RefreshToken.user_id == viewer.user_id, RefreshToken.family == id
    if await uow.scalar(select(RefreshToken.id).where(*own).limit(1)) is None:
        raise NotFound("There is no such session.", "id")
    await refresh_tokens.revoke(uow, id)
    await activity_log.record(uow, viewer.user_id, "SESSION_REVOKE", "Session", id)


async def revoke_all(uow: UnitOfWork, viewer: Viewer, *, keep_current: bool) -> None:
    """End all sessions of the viewer, or all but the current one. Raises `Conflict` if that is not known."""
    if keep_current and viewer.session_id is None:
        message = "This access token names no session to keep. Refresh it, and try again."
        raise Conflict(message, "input", "keepCurrent")
    current = viewer.session_id if keep_current else None
    await refresh_tokens.revoke_all(uow, viewer.user_id, current)
    await activity_log.record(uow, viewer.user_id, "SESSION_REVOKE_ALL", "User", viewer.user_id)

"""Sessions of the viewer."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

import strawberry

from core.errors import Invalid
from resolvers import validators
from resolvers.identity import sessions
from schema.framework.context import Info
from schema.framework.decorators import input, output
from schema.framework.payloads import Payload, field, mutation

MaxSessions = Annotated[int, strawberry.argument(description="Maximum number of sessions. Default 25.")]
SessionID = Annotated[strawberry.ID, strawberry.argument(description="ID of the session.")]


@output
class Session:
    """A sign-in of the viewer that has not ended."""

    id: strawberry.ID
    """ID of the session, for `sessionRevoke`."""

    user_agent: str | None
    """`User-Agent` header of the client that used it last. Sent by the client: it proves nothing."""

    address: str | None
    """Network address of the client that used it last."""

    created_at: datetime | None
    """Time of the sign-in. Null if it was before sign-ins were recorded."""

    last_used_at: datetime
    """Time of the sign-in or the last `tokenRefresh`. The access token may have been used since."""

    is_current: bool
    """Whether the request belongs to this session."""


@input
class SessionRevokeAllInput:
    """Input of `sessionRevokeAll`."""

    keep_current: bool = False
    """If true, the session of the request goes on."""


@output
class SessionRevokePayload(Payload):
    pass


@output
class SessionRevokeAllPayload(Payload):
    pass


@output
class SessionQueries:
    @field
    async def sessions(self, info: Info, first: MaxSessions = 25) -> list[Session]:
        """Lists the sessions of the viewer that have not ended, the last used first. Maximum 100."""
        validators.within(first, 1, sessions.MAX_SESSIONS, "first")
        rows = await sessions.list_all(info.context.read(), info.context.viewer, first)
        return [
            Session(
                id=strawberry.ID(str(row.id)),
                user_agent=row.user_agent,
                address=row.address,
                created_at=row.created_at,
                last_used_at=row.last_used_at,
                is_current=row.is_current,
            )
            for row in rows
        ]


@output
class SessionMutations:
    @mutation
    async def session_revoke(self, info: Info, id: SessionID) -> SessionRevokePayload:
        """End a session of the viewer, with its access tokens, sockets and streams."""
        viewer = info.context.viewer
        try:
            key = UUID(id)
        except ValueError:
            raise Invalid("id must be the ID of a session.", "id") from None
        async with info.context.write() as uow:
            await sessions.revoke(uow, viewer, key)
        info.context.services.viewers.forget(viewer.user_id)
        return SessionRevokePayload()

    @mutation
    async def session_revoke_all(
        self, info: Info, input: SessionRevokeAllInput | None = None
    ) -> SessionRevokeAllPayload:
        """End all sessions of the viewer, or all but the current one: sign out everywhere."""
        viewer = info.context.viewer
        async with info.context.write() as uow:
            await sessions.revoke_all(uow, viewer, keep_current=input is not None and input.keep_current)
        info.context.services.viewers.forget(viewer.user_id)
        return SessionRevokeAllPayload()

"""The viewers of the operations of a process: loaded together, and kept for seconds."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from types import TracebackType
from typing import Self
from uuid import UUID

from core.errors import NotAuthenticated
from db.database import Database
from db.listener import Listener
from resolvers.access import Viewer
from resolvers.identity import accounts
from resolvers.identity.credentials import Credential

CHANNEL = "seshat_access"
"""Channel on which triggers notify of changes of access: the ID of a user, or nothing for all users."""

KEEP_SECONDS = 3.0
"""Time for which a viewer is kept, in case a notification does not arrive."""

MAX_KEPT_VIEWERS = 1_000

Waiting = dict[Credential, asyncio.Future[Viewer | None]]


@dataclass(slots=True)
class KeptViewer:
    """A viewer as last loaded, and the time until which it may be used."""

    viewer: Viewer
    until: float


class Viewers:
    """Loads viewers by one statement at a time, for all that are requested while the last one runs.

    Within `async with`, a viewer is kept until its access changes in any process, or for `KEEP_SECONDS`.
    While the connection that is notified of changes is lost, nothing is kept.
    """

    def __init__(self, database: Database, listener: Listener | None = None) -> None:
        self._database, self._listener = database, listener
        self._waiting: Waiting = {}
        self._loading: asyncio.Task[None] | None = None
        self._kept: dict[Credential, KeptViewer] = {}
        self._credentials: dict[UUID, set[Credential]] = {}
        """Credentials of viewers that are kept, by user."""
        self._forgotten: set[UUID | None] = set()
        """Users whose access has changed since the statement that runs has begun; None for all users."""
        self.on_change: list[Callable[[UUID | None], None]] = []
        """Called when the access of a user may have changed, or with None that of all users."""

    async def __aenter__(self) -> Self:
        if self._listener is not None:
            await self._listener.add(CHANNEL, self._on_notification, self.forget)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._listener is not None:
            self._listener.remove(CHANNEL, self._on_notification)
        self._listener = None
        self._kept.clear()
        self._credentials.clear()

    async def load(self, credential: Credential, expires_at: datetime | None) -> Viewer:
        """The viewer of a token. Raises `NotAuthenticated` for suspended users and ended sessions."""
        kept = self._kept.get(credential)
        if kept is None or kept.until < time.monotonic() or not self._is_notified:
            viewer = await self._load(credential)
            kept = self._kept.get(credential)
            if kept is None:
                return replace(viewer, expires_at=expires_at)
        if kept.viewer.expires_at != expires_at:
            kept.viewer = replace(kept.viewer, expires_at=expires_at)
        return kept.viewer

    def forget(self, user_id: UUID | None = None) -> None:
        """The next operation of the user, or of every user, loads its viewer."""
        self._forgotten.add(user_id)
        if user_id is None:
            self._kept.clear()
            self._credentials.clear()
        else:
            for credential in self._credentials.pop(user_id, ()):
                del self._kept[credential]
        for changed in self.on_change:
            changed(user_id)

    async def _load(self, credential: Credential) -> Viewer:
        loaded = self._waiting.get(credential)
        if loaded is None:
            loaded = self._waiting[credential] = asyncio.get_running_loop().create_future()
        if self._loading is None or self._loading.done():
            self._loading = asyncio.create_task(self._load_waiting())
        viewer = await asyncio.shield(loaded)
        if viewer is None:
            raise NotAuthenticated(accounts.NOT_ACTIVE)
        return viewer

    async def _load_waiting(self) -> None:
        while self._waiting:
            waiting, self._waiting = self._waiting, {}
            until = time.monotonic() + KEEP_SECONDS
            self._forgotten = set() if self._is_notified else {None}
            try:
                async with self._database.platform(read_only=True) as uow:
                    viewers = await accounts.load_viewers(uow, list(waiting), self._database.placement)
            except Exception as error:
                for loaded in waiting.values():
                    loaded.set_exception(error)
                    loaded.exception()  # nobody may wait for it any more
            else:
                for credential, loaded in waiting.items():
                    viewer = viewers.get(credential)
                    self._keep(credential, viewer, until)
                    loaded.set_result(viewer)

    def _keep(self, credential: Credential, viewer: Viewer | None, until: float) -> None:
        self._drop(credential)
        if viewer is None or not self._is_notified or self._forgotten & {None, credential.user_id}:
            return
        self._kept[credential] = KeptViewer(viewer, until)
        self._credentials.setdefault(credential.user_id, set()).add(credential)
        if len(self._kept) > MAX_KEPT_VIEWERS:
            self._drop(next(iter(self._kept)))

    def _drop(self, credential: Credential) -> None:
        if self._kept.pop(credential, None) is not None:
            others = self._credentials[credential.user_id]
            others.discard(credential)
            if not others:
                del self._credentials[credential.user_id]

    @property
    def _is_notified(self) -> bool:
        return self._listener is not None and self._listener.is_listening

    def _on_notification(self, payload: str) -> None:
        self.forget(UUID(payload) if payload else None)

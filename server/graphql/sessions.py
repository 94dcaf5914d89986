"""Sessions: sockets and subscriptions of one sign-in in this process, whose access is checked together."""

import asyncio
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import Protocol

import structlog

from core.errors import DomainError
from schema.framework.outages import outage
from server.graphql.context import OperationContext

log = structlog.get_logger(__name__)

MAX_CONCURRENT_CHECKS = 500


class Holder(Protocol):
    """A socket or subscription of a session. It joins the session, and leaves it in the end."""

    def end(self, error: DomainError) -> None:
        """The user has lost access."""

    def note_access(self) -> None:
        """The user's company, role or permissions have changed."""


@dataclass(eq=False)
class Session:
    """What a user has open with one credential. Its context is never read from: it holds the viewer."""

    context: OperationContext
    holders: dict[Holder, None] = field(default_factory=dict)

    @property
    def identity(self) -> Hashable:
        """The user."""
        return self.context.identity

    @property
    def credential(self) -> Hashable:
        """What the user is signed in with."""
        return self.context.credential

    @property
    def audience(self) -> Hashable:
        """Those who share the results of subscriptions with the user."""
        return self.context.audience

    async def refresh(self) -> bool:
        """Checks the user's access. Returns whether it has changed. Raises `DomainError` if it is lost."""
        return await self.context.refresh()

    def end(self, error: DomainError) -> None:
        """Ends all that the user has open."""
        for holder in list(self.holders):
            holder.end(error)


class Sessions:
    """The sessions of an endpoint. Access is checked on changes, and that of all users at intervals."""

    def __init__(self, interval: Callable[[], float]) -> None:
        self._interval = interval
        self._sessions: dict[Hashable, Session] = {}
        """By credential."""
        self._of_user: dict[Hashable, set[Hashable]] = {}
        self._checks: asyncio.Task[None] | None = None
        self._changed: set[Hashable] = set()
        self._check_of_changed: asyncio.Task[None] | None = None

    def check_soon(self, identity: Hashable) -> None:
        """Checks the access of a user that has changed, or with None that of all users."""
        if identity is None:
            self._changed.update(self._sessions)
        else:
            self._changed.update(self._of_user.get(identity, ()))
        if self._changed and (self._check_of_changed is None or self._check_of_changed.done()):
            self._check_of_changed = asyncio.create_task(self._check_changed())

    def join(self, context: OperationContext, holder: Holder) -> Session:
        """The session of the context's viewer, with the holder."""
        session = self._sessions.setdefault(context.credential, Session(context))
        self._of_user.setdefault(context.identity, set()).add(context.credential)
        session.holders[holder] = None
        if self._checks is None or self._checks.done():
            self._checks = asyncio.create_task(self._keep_checking())
        return session

    def leave(self, session: Session, holder: Holder) -> None:
        """The holder has ended."""
        session.holders.pop(holder, None)
        if not session.holders and self._sessions.get(session.credential) is session:
            del self._sessions[session.credential]
            others = self._of_user[session.identity]
            others.discard(session.credential)
            if not others:
                del self._of_user[session.identity]

    async def check(self, sessions: Iterable[Session]) -> None:
        """Checks the access of these users together, and ends the sessions of those who have lost it.

        Raises the first error that does not tell about access.
        """
        for outcome in await self._check(sessions):
            if outcome is not None:
                raise outcome

    async def _check(self, sessions: Iterable[Session]) -> list[Exception | None]:
        return await asyncio.gather(*map(self._check_one, sessions))

    async def _check_one(self, session: Session) -> Exception | None:
        try:
            if await session.refresh():
                for holder in list(session.holders):
                    holder.note_access()
        except Exception as error:
            if outage(error) is not None or not isinstance(error, DomainError):
                return error
            session.end(error)
        return None

    async def _check_changed(self) -> None:
        while self._changed:
            changed, self._changed = self._changed, set()
            await self._check_and_log(changed)

    async def _keep_checking(self) -> None:
        while self._sessions:
            await asyncio.sleep(self._interval())
            await self._check_and_log(list(self._sessions))

    async def _check_and_log(self, credentials: Iterable[Hashable]) -> None:
        remaining = iter(credentials)
        while batch := list(islice(remaining, MAX_CONCURRENT_CHECKS)):
            open_sessions = [self._sessions[key] for key in batch if key in self._sessions]
            for error in await self._check(open_sessions):
                if error is not None and outage(error) is not None:
                    log.warning("session_check_unavailable", cause=type(error).__name__)
                elif error is not None:
                    log.error("session_check_failed", exc_info=error)


@dataclass
class Deadlines:
    """Callbacks at instants. Those of one instant share a timer, such as the sockets of one token."""

    _callbacks: dict[datetime, dict[Callable[[], None], None]] = field(default_factory=dict)

    def add(self, instant: datetime, callback: Callable[[], None]) -> None:
        """Calls the callback at the instant, or soon if it has passed."""
        if instant not in self._callbacks:
            self._callbacks[instant] = {}
            self._wait(instant)
        self._callbacks[instant][callback] = None

    def remove(self, instant: datetime, callback: Callable[[], None]) -> None:
        """Does not call it."""
        self._callbacks.get(instant, {}).pop(callback, None)

    def _wait(self, instant: datetime) -> None:
        seconds = max(0.0, (instant - datetime.now(UTC)).total_seconds())
        asyncio.get_running_loop().call_later(seconds, self._call, instant)

    def _call(self, instant: datetime) -> None:
        if datetime.now(UTC) < instant:  # the timer's clock is another one
            self._wait(instant)
            return
        for callback in self._callbacks.pop(instant):
            callback()

"""Subscriptions that share their reads.

Watchers that sent the same operation, belong to one audience and have read equally far are members of one
stream. After a change it reads once for all of them, in a pass, and encodes each result once. What depends on
the user is noticed while it is read: such a pass is discarded, and from then on each user has a stream of
their own. Before each pass the access of all its users is checked, and those whose audience has changed go
on in another stream.
"""

import asyncio
import json
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from weakref import WeakValueDictionary

from strawberry.schema import BaseSchema

from core.errors import DomainError, NotAuthenticated
from schema.framework.progress import Progress
from server.graphql.context import OperationContext
from server.graphql.messages import Message, encode_result, failure
from server.graphql.sessions import Deadlines, Session, Sessions

CloseContext = Callable[[OperationContext], Awaitable[None]]

MAX_CONCURRENT_PASSES = 4
BEGIN_SECONDS = 0.05
"""Minimum time between first passes of one operation: those who come meanwhile share the next."""

MAX_BACKLOG_BYTES = 256_000
"""Results that wait for a slow client. It then leaves its stream, and reads on when it has caught up."""


@dataclass(frozen=True, slots=True)
class State:
    """How far a watcher has read: the position, and a digest of the last result if results are states."""

    position: Any = None
    digest: bytes | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """The results of one pass, and the state after them."""

    messages: list[Message]
    state: State
    is_last: bool

    @property
    def size(self) -> int:
        """Characters of the results."""
        return sum(len(message.payload) for message in self.messages)


@dataclass(eq=False)
class SharedOperation:
    """An operation of an audience: one object for all who have sent it."""

    query: str
    variables: Mapping[str, Any] | None
    name: str | None
    audience: Hashable
    spent: tuple[str, ...] = ()
    """Variables that are of no consequence any more, because all watchers have begun."""

    is_personal: bool = False
    """Whether its results depend on the user."""

    began_at: float = float("-inf")
    """Time of the last first pass."""

    origin: "SharedOperation | None" = None
    """The operation as it was sent last, while watchers have begun with it."""


class Watcher:
    """One client's subscription."""

    __slots__ = ("backlog", "backlog_size", "operation", "session", "stream", "waiter")

    session: Session

    def __init__(self, operation: SharedOperation) -> None:
        self.operation = operation
        self.stream: SharedStream | None = None
        self.backlog: deque[Batch] | None = None
        self.backlog_size = 0
        self.waiter: asyncio.Future[None] | None = None

    def deliver(self, batch: Batch) -> None:
        """Takes the results of a pass, unless too many wait already: then it leaves the stream."""
        if self.backlog and self.backlog_size + batch.size > MAX_BACKLOG_BYTES:
            self.leave()
            return
        self.backlog = self.backlog or deque()
        self.backlog.append(batch)
        self.backlog_size += batch.size
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_result(None)

    async def next_batch(self) -> Batch:
        """The results of the next pass."""
        while not self.backlog:
            self.waiter = asyncio.get_running_loop().create_future()
            await self.waiter
        self.waiter = None
        batch = self.backlog.popleft()
        self.backlog_size -= batch.size
        self.backlog = self.backlog or None
        return batch

    def leave(self) -> None:
        """Leaves the stream."""
        if self.stream is not None:
            self.stream.watchers.pop(self, None)
            self.stream.close_if_left()
            self.stream = None

    def end(self, error: DomainError) -> None:
        """Ends the subscription with an error."""
        self.leave()
        self.deliver(Batch([failure(error)], State(), is_last=True))

    def expire(self) -> None:
        """Ends the subscription: its token has expired."""
        self.leave()
        message = replace(failure(NotAuthenticated("The access token has expired.")), kind="expired")
        self.deliver(Batch([message], State(), is_last=True))

    def note_access(self) -> None:
        """Reads again, with the access that the user has now."""
        if self.stream is not None:
            self.stream.wake()


@dataclass(eq=False)
class SharedStream:
    """Watchers that have read equally far, and the task that reads on for them while there is something."""

    streams: "SharedStreams"
    operation: SharedOperation
    user: Hashable
    """The only user, if results depend on the user; else None."""
    state: State
    watchers: dict[Watcher, None] = field(default_factory=dict)
    is_due: bool = False
    task: asyncio.Task[None] | None = None

    def __post_init__(self) -> None:
        self.progress = Progress(self.wake, self.state.position)

    @property
    def key(self) -> Hashable:
        """What the watchers have in common."""
        return self.operation, self.user, self.state

    def wake(self) -> None:
        """Reads on."""
        self.is_due = True
        if self.task is None:
            self.task = asyncio.create_task(self._run())

    def add(self, watcher: Watcher) -> None:
        """Lets a watcher in that has read as far."""
        self.watchers[watcher] = None
        watcher.stream, watcher.operation = self, self.operation

    def close_if_left(self) -> None:
        """Closes the stream when nobody watches it."""
        if not self.watchers and self.task is None:
            self._close()

    def _close(self) -> None:
        self.progress.close()
        self.streams.unregister(self)

    async def _run(self) -> None:
        try:
            if self.state.position is None and self.user is None:
                await self._wait_to_begin()
            while self.is_due and self.watchers:
                async with self.streams.slots:
                    batch = await self._pass()
                if batch is not None:
                    self._deliver(batch)
                    self.streams.settle(self)
                if self.watchers and self.progress.pause:
                    await asyncio.sleep(self.progress.pause)
        except Exception as error:
            self._deliver(Batch([failure(error)], self.state, is_last=True))
        finally:
            self.task = None
            self.close_if_left()

    async def _wait_to_begin(self) -> None:
        now = asyncio.get_running_loop().time()
        begin_at = max(now, self.operation.began_at + BEGIN_SECONDS)
        self.operation.began_at = begin_at
        await asyncio.sleep(begin_at - now)

    async def _pass(self) -> Batch | None:
        """The results since the last pass. None if nobody is left to read them, or everybody reads alone."""
        await self._check_access()
        if not self.watchers:
            return None
        self.streams.unregister(self)
        self.is_due = False
        batch = await self._read(next(iter(self.watchers)).session)
        if self.progress.uses_user:
            self.operation.is_personal = True
            for watcher in list(self.watchers):
                self.streams.move(watcher, self.state)
            return None
        self.is_due = self.is_due or self.progress.has_more
        return batch

    async def _check_access(self) -> None:
        """Checks all users' access. Watchers whose audience has changed go on in another stream."""
        checked: set[Session] = set()
        while unchecked := {watcher.session for watcher in self.watchers} - checked:
            await self.streams.sessions.check(unchecked)
            checked |= unchecked
        for watcher in list(self.watchers):
            if watcher.session.audience != self.operation.audience:
                self.streams.move(watcher, self.state)

    async def _read(self, session: Session) -> Batch:
        operation, progress, state, messages = self.operation, self.progress, self.state, []
        progress.begin_pass()
        context = session.context.for_pass(progress, shared=self.user is None)
        try:
            results = await self.streams.schema.stream(
                operation.query,
                variable_values=dict(operation.variables) if operation.variables else None,
                context_value=context,
                operation_name=operation.name,
            )
            async with aclosing(results):
                async for result in results:
                    message, digest = encode_result(result, is_first=state.position is None)
                    if not progress.is_state or digest != state.digest:
                        messages.append(message)
                    if progress.is_state:
                        state = State(state.position, digest)
                    if message.kind == "error":
                        break
        finally:
            await self.streams.close_context(context)
        if progress.is_open:
            state = State(progress.position, state.digest)
        return Batch(messages, state, is_last=not progress.is_open)

    def _deliver(self, batch: Batch) -> None:
        self.state = batch.state
        watchers = list(self.watchers)
        if batch.is_last:
            self.watchers.clear()
        if batch.messages or batch.is_last:
            for watcher in watchers:
                watcher.deliver(batch)


class SharedStreams:
    """The streams of an endpoint, by operation and state."""

    def __init__(
        self, schema: BaseSchema, sessions: Sessions, deadlines: Deadlines, close_context: CloseContext
    ) -> None:
        self.schema, self.sessions, self.close_context = schema, sessions, close_context
        self._deadlines = deadlines
        self.slots = asyncio.Semaphore(MAX_CONCURRENT_PASSES)
        self._operations: WeakValueDictionary[Hashable, SharedOperation] = WeakValueDictionary()
        self._open: dict[Hashable, SharedStream] = {}
        """Streams that do not read: they wait for a change, or are about to begin."""

    async def watch(
        self,
        context: OperationContext,
        query: str,
        variables: Mapping[str, Any] | None,
        name: str | None,
        *,
        expires_at: datetime | None = None,
    ) -> AsyncGenerator[Message, None]:
        """The results of a subscription of the context's viewer, until `expires_at` at most."""
        watcher = Watcher(self._operation(SharedOperation(query, variables, name, context.audience)))
        watcher.session = self.sessions.join(context, watcher)
        del context, query, variables
        if expires_at is not None:
            self._deadlines.add(expires_at, watcher.expire)
        try:
            self._join(watcher, State())
            is_last = False
            while not is_last:
                batch = await watcher.next_batch()
                for message in batch.messages:
                    yield message
                is_last = batch.is_last
                if watcher.stream is None and watcher.backlog is None and not is_last:
                    self._join(watcher, batch.state)
                del batch
        finally:
            watcher.leave()
            self.sessions.leave(watcher.session, watcher)
            if expires_at is not None:
                self._deadlines.remove(expires_at, watcher.expire)

    def move(self, watcher: Watcher, state: State) -> None:
        """Lets a watcher go on in a stream of their present audience, and of their own if need be."""
        watcher.leave()
        watcher.operation = self._operation(
            replace(watcher.operation, audience=watcher.session.audience, is_personal=False)
        )
        self._join(watcher, state)

    def settle(self, stream: SharedStream) -> None:
        """Lets a stream wait, after a pass. Its watchers join another one that has read as far."""
        if not stream.watchers:
            return
        if stream.progress.spent != stream.operation.spent:
            begun = stream.operation
            stream.operation = self._operation(replace(begun, spent=stream.progress.spent))
            stream.operation.origin = begun
        other = self._open.setdefault(stream.key, stream)
        for watcher in list(stream.watchers):
            if other is not stream:
                del stream.watchers[watcher]
            other.add(watcher)
        if other is not stream and stream.is_due:
            other.wake()

    def unregister(self, stream: SharedStream) -> None:
        """Lets nobody else into the stream."""
        if self._open.get(stream.key) is stream:
            del self._open[stream.key]

    def _join(self, watcher: Watcher, state: State) -> None:
        operation = watcher.operation
        user = watcher.session.identity if operation.is_personal else None
        stream = self._open.get((operation, user, state))
        if stream is None:
            stream = SharedStream(self, operation, user, state)
            self._open[stream.key] = stream
            stream.wake()
        stream.add(watcher)

    def _operation(self, operation: SharedOperation) -> SharedOperation:
        """The operation of all who have sent the same."""
        variables = dict(operation.variables or {})
        for name in operation.spent:
            variables.pop(name, None)
        key = (
            operation.query,
            json.dumps(variables, sort_keys=True, default=id),  # uploads, which no subscription takes
            operation.name,
            operation.audience,
            operation.spent,
        )
        shared = self._operations.setdefault(key, operation)
        shared.is_personal = shared.is_personal or operation.is_personal
        return shared

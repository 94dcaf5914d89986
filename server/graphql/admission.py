"""Admission control: a bounded number of operations run, a short queue waits, the rest is refused at once.

Callers (companies, as far as they are known) take turns; operations of one caller start in the order of
their arrival. While there is no free slot, the first request on a connection is held back: clients that give
up open new connections, and must not take the turns of those that wait. A client that leaves the queue has
had its turn.
"""

import asyncio
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from types import TracebackType

from core.errors import Unavailable
from db.errors import SERVER_BUSY

SMOOTHING = 0.1
"""Weight of the last interval in the moving average."""
MAX_KNOWN_CALLERS = 1_000
"""Callers whose past turns are remembered while none of their operations waits."""


@dataclass(frozen=True)
class AdmissionLimits:
    """Limits of concurrent and waiting operations in one process."""

    operations: int = 4
    """Operations that run concurrently. Slow ones stop counting after `slow_seconds`."""
    slow_operations: int = 32
    """Slow operations, most of which wait for other services."""
    slow_seconds: float = 0.5
    waiting: int = 128
    """Length of the queue."""
    waiting_seconds: float = 2
    """Time in the queue. An operation that would wait longer is refused at once; one that waits twice as long
    is refused too."""
    held: int = 1_000
    """Maximum number of requests that are held back."""
    held_seconds: float = 0.3
    """Time for which the first request on a connection is held back before it may enter the queue."""


@dataclass
class Caller:
    """The waiting operations of a caller, oldest first, and its past turns as a virtual time."""

    time: float = 0
    waiting: dict["Ticket", None] = field(default_factory=dict)


@dataclass(eq=False, slots=True)
class Ticket:
    """An operation that waits or runs."""

    caller: Caller
    started: asyncio.Future[None] | None = None
    """Of an operation that has waited."""
    slow: bool = False
    timer: asyncio.TimerHandle | None = None


class Slot:
    """A turn of a caller: `async with` waits for it, and holds it."""

    __slots__ = ("_admission", "_key", "_ticket")
    _ticket: Ticket

    def __init__(self, admission: "Admission", key: Hashable) -> None:
        self._admission, self._key = admission, key

    async def __aenter__(self) -> None:
        self._ticket = ticket = Ticket(self._admission.caller(self._key))
        if self._admission.is_free:
            self._admission.start(ticket)
        else:
            await self._admission.wait(ticket)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._admission.end(self._ticket)


class Admission:
    """Starts operations, and refuses those that would wait for too long with `Unavailable`."""

    def __init__(self, limits: AdmissionLimits | None = None) -> None:
        self.limits = limits or AdmissionLimits()
        self.running = self.slow = self.waiting = 0
        self._time = 0.0
        self.interval = 0.0
        """Seconds from one start to the next while operations wait: a moving average."""
        self._last_start = 0.0
        self._callers: dict[Hashable, Caller] = {}
        self._held: dict[Hashable, tuple[Callable[[], None], asyncio.TimerHandle]] = {}

    def slot(self, key: Hashable) -> Slot:
        """A turn of the caller with this key. Waiting for it raises `Unavailable`."""
        return Slot(self, key)

    @property
    def is_free(self) -> bool:
        """Whether an operation that arrived now would start at once."""
        return self.waiting == 0 and self._has_slot()

    def require_room(self, key: Hashable) -> None:
        """Raises `Unavailable` if an operation that arrived now would be refused."""
        if not self.is_free:
            self._who_gives_way(self.caller(key))

    def hold(self, key: Hashable, start: Callable[[], None], seconds: float) -> bool:
        """Holds a request back if there is no free slot: calls `start` later. False if it may start now."""
        if self.is_free or len(self._held) >= self.limits.held:
            return False
        self._held[key] = start, asyncio.get_running_loop().call_later(seconds, self._let_in, key)
        return True

    def drop(self, key: Hashable) -> None:
        """Forgets a request that is held back: its client has left."""
        _, timer = self._held.pop(key, (None, None))
        if timer is not None:
            timer.cancel()

    def _let_in(self, key: Hashable) -> None:
        start, timer = self._held.pop(key)
        timer.cancel()
        start()

    async def wait(self, ticket: Ticket) -> None:
        """Waits in the queue until the operation is started. Raises `Unavailable`."""
        last = self._who_gives_way(ticket.caller)
        if last is not None:
            self._refuse(last)
        loop = asyncio.get_running_loop()
        started = ticket.started = loop.create_future()
        ticket.caller.waiting[ticket] = None
        self.waiting += 1
        ticket.timer = loop.call_later(2 * self.limits.waiting_seconds, self._give_up, ticket)
        try:
            await started
        except BaseException:
            if started.cancelled():  # the client has left
                self._give_up(ticket)
            elif started.exception() is None:  # it has left at its turn
                self.end(ticket)
            raise

    def _refuse(self, ticket: Ticket) -> None:
        self._remove(ticket)
        if ticket.started is not None and not ticket.started.done():
            ticket.started.set_exception(Unavailable(SERVER_BUSY))

    def _give_up(self, ticket: Ticket) -> None:
        """The operation has had its turn: its client has left, or it has waited for too long."""
        self._refuse(ticket)
        self._count_turn(ticket.caller)

    def end(self, ticket: Ticket) -> None:
        """Gives the slot to the next operation."""
        assert ticket.timer is not None
        ticket.timer.cancel()
        self.running -= 1
        self.slow -= ticket.slow
        self._start_waiting()

    def _start_waiting(self) -> None:
        while self.waiting and self._has_slot():
            caller = min((found for found in self._callers.values() if found.waiting), key=virtual_time)
            ticket = next(iter(caller.waiting))
            self._remove(ticket)
            if ticket.started is not None and not ticket.started.done():
                self._measure_interval()
                self.start(ticket)
        if self._held and self.is_free:
            self._let_in(next(iter(self._held)))

    def _measure_interval(self) -> None:
        elapsed = asyncio.get_running_loop().time() - self._last_start
        self.interval += SMOOTHING * (min(elapsed, self.limits.waiting_seconds) - self.interval)

    def start(self, ticket: Ticket) -> None:
        """Takes a slot."""
        loop = asyncio.get_running_loop()
        self._last_start = loop.time()
        self._time = max(self._time, ticket.caller.time)
        self._count_turn(ticket.caller)
        self.running += 1
        ticket.timer = loop.call_later(self.limits.slow_seconds, self._stop_counting, ticket)
        if ticket.started is not None:
            ticket.started.set_result(None)

    def _stop_counting(self, ticket: Ticket) -> None:
        """The operation is slow: another may run beside it."""
        if self.slow < self.limits.slow_operations:
            ticket.slow = True
            self.slow += 1
            self._start_waiting()

    def _has_slot(self) -> bool:
        return self.running - self.slow < self.limits.operations

    def caller(self, key: Hashable) -> Caller:
        """The caller with this key, who has no credit for the time in which it had nothing to run."""
        caller = self._callers.get(key)
        if caller is None:
            if len(self._callers) >= MAX_KNOWN_CALLERS:
                self._callers = {known: found for known, found in self._callers.items() if found.waiting}
            caller = self._callers[key] = Caller()
        if not caller.waiting:
            caller.time = max(caller.time, self._time)
        return caller

    def _count_turn(self, caller: Caller) -> None:
        """One turn more; nobody is further ahead of the others than the length of the queue."""
        caller.time = min(caller.time + 1, self._time + self.limits.waiting)

    def _remove(self, ticket: Ticket) -> None:
        """Takes an operation out of the queue."""
        if ticket in ticket.caller.waiting:
            del ticket.caller.waiting[ticket]
            self.waiting -= 1
        if ticket.timer is not None:
            ticket.timer.cancel()

    def _foreseen_wait(self, caller: Caller) -> float:
        callers = sum(1 for found in self._callers.values() if found.waiting and found is not caller) + 1
        return self.interval * (min(self.waiting, len(caller.waiting) * callers) + 1)

    def _who_gives_way(self, caller: Caller) -> Ticket | None:
        """If the queue is full, the last operation of the caller that has most of them waiting.

        Raises `Unavailable` if that would be the caller's newest, or if that would wait for too long.
        """
        if self._foreseen_wait(caller) > self.limits.waiting_seconds:
            raise Unavailable(SERVER_BUSY)
        if self.waiting < self.limits.waiting:
            return None
        most = max((found.waiting for found in self._callers.values()), key=len, default={})
        if len(most) <= len(caller.waiting) + 1:
            raise Unavailable(SERVER_BUSY)
        return next(reversed(most))


def virtual_time(caller: Caller) -> float:
    """The order in which callers take turns."""
    return caller.time

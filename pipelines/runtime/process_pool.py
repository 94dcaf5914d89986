"""Pool of child processes for CPU-bound work, which are killed on cancellation or with the worker.

Limits count the CPU seconds of the child, not the time that passes on a busy machine. A computation that has
turned out to be slow leaves its place in the pool to others, and goes on at the lowest priority.
"""

import asyncio
import os
import pickle
import signal
import socket
import sys
from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from copy import copy
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic
from typing import Any, ParamSpec, TypeVar

from pipelines.runtime.phases import FRAME_HEADER, PHASE_FRAME

P = ParamSpec("P")
T = TypeVar("T")

ROOT = Path(__file__).resolve().parents[2]
MAX_CALLS_PER_PROCESS = 200
MAX_PEAK_BYTES = 1 << 30
"""Peak resident memory in bytes above which a process is not reused."""

SLOW_CPU_SECONDS = 3.0
"""CPU seconds after which a computation is slow."""
CROWDED_CPU_SECONDS = 0.5
"""CPU seconds after which it is slow if its owner has several places and another owner waits for one."""
LOWEST_PRIORITY = 19
POLL_SECONDS = 0.25
"""Seconds between two looks at the CPU time of a computation."""
MIN_STALL_SECONDS = 2.0
STALL_CPU_SHARE = 0.01
"""A computation that uses less CPU than this for as long as its limit, and wants none, does not progress."""

CRASHES = frozenset((signal.SIGABRT, signal.SIGTRAP, signal.SIGILL, signal.SIGSEGV))
"""Signals by which libraries end a process: on a fault of their own, or when it is given no more memory."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of a computation: CPU seconds, and bytes that it may allocate (on Linux)."""

    seconds: float | None = None
    memory: int | None = None


class ProcessDied(Exception):
    """A child process ended without a result; the message, which is for users, says why."""


class MemoryExceeded(ProcessDied):
    """A computation needs more memory than it may allocate; the message is for users."""

    def __init__(self, memory: int) -> None:
        super().__init__(
            f"The computation needs more than the {memory >> 20:,} MB of memory that it may use."
        )


class LibraryCrashed(ProcessDied):
    """A library stopped a computation whose memory is limited: for want of memory, or on other grounds."""

    def __init__(self, code: int, memory: int) -> None:
        super().__init__(
            f"The computation stopped unexpectedly ({describe_exit(code)}). It is not known why; it may use "
            f"{memory >> 20:,} MB of memory."
        )


class ComputationTimeout(TimeoutError):
    """A computation exceeded its CPU seconds; the message is for users. `phase` is where, if named."""

    def __init__(self, message: str, phase: str | None = None) -> None:
        super().__init__(message)
        self.phase = phase


class RemoteTraceback(Exception):
    """Frames of an error in a child process: the cause of the error that is raised in the parent."""

    def __init__(self, frames: tuple[str, ...]) -> None:
        super().__init__("\n".join(frames))
        self.frames = frames


class ProcessPool:
    """At most `limit` child processes, each of which is reused until it has grown large.

    Half as many slow computations, and at least one, run beside them.
    """

    def __init__(self, limit: int) -> None:
        self._gates: tuple[asyncio.Semaphore, ...] = (asyncio.Semaphore(limit),)
        self._slow = asyncio.Semaphore(max(1, limit // 2))
        self._children = Children()
        self._owner: Hashable = None
        self._waiting, self._held = Counter[Hashable](), Counter[Hashable]()

    @classmethod
    def for_bulk_and_interactive(cls, limit: int) -> "tuple[ProcessPool, ProcessPool]":
        """Two pools that share `limit` + 1 processes, of which the first pool leaves one to the second."""
        bulk, interactive = cls(limit), cls(limit + 1)
        bulk._gates += interactive._gates
        interactive._children, interactive._slow = bulk._children, bulk._slow
        interactive._waiting, interactive._held = bulk._waiting, bulk._held
        return bulk, interactive

    def owned_by(self, owner: Hashable) -> "ProcessPool":
        """The same pool for the calls of an owner, who leaves a place earlier if another owner waits."""
        owned = copy(self)
        owned._owner = owner
        return owned

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Calls `function` in a child process; function and arguments must be picklable.

        Raises the function's error, or `ProcessDied`. Cancellation kills the process.
        """
        return await self.run_within(None, function, *args, **kwargs)

    async def run_within(
        self, limits: float | Limits | None, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """As `run`, with limits (a number: CPU seconds).

        Raises also `ComputationTimeout`, `MemoryExceeded` or `LibraryCrashed`.
        """
        bounds = limits if isinstance(limits, Limits) else Limits(limits)
        async with AsyncExitStack() as places:
            with one_more(self._waiting, self._owner):
                for gate in self._gates:
                    await places.enter_async_context(gate)
            places.enter_context(one_more(self._held, self._owner))
            child = await self._children.acquire()
            try:
                call = asyncio.ensure_future(child.call(function, args, kwargs, bounds))
                try:
                    await self._supervise(child, call, places)
                finally:
                    await cancel(call)
                result: T = call.result()
                return result
            finally:
                self._children.release(child)

    async def _supervise(self, child: "Child", call: "asyncio.Future[Any]", places: AsyncExitStack) -> None:
        """Waits for the end of a call. Raises `ComputationTimeout`; lets a slow call leave its places."""
        start = cpu_seconds(child.process.pid)
        while not (await asyncio.wait({call}, timeout=child.poll_seconds))[0]:
            child.require_within_limit()
            allowed = CROWDED_CPU_SECONDS if self._crowds_out() else SLOW_CPU_SECONDS
            is_slow = cpu_seconds(child.process.pid) - start > min(allowed, SLOW_CPU_SECONDS)
            if is_slow and child.keeps_place and not self._slow.locked():
                await self._slow.acquire()
                await places.aclose()
                places.callback(self._slow.release)
                child.keeps_place = False
                child.lower_priority()
            elif is_slow and child.has_priority and self._has_others():
                child.lower_priority()

    def _crowds_out(self) -> bool:
        """Whether another owner waits while this one has several places."""
        return self._held[self._owner] > 1 and bool(self._waiting.keys() - {self._owner})

    def _has_others(self) -> bool:
        """Whether another owner computes or waits."""
        return bool((self._held.keys() | self._waiting.keys()) - {self._owner})

    async def close(self) -> None:
        """Kills all processes and waits for their end."""
        await self._children.close()


@contextmanager
def one_more(counts: Counter[Hashable], owner: Hashable) -> Iterator[None]:
    """Counts one more of an owner's for the duration of a block."""
    counts[owner] += 1
    try:
        yield
    finally:
        counts[owner] -= 1
        if not counts[owner]:
            del counts[owner]


async def cancel(call: "asyncio.Future[Any]") -> None:
    """Cancels a call that has not ended, and waits for its end."""
    if not call.done():
        call.cancel()
        await asyncio.wait({call})


def cpu_seconds(pid: int) -> float:
    """CPU seconds of a process so far; where the system does not tell, the time that has passed."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0 if sys.platform == "linux" else monotonic()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def is_runnable(pid: int) -> bool:
    """Whether a thread of a process runs or waits for a processor, as it may for long at a low priority."""
    for thread in Path(f"/proc/{pid}/task").glob("*/stat"):
        with suppress(OSError):
            if thread.read_bytes().rpartition(b")")[2].split()[0] == b"R":
                return True
    return False


class Children:
    """Child processes of pools: those that are idle, and all that are alive."""

    def __init__(self) -> None:
        self._idle: list[Child] = []
        self._alive: set[Child] = set()

    async def acquire(self) -> "Child":
        """An idle process that is alive, or a new one."""
        self._alive = {child for child in self._alive if child.process.returncode is None}
        while self._idle:
            child = self._idle.pop()
            if child in self._alive:
                return child
            child.kill()
        child = await Child.start()
        self._alive.add(child)
        return child

    def release(self, child: "Child") -> None:
        """Keeps a process for the next call, or kills it."""
        if child.is_reusable:
            self._idle.append(child)
        else:
            child.kill()

    async def close(self) -> None:
        """Kills all processes and waits for their end."""
        self._idle.clear()
        for child in self._alive:
            child.kill()
        await asyncio.gather(*(child.process.wait() for child in self._alive))


class Child:
    """A child process and the socket to it."""

    def __init__(
        self, process: asyncio.subprocess.Process, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.process = process
        self._reader, self._writer = reader, writer
        self._calls = 0
        self._limits, self._phase = Limits(), ""
        self._cpu_start = self._cpu_seen = 0.0
        self._seen_at = 0.0
        self.keeps_place = True
        """Whether its computation has its place in the pool; a slow one leaves it."""
        self.has_priority = True
        self.is_reusable = True
        """Whether the process may be called again: it has returned a result and is not too large."""

    @classmethod
    async def start(cls) -> "Child":
        """Starts a process, which ends when the parent's end of the socket closes."""
        parent_end, child_end = socket.socketpair()
        with child_end:
            try:
                process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    "-m",
                    "pipelines.runtime.process_worker",
                    str(child_end.fileno()),
                    str(os.getpid()),
                    pass_fds=[child_end.fileno()],
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=asyncio.subprocess.DEVNULL,
                    env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])},
                )
                reader, writer = await asyncio.open_connection(sock=parent_end)
            except BaseException:
                parent_end.close()
                raise
        return cls(process, reader, writer)

    async def call(
        self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], limits: Limits
    ) -> Any:
        """The function's result. Raises its error, or `ProcessDied`."""
        request = pickle.dumps((function, args, kwargs, limits.memory))
        self.is_reusable = False
        self._calls += 1
        self._begin(limits, "")
        try:
            self._writer.write(FRAME_HEADER.pack(len(request)) + request)
            await self._writer.drain()
            while (length := await self._read_length()) == PHASE_FRAME:
                name, seconds = pickle.loads(await self._reader.readexactly(await self._read_length()))
                self._begin(replace(limits, seconds=seconds), name)
            message = await self._reader.readexactly(length)
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            code = await self.process.wait()
            if limits.memory is not None and -code in CRASHES:
                raise LibraryCrashed(code, limits.memory) from error
            raise ProcessDied(f"The computation stopped unexpectedly ({describe_exit(code)}).") from error
        result, failure, frames, peak = pickle.loads(message)
        self.is_reusable = self.has_priority and self._calls < MAX_CALLS_PER_PROCESS and peak < MAX_PEAK_BYTES
        if failure is not None:
            raised = pickle.loads(failure)
            if isinstance(raised, MemoryError) and limits.memory is not None:
                raised = MemoryExceeded(limits.memory)
            raise raised from RemoteTraceback(frames)
        return pickle.loads(result)

    async def _read_length(self) -> int:
        (length,) = FRAME_HEADER.unpack(await self._reader.readexactly(FRAME_HEADER.size))
        return int(length)

    def _begin(self, limits: Limits, phase: str) -> None:
        self._limits, self._phase = limits, phase
        self._cpu_start = self._cpu_seen = cpu_seconds(self.process.pid)
        self._seen_at = monotonic()

    @property
    def poll_seconds(self) -> float:
        """Seconds until the CPU time has to be looked at again."""
        if self._limits.seconds is None:
            return POLL_SECONDS
        left = self._limits.seconds - (cpu_seconds(self.process.pid) - self._cpu_start)
        return min(POLL_SECONDS, max(0.02, left / (os.cpu_count() or 1)))

    def require_within_limit(self) -> None:
        """Raises `ComputationTimeout` for a call that has used up its CPU seconds, or does not progress."""
        seconds = self._limits.seconds
        if seconds is None:
            return
        used, now = cpu_seconds(self.process.pid), monotonic()
        is_stalled = False
        if now - self._seen_at >= max(seconds, MIN_STALL_SECONDS):
            is_idle = used - self._cpu_seen < STALL_CPU_SHARE * (now - self._seen_at)
            is_stalled = is_idle and not is_runnable(self.process.pid)
            self._cpu_seen, self._seen_at = used, now
        if is_stalled or used - self._cpu_start >= seconds:
            message = f"The computation exceeded its timeout of {seconds:g} seconds."
            raise ComputationTimeout(message, self._phase or None)

    def lower_priority(self) -> None:
        """Continues the call at the lowest priority."""
        self.has_priority = False
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, self.process.pid, LOWEST_PRIORITY)

    def kill(self) -> None:
        """Kills the process."""
        self.is_reusable = False
        self._writer.close()
        if self.process.returncode is None:
            self.process.kill()


def describe_exit(code: int) -> str:
    """How a process ended: its signal or exit code."""
    return f"signal {-code}" if code < 0 else f"exit code {code}"

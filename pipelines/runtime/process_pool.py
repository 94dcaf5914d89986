"""Pool of child processes for CPU-bound work, which are killed on cancellation or with the worker."""

import asyncio
import os
import pickle
import socket
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from pipelines.runtime.process_worker import FRAME_HEADER

P = ParamSpec("P")
T = TypeVar("T")

ROOT = Path(__file__).resolve().parents[2]
MAX_CALLS_PER_PROCESS = 200
MAX_PEAK_BYTES = 1 << 30
"""Peak resident memory in bytes above which a process is not reused."""


class ProcessDied(Exception):
    """A child process ended without a result; the message, which is for users, says why."""


class ComputationTimeout(TimeoutError):
    """A computation exceeded its timeout; the message is for users."""


class RemoteTraceback(Exception):
    """Frames of an error in a child process: the cause of the error that is raised in the parent."""

    def __init__(self, frames: tuple[str, ...]) -> None:
        super().__init__("\n".join(frames))
        self.frames = frames


class ProcessPool:
    """At most `limit` child processes, each of which is reused until it has grown large."""

    def __init__(self, limit: int) -> None:
        self._gates: tuple[asyncio.Semaphore, ...] = (asyncio.Semaphore(limit),)
        self._children = Children()

    @classmethod
    def for_bulk_and_interactive(cls, limit: int) -> "tuple[ProcessPool, ProcessPool]":
        """Two pools that share `limit` + 1 processes, of which the first pool leaves one to the second."""
        bulk, interactive = cls(limit), cls(limit + 1)
        bulk._gates += interactive._gates
        interactive._children = bulk._children
        return bulk, interactive

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Calls `function` in a child process; function and arguments must be picklable.

        Raises the function's error, or `ProcessDied`. Cancellation kills the process.
        """
        return await self.run_within(None, function, *args, **kwargs)

    async def run_within(
        self, seconds: float | None, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """As `run`, with a timeout that excludes the wait for a process. Raises `ComputationTimeout`."""
        async with AsyncExitStack() as stack:
            for gate in self._gates:
                await stack.enter_async_context(gate)
            child = await self._children.acquire()
            timeout = asyncio.timeout(seconds)
            try:
                async with timeout:
                    result: T = await child.call(function, args, kwargs)
            except TimeoutError as error:
                if not timeout.expired():
                    raise
                message = f"The computation exceeded its timeout of {seconds:g} seconds."
                raise ComputationTimeout(message) from error
            finally:
                self._children.release(child)
            return result

    async def close(self) -> None:
        """Kills all processes and waits for their end."""
        await self._children.close()


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

    async def call(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The function's result. Raises its error, or `ProcessDied`."""
        request = pickle.dumps((function, args, kwargs))
        self.is_reusable = False
        self._calls += 1
        try:
            self._writer.write(FRAME_HEADER.pack(len(request)) + request)
            await self._writer.drain()
            header = await self._reader.readexactly(FRAME_HEADER.size)
            message = await self._reader.readexactly(*FRAME_HEADER.unpack(header))
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            code = await self.process.wait()
            raise ProcessDied(f"The computation stopped unexpectedly ({describe_exit(code)}).") from error
        result, failure, frames, peak = pickle.loads(message)
        self.is_reusable = self._calls < MAX_CALLS_PER_PROCESS and peak < MAX_PEAK_BYTES
        if failure is not None:
            raise pickle.loads(failure) from RemoteTraceback(frames)
        return pickle.loads(result)

    def kill(self) -> None:
        """Kills the process."""
        self.is_reusable = False
        self._writer.close()
        if self.process.returncode is None:
            self.process.kill()


def describe_exit(code: int) -> str:
    """How a process ended: its signal or exit code."""
    return f"signal {-code}" if code < 0 else f"exit code {code}"

"""Computing in child processes: they can be killed, at a cancellation or with the worker."""

import asyncio
import os
import pickle
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from pipelines.runtime.process_worker import FRAME_HEADER

P = ParamSpec("P")
T = TypeVar("T")

ROOT = Path(__file__).resolve().parents[2]
MAX_CALLS_PER_PROCESS = 200
MAX_PEAK_BYTES = 1 << 30
"""Bytes of resident memory at the peak beyond which a child is not used again."""


class ProcessDied(Exception):
    """A child process ended without an answer; the message says why, in words for a person."""


class RemoteTraceback(Exception):
    """Where an error was raised in the child: the cause of the error that is raised here."""


class ProcessPool:
    """At most `limit` children at a time; each is used again until it has grown large."""

    def __init__(self, limit: int) -> None:
        self._free = asyncio.Semaphore(limit)
        self._idle: list[Child] = []
        self._alive: set[Child] = set()

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """`function` of these arguments, all picklable, in a child process.

        Raises what the function raises, or `Stopped`. Cancelling kills the child at once.
        """
        return await self.run_within(None, function, *args, **kwargs)

    async def run_within(
        self, seconds: float | None, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """As `run`, for so long at most, not counting the wait for a child. Raises `TimeoutError`."""
        async with self._free:
            child = await self._acquire()
            try:
                async with asyncio.timeout(seconds):
                    result: T = await child.call(function, args, kwargs)
            finally:
                if child.is_reusable:
                    self._idle.append(child)
                else:
                    child.kill()
            return result

    async def close(self) -> None:
        """Kill every child and wait for their ends."""
        self._idle.clear()
        for child in self._alive:
            child.kill()
        await asyncio.gather(*(child.process.wait() for child in self._alive))

    async def _acquire(self) -> "Child":
        """One that waits to be asked and has not died meanwhile, or a new one."""
        self._alive = {child for child in self._alive if child.process.returncode is None}
        while self._idle:
            child = self._idle.pop()
            if child in self._alive:
                return child
            child.kill()
        child = await Child.start()
        self._alive.add(child)
        return child


class Child:
    """One child process, and the socket to it."""

    def __init__(
        self, process: asyncio.subprocess.Process, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.process = process
        self._reader, self._writer = reader, writer
        self._calls = 0
        self.is_reusable = True
        """Whether it may be asked again: it answered the last time, and is not too large."""

    @classmethod
    async def start(cls) -> "Child":
        """A child that waits to be asked. It ends by itself when our end of the socket closes."""
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    "-m",
                    "pipelines.runtime.process_worker",
                    str(theirs.fileno()),
                    str(os.getpid()),
                    pass_fds=[theirs.fileno()],
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=asyncio.subprocess.DEVNULL,
                    env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])},
                )
                reader, writer = await asyncio.open_connection(sock=ours)
            except BaseException:
                ours.close()
                raise
        return cls(process, reader, writer)

    async def call(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The function's result, computed there. Raises its error, or `Stopped`."""
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
        result, failure, trace, peak = pickle.loads(message)
        self.is_reusable = self._calls < MAX_CALLS_PER_PROCESS and peak < MAX_PEAK_BYTES
        if failure is not None:
            raise pickle.loads(failure) from RemoteTraceback(trace)
        return pickle.loads(result)

    def kill(self) -> None:
        """End it now, whatever it does."""
        self.is_reusable = False
        self._writer.close()
        if self.process.returncode is None:
            self.process.kill()


def describe_exit(code: int) -> str:
    """How a process ended, in words."""
    return f"signal {-code}" if code < 0 else f"exit code {code}"

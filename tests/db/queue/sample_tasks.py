"""Jobs that do nothing but leave a trail, in the test's process and in workers of their own."""

import asyncio
import errno
import os
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import asyncpg
from sqlalchemy import update

from core.errors import Conflict
from core.ports import StoreUnavailable, VectorsUnavailable
from db.models import JobStatus, ProcessingJob
from db.queue import CompletionHook, Job
from db.uow import UnitOfWork
from pipelines.runtime.faults import Retry
from pipelines.runtime.handlers import Run, handles

QUEUE, URGENT = "tests", "urgent"


@dataclass(frozen=True)
class TracedJob(Job):
    """Writes what it does, line by line, to the file `trail`."""

    trail: str
    queue: ClassVar[str] = QUEUE

    def leave(self, *words: object) -> None:
        """Add a line."""
        with Path(self.trail).open("a") as file:
            file.write(" ".join(map(str, words)) + "\n")

    async def ended(self, uow: UnitOfWork, status: JobStatus, reason: str) -> None:
        """Note the end that was not a completion."""
        self.leave("ended", status.value, reason)


@dataclass(frozen=True)
class Count(TracedJob):
    """Counts to `steps`, one every `seconds`, and goes on where it was."""

    steps: int
    seconds: float

    def topics(self) -> Sequence[str]:
        """Somebody else watches too."""
        return ("counting",)


@handles(Count)
async def count(job: Count, run: Run) -> CompletionHook:
    """Keeps its place in the checkpoint."""
    begun = run.checkpoint["at"] if run.checkpoint else 0
    job.leave("begun", run.number, begun, os.getpid())
    for step in range(begun + 1, job.steps + 1):
        await asyncio.sleep(job.seconds)
        async with run.write() as uow:
            await run.save({"at": step}, uow)
        await run.report(step / job.steps)

    async def finish(uow: UnitOfWork) -> None:
        mine = update(ProcessingJob).where(ProcessingJob.id == run.id)
        await uow.execute(mine.values(job_metadata={"counted": job.steps}))

    job.leave("counted", run.number)
    return finish


@dataclass(frozen=True)
class Hurry(TracedJob):
    """Computes a little in a queue of its own."""

    queue: ClassVar[str] = URGENT
    is_interactive: ClassVar[bool] = True


@handles(Hurry)
async def hurry(job: Hurry, run: Run) -> None:
    """Needs a child process."""
    job.leave("hurried", await run.cpu(abs, -1))


@dataclass(frozen=True)
class Burn(TracedJob):
    """Computes for ever in a child process, unless it is the second attempt."""


@handles(Burn)
async def burn(job: Burn, run: Run) -> None:
    """The child says who it is."""
    job.leave("begun", run.number)
    if run.number == 1:
        await run.cpu(spin, job.trail)


def spin(trail: str) -> None:
    """Never ends."""
    with Path(trail).open("a") as file:
        file.write(f"child {os.getpid()}\n")
    while True:
        pass


@dataclass(frozen=True)
class Fail(TracedJob):
    """Fails in the given way."""

    how: str
    max_attempts: ClassVar[int] = 2


@handles(Fail)
async def fail(job: Fail, run: Run) -> CompletionHook | None:
    """Every way to fail."""
    job.leave("begun", run.number)
    match job.how:
        case "refusal":
            raise Conflict("The sheets are all blank.")
        case "bug":
            raise KeyError("secret")
        case "for a while" if run.number == 1:
            raise Retry("The model is busy.")
        case "for ever":
            raise Retry("The model is busy.")
        case "no connection":
            raise asyncpg.InterfaceError("cannot perform operation: another operation is in progress")
        case "disk full":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        case "no vectors":
            raise VectorsUnavailable("nobody there")
        case "no store":
            raise StoreUnavailable("nobody there")
        case "child dies":
            await run.cpu(kill_self)
        case "child is killed":
            await run.cpu(kill_first, job.trail)
        case "die":
            os.kill(os.getpid(), signal.SIGKILL)
        case "cancelled by itself":
            raise asyncio.CancelledError
        case "at the end":
            return refuse
    return None


def kill_self() -> None:
    """Dies."""
    os.kill(os.getpid(), signal.SIGKILL)


def kill_first(trail: str) -> None:
    """Dies the first time only."""
    with Path(trail).open("r+") as file:
        killed = "child killed" in file.read()
        file.write("child done\n" if killed else "child killed\n")
    if not killed:
        kill_self()


async def refuse(uow: UnitOfWork) -> None:
    """What is to be written with the completion cannot be."""
    await uow.execute(update(ProcessingJob).values(subject="half done"))
    raise Conflict("Somebody else was faster.")


@dataclass(frozen=True)
class Faulty(TracedJob):
    """Fails, and what should follow from that has a fault of its own."""

    async def ended(self, uow: UnitOfWork, status: JobStatus, reason: str) -> None:
        """Writes something, and then breaks."""
        await uow.execute(update(ProcessingJob).values(subject="half done"))
        raise KeyError(reason)


@handles(Faulty)
async def break_down(job: Faulty, run: Run) -> None:
    """Never completes."""
    raise Conflict("It broke.")


@dataclass(frozen=True)
class Block(TracedJob):
    """Holds up its worker's event loop for `seconds`, then stores an object and writes."""

    seconds: float


@handles(Block)
async def block(job: Block, run: Run) -> None:
    """The second attempt does not block."""
    job.leave("begun", run.number)
    if run.number == 1:
        time.sleep(job.seconds)  # noqa: ASYNC251 - a loop that is held up is what is tested
    await run.put(f"{run.company_id}/blocked/{run.number}", b"stored")
    async with run.write() as uow:
        await run.save({"by": run.number}, uow)
    job.leave("wrote", run.number)

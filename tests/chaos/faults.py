"""Kills and pauses: a schedule drawn from a seed, and its execution by process id."""

import asyncio
import random
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from uuid import UUID

import asyncpg
import structlog

from tests.chaos.installation import Installation, send

log = structlog.get_logger(__name__)

UNREACHABLE = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # the server ended between two messages of a statement
)
"""Errors while the database is away."""

KILLS = {"api": 8, "worker": 14, "postmaster": 4, "vectors": 3, "vector files": 1, "everything": 2}
PAUSES = {"api": 2, "worker": 6, "postmaster": 1, "vectors": 3}
"""Faults of a run of 300 seconds. `vector files` kills the vector store and damages its files."""
FEW_KILLS = {"api": 1, "worker": 2, "postmaster": 1, "vectors": 1, "everything": 1}
FEW_PAUSES = {"worker": 1, "vectors": 1}
"""Faults of a run of 60 seconds."""
ONE_KILL, MANY_PAUSES = {"worker": 1}, {"worker": 10}
"""Faults of a run of 60 seconds without fencing: workers find that their jobs were taken over."""
QUIET_SECONDS = 6.0
"""Time at the beginning without faults."""
CYCLE_SECONDS = 30.0
OUTAGES, WORKER_FAULTS = (0.0, 0.25), (0.45, 0.95)
"""When faults of servers and of workers happen, as shares of a cycle."""
HUNT_SECONDS = 8.0
"""Time to wait for a worker whose death would be news."""
MAX_FURTHER_KILLS, FURTHER_KILL_SECONDS = 10, 4.0
"""Kills after the schedule, and the time between two of them."""
PROVOKED = {"RecoverVectors": "vector files"}
"""Tasks whose jobs start after a fault, and its target."""
LOOKS_FOR_JOBS = 80
PATIENCE = 900
"""Looks for a target, ten in a second."""
PAUSE_SECONDS = {"api": (1.0, 4.0), "worker": (3.5, 7.0), "postmaster": (1.0, 3.0), "vectors": (1.0, 4.0)}

HOLD = """
CREATE SCHEMA chaos;
CREATE TABLE chaos.held (task text PRIMARY KEY);
CREATE FUNCTION chaos.hold() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    IF EXISTS (SELECT FROM chaos.held WHERE task = OLD.task) THEN PERFORM pg_sleep(1.0); END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER chaos_hold BEFORE DELETE ON platform.leases FOR EACH ROW EXECUTE FUNCTION chaos.hold();
"""
"""Slows the end of jobs of these tasks down, so that a worker can be killed before it."""

FILL_HELD = "INSERT INTO chaos.held SELECT unnest($1::text[])"
ENDED = ("completed", "failed", "cancelled")


@dataclass(frozen=True)
class Fault:
    """A fault at a time in seconds; a pause has a duration."""

    at: float
    target: str
    pause: float | None = None

    def __str__(self) -> str:
        verb = "kill" if self.pause is None else "pause"
        return f"{verb} {self.target}"


def schedule(seed: int, seconds: float, kills: Mapping[str, int], pauses: Mapping[str, int]) -> list[Fault]:
    """The faults in order. Equal seeds give equal schedules.

    Each cycle begins with outages of servers and goes on with faults of single workers, while jobs get on.
    """
    chance = random.Random(seed)
    targets: list[tuple[str, bool]] = [
        (target, False) for target, count in kills.items() for _ in range(count)
    ]
    targets += [(target, True) for target, count in pauses.items() for _ in range(count)]
    chance.shuffle(targets)
    cycles = max(1, round((seconds - QUIET_SECONDS) / CYCLE_SECONDS))
    length = (seconds - QUIET_SECONDS) / cycles
    faults = []
    for is_worker, (first, last) in ((False, OUTAGES), (True, WORKER_FAULTS)):
        for number, (target, is_pause) in enumerate(
            each for each in targets if (each[0] == "worker") is is_worker
        ):
            at = QUIET_SECONDS + (number % cycles + chance.uniform(first, last)) * length
            pause = round(chance.uniform(*PAUSE_SECONDS[target]), 2) if is_pause else None
            faults.append(Fault(round(at, 2), target, pause))
    return sorted(faults, key=lambda fault: fault.at)


@dataclass(frozen=True)
class Strike:
    """A job that was running on a worker when it was killed."""

    job_id: UUID
    task: str
    epoch: int
    pid: int


@dataclass
class Injector:
    """Carries a schedule out, and notes which jobs lost their worker."""

    installation: Installation
    tables: Mapping[str, str]
    """The table of each task's jobs."""
    done: Counter[str] = field(default_factory=Counter)
    strikes: list[Strike] = field(default_factory=list)
    recovered: set[str] = field(default_factory=set)
    """Tasks of which a job has completed after its worker was killed."""
    settled: set[Strike] = field(default_factory=set)
    """Strikes whose job has ended."""

    @property
    def missing(self) -> set[str]:
        """Tasks that have not recovered yet."""
        return set(self.tables) - self.recovered

    @property
    def wanted(self) -> set[str]:
        """Missing tasks of which no job is recovering now."""
        return self.missing - {strike.task for strike in self.strikes if strike not in self.settled}

    async def prepare(self) -> None:
        """Installs the trigger that slows the ends of jobs down."""
        await self.execute(HOLD)
        await self.execute(FILL_HELD, list(self.tables))

    async def execute(self, statement: str, *arguments: object) -> None:
        """Executes a statement as the administrator."""
        async with self.connected() as connection:
            await connection.execute(statement, *arguments)

    async def run(self, faults: Sequence[Fault]) -> None:
        """Carries the faults out in their order, each not before its time."""
        began = time.monotonic()
        pauses = []
        for fault in faults:
            await asyncio.sleep(max(0.0, began + fault.at - time.monotonic()))
            if fault.pause is not None:
                pauses.append(asyncio.create_task(self.pause(fault)))
            else:
                await self.kill(fault)
        await asyncio.gather(*pauses)

    async def kill(self, fault: Fault) -> None:
        """Kills the target, once it exists."""
        if fault.target == "worker":
            await self.kill_worker()
        else:
            await self.kill_any(fault.target)

    async def kill_any(self, target: str) -> None:
        """Kills all processes of the target at once, when all of them run."""
        for _ in range(PATIENCE):
            struck = await self.running_jobs() if target in ("everything", "worker") else []
            pids = self.pids(target)
            is_serving = target not in ("api", "everything") or await self.installation.is_serving()
            if pids and all(pids) and is_serving:
                for pid in pids:
                    send(pid, signal.SIGKILL)
                if target == "vector files":
                    self.installation.damage_vectors()
                self.note(f"kill {target}", [strike for strike in struck if strike.pid in pids])
                return
            await asyncio.sleep(0.1)

    async def pause(self, fault: Fault) -> None:
        """Stops the target for a while."""
        assert fault.pause is not None
        [pid, *_] = [await self.busiest_worker()] if fault.target == "worker" else self.pids(fault.target)
        for _ in range(PATIENCE):
            if send(pid, signal.SIGSTOP):
                break
            await asyncio.sleep(0.1)
            [pid, *_] = self.pids(fault.target)
        else:
            return
        try:
            await asyncio.sleep(fault.pause)
        finally:
            send(pid, signal.SIGCONT)
            self.note(str(fault))

    async def busiest_worker(self) -> int | None:
        """The worker that runs the most jobs, once there is one."""
        for _ in range(LOOKS_FOR_JOBS):
            running = Counter(strike.pid for strike in await self.running_jobs())
            alive = [worker.pid for worker in self.installation.workers if worker.pid]
            if found := [pid for pid, _ in running.most_common() if pid in alive]:
                return found[0]
            await asyncio.sleep(0.1)
        return None

    def pids(self, target: str) -> list[int | None]:
        """The processes of a target."""
        installation = self.installation
        everything = [
            *(member.pid for member in installation.members),
            installation.postmaster(),
            installation.vector_store(),
        ]
        pids: dict[str, list[int | None]] = {
            "api": [installation.api.pid],
            "worker": [worker.pid for worker in installation.workers[-1:]],
            "postmaster": [installation.postmaster()],
            "vectors": [installation.vector_store()],
            "vector files": [installation.vector_store()],
            "everything": everything,
        }
        return pids[target]

    async def kill_worker(self) -> None:
        """Kills the worker with the most running jobs whose death would be news, or else any."""
        deadline = time.monotonic() + HUNT_SECONDS
        while time.monotonic() < deadline:
            if await self.hunt():
                return
            await asyncio.sleep(0.1)
        await self.kill_any("worker")

    async def hunt(self) -> bool:
        """Kills the worker with the most running jobs of wanted tasks. Returns whether there is one."""
        await self.note_recovered()
        running = await self.running_jobs()
        alive = [worker.pid for worker in self.installation.workers if worker.pid]
        news = Counter(strike.pid for strike in running if strike.task in self.wanted)
        found = next((pid for pid, _ in news.most_common() if pid in alive), None)
        if not send(found, signal.SIGKILL):
            return False
        self.note("kill worker", [strike for strike in running if strike.pid == found])
        return True

    async def complete(self, until: float) -> None:
        """Kills further workers at jobs of tasks that have not recovered yet, if there are any."""
        for _ in range(MAX_FURTHER_KILLS):
            for task in self.wanted & set(PROVOKED):
                await self.kill_any(PROVOKED[task])
            while self.missing and not await self.hunt():
                if time.monotonic() > until:
                    return
                await asyncio.sleep(0.2)
            await asyncio.sleep(FURTHER_KILL_SECONDS)

    def note(self, fault: str, struck: Sequence[Strike] = ()) -> None:
        """Counts a fault that was carried out."""
        self.done[fault] += 1
        self.strikes += struck
        log.info("fault", fault=fault, struck=sorted({strike.task for strike in struck}))

    async def running_jobs(self) -> list[Strike]:
        """The running jobs; none while the database is away."""
        try:
            async with self.connected() as connection:
                leases = await connection.fetch("SELECT * FROM platform.leases WHERE state = 'running'")
                return [
                    Strike(lease["id"], lease["task"], await self.epoch(connection, lease), pid_of(lease))
                    for lease in leases
                ]
        except UNREACHABLE:
            return []

    async def epoch(self, connection: asyncpg.Connection, lease: asyncpg.Record) -> int:
        """The epoch of a lease's job."""
        table = self.tables[lease["task"]]
        return int(await connection.fetchval(f"SELECT epoch FROM {table} WHERE id = $1", lease["id"]) or 0)

    async def note_recovered(self) -> None:
        """Notes which jobs have ended since their worker was killed, and which a later attempt completed."""
        with suppress(*UNREACHABLE):
            async with self.connected() as connection:
                for strike in [strike for strike in self.strikes if strike not in self.settled]:
                    statement = f"SELECT status, epoch FROM {self.tables[strike.task]} WHERE id = $1"
                    job = await connection.fetchrow(statement, strike.job_id)
                    if job is None or job["status"] in ENDED:
                        self.settled.add(strike)
                    if job is not None and job["status"] == "completed" and job["epoch"] > strike.epoch:
                        self.recovered.add(strike.task)
                await connection.execute("DELETE FROM chaos.held")
                await connection.execute(FILL_HELD, list(self.wanted))

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[asyncpg.Connection]:
        """A connection that sees every row."""
        connection = await self.installation.connect()
        try:
            yield connection
        finally:
            connection.terminate()


def pid_of(lease: asyncpg.Record) -> int:
    """The process id in the name of a lease's worker."""
    return int((lease["worker"] or "::0").split(":")[-2] or 0)

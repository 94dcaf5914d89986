"""A run: start, load and faults, settle, check, stop, check what is left."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

from pipelines.handler_modules import HANDLER_MODULES
from tests.chaos import faults, remains
from tests.chaos.checker import Checker, Violation
from tests.chaos.client import Clock
from tests.chaos.faults import UNREACHABLE, Injector, schedule
from tests.chaos.installation import Installation
from tests.chaos.load import Load
from tests.chaos.outside import outside
from tests.planted_secrets import ALLOWED, stored_secrets

ENVIRONMENT = {
    "JOB_HEARTBEAT": "0.5",
    "JOB_STALE": "2",
    "JOB_CONCURRENCY": "3",
    "JOB_GRACE": "5",
    "DRAWING_DPI": "72",
    "CHUNK_TOKENS": "120",
    "CHUNK_OVERLAP": "10",
    "ACCESS_TOKEN_TTL": "7200",
    "OFFLINE_COUNCILS": "true",
}
MIN_FULL_SECONDS = 240
LOOK_SECONDS, QUIET_SECONDS = 0.5, 6.0
"""Interval of looks, and the time without work after which the installation has settled."""
FURTHER_SECONDS = 45.0
"""Time after the load in which workers are killed at kinds of jobs that have not recovered yet."""
SETUP_SECONDS = 240.0
ARRIVAL_LOOKS = 40
"""Looks for events that are still on their way to the clients."""
LIMITS = httpx.Limits(max_connections=200, max_keepalive_connections=50)


@dataclass(frozen=True)
class Options:
    """What to run. A short run has few faults, and need not kill a worker at a job of every kind."""

    seed: int
    seconds: float
    settle_seconds: float
    sabotage: str | None = None

    @property
    def is_short(self) -> bool:
        """Whether the run is too short for all faults."""
        return self.seconds < MIN_FULL_SECONDS

    @property
    def kills(self) -> Mapping[str, int]:
        """Number of kills by target."""
        if not self.is_short:
            return faults.KILLS
        return faults.ONE_KILL if self.sabotage == "fencing" else faults.FEW_KILLS

    @property
    def pauses(self) -> Mapping[str, int]:
        """Number of pauses by target."""
        if not self.is_short:
            return faults.PAUSES
        return faults.MANY_PAUSES if self.sabotage == "fencing" else faults.FEW_PAUSES


@dataclass
class Result:
    """What was done, and what does not hold."""

    findings: list[Violation]
    faults: Counter[str]
    outcomes: Counter[str]
    recovered: set[str]
    settled_seconds: float


async def run(folder: Path, options: Options) -> Result:
    """Runs in an empty folder."""
    launcher = ("tests.chaos.sabotage", options.sabotage) if options.sabotage else ("server",)
    async with outside() as outer, httpx.AsyncClient(limits=LIMITS, trust_env=False) as http:
        environment = {**ENVIRONMENT, **outer.environment}
        installation = Installation(folder, environment, launcher=launcher)
        async with installation.running():
            clock = Clock(*2 * [time.monotonic() + SETUP_SECONDS])
            load = Load(installation, outer, http, clock, random.Random(options.seed))
            injector = Injector(installation, tables_of_tasks())
            await load.set_up()
            await injector.prepare()
            if options.sabotage == "rls":
                await injector.execute("ALTER ROLE app_rw BYPASSRLS")
            clock.closing = time.monotonic() + options.seconds
            clock.end = clock.closing + options.settle_seconds
            planned = schedule(options.seed, options.seconds, options.kills, options.pauses)
            working = asyncio.create_task(load.run())
            await injector.run(planned)
            if not options.is_short:
                await injector.complete(clock.closing + FURTHER_SECONDS)
            settled = await settle(installation, working, clock)
            found = await check(installation, load, injector, options)
            if time.monotonic() > clock.end:
                found.insert(0, Violation("the load settles", f"not within {options.settle_seconds:.0f} s"))
            await load.close()
            codes = await installation.stop()
            found += remains.stopped_findings(installation, codes)
            found += remains.log_findings(installation, load.secrets)
    return Result(found, injector.done, load.ledger.outcomes, injector.recovered, settled)


async def settle(installation: Installation, working: "asyncio.Task[None]", clock: Clock) -> float:
    """Waits until the flows and all jobs have ended, at most to the clock's end. Returns the seconds."""
    began = max(time.monotonic(), clock.closing)
    with suppress(TimeoutError):
        await asyncio.wait_for(working, max(0.0, clock.end - time.monotonic()))
    quiet = 0
    while time.monotonic() < clock.end and quiet * LOOK_SECONDS < QUIET_SECONDS:
        with suppress(*UNREACHABLE):
            connection = await installation.connect()
            try:
                quiet = 0 if await connection.fetchval(BUSY) else quiet + 1
            finally:
                connection.terminate()
        await asyncio.sleep(LOOK_SECONDS)
    return time.monotonic() - began


BUSY = """
SELECT EXISTS (SELECT FROM platform.leases) OR EXISTS (SELECT FROM platform.pgqueuer)
OR EXISTS (SELECT FROM platform.companies WHERE embedding_model_id IS NOT NULL
           AND embedding_model_id <> (SELECT id FROM platform.embedding_models WHERE is_active))
"""


async def check(
    installation: Installation, load: Load, injector: Injector, options: Options
) -> list[Violation]:
    """Everything that does not hold while the installation still runs."""
    markers = {tenant.client.company: tenant.marker for tenant in load.tenants}
    connection = await installation.connect()
    try:
        await injector.note_recovered()
        checker = Checker(connection, load.ledger, markers)
        for _ in range(ARRIVAL_LOOKS):
            if not [late async for late in checker.activities()]:
                break
            await asyncio.sleep(LOOK_SECONDS)
        if failed := await load.probe():
            load.ledger.faults["a query that was not answered although nothing was wrong"] += failed
        found = await checker.findings()
        found += await remains.vector_findings(installation, connection)
        found += await remains.connection_findings(connection, len(installation.workers))
        found += await remains.file_findings(installation, connection)
        load.secrets += [secret for secret in await stored_secrets(connection) if secret not in ALLOWED]
    finally:
        connection.terminate()
    missing = Counter({f"kill {target}": count for target, count in options.kills.items()})
    missing.update({f"pause {target}": count for target, count in options.pauses.items()})
    missing.subtract(injector.done)
    if short := {name: count for name, count in missing.items() if count > 0}:
        found.append(Violation("all faults were carried out", str(short)))
    if not options.is_short and injector.missing:
        found.append(Violation("every kind of job recovers", ", ".join(sorted(injector.missing))))
    return found


def tables_of_tasks() -> dict[str, str]:
    """The table of each task that has a handler."""
    return {kind.__name__: f"tenant.{kind.row.__tablename__}" for kind in HANDLER_MODULES}

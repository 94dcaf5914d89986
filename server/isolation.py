"""Isolated attempts: a job whose workers have died runs in a process of its own, which its worker survives.

The process runs the handler and records the outcome. If it dies while its worker lives, it was the job.
"""

import asyncio
import os
import pickle
import sys
from contextlib import AsyncExitStack, suppress
from dataclasses import fields
from datetime import timedelta
from pathlib import Path
from typing import Any

import uvloop

from core.garbage_collection import freeze_heap
from core.settings import Settings
from db.database import Database
from db.placement import Placement
from db.queue import Attempt
from pipelines.runtime.handlers import Services
from pipelines.runtime.process_pool import ProcessDied, ProcessPool, describe_exit
from pipelines.runtime.process_worker import end_with
from providers.storage import open_store
from server.attempts import RecordedOutcome, RunningJob, record_outcome, run_handler
from server.logging import configure_logging
from server.provider_factory import open_embedders, open_sources, open_vectors, worker_services

ALIVE, ENDED = b"alive\n", b"ended "
"""Lines of the process: a heartbeat of its event loop, and the delay in seconds of the next attempt."""

HEARTBEAT_SECONDS = 1.0
MAX_SILENCE_SECONDS = 60.0
"""Seconds without a heartbeat after which the process is stopped, as its event loop is held up."""

OOM_SCORE_ADJUSTMENT = "500"
"""Makes the kernel end this process rather than its worker when memory runs out."""


async def run_isolated(attempt: Attempt, services: Services) -> RecordedOutcome:
    """Runs an attempt in a process of its own, which records the outcome. Raises `ProcessDied`."""
    database = services.database.placement.primary.url.render_as_string(hide_password=False)
    settings = services.settings.model_copy(update={"database_url": database})
    request = pickle.dumps((settings, _state(attempt)))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "server.isolation",
        str(os.getpid()),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(request)
        process.stdin.close()
        while line := await asyncio.wait_for(process.stdout.readline(), MAX_SILENCE_SECONDS):
            if line.startswith(ENDED):
                delay = line.removeprefix(ENDED).strip()
                return RecordedOutcome(timedelta(seconds=float(delay)) if delay else None)
        reason = describe_exit(await process.wait())
    except TimeoutError:
        reason = "it did not respond"
    except ConnectionError:
        reason = describe_exit(await process.wait())
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    raise ProcessDied(f"The job stopped its own process unexpectedly ({reason}).")


def _state(attempt: Attempt) -> dict[str, Any]:
    """The fields of an attempt, apart from the database."""
    return {field.name: getattr(attempt, field.name) for field in fields(attempt) if field.name != "database"}


async def run_attempt(settings: Settings, state: dict[str, Any], output: int) -> None:
    """Runs the attempt and records its outcome."""
    heartbeat = asyncio.create_task(_send_heartbeats(output))
    assert settings.database_url is not None
    database = Database(Placement(settings, settings.database_url, application="seshat isolated job"))
    async with AsyncExitStack() as stack:
        stack.push_async_callback(database.close)
        embedders, vectors = open_embedders(settings, stack), open_vectors(settings, stack)
        store, sources = open_store(settings.object_store_url), open_sources(database, settings, stack)
        services = worker_services(database, settings, store, embedders, vectors, sources)
        processes = ProcessPool(1)
        stack.push_async_callback(processes.close)
        attempt = Attempt(database=database, **state)
        freeze_heap()
        running = RunningJob(attempt, asyncio.create_task(run_handler(attempt, services, processes)))
        await asyncio.wait({running.task})
        delay = await record_outcome(running)
        os.write(output, ENDED + (b"" if delay is None else b"%f" % delay.total_seconds()) + b"\n")
        heartbeat.cancel()


async def _send_heartbeats(output: int) -> None:
    while True:
        os.write(output, ALIVE)
        await asyncio.sleep(HEARTBEAT_SECONDS)


def main() -> None:
    """Runs the attempt that the parent process has written to standard input."""
    end_with(int(sys.argv[1]))
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(OOM_SCORE_ADJUSTMENT)
    output = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what libraries print
    settings, state = pickle.load(sys.stdin.buffer)
    configure_logging(settings.log_level)
    uvloop.run(run_attempt(settings, state, output))


if __name__ == "__main__":
    main()

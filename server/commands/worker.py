"""The command `seshat worker`: a worker in a process of its own."""

from argparse import Namespace
from collections.abc import Sequence

import uvloop

from core.settings import Settings
from server.installation import open_installation
from server.worker import run_worker


def run(settings: Settings, options: Namespace) -> int:
    """`seshat worker`."""
    queues = [queue.strip() for queue in options.queues.split(",") if queue.strip()]
    uvloop.run(run_worker_process(settings, queues))
    return 0


async def run_worker_process(settings: Settings, queues: Sequence[str]) -> None:
    """Runs a standalone worker until a signal. With an embedded database, it waits for `seshat serve`."""
    async with open_installation(settings, "join") as ready:
        await run_worker(ready, queues)

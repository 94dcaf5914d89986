"""A worker in a process of its own, for tests that stop, kill or freeze it: settings as JSON, by argument."""

import asyncio
import sys

import tests.db.queue.sample_tasks  # noqa: F401 - its handlers
from core.settings import Settings
from server.logging import configure_logging
from server.worker import run_worker
from tests.db.queue.sample_tasks import QUEUE

if __name__ == "__main__":
    configure_logging("INFO")
    asyncio.run(run_worker(Settings.model_validate_json(sys.argv[1]), [QUEUE]))

"""Metric of the executor: how many operations were executed compiled, stock and bailed, in the log."""

import asyncio
from collections import Counter

import structlog

log = structlog.get_logger(__name__)

INTERVAL_SECONDS = 300.0


async def log_executions(counts: Counter[str], interval: float = INTERVAL_SECONDS) -> None:
    """Log what was counted since the last entry, at every interval and at the end, unless it is nothing."""
    logged = Counter(counts)
    try:
        while True:
            await asyncio.sleep(interval)
            logged = log_new(counts, logged)
    finally:
        log_new(counts, logged)


def log_new(counts: Counter[str], logged: Counter[str]) -> Counter[str]:
    """Log the difference of the counts, and return what is logged now."""
    new = counts - logged
    if new:
        log.info("operations_executed", compiled=new["compiled"], stock=new["stock"], bailed=new["bailed"])
    return Counter(counts)

"""The log says how operations were executed."""

import asyncio
from collections import Counter

from structlog.testing import capture_logs

from schema.contract import make_schema
from server.execution_metric import log_executions, log_new

EXECUTED = "operations_executed"


def test_only_what_is_new_is_logged() -> None:
    """And nothing if nothing was executed since."""
    counts = Counter(compiled=5, stock=1)
    with capture_logs() as entries:
        logged = log_new(counts, Counter())
        logged = log_new(counts, logged)
        counts.update(compiled=2, bailed=1)
        log_new(counts, logged)

    assert entries == [
        {"event": EXECUTED, "log_level": "info", "compiled": 5, "stock": 1, "bailed": 0},
        {"event": EXECUTED, "log_level": "info", "compiled": 2, "stock": 0, "bailed": 1},
    ]


async def test_the_last_operations_are_logged_at_the_end() -> None:
    """Those before the first interval has passed too."""
    counts = Counter[str]()
    with capture_logs() as entries:
        task = asyncio.create_task(log_executions(counts))
        await asyncio.sleep(0)
        counts["compiled"] += 3
        task.cancel()
        await asyncio.wait([task])

    assert entries == [{"event": EXECUTED, "log_level": "info", "compiled": 3, "stock": 0, "bailed": 0}]


async def test_each_way_of_execution_is_counted() -> None:
    """Plans for most operations, the stock executor for incremental delivery."""
    schema = make_schema()
    for document in ("{ __typename }", "{ __typename }", "{ ... @defer { __typename } }"):
        await schema.execute(document)

    assert schema.executions == Counter(compiled=2, stock=1)

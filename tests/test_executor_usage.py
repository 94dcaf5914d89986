"""The shares of compiled, stock and bailed operations."""

from tests.executor_usage import ExecutorUsage


def test_usage_of_several_processes_adds_up() -> None:
    """What was not compiled is listed by its root field and cause."""
    usage = ExecutorUsage()
    usage.add({("compiled", "", "query me"): (3, 1.5)})
    usage.add({("compiled", "", "query me"): (6, 1.5), ("bailed", "StockOnly", "query node"): (1, 1.0)})

    assert usage.report() == [
        "bailed: 1 root selections (10.00%), 1.00 s CPU (25.00%)",
        "compiled: 9 root selections (90.00%), 3.00 s CPU (75.00%)",
        "  bailed query node StockOnly: 1 times, 1.000 s",
    ]


def test_nothing_is_nothing() -> None:
    """A run without operations has no shares."""
    assert ExecutorUsage().report() == []

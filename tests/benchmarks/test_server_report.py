"""What the benchmark of the server makes of its measurements."""

import os
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import psutil
import pytest

from benchmarks.bounds import Limit, verdict
from benchmarks.processes import cpu_seconds
from benchmarks.server.peers import Peer
from benchmarks.server.profiling import Sampler
from benchmarks.server.report import middle, report, report_processes
from benchmarks.server.rounds import MANY, ONE, Samples, count_requests, peers_of
from benchmarks.server.shapes import Ratios, Shape

SHAPE = Shape("Q9", "test", 10, "{ a }", "{ a }", Ratios(must=2.0, goal=1.5, latency=3.0))


def peer(name: str, shapes: tuple[str, ...] = ("Q9",), *, cpu: float = 1.0, memory: int = 1) -> Peer:
    """A server that is not there."""
    process = cast(Any, SimpleNamespace(memory_info=lambda: SimpleNamespace(rss=2 * memory)))
    return Peer(name, process, 1, cpu, memory, {shape: [b""] for shape in shapes})


def samples(cpu: list[float], latency: list[float], bad: list[str] | None = None) -> Samples:
    """Measurements."""
    return Samples(cpu, [0.0], latency, bad or [])


def limits_for(cpu: list[float], latency: list[float], bad: list[str] | None = None) -> list[Limit]:
    """The limits of these medians beside a floor of 1 ms."""
    results = {
        ("Q9", "floor", MANY): samples([0.5, 1.0, 9.0], [1.0]),
        ("Q9", "floor", ONE): samples([1.0], [1.0]),
        ("Q9", "Seshat", MANY): samples(cpu, [7.0], bad),
        ("Q9", "Seshat", ONE): samples([7.0], latency),
    }
    return report(results, [SHAPE], [peer("floor"), peer("Seshat")])


def test_ratios_are_of_medians_and_may_be_the_limit_itself() -> None:
    limits = limits_for([1.0, 2.0, 9.0], [3.0])

    assert limits == [
        Limit("Q9 test: CPU time", "≤ 2.0 of the floor's", "2.00", True),
        Limit("Q9 test: p50 alone", "≤ 3.0 of the floor's", "3.00", True),
        Limit("Q9: not answered", "0", "0", True),
    ]
    assert verdict(limits) == 0


@pytest.mark.parametrize(
    ("cpu", "latency", "bad", "met"),
    [
        ([2.01], [3.0], None, [False, True, True]),
        ([2.0], [3.01], None, [True, False, True]),
        ([2.0], [3.0], ["503"], [True, True, False]),
        ([], [], ["503"], [False, False, False]),
    ],
)
def test_a_limit_that_is_missed_fails(
    cpu: list[float], latency: list[float], bad: list[str] | None, met: list[bool]
) -> None:
    limits = limits_for(cpu, latency, bad)

    assert [limit.met for limit in limits] == met
    assert verdict(limits) == 1


@pytest.mark.parametrize(
    ("cpu", "memory", "met"),
    [
        (2.5, 199_999_999, [True, True]),
        (2.51, 199_999_999, [False, True]),
        (2.5, 200_000_000, [True, False]),
    ],
)
def test_start_and_memory_have_limits(cpu: float, memory: int, met: list[bool]) -> None:
    limits = report_processes([peer("floor", cpu=9.0), peer("Seshat", cpu=cpu, memory=memory)])

    assert [(limit.what, limit.met) for limit in limits] == [
        ("ready", met[0]),
        ("memory when ready", met[1]),
    ]


def test_medians() -> None:
    assert middle([3.0, 1.0, 2.0]) == 2.0
    assert middle([1.0, 2.0]) == 1.5
    assert str(middle([])) == "nan"


def test_servers_answer_the_shapes_for_which_they_have_requests() -> None:
    floor, stock = peer("floor"), peer("stock", ())

    assert peers_of(SHAPE, [floor, stock]) == [floor]


@pytest.mark.parametrize(("leaves", "count"), [(1_000, 40), (1_001, 10)])
def test_small_answers_are_sent_more_often(leaves: int, count: int) -> None:
    assert count_requests(Shape("Q9", "test", leaves, ""), 10) == count


def test_cpu_time_is_that_of_the_process() -> None:
    before = time.process_time()
    spent = cpu_seconds(psutil.Process(os.getpid()), descendants=False)

    assert before <= spent <= time.process_time()


@pytest.fixture
def sampler() -> Iterator[Sampler]:
    """A sampler that runs."""
    sampler = Sampler()
    sampler.enable()
    yield sampler
    sampler.disable()


def test_stacks_are_sampled_from_the_outermost_function_to_the_innermost(
    sampler: Sampler, tmp_path: Any
) -> None:
    end = time.process_time() + 30
    while not sampler.stacks and time.process_time() < end:
        pass
    sampler.disable()
    sampler.dump_stats(tmp_path / "stacks")

    [(stack, count)] = sampler.stacks.items()
    assert (tmp_path / "stacks").read_text() == f"{stack} {count}\n"
    assert (
        f"{__name__}.{test_stacks_are_sampled_from_the_outermost_function_to_the_innermost.__name__}:"
        in stack
    )

"""SIGKILL at each part of a move: a second run finishes or undoes it, and no row is lost or in two places."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator

import pytest

from db.company_move.execution import move_company, repair, repair_company
from db.company_move.journal import Busy
from db.placement import Place
from tests.db.company_move.conftest import Installation
from tests.db.company_move.killed_process import QUICK, Forks, Order

STRAGGLER = "UPDATE tenant.projects SET name = 'written late' WHERE company_id = $1"


Kill = Callable[..., Awaitable[list[str] | None]]


@pytest.fixture(scope="module")
def forks() -> Iterator[Forks]:
    """Starts processes that are killed."""
    started = Forks()
    yield started
    started.close()


@pytest.fixture
def kill_at(installation: Installation, forks: Forks) -> Kill:
    """Moves or repairs the company in a process that is killed as a part begins.

    Returns the parts that it began; None if it ended before.
    """

    async def kill(target: Place | None, part: int | str, *, is_repair: bool = False) -> list[str] | None:
        databases, name = installation.databases, target.database if target else None
        company_id = str(installation.company_id)
        order = Order(databases.admin, databases.primary, company_id, name, part, is_repair)
        return await asyncio.to_thread(forks.kill, order)

    return kill


async def repair_after_kill(installation: Installation) -> None:
    """Repairs the company once the server has noticed the death of the process."""
    async with asyncio.timeout(30):
        while True:
            try:
                await repair_company(installation.databases, installation.company_id, limits=QUICK)
                return
            except Busy:
                await asyncio.sleep(0.05)


@pytest.mark.parametrize("direction", ["to a database of its own", "to the shared database"])
async def test_a_move_that_is_killed_is_finished_or_undone(
    installation: Installation, own: Place, kill_at: Kill, direction: str
) -> None:
    rows = await installation.rows(None)
    source, target = (None, own) if direction == "to a database of its own" else (own, None)
    if source is not None:
        await move_company(installation.databases, installation.company_id, source, limits=QUICK)
    parts: list[str] = []
    number = 0

    while (begun := await kill_at(target, number := number + 1)) is not None:
        parts.append(begun[-1])
        await repair_after_kill(installation)
        place = source if is_undone(parts[-1]) else target
        assert await installation.rows(place) == rows, parts[-1]
        await installation.assert_settled(place)
        assert await installation.databases.exists(own.database) == (place == own), parts[-1]
        if place == target:
            await move_company(installation.databases, installation.company_id, source, limits=QUICK)

    assert {
        "copy rows",
        "refuse writers",
        "switch",
        "wait until nobody reads the old rows",
        "delete rows",
    } < {*parts}
    await installation.assert_settled(target)


def is_undone(part: str) -> bool:
    """Whether a move that is killed as this part begins is undone."""
    return part.startswith(("create", "copy", "compare", "refuse", "switch"))


async def test_a_return_that_is_killed_is_finished(
    installation: Installation, own: Place, kill_at: Kill
) -> None:
    number, parts = 0, set()
    while True:
        assert await kill_at(own, "users were refused") is not None
        await installation.at(None, STRAGGLER)
        killed = await kill_at(None, number := number + 1, is_repair=True)
        await repair_after_kill(installation)
        await installation.assert_settled(None)
        names = await installation.primary("SELECT name FROM tenant.projects WHERE company_id = $1")
        assert {row["name"] for row in names} == {"written late"}
        assert not await installation.databases.exists(own.database)
        if killed is None:
            break
        parts.add(killed[-1])

    assert {"return the company", "delete rows"} < parts


async def test_a_sweep_repairs_every_company_that_nobody_works_on(
    installation: Installation, own: Place, kill_at: Kill
) -> None:
    assert await kill_at(own, 4) is not None
    await asyncio.sleep(0.2)

    assert await repair(installation.databases, limits=QUICK) == 0

    await installation.assert_settled(None)

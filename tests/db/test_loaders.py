"""Loads that several fields share and whose fields are cancelled, and what is asked of which row source."""

import asyncio
import gc
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest

from core.errors import LimitExceeded
from db import selects
from db.base import Model
from db.loaders import ROOT, Loader, Loaders, RowSource
from db.models import Conversation, Message, Project, ProjectStatus
from db.pagination import Order, Page
from db.rows import Record
from db.statements import Statement
from tests.db.test_selects import words


async def load(loader: Loader) -> object:
    """A field that loads."""
    return await loader.load(1)


@pytest.mark.parametrize("fails", [True, False])
async def test_a_load_that_nobody_waits_for_ends_quietly(fails: bool) -> None:
    reported, begun, go = list[dict[str, Any]](), asyncio.Event(), asyncio.Event()

    async def batch(keys: list[int]) -> list[int]:
        begun.set()
        await go.wait()
        if fails:
            raise RuntimeError("too late")
        return keys

    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: reported.append(context))
    loader = Loader(batch)
    first, second = asyncio.create_task(load(loader)), asyncio.create_task(load(loader))
    await begun.wait()
    first.cancel()
    await asyncio.wait({first})
    second.cancel()
    go.set()
    await asyncio.wait({second})
    await asyncio.sleep(0.01)
    del loader, first, second
    gc.collect()
    loop.set_exception_handler(None)

    assert reported == []


async def test_a_cancelled_field_does_not_cancel_what_it_shares() -> None:
    async def batch(keys: list[int]) -> list[int]:
        await asyncio.sleep(0.01)
        return [10 * key for key in keys]

    loader = Loader(batch)
    first, second = asyncio.create_task(load(loader)), asyncio.create_task(load(loader))
    await asyncio.sleep(0)
    first.cancel()

    assert await second == 10


IDS = [UUID(int=number) for number in range(1, 2501)]
COLUMNS = ("name", "id")
BY_ID = Order("id")
COLUMNS_OF_MESSAGES = ("content", "id")


def everybody(model: type[Model], entity: Any) -> Sequence[Any]:
    return []


def published_rows(model: type[Model], entity: Any) -> Sequence[Any]:
    return [entity.company_id == selects.VIEWER_COMPANY_ID]


@dataclass
class Unit:
    """Answers each statement with the next records, or raises an error, and remembers it with its values."""

    answers: list[list[Record] | Exception] = field(default_factory=list)
    sent: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    released: list[int] = field(default_factory=list)

    async def fetch(self, statement: Statement, values: Mapping[str, Any]) -> list[Record]:
        self.sent.append((words(statement.sql), dict(values)))
        await asyncio.sleep(0)
        answer = self.answers.pop(0) if self.answers else []
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def release(self) -> None:
        self.released.append(len(self.sent))

    @property
    def values(self) -> list[dict[str, Any]]:
        return [values for _, values in self.sent]

    @property
    def keys(self) -> list[Any]:
        """The keys of each statement, in no order; one alone is not in a set."""
        keys = [values["keys"] for values in self.values]
        return [key if isinstance(key, UUID) else set(key) for key in keys]


def source_of(unit: Unit, visibility: Any = everybody, *, release: bool = False) -> RowSource:
    sender: Any = unit
    return RowSource(sender, visibility, {"viewer_id": IDS[-1]}, release)


def loaders_of(*units: Unit, max_rows: int = 25_000) -> Loaders:
    """Loaders of the viewer's rows, and of published ones in a second unit, which is released."""
    rules = (everybody, published_rows)
    sources = [
        source_of(unit, rule, release=rule is published_rows)
        for unit, rule in zip(units, rules, strict=False)
    ]
    return Loaders(lambda model: sources, max_rows)


def records(ids: Sequence[UUID], name: str = "A") -> list[Record]:
    return [(name, id) for id in ids]


async def test_rows_are_loaded_by_the_thousand() -> None:
    unit = Unit([records(IDS[:1000]), records(IDS[1000:1999]), records(IDS[2000:])])
    found = await loaders_of(unit).records(Project, COLUMNS, set(IDS))

    assert [len(values["keys"]) for values in unit.values] == [1000, 1000, 500]
    assert {key for values in unit.values for key in values["keys"]} == set(IDS)
    assert [values["budget"] for values in unit.values] == [25_001, 24_001, 23_002]
    assert {values["viewer_id"] for values in unit.values} == {IDS[-1]}
    assert len({sql for sql, _ in unit.sent}) == 1
    assert found == {id: ("A", id) for id in IDS if id != IDS[1999]}


async def test_a_row_is_loaded_once() -> None:
    unit = Unit([records(IDS[:1])])
    loaders = loaders_of(unit)

    for ids in (IDS[:2], IDS[:2], IDS[1:3], IDS[:3]):
        assert await loaders.records(Project, COLUMNS, set(ids)) == {IDS[0]: ("A", IDS[0])}
    assert unit.keys == [set(IDS[:2]), IDS[2]]
    await loaders.records(Project, ("id",), set(IDS[:1]))
    await loaders.records(Conversation, ("id",), set(IDS[:1]))
    assert len(unit.sent) == 4

    loaders.clear()
    await loaders.records(Project, COLUMNS, set(IDS[:1]))
    assert len(unit.sent) == 5
    loaders.reset()
    await loaders.records(Project, COLUMNS, set(IDS[:1]))
    assert len(unit.sent) == 6


async def test_a_failed_load_is_not_remembered() -> None:
    unit = Unit([ConnectionResetError(), records(IDS[:1])])
    loaders = loaders_of(unit)
    with pytest.raises(ConnectionResetError):
        await loaders.records(Project, COLUMNS, set(IDS[:1]))

    assert await loaders.records(Project, COLUMNS, set(IDS[:1])) == {IDS[0]: ("A", IDS[0])}


async def test_loads_of_the_same_row_at_once_all_get_it() -> None:
    unit = Unit([records(IDS[:1])] * 2)
    loaders = loaders_of(unit)
    found = await asyncio.gather(*(loaders.records(Project, COLUMNS, {IDS[0]}) for _ in range(2)))

    assert found == [{IDS[0]: ("A", IDS[0])}] * 2


@pytest.mark.parametrize("at", range(3))
async def test_what_was_loaded_before_a_failure_is_not_loaded_again(at: int) -> None:
    answers: list[Any] = [records(IDS[:1]), records(IDS[1:2]), records(IDS[2:3])]
    unit = Unit([*answers[:at], ConnectionResetError()])
    loaders = loaders_of(unit)
    with pytest.raises(ConnectionResetError):
        await loaders.records(Project, COLUMNS, set(IDS))
    before = len(unit.sent)
    await loaders.records(Project, COLUMNS, set(IDS))

    assert before == at + 1
    assert sum(len(values["keys"]) for values in unit.values[before:]) == len(IDS) - 1000 * at


async def test_published_rows_are_requested_only_if_they_are_missing() -> None:
    own, other = Unit([records(IDS[:2]), records(IDS[3:4])]), Unit([records(IDS[2:3], "P")])
    loaders = loaders_of(own, other)
    found = dict(await loaders.records(Project, COLUMNS, set(IDS[:3])))
    await loaders.records(Project, COLUMNS, set(IDS[3:4]))

    assert [found[id] for id in IDS[:3]] == [("A", IDS[0]), ("A", IDS[1]), ("P", IDS[2])]
    assert own.keys == [set(IDS[:3]), IDS[3]]
    assert other.keys == [IDS[2]]
    assert (own.released, other.released) == ([], [1])
    assert "company_id = $1" in other.sent[0][0]


async def test_a_second_connection_is_released_after_an_error_as_well() -> None:
    other = Unit([ConnectionResetError()])
    with pytest.raises(ConnectionResetError):
        await loaders_of(Unit(), other).records(Project, COLUMNS, set(IDS[:1]))

    assert other.released == [1]


async def test_one_row_is_an_object_and_absent_ones_are_none() -> None:
    unit = Unit([[("active", IDS[0])]])
    loader = loaders_of(unit).one(Project, ("status", "id"))
    found, absent = await asyncio.gather(loader.load(IDS[0]), loader.load(IDS[1]))

    assert (found.id, found.status, absent) == (IDS[0], ProjectStatus.ACTIVE, None)
    assert [set(values["keys"]) for values in unit.values] == [set(IDS[:2])]


async def test_the_pages_of_many_parents_are_in_their_order() -> None:
    page = Page(size=2, order=Order("content"), after=("A", IDS[9]))
    rows: list[Record] = [("B", IDS[3], 2), ("C", IDS[4], 2), ("B", IDS[5], 1)]
    unit = Unit([rows])
    found = await loaders_of(unit).pages(Conversation.messages, page, COLUMNS_OF_MESSAGES, None, IDS[:3])

    assert found == [[rows[2]], rows[:2], []]
    assert unit.values == [
        {
            "viewer_id": IDS[-1],
            "size": 3,
            "after_content": "A",
            "after_id": IDS[9],
            "keys": IDS[:3],
            "budget": 12_501,
        }
    ]


async def test_pages_are_loaded_by_the_thousand_parents() -> None:
    unit = Unit(
        [[("x", id, position) for position, id in enumerate(IDS[:1000], 1)], [], [("y", IDS[9], 401)]]
    )
    found = await loaders_of(unit).pages(
        Conversation.messages, Page(size=1, order=BY_ID), COLUMNS_OF_MESSAGES, None, IDS
    )

    assert [len(values["keys"]) for values in unit.values] == [1000, 1000, 500]
    assert [len(page) for page in found] == [1] * 1000 + [0] * 1400 + [1] + [0] * 99
    assert [found[0], found[999], found[2400]] == [
        [("x", IDS[0], 1)],
        [("x", IDS[999], 1000)],
        [("y", IDS[9], 401)],
    ]


async def test_the_pages_of_two_sources_are_merged() -> None:
    page = Page(size=2, order=Order("name", descending=True))
    own, other = Unit([[("D", IDS[0]), ("B", IDS[1])]]), Unit([[("C", IDS[2]), ("A", IDS[3])]])
    (found,) = await loaders_of(own, other).pages(Project, page, COLUMNS, None, [ROOT])

    assert found == [("D", IDS[0]), ("C", IDS[2]), ("B", IDS[1])]
    assert (own.released, other.released) == ([], [1])
    assert len(own.sent) == len(other.sent) == 1


async def test_a_filter_is_part_of_the_page_and_of_its_count() -> None:
    def where(project: Any) -> list[Any]:
        return [project.status.in_([ProjectStatus.ACTIVE, ProjectStatus.ARCHIVED])]

    unit = Unit([[("A", IDS[0])], [(1,)]])
    loaders = loaders_of(unit)
    assert await loaders.pages(Project, Page(size=1, order=BY_ID), COLUMNS, where, [ROOT]) == [
        [("A", IDS[0])]
    ]
    assert await loaders.counts(Project, where, None, [ROOT]) == [1]

    assert [".status IN ($" in sql for sql, _ in unit.sent] == [True, True]


async def test_objects_of_a_page_are_those_of_its_records() -> None:
    unit = Unit([[("A", IDS[0], 1), ("B", IDS[1], 1)]])
    loader = loaders_of(unit).page(
        Conversation.messages, Page(size=1, order=BY_ID), COLUMNS_OF_MESSAGES, None, None
    )
    rows, none = await asyncio.gather(loader.load(IDS[5]), loader.load(IDS[6]))

    assert [(row.content, row.id) for row in rows] == [("A", IDS[0]), ("B", IDS[1])]
    assert none == []
    assert len(unit.sent) == 1


@pytest.mark.parametrize(
    ("limit", "counts", "expected"),
    [
        (None, [[(7,)]], 7),
        (10, [[(7,)]], 7),
        (5, [[(5,)]], 5),
        (None, [[(7,)], [(5,)]], 12),
        (10, [[(7,)], [(5,)]], 10),
        (10, [[(0,)], [(0,)]], 0),
    ],
)
async def test_counts_of_sources_add_up_to_the_limit(
    limit: int | None, counts: list[Any], expected: int
) -> None:
    units = [Unit([one]) for one in counts]
    loaders = loaders_of(*units)

    assert await loaders.count(Project, None, None, limit).load(ROOT) == expected
    assert [unit.values[0]["count_limit"] for unit in units] == [limit] * len(units)


async def test_the_counts_of_many_parents_are_in_their_order() -> None:
    unit = Unit([[(2, 3), (1, 0), (3, 7)]])
    found = await loaders_of(unit).counts(Conversation.messages, None, 5, IDS[:3])

    assert found == [0, 3, 5]
    assert unit.values == [{"viewer_id": IDS[-1], "keys": IDS[:3], "count_limit": 5}]


async def test_rows_and_long_columns_are_counted() -> None:
    """A page of messages with their content weighs twice its rows."""
    unit = Unit([[("x", id, 1) for id in IDS[:3]], records(IDS[:4]), records(IDS[4:6])])
    loaders = loaders_of(unit, max_rows=10)
    page = Page(size=3, order=BY_ID)
    await loaders.pages(Conversation.messages, page, COLUMNS_OF_MESSAGES, None, IDS[:1])
    await loaders.records(Project, COLUMNS, set(IDS[:4]))
    assert [values["budget"] for values in unit.values] == [10 // 2 + 1, 4 + 1]

    for _ in range(2):
        with pytest.raises(LimitExceeded, match=r"^The operation reads more than 10 rows\. "):
            await loaders.records(Project, COLUMNS, set(IDS[4:6]))
    assert [values["budget"] for values in unit.values] == [6, 5, 1]
    loaders.reset()
    await loaders.records(Project, COLUMNS, set(IDS[:1]))
    assert unit.values[-1]["budget"] == 11


async def test_a_query_runs_in_every_source() -> None:
    own, other = Unit(), Unit()
    queries: list[Any] = []

    async def query(unit: Any, keys: list[int]) -> dict[int, str]:
        queries.append((unit, keys))
        return {1: "own"} if unit is own else {2: "published"}

    loader = loaders_of(own, other).by(query, Message)
    assert await asyncio.gather(*(loader.load(key) for key in (1, 2, 3))) == ["own", "published", None]
    assert queries == [(own, [1, 2, 3]), (other, [1, 2, 3])]
    assert other.released == [0]

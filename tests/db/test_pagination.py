"""Keyset pages: the SQL of every combination of order, direction and bounds, and what is made of the rows."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.dialects import registry

from db.models import Project, ProjectStatus
from db.pagination import Order, Page, PageShape
from db.statements import Statement

ASCENDING, DESCENDING = Order("name"), Order("name", descending=True)
AFTER, BEFORE = ("B", UUID(int=1)), ("K", UUID(int=2))
NOON = datetime(2025, 1, 2, 12, tzinfo=UTC)


def sql(shape: PageShape) -> str:
    """What stands after `FROM`."""
    statement = shape.slice(select(Project.id), Project).compile(dialect=registry.load("postgresql")())
    assert set(statement.params.values()) <= {None}  # values are given when it runs
    text = " ".join(str(statement).split()).partition("FROM tenant.projects ")[2]
    return re.sub(r"::\w+|tenant\.projects\.", "", text.replace("%(", "").replace(")s", ""))


@pytest.mark.parametrize(
    ("order", "columns", "descending"),
    [
        (Order("name"), ("name", "id"), False),
        (Order("name", "id"), ("name", "id"), False),
        (Order("id", "name"), ("id", "name", "id"), False),
        (Order("id", descending=True), ("id",), True),
        (Order("position", unique=True), ("position",), False),
        (Order(), ("id",), False),
    ],
)
def test_an_order_ends_in_a_unique_column(order: Order, columns: tuple[str, ...], descending: bool) -> None:
    assert (order.columns, order.descending) == (columns, descending)


@pytest.mark.parametrize(
    ("order", "backward", "after", "before"),
    [
        (ASCENDING, False, ">", "<"),
        (ASCENDING, True, ">", "<"),
        (DESCENDING, False, "<", ">"),
        (DESCENDING, True, "<", ">"),
    ],
)
def test_bounds_are_exclusive_and_follow_the_order(
    order: Order, backward: bool, after: str, before: str
) -> None:
    way = " DESC" if order.descending is not backward else ""
    tail = f"ORDER BY name{way}, id{way} LIMIT size"
    first, last = {"after_name": "B", "after_id": UUID(int=1)}, {"before_name": "K", "before_id": UUID(int=2)}
    follows = f"(name, id) {after} (after_name, after_id)"
    precedes = f"(name, id) {before} (before_name, before_id)"

    def page(**bounds: tuple[Any, ...]) -> tuple[str, dict[str, Any]]:
        found = Page(size=3, order=order, backward=backward, **bounds)
        return sql(found.shape), found.values

    assert page() == (tail, {"size": 4})
    assert page(after=AFTER) == (f"WHERE {follows} {tail}", {"size": 4, **first})
    assert page(before=BEFORE) == (f"WHERE {precedes} {tail}", {"size": 4, **last})
    assert page(after=AFTER, before=BEFORE) == (
        f"WHERE {follows} AND {precedes} {tail}",
        {"size": 4, **first, **last},
    )


def test_pages_of_a_shape_differ_in_values_only() -> None:
    pages = [
        Page(size=size, order=order, after=after, before=before, backward=backward)
        for size in (0, 1, 100)
        for order in (ASCENDING, DESCENDING, Order("id"))
        for after, before in ((None, None), (AFTER, None), (None, BEFORE), (AFTER, BEFORE))
        for backward in (False, True)
        if order.columns == ("name", "id") or after is before is None
    ]
    texts = {page.shape: sql(page.shape) for page in pages}

    assert len(texts) == 18
    assert len(set(texts.values())) == 16  # the end of an order is the start of its reverse
    assert Page(size=1, order=Order("name"), after=AFTER).shape == PageShape(Order("name"), ("after",))
    assert Page(size=2, order=Order("name", "id"), after=("C", UUID(int=3))).shape == PageShape(
        Order("name"), ("after",)
    )


def test_bounds_have_the_types_of_their_columns() -> None:
    order = Order("status", "created_at", "id")
    page = Page(size=1, order=order, after=(ProjectStatus.ACTIVE, NOON, UUID(int=1)))
    statement = Statement(page.shape.slice(select(Project.id), Project))

    after, size = statement.sql.split(" > ")[1].split(" ORDER BY ")
    assert after == "($1, $2::TIMESTAMP WITH TIME ZONE, $3::UUID)"
    assert size.endswith(" LIMIT $4::BIGINT")
    assert statement.arguments(page.values) == ["active", NOON, UUID(int=1), 2]


POSITIONS = {"id": 1, "size": 0, "name": 2}


class Row(NamedTuple):
    """A record. Its first column is no part of any order."""

    size: int
    id: int
    name: str


def row(name: str, id: int = 1) -> Row:
    return Row(-ord(name), id, name)


def rows(names: str) -> list[Row]:
    return [row(name) for name in names]


def names(found: Sequence[Row]) -> str:
    return "".join(row.name for row in found)


@pytest.mark.parametrize(
    ("order", "backward", "parts", "merged"),
    [
        (ASCENDING, False, ["ADG", "BE"], "ABD"),
        (ASCENDING, True, ["GDA", "EB"], "GED"),
        (DESCENDING, False, ["GDA", "EB"], "GED"),
        (DESCENDING, True, ["ADG", "BE"], "ABD"),
        (ASCENDING, False, ["A", "B"], "AB"),
        (ASCENDING, False, ["", "BA"], "AB"),
        (ASCENDING, False, [], ""),
    ],
)
def test_pages_of_several_lists_become_one_and_a_row_more(
    order: Order, backward: bool, parts: list[str], merged: str
) -> None:
    page = Page(size=2, order=order, backward=backward)

    assert names(page.merge([rows(part) for part in parts], POSITIONS)) == merged


def test_equal_names_are_merged_by_id() -> None:
    page = Page(size=3, order=ASCENDING)
    found = page.merge([[row("A", 2), row("B", 1)], [row("A", 1), row("A", 3)]], POSITIONS)

    assert found == [row("A", 1), row("A", 2), row("A", 3), row("B", 1)]


def test_a_single_list_is_left_as_it_is() -> None:
    assert names(Page(size=1, order=ASCENDING).merge([rows("CBA")], POSITIONS)) == "CBA"


@pytest.mark.parametrize(
    ("backward", "sliced", "page", "more"),
    [
        (False, "", "", False),
        (False, "A", "A", False),
        (False, "AB", "AB", False),
        (False, "ABC", "AB", True),
        (True, "CB", "BC", False),
        (True, "CBA", "BC", True),
    ],
)
def test_a_row_beyond_the_page_says_that_there_are_more(
    backward: bool, sliced: str, page: str, more: bool
) -> None:
    found, has_more = Page(size=2, order=ASCENDING, backward=backward).trim(rows(sliced))

    assert (names(found), has_more) == (page, more)

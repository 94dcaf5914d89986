"""Compiled statements: what the driver gets is what SQLAlchemy would send."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import (
    BigInteger,
    Boolean,
    Date,
    DateTime,
    Double,
    Enum,
    Integer,
    LargeBinary,
    Numeric,
    Text,
    Uuid,
    any_,
    bindparam,
    cast,
    column,
    event,
    func,
    literal,
    or_,
    select,
    tuple_,
    values,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from db.arrays import UUIDS, all_text, any_bytes, any_id, any_text
from db.models import Message, Project, ProjectStatus, RoleName
from db.statements import Statement
from db.uow import Scope
from schema.framework.context import Services

ONE, TWO = UUID(int=1), UUID(int=2)
NOON = datetime(2025, 1, 2, 12, tzinfo=UTC)
KINDS: Any = Enum(
    ProjectStatus, native_enum=False, values_callable=lambda kinds: [kind.value for kind in kinds]
)
PROJECT = select(Project.id)

STATEMENTS: dict[str, Any] = {
    "no parameter": select(func.now() == func.now()),
    "literals": select(literal(1), literal("é'"), literal(None, Text()), literal(1.5), literal(True)),
    "types": select(
        literal(ONE, Uuid()),
        literal(NOON, DateTime(timezone=True)),
        literal(date(2025, 1, 2), Date()),
        literal(b"\x00\xff", LargeBinary()),
        literal(2**62, BigInteger()),
        literal(0.1, Double()),
        literal(1, Numeric(10, 2)),
        literal(False, Boolean()),
    ),
    "an enum": PROJECT.where(Project.status == ProjectStatus.ACTIVE),
    "enums": PROJECT.where(Project.status.in_([ProjectStatus.ACTIVE, ProjectStatus.ARCHIVED])),
    "no enum": PROJECT.where(Project.status.in_([])),
    "another enum": PROJECT.where(Project.status.not_in([ProjectStatus.DELETED])),
    "an array of enums": PROJECT.where(
        Project.status == any_(literal([ProjectStatus.ACTIVE, ProjectStatus.DELETED], ARRAY(KINDS)))
    ),
    "ids": PROJECT.where(Project.id.in_([ONE, TWO]), Project.company_id == ONE),
    "arrays": PROJECT.where(
        Project.id == any_id([ONE, TWO]),
        Project.name == any_text(["a", "b"]),
        Project.name != all_text([]),
        literal(b"x", LargeBinary()) == any_bytes([b"x", b"y"]),
    ),
    "tuples": PROJECT.where(tuple_(Project.name, Project.id).in_([("a", ONE), ("b", TWO)])),
    "no tuple": PROJECT.where(tuple_(Project.name, Project.id).in_([])),
    "JSON": select(Message.id).where(cast({"a": [1, "é"]}, JSONB) == cast("x", JSONB)),
    "no JSON": select(literal(None, JSONB()), literal(None, JSONB(none_as_null=True))),
    "texts": PROJECT.where(or_(Project.name.ilike("%a\\%b%", escape="\\"), Project.name.icontains("c%"))),
    "a parameter twice": select(bindparam("n", 3, Integer()), bindparam("n", 3, Integer()) + 1),
    "a percent sign": select(literal(7) % 4, literal("100%")),
    "limits": PROJECT.limit(3).offset(1),
    "rows of values": select(values(column("n", Integer()), name="v").data([(1,), (2,)])),
    "within": PROJECT.where(Project.id.in_(PROJECT.where(Project.name.in_(["a", "b"])).limit(2))),
}


@pytest.fixture
def driver_calls(services: Services) -> Iterator[list[tuple[str, list[Any]]]]:
    """What SQLAlchemy has sent to the driver."""
    found: list[tuple[str, list[Any]]] = []
    services.database.placement.remember(ONE, None)  # or it would be looked up
    engine = services.database.placement.primary.sync_engine

    def remember(
        connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool
    ) -> None:
        found.append((statement, list(parameters)))

    event.listen(engine, "before_cursor_execute", remember)
    yield found
    event.remove(engine, "before_cursor_execute", remember)


@pytest.mark.parametrize("name", STATEMENTS)
async def test_the_driver_gets_what_sqlalchemy_sends(
    services: Services, driver_calls: list[tuple[str, list[Any]]], name: str
) -> None:
    statement = Statement(STATEMENTS[name])
    async with services.database.tenant(ONE, read_only=True) as uow:
        expected = await uow.all(STATEMENTS[name])
        found = await uow.fetch(statement, {})

    assert driver_calls == [(statement.sql, statement.arguments({}))] * 2
    assert [len(row) for row in found] == [len(row) for row in expected]


def test_parameters_have_the_values_of_the_call() -> None:
    kind, ids, nothing = (
        bindparam("kind", ProjectStatus.ACTIVE, KINDS),
        bindparam("ids", None, UUIDS, required=False),
        bindparam("nothing", None, Text(), required=False),
    )
    statement = Statement(select(nothing, func.cardinality(ids), kind, kind == "archived"))
    other = {"ids": [ONE, TWO], "kind": ProjectStatus.ARCHIVED, "unknown": 1}

    assert statement.sql == (
        "SELECT $1::VARCHAR AS anon_1, cardinality($2::UUID[]) AS cardinality_1, "
        "$3 AS anon_2, $3 = $4 AS anon_3"
    )
    assert statement.arguments({}) == [None, None, "active", "archived"]
    assert statement.arguments(other) == [None, [ONE, TWO], "archived", "archived"]
    assert statement.arguments({}) == [None, None, "active", "archived"]


async def test_values_of_one_call_are_not_those_of_the_next(services: Services) -> None:
    statement = Statement(
        PROJECT.where(Project.status.in_([ProjectStatus.ACTIVE]), Project.name == bindparam("word", "a"))
    )
    async with services.database.transaction(Scope(ONE), read_only=True) as uow:
        for word in ("b", "c'; DROP TABLE tenant.projects", ""):
            assert statement.arguments({"word": word}) == [word, "active"]
            assert await uow.fetch(statement, {"word": word}) == []
    assert statement.arguments({}) == ["a", "active"]


@pytest.mark.parametrize("value", [RoleName.ADMIN, 7])
def test_what_is_no_value_of_an_enum_is_refused(value: Any) -> None:
    statement = Statement(PROJECT.where(Project.status == bindparam("kind", None, Project.status.type)))

    with pytest.raises(LookupError):
        statement.arguments({"kind": value})

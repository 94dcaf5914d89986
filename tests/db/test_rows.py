"""Rows of the driver, read as the models declare them."""

import math
from collections.abc import Sequence
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from sqlalchemy import JSON, Double, Float, Numeric, String, Text, select, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from db import rows
from db.base import Model, enum_column
from db.models import Company, Conversation, LlmProvider, Message, Project, ProjectStatus, User, UserStatus
from db.rows import layout_of
from db.statements import Statement
from db.uow import UnitOfWork
from schema.framework.context import Services
from tests import factories
from tests.factories import a_company, a_user
from tests.factories.everything import everything
from tests.isolation.internal_rows import store_internal_rows

MODELS = {mapper.class_.__name__: mapper.class_ for mapper in sorted(Model.registry.mappers, key=str)}
WITHOUT_ROWS = {
    "Departure",
    "FairShare",
    "HostTurn",
    "KnownAddress",
    "Lease",
    "OneTimeToken",
    "OutboxMessage",
    "PlacementChange",
    "RecoveryCode",
    "RefreshToken",
    "SignInAttempt",
    "TotpSecret",
}
"""Models that `everything` has no row of."""


class Base(DeclarativeBase):
    """Beside the models."""


class Kind(StrEnum):
    """A kind of sample."""

    LARGE = "large one"
    SMALL = "small one"


class Sample(Base):
    """Columns of every kind that models have or may have."""

    __tablename__ = "samples"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[Kind] = enum_column(Kind)
    no_kind: Mapped[Kind | None] = enum_column(Kind)
    kinds: Mapped[list[Kind]] = mapped_column(ARRAY(enum_column(Kind).column.type))
    words: Mapped[list[str]] = mapped_column(ARRAY(Text))
    no_words: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    single: Mapped[float] = mapped_column(Float(24))
    double: Mapped[float] = mapped_column(Double)
    plain: Mapped[float] = mapped_column(Float)
    exact: Mapped[Decimal] = mapped_column(Numeric(10, 2))
    inexact: Mapped[float] = mapped_column(Numeric(10, 2, asdecimal=False))
    data: Mapped[Any] = mapped_column(JSONB)
    text_data: Mapped[Any] = mapped_column(JSON)
    null_data: Mapped[Any] = mapped_column(JSONB)
    no_data: Mapped[Any] = mapped_column(JSONB)
    big_data: Mapped[Any] = mapped_column(JSONB)


VALUES = """SELECT 1 AS id, 'small one'::varchar AS kind, NULL::varchar AS no_kind,
ARRAY['large one', 'small one']::varchar[] AS kinds, ARRAY['a', NULL, 'é']::text[] AS words,
NULL::text[] AS no_words, 1.5::real AS single, 0.1::float8 AS double, 'NaN'::float8 AS plain,
12.30::numeric(10, 2) AS exact, 12.30::numeric(10, 2) AS inexact, '{"a": [1, 2.5, null]}'::jsonb AS data,
'[ "x" ]'::json AS text_data, 'null'::jsonb AS null_data, NULL::jsonb AS no_data,
'18446744073709551615'::jsonb AS big_data"""
EXPECTED = {
    "id": 1,
    "kind": Kind.SMALL,
    "no_kind": None,
    "kinds": [Kind.LARGE, Kind.SMALL],
    "words": ["a", None, "é"],
    "no_words": None,
    "single": 1.5,
    "double": 0.1,
    "exact": Decimal("12.30"),
    "inexact": 12.3,
    "data": {"a": [1, 2.5, None]},
    "text_data": ["x"],
    "null_data": None,
    "no_data": None,
    "big_data": 2**64 - 1,
}


def with_types(values: Sequence[Any]) -> list[Any]:
    """The values with their types and those of their parts."""
    return [(type(value), with_types(value) if isinstance(value, list) else repr(value)) for value in values]


async def fetch_all(uow: UnitOfWork, statement: Any) -> list[Any]:
    """The records of all rows."""
    return await uow.fetch(Statement(statement), {})


async def test_columns_are_read_as_they_are_declared(services: Services) -> None:
    table = Sample.__table__
    sample: Any = Sample
    layout = layout_of(sample, tuple(table.c.keys()))
    async with services.database.platform(read_only=True) as uow:
        expected = await uow.one(text(VALUES).columns(*table.c))
        (record,) = await fetch_all(uow, text(VALUES).columns(*table.c).subquery().select())
    row = layout.row(record)

    assert with_types(row) == with_types(expected)
    assert {name: getattr(row, name) for name in EXPECTED} == EXPECTED
    assert math.isnan(row.plain)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def company_id(services: Services) -> UUID:
    """A company that has a row of everything."""
    admin = a_user(a_company())
    kinds = everything([admin])
    await factories.save(services.database, *(row for some in kinds.values() for row in some))
    await store_internal_rows(services.database, kinds)
    found: UUID = admin.company.id
    return found


@pytest.mark.parametrize("name", sorted(MODELS.keys() - WITHOUT_ROWS))
async def test_rows_equal_those_of_sqlalchemy(services: Services, company_id: UUID, name: str) -> None:
    model: Any = MODELS[name]
    names = tuple(model.__mapper__.columns.keys())
    for columns in (names, names[::-1], names[:1]):
        chosen = select(*(getattr(model, name).label(name) for name in columns))
        statement = chosen.order_by(*model.__mapper__.primary_key).limit(20)
        async with services.database.tenant(company_id, kind="platform", read_only=True) as uow:
            expected = await uow.all(statement)
            records = await fetch_all(uow, statement)
        layout = layout_of(model, columns)
        found = [layout.row(record) for record in records]

        assert [with_types(row) for row in found] == [with_types(row) for row in expected]
        assert all(row._fields == columns for row in found)
        assert found != []


async def test_records_are_in_the_order_of_the_layout(services: Services, company_id: UUID) -> None:
    columns = ("status", "id", "company_id")
    layout = layout_of(User, columns)
    statement = select(*(getattr(User, name) for name in columns), User.id.label("parent_position"))
    async with services.database.tenant(company_id, read_only=True) as uow:
        (record,) = await fetch_all(uow, statement)
    row = layout.row(record)

    assert layout.index == {"status": 0, "id": 1, "company_id": 2}
    assert record[0] == "active" and not isinstance(record[0], Enum)  # noqa: PT018
    assert tuple(row) == (UserStatus.ACTIVE, record[layout.index["id"]], company_id)
    assert (row.status, row.id, row.company_id) == tuple(row)
    assert type(row).__name__ == "User"


def test_a_column_that_is_not_selected_is_an_error() -> None:
    row = layout_of(Project, ("id", "status")).row([UUID(int=1), "active", "further"])

    assert (row.id, row.status) == (UUID(int=1), ProjectStatus.ACTIVE)
    with pytest.raises(AttributeError):
        _ = row.name


def test_an_unknown_word_of_an_enum_is_an_error() -> None:
    with pytest.raises(LookupError):
        layout_of(Project, ("status",)).row(["unheard of"])


@pytest.mark.parametrize(
    ("model", "columns", "weight"),
    [
        (Project, (), 1),
        (Project, ("id", "name", "status"), 1),
        (Project, ("id", "description"), 2),
        (Message, ("content",), 2),
        (Conversation, ("selected_document_ids", "title", "llm_provider"), 2),
        (Company, ("id", "name"), 1),
    ],
)
def test_long_columns_weigh_as_rows(model: type[Model], columns: tuple[str, ...], weight: int) -> None:
    assert layout_of(model, columns).weight == weight


def test_what_is_long_has_no_length() -> None:
    sample: Any = Sample

    assert rows.LONG_COLUMN_WEIGHT == 1
    assert [name for name in Sample.__table__.c.keys() if rows.is_long(sample, name)] == [  # noqa: SIM118
        *("data", "text_data", "null_data", "no_data", "big_data")
    ]
    assert [isinstance(Company.__table__.c[name].type, String) for name in ("id", "name")] == [False, True]


def test_a_layout_is_made_once_and_a_bounded_number_is_kept() -> None:
    assert layout_of(Project, ("id", "name")) is layout_of(Project, ("id", "name"))
    assert layout_of(Project, ("id", "name")) is not layout_of(Project, ("name", "id"))
    assert layout_of(Project, ("id",)) is not layout_of(User, ("id",))
    assert layout_of.cache_parameters()["maxsize"] == 4096


def test_only_columns_that_differ_have_a_reader() -> None:
    read = rows.reader_of(Conversation, "llm_provider")

    assert read is not None
    assert [read(None), read("openai")] == [None, LlmProvider.OPENAI]
    assert [rows.reader_of(Conversation, name) for name in ("id", "title", "created_at", "temperature")] == [
        None
    ] * 4

"""The rows of the benchmark of the server, and the operations that read them."""

import hashlib
from importlib import import_module
from uuid import UUID

import pytest
from graphql import parse, validate
from strawberry.relay import to_base64

from benchmarks.server import floor
from benchmarks.server.rows import tables
from benchmarks.server.seshat_rows import seshat_tables
from benchmarks.server.shapes import shapes
from db.models import Project, User
from resolvers.identity.roles import GRANTS
from schema.contract import make_schema

COUNTS = {
    "companies": 1,
    "users": 200,
    "projects": 50,
    "sessions": 1_000,
    "drawings": 2_000,
    "comparisons": 3_000,
    "analysis_results": 3_000,
    "conversations": 100,
    "messages": 20_000,
    "citations": 60_000,
}
ROLES = {role.value: UUID(int=number) for number, role in enumerate(GRANTS)}


def test_the_rows_are_always_the_same() -> None:
    found = tables()

    assert {table: len(rows) for table, rows in found.items()} == COUNTS
    values = repr([tuple(row.values()) for table in COUNTS for row in found[table]])
    assert (
        hashlib.sha256(values.encode()).hexdigest()
        == "25b63e9b82cc0129abd20333d1f20d9bf6d9717b0bcddec26ec553750d5bdee6"
    )


def test_seshats_rows_are_the_floors() -> None:
    found = seshat_tables(tables(), ROLES)

    sources = {"sessions": "drawing_sessions"}
    for table in COUNTS:
        schema = "platform" if table in ("companies", "users") else "tenant"
        stored = found[schema, sources.get(table, table)]
        assert [row["id"] for row in stored] == [row["id"] for row in tables()[table]]


def test_seshats_rows_have_the_columns_of_its_tables() -> None:
    known = {**User.metadata.tables, **Project.metadata.tables}
    unknown, missing = [], []
    for (schema, name), rows in seshat_tables(tables(), ROLES).items():
        columns = known[f"{schema}.{name}"].columns
        unknown += [(name, column) for column in rows[0] if column not in columns]
        missing += [
            (name, column.name)
            for column in columns
            if not column.nullable and column.server_default is None and column.name not in rows[0]
        ]

    assert (unknown, missing) == ([], [])


def test_all_but_the_first_user_are_managers() -> None:
    users = seshat_tables(tables(), ROLES)["platform", "users"]

    assert [user["role_id"] for user in users] == [ROLES["admin"]] + 199 * [ROLES["manager"]]


@pytest.mark.parametrize("name", ["Q1", "Q2", "Q3", "Q4", "Q5", "M1"])
def test_operations_are_of_the_contract(name: str) -> None:
    shape = shapes()[name]

    assert validate(make_schema()._schema, parse(shape.document)) == []


def test_operations_are_of_stock_strawberrys_contract(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(floor.DATABASE, "postgresql://postgres@/none")
    schema = import_module("benchmarks.server.stock").schema
    plain = {name: shape.plain for name, shape in shapes().items() if shape.plain is not None}

    assert list(plain) == ["Q1", "Q2", "Q3", "Q4"]
    assert {name: validate(schema._schema, parse(document)) for name, document in plain.items()} == {
        name: [] for name in plain
    }


def test_every_shape_has_a_request_for_each_row_and_an_answer_of_the_floor() -> None:
    variables = {name: shape.variables(to_base64) for name, shape in shapes().items()}

    assert set(variables) == set(floor.OPERATIONS)
    assert variables["Q1"] == [{}]
    assert variables["Q3"] == [{"id": to_base64("Comparison", tables()["comparisons"][1_500]["id"])}]
    assert variables["Q4"] == [{"id": to_base64("Conversation", tables()["conversations"][50]["id"])}]
    active = [project for project in tables()["projects"] if project["status"] == "active"]
    assert variables["M1"] == [
        {"location": "Bergen", "id": to_base64("Project", project["id"])} for project in active
    ]

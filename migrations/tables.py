"""Tables as the first migrations write them; names follow a convention that is fixed here."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

INSTANT = sa.DateTime(timezone=True)
JSON = postgresql.JSONB(none_as_null=True)
NOW = sa.text("now()")

LOCK_TIMEOUT = "500ms"
"""Time that a statement of a migration waits for a lock. Whoever uses the table waits behind it."""

Indexes = Mapping[str, Sequence[tuple[str, ...]]]
"""Columns of indexes by table."""

Part = sa.Column[Any] | sa.CheckConstraint | sa.ForeignKeyConstraint


def one_of(name: str, column: str, *words: str) -> sa.CheckConstraint:
    """A check that the column has one of these words."""
    allowed = ", ".join(f"'{word}'" for word in words)
    return sa.CheckConstraint(f"{column} IN ({allowed})", name=name)


def create_table(schema: str, table: str, *parts: Part) -> None:
    """Create a table; its key is made of the columns with `primary_key`, in their order."""
    key = [part.name for part in parts if isinstance(part, sa.Column) and part.primary_key]
    for part in parts:
        if isinstance(part, sa.CheckConstraint):
            part.name = op.f(f"ck_{table}_{part.name}")
        elif isinstance(part, sa.ForeignKeyConstraint):
            part.name = op.f("_".join(("fk", table, *part.column_keys)))
    op.create_table(table, *parts, sa.PrimaryKeyConstraint(*key, name=op.f(f"pk_{table}")), schema=schema)


def create_unique(schema: str, table: str, *columns: str) -> None:
    """Create a unique constraint."""
    op.create_unique_constraint(op.f("_".join(("uq", table, *columns))), table, columns, schema=schema)


def create_index(
    schema: str,
    table: str,
    *columns: str,
    unique: bool = False,
    where: str | None = None,
    name: str | None = None,
) -> None:
    """Create an index, of the rows that `where` holds for."""
    op.create_index(
        op.f(name or "_".join(("ix", table, *columns))),
        table,
        columns,
        unique=unique,
        schema=schema,
        postgresql_where=sa.text(where) if where else None,
    )


def replace_indexes(
    schema: str,
    new: Indexes,
    old: Indexes,
    *,
    where: Mapping[str, str] | None = None,
    purpose: str = "",
) -> None:
    """Build the new indexes, then drop the old ones. Tables with rows stay in use meanwhile.

    `where` are conditions of indexes that have a column. The `purpose` of the new ones is in their names.
    """
    replace = partial(_replace_indexes, schema, new, old, where or {}, purpose)
    if any(has_rows(schema, table) for table in {*new, *old}):
        with op.get_context().autocommit_block():
            op.execute("SET lock_timeout = '2min'")  # a build waits for older transactions, and blocks none
            replace(concurrently=True)
            op.execute(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
    else:
        replace(concurrently=False)


def _replace_indexes(
    schema: str, new: Indexes, old: Indexes, where: Mapping[str, str], purpose: str, *, concurrently: bool
) -> None:
    drop = partial(op.drop_index, schema=schema, if_exists=True, postgresql_concurrently=concurrently)
    for table, listed in new.items():
        for columns in listed:
            name = op.f("_".join(filter(None, ("ix", table, purpose, *columns))))
            drop(name, table_name=table)  # what an interrupted build has left
            condition = next((sa.text(where[name]) for name in columns if name in where), None)
            op.create_index(
                name,
                table,
                columns,
                schema=schema,
                postgresql_where=condition,
                postgresql_concurrently=concurrently,
                if_not_exists=concurrently,
            )
    for table, listed in old.items():
        for columns in listed:
            drop(op.f("_".join(("ix", table, *columns))), table_name=table)


def has_rows(schema: str, table: str) -> bool:
    """Whether the table may be in use. In a script it may."""
    context = op.get_context()
    if context.as_sql or context.connection is None:
        return True
    size = sa.text("SELECT pg_relation_size(CAST(:table AS regclass)) > 0")
    return bool(context.connection.scalar(size, {"table": f"{schema}.{table}"}))


def drop_tables(schema: str, *tables: str) -> None:
    """Drop tables with their indexes, constraints and policies."""
    for table in tables:
        op.drop_table(table, schema=schema)

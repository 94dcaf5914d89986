"""Tables as the first migrations write them; names follow a convention that is fixed here."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

INSTANT = sa.DateTime(timezone=True)
JSON = postgresql.JSONB(none_as_null=True)
NOW = sa.text("now()")

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


def drop_tables(schema: str, *tables: str) -> None:
    """Drop tables with their indexes, constraints and policies."""
    for table in tables:
        op.drop_table(table, schema=schema)

"""Bulk insert with `unnest`, as COPY does not support row-level security."""

import json
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from db.base import Model
from db.uow import UnitOfWork

Row = Mapping[str, Any]


async def insert_rows(uow: UnitOfWork, model: type[Model], rows: Sequence[Row]) -> None:
    """Inserts rows with the same columns; other columns get their server defaults."""
    if not rows:
        return
    columns = {name: getattr(model, name).property.columns[0] for name in rows[0]}
    arrays = [
        sa.bindparam(
            name, [transfer_value(row[name]) for row in rows], type_=ARRAY(transfer_type(column.type))
        )
        for name, column in columns.items()
    ]
    named = [sa.column(name, transfer_type(column.type)) for name, column in columns.items()]
    source = sa.func.unnest(*arrays).table_valued(*named, joins_implicitly=True).render_derived(name="source")
    values = [sa.cast(source.c[name], column.type) for name, column in columns.items()]
    await uow.execute(sa.insert(model).from_select(list(columns.values()), sa.select(*values)))


def transfer_type(kind: "sa.types.TypeEngine[Any]") -> "sa.types.TypeEngine[Any]":
    """The type in which a column's values are sent: enums and JSON as text."""
    return sa.Text() if isinstance(kind, sa.String | JSONB) else kind


def transfer_value(value: Any) -> Any:
    """The value as it is sent."""
    if isinstance(value, Enum):
        return value.value
    return json.dumps(value) if isinstance(value, dict | list) else value

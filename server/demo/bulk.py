"""Many rows in one statement: arrays go in, `unnest` makes rows of them. Row-level security refuses COPY."""

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
    """Insert rows that all have the same columns; the others get their server's defaults."""
    if not rows:
        return
    columns = {name: getattr(model, name).property.columns[0] for name in rows[0]}
    arrays = [
        sa.bindparam(name, [plain(row[name]) for row in rows], type_=ARRAY(transfer_type(column.type)))
        for name, column in columns.items()
    ]
    named = [sa.column(name, transfer_type(column.type)) for name, column in columns.items()]
    source = sa.func.unnest(*arrays).table_valued(*named, joins_implicitly=True).render_derived(name="given")
    values = [sa.cast(source.c[name], column.type) for name, column in columns.items()]
    await uow.execute(sa.insert(model).from_select(list(columns.values()), sa.select(*values)))


def transfer_type(kind: "sa.types.TypeEngine[Any]") -> "sa.types.TypeEngine[Any]":
    """The type in which a column's values travel: words and JSON as text."""
    return sa.Text() if isinstance(kind, sa.String | JSONB) else kind


def plain(value: Any) -> Any:
    """The value as it travels."""
    if isinstance(value, Enum):
        return value.value
    return json.dumps(value) if isinstance(value, dict | list) else value

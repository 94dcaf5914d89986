"""The dialect of the driver, for statements and values outside of SQLAlchemy's own execution."""

from typing import Any

from sqlalchemy import event
from sqlalchemy.dialects.postgresql import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine

from core.json_values import read_column, write_column
from core.settings import driverless_url

dialect_class: Any = asyncpg.dialect
DIALECT = dialect_class(json_serializer=write_column, json_deserializer=read_column)


def connect_by_url(engine: AsyncEngine) -> None:
    """Lets the driver read the engine's URL, whose parameters SQLAlchemy would pass on as it finds them."""
    address = driverless_url(engine.url.render_as_string(hide_password=False))

    @event.listens_for(engine.sync_engine, "do_connect")
    def pass_url(dialect: Any, record: Any, arguments: list[Any], options: dict[str, Any]) -> None:
        for name in dialect.create_connect_args(engine.url)[1]:
            options.pop(name, None)
        arguments[:] = [address]

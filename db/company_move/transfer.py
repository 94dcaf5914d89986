"""Transfer of rows from one database to the other by binary COPY.

Rows go through a temporary table, because COPY into a table with row-level security is refused to roles that
are bound by it, and because rows which exist are updated.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence

import asyncpg

from db.company_move.comparison import Key
from db.company_move.site import Site
from db.company_move.tables import CompanyTable

BATCH = 5_000
"""Rows that are read and written at a time."""

MAX_PENDING_CHUNKS = 16

INCOMING = "pg_temp.incoming"


async def transfer_rows(
    source: Site, target: Site, table: CompanyTable, condition: str, *values: object
) -> int:
    """Inserts or updates rows with this condition, without their late columns. Returns their number."""
    columns = ", ".join(f'NULL AS "{name}"' if name in table.late else f'"{name}"' for name in table.columns)
    async with target.connection.transaction():
        count = await _receive(
            source, target, table, f"SELECT {columns} FROM {table.name} {condition}", *values
        )
        try:
            async with target.connection.transaction():
                await target.execute(upsert(table))
        except asyncpg.UniqueViolationError:
            # Rows have exchanged unique values: all of them are inserted anew.
            await target.execute(
                f"DELETE FROM {table.name} AS t USING {INCOMING} AS i WHERE {same_key(table)}"
            )
            await target.execute(upsert(table))
        await target.execute(f"DROP TABLE {INCOMING}")
    return count


async def transfer_late_columns(
    source: Site, target: Site, table: CompanyTable, condition: str, *values: object
) -> None:
    """Updates the late columns of rows, once the rows that they refer to are there."""
    if not table.late:
        return
    some = " OR ".join(f'"{name}" IS NOT NULL' for name in table.late)
    select = f"SELECT {table.listed()} FROM {table.name} {condition} AND ({some})"
    async with target.connection.transaction():
        await _receive(source, target, table, select, *values)
        changes = ", ".join(f'"{name}" = i."{name}"' for name in table.late)
        await target.execute(
            f"UPDATE {table.name} AS t SET {changes} FROM {INCOMING} AS i WHERE {same_key(table)}"
        )
        await target.execute(f"DROP TABLE {INCOMING}")


async def delete_keys(site: Site, table: CompanyTable, keys: Sequence[Key]) -> None:
    """Deletes rows of the company by their keys."""
    condition = f'company_id = $1 AND "{table.key}" = ANY($2::{table.key_type}[])'
    for start in range(0, len(keys), BATCH):
        await site.execute(
            f"DELETE FROM {table.name} WHERE {condition}", site.company_id, keys[start : start + BATCH]
        )


def same_key(table: CompanyTable) -> str:
    """The condition that a row of `t` is the incoming row `i`."""
    return " AND ".join(f't."{name}" = i."{name}"' for name in table.conflict)


def upsert(table: CompanyTable) -> str:
    """The statement that inserts the incoming rows, or updates those that exist."""
    changes = ", ".join(
        f'"{name}" = excluded."{name}"' for name in table.columns if name not in table.conflict
    )
    action = f"UPDATE SET {changes}" if changes else "NOTHING"
    return (
        f"INSERT INTO {table.name} ({table.listed()}) SELECT {table.listed()} FROM {INCOMING} "
        f"ON CONFLICT ({table.listed(table.conflict)}) DO {action}"
    )


async def _receive(source: Site, target: Site, table: CompanyTable, select: str, *values: object) -> int:
    """Copies rows into a temporary table of the target. Returns their number."""
    await target.execute(
        f"CREATE TEMPORARY TABLE incoming AS SELECT {table.listed()} FROM {table.name} LIMIT 0"
    )
    chunks: asyncio.Queue[bytes | None] = asyncio.Queue(MAX_PENDING_CHUNKS)

    async def received() -> AsyncIterator[bytes]:
        while (chunk := await chunks.get()) is not None:
            yield chunk

    async def read() -> None:
        try:
            await source.connection.copy_from_query(select, *values, output=chunks.put, format="binary")
        finally:
            await chunks.put(None)

    reading = asyncio.create_task(read())
    try:
        copied = await target.connection.copy_to_table(
            "incoming", schema_name="pg_temp", source=received(), columns=list(table.columns), format="binary"
        )
    except BaseException:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        raise
    await reading
    return int(str(copied).rpartition(" ")[2])

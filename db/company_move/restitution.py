"""Restitution of a source that rows were written in after its company had been handed over.

What has changed at the target since the handover is repeated at the source. What was written at the source
meanwhile stays, except where the target's users have changed the same row.
"""

from collections.abc import Mapping, Sequence

import asyncpg
import structlog

from core.errors import InstallationError
from db.company_move.comparison import Comparison, Difference, Key
from db.company_move.site import Site
from db.company_move.synchronization import apply_differences, keys_condition
from db.company_move.tables import CompanyTable
from db.models import ActivityLog
from db.revisions import one_line

log = structlog.get_logger(__name__)

FULL_XMIN = """
(SELECT CASE WHEN low > next & 4294967295 THEN (next & ~4294967295) - 4294967296 + low
        ELSE (next & ~4294967295) + low END::text::xid8
 FROM (SELECT t.xmin::text::bigint AS low, pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS next))
"""
"""The transaction that wrote a row, with its epoch."""

ACTIVITY = f"{ActivityLog.plane}.{ActivityLog.__tablename__}"


class Conflict(InstallationError):
    """The changes of both databases contradict each other."""


async def restore_source(
    source: Site, target: Site, tables: Sequence[CompanyTable], visible: Mapping[str, str]
) -> None:
    """Makes the target's changes at the source. `visible` are the snapshots of the handover.

    Raises `Conflict`.
    """
    moved = [table for table in tables if not (table.in_transit and target.is_primary)]
    async with target.snapshot():
        comparison = Comparison(target, source)
        new, old = await comparison.scan(target, moved, None), await comparison.scan(source, moved, None)
        found = [await comparison.compare_all(table, new[table.name], old[table.name]) for table in moved]
        changes = [await select_changes(source, target, difference, visible) for difference in found]
        try:
            async with source.connection.transaction():
                await set_activity_aside(source, visible["source"])
                await apply_differences(target, source, changes)
                await number_activity(source)
        except (asyncpg.IntegrityConstraintViolationError, asyncpg.DataError) as error:
            raise Conflict(one_line(error)) from error


async def select_changes(
    source: Site, target: Site, difference: Difference, visible: Mapping[str, str]
) -> Difference:
    """What the target's users did: rows that were written there since the handover, and old ones deleted."""
    table = difference.table
    written = await written_keys(target, table, difference.changed, visible["target"])
    late = await written_keys(source, table, difference.changed | difference.extra, visible["source"])
    if both := written & late:
        log.warning("straggler_overwritten", table=table.name, keys=[str(key) for key in sorted(both)])
    return Difference(table, written, difference.extra - late)


async def written_keys(site: Site, table: CompanyTable, keys: set[Key], visible: str) -> set[Key]:
    """Those of the keys whose rows were written by transactions that a snapshot does not see."""
    rows = await site.fetch(
        f'SELECT "{table.key}" AS key FROM {table.name} AS t {keys_condition(table)} '
        f"AND NOT pg_visible_in_snapshot({FULL_XMIN}, $3::text::pg_snapshot)",
        site.company_id,
        sorted(keys),
        visible,
    )
    return {row["key"] for row in rows}


async def set_activity_aside(site: Site, visible: str) -> None:
    """Takes out activity that was logged late: its numbers may have been used at the target meanwhile."""
    late = f"company_id = $1 AND NOT pg_visible_in_snapshot({FULL_XMIN}, $2::text::pg_snapshot)"
    await site.execute(f"CREATE TEMPORARY TABLE aside ON COMMIT DROP AS SELECT * FROM {ACTIVITY} LIMIT 0")
    await site.execute(
        f"WITH late AS (DELETE FROM {ACTIVITY} AS t WHERE {late} RETURNING t.*) "
        "INSERT INTO pg_temp.aside SELECT * FROM late",
        site.company_id,
        visible,
    )


async def number_activity(site: Site) -> None:
    """Puts activity back with new numbers, which a trigger assigns, unless the target's users deleted it."""
    await site.execute("UPDATE pg_temp.aside SET sequence = NULL")
    await site.execute(f"INSERT INTO {ACTIVITY} SELECT * FROM pg_temp.aside ON CONFLICT DO NOTHING")

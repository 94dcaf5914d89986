"""All that is stored, for tests which say that nothing changed."""

from uuid import UUID

import asyncpg

from db.base import PlatformModel, TenantModel

TABLES = [table for plane in (PlatformModel, TenantModel) for table in plane.metadata.sorted_tables]
NAMES = ("platform.pgqueuer", *(table.fullname for table in TABLES))
FINGERPRINT = "SELECT '{0}' AS name, md5(string_agg(md5(t::text), '' ORDER BY t::text)) AS digest FROM {0} t"
VERSION = (
    "SELECT '{0}' AS name, sum(hashtextextended(concat_ws(' ', t.tableoid, t.ctid, t.xmin), 0)) AS version "
    "FROM {0} t"
)
VERSIONS = " UNION ALL ".join(VERSION.format(name) for name in NAMES)
"""The places and transactions of each table's rows: the same ones hold the same values."""

ONE_COMPANY = " UNION ALL ".join(
    f"{FINGERPRINT.format(table.fullname)} WHERE company_id = $1"
    for table in TABLES
    if "company_id" in table.columns
)

known: dict[str, tuple[int | None, str | None]] = {}
"""Each table's version and digest when it was last read whole."""


async def fingerprints(onlooker: asyncpg.Connection, company_id: UUID | None = None) -> dict[str, str | None]:
    """A digest of the rows of each table of both planes, the queue's included; or of one company's alone."""
    if company_id:
        return {row["name"]: row["digest"] for row in await onlooker.fetch(ONE_COMPANY, company_id)}
    async with onlooker.transaction(isolation="repeatable_read", readonly=True):
        versions = {row["name"]: row["version"] for row in await onlooker.fetch(VERSIONS)}
        changed = [name for name in NAMES if name not in known or known[name][0] != versions[name]]
        if changed:
            rows = await onlooker.fetch(" UNION ALL ".join(FINGERPRINT.format(name) for name in changed))
            known.update({row["name"]: (versions[row["name"]], row["digest"]) for row in rows})
    return {name: known[name][1] for name in NAMES}

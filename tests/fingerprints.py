"""All that is stored, for tests which say that nothing changed."""

from uuid import UUID

import asyncpg

from db.base import PlatformModel, TenantModel
from tests.onlooker import Onlooker

TABLES = [table for plane in (PlatformModel, TenantModel) for table in plane.metadata.sorted_tables]
NAMES = ("platform.pgqueuer", *(table.fullname for table in TABLES))
UNREFUSED = "(SELECT * FROM tenant.activity_logs WHERE action <> 'PERMISSION_REFUSE')"
"""Activity but for refusals, which are recorded although they change nothing else."""
SOURCES = {"tenant.activity_logs": UNREFUSED}
FINGERPRINT = "SELECT '{0}' AS name, md5(string_agg(md5(t::text), '' ORDER BY t::text)) AS digest FROM {0} t"


def fingerprint_of(name: str) -> str:
    """The statement for the digest of a table."""
    return FINGERPRINT.format(name).replace(f" FROM {name} t", f" FROM {SOURCES.get(name, name)} t")


VERSION = (
    "SELECT '{0}' AS name, sum(hashtextextended(concat_ws(' ', t.tableoid, t.ctid, t.xmin), 0)) AS version "
    "FROM {0} t"
)
VERSIONS = " UNION ALL ".join(VERSION.format(name) for name in NAMES)
"""The places and transactions of each table's rows: the same ones hold the same values."""

ONE_COMPANY = " UNION ALL ".join(
    f"{fingerprint_of(table.fullname)} WHERE company_id = $1"
    for table in TABLES
    if "company_id" in table.columns
)

known: dict[tuple[str, str], tuple[int | None, str | None]] = {}
"""The version and digest of each table of each database when it was last read whole."""


async def fingerprints(onlooker: Onlooker, company_id: UUID | None = None) -> dict[str, set[str]]:
    """Digests of the rows of each table of both planes, the queue's included; or of one company's alone.

    There is one for each database that has some.
    """
    found: dict[str, set[str]] = {name: set() for name in NAMES}
    async for connection in onlooker.connections():
        digests = await (of_company(connection, company_id) if company_id else of_database(connection))
        for name, digest in digests.items():
            found[name] |= {digest} if digest else set()
    return found


async def of_company(connection: asyncpg.Connection, company_id: UUID) -> dict[str, str | None]:
    """The digests of the company's rows in a database."""
    return {row["name"]: row["digest"] for row in await connection.fetch(ONE_COMPANY, company_id)}


async def of_database(connection: asyncpg.Connection) -> dict[str, str | None]:
    """The digests of all rows in a database."""
    database = await connection.fetchval("SELECT current_database()")
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        versions = {row["name"]: row["version"] for row in await connection.fetch(VERSIONS)}
        places = {name: (database, name) for name in NAMES}
        changed = [
            name for name in NAMES if places[name] not in known or known[places[name]][0] != versions[name]
        ]
        if changed:
            rows = await connection.fetch(" UNION ALL ".join(fingerprint_of(name) for name in changed))
            known.update({places[row["name"]]: (versions[row["name"]], row["digest"]) for row in rows})
    return {name: known[places[name]][1] for name in NAMES}

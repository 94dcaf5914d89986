"""All that is stored, for tests which say that nothing changed."""

import asyncpg

from db.base import PlatformModel, TenantModel

TABLES = [
    *(
        f"{table.schema}.{table.name}"
        for model in (PlatformModel, TenantModel)
        for table in model.metadata.tables.values()
    ),
    "platform.pgqueuer",
]
FINGERPRINT = "SELECT '{0}' AS name, md5(string_agg(md5(t::text), '' ORDER BY t::text)) AS digest FROM {0} t"
FINGERPRINTS = " UNION ALL ".join(FINGERPRINT.format(table) for table in TABLES)


async def fingerprints(onlooker: asyncpg.Connection) -> dict[str, str | None]:
    """A digest of the rows of each table of both planes, the queue's included."""
    return {row["name"]: row["digest"] for row in await onlooker.fetch(FINGERPRINTS)}

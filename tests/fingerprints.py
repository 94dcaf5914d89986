"""All that is stored, for tests which say that nothing changed."""

from uuid import UUID

import asyncpg

from db.base import PlatformModel, TenantModel

TABLES = [table for plane in (PlatformModel, TenantModel) for table in plane.metadata.sorted_tables]
FINGERPRINT = "SELECT '{0}' AS name, md5(string_agg(md5(t::text), '' ORDER BY t::text)) AS digest FROM {0} t"
EVERYTHING = " UNION ALL ".join(
    FINGERPRINT.format(name) for name in ("platform.pgqueuer", *(table.fullname for table in TABLES))
)
ONE_COMPANY = " UNION ALL ".join(
    f"{FINGERPRINT.format(table.fullname)} WHERE company_id = $1"
    for table in TABLES
    if "company_id" in table.columns
)


async def fingerprints(onlooker: asyncpg.Connection, company_id: UUID | None = None) -> dict[str, str | None]:
    """A digest of the rows of each table of both planes, the queue's included; or of one company's alone."""
    rows = await (onlooker.fetch(ONE_COMPANY, company_id) if company_id else onlooker.fetch(EVERYTHING))
    return {row["name"]: row["digest"] for row in rows}

"""The databases of an installation that are migrated."""

from collections.abc import Mapping, Sequence

from sqlalchemy.engine import make_url

from core.settings.placement import PRIMARY
from db.databases.servers import Server
from db.revisions import MigrationError, Plane, Target, connect

COMPANIES = """
SELECT DISTINCT database_server, database_name FROM platform.companies
WHERE $1::text IS NULL OR id::text = $1 OR name = $1 ORDER BY database_server NULLS FIRST, database_name
"""


async def company_targets(
    servers: Mapping[str, Server], planes: Sequence[Plane], company: str | None = None
) -> list[Target]:
    """The planes of the databases that companies have of their own, of all or of `company` (ID or name).

    Those of a company in the shared database are its planes there. The URL is the application's where a
    server has no administrator. Raises `MigrationError` for an unknown company.
    """
    primary = servers[PRIMARY]
    shared = primary.admin(make_url(primary.application_url).database)
    connection = await connect(shared)
    try:
        placed = await connection.fetchval("SELECT to_regclass('platform.companies') IS NOT NULL")
        rows = await connection.fetch(COMPANIES, company) if placed else []
    finally:
        await connection.close(timeout=5)
    if company is not None and not rows:
        raise MigrationError(f"there is no company {company}")
    targets = []
    for server, name in rows:
        if server is not None and name is not None:
            targets += [own_target(plane, servers, server, name) for plane in planes]
        elif company is not None:
            targets += [Target(plane, shared) for plane in planes]
    return targets


def own_target(plane: Plane, servers: Mapping[str, Server], server: str, database: str) -> Target:
    """A plane in a company's own database."""
    if server not in servers:
        refusal = f"DATABASE_SERVERS: the server {server} of {database} is missing"
        return Target(plane, f"postgresql:///{database}", server, is_own=True, refusal=refusal)
    found = servers[server]
    url = found.admin(database) if found.admin_url else found.application(database)
    return Target(plane, url, server, is_own=True)

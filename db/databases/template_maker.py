"""Making of templates, in a process of its own.

Run as `python -m db.databases.template_maker`; standard input describes the server.
"""

import asyncio
import json
import re
import sys

import asyncpg
from sqlalchemy.engine import make_url

from db import migrate
from db.databases.servers import Server, ServerError, administer
from db.databases.template import IS_SEALED, LIST, PREFIX, template_name
from db.provision import (
    LOCK,
    ProvisionError,
    create_database,
    create_roles,
    create_schemas,
    restrict_platform,
)
from db.revisions import SCHEMA, MigrationError, one_line, revisions

NAME = re.compile(rf"{PREFIX}([0-9]+)_([0-9]+)_[0-9a-f]{{8}}(_draft)?")


async def make_template(server: Server) -> None:
    """Makes the template, and drops those of earlier revisions. One process at a time.

    It is made under another name and renamed, so that a template is complete if it exists.
    """
    name = template_name()
    draft = f"{name}_draft"
    async with administer(server) as admin:
        await admin.execute(LOCK)
        if await admin.fetchval(IS_SEALED, name):
            return
        await drop_template(admin, draft)
        await create_roles(admin, make_url(server.application_url).password)
        await create_database(admin, draft)
        async with administer(server, draft) as inside:
            await create_schemas(inside, draft)
        await asyncio.to_thread(migrate.upgrade, server.admin(draft))
        async with administer(server, draft) as inside:
            await restrict_platform(inside)
        await admin.execute(f"ALTER DATABASE {draft} WITH ALLOW_CONNECTIONS false IS_TEMPLATE true")
        await admin.execute(f"ALTER DATABASE {draft} RENAME TO {name}")
        for row in await admin.fetch(LIST):
            if row["datname"] != name and is_outdated(row["datname"]):
                await drop_template(admin, row["datname"])


def is_outdated(name: str) -> bool:
    """Whether a template is of no later revisions than this code's, whose template has another name."""
    found = NAME.fullmatch(name)
    latest = [int(revisions(plane)[-1]) for plane in SCHEMA]
    return found is not None and [int(found[1]), int(found[2])] <= latest


async def drop_template(admin: asyncpg.Connection, name: str) -> None:
    """Drops a template, or the draft of one, if it exists."""
    if await admin.fetchval("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name):
        await admin.execute(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false IS_TEMPLATE false")
        await admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def main() -> int:
    """Makes the template on the server that is described as JSON. Prints the reason of a failure."""
    server = Server(**json.loads(sys.stdin.buffer.read()))
    try:
        asyncio.run(make_template(server))
    except (ServerError, ProvisionError, MigrationError) as error:
        print(error)
        return 1
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        print(one_line(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

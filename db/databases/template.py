"""The template that databases of companies are copied from: provisioned, migrated, and closed."""

import asyncio
import hashlib
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict
from functools import cache
from pathlib import Path

from db import provision
from db.databases.servers import Server, ServerError, administer
from db.revisions import ROOT, SCHEMA, revisions

PREFIX = "seshat_template_"

IS_SEALED = "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1 AND NOT datallowconn)"

LIST = f"SELECT datname FROM pg_database WHERE datname LIKE '{PREFIX}%'"


@cache
def template_name() -> str:
    """Name of the template: the latest revisions of both planes, and a digest of what makes it."""
    latest = "_".join(revisions(plane)[-1] for plane in SCHEMA)
    digest = hashlib.sha256()
    for file in sources():
        digest.update(file.read_bytes())
    return f"{PREFIX}{latest}_{digest.hexdigest()[:8]}"


def sources() -> Iterator[Path]:
    """The files that decide what is in the template."""
    yield Path(provision.__file__)
    for plane in SCHEMA:
        yield from sorted((ROOT / "migrations" / plane).rglob("*.py"))


async def prepare_template(server: Server) -> str:
    """Makes the template on the server unless it exists. Returns its name. Raises `ServerError`.

    A process of its own makes it: to migrate takes some seconds of CPU time and Alembic.
    """
    name = template_name()
    async with administer(server) as admin:
        if await admin.fetchval(IS_SEALED, name):
            return name
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "db.databases.template_maker",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    output, _ = await process.communicate(json.dumps(asdict(server)).encode())
    if process.returncode:
        reason = output.decode(errors="replace").strip() or f"exit status {process.returncode}"
        raise ServerError(f"the template on {server.name} cannot be made: {reason}")
    return name


async def refresh_template(server: Server) -> str | None:
    """Makes the template anew if the server has one of another revision. Returns its name."""
    async with administer(server) as admin:
        if await admin.fetchval(IS_SEALED, template_name()) or not await admin.fetch(LIST):
            return None
    return await prepare_template(server)

"""The commands `seshat init` and `seshat migrate`."""

import asyncio
from argparse import Namespace
from collections.abc import Sequence

from core.settings import Settings, SettingsError
from db import migrate
from db.migrate import Plane, Target
from db.provision import provision
from server.installation import admin_url, database_urls, open_database

ACTIONS_WITH_REVISION = ("downgrade", "stamp")
"""Actions that require a plane and a revision."""


async def init_database(settings: Settings) -> int:
    """Creates the roles, the database and its schemas."""
    async with open_database(settings) as ready:
        application, _ = database_urls(ready)
        await migrate.refuse_unknown(admin_url(ready))
        await provision(admin_url(ready), application)
    print("roles, database and schemas are ready")
    return 0


async def migrate_databases(settings: Settings, arguments: Namespace) -> int:
    """Runs the action on the selected databases. Returns exit code 1 if one of them failed."""
    if arguments.action in ACTIONS_WITH_REVISION and (arguments.plane is None or arguments.revision is None):
        raise SettingsError(f"seshat migrate {arguments.action}: --plane and a revision are required")
    async with open_database(settings) as ready:
        admin = admin_url(ready)
        if arguments.action == "revision":
            return await write_revision(admin, arguments)
        if arguments.action in ("history", "sql"):
            return await run_action([Target(plane, admin) for plane in planes(arguments)], arguments)
        if "control" in planes(arguments) and arguments.company is None:
            targets = [Target("control", admin)]
            if (failed := await run_action(targets, arguments)) and arguments.action == "upgrade":
                return failed  # the control plane lists the tenant databases
        else:
            failed = 0
        if "tenant" in planes(arguments):
            failed = (
                await run_action(await migrate.tenant_databases(admin, arguments.company), arguments)
                or failed
            )
        return failed


def planes(arguments: Namespace) -> Sequence[Plane]:
    """The selected planes, the control plane first."""
    return [arguments.plane] if arguments.plane else list(migrate.SCHEMA)


async def run_action(targets: Sequence[Target], arguments: Namespace) -> int:
    """Runs the action on each target and prints its result."""
    if arguments.action == "status":
        return await print_status(targets)
    return await asyncio.to_thread(run_alembic, targets, arguments)


def run_alembic(targets: Sequence[Target], arguments: Namespace) -> int:
    """Runs an Alembic command on each target and prints its result."""
    failed = 0
    outcomes = migrate.run_commands(
        targets, arguments.action, arguments.revision or migrate.LATEST, jobs=arguments.jobs
    )
    for number, outcome in enumerate(outcomes, 1):
        if arguments.action == "sql":
            print(outcome.output or f"-- {outcome.error}")
        else:
            state = f"FAILED: {outcome.error}" if outcome.error else "ok"
            progress = f"[{number}/{len(targets)}] {arguments.action} {outcome.target.name}"
            print(f"{progress}: {state} ({outcome.seconds:.1f} s)", flush=True)
            print(outcome.output.strip(), end="\n" if outcome.output.strip() else "", flush=True)
        failed |= outcome.error is not None
    return int(failed)


async def print_status(targets: Sequence[Target]) -> int:
    """Prints the revision of each database. Returns exit code 1 if one is not at the latest."""
    statuses = [await migrate.revision_status(target) for target in targets]
    for found in statuses:
        state = found.error or ("up to date" if found.revision == found.latest else f"behind {found.latest}")
        print(f"{found.target.name}: {found.revision or 'empty'}, {state}")
    return int(any(found.error or found.revision != found.latest for found in statuses))


async def write_revision(admin: str, arguments: Namespace) -> int:
    """Writes a migration from the difference of models and database."""
    if arguments.plane is None or not arguments.message:
        raise SettingsError("seshat migrate revision: --plane and --message are required")
    for path in await asyncio.to_thread(migrate.write_revision, arguments.plane, admin, arguments.message):
        print(path)
    return 0

"""`seshat init` and `seshat migrate`: what they do and what they print."""

import asyncio
from argparse import Namespace
from collections.abc import Sequence

from core.settings import Settings, SettingsError
from db import migrate
from db.migrate import Plane, Target
from db.provision import provision
from server.installation import admin_url, database_urls, open_database

DIRECTED = ("downgrade", "stamp")
"""Actions that mean nothing without a plane and a revision."""


async def initialise(settings: Settings) -> int:
    """Make the roles, the database and its schemas."""
    async with open_database(settings) as ready:
        application, _ = database_urls(ready)
        await migrate.refuse_unknown(admin_url(ready))
        await provision(admin_url(ready), application)
    print("roles, database and schemas are in place")
    return 0


async def migrate_databases(settings: Settings, order: Namespace) -> int:
    """Do what `order` says to every database it means; exit code 1 when one of them failed."""
    if order.action in DIRECTED and (order.plane is None or order.revision is None):
        raise SettingsError(f"seshat migrate {order.action}: say --plane and a revision")
    async with open_database(settings) as ready:
        admin = admin_url(ready)
        if order.action == "revision":
            return await write_revision(admin, order)
        if order.action in ("history", "sql"):
            return await tell([Target(plane, admin) for plane in planes(order)], order)
        if "control" in planes(order) and order.company is None:
            targets = [Target("control", admin)]
            if (failed := await tell(targets, order)) and order.action == "upgrade":
                return failed  # the primary plane says where the others are
        else:
            failed = 0
        if "tenant" in planes(order):
            failed = await tell(await migrate.tenant_databases(admin, order.company), order) or failed
        return failed


def planes(order: Namespace) -> Sequence[Plane]:
    """The planes that are meant, the primary one first."""
    return [order.plane] if order.plane else list(migrate.SCHEMA)


async def tell(targets: Sequence[Target], order: Namespace) -> int:
    """Run the action on each target and print a line for each as it ends."""
    if order.action == "status":
        return await tell_status(targets)
    return await asyncio.to_thread(tell_outcomes, targets, order)


def tell_outcomes(targets: Sequence[Target], order: Namespace) -> int:
    """Run Alembic's action on each target."""
    failed = 0
    outcomes = migrate.run_commands(targets, order.action, order.revision or migrate.LATEST, jobs=order.jobs)
    for number, outcome in enumerate(outcomes, 1):
        if order.action == "sql":
            print(outcome.output or f"-- {outcome.error}")
        else:
            state = f"FAILED: {outcome.error}" if outcome.error else "ok"
            progress = f"[{number}/{len(targets)}] {order.action} {outcome.target.name}"
            print(f"{progress}: {state} ({outcome.seconds:.1f} s)", flush=True)
            print(outcome.output.strip(), end="\n" if outcome.output.strip() else "", flush=True)
        failed |= outcome.error is not None
    return int(failed)


async def tell_status(targets: Sequence[Target]) -> int:
    """Print where each database stands; exit code 1 when one is not at the latest revision."""
    statuses = [await migrate.revision_status(target) for target in targets]
    for found in statuses:
        state = found.error or ("up to date" if found.revision == found.latest else f"behind {found.latest}")
        print(f"{found.target.name}: {found.revision or 'empty'}, {state}")
    return int(any(found.error or found.revision != found.latest for found in statuses))


async def write_revision(admin: str, order: Namespace) -> int:
    """Write a migration from the difference of models and database."""
    if order.plane is None or not order.message:
        raise SettingsError("seshat migrate revision: say --plane and --message")
    for path in await asyncio.to_thread(migrate.write_revision, order.plane, admin, order.message):
        print(path)
    return 0

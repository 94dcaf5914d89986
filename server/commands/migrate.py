"""The commands `seshat init` and `seshat migrate`."""

import asyncio
from argparse import Namespace
from collections.abc import Mapping, Sequence

from core.settings import Settings, SettingsError
from core.settings.placement import PRIMARY
from db import migrate
from db.databases.servers import Server, ServerError, servers_of
from db.databases.targets import company_targets
from db.databases.template import prepare_template, refresh_template
from db.provision import provision, provision_roles
from db.revisions import SCHEMA, Plane, Target, refuse_unknown, revision_statuses
from server.installation import admin_url, database_urls, open_database

ACTIONS_WITH_REVISION = ("downgrade", "stamp")
"""Actions that require a plane and a revision."""


def run_init(settings: Settings, options: Namespace) -> int:
    """`seshat init`."""
    return asyncio.run(init_database(settings))


def run(settings: Settings, options: Namespace) -> int:
    """`seshat migrate`."""
    return asyncio.run(migrate_databases(settings, options))


async def init_database(settings: Settings) -> int:
    """Creates the roles, the database and its schemas, and the roles on the other servers."""
    async with open_database(settings) as ready:
        application, _ = database_urls(ready)
        await refuse_unknown(admin_url(ready))
        await provision(admin_url(ready), application)
        for server in servers_of(ready).values():
            if server.name != PRIMARY and server.admin_url is not None:
                await provision_roles(server.admin(), server.application_url)
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
        shared = [Target(plane, admin) for plane in planes(arguments)]
        if arguments.action in ("history", "sql"):
            return await run_action(shared, arguments)
        servers = servers_of(ready)
        if arguments.company is not None:
            return await run_action(
                await company_targets(servers, planes(arguments), arguments.company), arguments
            )
        if arguments.action == "upgrade" and "control" in planes(arguments):
            if failed := await run_action(shared[:1], arguments):
                return failed  # the control plane lists the databases of companies
            shared = shared[1:]
        own = await company_targets(servers, planes(arguments))
        failed = await run_action([*shared, *own], arguments)
        if arguments.action == "upgrade":
            failed = await refresh_templates(servers, own) or failed
        return failed


async def refresh_templates(servers: Mapping[str, Server], own: Sequence[Target]) -> int:
    """Makes the templates of the servers anew that are in use. Returns exit code 1 if one cannot be made."""
    failed = 0
    in_use = {target.server for target in own}
    for server in servers.values():
        if server.admin_url is None:
            continue
        try:
            prepare = prepare_template if server.name in in_use else refresh_template
            await prepare(server)
        except ServerError as error:
            print(f"template: FAILED: {error}", flush=True)
            failed = 1
    return failed


def planes(arguments: Namespace) -> Sequence[Plane]:
    """The selected planes, the control plane first."""
    return [arguments.plane] if arguments.plane else list(SCHEMA)


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
    statuses = await revision_statuses(targets)
    for found in statuses:
        state = found.error or ("up to date" if found.is_latest else f"behind {found.latest}")
        print(f"{found.target.name}: {found.revision or 'empty'}, {state}")
    return int(not all(found.is_latest for found in statuses))


async def write_revision(admin: str, arguments: Namespace) -> int:
    """Writes a migration from the difference of models and database."""
    if arguments.plane is None or not arguments.message:
        raise SettingsError("seshat migrate revision: --plane and --message are required")
    for path in await asyncio.to_thread(migrate.write_revision, arguments.plane, admin, arguments.message):
        print(path)
    return 0

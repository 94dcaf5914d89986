"""Command line interface, `seshat`."""

import asyncio
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from core.settings import Settings, SettingsError, load_settings
from db.migrate import SCHEMA, MigrationError
from db.provision import ProvisionError
from db.uow import UnsafeRole
from schema.contract import make_schema
from server.app import open_services
from server.commands import entity_graph
from server.commands.migrate import init_database, migrate_databases
from server.commands.schema_diff import InvalidSchema, report
from server.commands.serve import PortTaken, serve
from server.demo import company
from server.demo.scale import grow
from server.embedded.postgres import DatabaseUnavailable
from server.embedded.vectors import VectorStoreUnavailable
from server.installation import admin_url, open_installation
from server.logging import configure_logging
from server.worker import run_worker

EXPECTED_ERRORS = (
    DatabaseUnavailable,
    MigrationError,
    InvalidSchema,
    PortTaken,
    ProvisionError,
    UnsafeRole,
    VectorStoreUnavailable,
)
"""Errors of the installation that are printed as one line, without a traceback."""

MIGRATE_ACTIONS = (
    "upgrade",
    "downgrade",
    "current",
    "history",
    "stamp",
    "status",
    "check",
    "sql",
    "revision",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command. Returns the exit code: 0 on success, 1 on failure, 2 for invalid settings."""
    options = parser().parse_args(arguments)
    command: Callable[[Settings, Namespace], int] = options.command
    overrides = {
        name: value for name in Settings.model_fields if (value := getattr(options, name, None)) is not None
    }
    try:
        settings = load_settings(overrides)
        configure_logging(settings.log_level)
        return command(settings, options)
    except SettingsError as error:
        print(f"seshat: {error}", file=sys.stderr)
        return 2
    except EXPECTED_ERRORS as error:
        print(f"seshat: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def parser() -> ArgumentParser:
    """The argument parser. Options that are named like a setting override the environment variable."""
    shared = ArgumentParser(add_help=False)
    shared.add_argument("--data", help="data folder (DATA)")
    top = ArgumentParser(
        prog="seshat", description="GraphQL backend for drawings, documents, images and energy data."
    )
    commands = top.add_subparsers(required=True, metavar="command")

    serving = commands.add_parser(
        "serve", parents=[shared], help="run the server, and by default a worker inside it"
    )
    serving.add_argument("--host", help="address to listen on (HOST)")
    serving.add_argument("--port", help="port to listen on (PORT)")
    serving.add_argument(
        "--workers", type=int, default=1, metavar="N", help="number of server processes (default 1)"
    )
    serving.set_defaults(command=run_serve)

    working = commands.add_parser("worker", parents=[shared], help="run a standalone worker")
    working.add_argument("--queues", default="", help="queues to work on, separated by commas (default: all)")
    working.set_defaults(command=run_work)

    init = commands.add_parser("init", parents=[shared], help="create roles, database and schemas")
    init.set_defaults(command=run_init)

    migrate = commands.add_parser("migrate", parents=[shared], help="migrate databases, or show their state")
    migrate.add_argument("action", choices=MIGRATE_ACTIONS)
    migrate.add_argument(
        "revision", nargs="?", help="target revision (default: the latest); `base` is the empty database"
    )
    migrate.add_argument("--plane", choices=list(SCHEMA), help="plane to migrate (default: both)")
    migrate.add_argument("--company", help="only the database of this company (ID or name)")
    migrate.add_argument(
        "--jobs", type=int, default=2, metavar="N", help="databases to migrate in parallel (default 2)"
    )
    migrate.add_argument("--message", "-m", help="message of a new revision")
    migrate.set_defaults(command=run_migrate)

    demo = commands.add_parser("demo", parents=[shared], help="create the demo company if it is missing")
    demo.add_argument(
        "--scale", type=int, default=0, metavar="N", help="add N times about 2,000 rows, for benchmarks"
    )
    demo.set_defaults(command=run_demo)

    contract = commands.add_parser(
        "schema", parents=[shared], help="print the GraphQL schema (SDL), or its changes"
    )
    contract.add_argument(
        "--since", metavar="FILE", help="print the changes since this schema (`-`: standard input)"
    )
    contract.set_defaults(command=run_schema)

    drawing = commands.add_parser("graph", parents=[shared], help="print the entity graph (docs/graph.md)")
    drawing.set_defaults(command=run_graph)
    return top


def run_serve(settings: Settings, options: Namespace) -> int:
    """`seshat serve`."""
    if options.workers < 1:
        raise SettingsError("--workers: must be at least 1")
    settings.secret()
    serve(settings, options.workers)
    return 0


def run_work(settings: Settings, options: Namespace) -> int:
    """`seshat worker`."""
    queues = [queue.strip() for queue in options.queues.split(",") if queue.strip()]
    asyncio.run(run_worker_process(settings, queues))
    return 0


async def run_worker_process(settings: Settings, queues: Sequence[str]) -> None:
    """Runs a standalone worker until a signal, sharing the embedded database of a running server."""
    async with open_installation(settings, share=True) as ready:
        await run_worker(ready, queues)


def run_init(settings: Settings, options: Namespace) -> int:
    """`seshat init`."""
    return asyncio.run(init_database(settings))


def run_migrate(settings: Settings, options: Namespace) -> int:
    """`seshat migrate`."""
    return asyncio.run(migrate_databases(settings, options))


def run_demo(settings: Settings, options: Namespace) -> int:
    """`seshat demo`."""
    if options.scale < 0:
        raise SettingsError("--scale: must not be negative")
    asyncio.run(create_demo(settings, options.scale))
    return 0


async def create_demo(settings: Settings, units: int) -> None:
    """Creates the demo company; a running worker completes its comparison."""
    async with open_installation(settings, share=True) as ready, AsyncExitStack() as stack:
        services = await open_services(ready.model_copy(update={"worker": False}), stack)
        company_id = await company.make(services)
        await grow(services.database, company_id, units, ready.database_admin_url and admin_url(ready))


def run_schema(settings: Settings, options: Namespace) -> int:
    """`seshat schema`: prints the schema or its changes."""
    schema = make_schema(sort=True).as_str()
    if options.since is None:
        print(schema)
        return 0
    try:
        before = sys.stdin.read() if options.since == "-" else Path(options.since).read_text()
    except OSError as error:
        raise InvalidSchema(f"{options.since}: {error.strerror}") from error
    print(*report(before, schema), sep="\n")
    return 0


def run_graph(settings: Settings, options: Namespace) -> int:
    """`seshat graph`."""
    print(entity_graph.page(), end="")
    return 0

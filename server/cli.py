"""The command line, `seshat`."""

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
from server.commands.migrate import initialise, migrate_databases
from server.commands.schema_diff import NotAContract, report
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
    NotAContract,
    PortTaken,
    ProvisionError,
    UnsafeRole,
    VectorStoreUnavailable,
)
"""What can be wrong with an installation: a line for whoever runs it, not a traceback."""

MIGRATE_ACTIONS = ("upgrade", "downgrade", "current", "history", "stamp", "status", "check", "sql", "revision")


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 when it was done, 1 when it could not be, 2 when it was asked for wrongly."""
    order = parser().parse_args(arguments)
    command: Callable[[Settings, Namespace], int] = order.command
    overrides = {
        name: value for name in Settings.model_fields if (value := getattr(order, name, None)) is not None
    }
    try:
        settings = load_settings(overrides)
        configure_logging(settings.log_level)
        return command(settings, order)
    except SettingsError as error:
        print(f"seshat: {error}", file=sys.stderr)
        return 2
    except EXPECTED_ERRORS as error:
        print(f"seshat: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def parser() -> ArgumentParser:
    """Every command with its options; those named like a setting stand above the environment."""
    shared = ArgumentParser(add_help=False)
    shared.add_argument("--data", help="data folder (DATA)")
    top = ArgumentParser(prog="seshat", description="One GraphQL backend for teams that work from evidence.")
    commands = top.add_subparsers(required=True, metavar="command")

    serving = commands.add_parser(
        "serve", parents=[shared], help="run the API, and by default a worker inside it"
    )
    serving.add_argument("--host", help="address to listen on (HOST)")
    serving.add_argument("--port", help="port to listen on (PORT)")
    serving.add_argument("--workers", type=int, default=1, metavar="N", help="serving processes")
    serving.set_defaults(command=run_serve)

    working = commands.add_parser("worker", parents=[shared], help="work on jobs in a process of its own")
    working.add_argument("--queues", default="", help="only these, separated by commas")
    working.set_defaults(command=run_work)

    init = commands.add_parser("init", parents=[shared], help="make roles, database and schemas")
    init.set_defaults(command=run_init)

    migrate = commands.add_parser(
        "migrate", parents=[shared], help="change or show the state of every database"
    )
    migrate.add_argument("action", choices=MIGRATE_ACTIONS)
    migrate.add_argument("revision", nargs="?", help="the latest unless said; `base` is the empty database")
    migrate.add_argument("--plane", choices=list(SCHEMA), help="both unless said")
    migrate.add_argument("--company", help="only where this company (id or name) lives")
    migrate.add_argument("--jobs", type=int, default=2, metavar="N", help="databases at a time")
    migrate.add_argument("--message", "-m", help="what a new revision does")
    migrate.set_defaults(command=run_migrate)

    demo = commands.add_parser("demo", parents=[shared], help="make the demo company where it is missing")
    demo.add_argument(
        "--scale", type=int, default=0, metavar="N", help="give it N times about 2,000 rows, for benchmarks"
    )
    demo.set_defaults(command=run_demo)

    contract = commands.add_parser(
        "schema", parents=[shared], help="print the contract (SDL), or its changes"
    )
    contract.add_argument(
        "--since", metavar="FILE", help="only what changed since that one (`-`: from a pipe)"
    )
    contract.set_defaults(command=run_schema)

    drawing = commands.add_parser("graph", parents=[shared], help="print the entity graph (docs/graph.md)")
    drawing.set_defaults(command=run_graph)
    return top


def run_serve(settings: Settings, order: Namespace) -> int:
    """`seshat serve`."""
    if order.workers < 1:
        raise SettingsError("--workers: one or more are wanted")
    settings.secret()
    serve(settings, order.workers)
    return 0


def run_work(settings: Settings, order: Namespace) -> int:
    """`seshat worker`."""
    queues = [queue.strip() for queue in order.queues.split(",") if queue.strip()]
    asyncio.run(run_worker_process(settings, queues))
    return 0


async def run_worker_process(settings: Settings, queues: Sequence[str]) -> None:
    """Work until a signal says to stop, beside a running server if there is one."""
    async with open_installation(settings, share=True) as ready:
        await run_worker(ready, queues)


def run_init(settings: Settings, order: Namespace) -> int:
    """`seshat init`."""
    return asyncio.run(initialise(settings))


def run_migrate(settings: Settings, order: Namespace) -> int:
    """`seshat migrate`."""
    return asyncio.run(migrate_databases(settings, order))


def run_demo(settings: Settings, order: Namespace) -> int:
    """`seshat demo`."""
    if order.scale < 0:
        raise SettingsError("--scale: none or more are wanted")
    asyncio.run(create_demo(settings, order.scale))
    return 0


async def create_demo(settings: Settings, units: int) -> None:
    """Make what the demo shows, and leave its comparison to whichever worker there is."""
    async with open_installation(settings, share=True) as ready, AsyncExitStack() as stack:
        services = await open_services(ready.model_copy(update={"worker": False}), stack)
        company_id = await company.make(services)
        await grow(services.database, company_id, units, ready.database_admin_url and admin_url(ready))


def run_schema(settings: Settings, order: Namespace) -> int:
    """`seshat schema`: the contract, or what changed in it."""
    contract = make_schema(sort=True).as_str()
    if order.since is None:
        print(contract)
        return 0
    try:
        before = sys.stdin.read() if order.since == "-" else Path(order.since).read_text()
    except OSError as error:
        raise NotAContract(f"{order.since}: {error.strerror}") from error
    print(*report(before, contract), sep="\n")
    return 0


def run_graph(settings: Settings, order: Namespace) -> int:
    """`seshat graph`."""
    print(entity_graph.page(), end="")
    return 0

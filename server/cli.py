"""The command line, `seshat`."""

import asyncio
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence

from core.settings import Settings, SettingsError, load_settings
from db.migrate import SCHEMA, MigrationFailed
from db.provision import Refused
from db.uow import UnsafeRole
from server.logging import configure_logging
from server.migrating import initialise, migrate_databases
from server.postgres import DatabaseUnavailable
from server.serving import PortTaken, serve

EXPECTED = (DatabaseUnavailable, MigrationFailed, PortTaken, Refused, UnsafeRole)
"""What can be wrong with an installation: a line for whoever runs it, not a traceback."""

MIGRATE = ("upgrade", "downgrade", "current", "history", "stamp", "status", "check", "sql", "revision")


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 when it was done, 1 when it could not be, 2 when it was asked for wrongly."""
    order = parser().parse_args(arguments)
    command: Callable[[Settings, Namespace], int] = order.command
    given = {
        name: value for name in Settings.model_fields if (value := getattr(order, name, None)) is not None
    }
    try:
        settings = load_settings(given)
        configure_logging(settings.log_level)
        return command(settings, order)
    except SettingsError as error:
        print(f"seshat: {error}", file=sys.stderr)
        return 2
    except EXPECTED as error:
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

    init = commands.add_parser("init", parents=[shared], help="make roles, database and schemas")
    init.set_defaults(command=run_init)

    migrate = commands.add_parser(
        "migrate", parents=[shared], help="change or show the state of every database"
    )
    migrate.add_argument("action", choices=MIGRATE)
    migrate.add_argument("revision", nargs="?", help="the latest unless said; `base` is the empty database")
    migrate.add_argument("--plane", choices=list(SCHEMA), help="both unless said")
    migrate.add_argument("--company", help="only where this company (id or name) lives")
    migrate.add_argument("--jobs", type=int, default=2, metavar="N", help="databases at a time")
    migrate.add_argument("--message", "-m", help="what a new revision does")
    migrate.set_defaults(command=run_migrate)
    return top


def run_serve(settings: Settings, order: Namespace) -> int:
    """`seshat serve`."""
    if order.workers < 1:
        raise SettingsError("--workers: one or more are wanted")
    settings.secret()
    serve(settings, order.workers)
    return 0


def run_init(settings: Settings, order: Namespace) -> int:
    """`seshat init`."""
    return asyncio.run(initialise(settings))


def run_migrate(settings: Settings, order: Namespace) -> int:
    """`seshat migrate`."""
    return asyncio.run(migrate_databases(settings, order))

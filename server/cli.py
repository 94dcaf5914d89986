"""Command line interface, `seshat`: what it accepts. Importing it is quick, so that `--help` is."""

from argparse import ArgumentParser
from collections.abc import Sequence

PLANES = ("control", "tenant")
ROLES = ("super_admin", "admin", "manager", "analyst", "rep", "user", "viewer")
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
    from server.commands.execution import execute  # once it is known that there is a command to run

    return execute(options)


def parser() -> ArgumentParser:
    """The argument parser. Options that are named like a setting override the environment variable.

    `command` is the import path of the command's function.
    """
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
    serving.set_defaults(command="server.commands.serve:run")

    working = commands.add_parser("worker", parents=[shared], help="run a standalone worker")
    working.add_argument("--queues", default="", help="queues to work on, separated by commas (default: all)")
    working.set_defaults(command="server.commands.worker:run")

    init = commands.add_parser("init", parents=[shared], help="create roles, database and schemas")
    init.set_defaults(command="server.commands.migrate:run_init")

    migrate = commands.add_parser("migrate", parents=[shared], help="migrate databases, or show their state")
    migrate.add_argument("action", choices=MIGRATE_ACTIONS)
    migrate.add_argument(
        "revision", nargs="?", help="target revision (default: the latest); `base` is the empty database"
    )
    migrate.add_argument("--plane", choices=PLANES, help="plane to migrate (default: both)")
    migrate.add_argument("--company", help="only the database of this company (ID or name)")
    migrate.add_argument(
        "--jobs", type=int, default=2, metavar="N", help="databases to migrate in parallel (default 2)"
    )
    migrate.add_argument("--message", "-m", help="message of a new revision")
    migrate.set_defaults(command="server.commands.migrate:run")

    company = commands.add_parser(
        "company", help="show where companies are, and move them between databases while their users work"
    )
    actions = company.add_subparsers(dest="action", required=True, metavar="action")
    moving = actions.add_parser("move", parents=[shared], help="move a company to another database")
    moving.add_argument("company", help="ID or name")
    moving.add_argument(
        "--to",
        required=True,
        metavar="SERVER",
        help="server of a database of its own (`primary`, or a name in DATABASE_SERVERS), or `pooled`",
    )
    actions.add_parser("list", parents=[shared], help="print where each company is")
    actions.add_parser("repair", parents=[shared], help="finish or undo changes that were interrupted")
    company.set_defaults(command="server.commands.company:run")

    user = commands.add_parser("user", help="create or suspend a user, or reset a password")
    user_actions = user.add_subparsers(dest="action", required=True, metavar="action")
    creating = user_actions.add_parser("create", parents=[shared], help="create a user; prints the password")
    creating.add_argument("email", help="email address")
    creating.add_argument("--company", required=True, help="ID or name of the company")
    creating.add_argument("--role", choices=ROLES, default="user", help="role (default: user)")
    for name, text in (
        ("reset-password", "end all sessions and print a new password"),
        ("reset-second-factor", "remove a lost second factor and end all sessions"),
        ("suspend", "end all sessions and refuse new ones"),
    ):
        user_actions.add_parser(name, parents=[shared], help=text).add_argument("email", help="email address")
    user.set_defaults(command="server.commands.user:run")

    resetting = commands.add_parser(
        "reset", parents=[shared], help="delete all data, or that of one company; asks for the name"
    )
    resetting.add_argument("--company", help="only the data of this company (ID or name); its users stay")
    resetting.add_argument("--confirm", metavar="NAME", help="the name that would be asked for")
    resetting.add_argument("--force", action="store_true", help="delete although there is no fresh backup")
    resetting.set_defaults(command="server.commands.reset:run")

    demo = commands.add_parser("demo", parents=[shared], help="create the demo company if it is missing")
    demo.add_argument(
        "--scale", type=int, default=0, metavar="N", help="add N times about 2,000 rows, for benchmarks"
    )
    demo.set_defaults(command="server.commands.demo:run")

    contract = commands.add_parser(
        "schema", parents=[shared], help="print the GraphQL schema (SDL), or its changes"
    )
    contract.add_argument(
        "--since", metavar="FILE", help="print the changes since this schema (`-`: standard input)"
    )
    contract.set_defaults(command="server.commands.schema:run")

    drawing = commands.add_parser("graph", parents=[shared], help="print the entity graph (docs/graph.md)")
    drawing.set_defaults(command="server.commands.entity_graph:run")
    return top

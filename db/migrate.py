"""Schema migrations of both planes, in all databases."""

import asyncio
import io
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from threading import Lock
from typing import Literal

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from core.settings import driverless_url
from db.provision import APPLICATION, OWNER

Plane = Literal["control", "tenant"]
Action = Literal["upgrade", "downgrade", "current", "history", "stamp", "check", "sql"]

ROOT = Path(__file__).resolve().parent.parent
SCHEMA: dict[Plane, str] = {"control": "platform", "tenant": "tenant"}
LATEST = "head"
OFFLINE: tuple[Action, ...] = ("history", "sql")
"""Actions without a database connection."""

ALEMBIC_LOCK = Lock()
"""Serializes Alembic commands: Alembic's context is global to the process."""


class MigrationError(Exception):
    """A database could not be migrated or inspected; the message is one line that names it."""


@dataclass(frozen=True)
class Target:
    """A plane in a database; `url` is of a role that is a member of the owner."""

    plane: Plane
    url: str

    @property
    def name(self) -> str:
        """Display name: the plane and the database."""
        return f"{self.plane} in {make_url(self.url).database}"


@dataclass(frozen=True)
class Outcome:
    """Result of a command: its duration, Alembic's output, and the error, if any."""

    target: Target
    seconds: float
    output: str
    error: str | None


@dataclass(frozen=True)
class RevisionStatus:
    """Current revision of a database, None before the first, and the latest revision."""

    target: Target
    revision: str | None
    latest: str
    error: str | None = None


def configuration(plane: Plane, url: str = "", *, output: io.StringIO | None = None) -> Config:
    """Alembic's configuration for one plane, writing to `output`."""
    written = output or io.StringIO()
    return Config(
        ROOT / "alembic.ini",
        ini_section=plane,
        stdout=written,
        output_buffer=written,
        attributes={"url": url},
    )


def revisions(plane: Plane) -> list[str]:
    """All revisions of the code, from first to last."""
    scripts = ScriptDirectory.from_config(configuration(plane))
    return [script.revision for script in scripts.walk_revisions()][::-1]


def next_revision(plane: Plane) -> str:
    """Number of the next migration, the prefix of its file name."""
    return f"{len(revisions(plane)) + 1:04}"


def run_command(target: Target, action: Action, revision: str = LATEST) -> Outcome:
    """Runs a command on a database. Errors are returned in the outcome.

    Must not be called in the thread of an event loop.
    """
    begin, output, error = time.perf_counter(), io.StringIO(), None
    config = configuration(target.plane, target.url, output=output)
    try:
        if action not in OFFLINE:
            asyncio.run(refuse_unknown(target.url))
        with ALEMBIC_LOCK:
            match action:
                case "upgrade":
                    command.upgrade(config, revision)
                case "downgrade":
                    command.downgrade(config, revision)
                case "stamp":
                    command.stamp(config, revision)
                case "current":
                    command.current(config, verbose=True)
                case "history":
                    command.history(config)
                case "check":
                    command.check(config)
                case "sql":
                    command.upgrade(config, revision, sql=True)
    except (MigrationError, CommandError, SQLAlchemyError, asyncpg.PostgresError, OSError) as failure:
        error = one_line(failure)
    return Outcome(target, time.perf_counter() - begin, output.getvalue(), error)


def run_commands(
    targets: Sequence[Target], action: Action, revision: str = LATEST, *, jobs: int = 1
) -> Iterator[Outcome]:
    """Yields outcomes as they complete, `jobs` databases at a time. An error does not stop the others."""
    if len(targets) < 2 or jobs < 2:
        yield from (run_command(target, action, revision) for target in targets)
        return
    with ProcessPoolExecutor(min(jobs, len(targets)), mp_context=get_context("spawn")) as processes:
        pending = [processes.submit(run_command, target, action, revision) for target in targets]
        yield from (future.result() for future in as_completed(pending))


def upgrade(admin_url: str) -> None:
    """Upgrades both planes of the shared database to the latest revision. Raises `MigrationError`."""
    for plane in SCHEMA:
        outcome = run_command(Target(plane, admin_url), "upgrade")
        if outcome.error is not None:
            raise MigrationError(f"migrating {outcome.target.name} failed: {outcome.error}")


def write_revision(plane: Plane, admin_url: str, message: str) -> list[Path]:
    """Generates a migration from the difference of models and database. Raises `MigrationError`."""
    try:
        with ALEMBIC_LOCK:
            scripts = command.revision(
                configuration(plane, admin_url),
                message=message,
                autogenerate=True,
                rev_id=next_revision(plane),
            )
    except (CommandError, SQLAlchemyError, asyncpg.PostgresError, OSError) as failure:
        raise MigrationError(one_line(failure)) from failure
    return [Path(script.path) for script in (scripts if isinstance(scripts, list) else [scripts]) if script]


async def tenant_databases(admin_url: str, company: str | None = None) -> list[Target]:
    """Databases with tenant data: the shared one and dedicated ones, or that of `company` (id or name).

    Dedicated databases are on the same server. Raises `MigrationError` for an unknown company.
    """
    shared = Target("tenant", admin_url)
    connection = await connect(admin_url)
    try:
        if await connection.fetchval("SELECT to_regclass('platform.companies') IS NULL"):
            if company is not None:
                raise MigrationError(f"there is no company {company}")
            return [shared]
        rows = await connection.fetch(
            "SELECT DISTINCT database_name FROM platform.companies "
            "WHERE $1::text IS NULL OR id::text = $1 OR name = $1 ORDER BY database_name",
            company,
        )
    finally:
        await connection.close()
    if company is not None and not rows:
        raise MigrationError(f"there is no company {company}")
    names = [row["database_name"] for row in rows if row["database_name"] is not None]
    url = make_url(admin_url)
    dedicated = [
        Target("tenant", url.set(database=name).render_as_string(hide_password=False)) for name in names
    ]
    return dedicated if company is not None and names else [shared, *dedicated]


async def require_latest(application_url: str) -> None:
    """Raises `MigrationError` unless both planes of the database are at their latest revision."""
    statuses = [await revision_status(Target(plane, application_url)) for plane in SCHEMA]
    for status in statuses:
        if status.error is not None:
            raise MigrationError(status.error)
    for status in statuses:
        if status.revision != status.latest:
            raise MigrationError(
                f"{status.target.name} is at revision {status.revision or 'none'}, not at {status.latest}: "
                "run `seshat init` and `seshat migrate upgrade`"
            )


async def refuse_unknown(url: str) -> None:
    """Raises `MigrationError` if a plane of the database is at an unknown revision.

    A missing or unreachable database is not an error here.
    """
    for plane in SCHEMA:
        status = await revision_status(Target(plane, url))
        if status.revision is not None and status.error is not None:
            raise MigrationError(status.error)


async def connect(url: str) -> asyncpg.Connection:
    """A connection as the owner, or as the application role if the URL is its. Raises `MigrationError`."""
    role = {} if make_url(url).username == APPLICATION else {"role": OWNER}
    try:
        return await asyncpg.connect(driverless_url(url), server_settings=role, timeout=10)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        raise MigrationError(f"{make_url(url).database} cannot be reached: {one_line(error)}") from error


async def revision_status(target: Target) -> RevisionStatus:
    """Revision of a database, read without Alembic. Errors are returned in the status."""
    known = revisions(target.plane)
    expected = known[-1]
    try:
        connection = await connect(target.url)
    except MigrationError as error:
        return RevisionStatus(target, None, expected, str(error))
    table = f"{SCHEMA[target.plane]}.alembic_version_{target.plane}"
    try:
        revision = await connection.fetchval(f"SELECT version_num FROM {table}")
    except (asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError):
        return RevisionStatus(target, None, expected)
    finally:
        await connection.close()
    refusal = None if revision is None or revision in known else unknown_revision(target, revision)
    return RevisionStatus(target, revision, expected, refusal)


def unknown_revision(target: Target, revision: str) -> str:
    """The error message for a database at an unknown revision."""
    if revision.isdecimal():
        return f"{target.name} was migrated by a later version (revision {revision}): run that version"
    return (
        f"{target.name} was made by an earlier version (revision {revision}) "
        "that this version cannot upgrade: start with an empty data folder or database"
    )


def one_line(error: BaseException) -> str:
    """The first line of an error message; SQLAlchemy appends the statement and a link."""
    message = str(getattr(error, "orig", None) or error).strip()
    return message.splitlines()[0].rpartition(">: ")[2] if message else type(error).__name__

"""Migrations of both planes, in every database that they live in."""

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
"""Actions that need no database."""

ALEMBIC_LOCK = Lock()
"""Alembic's context is global to the process: one command at a time."""


class MigrationError(Exception):
    """A database could not be migrated, or asked about; the message is one line that names it."""


@dataclass(frozen=True)
class Target:
    """One plane in one database, as a role that may become the owner."""

    plane: Plane
    url: str

    @property
    def name(self) -> str:
        """The plane and the database, for people."""
        return f"{self.plane} in {make_url(self.url).database}"


@dataclass(frozen=True)
class Outcome:
    """What Alembic said, in how many seconds, and what went wrong."""

    target: Target
    seconds: float
    output: str
    error: str | None


@dataclass(frozen=True)
class RevisionStatus:
    """The revision that a database is at, none before the first, and the one it should be at."""

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
    """The revisions that the code knows, the first one first."""
    scripts = ScriptDirectory.from_config(configuration(plane))
    return [script.revision for script in scripts.walk_revisions()][::-1]


def next_revision(plane: Plane) -> str:
    """The number of the next migration; it begins the file's name."""
    return f"{len(revisions(plane)) + 1:04}"


def run_command(target: Target, action: Action, revision: str = LATEST) -> Outcome:
    """Run one command on one database. Never raises: what went wrong is in the outcome.

    Must not be called on an event loop's thread.
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
    """Outcomes as they come, `jobs` databases at a time in processes of their own. None stops the others."""
    if len(targets) < 2 or jobs < 2:
        yield from (run_command(target, action, revision) for target in targets)
        return
    with ProcessPoolExecutor(min(jobs, len(targets)), mp_context=get_context("spawn")) as processes:
        pending = [processes.submit(run_command, target, action, revision) for target in targets]
        yield from (done.result() for done in as_completed(pending))


def upgrade(admin_url: str) -> None:
    """Bring both planes of the pooled database to the latest revision. Raises `MigrationError`."""
    for plane in SCHEMA:
        outcome = run_command(Target(plane, admin_url), "upgrade")
        if outcome.error is not None:
            raise MigrationError(f"migrating {outcome.target.name} failed: {outcome.error}")


def write_revision(plane: Plane, admin_url: str, message: str) -> list[Path]:
    """Write a new migration: what the models have and the database lacks. Raises `MigrationError`."""
    try:
        with ALEMBIC_LOCK:
            made = command.revision(
                configuration(plane, admin_url),
                message=message,
                autogenerate=True,
                rev_id=next_revision(plane),
            )
    except (CommandError, SQLAlchemyError, asyncpg.PostgresError, OSError) as failure:
        raise MigrationError(one_line(failure)) from failure
    scripts = made if isinstance(made, list) else [made]
    return [Path(script.path) for script in scripts if script is not None]


async def tenant_databases(admin_url: str, company: str | None = None) -> list[Target]:
    """Where tenant data lives: the pooled database, then companies' own; or only `company`'s (id or name).

    A company's own database is on the same server. Raises `MigrationError` when there is no such company.
    """
    pooled = Target("tenant", admin_url)
    connection = await connect(admin_url)
    try:
        if await connection.fetchval("SELECT to_regclass('platform.companies') IS NULL"):
            if company is not None:
                raise MigrationError(f"there is no company {company}")
            return [pooled]
        rows = await connection.fetch(
            "SELECT DISTINCT database_name FROM platform.companies "
            "WHERE $1::text IS NULL OR id::text = $1 OR name = $1 ORDER BY database_name",
            company,
        )
    finally:
        await connection.close()
    if company is not None and not rows:
        raise MigrationError(f"there is no company {company}")
    own = [row["database_name"] for row in rows if row["database_name"] is not None]
    url = make_url(admin_url)
    placed = [Target("tenant", url.set(database=name).render_as_string(hide_password=False)) for name in own]
    return placed if company is not None and own else [pooled, *placed]


async def require_latest(application_url: str) -> None:
    """Raise `MigrationError` unless both planes of that database are at their latest revision."""
    statuses = [await revision_status(Target(plane, application_url)) for plane in SCHEMA]
    for found in statuses:
        if found.error is not None:
            raise MigrationError(found.error)
    for found in statuses:
        if found.revision != found.latest:
            raise MigrationError(
                f"{found.target.name} is at {found.revision or 'nothing'} and not at {found.latest}: "
                "run `seshat init` and `seshat migrate upgrade`"
            )


async def refuse_unknown(url: str) -> None:
    """Raise `MigrationError` when a plane of that database is at a revision that the code does not know.

    Whether there is such a database, and whether it can be reached, is for others to say.
    """
    for plane in SCHEMA:
        found = await revision_status(Target(plane, url))
        if found.revision is not None and found.error is not None:
            raise MigrationError(found.error)


async def connect(url: str) -> asyncpg.Connection:
    """A connection as the owner, or as the application if that signs in. Raises `MigrationError`."""
    role = {} if make_url(url).username == APPLICATION else {"role": OWNER}
    try:
        return await asyncpg.connect(driverless_url(url), server_settings=role, timeout=10)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        raise MigrationError(f"{make_url(url).database} cannot be reached: {one_line(error)}") from error


async def revision_status(target: Target) -> RevisionStatus:
    """Where a database stands: one connection, one statement, no Alembic. A broken one does not raise."""
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
    """Why a database at a revision that the code does not know is refused, and what to do."""
    if revision.isdecimal():
        return f"{target.name} was migrated by a later version (revision {revision}): run that version"
    return (
        f"{target.name} was made by an earlier version (revision {revision}) "
        "that this version cannot upgrade: start with an empty data folder or database"
    )


def one_line(error: BaseException) -> str:
    """The first line of what the error says; SQLAlchemy puts statements and links below it."""
    said = str(getattr(error, "orig", None) or error).strip()
    return said.splitlines()[0].rpartition(">: ")[2] if said else type(error).__name__

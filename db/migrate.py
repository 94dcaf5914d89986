"""Schema migrations of both planes, in all databases."""

import asyncio
import io
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from threading import Lock
from typing import Literal

import asyncpg
import structlog
from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from db.databases.servers import no_administrator
from db.provision import APPLICATION, restrict_platform
from db.revisions import (
    ROOT,
    SCHEMA,
    MigrationError,
    Plane,
    Target,
    connect,
    latest_urls,
    next_revision,
    one_line,
    refuse_unknown,
)

log = structlog.get_logger(__name__)

Action = Literal["upgrade", "downgrade", "current", "history", "stamp", "check", "sql"]

LATEST = "head"
OFFLINE: tuple[Action, ...] = ("history", "sql")
"""Actions without a database connection."""

ALEMBIC_LOCK = Lock()
"""Serializes Alembic commands: Alembic's context is global to the process."""


@dataclass(frozen=True)
class Outcome:
    """Result of a command: its duration, Alembic's output, and the error, if any."""

    target: Target
    seconds: float
    output: str
    error: str | None


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


def run_command(target: Target, action: Action, revision: str = LATEST) -> Outcome:
    """Runs a command on a database. Errors are returned in the outcome.

    Must not be called in the thread of an event loop.
    """
    begin, output, error = time.perf_counter(), io.StringIO(), None
    config = configuration(target.plane, target.url, output=output)
    try:
        if action not in OFFLINE:
            asyncio.run(refuse(target))
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


async def refuse(target: Target) -> None:
    """Raises `MigrationError` if the target cannot be migrated, for what is known beforehand."""
    if target.refusal is not None:
        raise MigrationError(target.refusal)
    if make_url(target.url).username == APPLICATION:
        raise MigrationError(no_administrator(target.server))
    await refuse_unknown(target.url)


def run_commands(
    targets: Sequence[Target], action: Action, revision: str = LATEST, *, jobs: int = 1
) -> Iterator[Outcome]:
    """Yields outcomes as they complete, `jobs` databases at a time. An error does not stop the others.

    Databases that are at the latest revision already are not upgraded again.
    """
    pending = list(targets)
    if action == "upgrade" and revision == LATEST:
        latest = asyncio.run(latest_urls(targets))
        yield from (Outcome(target, 0.0, "", None) for target in targets if target.url in latest)
        pending = [target for target in targets if target.url not in latest]
    groups = [[t for t in pending if t.url == url] for url in dict.fromkeys(t.url for t in pending)]
    if len(groups) < 2 or jobs < 2:
        for group in groups:
            yield from run_group(group, action, revision)
        return
    with ProcessPoolExecutor(min(jobs, len(groups)), mp_context=get_context("spawn")) as processes:
        running = [processes.submit(run_group, group, action, revision) for group in groups]
        for future in as_completed(running):
            yield from future.result()


def run_group(targets: Sequence[Target], action: Action, revision: str = LATEST) -> list[Outcome]:
    """Runs a command on planes of one database. The rights in a company's own are applied anew after it."""
    outcomes = [run_command(target, action, revision) for target in targets]
    if targets[0].is_own and action in ("upgrade", "downgrade") and outcomes[-1].error is None:
        try:
            asyncio.run(restrict(targets[0]))
        except (MigrationError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as failure:
            outcomes[-1] = replace(outcomes[-1], error=one_line(failure))
    return outcomes


async def restrict(target: Target) -> None:
    """Applies the rights of the application in a company's own database."""
    connection = await connect(target.url)
    try:
        await restrict_platform(connection)
    finally:
        await connection.close(timeout=5)


def upgrade_companies(targets: Sequence[Target], *, jobs: int) -> None:
    """Upgrades databases of companies. One that fails is logged, and stops nobody."""
    for outcome in run_commands(targets, "upgrade", jobs=jobs):
        if outcome.error is not None:
            log.error("migration_failed", database=outcome.target.name, reason=outcome.error)


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

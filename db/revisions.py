"""Revisions of a database and of the code, read without Alembic, which takes long to import."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Literal

import asyncpg
from sqlalchemy.engine import make_url

from core.errors import InstallationError, Unavailable
from core.settings import driverless_url
from core.settings.placement import PRIMARY
from db.provision import APPLICATION, OWNER

Plane = Literal["control", "tenant"]

ROOT = Path(__file__).resolve().parent.parent
SCHEMA: dict[Plane, str] = {"control": "platform", "tenant": "tenant"}
VERSION_TABLE: dict[Plane, str] = {plane: f"{SCHEMA[plane]}.alembic_version_{plane}" for plane in SCHEMA}

MAX_CONNECTIONS = 16
"""Databases whose revisions are read at a time."""

EXISTING = "SELECT " + ", ".join(f"to_regclass('{VERSION_TABLE[plane]}') IS NOT NULL" for plane in SCHEMA)

BEING_MIGRATED = "The data of your company is being upgraded. Try again in a few minutes."


class MigrationError(InstallationError):
    """A database could not be migrated or inspected; the message is one line that names it."""


class NotMigrated(Unavailable):
    """The database of a company is not at the latest revision. The message is for users."""


@dataclass(frozen=True)
class Target:
    """A plane in a database; `url` is of a role that is a member of the owner."""

    plane: Plane
    url: str = field(repr=False)
    server: str = PRIMARY
    is_own: bool = False
    """Whether it is the database of one company."""
    refusal: str | None = None
    """Why it cannot be reached, as far as the settings tell."""

    @property
    def name(self) -> str:
        """Display name: the plane and the database, and the server if it is not the primary."""
        where = "" if self.server == PRIMARY else f" on {self.server}"
        return f"{self.plane} in {make_url(self.url).database}{where}"


@dataclass(frozen=True)
class RevisionStatus:
    """Current revision of a database, None before the first, and the latest revision."""

    target: Target
    revision: str | None
    latest: str
    error: str | None = None

    @property
    def is_latest(self) -> bool:
        """Whether nothing is left to do."""
        return self.error is None and self.revision == self.latest


def revisions(plane: Plane) -> Sequence[str]:
    """All revisions of the code, from first to last: the numbers of the migration files."""
    files = (ROOT / "migrations" / plane).glob("[0-9]*_*.py")
    return sorted(file.name.partition("_")[0] for file in files)


@cache
def latest_revision(plane: Plane) -> str:
    """The last revision of the code, looked up once."""
    return revisions(plane)[-1]


def next_revision(plane: Plane) -> str:
    """Number of the next migration, the prefix of its file name."""
    return f"{len(revisions(plane)) + 1:04}"


async def require_latest(application_url: str) -> None:
    """Raises `MigrationError` unless both planes of the database are at their latest revision."""
    statuses = await revision_statuses([Target(plane, application_url) for plane in SCHEMA])
    for status in statuses:
        if status.error is not None:
            raise MigrationError(status.error)
    for status in statuses:
        if status.revision != status.latest:
            raise MigrationError(
                f"{status.target.name} is at revision {status.revision or 'none'}, not at {status.latest}: "
                "run `seshat init` and `seshat migrate upgrade`"
            )


async def are_latest(url: str) -> bool:
    """Whether both planes of the database are at their latest revision."""
    return all(status.is_latest for status in await revision_statuses([Target(p, url) for p in SCHEMA]))


async def require_latest_of(connection: asyncpg.Connection) -> None:
    """Raises `NotMigrated` if a plane of a company's database is behind the latest revision.

    It may be ahead, while processes are replaced by those of a later version.
    """
    found = await current_revisions(connection)
    if any((found[plane] or "") < latest_revision(plane) for plane in SCHEMA):
        raise NotMigrated(BEING_MIGRATED)


async def refuse_unknown(url: str) -> None:
    """Raises `MigrationError` if a plane of the database is at an unknown revision.

    A missing or unreachable database is not an error here.
    """
    for status in await revision_statuses([Target(plane, url) for plane in SCHEMA]):
        if status.revision is not None and status.error is not None:
            raise MigrationError(status.error)


async def connect(url: str) -> asyncpg.Connection:
    """A connection as the owner, or as the application role if the URL is its. Raises `MigrationError`."""
    role = {} if make_url(url).username == APPLICATION else {"role": OWNER}
    try:
        return await asyncpg.connect(
            driverless_url(url), server_settings=role, timeout=10, statement_cache_size=0
        )
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        raise MigrationError(f"{make_url(url).database} cannot be reached: {one_line(error)}") from error


async def current_revisions(connection: asyncpg.Connection) -> Mapping[Plane, str | None]:
    """The revision of each plane in a database, None before the first."""
    existing = await connection.fetchrow(EXISTING)
    assert existing is not None
    planes = [plane for plane, exists in zip(SCHEMA, existing, strict=True) if exists]
    selected = [f"(SELECT version_num FROM {VERSION_TABLE[plane]})" for plane in planes]
    found = await connection.fetchrow(f"SELECT {', '.join(selected)}") if planes else None
    return dict.fromkeys(SCHEMA) | dict(zip(planes, found or (), strict=True))


async def revision_statuses(targets: Sequence[Target]) -> list[RevisionStatus]:
    """Revisions of databases in the order of the targets, read without Alembic.

    By one connection to each database. Errors are returned in the statuses.
    """
    turn = asyncio.Semaphore(MAX_CONNECTIONS)
    urls = dict.fromkeys(target.url for target in targets if target.refusal is None)
    tasks = {url: asyncio.create_task(_read(url, turn)) for url in urls}
    return [_status(target, target.refusal or await tasks[target.url]) for target in targets]


async def latest_urls(targets: Sequence[Target]) -> set[str]:
    """The databases both of whose planes are at their latest revision."""
    statuses = await revision_statuses([replace(t, plane=plane) for t in targets for plane in SCHEMA])
    return {t.url for t in targets} - {status.target.url for status in statuses if not status.is_latest}


async def _read(url: str, turn: asyncio.Semaphore) -> Mapping[Plane, str | None] | str:
    """The revisions of a database, or why they cannot be read."""
    async with turn:
        try:
            connection = await connect(url)
        except MigrationError as error:
            return str(error)
        try:
            return await current_revisions(connection)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            return f"{make_url(url).database} cannot be read: {one_line(error)}"
        finally:
            await connection.close(timeout=5)


def _status(target: Target, found: Mapping[Plane, str | None] | str) -> RevisionStatus:
    known = revisions(target.plane)
    if isinstance(found, str):
        return RevisionStatus(target, None, known[-1], found)
    revision = found[target.plane]
    refusal = None if revision is None or revision in known else unknown_revision(target, revision)
    return RevisionStatus(target, revision, known[-1], refusal)


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

"""The log says what failed and where, and nothing of what it was about."""

import asyncio
import io
import json
import logging
import subprocess
import sys
from collections.abc import Callable, Iterator
from enum import Enum
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import jwt
import openai
import orjson
import pytest
import structlog
from pydantic import BaseModel, TypeAdapter
from qdrant_client.http.exceptions import UnexpectedResponse
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from core.error_reports import MAX_ERRORS, MAX_FRAMES, describe, fingerprint, report
from core.errors import Conflict, OperatorError
from core.settings import Settings, driverless_url
from db.database import Database
from db.placement import Placement
from pipelines.runtime.process_pool import RemoteTraceback
from server.logging import fill, formatter, log_warning, loggable, redact
from tests.conftest import Postgres

SECRET = "Zebra-77 talks about the boiler"
SECRETS = (
    "ada@office.example",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MiJ9.c2lnbmF0dXJl",
    "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$aGFzaA",
    "$2b$12$abcdefghijklmnopqrstuuKQ8zFq0N9d0Vn0d5Jm0rT0cJk0Qm1a2",
    "sk-proj-abcdefghij1234",
    "Bearer abcdef.ghi",
    "vR3kq0pY7sT2wX9zA1bC4dE6fG8hJ0kL2mN4pQ6rS8t",
)


class Model(BaseModel):
    number: int


class Kind(Enum):
    ONE = "one"


def from_httpx(status: int = 401) -> Any:
    request = httpx.Request("POST", f"https://{SECRET[:8]}.example/v1?key=x", content=SECRET)
    return httpx.Response(status, json={"error": {"message": SECRET}}, request=request)


def error_of(act: Callable[[], object]) -> Exception:
    """The error that a call ends with."""
    try:
        act()
    except Exception as error:
        return error
    raise AssertionError("nothing was raised")


def raise_chain() -> None:
    try:
        raise KeyError(SECRET)
    except KeyError as error:
        raise RuntimeError(f"no {SECRET}") from error


def raise_with_note() -> None:
    error = LookupError(SECRET)
    error.add_note(SECRET)
    raise error


def unique_violation() -> Any:
    """As asyncpg raises it."""
    error: Any = asyncpg.UniqueViolationError(f'duplicate key "{SECRET}"')
    error.constraint_name, error.table_name = "users_email_key", "users"
    error.detail = f"Key (email)=({SECRET}) already exists."
    return error


def statement_error() -> Exception:
    error = unique_violation()
    return DBAPIError(f"INSERT {SECRET}", {"email": SECRET}, error)


ERRORS: dict[str, Callable[[], Exception]] = {
    "UniqueViolationError": statement_error,
    "ValidationError": lambda: error_of(lambda: Model.model_validate({"number": SECRET, SECRET: 1})),
    "UnexpectedResponse": lambda: UnexpectedResponse.for_response(from_httpx()),
    "HTTPStatusError": lambda: error_of(lambda: from_httpx().raise_for_status()),
    "AuthenticationError": lambda: openai.AuthenticationError(SECRET, response=from_httpx(), body=SECRET),
    "JSONDecodeError": lambda: error_of(lambda: json.loads(SECRET)),
    "orjson.JSONDecodeError": lambda: error_of(lambda: orjson.loads(SECRET)),
    "JSONEncodeError": lambda: error_of(lambda: orjson.dumps({SECRET: {1, 2}})),
    "UnicodeDecodeError": lambda: error_of(lambda: (SECRET.encode() + b"\xff").decode()),
    "UnicodeEncodeError": lambda: error_of(lambda: f"{SECRET}\ud800".encode()),
    "DecodeError": lambda: error_of(lambda: jwt.decode(SECRET, "k" * 32, ["HS256"])),
    "InvalidIssuerError": lambda: jwt.InvalidIssuerError(SECRET),
    "KeyError": lambda: error_of(lambda: dict[str, int]()[SECRET]),
    "ValueError": lambda: error_of(lambda: int(SECRET)),
    "TypeError": lambda: TypeError(f"not a UUID: {SECRET!r}"),
    "AttributeError": lambda: error_of(lambda: getattr(object, SECRET)),
    "FileNotFoundError": lambda: error_of(lambda: Path("/nowhere", SECRET).read_text()),
    "Conflict": lambda: Conflict(f"{SECRET} is taken.", "input", "name"),
    "RuntimeError": lambda: error_of(raise_chain),
    "LookupError": lambda: error_of(raise_with_note),
    "ExceptionGroup": lambda: ExceptionGroup(SECRET, [ValueError(SECRET)]),
    "SyntaxError": lambda: error_of(lambda: compile(f"{SECRET}", SECRET, "exec")),
    "DataError": lambda: asyncpg.DataError(f"invalid input for query argument $1: {SECRET!r}"),
    "CalledProcessError": lambda: subprocess.CalledProcessError(1, ["x", SECRET], SECRET, SECRET),
}


@pytest.fixture
def library() -> Iterator[tuple[logging.Logger, Callable[[], dict[str, Any]]]]:
    """A library's logger, and the entry that it wrote."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter(console=False))
    logger = logging.getLogger("somelib.deep")
    logger.addHandler(handler)
    logger.propagate = False
    yield logger, lambda: json.loads(stream.getvalue())
    logger.removeHandler(handler)


def entry_of(console: bool = False, **values: Any) -> str:
    """What our own log writes of an event with these values."""
    record = logging.LogRecord("server.x", logging.ERROR, "", 0, {"event": "it_failed", **values}, (), None)
    record._logger, record._name = None, "error"
    return formatter(console=console).format(record)


@pytest.mark.parametrize("console", [False, True])
@pytest.mark.parametrize("name", ERRORS)
def test_an_exception_is_its_type_without_its_message(name: str, console: bool) -> None:
    error = ERRORS[name]()

    entry = entry_of(console, exc_info=error, error=error, errors=[error], deep={"a": {"b": error}})

    assert name in entry.replace("json.decoder.", "orjson.") or name.partition(".")[2] in entry
    for word in (SECRET, "Zebra", "boiler", "zebra"):
        assert word not in entry


def test_a_database_error_says_what_refused_it() -> None:
    assert describe(ERRORS["UniqueViolationError"]()) == "DBAPIError"

    assert describe(unique_violation()) == (
        "UniqueViolationError (sqlstate=23505, table_name=users, constraint_name=users_email_key)"
    )


@pytest.mark.parametrize(
    ("sqlstate", "is_shown"),
    [("40P01", True), ("42P01", True), ("57014", True), ("42601", False), ("22P02", False), ("23505", False)],
)
def test_messages_of_the_database_are_shown_if_they_quote_no_values(sqlstate: str, is_shown: bool) -> None:
    error: Any = asyncpg.PostgresError.new({"S": "ERROR", "C": sqlstate, "M": "it failed", "D": SECRET})

    assert describe(error).endswith(f"(sqlstate={sqlstate}, it failed)" if is_shown else f"({sqlstate=!s})")
    assert SECRET not in describe(error)


def test_messages_about_connections_and_for_operators_are_shown() -> None:
    busy = asyncpg.InterfaceError("cannot perform operation: another operation is in progress")

    assert describe(busy) == f"InterfaceError ({busy})"
    assert describe(OperatorError("the port is taken")) == "OperatorError (the port is taken)"
    assert report(busy)[0]["message"] == str(busy)
    assert describe(OSError(28, "No space left on device", SECRET)) == (
        "OSError (errno=28, strerror=No space left on device)"
    )


def test_causes_and_frames_lead_to_the_place() -> None:
    outer, inner = report(error_of(raise_chain))

    assert (outer["type"], inner["type"], inner["relation"]) == ("RuntimeError", "KeyError", "cause")
    line = raise_chain.__code__.co_firstlineno
    assert outer["frames"][-1] == f"tests/server/test_logging.py:{line + 4} in raise_chain"
    assert inner["frames"] == [f"tests/server/test_logging.py:{line + 2} in raise_chain"]
    assert fingerprint(error_of(raise_chain)) == fingerprint(error_of(raise_chain))
    assert fingerprint(error_of(raise_chain)) != fingerprint(error_of(raise_with_note))


def nest(depth: int) -> None:
    try:
        if depth:
            nest(depth - 1)
    except ValueError as error:
        raise ValueError(SECRET) from error
    raise ValueError(SECRET)


def recursive(depth: int) -> None:
    if depth:
        recursive(depth - 1)
    raise ValueError(SECRET)


def test_an_entry_is_bounded() -> None:
    chain, deep = error_of(lambda: nest(200)), error_of(lambda: recursive(200))

    assert len(report(chain)) == MAX_ERRORS
    assert [len(link["frames"]) for link in report(deep)] == [MAX_FRAMES]
    for error in (chain, deep):
        assert len(entry_of(exc_info=error, path=list(range(10_000)), words="x" * 10_000)) < 4_000


def test_a_child_process_reports_its_frames() -> None:
    error = RemoteTraceback(("pipelines/x.py:3 in work",))

    assert report(error) == [
        {"type": "pipelines.runtime.process_pool.RemoteTraceback", "frames": ["pipelines/x.py:3 in work"]}
    ]


@pytest.mark.parametrize(
    ("message", "arguments", "event"),
    [
        ("Job %s of %d failed", (SECRET, 7), "Job <str> of 7 failed"),
        ("Lost %r", (ValueError(SECRET),), "Lost 'ValueError'"),
        ("%(name)s failed", ({"name": SECRET},), "%(name)s failed"),
        (f"Lost {SECRET}", (), "library_message"),
        (SECRET, (), "library_message"),
    ],
)
def test_a_library_tells_its_template_alone(
    library: Any, message: str, arguments: tuple[Any, ...], event: str
) -> None:
    logger, written = library

    logger.error(message, *arguments)

    entry = written()
    assert entry["event"] == event
    assert entry["source"].startswith(str(Path(__file__)))


def test_arguments_that_do_not_fit_leave_the_template() -> None:
    assert fill("%d%% of %s", (SECRET,), is_readable=False) == "%d%% of %s"


def test_a_library_reports_exceptions_as_we_do(library: Any) -> None:
    logger, written = library

    logger.error("Broken", exc_info=ERRORS["KeyError"]())

    assert [error["type"] for error in written()["exception"]] == ["KeyError"]
    assert SECRET not in json.dumps(written())


async def test_a_lost_task_is_logged_without_its_error(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter(console=False))
    logging.getLogger("asyncio").addHandler(handler)

    async def fail() -> None:
        raise ValueError(SECRET)

    task = asyncio.create_task(fail(), name=SECRET)
    await asyncio.wait({task})
    del task
    logging.getLogger("asyncio").removeHandler(handler)

    entry = json.loads(stream.getvalue())
    assert entry["event"] == "Task exception was never retrieved"
    assert SECRET not in stream.getvalue()


def test_a_warning_is_its_category_and_place() -> None:
    with structlog.testing.capture_logs() as entries:
        log_warning(UserWarning(SECRET), UserWarning, "lib.py", 7)

    assert entries == [
        {"event": "python_warning", "log_level": "warning", "category": "UserWarning", "source": "lib.py:7"}
    ]


@pytest.mark.parametrize("secret", SECRETS)
def test_what_looks_like_a_secret_is_replaced(secret: str) -> None:
    assert redact(f"before {secret} after") == "before [redacted] after"
    assert secret not in entry_of(note=f"'{secret}'", deep=[{"text": secret}])


def test_credentials_and_queries_of_urls_are_replaced() -> None:
    url = "postgresql+asyncpg://app:hunter2@host/db?password=hunter2"

    assert redact(f"at {url} now") == "at postgresql+asyncpg://[redacted]@host/db[redacted] now"


def test_values_are_bounded_and_known() -> None:
    id = UUID(int=7)

    assert loggable({"id": id, "kind": Kind.ONE, "list": (1, 2.5, None, True)}) == {
        "id": str(id),
        "kind": "one",
        "list": [1, 2.5, None, True],
    }
    assert loggable(b"bytes") == "<bytes>"
    assert loggable(TypeAdapter(int)).startswith("<pydantic")
    assert redact("x" * 40) == "x" * 40
    assert redact("x " * 400) == "x " * 150 + "…"


@pytest.mark.parametrize(
    ("code", "event"),
    [
        (f"raise ValueError({SECRET!r})", "process_failed"),
        (
            f"import threading as t; x = t.Thread(target=int, args=[{SECRET!r}]); x.start(); x.join()",
            "thread_failed",
        ),
        (f"import warnings; warnings.warn({SECRET!r})", "python_warning"),
        (
            f"X = type('X', (), {{'__del__': lambda self: int({SECRET!r})}}); X(); import gc; gc.collect()",
            "unraisable_error",
        ),
    ],
)
def test_a_process_prints_no_message_of_an_error(code: str, event: str) -> None:
    setup = "from server.logging import configure_logging; configure_logging('INFO');"
    run = subprocess.run([sys.executable, "-c", setup + code], capture_output=True, text=True, check=False)

    assert json.loads(run.stderr.splitlines()[0])["event"] == event
    assert "Zebra" not in run.stderr + run.stdout


async def test_errors_of_statements_hide_their_values(settings: Settings) -> None:
    assert settings.database_url is not None
    database = Database(Placement(settings, settings.database_url))
    errors: list[SQLAlchemyError] = []
    for statement in (
        "SELECT CAST(:value AS text)::uuid",
        "INSERT INTO platform.companies (id, name, kind) VALUES (gen_random_uuid(), :value, :value)",
    ):
        with pytest.raises(SQLAlchemyError) as failed:
            async with database.platform() as uow:
                await uow.execute(text(statement), {"value": SECRET})
        errors.append(failed.value)
    await database.close()

    for error in errors:
        assert "Zebra" not in entry_of(exc_info=error, error=error)
        assert f"'value': '{SECRET}'" not in str(error)
        assert "hide_parameters" in str(error)


async def test_the_log_of_the_embedded_database_holds_no_statement(
    settings: Settings, postgres: Postgres
) -> None:
    connection = await asyncpg.connect(driverless_url(postgres.application))
    for statement, arguments in (
        (f"SELECT '{SECRET}'::uuid", ()),
        ("SELECT $1::text::int", (SECRET,)),
        (f"SELECT '{SECRET}' FROM nowhere", ()),
    ):
        with pytest.raises(asyncpg.PostgresError):
            await connection.fetch(statement, *arguments)
    await connection.close()

    assert "Zebra" not in (postgres.data / "postgres.log").read_text()

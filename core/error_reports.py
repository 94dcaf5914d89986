"""Errors as the log shows them: types, codes and frames.

Messages of exceptions quote what they were about: statements, rows, bodies, documents. Only messages that are
known to be free of content are reported.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from traceback import walk_tb
from typing import Any

from core.errors import OperatorError

ROOT = Path(__file__).resolve().parents[1]
LIBRARIES = "site-packages"

MAX_ERRORS, MAX_FRAMES, MAX_LIBRARY_FRAMES = 5, 12, 4
MAX_MESSAGE_LENGTH = 200

READABLE_TYPES = {
    "asyncpg.exceptions._base.InterfaceError",
    "asyncpg.exceptions._base.InternalClientError",
    "sqlalchemy.exc.TimeoutError",
}
"""Types, and their subtypes, whose messages describe a connection. `ValueError`s among them quote values."""

READABLE_SQLSTATES = ("08", "40", "42501", "42703", "42883", "42P01", "53", "55", "57")
"""SQLSTATEs, or their prefixes, whose primary messages name objects of the database, not values."""

CODES = {
    "sqlstate": r"[0-9A-Z]{5}",
    "schema_name": r"\w{1,63}",
    "table_name": r"\w{1,63}",
    "constraint_name": r"\w{1,63}",
    "errno": r"\d+",
    "strerror": r"[A-Z][A-Za-z ,/()'-]{1,80}",
    "status_code": r"\d{3}",
}
"""Attributes of errors that are reported, and what they look like."""


def describe(error: BaseException) -> str:
    """An error and its causes in one line: `IntegrityError from UniqueViolationError (sqlstate=23505)`."""
    return " from ".join(_title(link) for link, _ in _chain(error))


def report(error: BaseException) -> list[dict[str, Any]]:
    """The error, its causes and the members of groups, each with its innermost frames."""
    found: list[dict[str, Any]] = []
    for link, relation in _chain(error):
        entry: dict[str, Any] = {"type": qualified_name(type(link)), **_codes(link)}
        if message := readable_message(link):
            entry["message"] = message
        if relation:
            entry["relation"] = relation
        found.append({**entry, "frames": _frames(link)})
    return found


def fingerprint(error: BaseException) -> tuple[object, ...]:
    """Equal for errors of the same cause: the same types, raised at the same lines."""
    return tuple((qualified_name(type(link)), *_frames(link)[-1:]) for link, _ in _chain(error))


def qualified_name(kind: type) -> str:
    """Module and name of a type; the name only for built-in types."""
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def readable_message(error: BaseException) -> str | None:
    """The first line of a message that contains no content, or None."""
    names = {qualified_name(kind) for kind in type(error).__mro__}
    is_readable = isinstance(error, OperatorError) or (
        bool(names & READABLE_TYPES) and not isinstance(error, ValueError)
    )
    state = getattr(error, "sqlstate", None)
    if isinstance(state, str) and state.startswith(READABLE_SQLSTATES):
        message = getattr(error, "message", None)  # of asyncpg's errors, without `DETAIL`
    else:
        message = str(error) if is_readable else None
    return message.partition("\n")[0][:MAX_MESSAGE_LENGTH] if isinstance(message, str) and message else None


def _title(error: BaseException) -> str:
    facts = [f"{name}={value}" for name, value in _codes(error).items()]
    if message := readable_message(error):
        facts.append(message)
    return type(error).__name__ + (f" ({', '.join(facts)})" if facts else "")


def _codes(error: BaseException) -> dict[str, Any]:
    values = {name: getattr(error, name, None) for name in CODES}
    return {
        name: value
        for name, value in values.items()
        if isinstance(value, str | int) and re.fullmatch(CODES[name], str(value))
    }


def _frames(error: BaseException) -> list[str]:
    """Places in our code, and the innermost ones in libraries, outermost first."""
    places = [
        (frame.f_code.co_filename, line, frame.f_code.co_name) for frame, line in walk_tb(error.__traceback__)
    ]
    inner = len(places) - MAX_LIBRARY_FRAMES
    kept = [place for index, place in enumerate(places) if index >= inner or _is_ours(place[0])]
    remote: tuple[str, ...] = (
        getattr(error, "frames", ()) if type(error).__name__ == "RemoteTraceback" else ()
    )
    return [*remote, *(f"{_short(file)}:{line} in {name}" for file, line, name in kept)][-MAX_FRAMES:]


def _is_ours(file: str) -> bool:
    return file.startswith(f"{ROOT}/") and LIBRARIES not in file


def _short(file: str) -> str:
    return file.rpartition(f"{LIBRARIES}/")[2].removeprefix(f"{ROOT}/")


def _chain(error: BaseException) -> Iterator[tuple[BaseException, str]]:
    """The error, then its causes and the members of groups; the relation is that to the one before."""
    pending, seen = [(error, "")], set[int]()
    while pending and len(seen) < MAX_ERRORS:
        link, relation = pending.pop(0)
        if id(link) in seen:
            continue
        seen.add(id(link))
        yield link, relation
        if isinstance(link, BaseExceptionGroup):
            pending += [(member, "member") for member in link.exceptions]
        if link.__cause__ is not None:
            pending.append((link.__cause__, "cause"))
        elif link.__context__ is not None and not link.__suppress_context__:
            pending.append((link.__context__, "context"))

"""Structured logging of the application and its libraries to standard error.

The log contains no content: exceptions are reported without their messages (`core.error_reports`), messages
of libraries without their arguments, and everything that looks like a secret or an address is replaced.
"""

import logging
import re
import sys
import threading
import warnings
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import Any, Literal
from uuid import UUID

import structlog
from structlog.types import EventDict, Processor, WrappedLogger

from core.error_reports import describe, qualified_name, report

SHARED_PROCESSORS: list[Processor] = [
    structlog.contextvars.merge_contextvars,  # request, operation, company and job ids
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]

NOISY_LOGGERS = ("alembic", "asyncio", "httpx", "httpx2", "huggingface_hub", "uvicorn.error")
"""Loggers of libraries whose level is at least WARNING."""

READABLE_LOGGERS = ("alembic", "sqlalchemy.pool", "uvicorn")
"""Loggers of libraries whose messages contain no content."""

WITHHELD = "library_message"
"""Event of a library's message that may contain content. `source` leads to it."""

OWN_WORDS = re.compile(r"[A-Za-z' !]*")
"""Beginning of asyncio's messages, before the `repr` of tasks and callbacks."""

REDACTIONS = tuple(
    re.compile(pattern)
    for pattern in (
        r"[\w.+%-]+@[\w-]+(\.[\w-]+)+",  # e-mail addresses
        r"eyJ[\w-]+\.[\w.-]+",  # JWTs
        r"\$(argon2\w*|2[abxy])\$[^\s\"']+",  # password hashes
        r"(?<=://)[^/\s@]+(?=@)",  # credentials in URLs
        r"(?<=[\w/])\?[^\s\"']+",  # query strings
        r"(?i)\b(bearer|basic)\s+[\w+/=.~-]+",
        r"\b(sk|pk|rk)-[\w-]{8,}",  # API keys
        r"[\w-]{43,}",  # tokens, keys and digests
    )
)
REDACTED = "[redacted]"

MAX_TEXT_LENGTH, MAX_ITEMS, MAX_DEPTH = 300, 20, 3


def configure_logging(level: Literal["DEBUG", "INFO", "WARNING", "ERROR"]) -> None:
    """Configures coloured lines on a terminal, JSON lines otherwise. May be called repeatedly."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *SHARED_PROCESSORS,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter(console=sys.stderr.isatty()))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in NOISY_LOGGERS:
        logging.getLogger(name).setLevel(max(root.level, logging.WARNING))
    logging.raiseExceptions = False  # else a message that cannot be formatted is printed with its arguments
    install_hooks()


def formatter(*, console: bool) -> logging.Formatter:
    """The formatter of all records, of structlog and of libraries."""
    rendering: list[Processor] = (
        [print_exception, structlog.dev.ConsoleRenderer()]
        if console
        else [structlog.processors.JSONRenderer(default=type_name)]
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=SHARED_PROCESSORS,
        use_get_message=False,
        pass_foreign_args=True,
        processors=[
            withhold_message,
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            report_exception,
            filter_values,
            *rendering,
        ],
    )


def withhold_message(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Replaces the message of a library by its template, or by `library_message` if it has none."""
    if event["_from_structlog"]:
        return event
    record: logging.LogRecord = event["_record"]
    arguments, template = event.pop("positional_args", ()), str(event["event"])
    event.pop("stack", None)
    event.pop("stack_info", None)
    is_readable = record.name.startswith(READABLE_LOGGERS)
    if arguments:
        event["event"] = fill(template, arguments, is_readable)
    elif record.name == "asyncio":
        words = OWN_WORDS.match(template)
        event["event"] = words[0].strip() if words and words[0].strip() else WITHHELD
    else:
        event["event"] = template.strip().partition("\n")[0] if is_readable else WITHHELD
    event["source"] = f"{record.pathname}:{record.lineno} in {record.funcName}"
    return event


def fill(template: str, arguments: Any, is_readable: bool) -> str:
    """The template with its numbers, and with its other arguments if they contain no content."""
    values = tuple(arguments.values()) if isinstance(arguments, Mapping) else tuple(arguments)
    if isinstance(arguments, Mapping):
        return template
    shown = (
        value if is_readable or isinstance(value, int | float | UUID) else argument_name(value)
        for value in values
    )
    try:
        return template % tuple(shown)
    except (TypeError, ValueError):
        return template


def argument_name(value: object) -> str:
    """What is shown of an argument that may contain content."""
    return describe(value) if isinstance(value, BaseException) else f"<{type(value).__name__}>"


def report_exception(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Replaces `exc_info` by the report of the exception."""
    raised = event.pop("exc_info", None)
    if isinstance(raised, tuple):
        raised = raised[1]
    elif raised and not isinstance(raised, BaseException):
        raised = sys.exc_info()[1]
    if isinstance(raised, BaseException):
        event["exception"] = report(raised)
    return event


def print_exception(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """The report of the exception as lines, for a terminal."""
    if (reported := event.pop("exception", None)) is not None:
        blocks = (
            [
                f"{error['type']} {error.get('message', '')}".rstrip(),
                *(f"  {frame}" for frame in error["frames"]),
            ]
            for error in reported
        )
        event["exception"] = "\n".join(line for block in blocks for line in block)
    return event


def filter_values(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Bounds the values of an entry, and redacts their texts."""
    return {name: value if name == "exception" else loggable(value) for name, value in event.items()}


def loggable(value: Any, depth: int = 0) -> Any:
    """A bounded value without content: identifiers, numbers and short texts; the type of anything else."""
    match value:
        case None | bool() | int() | float():
            return value
        case BaseException():
            return describe(value)
        case str() | UUID() | Path() | date() | timedelta():
            return redact(str(value))
        case Enum():
            return redact(str(value.value))
        case Mapping() if depth < MAX_DEPTH:
            items = list(value.items())[:MAX_ITEMS]
            return {redact(str(name)): loggable(item, depth + 1) for name, item in items}
        case set() | frozenset() | Sequence() if depth < MAX_DEPTH and not isinstance(value, bytes):
            return [loggable(item, depth + 1) for item in list(value)[:MAX_ITEMS]]
    return type_name(value)


def redact(text: str) -> str:
    """A text without addresses and secrets, of at most 300 characters."""
    text = text[: 4 * MAX_TEXT_LENGTH]
    for pattern in REDACTIONS:
        text = pattern.sub(REDACTED, text)
    return text if len(text) <= MAX_TEXT_LENGTH else f"{text[:MAX_TEXT_LENGTH]}…"


def type_name(value: object) -> str:
    """What is shown of a value that may contain anything."""
    return f"<{qualified_name(type(value))}>"


def install_hooks() -> None:
    """Logs warnings and errors that nobody caught, instead of printing them with their messages."""
    warnings.showwarning = log_warning
    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = log_uncaught
    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = lambda hook: log_error("thread_failed", hook.exc_value)
    if sys.unraisablehook is sys.__unraisablehook__:
        sys.unraisablehook = lambda hook: log_error("unraisable_error", hook.exc_value)


def log_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: object = None,
    line: str | None = None,
) -> None:
    """Logs a warning without its message."""
    source = f"{filename}:{lineno}"
    structlog.get_logger(__name__).warning("python_warning", category=category.__name__, source=source)


def log_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Logs the error that ends the process; the last line is for whoever started it."""
    if issubclass(kind, KeyboardInterrupt):
        return
    log_error("process_failed", error)
    print(describe(error), file=sys.stderr)


def log_error(event: str, error: BaseException | None) -> None:
    """Logs an error that nobody caught."""
    structlog.get_logger(__name__).error(event, exc_info=error)

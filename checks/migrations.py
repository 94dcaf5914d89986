"""Rules of migrations that run while the tables are in use: `python -m checks.migrations`.

Squawk (`migrations/squawk.toml`) reads the script of every migration after the first of its plane: indexes
are built and dropped concurrently, constraints are added `NOT VALID` first, no table is rewritten. This
module adds what squawk does not know.
"""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from db import migrate
from db.revisions import ROOT, SCHEMA, Plane, Target, revisions

CONFIGURATION = ROOT / "migrations" / "squawk.toml"
MAX_LOCK_TIMEOUT_MS = 1000

TEXTS = re.compile(r"--[^\n]*|'(?:[^']|'')*'|(?P<tag>\$\w*\$).*?(?P=tag)", re.DOTALL)
"""Comments and strings, also those in dollars, such as bodies of functions."""

LOCK_TIMEOUT = re.compile(r"SET (?:LOCAL )?lock_timeout = '(\d+)(ms|s|min)'", re.IGNORECASE)
UNITS_MS = {"ms": 1, "s": 1000, "min": 60_000}
BEGIN_OR_COMMIT = re.compile("BEGIN|COMMIT", re.IGNORECASE)
SETTING = re.compile(r"SET\b", re.IGNORECASE)
CONCURRENTLY = re.compile(r"(CREATE|DROP|REINDEX)\b.*\bCONCURRENTLY\b", re.IGNORECASE)
VERSION = re.compile(r"(UPDATE|INSERT INTO) \w+\.alembic_version_", re.IGNORECASE)
ROWS = re.compile(r"(UPDATE|DELETE|INSERT|MERGE|TRUNCATE|COPY|DO)\b", re.IGNORECASE)
BATCHES = "DO $batches$"
REPEATABLE = re.compile(r"\bIF (NOT )?EXISTS\b|\bOR REPLACE\b", re.IGNORECASE)
REWRITE = re.compile(
    r"(CLUSTER|VACUUM|LOCK)\b|REFRESH\b(?!.*\bCONCURRENTLY\b)"
    r"|ALTER TABLE .*\bSET (UNLOGGED|LOGGED|TABLESPACE|ACCESS METHOD)\b",
    re.IGNORECASE,
)
CHECKED_COLUMN = re.compile(r"ALTER TABLE .*\bADD (COLUMN )?(?!CONSTRAINT\b)\w+ .*\bCHECK\b", re.IGNORECASE)


@dataclass(frozen=True)
class Statement:
    """A statement of a script, and where it stands."""

    text: str
    transaction: int | None
    """Number of its transaction; None outside of transactions."""
    lock_timeout_ms: int


def mask(text: re.Match[str]) -> str:
    """A string without separators, the kind of a string in dollars, nothing of a comment."""
    if text["tag"]:
        return "$batches$" if "COMMIT;" in text[0] else "$$"
    return "" if text[0].startswith("--") else text[0].replace(";", "")


def read_statements(script: str) -> Iterator[Statement]:
    """The statements of a script."""
    transaction, count, timeout = None, 0, sys.maxsize
    for part in TEXTS.sub(mask, script).split(";"):
        text = " ".join(part.split())
        if BEGIN_OR_COMMIT.fullmatch(text):
            count += transaction is None
            transaction = count if text.upper() == "BEGIN" else None
        elif change := LOCK_TIMEOUT.fullmatch(text):
            timeout = int(change[1]) * UNITS_MS[change[2].lower()] or sys.maxsize
        elif text:
            yield Statement(text, transaction, timeout)


def faults(script: str) -> Iterator[str]:
    """What blocks others, or cannot be repeated after an interruption."""
    found = [statement for statement in read_statements(script) if not SETTING.match(statement.text)]
    work = [statement for statement in found if not VERSION.match(statement.text)]
    is_one_transaction = all(statement.transaction is not None for statement in work)
    for statement in work:
        text = statement.text[:100]
        if not (is_one_transaction or statement.transaction is None or REPEATABLE.search(statement.text)):
            yield f"cannot be repeated if a later step is interrupted: {text}"
        if CONCURRENTLY.match(statement.text):
            continue
        if statement.lock_timeout_ms > MAX_LOCK_TIMEOUT_MS:
            yield f"waits longer for a lock than {MAX_LOCK_TIMEOUT_MS} ms: {text}"
        if ROWS.match(statement.text) and statement.text != BATCHES:
            yield f"changes rows in one transaction instead of batches, as `backfill` does: {text}"
        if REWRITE.match(statement.text):
            yield f"locks or rewrites a table: {text}"
        if CHECKED_COLUMN.match(statement.text):
            yield f"checks every row, which `add_constraint` does without a lock: {text}"
    yield from squawk(script)


def squawk(script: str) -> Iterator[str]:
    """What squawk finds."""
    program = shutil.which("squawk", path=f"{Path(sys.executable).parent}") or "squawk"
    command = [
        program,
        "--config",
        str(CONFIGURATION),
        "--reporter",
        "json",
        "--stdin-filepath",
        "migration.sql",
    ]
    ended = subprocess.run(command, input=script, capture_output=True, text=True, check=False)
    if not ended.stdout:
        raise RuntimeError(f"squawk failed: {ended.stderr}")
    for fault in json.loads(ended.stdout):
        line = script.splitlines()[fault["line"]].strip()
        yield f"{fault['rule_name']}: {fault['message']} {fault.get('help') or ''} {line[:100]}"


def script_of(plane: Plane, before: str, revision: str) -> str:
    """A migration as a script."""
    outcome = migrate.run_command(Target(plane, ""), "sql", f"{before}:{revision}")
    if outcome.error is not None:
        raise RuntimeError(f"{plane} {revision} is not a script: {outcome.error}")
    return outcome.output


def migrations() -> Sequence[tuple[Plane, str, str]]:
    """Every migration after the first: its plane, the revision before, and its own."""
    return [(plane, *pair) for plane in SCHEMA for pair in pairwise(revisions(plane))]


def main() -> int:
    """Prints the faults of all migrations. Returns exit code 1 if there are any."""
    failed = 0
    for plane, before, revision in migrations():
        for fault in faults(script_of(plane, before, revision)):
            print(f"{plane} {revision} {fault}")
            failed = 1
    return failed


if __name__ == "__main__":
    sys.exit(main())

"""Searches logs for what must never be in them: passwords, hashes, tokens, addresses and texts of people."""

import json
import re
from collections.abc import Collection, Iterator
from pathlib import Path

import asyncpg

PASSWORDS = ("correct horse battery", "another horse battery", "a secret that only the tests know of")
"""Passwords and keys of the tests."""

PATTERNS = {
    "an e-mail address": re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}"),
    "a password hash": re.compile(r"\$(?:argon2\w*|2[abxy])\$\S{8,}"),
    "a token": re.compile(r"\beyJ[\w-]{8,}\.[\w-]+"),
    "a signed link": re.compile(r"/files/(?:uploads/|bundles/)?[\w-]{40,}\.[\w-]{20,}"),
    "parameters of a statement": re.compile(r"\[parameters: (?!\[SQL parameters hidden)"),
    "a row": re.compile(r"Key \([^)]*\)=\(|Failing row contains"),
}

ALLOWED = ("admin@seshat.local",)
"""What `seshat serve` prints when it creates the first administrator."""

STORED = """
    SELECT email AS value FROM platform.users
    UNION SELECT username FROM platform.users
    UNION SELECT hashed_password FROM platform.users WHERE hashed_password IS NOT NULL
    UNION SELECT left(content, 80) FROM tenant.messages
    UNION SELECT left(content, 80) FROM tenant.document_chunks
"""
MIN_TEXT_LENGTH = 12
"""Shorter texts are words that a log may contain for other reasons."""


def find_secrets(text: str, planted: Collection[str] = ()) -> list[str]:
    """What a log contains that it must not: one line for each kind and value."""
    return [*dict.fromkeys(_findings(text, planted))]


def find_in_files(files: Collection[Path], planted: Collection[str] = ()) -> list[str]:
    """The same of log files, each finding with the file's name. Missing files contain nothing."""
    return [
        f"{file.name}: {finding}"
        for file in files
        if file.is_file()
        for finding in find_secrets(file.read_text(errors="replace"), planted)
    ]


async def stored_secrets(connection: asyncpg.Connection) -> list[str]:
    """Addresses, names, hashes, messages and passages in a database."""
    values = {row["value"].strip() for row in await connection.fetch(STORED)}
    return [value for value in values if len(value) >= MIN_TEXT_LENGTH]


def _findings(text: str, planted: Collection[str]) -> Iterator[str]:
    for kind, pattern in PATTERNS.items():
        for match in pattern.finditer(text):
            if match[0] not in ALLOWED:
                begin = max(0, match.start() - 80)
                yield f"{kind}: {match[0]} in …{text[begin : match.end() + 20]!r}"
    for value in (*PASSWORDS, *planted):
        escaped = json.dumps(value)[1:-1]
        if value in text or escaped in text:
            yield f"a planted value: {value}"

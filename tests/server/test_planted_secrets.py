"""The search for secrets finds them, and the log of failing operations holds none."""

import asyncio
import json
import logging
from pathlib import Path

import pytest
import structlog
from sqlalchemy import text

from schema.framework.context import Services
from tests.identity.conftest import HASHED, PASSWORD
from tests.planted_secrets import find_in_files, find_secrets

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MiJ9.c2lnbmF0dXJl"
WORDS = "The boiler is in the „Ölkeller“."


@pytest.mark.parametrize(
    "line",
    [
        "user ada.l+x@office.example signed in",
        f"hash {HASHED}",
        "hash $2b$12$abcdefghijklmnopqrstuuKQ8zFq0N9d0Vn0d5Jm0rT0cJk0Qm1a2",
        f"Bearer {TOKEN}",
        f"password={PASSWORD}",
        "[parameters: {'email': 'x'}]",
        "DETAIL: Key (email)=(x) already exists.",
        f"GET /files/{'a' * 60}.{'b' * 43}",
        f"text {WORDS}",
        json.dumps({"content": WORDS}),
    ],
)
def test_each_kind_of_secret_is_found(tmp_path: Path, line: str) -> None:
    file = tmp_path / "log"
    file.write_text(f"{{}}\n{line}\n")

    (found,) = find_in_files([file], [WORDS])

    assert found.startswith("log: ")


def test_ordinary_entries_are_not_found() -> None:
    entry = {"event": "job_failed", "job": "0b5e6f0e-6a56-4d7a-9d0b-0d8f2f4f7c11", "company": "x" * 32}

    assert find_secrets(json.dumps(entry), [WORDS]) == []
    assert find_secrets("[parameters: [SQL parameters hidden due to hide_parameters=True]]") == []


async def test_failing_statements_leave_no_secret(services: Services, log_file: Path) -> None:
    log = structlog.get_logger("server.test")
    values = {"email": "planted.person@office.example", "hash": HASHED, "words": WORDS}
    statement = text("SELECT CAST(:email || :hash || :words AS integer)")
    try:
        async with services.database.platform() as uow:
            await uow.execute(statement, values)
    except Exception as error:
        log.exception("statement_failed", error=error, sent=[values, TOKEN])
        logging.getLogger("library").error("It failed: %s", values)
        logging.getLogger("library").error(f"It failed: {values}", exc_info=error)

    written = (await asyncio.to_thread(log_file.read_text)).splitlines()
    events = [json.loads(line)["event"] for line in written[-3:]]
    assert events == ["statement_failed", "It failed: %s", "library_message"]

"""Text checks whose workers die, are cancelled or fail: every sentence once, and the same findings."""

import asyncio
from typing import Any

import pytest

from core.errors import Conflict
from pipelines.text_checks import handlers
from schema.framework.context import Services
from tests.chat.pipeline.conftest import PATIENCE, Person
from tests.text_checks.conftest import (
    a_worker,
    add_lease,
    create_check,
    run_check,
    wait_for_check,
)
from tests.text_checks.operations import CANCEL, CHECK, RETRY, START, WATCH

LAST = 4
"""Sentences that are checked before the interruption."""


def stable_fields(check: Any) -> Any:
    """All of a check but its times, keys and job."""
    counts = {name: value for name, value in check.items() if name.endswith("Count")}
    sentences = [{**each, "id": None} for each in check["sentences"]["nodes"]]
    return check["state"], check["progress"], counts, sentences


class Interruption:
    """Stops the handler before a sentence, once."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
        self.reached, self.calls, self.original = asyncio.Event(), 0, handlers.check_sentence
        self.number = number
        monkeypatch.setattr(handlers, "check_sentence", self)

    async def __call__(self, *values: Any) -> Any:
        self.calls += 1
        if self.calls == self.number and not self.reached.is_set():
            self.reached.set()
            await asyncio.Event().wait()
        return await self.original(*values)


async def test_a_check_continues_after_its_worker_has_stopped(
    services: Services, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add_lease(services, person)
    whole = await run_check(services, person)
    interruption = Interruption(monkeypatch, LAST + 1)
    id = (await create_check(person))["id"]
    events: list[Any] = []
    async with asyncio.timeout(PATIENCE), person.graphql.watch(WATCH, id=id) as results:
        async with a_worker(services, job_grace=0.05):
            await interruption.reached.wait()
        async with a_worker(services):
            again = await wait_for_check(person, id)
            async for result in results:
                events.append(result.data["textCheckEvents"])

    assert stable_fields(again) == stable_fields(whole)
    assert interruption.calls == len(whole["sentences"]["nodes"]) + 1
    streamed = [each["number"] for event in events for each in event["sentences"]]
    assert streamed == [1, 2, 3, 4, 5]


async def test_a_cancelled_check_keeps_its_findings_and_continues_when_retried(
    services: Services, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add_lease(services, person)
    whole = await run_check(services, person)
    interruption = Interruption(monkeypatch, LAST + 1)
    check = await create_check(person)
    async with asyncio.timeout(PATIENCE), a_worker(services):
        await interruption.reached.wait()
        await person(CANCEL, id=check["job"]["id"])
        stopped = await wait_for_check(person, check["id"])
        await person(RETRY, id=check["job"]["id"])
        again = await person.until(CHECK, check["id"], lambda row: row["state"] == "COMPLETED")

    assert (stopped["state"], stopped["errorMessage"]) == ("STOPPED", None)
    assert (stopped["progress"], stopped["sentences"]["totalCount"]) == (80, LAST)
    assert stable_fields(again) == stable_fields(whole)


async def test_a_failed_check_says_why(
    services: Services, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def failing(*values: Any) -> Any:
        raise Conflict("It is out of order.")

    monkeypatch.setattr(handlers, "check_sentence", failing)
    check = await create_check(person, start=False)
    async with a_worker(services):
        await person(START, id=check["job"]["id"])
        found = await wait_for_check(person, check["id"])

    assert (found["state"], found["errorMessage"]) == ("FAILED", "It is out of order.")

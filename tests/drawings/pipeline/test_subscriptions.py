"""Watching work over real sockets: the state now, every change after it, always the end."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from strawberry.relay import GlobalID

from db.ids import new_id
from tests.drawings.pipeline import operations
from tests.drawings.pipeline.conftest import PASSWORD, Instance, Person, register

Revisions = Callable[..., tuple[Path, Path]]


async def test_a_sessions_watcher_hears_of_every_page_and_of_the_end(
    person: Person, instance: Instance, revisions: Revisions
) -> None:
    id = await person.session(*revisions("A-101", "A-102"))
    async with person.socket() as socket:
        await socket.subscribe(operations.WATCH_SESSION, id=id)
        first = await socket.event()
        await person.start(id)
        async with instance.working():
            events = [first, *await socket.events()]

    assert (first["id"], first["status"], first["progress"]) == (id, "ACTIVE", 0)
    assert first["drawings"]["nodes"] == []
    assert distinct([event["status"] for event in events]) == ["ACTIVE", "PROCESSING", "COMPLETED"]
    assert distinct([event["progress"] for event in events])[-1] == 100
    counts = [sum(page["state"] != "PENDING" for page in event["drawings"]["nodes"]) for event in events]
    assert counts == sorted(counts)
    assert counts[-1] == 4
    assert len(set(counts)) >= 3


async def test_a_jobs_watcher_hears_its_progress_grow_to_the_end(
    person: Person, instance: Instance, revisions: Revisions
) -> None:
    id = await person.begin(*revisions("A-101", "A-102"))
    async with person.socket() as socket:
        await socket.subscribe(operations.WATCH_JOB, id=await person.job(id, "PDF_EXTRACTION"))
        first = await socket.event()
        async with instance.working():
            events = [first, *await socket.events()]
            await person.ended(id)

    assert (first["status"], first["progress"], first["phase"], first["attempts"]) == (
        "PENDING",
        0,
        "QUEUED",
        0,
    )
    assert distinct([event["status"] for event in events]) == ["PENDING", "RUNNING", "COMPLETED"]
    progress = [event["progress"] for event in events]
    assert progress == sorted(progress)
    assert (events[-1]["progress"], events[-1]["phase"], events[-1]["attempts"]) == (100, "SUCCEEDED", 1)


async def test_who_comes_after_the_end_is_reported_the_end(
    person: Person, instance: Instance, revisions: Revisions
) -> None:
    id = await person.begin(*revisions("A-101"))
    async with instance.working():
        await person.completed(id)

    async with person.socket() as socket:
        await socket.subscribe(operations.WATCH_SESSION, id=id)
        session = await socket.events()
        await socket.subscribe(operations.WATCH_JOB, id=await person.job(id, "COMPARISON"))
        job = await socket.events()

    assert [(event["status"], event["progress"]) for event in session] == [("COMPLETED", 100)]
    assert [(event["status"], event["progress"]) for event in job] == [("COMPLETED", 100)]


async def test_a_failure_is_required_to_both_kinds_of_watchers(
    person: Person, instance: Instance, revisions: Revisions
) -> None:
    old, new = revisions("A-101")
    new.write_bytes(new.read_bytes()[:5000])
    id = await person.begin(old, new)
    job = await person.job(id, "PDF_EXTRACTION")

    async with person.socket() as one, person.socket() as other:
        await one.subscribe(operations.WATCH_SESSION, id=id)
        await other.subscribe(operations.WATCH_JOB, id=job)
        async with instance.working():
            session, stage = await one.events(), await other.events()

    reason = "b.pdf: The PDF is incomplete: its end is missing. Upload the whole file again."
    assert (session[-1]["status"], session[-1]["errorMessage"]) == ("ERROR", reason)
    assert (stage[-1]["status"], stage[-1]["errorMessage"]) == ("FAILED", reason)


async def test_two_watchers_see_the_same_changes(
    person: Person, instance: Instance, revisions: Revisions
) -> None:
    id = await person.begin(*revisions("A-101", "A-102"))
    job = await person.job(id, "COMPARISON")
    async with person.socket() as one, person.socket() as other:
        for socket in (one, other):
            await socket.subscribe(operations.WATCH_JOB, id=job)
        async with instance.working():
            first, second = await asyncio.gather(one.events(), other.events())

    assert first[0] == second[0]
    assert first[-1] == second[-1]
    assert [distinct([event["status"] for event in events]) for events in (first, second)] == [
        ["PENDING", "RUNNING", "COMPLETED"]
    ] * 2


async def test_a_retry_is_watched_like_a_first_start(
    person: Person, instance: Instance, revisions: Revisions
) -> None:
    id = await person.begin(*revisions("A-101"))
    job = await person.job(id, "PDF_EXTRACTION")
    await person.do(operations.CANCEL, id=job)
    await person.do(operations.RETRY, id=job)

    async with person.socket() as socket:
        await socket.subscribe(operations.WATCH_SESSION, id=id)
        async with instance.working():
            events = await socket.events()

    assert distinct([event["status"] for event in events]) == ["PROCESSING", "COMPLETED"]
    assert events[-1]["errorMessage"] is None


@pytest.mark.parametrize(
    ("document", "kind"),
    [(operations.WATCH_JOB, "ProcessingJob"), (operations.WATCH_SESSION, "DrawingSession")],
    ids=["job", "session"],
)
async def test_what_is_not_there_to_see_is_not_found(
    person: Person, revisions: Revisions, document: str, kind: str
) -> None:
    stranger = await register(person.instance, person.http)
    id = await stranger.begin(*revisions("A-101"))
    foreign = id if kind == "DrawingSession" else await stranger.job(id, "COMPARISON")

    for hidden in (foreign, str(GlobalID(kind, str(new_id())))):
        async with person.socket() as socket:
            await socket.subscribe(document, id=hidden)
            message = await socket.receive()
        assert refusals(message) == ["NOT_FOUND"]


async def test_whom_the_company_suspends_hears_no_more(person: Person, revisions: Revisions) -> None:
    email = f"{new_id()}@example.com"
    user = (await person.do(operations.COLLEAGUE, email=email, password=PASSWORD))["user"]["id"]
    token = (await person.do(operations.SIGN_IN, login=email, password=PASSWORD))["accessToken"]
    colleague = replace(person, token=token, id=user)
    job = await person.job(await person.begin(*revisions("A-101")), "PDF_EXTRACTION")

    async with colleague.socket() as watching, colleague.socket() as idle:
        await watching.subscribe(operations.WATCH_JOB, id=job)
        assert (await watching.event())["status"] == "PENDING"
        await person.do(operations.SUSPEND, id=user)
        await person.do(operations.CANCEL, id=job)
        message = await watching.receive()
        closings = [await watching.closing(), await idle.closing()]

    assert (message["payload"]["data"], refusals(message)) == (None, ["UNAUTHENTICATED"])
    assert closings == [(4401, "This account is not active.")] * 2


def distinct(values: list[Any]) -> list[Any]:
    """The values without those that repeat the one before."""
    return [value for place, value in enumerate(values) if place == 0 or value != values[place - 1]]


def refusals(message: Any) -> list[str]:
    """The codes of a message's errors, whether the operation began or not."""
    payload = message["payload"]
    errors = payload if message["type"] == "error" else payload["errors"]
    return [error["extensions"]["code"] for error in errors]

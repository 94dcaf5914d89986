"""Deleting: the rows go at once, the stored files after them, and nothing of anybody else's."""

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from db.models import (
    AnalysisResult,
    Comparison,
    Drawing,
    DrawingSession,
    DrawingVersion,
    JobStatus,
    ProcessingJob,
    ProcessingJobType,
)
from db.queue import deserialize, enqueue
from tests.drawings.pipeline import operations
from tests.drawings.pipeline.conftest import Instance, Person
from tests.drawings.pipeline.test_interruptions import until

pytestmark = pytest.mark.usefixtures("worker")

Revisions = Callable[..., tuple[Path, Path]]
HELD = (DrawingSession, Drawing, Comparison, AnalysisResult, DrawingVersion)
"""What a session holds."""


async def test_a_deleted_session_leaves_nothing_and_takes_nothing_of_another(
    person: Person, instance: Instance, revisions: Revisions
) -> None:
    files = revisions("A-101")
    kept = await person.begin(*files)
    whole = await person.completed(kept)
    before = await instance.objects(person.company_id)
    rows = await counts(instance, person)
    gone = await person.begin(*files)
    await person.completed(gone)
    uploads = {key for key in await instance.objects(person.company_id) if "/uploads/" in key}

    assert (await person.do(operations.DELETE, id=gone))["deletedId"] == gone
    await until(lambda: is_cleared(instance, person))

    left = await instance.objects(person.company_id)
    assert left.keys() == before.keys() | uploads
    assert {key: left[key] for key in before} == before
    assert await counts(instance, person) == rows
    assert (await person.send(operations.STATE, id=gone))["errors"][0]["extensions"]["code"] == "NOT_FOUND"
    session = (await person.ask(operations.WHOLE, id=kept))["drawingSession"]
    assert session["drawings"]["nodes"][0]["id"] == whole["drawings"]["nodes"][0]["id"]
    assert len(await person.fetch(session["comparisons"]["nodes"][0]["overlayUrl"])) > 1000


async def test_a_deleted_project_takes_all_its_sessions_with_it(
    person: Person, instance: Instance, revisions: Revisions
) -> None:
    files = revisions("A-101")
    project = (await person.do(operations.PROJECT, name="Library"))["project"]["id"]
    begun = [await person.begin(*files, project) for _ in range(2)]
    outside = await person.begin(*files)
    for id in (*begun, outside):
        await person.completed(id)

    await person.do(operations.DELETE_PROJECT, id=project)
    await until(lambda: is_cleared(instance, person))

    assert await counts(instance, person) == [1, 2, 1, 1, 0]
    stored = {key.split("/")[2] for key in await instance.objects(person.company_id) if "/sessions/" in key}
    (session,) = await instance.rows(person.company_id, select(DrawingSession.id))
    assert stored == {str(session.id)}


@pytest.mark.parametrize(
    "document", [operations.DELETE, operations.DELETE_PROJECT], ids=["session", "project"]
)
async def test_what_is_worked_on_is_not_deleted(
    person: Person, instance: Instance, revisions: Revisions, document: str
) -> None:
    project = (await person.do(operations.PROJECT, name="Library"))["project"]["id"]
    id = await person.session(*revisions("A-101"), project)
    async with instance.database.tenant(person.company_id) as uow:
        await uow.execute(update(DrawingSession).values(status="processing"))

    refusal = await person.refused(document, id=id if document is operations.DELETE else project)

    assert (refusal["code"], refusal["path"]) == ("CONFLICT", ["id"])
    assert await counts(instance, person) == [1, 0, 0, 0, 0]
    assert await removals(instance, person) == []


async def test_removing_twice_changes_nothing(
    person: Person, instance: Instance, revisions: Revisions
) -> None:
    id = await person.begin(*revisions("A-101"))
    await person.completed(id)
    await person.do(operations.DELETE, id=id)
    await until(lambda: is_cleared(instance, person))
    stored = await instance.objects(person.company_id)

    async with instance.database.tenant(person.company_id) as uow:
        again = update(ProcessingJob).values(status=JobStatus.PENDING)
        row = await uow.one(again.returning(ProcessingJob))
        await enqueue(uow, deserialize(row.task, row.arguments), row.id)
    await until(lambda: is_cleared(instance, person))

    assert await instance.objects(person.company_id) == stored


async def counts(instance: Instance, person: Person) -> list[int]:
    """How many rows of each kind that a session holds the company has."""
    found = [
        await instance.rows(person.company_id, select(func.count()).select_from(model)) for model in HELD
    ]
    return [rows[0][0] for rows in found]


async def removals(instance: Instance, person: Person) -> list[JobStatus]:
    """Where the company's removals of stored files stand."""
    upkeep = ProcessingJob.job_type == ProcessingJobType.UPKEEP
    rows = await instance.rows(person.company_id, select(ProcessingJob.status).where(upkeep))
    return [row.status for row in rows]


async def is_cleared(instance: Instance, person: Person) -> bool:
    """Whether every removal is done."""
    return set(await removals(instance, person)) == {JobStatus.COMPLETED}

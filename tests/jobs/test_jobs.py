"""Jobs of every kind: started, watched, cancelled and tried again by the same operations."""

import asyncio

import pytest
from sqlalchemy import select

from db.models import JobStatus, Lease
from db.queue import JOB_MODELS, Attempt, JobModel, claim
from db.queue.entries import Entry
from schema.framework.context import Services
from tests.conftest import People, Save, Unchanged
from tests.factories import Fixture
from tests.graphql_client import Client
from tests.jobs.sample_jobs import MAKE, TASKS, a_ready

JOB = "id status phase progress attempts errorMessage startedAt completedAt"
VERBS = {
    verb: f"mutation ($id: ID!) {{ job{verb}(id: $id) {{ errors {{ code path }} job {{ {JOB} }} }} }}"
    for verb in ("Start", "Cancel", "Retry")
}
NODE = f"query ($id: ID!) {{ node(id: $id) {{ __typename ... on Job {{ {JOB} }} }} }}"
WATCH = "subscription ($id: ID!) { jobProgress(id: $id) { __typename id status phase progress } }"

every_kind = pytest.mark.parametrize("model", JOB_MODELS, ids=lambda model: model.__name__)


async def claim_job(services: Services, row: Fixture) -> Attempt:
    """The job, taken by a worker."""
    async with services.database.tenant(row.company.id, read_only=True) as uow:
        lease = await uow.one(select(Lease).where(Lease.id == row.id))
    entry = Entry(row.id, row.company.id, lease.task)
    attempt = await claim(services.database, entry, lease.entry_id, "worker")
    assert attempt is not None
    return attempt


@every_kind
async def test_a_job_is_started_run_and_completed(
    graphql: Client, save: Save, services: Services, people: People, model: JobModel
) -> None:
    row, user = a_ready(model, people.user), graphql.of(people.user)
    await save(row)

    started = (await user(VERBS["Start"], id=row.gid))["jobStart"]["job"]
    attempt = await claim_job(services, row)
    running = (await user(NODE, id=row.gid))["node"]
    await attempt.complete(None)
    ended = (await user(NODE, id=row.gid))["node"]

    assert (started["id"], started["status"], started["phase"]) == (row.gid, "PENDING", "QUEUED")
    assert (running["__typename"], running["phase"], running["attempts"]) == (model.__name__, "ACTIVE", 1)
    assert (ended["status"], ended["phase"], ended["progress"]) == ("COMPLETED", "SUCCEEDED", 100)
    assert isinstance(attempt.job, TASKS[model])


@every_kind
async def test_starting_twice_starts_once(
    graphql: Client, save: Save, assert_unchanged: Unchanged, people: People, model: JobModel
) -> None:
    row, user = a_ready(model, people.user), graphql.of(people.user)
    await save(row)
    await user(VERBS["Start"], id=row.gid)

    async with assert_unchanged():
        again = await user(VERBS["Start"], id=row.gid)

    assert again["jobStart"]["job"]["phase"] == "QUEUED"


@every_kind
async def test_a_failed_job_is_tried_again_from_the_beginning(
    graphql: Client, save: Save, services: Services, people: People, model: JobModel
) -> None:
    row, user = a_ready(model, people.user), graphql.of(people.user)
    await save(row)
    await user(VERBS["Start"], id=row.gid)
    await (await claim_job(services, row)).fail("The disk is full.")

    failed = (await user(NODE, id=row.gid))["node"]
    again = (await user(VERBS["Retry"], id=row.gid))["jobRetry"]["job"]
    second = await claim_job(services, row)

    assert (failed["phase"], failed["errorMessage"]) == ("FAILED", "The disk is full.")
    assert (again["phase"], again["errorMessage"], again["attempts"]) == ("QUEUED", None, 0)
    assert (again["startedAt"], again["completedAt"]) == (None, None)
    assert (second.number, second.epoch) == (1, 2)


@every_kind
async def test_what_waits_is_cancelled_at_once(
    graphql: Client, save: Save, services: Services, people: People, model: JobModel
) -> None:
    row, user = a_ready(model, people.user), graphql.of(people.user)
    await save(row)
    await user(VERBS["Start"], id=row.gid)

    cancelled = (await user(VERBS["Cancel"], id=row.gid))["jobCancel"]["job"]

    assert (cancelled["status"], cancelled["phase"]) == ("CANCELLED", "CANCELLED")
    async with services.database.platform(read_only=True) as uow:
        assert await uow.scalar(select(Lease.id).where(Lease.id == row.id)) is None


@every_kind
@pytest.mark.parametrize(
    ("verb", "status"),
    [
        ("Start", JobStatus.PENDING),
        ("Start", JobStatus.COMPLETED),
        ("Retry", JobStatus.PENDING),
        ("Retry", JobStatus.RUNNING),
        ("Retry", JobStatus.COMPLETED),
        ("Retry", JobStatus.CANCELLED),
    ],
)
async def test_a_job_that_no_worker_does_or_that_is_elsewhere_refuses(
    graphql: Client,
    save: Save,
    assert_unchanged: Unchanged,
    people: People,
    model: JobModel,
    verb: str,
    status: JobStatus,
) -> None:
    row = MAKE[model](people.user, status=status)
    await save(row)

    async with assert_unchanged():
        refused = await graphql.of(people.user).refusals(VERBS[verb], id=row.gid)

    assert refused == [("CONFLICT", ("id",))]


@every_kind
@pytest.mark.parametrize("verb", VERBS)
async def test_only_who_may_run_jobs_does_and_nobody_elses(
    graphql: Client, save: Save, assert_unchanged: Unchanged, people: People, model: JobModel, verb: str
) -> None:
    row = a_ready(model, people.user)
    await save(row)

    async with assert_unchanged():
        forbidden = await graphql.of(people.viewer).refusals(VERBS[verb], id=row.gid)
        missing = await graphql.of(people.stranger).refusals(VERBS[verb], id=row.gid)

    assert forbidden == [("FORBIDDEN", ())]
    assert missing == [("NOT_FOUND", ("id",))]


@pytest.mark.parametrize("verb", VERBS)
async def test_the_id_of_something_else_is_no_jobs_id(graphql: Client, people: People, verb: str) -> None:
    refused = await graphql.of(people.user).refusals(VERBS[verb], id=people.user.gid)

    assert refused == [("INVALID", ("id",))]


@every_kind
async def test_a_watcher_is_reported_the_state_each_change_and_the_end(
    graphql: Client, save: Save, services: Services, people: People, model: JobModel
) -> None:
    row, user = a_ready(model, people.user), graphql.of(people.user)
    await save(row)
    await user(VERBS["Start"], id=row.gid)
    received = []
    async with asyncio.timeout(10), user.watch(WATCH, id=row.gid) as results:
        attempt: Attempt | None = None
        async for result in results:
            assert result.errors is None
            event = result.data["jobProgress"]
            received.append((event["__typename"], event["id"], event["phase"]))
            if event["phase"] == "QUEUED":
                attempt = await claim_job(services, row)
            elif attempt is not None and event["phase"] == "ACTIVE":
                await attempt.complete(None)

    assert received == [(model.__name__, row.gid, phase) for phase in ("QUEUED", "ACTIVE", "SUCCEEDED")]


async def test_a_stranger_watches_nothing(graphql: Client, save: Save, people: People) -> None:
    row = a_ready(JOB_MODELS[1], people.user)
    await save(row)

    async with graphql.of(people.stranger).watch(WATCH, id=row.gid) as results:
        received = [result.errors[0].extensions["code"] async for result in results]

    assert received == ["NOT_FOUND"]

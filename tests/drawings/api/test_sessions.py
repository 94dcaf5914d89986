"""Drawing sessions: made, started, changed, deleted."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from db.models import (
    ProjectStatus,
    SessionStatus,
    UploadState,
)
from tests.conftest import People, Save, Unchanged
from tests.factories import (
    Fixture,
    a_comparison,
    a_drawing,
    a_job,
    a_project,
    a_session,
    a_version,
    an_analysis,
    an_upload,
)
from tests.graphql_client import Client, Refusal
from tests.onlooker import Onlooker

CREATE = """mutation ($input: DrawingSessionCreateInput!) { drawingSessionCreate(input: $input) {
  errors { code path message }
  session { id name status sessionType progress project { id } user { id } drawings { totalCount } } } }"""
UPDATE = """mutation ($id: ID!, $input: DrawingSessionUpdateInput!) {
  drawingSessionUpdate(id: $id, input: $input) { errors { code path } session { name sessionMetadata } } }"""
START = """mutation ($id: ID!) { drawingSessionStart(id: $id) { errors { code path message }
  session { status progress jobs(orderBy: CREATED_AT_ASC) { nodes { jobType status progress } } } } }"""
DELETE = "mutation ($id: ID!) { drawingSessionDelete(id: $id) { errors { code path } deletedId } }"
RELABEL = """mutation ($id: ID!, $input: DrawingVersionUpdateInput!) {
  drawingVersionUpdate(id: $id, input: $input) {
    errors { code path } drawingVersion { versionLabel comments versionNumber } } }"""

MISSING = [("NOT_FOUND", ("id",))]


async def two_uploads(save: Save, user: Fixture) -> tuple[Fixture, Fixture]:
    """An old and a new file, stored."""
    old, new = an_upload(user, filename="old.pdf"), an_upload(user, filename="new.pdf")
    await save(old, new)
    return old, new


# -- making and starting


@pytest.mark.parametrize("name", [None, "Rev A to B"])
async def test_a_session_brings_two_uploads_together(
    graphql: Client, save: Save, people: People, name: str | None
) -> None:
    old, new = await two_uploads(save, people.user)
    project = a_project(people.manager)
    await save(project)

    values = {"oldUploadId": old.gid, "newUploadId": new.gid, "projectId": project.gid, "name": name}
    answer = await graphql.of(people.user)(CREATE, input=values)

    session = answer["drawingSessionCreate"]["session"]
    assert session == {
        "id": session["id"],
        "name": name or "old.pdf → new.pdf",
        "status": "ACTIVE",
        "sessionType": "COMPARISON",
        "progress": 0,
        "project": {"id": project.gid},
        "user": {"id": people.user.gid},
        "drawings": {"totalCount": 0},
    }


async def test_a_session_is_not_made_of_what_is_not_there(
    graphql: Client, save: Save, assert_unchanged: Unchanged, people: People
) -> None:
    old, new = await two_uploads(save, people.user)
    past = datetime.now(UTC) - timedelta(minutes=1)
    pending = an_upload(people.user, state=UploadState.PENDING)
    expired = an_upload(people.user, state=UploadState.PENDING, expires_at=past)
    colleagues, strangers = an_upload(people.admin), an_upload(people.stranger)
    archived = a_project(people.user, status=ProjectStatus.ARCHIVED)
    deleted = a_project(people.user, status=ProjectStatus.DELETED)
    foreign = a_project(people.stranger)
    await save(pending, expired, colleagues, strangers, archived, deleted, foreign)
    defaults = {"oldUploadId": old.gid, "newUploadId": new.gid}
    wrong: list[tuple[dict[str, Any], str, str]] = [
        ({"oldUploadId": pending.gid}, "CONFLICT", "oldUploadId"),
        ({"newUploadId": expired.gid}, "EXPIRED", "newUploadId"),
        ({"oldUploadId": colleagues.gid}, "NOT_FOUND", "oldUploadId"),
        ({"newUploadId": strangers.gid}, "NOT_FOUND", "newUploadId"),
        ({"oldUploadId": an_upload(people.user).gid}, "NOT_FOUND", "oldUploadId"),
        ({"oldUploadId": archived.gid}, "INVALID", "oldUploadId"),
        ({"projectId": archived.gid}, "CONFLICT", "projectId"),
        ({"projectId": deleted.gid}, "NOT_FOUND", "projectId"),
        ({"projectId": foreign.gid}, "NOT_FOUND", "projectId"),
        ({"projectId": old.gid}, "INVALID", "projectId"),
        ({"name": "a\nb"}, "INVALID", "name"),
        ({"name": "x" * 256}, "INVALID", "name"),
    ]

    async with assert_unchanged():
        for changes, code, argument in wrong:
            refusal = await graphql.of(people.user).refusals(CREATE, input={**defaults, **changes})
            assert refusal == [(code, ("input", argument))], changes
        assert await graphql.of(people.viewer).refusals(CREATE, input=defaults) == [("FORBIDDEN", ())]


async def test_starting_queues_the_first_of_three_stages_once(
    graphql: Client, onlooker: Onlooker, save: Save, assert_unchanged: Unchanged, people: People
) -> None:
    session = a_session(people.user, None, *await two_uploads(save, people.user))
    await save(session)
    user = graphql.of(people.user)

    answer = await user(START, id=session.gid)
    async with assert_unchanged():
        again = await user(START, id=session.gid)

    assert answer["drawingSessionStart"]["session"] == {
        "status": "PROCESSING",
        "progress": 0,
        "jobs": {
            "nodes": [
                {"jobType": kind, "status": "PENDING", "progress": 0}
                for kind in ("PDF_EXTRACTION", "COMPARISON", "AI_ANALYSIS")
            ]
        },
    }
    assert again == answer
    queued = "SELECT count(*) FROM platform.leases WHERE company_id = $1"
    assert await onlooker.fetchval(queued, people.user.company.id) == 1


async def test_what_cannot_be_started_is_not(
    graphql: Client, save: Save, assert_unchanged: Unchanged, people: People
) -> None:
    uploads = await two_uploads(save, people.user)
    archived = a_project(people.user, status=ProjectStatus.ARCHIVED)
    gone = a_session(people.user)
    read_only, foreign = a_session(people.user, archived, *uploads), a_session(people.stranger)
    await save(gone, read_only, foreign)

    async with assert_unchanged():
        for session, refusal in (
            (gone, ("CONFLICT", ("id",))),
            (read_only, ("CONFLICT", ("id",))),
            (foreign, ("NOT_FOUND", ("id",))),
            (archived, ("INVALID", ("id",))),
        ):
            assert await graphql.of(people.user).refusals(START, id=session.gid) == [refusal]
        assert await graphql.of(people.viewer).refusals(START, id=gone.gid) == [("FORBIDDEN", ())]


# -- changing and deleting


async def test_a_session_keeps_what_is_left_out_and_clears_what_is_null(
    graphql: Client, save: Save, assert_unchanged: Unchanged, people: People
) -> None:
    session = a_session(people.user, name="One", session_metadata={"a": [1, {"b": None}]})
    await save(session)
    user = graphql.of(people.user)

    async def change(**values: Any) -> Any:
        return (await user(UPDATE, id=session.gid, input=values))["drawingSessionUpdate"]["session"]

    async with assert_unchanged():
        assert await change() == {"name": "One", "sessionMetadata": {"a": [1, {"b": None}]}}
    assert await change(name=" Two ") == {"name": "Two", "sessionMetadata": {"a": [1, {"b": None}]}}
    assert await change(sessionMetadata={"c": 1}) == {"name": "Two", "sessionMetadata": {"c": 1}}
    assert await change(sessionMetadata=None) == {"name": "Two", "sessionMetadata": None}


@pytest.mark.parametrize(
    ("values", "refusal"),
    [
        ({"name": ""}, ("INVALID", ("input", "name"))),
        ({"name": None}, ("BAD_USER_INPUT", ("input", "name"))),
        ({"sessionMetadata": [1]}, ("INVALID", ("input", "sessionMetadata"))),
        ({"sessionMetadata": "text"}, ("INVALID", ("input", "sessionMetadata"))),
        ({"sessionMetadata": {"a": "x" * 1_000_000}}, ("INVALID", ("input", "sessionMetadata"))),
        ({"sessionMetadata": {"a": ["b\u0000"]}}, ("BAD_USER_INPUT", ("input", "sessionMetadata"))),
        ({"sessionMetadata": {"a": list(range(101))}}, ("INVALID", ("input", "sessionMetadata", "a"))),
    ],
)
async def test_a_wrong_change_of_a_session_is_refused(
    graphql: Client,
    save: Save,
    assert_unchanged: Unchanged,
    people: People,
    values: dict[str, Any],
    refusal: Refusal,
) -> None:
    session = a_session(people.user)
    await save(session)

    async with assert_unchanged():
        assert await graphql.of(people.user).refusals(UPDATE, id=session.gid, input=values) == [refusal]


async def test_a_session_is_deleted_with_its_sheets_unless_it_is_under_way(
    graphql: Client, onlooker: Onlooker, save: Save, assert_unchanged: Unchanged, people: People
) -> None:
    running, session = a_session(people.user, status=SessionStatus.PROCESSING), a_session(people.user)
    await save(running, an_analysis(a_comparison(session)), a_job(people.user, session))
    manager = graphql.of(people.manager)

    async with assert_unchanged():
        assert await manager.refusals(DELETE, id=running.gid) == [("CONFLICT", ("id",))]
        assert await graphql.of(people.user).refusals(DELETE, id=session.gid) == [("FORBIDDEN", ())]
        assert await graphql.of(people.stranger).refusals(DELETE, id=session.gid) == MISSING
    answer = await manager(DELETE, id=session.gid)

    assert answer["drawingSessionDelete"]["deletedId"] == session.gid
    for table in ("drawings", "comparisons", "analysis_results"):
        left = f"SELECT count(*) FROM tenant.{table} WHERE session_id = $1"
        assert await onlooker.fetchval(left, session.id) == 0
    assert (
        await manager.refusals("query ($id: ID!) { drawingSession(id: $id) { id } }", id=session.gid)
        == MISSING
    )


async def test_a_version_is_labelled_and_commented_on(
    graphql: Client, save: Save, assert_unchanged: Unchanged, people: People
) -> None:
    project = a_project(people.user)
    version = a_version(
        project, a_drawing(a_session(people.user, project)), version_number=3, comments="Old."
    )
    await save(version)
    user = graphql.of(people.user)

    labelled = await user(RELABEL, id=version.gid, input={"versionLabel": "Rev A"})
    cleared = await user(RELABEL, id=version.gid, input={"versionLabel": None, "comments": "First\ndraft."})
    async with assert_unchanged():
        for who, values, refusal in (
            (people.user, {"versionLabel": "x" * 51}, ("INVALID", ("input", "versionLabel"))),
            (people.user, {"comments": "x" * 20_001}, ("INVALID", ("input", "comments"))),
            (people.viewer, {"versionLabel": "B"}, ("FORBIDDEN", ())),
            (people.stranger, {"versionLabel": "B"}, ("NOT_FOUND", ("id",))),
        ):
            assert await graphql.of(who).refusals(RELABEL, id=version.gid, input=values) == [refusal]

    found = labelled["drawingVersionUpdate"]["drawingVersion"]
    assert found == {"versionLabel": "Rev A", "comments": "Old.", "versionNumber": 3}
    found = cleared["drawingVersionUpdate"]["drawingVersion"]
    assert found == {"versionLabel": None, "comments": "First\ndraft.", "versionNumber": 3}

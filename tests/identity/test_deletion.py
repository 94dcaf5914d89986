"""Letting people and companies go: what goes with them, what stays, and who may not."""

from typing import Any

import pytest

from core.settings import Settings
from db.databases.changes import repair
from db.databases.company_databases import CompanyDatabases
from db.models import SessionStatus
from tests.conftest import People, Save, Unchanged
from tests.factories import Fixture, a_project, a_session, an_activity, an_upload
from tests.factories.everything import everything
from tests.graphql_client import Client
from tests.onlooker import Onlooker

DELETE_USER = "mutation ($id: ID!) { userDelete(id: $id) { errors { code path } deletedId } }"
DELETE_COMPANY = "mutation ($id: ID!) { companyDelete(id: $id) { errors { code path } deletedId } }"
CLOSE = """mutation ($id: ID!) { companyUpdate(id: $id, input: {isActive: false}) {
  errors { code path } company { isActive } } }"""

REMOVAL = "SELECT arguments FROM tenant.processing_jobs WHERE company_id = $1 AND task = 'RemoveObjects'"


async def rows_of(onlooker: Onlooker, table: str, company: Fixture) -> int:
    """How many rows a company has in a tenant table."""
    counted = f"SELECT count(*) FROM tenant.{table} WHERE company_id = $1"
    total: int = await onlooker.fetchval(counted, company.id)
    return total


async def test_a_person_goes_with_what_is_theirs(
    graphql: Client, onlooker: Onlooker, people: People, save: Save
) -> None:
    mine, theirs = a_project(people.user), a_project(people.manager)
    session, upload = a_session(people.user, mine), an_upload(people.user)
    shared, activity = a_session(people.user, theirs), an_activity(people.user)
    await save(session, upload, shared, activity)

    answer = await graphql.of(people.admin)(DELETE_USER, id=people.user.gid)

    company = people.user.company
    assert answer["userDelete"]["deletedId"] == people.user.gid
    assert await onlooker.fetchval("SELECT count(*) FROM platform.users WHERE id = $1", people.user.id) == 0
    assert await rows_of(onlooker, "projects", company) == 1
    assert await rows_of(onlooker, "uploads", company) == 0
    left = await onlooker.fetchrow(
        "SELECT id, user_id FROM tenant.drawing_sessions WHERE company_id = $1", company.id
    )
    assert left is not None
    assert tuple(left) == (shared.id, None)
    kept = await onlooker.fetchval("SELECT user_id FROM tenant.activity_logs WHERE id = $1", activity.id)
    assert kept is None
    assert (
        await onlooker.fetchval("SELECT count(*) FROM tenant.activity_logs WHERE id = $1", activity.id) == 1
    )
    removal = await onlooker.fetchval(REMOVAL, company.id)
    assert f"{company.id}/sessions/{session.id}/" in removal
    assert f"{company.id}/uploads/{upload.id}/" in removal
    assert str(shared.id) not in removal


@pytest.mark.parametrize(
    ("who", "whom", "code", "path"),
    [
        ("manager", "user", "FORBIDDEN", []),
        ("admin", "admin", "CONFLICT", ["id"]),
        ("stranger", "user", "NOT_FOUND", ["id"]),
    ],
)
async def test_who_may_not_delete_whom(
    graphql: Client,
    people: People,
    assert_unchanged: Unchanged,
    who: str,
    whom: str,
    code: str,
    path: list[str],
) -> None:
    async with assert_unchanged():
        result = await graphql.of(getattr(people, who)).send(DELETE_USER, id=getattr(people, whom).gid)

    assert outcome(result, "userDelete") == [(code, path)]


async def test_nobody_goes_while_their_drawings_are_worked_on(
    graphql: Client, people: People, save: Save, assert_unchanged: Unchanged
) -> None:
    await save(a_session(people.user, a_project(people.user), status=SessionStatus.PROCESSING))

    async with assert_unchanged():
        result = await graphql.of(people.admin).send(DELETE_USER, id=people.user.gid)

    assert outcome(result, "userDelete") == [("CONFLICT", ["id"])]


async def test_a_company_goes_with_everything(
    graphql: Client, onlooker: Onlooker, people: People, platform: Fixture, save: Save, settings: Settings
) -> None:
    company = people.admin.company
    rows = everything([people.admin, people.user])
    await save(*(row for made in rows.values() for row in made))
    await graphql.of(platform)(CLOSE, id=company.gid)

    await graphql.of(platform)(DELETE_COMPANY, id=company.gid)
    await onlooker.execute("UPDATE platform.placement_changes SET due_at = now()")
    assert await repair(CompanyDatabases.of(settings), print)

    tables = """SELECT table_name FROM information_schema.columns
        WHERE table_schema = 'tenant' AND column_name = 'company_id'"""
    names = [row["table_name"] for row in await onlooker.fetch(tables)]
    assert len(names) > 20
    assert {name: await rows_of(onlooker, name, company) for name in names} == dict.fromkeys(names, 0)
    assert await onlooker.fetchval("SELECT count(*) FROM platform.companies WHERE id = $1", company.id) == 0
    person = await onlooker.fetchrow(
        "SELECT status, company_id FROM platform.users WHERE id = $1", people.user.id
    )
    assert person is not None
    assert tuple(person) == ("suspended", None)
    removals = [row["arguments"] for row in await onlooker.fetch(REMOVAL, platform.company.id)]
    assert any(f'"{company.id}/"' in removal for removal in removals)
    forgotten = "SELECT arguments->>'gone_id' FROM tenant.processing_jobs WHERE task = 'ForgetCompany'"
    assert str(company.id) in [row[0] for row in await onlooker.fetch(forgotten)]


async def test_an_open_company_stays(
    graphql: Client, people: People, platform: Fixture, assert_unchanged: Unchanged
) -> None:
    async with assert_unchanged():
        as_owner = await graphql.of(platform).send(DELETE_COMPANY, id=people.admin.company.gid)
        as_admin = await graphql.of(people.admin).send(DELETE_COMPANY, id=people.admin.company.gid)
        itself = await graphql.of(platform).send(DELETE_COMPANY, id=platform.company.gid)

    assert outcome(as_owner, "companyDelete") == [("CONFLICT", ["id"])]
    assert outcome(as_admin, "companyDelete") == [("FORBIDDEN", [])]
    assert outcome(itself, "companyDelete") == [("CONFLICT", ["id"])]


def outcome(result: Any, name: str) -> list[tuple[str, list[str]]]:
    """The refusals in a payload."""
    assert result.errors is None
    return [(error["code"], error["path"]) for error in result.data[name]["errors"]]

"""Companies: who makes, changes and closes them."""

import asyncio

from db.ids import new_id
from tests.conftest import People, Unchanged
from tests.factories import Fixture
from tests.graphql_client import Client
from tests.identity.test_placement import databases_of, key_of
from tests.identity.test_users import FORBIDDEN, activity_of
from tests.onlooker import Onlooker
from tests.placement import IS_DEDICATED

COMPANY_CREATE = """mutation ($input: CompanyCreateInput!) { companyCreate(input: $input) {
  errors { code path } company { id name industry kind isActive databaseName } } }"""
COMPANY_UPDATE = """mutation ($id: ID!, $input: CompanyUpdateInput!) { companyUpdate(id: $id, input: $input) {
  errors { code path } company { name industry isActive } } }"""


async def test_the_platform_makes_companies(
    graphql: Client,
    onlooker: Onlooker,
    platform: Fixture,
    people: People,
    assert_unchanged: Unchanged,
) -> None:
    name = f"Works {new_id()}"
    values = {"name": f" {name} ", "industry": "Construction"}

    answer = await graphql.of(platform)(COMPANY_CREATE, input=values)

    company = answer["companyCreate"]["company"]
    id, place = key_of(company.pop("id")), company.pop("databaseName")
    assert company == {
        "name": name,
        "industry": "Construction",
        "kind": "ORGANISATION",
        "isActive": True,
    }
    assert await databases_of(onlooker, id) == ([place] if IS_DEDICATED else [])
    assert await onlooker.fetchval("SELECT id FROM platform.companies WHERE name = $1", name) == id
    anchored = "SELECT company_id FROM tenant.tenants WHERE company_id = $1"
    assert await onlooker.fetchval(anchored, id) == id
    async with assert_unchanged():
        assert await graphql.of(platform).refusals(COMPANY_CREATE, input=values) == [
            ("CONFLICT", ("input", "name"))
        ]
        for who in people:
            other = {"name": f"Other {new_id()}"}
            assert await graphql.of(who).refusals(COMPANY_CREATE, input=other) == FORBIDDEN


async def test_asking_again_under_one_key_makes_one_company(
    graphql: Client, platform: Fixture, assert_unchanged: Unchanged
) -> None:
    asking, name = graphql.of(platform), f"Works {new_id()}"
    values = {"name": name, "industry": "Energy", "idempotencyKey": f"key {name}"}

    answers = await asyncio.gather(*(asking.send(COMPANY_CREATE, input=values) for _ in range(4)))
    async with assert_unchanged():
        again = await asking(COMPANY_CREATE, input=values)
        other = await asking.refusals(COMPANY_CREATE, input={**values, "industry": "Mining"})

    made = again["companyCreate"]["company"]
    assert made["name"] == name
    assert [answer.data for answer in answers] == [again] * 4
    assert other == [("CONFLICT", ("input", "idempotencyKey"))]


async def test_a_company_is_changed_by_its_administrators_and_closed_by_the_platform(
    graphql: Client,
    onlooker: Onlooker,
    assert_unchanged: Unchanged,
    people: People,
    platform: Fixture,
) -> None:
    company, name = people.admin.company, f"Renamed {new_id()}"
    admin = graphql.of(people.admin)

    renamed = await admin(COMPANY_UPDATE, id=company.gid, input={"name": name, "industry": "Energy"})
    cleared = await admin(COMPANY_UPDATE, id=company.gid, input={"industry": None})
    async with assert_unchanged():
        for who, values, refusal in (
            (people.admin, {"isActive": False}, ("FORBIDDEN", ())),
            (people.manager, {"industry": "x"}, ("FORBIDDEN", ())),
            (people.stranger, {"industry": "x"}, ("NOT_FOUND", ("id",))),
            (people.admin, {"name": people.stranger.company.name}, ("CONFLICT", ("input", "name"))),
            (people.admin, {"name": " "}, ("INVALID", ("input", "name"))),
            (people.admin, {"industry": "x" * 101}, ("INVALID", ("input", "industry"))),
            (platform, {"isActive": None}, ("BAD_USER_INPUT", ("input", "isActive"))),
        ):
            assert await graphql.of(who).refusals(COMPANY_UPDATE, id=company.gid, input=values) == [refusal]
        own = await graphql.of(platform).refusals(
            COMPANY_UPDATE, id=platform.company.gid, input={"isActive": False}
        )
    closed = await graphql.of(platform)(COMPANY_UPDATE, id=company.gid, input={"isActive": False})

    assert renamed["companyUpdate"]["company"] == {"name": name, "industry": "Energy", "isActive": True}
    assert cleared["companyUpdate"]["company"] == {"name": name, "industry": None, "isActive": True}
    assert closed["companyUpdate"]["company"] == {"name": name, "industry": None, "isActive": False}
    assert own == [("CONFLICT", ("input", "isActive"))]
    key = str(company.id)
    assert await activity_of(onlooker, company) == [
        (people.admin.id, "COMPANY_UPDATE", key, {"fields": ["industry", "name"]}),
        (people.admin.id, "COMPANY_UPDATE", key, {"fields": ["industry"]}),
        (people.admin.id, "PERMISSION_REFUSE", "companyUpdate", None),
        (people.manager.id, "PERMISSION_REFUSE", "companyUpdate", None),
    ]
    assert (await activity_of(onlooker, platform.company))[-1] == (
        platform.id,
        "COMPANY_UPDATE",
        key,
        {"fields": ["is_active"]},
    )

"""Companies and their people: who may make, change, suspend and restore whom."""

import json
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from db.ids import new_id
from db.models import RoleName, User
from db.uow import ScopeKind
from schema.framework.context import Services
from tests.conftest import People, Save, Unchanged
from tests.factories import Fixture, a_company, a_user
from tests.graphql_client import Client, Refusal
from tests.identity.conftest import PASSWORD, SIGN_IN
from tests.onlooker import Onlooker

CREATE = """mutation ($input: UserCreateInput!) { userCreate(input: $input) { errors { code path message }
  user { id email username fullName profession role { name } company { id } status } } }"""
UPDATE = """mutation ($id: ID!, $input: UserUpdateInput!) { userUpdate(id: $id, input: $input) {
  errors { code path message }
  user { id fullName companyLabel profession preferences preferredLlm role { name } hasCompletedOnboarding }
} }"""
SUSPEND = "mutation ($id: ID!) { userSuspend(id: $id) { errors { code path } user { status isActive } } }"
RESTORE = "mutation ($id: ID!) { userRestore(id: $id) { errors { code path } user { status isActive } } }"
USERS = "{ users { nodes { id } totalCount } }"

FORBIDDEN = [("FORBIDDEN", ())]
MISSING = [("NOT_FOUND", ("id",))]


async def activity_of(onlooker: Onlooker, company: Fixture) -> list[tuple[Any, ...]]:
    """Everything that was written down in the company: who, what, to whom, with what."""
    rows = await onlooker.fetch(
        "SELECT user_id, action, resource_id, metadata FROM tenant.activity_logs "
        "WHERE company_id = $1 ORDER BY id",
        company.id,
    )
    return [
        (row["user_id"], row["action"], row["resource_id"], json.loads(row["metadata"] or "null"))
        for row in rows
    ]


def new_person(**changes: Any) -> dict[str, Any]:
    """Input for somebody new."""
    return {"email": f"{new_id().hex}@test.example", "role": "USER", **changes}


# -- adding people


async def test_an_administrator_adds_people(graphql: Client, onlooker: Onlooker, people: People) -> None:
    arguments = new_person(role="MANAGER", fullName=" Max ", profession="architect", password=PASSWORD)

    answer = await graphql.of(people.admin)(CREATE, input=arguments)

    user = answer["userCreate"]["user"]
    id = user.pop("id")
    assert user == {
        "email": arguments["email"],
        "username": arguments["email"].split("@")[0],
        "fullName": "Max",
        "profession": "architect",
        "role": {"name": "MANAGER"},
        "company": {"id": people.admin.company.gid},
        "status": "ACTIVE",
    }
    signed_in = await graphql(SIGN_IN, login=arguments["email"], password=PASSWORD)
    assert signed_in["userSignIn"]["user"]["id"] == id
    user_key = "SELECT id FROM platform.users WHERE email = $1 AND company_id = $2"
    key = await onlooker.fetchval(user_key, arguments["email"], people.admin.company.id)
    member = "SELECT id FROM tenant.members WHERE id = $1 AND company_id = $2"
    assert await onlooker.fetchval(member, key, people.admin.company.id) == key
    assert (await activity_of(onlooker, people.admin.company))[0] == (
        people.admin.id,
        "USER_CREATE",
        str(key),
        {"role": "manager"},
    )


@pytest.mark.parametrize("who", ["manager", "user", "viewer"])
async def test_only_administrators_add_people(
    graphql: Client, assert_unchanged: Unchanged, people: People, who: str
) -> None:
    async with assert_unchanged():
        assert await graphql.of(getattr(people, who)).refusals(CREATE, input=new_person()) == FORBIDDEN


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"email": "nobody"}, ("INVALID", ("input", "email"))),
        ({"role": "SUPER_ADMIN"}, ("FORBIDDEN", ("input", "role"))),
        ({"password": "short"}, ("INVALID", ("input", "password"))),
        ({"username": "@"}, ("INVALID", ("input", "username"))),
        ({"fullName": "x" * 256}, ("INVALID", ("input", "fullName"))),
        ({"profession": "x" * 101}, ("INVALID", ("input", "profession"))),
        ({"profession": "a\u0000"}, ("INVALID", ("input", "profession"))),
        ({"idempotencyKey": ""}, ("INVALID", ("input", "idempotencyKey"))),
        ({"idempotencyKey": "x" * 256}, ("INVALID", ("input", "idempotencyKey"))),
    ],
)
async def test_a_wrong_person_is_not_added(
    graphql: Client, assert_unchanged: Unchanged, people: People, changes: dict[str, str], refusal: Refusal
) -> None:
    async with assert_unchanged():
        assert await graphql.of(people.admin).refusals(CREATE, input=new_person(**changes)) == [refusal]


@pytest.mark.parametrize("field", ["email", "username"])
async def test_nobody_is_added_under_a_login_of_any_company(
    graphql: Client, assert_unchanged: Unchanged, people: People, field: str
) -> None:
    taken = {field: people.stranger.values[field]}

    async with assert_unchanged():
        refusal = await graphql.of(people.admin).refusals(CREATE, input=new_person(**taken))

    assert refusal == [("CONFLICT", ("input", field))]


async def test_only_the_platform_adds_people_to_other_companies(
    graphql: Client, assert_unchanged: Unchanged, people: People, platform: Fixture
) -> None:
    arguments = new_person(companyId=people.stranger.company.gid)
    async with assert_unchanged():
        refusal = await graphql.of(people.admin).refusals(CREATE, input=arguments)

    answer = await graphql.of(platform)(CREATE, input=arguments)

    assert refusal == [("NOT_FOUND", ("input", "companyId"))]
    assert answer["userCreate"]["user"]["company"] == {"id": people.stranger.company.gid}


async def test_the_platform_adds_nobody_to_a_company_that_is_not(
    graphql: Client, assert_unchanged: Unchanged, platform: Fixture
) -> None:
    async with assert_unchanged():
        for wrong, code in ((a_company().gid, "NOT_FOUND"), (platform.gid, "INVALID")):
            arguments = new_person(companyId=wrong)
            assert await graphql.of(platform).refusals(CREATE, input=arguments) == [
                (code, ("input", "companyId"))
            ]


async def test_a_username_that_somebody_elsewhere_has_is_numbered(graphql: Client, people: People) -> None:
    taken = people.stranger.username

    answer = await graphql.of(people.admin)(CREATE, input=new_person(email=f"{taken}@other.example"))

    assert answer["userCreate"]["user"]["username"] == f"{taken}-2"


# -- changing people


async def test_everybody_changes_their_own_profile_and_nothing_else(
    graphql: Client, assert_unchanged: Unchanged, people: People
) -> None:
    viewer = graphql.of(people.viewer)
    arguments = {
        "fullName": "Vera",
        "companyLabel": "Vera & Co",
        "preferences": {"theme": "dark"},
        "preferredLlm": "OLLAMA",
    }

    answer = await viewer(UPDATE, id=people.viewer.gid, input=arguments)
    cleared = await viewer(UPDATE, id=people.viewer.gid, input={"fullName": None})

    expected = {
        "id": people.viewer.gid,
        **arguments,
        "profession": None,
        "role": {"name": "VIEWER"},
        "hasCompletedOnboarding": False,
    }
    assert answer["userUpdate"]["user"] == expected
    assert cleared["userUpdate"]["user"] == {**expected, "fullName": None}
    async with assert_unchanged():
        assert await viewer.refusals(UPDATE, id=people.viewer.gid, input={"role": "ADMIN"}) == FORBIDDEN
        assert await viewer.refusals(UPDATE, id=people.viewer.gid, input={"role": "VIEWER"}) == FORBIDDEN
        assert await viewer.refusals(SUSPEND, id=people.viewer.gid) == FORBIDDEN


@pytest.mark.parametrize(
    ("arguments", "refusal"),
    [
        ({"fullName": "x" * 256}, ("INVALID", ("input", "fullName"))),
        ({"fullName": "\ud83d"}, ("INVALID", ("input", "fullName"))),
        ({"companyLabel": "a\u0007"}, ("INVALID", ("input", "companyLabel"))),
        ({"preferences": None}, ("BAD_USER_INPUT", ("input", "preferences"))),
        ({"preferredLlm": "OTHER"}, ("BAD_USER_INPUT", ("input", "preferredLlm"))),
        ({"preferredLlm": "OPENAI"}, ("INVALID", ("input", "preferredLlm"))),
        ({"preferences": [1]}, ("INVALID", ("input", "preferences"))),
        ({"preferences": {"a": {"\u0000": 1}}}, ("BAD_USER_INPUT", ("input", "preferences"))),
        ({"preferences": {"a": "x" * 100_000}}, ("INVALID", ("input", "preferences"))),
    ],
)
async def test_a_wrong_profile_is_refused(
    graphql: Client, assert_unchanged: Unchanged, people: People, arguments: dict[str, Any], refusal: Refusal
) -> None:
    async with assert_unchanged():
        assert await graphql.of(people.user).refusals(UPDATE, id=people.user.gid, input=arguments) == [
            refusal
        ]


async def test_people_see_and_change_those_whom_their_role_lets_them(
    graphql: Client, assert_unchanged: Unchanged, people: People
) -> None:
    arguments = {"profession": "owner"}

    async with assert_unchanged():
        for target in (people.admin, people.user, people.stranger):
            assert await graphql.of(people.viewer).refusals(UPDATE, id=target.gid, input=arguments) == MISSING
        assert (
            await graphql.of(people.manager).refusals(UPDATE, id=people.user.gid, input=arguments)
            == FORBIDDEN
        )
        assert (
            await graphql.of(people.admin).refusals(UPDATE, id=people.stranger.gid, input=arguments)
            == MISSING
        )

    answer = await graphql.of(people.admin)(UPDATE, id=people.user.gid, input=arguments)
    assert answer["userUpdate"]["user"]["profession"] == "owner"


async def test_roles_are_abandoned_to_ones_own_and_not_to_oneself(
    graphql: Client, assert_unchanged: Unchanged, save: Save, people: People, platform: Fixture
) -> None:
    above = a_user(people.admin.company, RoleName.SUPER_ADMIN)
    await save(above)
    admin = graphql.of(people.admin)

    promoted = await admin(UPDATE, id=people.viewer.gid, input={"role": "ADMIN"})

    assert promoted["userUpdate"]["user"]["role"] == {"name": "ADMIN"}
    async with assert_unchanged():
        for id, role, path in (
            (people.user.gid, "SUPER_ADMIN", ("input", "role")),
            (people.admin.gid, "USER", ("input", "role")),
            (people.admin.gid, "SUPER_ADMIN", ("input", "role")),
            (above.gid, "USER", ("id",)),
        ):
            assert await admin.refusals(UPDATE, id=id, input={"role": role}) == [("FORBIDDEN", path)]
        assert await admin.refusals(SUSPEND, id=above.gid) == [("FORBIDDEN", ("id",))]


async def test_a_suspended_person_is_signed_out_and_may_be_restored(
    graphql: Client, onlooker: Onlooker, assert_unchanged: Unchanged, people: People
) -> None:
    admin = graphql.of(people.admin)

    suspended = await admin(SUSPEND, id=people.user.gid)
    async with assert_unchanged():
        itself = await admin.refusals(SUSPEND, id=people.admin.gid)
        again = await admin(SUSPEND, id=people.user.gid)
    restored = await admin(RESTORE, id=people.user.gid)

    assert suspended["userSuspend"]["user"] == {"status": "SUSPENDED", "isActive": False}
    assert again == suspended
    assert restored["userRestore"]["user"] == {"status": "ACTIVE", "isActive": True}
    assert itself == [("CONFLICT", ("id",))]
    assert (await graphql.of(people.user)(USERS))["users"]["totalCount"] == 1
    key, admin_id = str(people.user.id), people.admin.id
    assert await activity_of(onlooker, people.admin.company) == [
        (admin_id, "USER_SUSPEND", key, None),
        (admin_id, "USER_RESTORE", key, None),
    ]


async def test_what_was_done_is_written_down_with_the_fields(
    graphql: Client, onlooker: Onlooker, people: People
) -> None:
    await graphql.of(people.user)(UPDATE, id=people.user.gid, input={"profession": "owner", "fullName": "U"})

    assert await activity_of(onlooker, people.user.company) == [
        (people.user.id, "USER_UPDATE", str(people.user.id), {"fields": ["full_name", "profession"]})
    ]


# -- who sees whom, at the contract and at the database


@pytest.mark.parametrize(
    ("who", "seen"), [("admin", 4), ("manager", 4), ("user", 1), ("viewer", 1), ("stranger", 1)]
)
async def test_people_list_those_whom_they_may_see(
    graphql: Client, people: People, who: str, seen: int
) -> None:
    viewer = getattr(people, who)

    answer = await graphql.of(viewer)(USERS)

    expected = {row.gid for row in people[:4]} if seen == 4 else {viewer.gid}
    assert {node["id"] for node in answer["users"]["nodes"]} == expected
    assert answer["users"]["totalCount"] == seen


@pytest.mark.parametrize("kind", ["self", "company", "platform"])
async def test_the_database_fences_people_by_scope(
    services: Services, people: People, kind: ScopeKind
) -> None:
    everybody = [person.id for person in people]
    expected = {
        "self": {people.user.id},
        "company": {person.id for person in people[:4]},
        "platform": set(everybody),
    }[kind]
    database, company_id = services.database, people.user.company.id

    async with database.tenant(company_id, people.user.id, kind=kind, read_only=True) as uow:
        found = await uow.all(select(User.id).where(User.id.in_(everybody)))
    unit = database.unit(uow.scope, read_only=False)
    changed = await unit.all(
        update(User).where(User.id.in_(everybody)).values(full_name="changed").returning(User.id)
    )
    gone = await unit.all(delete(User).where(User.id.in_(everybody)).returning(User.id))
    await unit.finish(commit=False)

    assert {row.id for row in found} == expected
    assert {row.id for row in changed} == {row.id for row in gone} == (expected if kind != "self" else set())

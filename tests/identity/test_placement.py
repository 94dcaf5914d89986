"""Placement of companies: who chooses it, who sees it, and what is left when they are deleted."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid5

import asyncpg
import pytest
from pydantic import SecretStr
from strawberry import relay

from core.errors import Conflict, Unavailable
from core.settings import Settings, SettingsError, load_settings
from core.settings.placement import DatabaseServer
from db.company_move.execution import move_company, repair_company
from db.company_move.move import Limits
from db.company_move.site import MoveError
from db.databases.changes import repair
from db.databases.company_databases import CompanyDatabases
from db.databases.journal import Journal
from db.ids import new_id
from db.models import RoleName
from pipelines import company_moves
from pipelines.runtime.faults import Retry
from resolvers.identity import accounts, companies
from resolvers.identity.placement import MoveCompany
from resolvers.identity.refresh_tokens import TokenPair
from schema.framework.context import Services
from tests.chat.pipeline.conftest import a_worker
from tests.conftest import People, Postgres, Save, Unchanged
from tests.db.test_migrations import database, fetch
from tests.factories import Fixture, a_user
from tests.graphql_client import Client
from tests.identity.conftest import PASSWORD
from tests.onlooker import Onlooker
from tests.placement import IS_DEDICATED
from tests.waiting import until

CREATE = """mutation ($input: CompanyCreateInput!) { companyCreate(input: $input) {
  errors { code path message } company { id name databaseName placement { isDedicated server } } } }"""
READ = "query ($id: ID!) { company(id: $id) { databaseName placement { isDedicated server } } }"
CLOSE = """mutation ($id: ID!) { companyUpdate(id: $id, input: {isActive: false}) { errors { code } } }"""
DELETE = "mutation ($id: ID!) { companyDelete(id: $id) { errors { code path } deletedId } }"
PLACE = """mutation ($id: ID!, $input: CompanyPlaceInput!) { companyPlace(id: $id, input: $input) {
  errors { code path } company { id } job { id } } }"""
JOB = "query ($id: ID!) { processingJob(id: $id) { status errorMessage } }"
ROWS = "{ users { nodes { id } } activity { totalCount } }"
ENDED = ("COMPLETED", "FAILED", "CANCELLED")
POOLED = {"isDedicated": False, "server": "primary"}
OWN = {"isDedicated": True, "server": "primary"}


def key_of(gid: str) -> UUID:
    """The key in a global ID."""
    return UUID(relay.from_base64(gid)[1])


async def create(graphql: Client, platform: Fixture, **values: object) -> dict[str, Any]:
    """A company that the platform makes."""
    answer = await graphql.of(platform)(CREATE, input={"name": f"Works {new_id()}"} | values)
    company: dict[str, Any] = answer["companyCreate"]["company"]
    return company


async def databases_of(onlooker: Onlooker, company_id: UUID) -> list[str]:
    """The databases of a company on the server."""
    named = f"seshat_{company_id.hex}_%"
    return [
        row[0] for row in await onlooker.fetch("SELECT datname FROM pg_database WHERE datname LIKE $1", named)
    ]


async def test_the_platform_creates_a_company_with_a_database_of_its_own(
    graphql: Client, platform: Fixture, postgres: Postgres, onlooker: Onlooker
) -> None:
    company = await create(graphql, platform, dedicated=True, idempotencyKey=f"key {new_id()}")

    key, name = key_of(company["id"]), company["databaseName"]
    assert company["placement"] == OWN
    assert await databases_of(onlooker, key) == [name]
    own = database(postgres.admin, name)
    logged = "SELECT action FROM tenant.activity_logs WHERE company_id = $1"
    assert [row[0] for row in await fetch(own, logged, key)] == ["COMPANY_CREATE"]
    assert await onlooker.primary.fetch(logged, key) == []
    assert await onlooker.primary.fetch("SELECT FROM tenant.tenants WHERE company_id = $1", key) == []
    assert await onlooker.primary.fetch("SELECT FROM platform.outbox WHERE company_id = $1", key) == []


async def test_repeating_the_request_creates_no_second_database(
    graphql: Client, platform: Fixture, onlooker: Onlooker
) -> None:
    values = {"name": f"Works {new_id()}", "dedicated": True, "idempotencyKey": f"key {new_id()}"}

    first = await create(graphql, platform, **values)
    second = await create(graphql, platform, **values)

    assert first == second
    assert await databases_of(onlooker, key_of(first["id"])) == [first["databaseName"]]


async def test_a_repeated_request_waits_for_the_first_or_says_that_it_still_runs(
    graphql: Client,
    services: Services,
    settings: Settings,
    platform: Fixture,
    onlooker: Onlooker,
    assert_unchanged: Unchanged,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asking, key = graphql.of(platform), f"key {new_id()}"
    values = {"name": f"Works {new_id()}", "dedicated": True, "idempotencyKey": key}
    id = uuid5(platform.id, key)

    async with Journal.open(CompanyDatabases.of(settings), id), assert_unchanged():
        monkeypatch.setattr(companies, "WAIT_SECONDS", 0)
        refused = (await asking.send(CREATE, input=values)).data
    monkeypatch.undo()
    answers = await asyncio.gather(*(create(graphql, platform, **values) for _ in range(3)))

    assert refused is not None
    assert refused["companyCreate"]["errors"] == [
        {"message": companies.IN_PROGRESS, "code": "CONFLICT", "path": ["input", "idempotencyKey"]}
    ]
    assert answers == [answers[0]] * 3
    assert key_of(answers[0]["id"]) == id
    assert await databases_of(onlooker, id) == [answers[0]["databaseName"]]


async def test_a_name_that_is_taken_creates_no_database(
    graphql: Client,
    platform: Fixture,
    people: People,
    assert_unchanged: Unchanged,
    onlooker: Onlooker,
) -> None:
    values = {"name": people.admin.company.name, "dedicated": True}
    async with assert_unchanged():
        refused = await graphql.of(platform).refusals(CREATE, input=values)

    assert refused == [("CONFLICT", ("input", "name"))]
    made = "SELECT company_id FROM platform.placement_changes"
    assert await onlooker.fetch(made) == []


@pytest.mark.parametrize(
    ("values", "refusal"),
    [
        ({"dedicated": True, "server": "mars"}, ("INVALID", ("input", "server"))),
        ({"server": "mars"}, ("INVALID", ("input", "server"))),
        ({"dedicated": False, "server": "primary"}, ("INVALID", ("input", "server"))),
    ],
)
async def test_a_server_must_be_one_of_the_settings(
    graphql: Client,
    platform: Fixture,
    assert_unchanged: Unchanged,
    values: dict[str, object],
    refusal: tuple[str, tuple[str, ...]],
) -> None:
    async with assert_unchanged():
        refused = await graphql.of(platform).refusals(CREATE, input={"name": f"Works {new_id()}"} | values)

    assert refused == [refusal]


async def test_only_those_who_may_see_where_data_is(graphql: Client, platform: Fixture, save: Save) -> None:
    company = await create(graphql, platform, dedicated=True)
    place = {"databaseName": company["databaseName"], "placement": OWN}
    hidden = {"databaseName": None, "placement": None}
    home = Fixture(platform.company.model, {"id": key_of(company["id"])}, saved=True)
    admin, user = (a_user(home, role) for role in (RoleName.ADMIN, RoleName.USER))
    await save(admin, user)

    seen = [(await graphql.of(who)(READ, id=company["id"]))["company"] for who in (platform, admin, user)]

    assert seen == [place, place, hidden]
    assert (await create(graphql, platform, dedicated=False))["placement"] == POOLED


async def test_the_database_of_a_deleted_company_is_kept_for_a_while(
    graphql: Client, platform: Fixture, services: Services, onlooker: Onlooker, settings: Settings
) -> None:
    company = await create(graphql, platform, dedicated=True)
    key, name = key_of(company["id"]), company["databaseName"]
    await graphql.of(platform)(CLOSE, id=company["id"])

    await graphql.of(platform)(DELETE, id=company["id"])

    change = "SELECT kind, step, database_name, due_at FROM platform.placement_changes WHERE company_id = $1"
    [row] = await onlooker.fetch(change, key)
    assert tuple(row)[:3] == ("drop", "waiting", name)
    left = row["due_at"] - datetime.now(UTC)
    assert timedelta(days=6, hours=23) < left < timedelta(days=7)
    assert await onlooker.fetch("SELECT FROM platform.companies WHERE id = $1", key) == []
    assert await databases_of(onlooker, key) == [name]
    await onlooker.execute("UPDATE platform.placement_changes SET due_at = now() WHERE company_id = $1", key)
    assert await repair(CompanyDatabases.of(settings), print)
    assert await databases_of(onlooker, key) == []
    assert await onlooker.fetch(change, key) == []


async def test_a_company_is_not_deleted_while_its_placement_changes(
    graphql: Client, platform: Fixture, onlooker: Onlooker, assert_unchanged: Unchanged
) -> None:
    for dedicated in (True, False):
        company = await create(graphql, platform, dedicated=dedicated)
        await graphql.of(platform)(CLOSE, id=company["id"])
        moving = """INSERT INTO platform.placement_changes (id, company_id, kind, step)
            VALUES (gen_random_uuid(), $1, 'move', 'copy')"""
        await onlooker.execute(moving, key_of(company["id"]))

        async with assert_unchanged():
            refused = await graphql.of(platform).refusals(DELETE, id=company["id"])

        assert refused == [("CONFLICT", ("id",))]
        await onlooker.execute("DELETE FROM platform.placement_changes")
        await graphql.of(platform)(DELETE, id=company["id"])
    await onlooker.execute("UPDATE platform.placement_changes SET due_at = now()")


async def test_personal_companies_are_placed_as_the_installation_says(
    services: Services, settings: Settings, onlooker: Onlooker, postgres: Postgres
) -> None:
    placed = {}

    for placement in ("dedicated", "pooled"):
        chosen = settings.model_copy(update={"company_placement": placement})
        tokens = await accounts.register(
            services.database,
            chosen,
            services.token_signer,
            email=f"{new_id()}@test.example",
            password=PASSWORD,
            full_name=None,
            username=None,
        )
        assert isinstance(tokens, TokenPair)
        [row] = await onlooker.fetch(
            "SELECT c.id, database_name FROM platform.companies c "
            "JOIN platform.users u ON u.company_id = c.id WHERE u.id = $1",
            tokens.user_id,
        )
        name = row["database_name"]
        placed[placement] = name
        url = postgres.admin if name is None else database(postgres.admin, name)
        member = await fetch(url, "SELECT id FROM tenant.members WHERE company_id = $1", row["id"])
        assert [found["id"] for found in member] == [tokens.user_id]

    assert placed["pooled"] is None
    assert placed["dedicated"] in [row[0] for row in await onlooker.fetch("SELECT datname FROM pg_database")]


async def test_a_server_that_fails_is_said_to_be_away(
    services: Services, settings: Settings, platform: Fixture, assert_unchanged: Unchanged
) -> None:
    away = SecretStr("postgresql://app_rw@127.0.0.1:9/seshat")
    servers = {
        "away": DatabaseServer(url=away, admin_url=SecretStr("postgresql://postgres@127.0.0.1:9/postgres")),
        "unmanaged": DatabaseServer(url=away),
    }
    chosen = settings.model_copy(update={"database_servers": servers})
    viewer = await accounts.load_viewer(services.database, platform.id, None)

    async with assert_unchanged():
        for server, error in (("away", Unavailable), ("unmanaged", Conflict)):
            with pytest.raises(error):
                await companies.create(
                    services.database, chosen, viewer, name=f"W {new_id()}", industry=None, server=server
                )


async def test_who_creates_companies_only_does_not_choose_their_place(
    services: Services, settings: Settings, platform: Fixture
) -> None:
    viewer = await accounts.load_viewer(services.database, platform.id, None)
    lesser = replace(viewer, permissions=viewer.permissions - {"platform:manage"})

    with pytest.raises(Exception, match="does not include platform:manage"):
        await companies.create(services.database, settings, lesser, name="x", industry=None, dedicated=True)


def test_databases_of_their_own_require_an_administrator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMPANY_PLACEMENT", "dedicated")
    assert load_settings().is_embedded

    monkeypatch.setenv("DATABASE_URL", "postgresql://app_rw@127.0.0.1/seshat")
    with pytest.raises(SettingsError, match="COMPANY_PLACEMENT=dedicated requires DATABASE_ADMIN_URL"):
        load_settings()


async def test_a_company_is_moved_by_a_job(
    graphql: Client,
    platform: Fixture,
    people: People,
    services: Services,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    company = people.admin.company
    quick = Limits(grace=0.2)
    monkeypatch.setattr(company_moves, "move_company", partial(move_company, limits=quick))
    monkeypatch.setattr(company_moves, "repair_company", partial(repair_company, limits=quick))
    before = (await graphql.of(people.admin)(ROWS))["users"]["nodes"]
    places = []

    async with a_worker(services, queues=("upkeep",), database_admin_url=settings.database_admin_url):
        for dedicated in (not IS_DEDICATED, IS_DEDICATED):
            answer = await graphql.of(platform)(PLACE, id=company.gid, input={"dedicated": dedicated})
            job = answer["companyPlace"]["job"]["id"]

            async def look(job: str = job) -> Any:
                return (await graphql.of(platform)(JOB, id=job))["processingJob"]

            ended = await until(services.events.listener, look, lambda job: job["status"] in ENDED, 60)
            assert ended == {"status": "COMPLETED", "errorMessage": None}
            places.append((await graphql.of(platform)(READ, id=company.gid))["company"]["placement"])
            services.database.placement.forget()
            assert (await graphql.of(people.admin)(ROWS))["users"]["nodes"] == before

    assert places == ([POOLED, OWN] if IS_DEDICATED else [OWN, POOLED])


async def test_a_company_that_is_there_already_is_not_moved(
    graphql: Client, platform: Fixture, assert_unchanged: Unchanged
) -> None:
    for dedicated in (True, False):
        company = await create(graphql, platform, dedicated=dedicated)

        async with assert_unchanged():
            answer = await graphql.of(platform)(PLACE, id=company["id"], input={"dedicated": dedicated})

        assert answer["companyPlace"]["job"] is None


async def test_who_may_move_which_company(
    graphql: Client,
    platform: Fixture,
    people: People,
    onlooker: Onlooker,
    assert_unchanged: Unchanged,
) -> None:
    company = people.admin.company
    moving = """INSERT INTO platform.placement_changes (id, company_id, kind, step)
        VALUES (gen_random_uuid(), $1, 'move', 'copy')"""
    await onlooker.execute(moving, company.id)
    own, elsewhere = {"dedicated": True}, {"dedicated": True, "server": "mars"}

    async with assert_unchanged():
        for who, whom, values, refusal in (
            (people.admin, company, own, ("FORBIDDEN", ())),
            (platform, company, own, ("CONFLICT", ("id",))),
            (platform, platform.company, own, ("CONFLICT", ("id",))),
            (platform, people.stranger.company, elsewhere, ("INVALID", ("input", "server"))),
        ):
            assert await graphql.of(who).refusals(PLACE, id=whom.gid, input=values) == [refusal]
    await onlooker.execute("DELETE FROM platform.placement_changes")


@pytest.mark.parametrize(
    ("cause", "outcome"),
    [(asyncpg.ConnectionDoesNotExistError("closed"), Retry), (None, Conflict)],
)
async def test_a_move_is_retried_if_a_database_was_away(
    services: Services,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    cause: Exception | None,
    outcome: type[Exception],
) -> None:
    async def repair(*_: Any) -> None:
        raise MoveError("a database cannot be reached") from cause

    monkeypatch.setattr(company_moves, "repair_company", repair)
    run: Any = SimpleNamespace(services=SimpleNamespace(settings=settings))

    with pytest.raises(outcome):
        await company_moves.move(MoveCompany(new_id(), None, None), run)

"""The company's activity, told as it happens, from wherever one left."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

from db.ids import new_id
from db.models import RoleName
from resolvers import activity_log
from schema.framework.context import Services
from tests.conftest import People, Save
from tests.factories import Fixture, a_company, a_user
from tests.graphql_client import Client
from tests.onlooker import Onlooker

WATCH = """subscription ($after: String) { companyActivity(after: $after) {
  cursor activity { action resourceType resourceId user { id } } } }"""
PATIENCE = 10
NUMBERS = "SELECT array_agg(sequence ORDER BY sequence) FROM tenant.activity_logs WHERE company_id = $1"


async def does(services: Services, person: Fixture, *actions: str) -> None:
    """The person does these things in one transaction."""
    async with services.database.tenant(person.company.id, person.id) as uow:
        for action in actions:
            await activity_log.record(uow, person.id, action, "User", person.id)


async def next_events(results: AsyncIterator[Any], count: int) -> list[Any]:
    """The next events."""
    events: list[Any] = []
    async with asyncio.timeout(PATIENCE):
        while len(events) < count:
            result = await anext(results)
            assert result.errors is None
            events.append(result.data["companyActivity"])
    return events


def actions(events: list[Any]) -> list[str]:
    return [event["activity"]["action"] for event in events]


async def wait_for_listener(client: Client) -> None:
    """Return once the client's watcher has read where to begin: it has gone on to ask what is new."""
    async with asyncio.timeout(PATIENCE):
        while True:
            if sum("sequence DESC" in statement for statement in client.statements) > 1:
                return
            await asyncio.sleep(0.01)


async def test_what_happens_is_reported_in_order_and_what_was_before_is_not(
    graphql: Client, services: Services, people: People
) -> None:
    await does(services, people.user, "BEFORE")
    async with graphql.of(people.admin).watch(WATCH) as results:
        first = asyncio.create_task(next_events(results, 1))
        await wait_for_listener(graphql)
        await does(services, people.user, "ONE")
        await does(services, people.manager, "TWO", "THREE")
        events = [*await first, *await next_events(results, 2)]

    assert actions(events) == ["ONE", "TWO", "THREE"]
    assert events[0]["activity"] == {
        "action": "ONE",
        "resourceType": "User",
        "resourceId": str(people.user.id),
        "user": {"id": people.user.gid},
    }


async def test_who_comes_back_misses_nothing_and_hears_nothing_twice(
    graphql: Client, services: Services, people: People
) -> None:
    admin = graphql.of(people.admin)
    async with admin.watch(WATCH) as results:
        first = asyncio.create_task(next_events(results, 1))
        await wait_for_listener(graphql)
        await does(services, people.user, "ONE", "TWO")
        (event,) = await first
    await does(services, people.user, *(f"AWAY {number}" for number in range(250)))

    async with admin.watch(WATCH, after=event["cursor"]) as results:
        events = await next_events(results, 251)
        await does(services, people.user, "LAST")
        events += await next_events(results, 1)

    assert actions(events) == ["TWO", *(f"AWAY {number}" for number in range(250)), "LAST"]


async def test_what_commits_late_is_reported_after_what_was_reported(
    graphql: Client, services: Services, people: People
) -> None:
    company, user = people.user.company.id, people.user
    async with graphql.of(people.admin).watch(WATCH) as results:
        first = asyncio.create_task(next_events(results, 1))
        await wait_for_listener(graphql)
        async with services.database.tenant(company, user.id) as late:
            await activity_log.record(late, user.id, "BEGUN FIRST", "User", user.id)
            await does(services, people.manager, "COMMITTED FIRST")
            events = await first
        events += await next_events(results, 1)

    assert actions(events) == ["COMMITTED FIRST", "BEGUN FIRST"]


async def test_numbers_have_no_gap_however_many_write_at_once(
    services: Services, people: People, onlooker: Onlooker
) -> None:
    async def rolled_back() -> None:
        with suppress(LookupError):
            async with services.database.tenant(people.user.company.id, people.user.id) as uow:
                await activity_log.record(uow, people.user.id, "UNDONE", "User", people.user.id)
                raise LookupError

    await asyncio.gather(
        *(does(services, people.user, "A", "B") for _ in range(40)), *(rolled_back() for _ in range(10))
    )

    assert await onlooker.fetchval(NUMBERS, people.user.company.id) == list(range(1, 81))


async def test_who_may_not_read_activity_is_reported_of_their_own_only(
    graphql: Client, services: Services, people: People
) -> None:
    async with graphql.of(people.user).watch(WATCH) as results:
        first = asyncio.create_task(next_events(results, 1))
        await wait_for_listener(graphql)
        await does(services, people.admin, "SECRET")
        await does(services, people.user, "OWN")
        events = await first

    assert actions(events) == ["OWN"]


async def test_no_company_hears_of_another(
    graphql: Client, services: Services, save: Save, people: People
) -> None:
    stranger = a_user(a_company(), RoleName.ADMIN)
    await save(stranger)
    async with graphql.of(stranger).watch(WATCH) as results:
        first = asyncio.create_task(next_events(results, 1))
        await wait_for_listener(graphql)
        await does(services, people.admin, "THEIRS")
        await does(services, stranger, "OURS")
        events = await first

    assert actions(events) == ["OURS"]


async def test_a_cursor_of_something_else_or_of_another_company_is_refused(
    graphql: Client, services: Services, people: People
) -> None:
    await does(services, people.admin, "ONE")
    listed = await graphql.of(people.admin)("{ activity { pageInfo { endCursor } } }")
    async with graphql.of(people.admin).watch(WATCH) as results:
        first = asyncio.create_task(next_events(results, 1))
        await wait_for_listener(graphql)
        await does(services, people.admin, "TWO")
        (event,) = await first

    refused = []
    for person, cursor in (
        (people.admin, "nonsense"),
        (people.admin, listed["activity"]["pageInfo"]["endCursor"]),
        (people.stranger, event["cursor"]),
    ):
        async with graphql.of(person).watch(WATCH, after=cursor) as results:
            error = (await anext(results)).errors[0]
            refused.append((error.extensions["code"], error.extensions["path"]))

    assert refused == [("INVALID", ["after"])] * 3


async def test_nobody_watches_without_signing_in(graphql: Client) -> None:
    async with graphql.watch(WATCH) as results:
        assert (await anext(results)).errors[0].extensions["code"] == "UNAUTHENTICATED"


async def test_activity_that_is_copied_keeps_its_number(onlooker: Onlooker, people: People) -> None:
    insert = "INSERT INTO tenant.activity_logs (company_id, id, action, sequence) VALUES ($1, $2, 'COPY', $3)"
    company = people.user.company.id

    connection = await onlooker.at(company)
    await connection.execute(insert, company, new_id(), 7)
    await connection.execute(insert, company, new_id(), None)

    assert await onlooker.fetchval(NUMBERS, company) == [7, 8]

"""What is recorded of refusals, how activity is found and exported, and how long it is kept."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
import orjson
from starlette.applications import Starlette

from resolvers import activity_exports, activity_log, refusals
from schema.framework.context import Services
from server.http.files import FileServices, routes
from tests.conftest import People
from tests.graphql_client import Client
from tests.onlooker import Onlooker

LIST = """query ($filter: ActivityFilter) { activity(filter: $filter, first: 100) {
  nodes { action resourceType resourceId metadata } } }"""
EXPORT = """mutation ($input: ActivityExportInput!) { activityExport(input: $input) {
  url errors { code path } } }"""
REFUSED = "SELECT user_id, action, metadata::text AS metadata FROM tenant.activity_logs WHERE company_id = $1"


async def refusals_of(onlooker: Onlooker, company_id: Any) -> list[Any]:
    """The recorded refusals of a company."""
    rows = await onlooker.fetch(f"{REFUSED} AND action = 'PERMISSION_REFUSE' ORDER BY sequence", company_id)
    return list(rows)


async def fetch(services: Services, url: str) -> httpx.Response:
    """The file of a link."""
    wiring = FileServices(services.database, services.store, services.links, services.viewers)
    transport = httpx.ASGITransport(Starlette(routes=routes(lambda: wiring)))
    async with httpx.AsyncClient(transport=transport, base_url="http://seshat.test") as client:
        return await client.get(urlsplit(url).path)


async def test_refusals_are_recorded_twenty_times_an_hour_however_many_there_are(
    graphql: Client, people: People, onlooker: Onlooker
) -> None:
    viewer = graphql.of(people.viewer)
    for _ in range(23):
        assert await viewer.refusals(EXPORT, input={"format": "CSV"}) == [("FORBIDDEN", ())]
    rows = await refusals_of(onlooker, people.viewer.company.id)

    assert len(rows) == refusals.MAX_USER_RECORDS
    assert {row["user_id"] for row in rows} == {people.viewer.id}
    assert ["furtherRefusals" in (row["metadata"] or "") for row in rows] == [False] * 19 + [True]


async def test_activity_is_found_by_time_action_person_and_object(
    graphql: Client, services: Services, people: People
) -> None:
    user, admin, before = people.user, graphql.of(people.admin), datetime.now(UTC)
    async with services.database.tenant(user.company.id, user.id) as uow:
        for action in ("PROJECT_CREATE", "PROJECT_DELETE"):
            await activity_log.record(uow, user.id, action, "Project", user.id)
        await activity_log.record(uow, user.id, "KEY_USE", "ApiKey", user.id)

    async def found(**conditions: Any) -> list[str]:
        nodes = (await admin(LIST, filter=conditions))["activity"]["nodes"]
        return sorted(node["action"] for node in nodes)

    assert await found(action="PROJECT_DELETE") == ["PROJECT_DELETE"]
    assert await found(resourceType="ApiKey", resourceId=str(user.id)) == ["KEY_USE"]
    assert await found(userId=user.gid, timestampFrom=before.isoformat()) == [
        "KEY_USE",
        "PROJECT_CREATE",
        "PROJECT_DELETE",
    ]
    assert await found(timestampTo=(before - timedelta(days=1)).isoformat()) == []


async def test_activity_is_exported_whole_and_no_cell_is_a_formula(
    graphql: Client, services: Services, people: People, monkeypatch: Any
) -> None:
    monkeypatch.setattr(activity_exports, "BATCH_SIZE", 3)
    user = people.user
    async with services.database.tenant(user.company.id, user.id) as uow:
        for number in range(8):
            await activity_log.record(uow, user.id, f"=ACT({number})", "User", user.id, number=number)
    admin, files = graphql.of(people.admin), {}
    for format in ("CSV", "JSONL"):
        answer = await admin(EXPORT, input={"format": format, "filter": {"userId": user.gid}})
        assert answer["activityExport"]["errors"] == []
        files[format] = await fetch(services, answer["activityExport"]["url"])
    rows = list(csv.DictReader(io.StringIO(files["CSV"].text)))
    lines = [orjson.loads(line) for line in files["JSONL"].text.splitlines()]

    assert [row["action"] for row in rows] == [f"'=ACT({number})" for number in range(8)]
    assert [line["action"] for line in lines] == [f"=ACT({number})" for number in range(8)]
    assert {line["userEmail"] for line in lines} == {user.email}
    assert [line["metadata"] for line in lines] == [{"number": number} for number in range(8)]
    exported = (await admin(LIST, filter={"action": "ACTIVITY_EXPORT"}))["activity"]["nodes"]
    assert len(exported) == 2


async def test_activity_is_exported_only_by_who_may_read_all_and_while_they_may(
    graphql: Client, services: Services, people: People, onlooker: Onlooker
) -> None:
    code = await graphql.of(people.viewer).refusals(EXPORT, input={"format": "CSV"})
    assert code == [("FORBIDDEN", ())]
    answer = await graphql.of(people.admin)(EXPORT, input={"format": "CSV"})
    url = answer["activityExport"]["url"]
    assert (await fetch(services, url)).status_code == 200
    status = "UPDATE platform.users SET status = 'suspended' WHERE id = $1"
    await onlooker.execute(status, people.admin.id)

    services.viewers.forget()
    assert (await fetch(services, url)).status_code == 410
    assert (await fetch(services, url[:-2])).status_code == 404


async def test_old_activity_is_deleted_and_numbers_go_on(
    services: Services, people: People, onlooker: Onlooker
) -> None:
    user, company_id = people.user, people.user.company.id
    numbers = "SELECT array_agg(sequence ORDER BY sequence) FROM tenant.activity_logs WHERE company_id = $1"

    async def act(action: str) -> list[int]:
        async with services.database.tenant(company_id, user.id) as uow:
            await activity_log.record(uow, user.id, action, "User", user.id)
        return list(await onlooker.fetchval(numbers, company_id))

    await act("FIRST")
    last = (await act("SECOND"))[-1]
    async with services.database.tenant(company_id) as uow:
        await activity_exports.purge(uow, datetime.now(UTC) + timedelta(hours=1))

    assert await act("THIRD") == [last, last + 1]

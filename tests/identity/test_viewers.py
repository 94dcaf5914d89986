"""Viewers of a process are loaded together, and never as they were before they were asked for."""

import asyncio
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from sqlalchemy import update

from core.errors import NotAuthenticated
from db.models import Company, User, UserStatus
from resolvers.identity import accounts
from resolvers.identity.credentials import Credential
from resolvers.identity.viewers import Viewers
from schema.framework.context import Services
from tests import factories
from tests.conftest import People
from tests.factories import a_company, a_user
from tests.graphql_client import Client

NOW = datetime.now(UTC)


async def test_all_requests_of_the_meantime_share_a_statement(services: Services, graphql: Client) -> None:
    company = a_company()
    users = [a_user(company) for _ in range(50)]
    await factories.save(services.database, *users)
    viewers = Viewers(services.database)
    graphql.statements.clear()

    loaded = await asyncio.gather(
        *(viewers.load(Credential(user.id), NOW) for user in users for _ in range(10))
    )

    assert len(graphql.statements) == 1
    assert [viewer.user_id for viewer in loaded] == [user.id for user in users for _ in range(10)]
    assert {(viewer.company_id, viewer.expires_at) for viewer in loaded} == {(company.id, NOW)}


async def test_a_viewer_is_the_one_that_is_loaded_alone(services: Services, people: People) -> None:
    viewers = Viewers(services.database)

    for person in people:
        alone = await accounts.load_viewer(services.database, person.id, None)
        assert await viewers.load(Credential(person.id), None) == alone


@pytest.mark.parametrize("suspended", ["user", "company", "nobody"])
async def test_who_is_not_active_is_refused_at_once(
    services: Services, people: People, suspended: str
) -> None:
    viewers = Viewers(services.database)
    user, company = people.manager, people.manager.company
    await viewers.load(Credential(user.id), None)

    async with services.database.tenant(company.id, kind="platform") as uow:
        if suspended == "user":
            await uow.execute(update(User).where(User.id == user.id).values(status=UserStatus.SUSPENDED))
        if suspended == "company":
            await uow.execute(update(Company).where(Company.id == company.id).values(is_active=False))

    with pytest.raises(NotAuthenticated, match=r"^This account is not active\.$"):
        await viewers.load(Credential(user.id if suspended != "nobody" else uuid4()), None)
    assert (await viewers.load(Credential(people.stranger.id), None)).user_id == people.stranger.id


async def test_who_leaves_takes_nothing_from_others(services: Services, people: People) -> None:
    viewers = Viewers(services.database)
    leaving = asyncio.ensure_future(viewers.load(Credential(people.user.id), None))
    staying = asyncio.ensure_future(viewers.load(Credential(people.user.id), None))
    await asyncio.sleep(0)

    leaving.cancel()

    assert (await staying).user_id == people.user.id
    assert (await viewers.load(Credential(people.user.id), None)).user_id == people.user.id


async def test_an_outage_reaches_all_and_ends(
    services: Services, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    viewers = Viewers(services.database)

    async def fail(*_: object) -> None:
        raise ConnectionRefusedError

    with monkeypatch.context() as outage:
        outage.setattr(accounts, "load_viewers", fail)
        results = await asyncio.gather(
            *(viewers.load(Credential(person.id), None) for person in people), return_exceptions=True
        )
    assert [type(result) for result in results] == [ConnectionRefusedError] * len(people)

    assert (await viewers.load(Credential(people.user.id), None)).user_id == people.user.id

"""Viewers are kept for seconds, and forgotten by every process when their access changes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio

from core.errors import NotAuthenticated
from db.listener import Listener
from db.placement import Placement
from db.uow import UnitOfWork
from resolvers.access import Viewer
from resolvers.identity import accounts, refresh_tokens, viewers
from resolvers.identity.credentials import Credential
from resolvers.identity.viewers import Viewers
from schema.framework.context import Services
from server.app import open_services
from tests.conftest import People
from tests.factories import Fixture
from tests.graphql_client import Client
from tests.onlooker import Onlooker

NOW = datetime.now(UTC)
LISTENER = "viewers of a test"

CHANGES = {
    "suspension": "UPDATE platform.users SET status = 'suspended' WHERE id = $1",
    "role": "UPDATE platform.users SET role_id = roles.id FROM platform.roles "
    "WHERE roles.name = 'user' AND users.id = $1",
    "password": "UPDATE platform.users SET hashed_password = 'x' WHERE id = $1",
    "deletion": "DELETE FROM platform.users WHERE id = $1",
    "company": "UPDATE platform.companies SET is_active = false "
    "FROM platform.users WHERE company_id = companies.id AND users.id = $1",
    "permissions": "DELETE FROM platform.role_permissions USING platform.users "
    "WHERE role_permissions.role_id = users.role_id AND users.id = $1",
    "sessions": "UPDATE platform.refresh_tokens SET revoked_at = now() WHERE user_id = $1",
}
REFUSED = ("suspension", "deletion", "company")


@asynccontextmanager
async def kept_viewers(services: Services, name: str = LISTENER) -> AsyncIterator[Viewers]:
    """Viewers as a process keeps them, with a listening connection of their own."""
    listener = Listener(services.database.placement.listen_url, application=name)
    async with listener, Viewers(services.database, listener) as kept:
        yield kept


@pytest_asyncio.fixture
async def other_process(services: Services) -> AsyncIterator[Services]:
    """The services of another process of the same installation."""
    async with AsyncExitStack() as stack:
        yield await open_services(services.settings, stack)


async def until_forgotten(graphql: Client, load: Callable[[], Awaitable[object]]) -> None:
    """Waits until a load runs a statement, for a second at most."""
    async with asyncio.timeout(1):
        while True:
            graphql.statements.clear()
            await load()
            if graphql.statements:
                return
            await asyncio.sleep(0.005)


async def load_or_none(kept: Viewers, user: Fixture) -> Viewer | None:
    try:
        return await kept.load(Credential(user.id), NOW)
    except NotAuthenticated:
        return None


async def test_a_viewer_is_loaded_once_and_has_the_expiry_of_each_token(
    services: Services, people: People, graphql: Client
) -> None:
    async with kept_viewers(services) as kept:
        first = await kept.load(Credential(people.user.id), NOW)
        graphql.statements.clear()
        later = await kept.load(Credential(people.user.id), NOW + timedelta(hours=1))
        again = await kept.load(Credential(people.user.id), NOW)

        assert graphql.statements == []
        assert (first, again) == (await Viewers(services.database).load(Credential(people.user.id), NOW),) * 2
        assert (later.user_id, later.expires_at) == (people.user.id, NOW + timedelta(hours=1))


async def test_without_notifications_nothing_is_kept(
    services: Services, people: People, graphql: Client
) -> None:
    kept = Viewers(services.database)
    await kept.load(Credential(people.user.id), NOW)
    graphql.statements.clear()
    await kept.load(Credential(people.user.id), NOW)

    assert len(graphql.statements) == 1


@pytest.mark.parametrize("change", CHANGES)
async def test_a_change_of_access_reaches_every_process_within_a_second(
    services: Services, people: People, graphql: Client, onlooker: Onlooker, change: str
) -> None:
    user = people.manager
    async with services.database.platform() as uow:
        await refresh_tokens.issue(uow, services.token_signer, user.id)
    async with kept_viewers(services) as first, kept_viewers(services) as second:
        before = [await kept.load(Credential(user.id), NOW) for kept in (first, second)]
        grants = await onlooker.fetch("SELECT role_id, permission_id FROM platform.role_permissions")
        try:
            await onlooker.execute(CHANGES[change], user.id)
            for kept in (first, second):
                await until_forgotten(graphql, lambda kept=kept: load_or_none(kept, user))  # type: ignore[misc]
            after = [await load_or_none(kept, user) for kept in (first, second)]
        finally:
            await onlooker.executemany(
                "INSERT INTO platform.role_permissions (role_id, permission_id) VALUES ($1, $2) "
                "ON CONFLICT DO NOTHING",
                [tuple(grant) for grant in grants],
            )

    alone = None if change in REFUSED else before[0]
    if change == "role":
        assert {(viewer.role if viewer else None) for viewer in after} == {people.user.role}
    elif change == "permissions":
        assert {(viewer.permissions if viewer else None) for viewer in after} == {frozenset()}
    else:
        assert after == [alone, alone]


async def test_other_changes_of_a_user_forget_nobody(
    services: Services, people: People, graphql: Client, onlooker: Onlooker
) -> None:
    async with kept_viewers(services) as kept:
        await kept.load(Credential(people.user.id), NOW)
        await onlooker.execute(
            "UPDATE platform.users SET last_login_at = now(), status = status WHERE id = $1", people.user.id
        )
        await onlooker.execute(CHANGES["suspension"], people.stranger.id)
        await until_forgotten(graphql, lambda: load_or_none(kept, people.stranger))
        graphql.statements.clear()
        await kept.load(Credential(people.user.id), NOW)

        assert graphql.statements == []


async def test_while_the_listening_connection_is_lost_nothing_is_kept(
    services: Services, people: People, graphql: Client, onlooker: Onlooker
) -> None:
    async with kept_viewers(services) as kept:
        listener = kept._listener
        assert listener is not None
        await kept.load(Credential(people.user.id), NOW)
        await onlooker.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1", LISTENER
        )
        async with asyncio.timeout(5):
            while listener.is_listening:  # noqa: ASYNC110  # nothing tells of it
                await asyncio.sleep(0.001)
        graphql.statements.clear()
        await kept.load(Credential(people.user.id), NOW)
        assert len(graphql.statements) == 1

        async with asyncio.timeout(5):
            while not listener.is_listening:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        graphql.statements.clear()
        await kept.load(Credential(people.user.id), NOW)
        await kept.load(Credential(people.user.id), NOW)
        assert len(graphql.statements) == 1


@pytest.mark.parametrize("everybody", [True, False])
async def test_what_changes_while_it_is_loaded_is_not_kept(
    services: Services, people: People, graphql: Client, monkeypatch: pytest.MonkeyPatch, everybody: bool
) -> None:
    load = accounts.load_viewers

    async with kept_viewers(services) as kept:

        async def load_and_change(uow: UnitOfWork, ids: list[Any], placement: Placement) -> Any:
            loaded = await load(uow, ids, placement)
            kept.forget(None if everybody else people.user.id)
            return loaded

        with monkeypatch.context() as changing:
            changing.setattr(accounts, "load_viewers", load_and_change)
            await asyncio.gather(
                *(kept.load(Credential(person.id), NOW) for person in (people.user, people.admin))
            )
        graphql.statements.clear()
        await kept.load(Credential(people.admin.id), NOW)
        assert len(graphql.statements) == everybody
        await kept.load(Credential(people.user.id), NOW)
        assert len(graphql.statements) == 1 + everybody


async def test_a_viewer_is_kept_for_seconds(
    services: Services, people: People, graphql: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(viewers, "KEEP_SECONDS", 0.05)
    async with kept_viewers(services) as kept:
        await kept.load(Credential(people.user.id), NOW)
        await asyncio.sleep(0.06)
        graphql.statements.clear()
        await kept.load(Credential(people.user.id), NOW)

        assert len(graphql.statements) == 1


async def test_few_viewers_are_kept(
    services: Services, people: People, graphql: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(viewers, "MAX_KEPT_VIEWERS", 2)
    async with kept_viewers(services) as kept:
        for person in (people.admin, people.user, people.stranger):
            await kept.load(Credential(person.id), NOW)

        assert list(kept._kept) == [Credential(people.user.id), Credential(people.stranger.id)]


async def test_nobody_is_kept(services: Services) -> None:
    async with kept_viewers(services) as kept:
        for _ in range(2):
            with pytest.raises(NotAuthenticated):
                await kept.load(Credential(uuid4()), NOW)
        assert kept._kept == {}


MUTATIONS = {
    "userSuspend": "mutation($id: ID!) { userSuspend(id: $id) { errors { code } } }",
    "userDelete": "mutation($id: ID!) { userDelete(id: $id) { errors { code } } }",
    "userUpdate": "mutation($id: ID!) { userUpdate(id: $id, input: {role: VIEWER}) { errors { code } } }",
}


@pytest.mark.parametrize("mutation", MUTATIONS)
async def test_a_mutation_takes_effect_at_once_here_and_within_a_second_elsewhere(
    services: Services, other_process: Services, people: People, graphql: Client, mutation: str
) -> None:
    user = people.manager
    before = await services.viewers.load(Credential(user.id), NOW)
    assert await other_process.viewers.load(Credential(user.id), NOW) == before

    await graphql.of(people.admin)(MUTATIONS[mutation], id=user.gid)
    here = await load_or_none(services.viewers, user)

    assert here != before
    async with asyncio.timeout(1):
        while await load_or_none(other_process.viewers, user) != here:  # noqa: ASYNC110
            await asyncio.sleep(0.005)

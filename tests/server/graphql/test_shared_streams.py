"""Subscriptions that share their reads: what they cost, and that nobody reads what is for others."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from db.events import publish
from db.models import DrawingSession, Role, RoleName, SessionStatus, User, UserStatus
from resolvers import activity_log
from resolvers.drawings import sessions
from resolvers.identity import accounts
from schema.framework.context import Context, Services
from server.graphql import shared_streams
from tests.conftest import People, Save
from tests.factories import Fixture, a_company, a_job, a_session, a_user
from tests.graphql_client import Client

ACTIVITY = """subscription ($after: String) { companyActivity(after: $after) {
  cursor activity { action user { email } } } }"""
SESSION = "subscription ($id: ID!) { sessionProgress(id: $id) { status name } }"
JOB = "subscription ($id: ID!) { jobProgress(id: $id) { status progress } }"
ELSEWHERE = ("pg_notify", "role_permissions")
"""In statements that publish, and that load viewers, who are kept for seconds."""
PATIENCE = 20


class Watcher:
    """What one subscriber receives, while the test goes on."""

    def __init__(self, results: AsyncIterator[Any]) -> None:
        self.received: list[Any] = []
        self.ended = False
        self._task = asyncio.create_task(self._receive(results))

    async def _receive(self, results: AsyncIterator[Any]) -> None:
        async for result in results:
            self.received.append(result)
        self.ended = True

    async def stop(self) -> None:
        """Receive no more."""
        self._task.cancel()
        await asyncio.wait({self._task})

    @property
    def actions(self) -> list[str]:
        """The actions of the activity that was received."""
        return [result.data["companyActivity"]["activity"]["action"] for result in self.received]


async def until(condition: Any) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110  # nothing tells of it
            await asyncio.sleep(0.01)


@asynccontextmanager
async def watchers_of(
    clients: Sequence[Client], document: str, **variables: Any
) -> AsyncIterator[list[Watcher]]:
    """Watchers of one document who have all read what there was."""
    before = sum(streams_of(clients[0]))
    async with AsyncExitStack() as stack:
        watchers = []
        for client in clients:
            watcher = Watcher(await stack.enter_async_context(client.watch(document, **variables)))
            stack.push_async_callback(watcher.stop)
            watchers.append(watcher)
        await until(lambda: is_quiet(clients[0], before + len(watchers)))
        clients[0].statements.clear()
        yield watchers


def is_quiet(client: Client, watchers: int) -> bool:
    """Whether all watchers wait for a change."""
    streams = client.streams._open.values()
    return all(stream.task is None for stream in streams) and watchers == sum(
        len(stream.watchers) for stream in streams
    )


def streams_of(client: Client) -> list[int]:
    """Numbers of watchers of the streams."""
    return sorted(len(stream.watchers) for stream in client.streams._open.values())


async def act(services: Services, person: Fixture, *actions: str) -> None:
    """The person does these things in one transaction."""
    async with services.database.tenant(person.company.id, person.id) as uow:
        for action in actions:
            await activity_log.record(uow, person.id, action, "User", person.id)


async def give_role(services: Services, person: Fixture, role: RoleName) -> None:
    """Change a user's role, without telling anybody."""
    async with services.database.platform() as uow:
        wanted = select(Role.id).where(Role.name == role).scalar_subquery()
        await uow.execute(update(User).where(User.id == person.id).values(role_id=wanted))


@pytest.fixture
def company() -> Fixture:
    """A company."""
    return a_company()


async def test_an_event_is_read_once_however_many_watch(
    graphql: Client, services: Services, save: Save, company: Fixture
) -> None:
    managers = [a_user(company, RoleName.MANAGER) for _ in range(8)]
    await save(*managers)
    costs = []
    for count in (1, 8):
        clients = [graphql.of(person) for person in managers[:count]]
        async with watchers_of(clients, ACTIVITY) as watchers:
            assert streams_of(graphql) == [count]
            await act(services, managers[0], "ONE")
            await until(lambda watchers=watchers: all(watcher.received for watcher in watchers))
            await until(lambda clients=clients: is_quiet(graphql, len(clients)))
            reads = [statement for statement in graphql.statements if statement.startswith("SELECT")]
            costs.append(sum(not any(name in read for name in ELSEWHERE) for read in reads))
        assert [watcher.actions for watcher in watchers] == [["ONE"]] * count

    assert costs == [3, 3]  # the latest number, the activity, its users


async def test_the_results_of_one_read_are_one_object(
    graphql: Client, services: Services, save: Save, company: Fixture
) -> None:
    managers = [a_user(company, RoleName.MANAGER) for _ in range(3)]
    await save(*managers)
    async with watchers_of([graphql.of(person) for person in managers], ACTIVITY) as watchers:
        await act(services, managers[1], "ONE")
        await until(lambda: all(watcher.received for watcher in watchers))

    assert len({id(watcher.received[0]) for watcher in watchers}) == 1
    assert watchers[0].received[0].data["companyActivity"]["activity"]["user"] == {"email": managers[1].email}


async def test_users_who_may_see_their_own_only_share_nothing_that_is_theirs(
    graphql: Client, services: Services, people: People, save: Save
) -> None:
    other = a_user(people.user.company, RoleName.USER)
    await save(other)
    clients = [graphql.of(person) for person in (people.user, other, people.manager)]
    async with watchers_of(clients, ACTIVITY) as (user, colleague, manager):
        assert streams_of(graphql) == [1, 2]  # nothing has depended on the user yet
        await act(services, people.user, "MINE")
        await act(services, other, "THEIRS")
        await act(services, people.manager, "SECRET")
        await until(lambda: len(manager.received) == 3 and user.received and colleague.received)
        await act(services, people.user, "MINE TOO")
        await until(lambda: len(manager.received) == 4 and len(user.received) == 2)
        await until(lambda: is_quiet(graphql, 3))

    assert (user.actions, colleague.actions) == (["MINE", "MINE TOO"], ["THEIRS"])
    assert manager.actions == ["MINE", "THEIRS", "SECRET", "MINE TOO"]
    emails = {result.data["companyActivity"]["activity"]["user"]["email"] for result in user.received}
    assert emails == {people.user.email}


async def test_what_is_shared_holds_no_user_whom_only_one_may_see(
    graphql: Client, services: Services, people: People, save: Save
) -> None:
    """A role without `users:read` sees itself in `requestedBy`, and nobody else."""
    other = a_user(people.user.company, RoleName.USER)
    job = a_job(people.user)
    await save(other, job)
    document = (
        "subscription ($id: ID!) { jobProgress(id: $id) { ... on ProcessingJob { requestedBy { id } } } }"
    )
    clients = [graphql.of(person) for person in (people.user, other, other, people.manager)]
    async with watchers_of(clients, document, id=job.gid) as watchers:
        assert streams_of(graphql) == [1, 1, 2]

    seen = [watcher.received[0].data["jobProgress"]["requestedBy"] for watcher in watchers]
    assert seen == [{"id": people.user.gid}, None, None, {"id": people.user.gid}]


async def test_companies_share_nothing(graphql: Client, services: Services, people: People) -> None:
    clients = [graphql.of(people.admin), graphql.of(people.stranger)]
    async with watchers_of(clients, ACTIVITY) as (ours, theirs):
        assert streams_of(graphql) == [1, 1]
        await act(services, people.admin, "OURS")
        await act(services, people.stranger, "THEIRS")
        await until(lambda: ours.received and theirs.received)
        await until(lambda: is_quiet(graphql, 2))

    assert (ours.actions, theirs.actions) == (["OURS"], ["THEIRS"])


async def test_another_company_finds_nothing_of_a_watched_row(
    graphql: Client, people: People, save: Save
) -> None:
    session = a_session(people.user)
    await save(session)
    async with (
        watchers_of([graphql.of(people.admin)], SESSION, id=session.gid) as (ours,),
        graphql.of(people.stranger).watch(SESSION, id=session.gid) as results,
    ):
        refused = await anext(results)
    assert refused.errors[0].extensions["code"] == "NOT_FOUND"
    assert len(ours.received) == 1


async def test_a_change_of_role_between_two_events_changes_what_is_read(
    graphql: Client, services: Services, people: People, save: Save
) -> None:
    fallen = a_user(people.admin.company, RoleName.MANAGER)
    await save(fallen)
    clients = [graphql.of(people.manager), graphql.of(fallen)]
    async with watchers_of(clients, ACTIVITY) as (manager, user):
        await act(services, people.admin, "BEFORE")
        await until(lambda: manager.received and user.received)
        await give_role(services, fallen, RoleName.USER)
        await act(services, people.admin, "SECRET")
        await act(services, fallen, "OWN")
        await until(lambda: len(manager.received) == 3 and len(user.received) == 2)
        await give_role(services, fallen, RoleName.MANAGER)
        await act(services, people.admin, "AFTER")
        await until(lambda: len(manager.received) == 4 and len(user.received) == 3)
        await until(lambda: streams_of(graphql) == [2])

    assert manager.actions == ["BEFORE", "SECRET", "OWN", "AFTER"]
    assert user.actions == ["BEFORE", "OWN", "AFTER"]


async def test_who_is_suspended_hears_no_more_and_the_others_do(
    graphql: Client, services: Services, people: People, save: Save
) -> None:
    suspended = a_user(people.admin.company, RoleName.MANAGER)
    await save(suspended)
    async with watchers_of([graphql.of(people.manager), graphql.of(suspended)], ACTIVITY) as (manager, gone):
        async with services.database.platform() as uow:
            status = update(User).where(User.id == suspended.id).values(status=UserStatus.SUSPENDED)
            await uow.execute(status)
        await act(services, people.admin, "SECRET")
        await until(lambda: manager.received and gone.ended)

    assert manager.actions == ["SECRET"]
    (last,) = gone.received
    assert (last.data, last.errors[0].extensions["code"]) == (None, "UNAUTHENTICATED")


async def test_a_stream_ends_when_its_token_expires(graphql: Client, people: People) -> None:
    viewer = await accounts.load_viewer(graphql.services.database, people.admin.id, None)
    instant = datetime.now(UTC) + timedelta(seconds=0.5)
    context = Context(graphql.services, viewer)
    async with watchers_of([graphql.of(people.admin)], ACTIVITY) as (lasting,), asyncio.timeout(PATIENCE):
        messages = graphql.streams.watch(context, ACTIVITY, {}, None, expires_at=instant)
        received = [message async for message in messages]
        assert datetime.now(UTC) >= instant
        assert not lasting.ended

    codes = [error.extensions["code"] for message in received for error in message.result.errors]
    assert codes == ["UNAUTHENTICATED"]


async def test_a_state_is_not_repeated(
    graphql: Client, services: Services, people: People, save: Save
) -> None:
    session = a_session(people.user)
    await save(session)
    async with watchers_of([graphql.of(people.user)] * 2, SESSION, id=session.gid) as watchers:
        for name in ("one", "one", "two"):
            async with services.database.tenant(people.user.company.id) as uow:
                changed = update(DrawingSession).where(DrawingSession.id == session.id)
                await uow.execute(changed.values(name=name))
                await publish(uow, sessions.topic(session.id))
            await asyncio.sleep(0.05)
        await until(lambda: all(len(watcher.received) == 3 for watcher in watchers))
        await until(lambda: is_quiet(graphql, 2))

    states = [[result.data["sessionProgress"]["name"] for result in watcher.received] for watcher in watchers]
    assert states == [[session.name, "one", "two"]] * 2


async def test_watchers_of_one_state_are_in_one_stream_whenever_they_came(
    graphql: Client, people: People, save: Save
) -> None:
    session = a_session(people.user)
    await save(session)
    async with watchers_of([graphql.of(people.user)], SESSION, id=session.gid) as (first,):
        async with watchers_of([graphql.of(people.user)], SESSION, id=session.gid) as (second,):
            pass
        assert streams_of(graphql) == [1]
    assert (len(first.received), len(second.received)) == (1, 1)
    assert first.received[0].data == second.received[0].data
    await until(lambda: graphql.streams._open == {})


async def test_who_resumes_shares_the_stream_once_it_has_caught_up(
    graphql: Client, services: Services, people: People
) -> None:
    await act(services, people.admin, "ONE")
    async with watchers_of([graphql.of(people.admin)], ACTIVITY) as (first,):
        await act(services, people.admin, "TWO", "THREE")
        await until(lambda: len(first.received) == 2)
        cursor = first.received[0].data["companyActivity"]["cursor"]
        async with graphql.of(people.admin).watch(ACTIVITY, after=cursor) as results:
            second = Watcher(results)
            await until(lambda: second.received and streams_of(graphql) == [2])
            await act(services, people.admin, "FOUR")
            await until(lambda: len(second.received) == 2 and len(first.received) == 3)
            await second.stop()

    assert (first.actions, second.actions) == (["TWO", "THREE", "FOUR"], ["THREE", "FOUR"])


async def test_a_stream_ends_with_its_row(
    graphql: Client, services: Services, people: People, save: Save
) -> None:
    session = a_session(people.user)
    job = a_job(people.user, session)  # which is deleted with it
    await save(job)
    async with (
        watchers_of([graphql.of(people.user)] * 2, SESSION, id=session.gid) as of_session,
        watchers_of([graphql.of(people.user)], JOB, id=job.gid) as of_job,
    ):
        async with services.database.tenant(people.user.company.id) as uow:
            await uow.execute(delete(DrawingSession).where(DrawingSession.id == session.id))
        await until(lambda: all(watcher.ended for watcher in (*of_session, *of_job)))

    assert [len(watcher.received) for watcher in (*of_session, *of_job)] == [1, 1, 1]


async def test_a_stream_ends_with_its_last_state(
    graphql: Client, services: Services, people: People, save: Save
) -> None:
    session = a_session(people.user)
    await save(session)
    async with watchers_of([graphql.of(people.user)] * 3, SESSION, id=session.gid) as watchers:
        async with services.database.tenant(people.user.company.id) as uow:
            ended = update(DrawingSession).where(DrawingSession.id == session.id)
            await uow.execute(ended.values(status=SessionStatus.ERROR))
            await publish(uow, sessions.topic(session.id))
        await until(lambda: all(watcher.ended for watcher in watchers))

    assert {watcher.received[-1].data["sessionProgress"]["status"] for watcher in watchers} == {"ERROR"}
    assert graphql.streams._open == {}


async def test_who_is_slow_holds_nobody_back_and_misses_nothing(
    graphql: Client, services: Services, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_streams, "MAX_BACKLOG_BYTES", 500)
    wanted = [f"ACTION {number}" for number in range(12)]
    slow_client = graphql.of(people.admin)
    async with (
        watchers_of([graphql.of(people.admin)], ACTIVITY) as (quick,),
        slow_client.watch(ACTIVITY) as slow,
    ):
        first = asyncio.ensure_future(anext(slow))
        await until(lambda: streams_of(graphql) == [2])
        await act(services, people.admin, wanted[0])
        events = [await first]
        await until(lambda: is_quiet(graphql, 2))
        for number, action in enumerate(wanted[1:], 2):
            await act(services, people.admin, action)
            await until(lambda number=number: len(quick.received) == number)
        assert streams_of(graphql) == [1]  # it has fallen behind, and holds no more than was allowed
        async with asyncio.timeout(PATIENCE):
            events += [await anext(slow) for _ in wanted[1:]]

    assert quick.actions == wanted
    assert [event.data["companyActivity"]["activity"]["action"] for event in events] == wanted


async def test_what_was_missed_while_nobody_listened_is_read(
    graphql: Client, services: Services, people: People
) -> None:
    async with watchers_of([graphql.of(people.admin)] * 2, ACTIVITY) as watchers:
        listener: Any = services.events.listener
        listener._connection.terminate()
        await act(services, people.admin, "MISSED")
        await until(lambda: all(watcher.received for watcher in watchers))

    assert [watcher.actions for watcher in watchers] == [["MISSED"]] * 2


async def test_an_error_reaches_every_watcher_and_ends_the_stream(
    graphql: Client, services: Services, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: Any) -> int:
        raise RuntimeError("secret of the stream")

    async with watchers_of([graphql.of(people.admin)] * 2, ACTIVITY) as watchers:
        monkeypatch.setattr(activity_log, "latest_sequence", broken)
        await act(services, people.admin, "ONE")
        await until(lambda: all(watcher.ended for watcher in watchers))

    errors = [watcher.received[-1].errors[0].extensions for watcher in watchers]
    assert errors[0]["code"] == "INTERNAL_SERVER_ERROR"
    assert errors[0] == errors[1]
    assert graphql.streams._open == {}

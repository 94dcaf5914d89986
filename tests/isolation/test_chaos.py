"""Whatever happens to its requests, no company sees another's rows; and a broken fence would be noticed."""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
from sqlalchemy import select, text

from core.settings import Settings
from db.database import Database
from db.engines import ScopedConnection
from db.models import DrawingSession
from db.placement import Placement
from db.ready_connections import LINGER_SECONDS, connections_in_use
from db.rls import enable_sql
from db.uow import UnsafeRole
from tests.conftest import Postgres
from tests.isolation.chaos import KINDS, PEOPLE, PROJECTS, SCOPE, SESSIONS, Chaos, populate
from tests.onlooker import Onlooker

REQUESTS = int(os.environ.get("ISOLATION_REQUESTS", "2000"))
CONTROL_REQUESTS = 400
IDLE = """SELECT count(*) FROM pg_stat_activity
WHERE application_name = 'isolation' AND state LIKE 'idle in transaction%'"""

FENCED = "drawing_sessions"
OPEN_POLICY = f"CREATE POLICY tenant_isolation ON tenant.{FENCED} USING (true) WITH CHECK (true)"
HOLES = {
    "row security off": [f"ALTER TABLE tenant.{FENCED} DISABLE ROW LEVEL SECURITY"],
    "policy that lets all pass": [f"DROP POLICY tenant_isolation ON tenant.{FENCED}", OPEN_POLICY],
    "policy dropped": [f"DROP POLICY tenant_isolation ON tenant.{FENCED}"],
}


async def test_no_request_sees_or_touches_another_company(database: Database, onlooker: Onlooker) -> None:
    world = await populate(database, 16)
    chaos = Chaos(database, world, onlooker)

    await chaos.run(REQUESTS)

    assert chaos.leaks == Counter()
    assert sum(chaos.outcomes.values()) == REQUESTS
    assert {kind for kind, _ in chaos.outcomes} == set(KINDS)
    expected = PEOPLE * PROJECTS * SESSIONS
    assert await chaos.stored() == {
        tenant.id: [str(tenant.id)] * (expected + chaos.written[tenant.id]) for tenant in world
    }
    assert sum(chaos.written.values()) == chaos.outcomes["write", "done"] > REQUESTS // 20
    await asyncio.sleep(10 * LINGER_SECONDS)
    assert await onlooker.fetchval(IDLE) == 0
    assert set(map(connections_in_use, database.placement.engines)) == {0}


async def test_requests_that_are_to_fail_do_and_those_that_are_to_work_do(
    database: Database, onlooker: Onlooker
) -> None:
    chaos = Chaos(database, await populate(database, 4), onlooker, seed=7)

    await chaos.run(CONTROL_REQUESTS)

    done = {kind for kind, outcome in chaos.outcomes if outcome == "done"}
    assert done == {
        *("read", "mixed", "everything", "together", "scoped", "people", "myself"),
        *("write", "reach", "lock_timeout", "session_level"),
    }
    assert chaos.outcomes["bug", "KeyError"] > 0
    assert chaos.outcomes["cancelled", "cancelled"] > 0
    assert chaos.outcomes["timed_out", "TimeoutError"] > 0


@pytest.mark.parametrize("twice", [False, True])
async def test_a_request_may_be_cancelled_at_any_moment(
    database: Database, onlooker: Onlooker, twice: bool
) -> None:
    own, foe = await populate(database, 2)
    chaos = Chaos(database, [own, foe], onlooker)
    outcomes: Counter[str] = Counter()

    async def victim() -> None:
        async with database.tenant(own.id) as uow:
            await uow.execute(chaos.session_of(own, str(own.id)))
            await uow.execute(text("SELECT pg_sleep(0.001)"))

    clock = asyncio.get_running_loop()
    for _ in range(2):  # the first one connects
        began_at = clock.time()
        await victim()
        outcomes["done"] += 1
    duration = clock.time() - began_at
    for number in range(200):
        task = asyncio.ensure_future(victim())
        if number % 2:
            await asyncio.sleep(duration * number / 150)
        else:
            for _ in range(number // 4):
                await asyncio.sleep(0)
        task.cancel()
        if twice:
            for _ in range(number % 5):
                await asyncio.sleep(0)
            task.cancel()
        (result,) = await asyncio.gather(task, return_exceptions=True)
        outcomes["done" if result is None else type(result).__name__] += 1
        async with database.tenant(foe.id, read_only=True) as uow:
            assert await uow.scalar(SCOPE) == str(foe.id)
            seen = await uow.all(select(DrawingSession.company_id).distinct())
            assert [row.company_id for row in seen] == [foe.id]

    stored = await chaos.stored()
    added = len(stored[own.id]) - PEOPLE * PROJECTS * SESSIONS
    assert set(outcomes) == {"done", "CancelledError"}
    assert outcomes["done"] <= added <= 202
    await asyncio.sleep(10 * LINGER_SECONDS)
    assert await onlooker.fetchval(IDLE) == 0
    assert set(map(connections_in_use, database.placement.engines)) == {0}


async def test_connections_killed_while_idle_are_not_noticed(database: Database, onlooker: Onlooker) -> None:
    (own,) = await populate(database, 1)

    async def ask() -> str:
        async with database.tenant(own.id, read_only=True) as uow:
            scope: str = await uow.scalar(SCOPE)
            await uow.execute(text("SELECT pg_sleep(0.01)"))
            return scope

    await asyncio.gather(*(ask() for _ in range(6)))
    ended = await onlooker.fetchval(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'isolation'"
    )
    await asyncio.sleep(0.1)

    assert ended >= 2
    assert await asyncio.gather(*(ask() for _ in range(6))) == [str(own.id)] * 6


# -- negative controls: each breaks the fence in one way, and the same checks must tell


async def leaks_of(database: Database, onlooker: Onlooker) -> set[str]:
    """The kinds of requests that leaked, in a world of their own, in the shared database."""
    chaos = Chaos(database, await populate(database, pooled=4), onlooker)
    await chaos.run(CONTROL_REQUESTS)
    return set(chaos.leaks)


async def test_control_a_role_past_row_security_is_noticed(
    postgres: Postgres, settings: Settings, onlooker: Onlooker
) -> None:
    bypassing = Database(Placement(settings, postgres.admin, application="isolation"))

    found = await leaks_of(bypassing, onlooker)

    assert {"read", "mixed", "everything", "people", "myself", "forge", "reach"} <= found
    with pytest.raises(UnsafeRole, match="superuser, bypasses row security, owns tables"):
        await bypassing.verify_isolation()
    await bypassing.close()


@asynccontextmanager
async def break_fence(onlooker: Onlooker, hole: str) -> AsyncIterator[None]:
    """The fence of one table with a hole; mended afterwards."""
    try:
        for statement in HOLES[hole]:
            await onlooker.execute(statement)
        yield
    finally:
        await onlooker.execute(f"DROP POLICY IF EXISTS tenant_isolation ON tenant.{FENCED}")
        for statement in enable_sql(FENCED):
            await onlooker.execute(statement)


@pytest.mark.parametrize("hole", ["row security off", "policy that lets all pass"])
async def test_control_a_table_without_its_fence_is_noticed(
    database: Database, onlooker: Onlooker, hole: str
) -> None:
    async with break_fence(onlooker, hole):
        found = await leaks_of(database, onlooker)

    assert {"mixed", "everything", "forge", "reach"} <= found


async def test_control_a_connection_that_keeps_its_first_scope_is_noticed(
    settings: Settings, onlooker: Onlooker, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = ScopedConnection.execute
    scoped: set[int] = set()

    async def forgetful(self: Any, query: str, *args: Any, timeout: float | None = None) -> str:  # noqa: ASYNC109
        if query.startswith("BEGIN") and id(self) in scoped:
            return str(await asyncpg.Connection.execute(self, query, *args, timeout=timeout))
        if query.startswith("BEGIN"):
            scoped.add(id(self))
            query += self.scope_sql.replace(",true)", ",false)")
            return str(await asyncpg.Connection.execute(self, query, *args, timeout=timeout))
        return await honest(self, query, *args, timeout=timeout)

    async def begin(self: Any, *, read_only: bool) -> None:
        await self.execute(f"BEGIN{' READ ONLY' * read_only};")

    assert settings.database_url is not None
    careful = Database(Placement(settings, settings.database_url, application="isolation"))
    world = await populate(careful, pooled=4)
    await careful.close()
    monkeypatch.setattr(ScopedConnection, "execute", forgetful)
    monkeypatch.setattr(ScopedConnection, "begin", begin)
    monkeypatch.setattr(ScopedConnection, "can_begin_with", lambda *arguments: False)
    monkeypatch.setattr(ScopedConnection, "may_linger", lambda connection: False)
    forgetting = Database(Placement(settings, settings.database_url, application="isolation"))
    chaos = Chaos(forgetting, world, onlooker)
    await chaos.run(CONTROL_REQUESTS)
    await forgetting.close()

    assert {"read", "mixed", "everything", "scoped", "people"} <= set(chaos.leaks)


@pytest.mark.parametrize("hole", HOLES)
async def test_a_hole_in_the_fence_is_not_served(database: Database, onlooker: Onlooker, hole: str) -> None:
    async with break_fence(onlooker, hole):
        with pytest.raises(UnsafeRole, match=f"the tenant plane is not isolated: {FENCED}: "):
            await database.verify_isolation()

    await database.verify_isolation()


@pytest.mark.parametrize(
    ("change", "back", "complaint"),
    [
        ("ALTER ROLE app_rw BYPASSRLS", "ALTER ROLE app_rw NOBYPASSRLS", "bypasses row security"),
        ("ALTER ROLE app_rw SUPERUSER", "ALTER ROLE app_rw NOSUPERUSER", "superuser"),
        ("GRANT app_owner TO app_rw", "REVOKE app_owner FROM app_rw", "owns tables"),
        (
            "ALTER ROLE app_rw SET app.company_id = '00000000-0000-0000-0000-000000000000'",
            "ALTER ROLE app_rw SET app.company_id = ''",
            "has a scope by default",
        ),
    ],
)
async def test_a_role_that_could_see_past_the_fence_is_not_served(
    database: Database, onlooker: Onlooker, change: str, back: str, complaint: str
) -> None:
    await onlooker.execute(change)
    try:
        with pytest.raises(UnsafeRole, match=complaint):
            await database.verify_isolation()
    finally:
        await onlooker.execute(back)

    await database.close()
    await database.verify_isolation()


async def test_without_a_company_there_are_no_rows_but_an_error(database: Database) -> None:
    await populate(database, 1)
    engine = database.placement.primary

    for _ in range(3):
        async with engine.connect() as connection:
            with pytest.raises(Exception, match="invalid input syntax for type uuid"):
                await connection.execute(select(DrawingSession.id).limit(1))
    async with database.platform(read_only=True) as uow:
        with pytest.raises(Exception, match="invalid input syntax for type uuid"):
            await uow.execute(select(DrawingSession.id).limit(1))

"""Sockets of the whole application: what many of them cost, and what those that leave keep."""

import asyncio
import gc
import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import event, update
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from core.settings import Settings
from db.database import Database
from db.ids import new_id
from db.models import User, UserStatus
from db.ready_connections import connections_in_use
from schema.framework.context import Services
from server.app import create_app
from server.http.protocol import HeaderLimits
from tests.server.graphql.conftest import serve_app, until

REGISTER = """mutation ($email: String!) { payload: userRegister(
  input: {email: $email, password: "a password for sockets"}) { accessToken errors { message } } }"""
ACT = """mutation ($name: String!) { payload: projectCreate(input: {name: $name}) {
  project { id } errors { message } } }"""
WATCH = "subscription { companyActivity { activity { id user { email company { name } } } } }"
SOCKETS = 300


class App:
    """The served application, its database, and a signed-in user."""

    def __init__(
        self, address: str, database: Database, http: httpx.AsyncClient, email: str, token: str
    ) -> None:
        self.address, self.database, self.http, self.email, self.token = address, database, http, email, token
        self.statements: list[str] = []

    async def act(self) -> None:
        """Does something that the company's activities tell."""
        headers = {"authorization": f"Bearer {self.token}"}
        body = {"query": ACT, "variables": {"name": f"Project {new_id()}"}}
        answer = (await self.http.post("/graphql", json=body, headers=headers)).json()
        assert answer["data"]["payload"]["errors"] == []

    @asynccontextmanager
    async def socket(self) -> AsyncIterator[ClientConnection]:
        """A socket of the user."""
        address = f"ws://{self.address}/graphql"
        async with connect(address, subprotocols=["graphql-transport-ws"], open_timeout=60) as client:  # type: ignore[list-item]
            payload = {"authorization": f"Bearer {self.token}"}
            await client.send(json.dumps({"type": "connection_init", "payload": payload}))
            acknowledged = json.loads(await client.recv())
            assert acknowledged["type"] == "connection_ack"
            yield client

    def checked_out(self) -> int:
        """Connections that are not in their pool."""
        return sum(map(connections_in_use, self.database.placement.engines))


@pytest_asyncio.fixture
async def app(settings: Settings, services: Services) -> AsyncIterator[App]:
    """With a pool of two connections, and no more."""
    small = settings.model_copy(update={"worker": False, "db_pool_size": 2, "db_max_overflow": 0})
    application = create_app(small)
    async with (
        application.router.lifespan_context(application),
        serve_app(application, HeaderLimits(seconds=60, connections=1_000)) as address,
        httpx.AsyncClient(base_url=f"http://{address}", timeout=60) as http,
    ):
        variables = {"email": f"{new_id()}@example.com"}
        answer = await http.post("/graphql", json={"query": REGISTER, "variables": variables})
        token = answer.json()["data"]["payload"]["accessToken"]
        app = App(address, application.state.database, http, variables["email"], token)

        def remember(connection: Any, cursor: Any, statement: str, *_: object) -> None:
            app.statements.append(statement)

        for engine in app.database.placement.engines:
            event.listen(engine.sync_engine, "before_cursor_execute", remember)
        yield app


async def test_many_sockets_at_once_share_the_statement_of_their_handshake(app: App) -> None:
    async def shake_hands() -> None:
        async with app.socket():
            pass

    await asyncio.gather(*(shake_hands() for _ in range(SOCKETS)))

    assert {statement.split()[0] for statement in app.statements} == {"SELECT"}
    assert 1 <= len(app.statements) <= SOCKETS // 10  # the viewer is kept for seconds


async def test_clients_that_leave_at_the_last_event_keep_no_connection(app: App) -> None:
    async def watch(leave_early: bool) -> None:
        async with app.socket() as client:
            subscribe = {"id": "1", "type": "subscribe", "payload": {"query": WATCH}}
            await client.send(json.dumps(subscribe))
            if leave_early:
                await asyncio.sleep(random.random() / 50)
            else:
                received = asyncio.ensure_future(client.recv())
                while not received.done():  # what happens before the subscription is not sent
                    await app.act()
                    await asyncio.wait({received}, timeout=0.1)
                assert json.loads(await received)["type"] == "next"
            client.transport.abort()

    for number in range(12):
        await asyncio.gather(*(watch(leave_early=bool(number % 2)) for _ in range(4)))

    await until(lambda: app.checked_out() == 0)
    gc.collect()
    await app.act()
    assert app.checked_out() == 0


async def test_who_is_suspended_is_out_at_once(app: App) -> None:
    async with app.socket() as client:
        await client.send(json.dumps({"id": "1", "type": "subscribe", "payload": {"query": WATCH}}))
        async with app.database.platform() as uow:
            await uow.execute(update(User).where(User.email == app.email).values(status=UserStatus.SUSPENDED))
        async with asyncio.timeout(10):  # the interval of checks is longer
            last = json.loads(await client.recv())
            assert json.loads(await client.recv()) == {"id": "1", "type": "complete"}
            with pytest.raises(ConnectionClosed) as closed:
                await client.recv()

    assert last["payload"]["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4401, "This account is not active.")


async def test_events_over_http_are_shared_too(app: App) -> None:
    received: list[list[str]] = [[], [], []]

    async def receive(lines: list[str]) -> None:
        headers = {"authorization": f"Bearer {app.token}", "accept": "text/event-stream"}
        async with app.http.stream("POST", "/graphql", json={"query": WATCH}, headers=headers) as response:
            async for line in response.aiter_lines():
                if line.startswith("data: {"):
                    lines.append(line)

    streams = [asyncio.create_task(receive(lines)) for lines in received]
    async with asyncio.timeout(10):
        while not set.intersection(*map(set, received)):  # what happens before a subscription is not sent
            await app.act()
            await asyncio.sleep(0.1)
    for stream in streams:
        stream.cancel()
    await asyncio.wait(streams)

"""Clients as they are published live through the expiry of a token, and end when the user is suspended."""

import asyncio
import base64
import json
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from gql import Client as GqlClient
from gql import gql
from gql.transport.exceptions import TransportError
from gql.transport.websockets import WebsocketsTransport
from sqlalchemy import update

from core.settings import Settings
from db.database import Database
from db.ids import new_id
from db.models import User, UserStatus
from schema.framework.context import Services
from server.app import create_app
from tests.server.graphql.conftest import serve_app

CLIENTS = Path(__file__).parents[1] / "clients"
TTL = 4
WATCH_SECONDS = 2.5 * TTL

REGISTER = """mutation ($email: String!) { payload: userRegister(
  input: {email: $email, password: "a password for clients"}) { accessToken refreshToken } }"""
ACT = """mutation ($name: String!) { projectCreate(input: {name: $name}) { errors { message } } }"""
WATCH = "subscription { companyActivity { activity { action } } }"
REFRESH = """mutation ($token: String!) {
  tokenRefresh(input: {refreshToken: $token}) { accessToken refreshToken } }"""

needs_node = pytest.mark.skipif(
    shutil.which("node") is None or not (CLIENTS / "node_modules").is_dir(),
    reason="npm ci in tests/clients installs the clients",
)


class Installation:
    """The served application, and a user whose access tokens are short."""

    def __init__(self, address: str, database: Database, services: Services, email: str) -> None:
        self.address, self.database, self.services, self.email = address, database, services, email
        self.tokens: dict[str, str] = {}

    async def act(self) -> None:
        """Does something that the company's activities tell, as the user."""
        token = self.services.token_signer.access_token(self.user_id)
        async with httpx.AsyncClient(base_url=f"http://{self.address}") as http:
            body = {"query": ACT, "variables": {"name": f"Project {new_id()}"}}
            answer = await http.post("/graphql", json=body, headers={"authorization": f"Bearer {token}"})
        assert answer.json()["data"]["projectCreate"]["errors"] == []

    @property
    def user_id(self) -> Any:
        """The user of the tokens."""
        payload = self.tokens["accessToken"].split(".")[1]
        return json.loads(base64.urlsafe_b64decode(payload + "==="))["sub"]

    async def suspend(self) -> float:
        """Suspends the user, as another process does. The time when it was done."""
        async with self.database.platform() as uow:
            await uow.execute(
                update(User).where(User.email == self.email).values(status=UserStatus.SUSPENDED)
            )
        return time.monotonic()


@pytest_asyncio.fixture
async def installation(settings: Settings, services: Services) -> AsyncIterator[Installation]:
    """With access tokens of some seconds."""
    application = create_app(settings.model_copy(update={"worker": False, "access_token_ttl": TTL}))
    async with (
        application.router.lifespan_context(application),
        serve_app(application) as address,
        httpx.AsyncClient(base_url=f"http://{address}") as http,
    ):
        email = f"{new_id()}@example.com"
        made = Installation(address, application.state.database, services, email)
        answer = await http.post("/graphql", json={"query": REGISTER, "variables": {"email": email}})
        made.tokens = answer.json()["data"]["payload"]
        yield made


@asynccontextmanager
async def repeat_activity(installation: Installation) -> AsyncIterator[None]:
    """The user does something again and again."""

    async def act() -> None:
        while True:
            await installation.act()
            await asyncio.sleep(0.2)

    task = asyncio.create_task(act())
    yield
    task.cancel()
    await asyncio.wait({task})


@needs_node
@pytest.mark.parametrize("client", ["graphql-ws", "renewing", "graphql-sse", "apollo"])
async def test_a_stock_client_lives_through_expiries_and_ends_on_suspension(
    installation: Installation, client: str
) -> None:
    tokens = installation.tokens["accessToken"], installation.tokens["refreshToken"]
    process = await asyncio.create_subprocess_exec(
        "node",
        "watch.mjs",
        client,
        installation.address,
        *tokens,
        cwd=CLIENTS,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    lines: list[tuple[float, str]] = []

    async def read(stream: asyncio.StreamReader) -> None:
        async for line in stream:
            lines.append((time.monotonic(), line.decode().strip()))

    reading = asyncio.create_task(read(process.stdout))
    try:
        async with repeat_activity(installation):
            async with asyncio.timeout(20):
                while "event" not in {line for _, line in lines}:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
            began = lines[0][0]
            await asyncio.sleep(WATCH_SECONDS)
            async with asyncio.timeout(10):  # most clients wait for seconds before they connect again
                while lines[-1][1] != "event" or lines[-1][0] < time.monotonic() - 0.3:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
            last_event = max(moment for moment, line in lines if line == "event")
            assert last_event > began + 2 * TTL, lines
            if client == "renewing":
                assert [line for _, line in lines if line != "event"] == ["connected"]
            else:
                assert sum(line == "connected" for _, line in lines) >= 2
        suspended = await installation.suspend()
        await asyncio.wait_for(process.wait(), 5)
        await reading
        assert lines[-1][1].split()[0] in ("error", "complete")
        assert lines[-1][0] < suspended + 1
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_gql_refreshes_over_its_socket_and_ends_on_suspension(installation: Installation) -> None:
    tokens = installation.tokens
    transport = WebsocketsTransport(
        url=f"ws://{installation.address}/graphql",
        init_payload={"authorization": f"Bearer {tokens['accessToken']}"},
        subprotocols=[WebsocketsTransport.GRAPHQLWS_SUBPROTOCOL],
    )
    events: list[float] = []
    refusals: list[Exception] = []
    async with GqlClient(transport=transport) as session:
        websocket = transport.adapter.websocket
        assert websocket is not None

        async def renew() -> None:
            refresh_token = tokens["refreshToken"]
            while True:
                await transport.ping_received.wait()
                transport.ping_received.clear()
                document = gql(REFRESH)
                document.variable_values = {"token": refresh_token}
                answer = await session.execute(document)
                refresh_token = answer["tokenRefresh"]["refreshToken"]

        async def watch() -> None:
            try:
                async for _ in session.subscribe(gql(WATCH)):
                    events.append(time.monotonic())
            except TransportError as error:
                refusals.append(error)

        renewing, watching = asyncio.create_task(renew()), asyncio.create_task(watch())
        began = time.monotonic()
        async with repeat_activity(installation):
            await asyncio.sleep(WATCH_SECONDS)
        assert events[-1] > began + 2 * TTL
        suspended = await installation.suspend()
        await asyncio.wait_for(watching, 5)
        assert time.monotonic() < suspended + 1
        # The socket says why, too: a client that is sending when it closes forgets what it was told.
        await asyncio.wait_for(websocket.wait_closed(), 5)
        assert (websocket.close_code, websocket.close_reason) == (4401, "This account is not active.")
        assert len(refusals) == 1
        renewing.cancel()
        await asyncio.wait({renewing})


async def test_a_multipart_stream_ends_with_its_token(installation: Installation) -> None:
    headers = {
        "authorization": f"Bearer {installation.tokens['accessToken']}",
        "accept": "multipart/mixed;subscriptionSpec=1.0, application/json",
    }
    began = time.monotonic()
    async with (
        repeat_activity(installation),
        httpx.AsyncClient(base_url=f"http://{installation.address}", timeout=20) as http,
        http.stream("POST", "/graphql", json={"query": WATCH}, headers=headers) as response,
    ):
        text = "".join([chunk async for chunk in response.aiter_text()])

    assert time.monotonic() < began + TTL + 2
    assert "UNAUTHENTICATED" in text
    assert text.endswith("--graphql--\r\n")

"""A GraphQL client that repeats what was not answered and looks for foreign text in every answer."""

import asyncio
import hashlib
import json
import random
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

from tests.chaos.ledger import Entry, Fate, Ledger

TIMEOUT_SECONDS = 20.0
PAUSE_SECONDS = 0.1, 1.0
UNAVAILABLE = ("UNAVAILABLE", "EXHAUSTED")
"""Codes that say that the same request may succeed later."""
UNAVAILABLE_STATUS = (429, 503)
LOST = (OSError, WebSocketException, TimeoutError, EOFError)
"""Errors of a socket whose server is gone."""

SIGN_IN = """mutation ($login: String!, $password: String!) {
  payload: userSignIn(input: {login: $login, password: $password}) {
    accessToken errors { code message } } }"""


class Over(Exception):
    """The load has ended; nothing new is begun."""


class NoAnswer(Exception):
    """Nobody knows whether the operation has run."""


class Refusal(Exception):
    """The operation was refused, and had no effect."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


@dataclass
class Clock:
    """When nothing new begins (`closing`), and when nothing is repeated any more (`end`)."""

    closing: float
    end: float

    def check(self) -> None:
        """Raises `Over` at closing time."""
        if time.monotonic() > self.closing:
            raise Over


@dataclass
class Client:
    """Somebody of a company.

    `marker` is in everything that the company writes; `foreign` are the markers of the others.
    """

    url: str
    http: httpx.AsyncClient
    ledger: Ledger
    clock: Clock
    company: str
    login: str
    password: str
    marker: str = ""
    foreign: tuple[str, ...] = ()
    chance: random.Random = field(default_factory=random.Random)
    token: str = ""

    async def sign_in(self) -> None:
        """Gets an access token."""
        data = await self.mutate(SIGN_IN, login=self.login, password=self.password)
        self.token = str(data["accessToken"])

    async def query(self, document: str, **variables: Any) -> dict[str, Any]:
        """The data of a query, which is repeated until it is answered."""
        return await self._repeat(document, variables)

    async def mutate(self, document: str, **variables: Any) -> dict[str, Any]:
        """The payload of a mutation, which is repeated until it is answered. Raises `Refusal`."""
        payload: dict[str, Any] = (await self._repeat(document, variables))["payload"]
        for error in payload.get("errors") or ():
            raise Refusal(error["code"], error["message"])
        return payload

    async def _repeat(self, document: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        while True:
            try:
                return await self.send(document, variables)
            except NoAnswer:
                if time.monotonic() > self.clock.end:
                    raise Over from None
                await asyncio.sleep(self.chance.uniform(*PAUSE_SECONDS))

    async def send(
        self, document: str, variables: Mapping[str, Any], seconds: float = TIMEOUT_SECONDS
    ) -> dict[str, Any]:
        """The data of one attempt. Raises `NoAnswer` or `Refusal`."""
        began = time.monotonic()
        try:
            async with asyncio.timeout(seconds):
                response = await self.http.post(
                    f"{self.url}/graphql",
                    json={"query": document, "variables": variables},
                    headers=self.headers,
                    timeout=seconds,
                )
        except (httpx.HTTPError, TimeoutError) as error:
            self.ledger.outcomes[f"no answer ({type(error).__name__})"] += 1
            raise NoAnswer from error
        self.look(response.text)
        self.ledger.outcomes[f"status {response.status_code}"] += 1
        if time.monotonic() - began > TIMEOUT_SECONDS / 2:
            self.ledger.outcomes["slower than 10 s"] += 1
        return self.data(response)

    def data(self, response: httpx.Response) -> dict[str, Any]:
        """The data of a response. Raises `NoAnswer` or `Refusal`."""
        try:
            answer = response.json()
        except ValueError:
            answer = {}
        if not isinstance(answer, dict):
            answer = {}
        for error in answer.get("errors") or ():
            code = (error.get("extensions") or {}).get("code", "")
            if code in UNAVAILABLE:
                raise NoAnswer
            if code in ("INTERNAL_SERVER_ERROR", ""):
                self.ledger.faults[f"internal error: {error.get('message', '')[:100]}"] += 1
                raise NoAnswer
            raise Refusal(code, error["message"])
        if response.status_code in UNAVAILABLE_STATUS:
            raise NoAnswer
        if response.status_code != 200 or "data" not in answer:
            self.ledger.faults[f"status {response.status_code}: {response.text[:100]}"] += 1
            raise NoAnswer
        data: dict[str, Any] = answer["data"]
        return data

    @property
    def headers(self) -> dict[str, str]:
        """The header that authenticates."""
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    def look(self, text: str) -> None:
        """Notes what of other companies is in an answer."""
        for marker in self.foreign:
            if marker in text:
                self.ledger.faults[f"{self.company} was shown {marker}"] += 1

    async def upload(self, name: str, content: bytes, kind: str) -> Entry:
        """Uploads a file; returns the upload's entry."""
        values = {
            "filename": name,
            "mimeType": kind,
            "size": str(len(content)),
            "sha256": hashlib.sha256(content).hexdigest(),
        }
        entry = self.ledger.enter("uploads", name, self.company)
        upload = (await self.create(CREATE_UPLOAD, entry, values))["upload"]
        if upload["state"] != "STORED":
            await self._put(upload, content)
        entry.fields["state"] = "stored"
        return entry

    async def _put(self, upload: dict[str, Any], content: bytes) -> None:
        headers = {header["name"]: header["value"] for header in upload["headers"]}
        while True:
            with suppress(httpx.HTTPError):
                target = httpx.URL(self.url).join(upload["url"])
                path = f"{self.url}{target.raw_path.decode()}"
                response = await self.http.put(
                    path, content=content, headers=headers, timeout=TIMEOUT_SECONDS
                )
                if response.is_success:
                    return
                if response.status_code not in UNAVAILABLE_STATUS:
                    self.ledger.faults[f"PUT: status {response.status_code}: {response.text[:80]}"] += 1
            if time.monotonic() > self.clock.end:
                raise Over
            await asyncio.sleep(self.chance.uniform(*PAUSE_SECONDS))

    async def create(
        self, document: str, entry: Entry, values: Mapping[str, Any], **more: Any
    ) -> dict[str, Any]:
        """The payload of a mutation that creates the entry's row; enters the acknowledgement."""
        key = f"key of {entry.name}"
        payload = await self.mutate(document, input={**values, "idempotencyKey": key}, **more)
        rows = [value for value in payload.values() if isinstance(value, dict) and "id" in value]
        entry.id, entry.fate = rows[0]["id"], Fate.KEPT
        self.ledger.outcomes["acknowledged mutations"] += 1
        return payload

    async def subscribe(self, document: str, **variables: Any) -> AsyncGenerator[dict[str, Any]]:
        """The events of a subscription, resumed after the last cursor when the connection is lost.

        Ends when the server completes it. Raises `Refusal`, and `Over` if it never ends.
        """
        while True:
            with suppress(*LOST):
                async with self.socket() as socket:
                    async with aclosing(self.events(socket, document, variables)) as events:
                        async for event in events:
                            if "cursor" in event:
                                variables["after"] = event["cursor"]
                            yield event
                    return
            if time.monotonic() > self.clock.end:
                raise Over
            await asyncio.sleep(self.chance.uniform(*PAUSE_SECONDS))

    @asynccontextmanager
    async def socket(self) -> AsyncIterator[ClientConnection]:
        """A connected socket."""
        async with connect(
            f"{self.url.replace('http', 'ws', 1)}/graphql",
            subprotocols=[Subprotocol("graphql-transport-ws")],
            open_timeout=TIMEOUT_SECONDS,
            close_timeout=1,
            max_size=2**24,
            proxy=None,
        ) as socket:
            await socket.send(json.dumps({"type": "connection_init", "payload": self.headers}))
            yield socket

    async def events(
        self, socket: ClientConnection, document: str, variables: Mapping[str, Any]
    ) -> AsyncGenerator[dict[str, Any]]:
        """The events of one socket. Raises an error of `LOST` if the server is gone or unavailable."""
        payload = {"query": document, "variables": variables}
        async for message in socket:
            text = message if isinstance(message, str) else message.decode()
            self.look(text)
            received = json.loads(text)
            match received:
                case {"type": "connection_ack"}:
                    await socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": payload}))
                case {"type": "next", "payload": {"data": {"event": event}}} if event is not None:
                    self.ledger.outcomes["events"] += 1
                    yield event
                case {"type": "next", "payload": {"errors": [error, *_]}} | {
                    "type": "error",
                    "payload": [error, *_],
                }:
                    self._raise(error)
                case {"type": "complete"}:
                    return
                case {"type": "ping"}:
                    await socket.send(json.dumps({"type": "pong"}))
        raise EOFError

    def _raise(self, error: Mapping[str, Any]) -> None:
        code = (error.get("extensions") or {}).get("code", "")
        if code in UNAVAILABLE:
            raise EOFError
        if code in ("INTERNAL_SERVER_ERROR", ""):
            self.ledger.faults[f"internal error of a subscription: {error.get('message', '')[:100]}"] += 1
            raise EOFError
        raise Refusal(code, str(error.get("message")))


CREATE_UPLOAD = """mutation ($input: UploadCreateInput!) { payload: uploadCreate(input: $input) {
  upload { id state url headers { name value } } errors { code message path } } }"""

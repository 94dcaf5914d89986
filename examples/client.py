"""What the scripts here share: a signed-in client that asks, watches, sends files and fetches them.

Needs `pip install "gql[httpx,websockets]" rich`.
"""

import argparse
import asyncio
import hashlib
import mimetypes
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit, urlunsplit

import httpx
from gql import Client, GraphQLRequest
from gql.transport.exceptions import TransportError, TransportQueryError
from gql.transport.httpx import HTTPXAsyncTransport
from gql.transport.websockets import WebsocketsTransport

CHUNK = 1024 * 1024
RECONNECTS = 5
"""How often in a row a lost subscription is taken up again."""

SIGN_IN = """
mutation SignIn($login: String!, $password: String!) {
  payload: userSignIn(input: { login: $login, password: $password }) {
    accessToken refreshToken errors { code message path }
  }
}"""

REFRESH = """
mutation Refresh($refreshToken: String!) {
  payload: tokenRefresh(input: { refreshToken: $refreshToken }) {
    accessToken refreshToken errors { code message path }
  }
}"""

ANNOUNCE = """
mutation Announce($input: UploadCreateInput!) {
  payload: uploadCreate(input: $input) {
    upload { id url headers { name value } } errors { code message path }
  }
}"""


class MutationError(Exception):
    """The server said no; the message is for the person who asked."""


TROUBLE = (MutationError, TransportError, httpx.HTTPError, OSError)
"""What ends a script, with a sentence."""


@dataclass
class Seshat:
    """A signed-in client of one server; `endpoint` is its GraphQL address."""

    endpoint: str
    access_token: str = ""
    refresh_token: str = ""

    @property
    def authorization(self) -> dict[str, str]:
        """What says who asks, over HTTP and in a socket's first message."""
        return {"Authorization": f"Bearer {self.access_token}"} if self.access_token else {}

    async def sign_in(self, login: str, password: str) -> None:
        """Get tokens for a login."""
        await self._take(SIGN_IN, login=login, password=password)

    async def ask(self, document: str, **variables: Any) -> dict[str, Any]:
        """The data of a query or mutation. Raises Refused with the server's words.

        A mutation's payload is to be called `payload`, and to have its errors.
        """
        transport = HTTPXAsyncTransport(self.endpoint, headers=self.authorization, timeout=60)
        async with Client(transport=transport) as session:
            try:
                request = GraphQLRequest(document, variable_values=variables)
                data: dict[str, Any] = await session.execute(request)
            except TransportQueryError as error:
                raise refusal(error) from error
        payload = data.get("payload") or {}
        if payload.get("errors"):
            raise MutationError("; ".join(each["message"] for each in payload["errors"]))
        return data

    async def watch(self, document: str, **variables: Any) -> AsyncGenerator[dict[str, Any], None]:
        """What a subscription tells, across lost connections and expired tokens, until it is left.

        Where events have a `cursor`, it goes on after the last one, which is given as `$after`.
        """
        failures = 0
        while True:
            try:
                async with aclosing(self._connected(document, variables)) as events:
                    async for event in events:
                        failures = 0
                        if "cursor" in event:
                            variables["after"] = event["cursor"]
                        yield event
            except TransportQueryError as error:
                raise refusal(error) from error
            except (TransportError, OSError) as error:
                failures += 1
                if failures > RECONNECTS:
                    raise MutationError(f"The connection was lost: {error}") from error
            await asyncio.sleep(min(2**failures, 15))
            await self._take(REFRESH, refreshToken=self.refresh_token)

    async def upload(self, path: Path, sent: Callable[[int], None] = lambda size: None) -> str:
        """Announce a file and send its bytes, telling how many; gives the upload's id."""
        size, digest = await asyncio.to_thread(measure, path)
        announced = {
            "filename": path.name,
            "mimeType": mimetypes.guess_type(path.name)[0] or "application/octet-stream",
            "size": size,
            "sha256": digest,
        }
        upload = (await self.ask(ANNOUNCE, input=announced))["payload"]["upload"]

        async def content() -> AsyncIterator[bytes]:
            with path.open("rb") as file:
                while chunk := await asyncio.to_thread(file.read, CHUNK):
                    yield chunk
                    sent(len(chunk))

        headers = {header["name"]: header["value"] for header in upload["headers"]}
        headers["Content-Length"] = str(size)
        async with httpx.AsyncClient(timeout=300) as client:
            answer = await client.put(
                urljoin(self.endpoint, upload["url"]), content=content(), headers=headers
            )
        if answer.is_error:
            raise MutationError(f"{path.name}: {answer.text.strip() or answer.reason_phrase}")
        return str(upload["id"])

    async def fetch(self, url: str, path: Path) -> None:
        """Save what a link leads to; the file appears when it is whole."""
        draft = path.with_name(f"{path.name}.partial")
        client = httpx.AsyncClient(timeout=300, follow_redirects=True)
        async with client, client.stream("GET", urljoin(self.endpoint, url)) as answer:
            if answer.is_error:
                raise MutationError(f"{path.name}: {answer.status_code} {answer.reason_phrase}")
            with draft.open("wb") as file:
                async for chunk in answer.aiter_bytes():
                    await asyncio.to_thread(file.write, chunk)
        draft.replace(path)

    async def _take(self, document: str, **variables: Any) -> None:
        payload = (await self.ask(document, **variables))["payload"]
        self.access_token, self.refresh_token = payload["accessToken"], payload["refreshToken"]

    async def _connected(
        self, document: str, variables: dict[str, Any]
    ) -> AsyncGenerator[dict[str, Any], None]:
        """The events over one socket."""
        scheme, *rest = urlsplit(self.endpoint)
        transport = WebsocketsTransport(
            urlunsplit((scheme.replace("http", "ws", 1), *rest)),
            init_payload=self.authorization,
            subprotocols=[WebsocketsTransport.GRAPHQLWS_SUBPROTOCOL],
        )
        async with Client(transport=transport) as session:
            request = GraphQLRequest(document, variable_values=dict(variables))
            async for answer in session.subscribe(request):
                yield next(iter(answer.values()))


def connection(description: str) -> argparse.ArgumentParser:
    """A command line that says where the server is and who asks."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--url", required=True, help="address of the server, such as http://127.0.0.1:8000")
    parser.add_argument("--login", required=True, help="email or username")
    parser.add_argument("--password", required=True)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a report")
    return parser


def existing_file(name: str) -> Path:
    """An argument that names a file."""
    path = Path(name)
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"there is no file {path}")
    return path


async def signed_in(arguments: argparse.Namespace) -> Seshat:
    """The client that a command line asks for."""
    seshat = Seshat(endpoint_of(arguments.url))
    await seshat.sign_in(arguments.login, arguments.password)
    return seshat


def endpoint_of(url: str) -> str:
    """The GraphQL endpoint of a server, whose own address will do."""
    parts = urlsplit(url if "//" in url else f"http://{url}")
    return urlunsplit(parts._replace(path=parts.path if parts.path.strip("/") else "/graphql"))


def refusal(error: TransportQueryError) -> MutationError:
    """What the server said."""
    return MutationError("; ".join(each["message"] for each in error.errors or []))


def measure(path: Path) -> tuple[int, str]:
    """A file's size in bytes and its SHA-256 in hexadecimal."""
    with path.open("rb") as file:
        return path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest()

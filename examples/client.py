"""GraphQL client of the example scripts: sign-in, operations, subscriptions, uploads and downloads.

Requires `pip install "gql[httpx,websockets]" rich`.
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

CHUNK_BYTES = 1024 * 1024
MAX_RECONNECTS = 5
"""Maximum consecutive reconnects of a subscription."""

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
    """The server returned errors. The message is for users."""


EXPECTED_ERRORS = (MutationError, TransportError, httpx.HTTPError, OSError)
"""Errors with which a script ends."""


@dataclass
class Seshat:
    """A client of one server; `endpoint` is its GraphQL URL."""

    endpoint: str
    access_token: str = ""
    refresh_token: str = ""

    @property
    def authorization(self) -> dict[str, str]:
        """The header that authenticates requests; also the payload of `connection_init`."""
        return {"Authorization": f"Bearer {self.access_token}"} if self.access_token else {}

    async def sign_in(self, login: str, password: str) -> None:
        """Signs in, and stores the tokens."""
        await self._authenticate(SIGN_IN, login=login, password=password)

    async def execute(self, document: str, **variables: Any) -> dict[str, Any]:
        """The data of a query or mutation. Raises `MutationError` with the server's messages.

        Mutations must alias their field as `payload` and select its `errors`.
        """
        transport = HTTPXAsyncTransport(self.endpoint, headers=self.authorization, timeout=60)
        async with Client(transport=transport) as session:
            try:
                request = GraphQLRequest(document, variable_values=variables)
                data: dict[str, Any] = await session.execute(request)
            except TransportQueryError as error:
                raise mutation_error(error) from error
        payload = data.get("payload") or {}
        if payload.get("errors"):
            raise MutationError("; ".join(error["message"] for error in payload["errors"]))
        return data

    async def subscribe(self, document: str, **variables: Any) -> AsyncGenerator[dict[str, Any], None]:
        """Yields the events of a subscription. Reconnects after lost connections and expired tokens.

        If events have a `cursor`, it resumes after the last one, which is passed as `$after`.
        """
        failures = 0
        while True:
            try:
                async with aclosing(self._events(document, variables)) as events:
                    async for event in events:
                        failures = 0
                        if "cursor" in event:
                            variables["after"] = event["cursor"]
                        yield event
            except TransportQueryError as error:
                raise mutation_error(error) from error
            except (TransportError, OSError) as error:
                failures += 1
                if failures > MAX_RECONNECTS:
                    raise MutationError(f"The connection was lost: {error}") from error
            await asyncio.sleep(min(2**failures, 15))
            await self._authenticate(REFRESH, refreshToken=self.refresh_token)

    async def upload(self, path: Path, report_sent: Callable[[int], None] = lambda size: None) -> str:
        """Uploads a file, reports the progress in bytes, and returns the upload's ID."""
        size, digest = await asyncio.to_thread(measure, path)
        metadata = {
            "filename": path.name,
            "mimeType": mimetypes.guess_type(path.name)[0] or "application/octet-stream",
            "size": size,
            "sha256": digest,
        }
        upload = (await self.execute(ANNOUNCE, input=metadata))["payload"]["upload"]

        async def content() -> AsyncIterator[bytes]:
            with path.open("rb") as file:
                while chunk := await asyncio.to_thread(file.read, CHUNK_BYTES):
                    yield chunk
                    report_sent(len(chunk))

        headers = {header["name"]: header["value"] for header in upload["headers"]}
        headers["Content-Length"] = str(size)
        async with httpx.AsyncClient(timeout=300) as client:
            response = await client.put(
                urljoin(self.endpoint, upload["url"]), content=content(), headers=headers
            )
        if response.is_error:
            raise MutationError(f"{path.name}: {response.text.strip() or response.reason_phrase}")
        return str(upload["id"])

    async def download(self, url: str, path: Path) -> None:
        """Downloads a file. It is created atomically."""
        draft = path.with_name(f"{path.name}.partial")
        client = httpx.AsyncClient(timeout=300, follow_redirects=True)
        async with client, client.stream("GET", urljoin(self.endpoint, url)) as response:
            if response.is_error:
                raise MutationError(f"{path.name}: {response.status_code} {response.reason_phrase}")
            with draft.open("wb") as file:
                async for chunk in response.aiter_bytes():
                    await asyncio.to_thread(file.write, chunk)
        draft.replace(path)

    async def _authenticate(self, document: str, **variables: Any) -> None:
        payload = (await self.execute(document, **variables))["payload"]
        self.access_token, self.refresh_token = payload["accessToken"], payload["refreshToken"]

    async def _events(self, document: str, variables: dict[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
        """Yields the events of one socket."""
        scheme, *rest = urlsplit(self.endpoint)
        transport = WebsocketsTransport(
            urlunsplit((scheme.replace("http", "ws", 1), *rest)),
            init_payload=self.authorization,
            subprotocols=[WebsocketsTransport.GRAPHQLWS_SUBPROTOCOL],
        )
        async with Client(transport=transport) as session:
            request = GraphQLRequest(document, variable_values=dict(variables))
            async for response in session.subscribe(request):
                yield next(iter(response.values()))


def connection_parser(description: str) -> argparse.ArgumentParser:
    """A parser with the options of the server and the credentials."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--url", required=True, help="URL of the server, such as http://127.0.0.1:8000")
    parser.add_argument("--login", required=True, help="email or username")
    parser.add_argument("--password", required=True)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a report")
    return parser


def existing_file(name: str) -> Path:
    """Validates an argument that names a file."""
    path = Path(name)
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"file not found: {path}")
    return path


async def sign_in(arguments: argparse.Namespace) -> Seshat:
    """A client with the server and credentials of the command line."""
    seshat = Seshat(endpoint_of(arguments.url))
    await seshat.sign_in(arguments.login, arguments.password)
    return seshat


def endpoint_of(url: str) -> str:
    """The GraphQL endpoint of a server; the path is `/graphql` unless specified."""
    parts = urlsplit(url if "//" in url else f"http://{url}")
    return urlunsplit(parts._replace(path=parts.path if parts.path.strip("/") else "/graphql"))


def mutation_error(error: TransportQueryError) -> MutationError:
    """The error with the server's messages."""
    return MutationError("; ".join(cause["message"] for cause in error.errors or []))


def measure(path: Path) -> tuple[int, str]:
    """Size in bytes and hexadecimal SHA-256 of a file."""
    with path.open("rb") as file:
        return path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest()

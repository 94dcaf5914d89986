"""Compare two revisions of a drawing set on a Seshat server, and say what changed.

    compare_drawings.py --url http://127.0.0.1:8000 --login ada --password … OLD.pdf NEW.pdf --out overlays

Needs `pip install "gql[httpx,websockets]" rich`. Exit code 0 only if the comparison completed.
"""

import argparse
import asyncio
import hashlib
import json
import mimetypes
import re
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit, urlunsplit

import httpx
from gql import Client, GraphQLRequest
from gql.transport.exceptions import TransportError, TransportQueryError
from gql.transport.httpx import HTTPXAsyncTransport
from gql.transport.websockets import WebsocketsTransport
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

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

CREATE = """
mutation Create($input: DrawingSessionCreateInput!) {
  payload: drawingSessionCreate(input: $input) { session { id } errors { code message path } }
}"""

START = """
mutation Start($id: ID!) {
  payload: drawingSessionStart(id: $id) { session { id status } errors { code message path } }
}"""

WATCH = """
subscription Watch($id: ID!) { session: sessionProgress(id: $id) { status progress errorMessage } }"""

READ = """
query Read($id: ID!, $after: String) {
  session: drawingSession(id: $id) {
    id name status errorMessage totalTime onlyInOld onlyInNew
    comparisons(first: 50, after: $after) {
      nodes {
        drawingName state errorMessage alignmentScore lowConfidence changesDetected changeRatio overlayUrl
        words { removed added }
        changes { kind area description box { x y width height } words { removed added } }
        analysisResults(first: 1) {
          nodes { analysisSummary criticalChange recommendations aiModelUsed success errorMessage }
        }
      }
      pageInfo { hasNextPage endCursor }
    }
  }
}"""


class Refused(Exception):
    """The server said no; the message is for the person who asked."""


@dataclass
class Seshat:
    """A signed-in client of one server."""

    endpoint: str
    access_token: str = ""
    refresh_token: str = ""

    @property
    def authorization(self) -> dict[str, str]:
        """What says who asks, over HTTP and in a socket's first message."""
        return {"Authorization": f"Bearer {self.access_token}"} if self.access_token else {}

    async def ask(self, document: str, **variables: Any) -> dict[str, Any]:
        """The data of a query or mutation. Raises Refused with the server's words."""
        transport = HTTPXAsyncTransport(self.endpoint, headers=self.authorization, timeout=60)
        async with Client(transport=transport) as session:
            try:
                request = GraphQLRequest(document, variable_values=variables)
                data: dict[str, Any] = await session.execute(request)
            except TransportQueryError as error:
                raise Refused("; ".join(each["message"] for each in error.errors or [])) from error
        payload = data.get("payload") or {}
        if payload.get("errors"):
            raise Refused("; ".join(each["message"] for each in payload["errors"]))
        return data

    async def sign_in(self, login: str, password: str) -> None:
        """Get tokens for a login."""
        await self.take(SIGN_IN, login=login, password=password)

    async def stay_signed_in(self) -> None:
        """Get fresh tokens; those at hand last minutes."""
        await self.take(REFRESH, refreshToken=self.refresh_token)

    async def take(self, document: str, **variables: Any) -> None:
        """Keep the tokens that a mutation answers."""
        payload = (await self.ask(document, **variables))["payload"]
        self.access_token, self.refresh_token = payload["accessToken"], payload["refreshToken"]

    async def upload(self, path: Path, progress: Progress) -> str:
        """Announce a file and send its bytes; gives the upload's id."""
        size, digest = await asyncio.to_thread(measure, path)
        task = progress.add_task(f"Uploading {path.name}", total=size)
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
                    progress.advance(task, len(chunk))

        headers = {header["name"]: header["value"] for header in upload["headers"]}
        headers["Content-Length"] = str(size)
        async with httpx.AsyncClient(timeout=300) as client:
            url = urljoin(self.endpoint, upload["url"])
            answer = await client.put(url, content=content(), headers=headers)
        if answer.is_error:
            raise Refused(f"{path.name}: {answer.text.strip() or answer.reason_phrase}")
        return str(upload["id"])

    async def watch(self, session_id: str) -> AsyncIterator[dict[str, Any]]:
        """The session's states up to the last one, across lost connections and expired tokens."""
        failures = 0
        while True:
            try:
                async for state in self.states(session_id):
                    failures = 0
                    yield state
                    if state["status"] in ("COMPLETED", "ERROR"):
                        return
            except TransportQueryError as error:
                raise Refused("; ".join(each["message"] for each in error.errors or [])) from error
            except (TransportError, OSError) as error:
                failures += 1
                if failures > RECONNECTS:
                    raise Refused(f"The connection was lost: {error}") from error
            await asyncio.sleep(min(2**failures, 15))
            await self.stay_signed_in()

    async def states(self, session_id: str) -> AsyncIterator[dict[str, Any]]:
        """The session's states over one socket."""
        scheme, *rest = urlsplit(self.endpoint)
        transport = WebsocketsTransport(
            urlunsplit((scheme.replace("http", "ws", 1), *rest)),
            init_payload=self.authorization,
            subprotocols=[WebsocketsTransport.GRAPHQLWS_SUBPROTOCOL],
        )
        async with Client(transport=transport) as session:
            async for event in session.subscribe(GraphQLRequest(WATCH, variable_values={"id": session_id})):
                yield event["session"]

    async def read(self, session_id: str) -> dict[str, Any]:
        """The session with all of its comparisons."""
        comparisons: list[dict[str, Any]] = []
        cursor = None
        while True:
            session = (await self.ask(READ, id=session_id, after=cursor))["session"]
            page = session["comparisons"]
            comparisons += page["nodes"]
            if not page["pageInfo"]["hasNextPage"]:
                return {**session, "comparisons": comparisons}
            cursor = page["pageInfo"]["endCursor"]

    async def download(self, comparisons: list[dict[str, Any]], folder: Path, progress: Progress) -> None:
        """Save every overlay, and note where in its comparison as `overlayFile`."""
        drawn = [comparison for comparison in comparisons if comparison["overlayUrl"]]
        async with httpx.AsyncClient(timeout=300) as client:
            for number, comparison in enumerate(progress.track(drawn, description="Downloading overlays"), 1):
                name = re.sub(r"[^\w.-]+", "_", comparison["drawingName"]).strip(".") or "sheet"
                target = folder / f"{number:03}_{name}.png"
                async with client.stream("GET", urljoin(self.endpoint, comparison["overlayUrl"])) as answer:
                    if answer.is_error:
                        raise Refused(f"The overlay of {comparison['drawingName']} can't be downloaded.")
                    with target.open("wb") as file:
                        async for chunk in answer.aiter_bytes():
                            file.write(chunk)
                comparison["overlayFile"] = str(target)


def measure(path: Path) -> tuple[int, str]:
    """A file's size in bytes and its SHA-256 in hexadecimal."""
    with path.open("rb") as file:
        return path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest()


async def compare(arguments: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Do the whole job; gives the session as it ended."""
    seshat = Seshat(endpoint_of(arguments.url))
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"))
    with Progress(*columns, TimeElapsedColumn(), console=console) as progress:
        await seshat.sign_in(arguments.login, arguments.password)
        old = await seshat.upload(arguments.old, progress)
        new = await seshat.upload(arguments.new, progress)
        wanted = {
            "oldUploadId": old,
            "newUploadId": new,
            "name": f"{arguments.old.name} against {arguments.new.name}",
        }
        session_id = (await seshat.ask(CREATE, input=wanted))["payload"]["session"]["id"]
        await seshat.ask(START, id=session_id)
        task = progress.add_task("Comparing", total=100)
        async for state in seshat.watch(session_id):
            progress.update(task, completed=state["progress"], description=state["status"].capitalize())
        session = await seshat.read(session_id)
        await seshat.download(session["comparisons"], arguments.out, progress)
    return session


def endpoint_of(url: str) -> str:
    """The GraphQL endpoint of a server, whose own address will do."""
    parts = urlsplit(url if "//" in url else f"http://{url}")
    return urlunsplit(parts._replace(path=parts.path if parts.path.strip("/") else "/graphql"))


def report(session: dict[str, Any], console: Console) -> None:
    """Print sheets, scores, changes and overlays for a person."""
    table = Table(title=f"{session['name']}: {session['status'].lower()}")
    for heading, style in (("Sheet", "bold"), ("Alignment", ""), ("Changes", ""), ("Overlay", "dim")):
        table.add_column(heading, style=style, overflow="fold")
    for comparison in session["comparisons"]:
        score = comparison["alignmentScore"]
        doubt = " (low confidence)" if comparison["lowConfidence"] else ""
        table.add_row(
            comparison["drawingName"],
            "—" if score is None else f"{score:.2f}{doubt}",
            comparison["errorMessage"] or str(len(comparison["changes"])),
            comparison.get("overlayFile") or "",
        )
    console.print(table)
    for comparison in session["comparisons"]:
        if comparison["changes"]:
            console.rule(comparison["drawingName"], align="left")
        for change in comparison["changes"]:
            box = change["box"]
            place = f"{box['x']},{box['y']} {box['width']}x{box['height']}"
            line = f"  {change['kind'].lower():9}{place:24}{change['description']}"
            console.print(line, markup=False, soft_wrap=True)
        if comparison["overlayUrl"]:
            console.print(f"  {comparison['overlayUrl']}", markup=False, soft_wrap=True)
    for heading, key in (("Only in the old set", "onlyInOld"), ("Only in the new set", "onlyInNew")):
        if session[key]:
            console.print(f"{heading}: {', '.join(session[key])}", markup=False)
    if session["errorMessage"]:
        console.print(session["errorMessage"], style="red", markup=False)


def parse_arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description="Compare two revisions of a drawing set.")
    parser.add_argument("--url", required=True, help="address of the server, such as http://127.0.0.1:8000")
    parser.add_argument("--login", required=True, help="email or username")
    parser.add_argument("--password", required=True)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a report")
    parser.add_argument("--out", type=Path, default=Path("overlays"), help="folder for the overlay pictures")
    parser.add_argument("old", type=Path, help="the old revision: PDF, PNG, JPEG or TIFF")
    parser.add_argument("new", type=Path, help="the new revision")
    arguments = parser.parse_args()
    for path in (arguments.old, arguments.new):
        if not path.is_file():
            parser.error(f"there is no file {path}")
    return arguments


def main() -> int:
    """Exit code 0 if the session completed, 1 if it did not or was refused."""
    arguments = parse_arguments()
    errors = Console(stderr=True)
    try:
        arguments.out.mkdir(parents=True, exist_ok=True)
        session = asyncio.run(compare(arguments, errors))
    except (Refused, TransportError, httpx.HTTPError, OSError) as error:
        errors.print(str(error) or type(error).__name__, style="red", markup=False)
        if arguments.json:
            print(json.dumps({"status": "REFUSED", "error": str(error)}))
        return 1
    if arguments.json:
        print(json.dumps(session, ensure_ascii=False))
    else:
        report(session, Console())
    return 0 if session["status"] == "COMPLETED" else 1


if __name__ == "__main__":
    sys.exit(main())

"""Build an image data set with a Seshat server: crawl a site, check the images, export and fetch them.

    build_dataset.py --url http://127.0.0.1:8000 --login ada --password … \
        --from https://birds.example/ --format IMAGEFOLDER --out birds.zip

Needs `pip install "gql[httpx,websockets]" rich`. Exit code 0 only if all went well and the package is there.
A package of several files, of WEBDATASET or PARQUET beyond 5,000 images, comes as one TAR file of them.
"""

import argparse
import asyncio
import json
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

FORMATS = ("ZIP", "TAR", "TAR_GZ", "CSV", "JSON", "IMAGEFOLDER", "COCO", "WEBDATASET", "PARQUET")
RECONNECTS = 5
"""How often in a row a lost subscription is taken up again."""

SIGN_IN = """
mutation SignIn($login: String!, $password: String!) {
  payload: userSignIn(input: { login: $login, password: $password }) {
    accessToken errors { code message path }
  }
}"""

PLAN = """
mutation Plan($input: ProjectCreateInput!) {
  payload: projectCreate(input: $input) { project { id } errors { code message path } }
}"""

CRAWL = """
mutation Crawl($input: CrawlJobCreateInput!) {
  payload: crawlJobCreate(input: $input) { job: crawlJob { id } errors { code message path } }
}"""

VALIDATE = """
mutation Validate($input: ValidationJobCreateInput!) {
  payload: validationJobCreate(input: $input) { job: validationJob { id } errors { code message path } }
}"""

EXPORT = """
mutation Export($input: ExportJobCreateInput!) {
  payload: exportJobCreate(input: $input) { job: exportJob { id } errors { code message path } }
}"""

WATCH = """
subscription Watch($id: ID!) {
  job: jobProgress(id: $id) {
    kind: __typename id phase progress errorMessage
    ... on CrawlJob { totalImages downloadedImages validImages totalChunks completedChunks failedChunks }
    ... on ValidationJob { totalImages validatedImages invalidImages }
    ... on ExportJob { totalImages exportedImages fileSize downloadUrl }
  }
}"""

LOOK = """
query Look($id: ID!) { crawlJob(id: $id) { totalImages downloadedImages validImages } }"""


class Refused(Exception):
    """The server said no; the message is for the person who asked."""


@dataclass
class Seshat:
    """A signed-in client of one server."""

    endpoint: str
    console: Console
    token: str = ""

    @property
    def authorization(self) -> dict[str, str]:
        """What says who asks, over HTTP and in a socket's first message."""
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    async def ask(self, document: str, **variables: Any) -> dict[str, Any]:
        """The data of a query or mutation. Raises Refused with the server's words."""
        transport = HTTPXAsyncTransport(self.endpoint, headers=self.authorization, timeout=60)
        async with Client(transport=transport) as session:
            try:
                request = GraphQLRequest(document, variable_values=variables)
                data: dict[str, Any] = await session.execute(request)
            except TransportQueryError as error:
                raise refusal(error) from error
        payload = data.get("payload") or {}
        if payload.get("errors"):
            raise Refused("; ".join(each["message"] for each in payload["errors"]))
        return data

    async def sign_in(self, login: str, password: str) -> None:
        """Get a token for a login."""
        self.token = (await self.ask(SIGN_IN, login=login, password=password))["payload"]["accessToken"]

    async def done(self, document: str, **input: Any) -> dict[str, Any]:
        """Ask for a job, and answer it as it is when it has succeeded. Raises Refused where it does not."""
        id = (await self.ask(document, input=input))["payload"]["job"]["id"]
        failures = 0
        with self.console.status("waiting") as status:
            while True:
                try:
                    async for job in self.connected(id):
                        failures = 0
                        status.update(f"{job['kind']}: {job['progress']} %")
                        if job["phase"] == "SUCCEEDED":
                            return job
                        if job["phase"] not in ("QUEUED", "ACTIVE"):
                            raise Refused(f"{job['kind']}: {job['errorMessage'] or job['phase'].lower()}")
                except TransportQueryError as error:
                    raise refusal(error) from error
                except (TransportError, OSError) as error:
                    failures += 1
                    if failures > RECONNECTS:
                        raise Refused(f"The connection was lost: {error}") from error
                await asyncio.sleep(min(2**failures, 15))

    async def connected(self, id: str) -> AsyncIterator[dict[str, Any]]:
        """A job each time it changes, over one socket."""
        scheme, *rest = urlsplit(self.endpoint)
        transport = WebsocketsTransport(
            urlunsplit((scheme.replace("http", "ws", 1), *rest)),
            init_payload=self.authorization,
            subprotocols=[WebsocketsTransport.GRAPHQLWS_SUBPROTOCOL],
        )
        async with Client(transport=transport) as session:
            async for answer in session.subscribe(GraphQLRequest(WATCH, variable_values={"id": id})):
                yield answer["job"]

    async def fetch(self, url: str, path: Path) -> None:
        """Save what a link leads to; the file appears when it is whole."""
        draft = path.with_name(f"{path.name}.partial")
        client = httpx.AsyncClient(timeout=300, follow_redirects=True)
        async with client, client.stream("GET", urljoin(self.endpoint, url)) as answer:
            if answer.is_error:
                raise Refused(f"{path.name}: {answer.status_code} {answer.reason_phrase}")
            with draft.open("wb") as file:
                async for chunk in answer.aiter_bytes():
                    await asyncio.to_thread(file.write, chunk)
        draft.replace(path)


def refusal(error: TransportQueryError) -> Refused:
    """What the server said."""
    return Refused("; ".join(each["message"] for each in error.errors or []))


async def build(arguments: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Crawl, check, export, fetch; gives the counts."""
    seshat = Seshat(endpoint_of(arguments.url), console)
    await seshat.sign_in(arguments.login, arguments.password)
    host = urlsplit(arguments.start).hostname or "site"
    project = (await seshat.ask(PLAN, input={"name": f"Images of {host}"}))["payload"]["project"]["id"]
    crawl = await seshat.done(
        CRAWL,
        projectId=project,
        name="".join(letter if letter.isalnum() else "-" for letter in host),
        keywords=arguments.keyword or [host],
        sources=[{"kind": "SITE", "startUrls": [arguments.start]}],
        maxImages=arguments.most,
    )
    console.print(f"crawled: {crawl['downloadedImages']} of {crawl['totalImages']} images found are stored")
    check = await seshat.done(
        VALIDATE, crawlJobId=crawl["id"], name="Check", rules={"preset": arguments.preset}
    )
    console.print(f"checked: {check['validatedImages']}, of which {check['invalidImages']} did not pass")
    export = await seshat.done(
        EXPORT, crawlJobId=crawl["id"], name=f"Images of {host}", format=arguments.format
    )
    await seshat.fetch(export["downloadUrl"], arguments.out)
    size = arguments.out.stat().st_size
    console.print(f"exported: {export['exportedImages']} images, {size:,} bytes in {arguments.out}")
    known = (await seshat.ask(LOOK, id=crawl["id"]))["crawlJob"]
    return {
        "found": known["totalImages"],
        "downloaded": known["downloadedImages"],
        "valid": known["validImages"],
        "validated": check["validatedImages"],
        "invalid": check["invalidImages"],
        "exported": export["exportedImages"],
        "format": arguments.format,
        "bytes": size,
        "file": str(arguments.out),
    }


def endpoint_of(url: str) -> str:
    """The GraphQL endpoint of a server, whose own address will do."""
    parts = urlsplit(url if "//" in url else f"http://{url}")
    return urlunsplit(parts._replace(path=parts.path if parts.path.strip("/") else "/graphql"))


def parse_arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description="Build an image data set from a web site.")
    parser.add_argument("--url", required=True, help="address of the server, such as http://127.0.0.1:8000")
    parser.add_argument("--login", required=True, help="email or username")
    parser.add_argument("--password", required=True)
    parser.add_argument("--from", dest="start", required=True, metavar="URL", help="where the crawl begins")
    parser.add_argument("--format", choices=FORMATS, default="IMAGEFOLDER")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="where the package is saved")
    parser.add_argument("--keyword", action="append", help="what the images are about; may be repeated")
    parser.add_argument("--most", type=int, default=1000, help="images to gather at most: 1000 unless told")
    presets = ("BASIC", "STANDARD", "LENIENT", "STRICT")
    parser.add_argument("--preset", choices=presets, default="STANDARD", help="rules of the check")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a report")
    arguments = parser.parse_args()
    if not arguments.out.parent.is_dir():
        parser.error(f"there is no folder {arguments.out.parent}")
    return arguments


def main() -> int:
    """Exit code 0 if the package is there, 1 if anything was refused."""
    arguments = parse_arguments()
    errors = Console(stderr=True)
    try:
        counts = asyncio.run(build(arguments, errors if arguments.json else Console()))
    except (Refused, TransportError, httpx.HTTPError, OSError) as error:
        errors.print(str(error) or type(error).__name__, style="red", markup=False)
        return 1
    if arguments.json:
        print(json.dumps(counts, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())

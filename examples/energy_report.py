"""Import a file of energy consumption into a Seshat server, have a report made, and fetch it as PDF.

    energy_report.py --url http://127.0.0.1:8000 --login ada --password … LOAD.csv --out report.pdf \\
        --industry Manufacturing --location Graz --target-year 2036 --increase 60 --budget 1200

Needs `pip install "gql[httpx,websockets]" rich`. What the profile holds already need not be said again.
Exit code 0 only if the report is there.
"""

import argparse
import asyncio
import hashlib
import json
import mimetypes
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

CHUNK = 1024 * 1024
RECONNECTS = 5
"""How often in a row a lost subscription is taken up again."""
BETWEEN_LOOKS = 0.5
"""Seconds between two looks at what a job works on."""

SIGN_IN = """
mutation SignIn($login: String!, $password: String!) {
  payload: userSignIn(input: { login: $login, password: $password }) {
    accessToken errors { code message path }
  }
}"""

ANNOUNCE = """
mutation Announce($input: UploadCreateInput!) {
  payload: uploadCreate(input: $input) {
    upload { id url headers { name value } } errors { code message path }
  }
}"""

PROFILE = """
mutation Profile($input: CompanyProfileUpdateInput!) {
  payload: companyProfileUpdate(input: $input) { errors { code message path } }
}"""

PREVIEW = """
query Preview($input: HistoricalDataPreviewInput!) {
  historicalDataPreview(input: $input) {
    timestampColumn consumptionColumn renewableColumn timestampFormat stepMinutes unit unitGuessed
  }
}"""

IMPORT = """
mutation Import($input: HistoricalDataImportInput!) {
  payload: historicalDataImport(input: $input) {
    historicalDataImport { id } errors { code message path }
  }
}"""

IMPORTED = """
query Imported($id: ID!) {
  historicalDataImport(id: $id) {
    job { status errorMessage }
    summary { firstOn lastOn readings annualKwh anomalyCount insights issues { kind count example } }
  }
}"""

GENERATE = """
mutation Generate($input: ReportGenerateInput!) {
  payload: reportGenerate(input: $input) { report { id } errors { code message path } }
}"""

WATCH = """
subscription Watch($id: ID!, $after: String) {
  event: reportProgress(id: $id, after: $after) { cursor kind step summary }
}"""

KEEP = """
mutation Keep($input: SavedReportCreateInput!) {
  payload: savedReportCreate(input: $input) { savedReport { id } errors { code message path } }
}"""

KEPT = """
query Kept($id: ID!) {
  savedReport(id: $id) { id title confidence reportData files { name format size url } }
}"""


class Refused(Exception):
    """The server said no; the message is for the person who asked."""


@dataclass
class Seshat:
    """A signed-in client of one server."""

    endpoint: str
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

    async def upload(self, path: Path) -> str:
        """Send a file; gives the upload's id."""
        size, digest = await asyncio.to_thread(measure, path)
        announced = {
            "filename": path.name,
            "mimeType": mimetypes.guess_type(path.name)[0] or "application/octet-stream",
            "size": size,
            "sha256": digest,
        }
        upload = (await self.ask(ANNOUNCE, input=announced))["payload"]["upload"]
        headers = {header["name"]: header["value"] for header in upload["headers"]}
        async with httpx.AsyncClient(timeout=300) as client:
            url = urljoin(self.endpoint, upload["url"])
            headers["Content-Length"] = str(size)
            answer = await client.put(url, content=content(path), headers=headers)
        if answer.is_error:
            raise Refused(f"{path.name}: {answer.text.strip() or answer.reason_phrase}")
        return str(upload["id"])

    async def imported(self, upload: str, mapping: dict[str, Any]) -> dict[str, Any]:
        """What past consumption says, once it is imported."""
        asked = {"uploadId": upload, "mapping": mapping or None}
        made = await self.ask(IMPORT, input=asked)
        id = made["payload"]["historicalDataImport"]["id"]
        while True:
            row = (await self.ask(IMPORTED, id=id))["historicalDataImport"]
            if row["job"]["status"] in ("FAILED", "CANCELLED"):
                raise Refused(row["job"]["errorMessage"] or "The import was cancelled.")
            if row["summary"]:
                summary: dict[str, Any] = row["summary"]
                return summary
            await asyncio.sleep(BETWEEN_LOOKS)

    async def progress(self, report: str) -> AsyncIterator[dict[str, Any]]:
        """What happens to a report, each thing once, across lost connections, until it is done."""
        failures, cursor = 0, None
        while True:
            try:
                async for event in self.connected(report, cursor):
                    failures, cursor = 0, event["cursor"]
                    yield event
                    if event["kind"] in ("COMPLETED", "FAILED"):
                        return
            except TransportQueryError as error:
                raise refusal(error) from error
            except (TransportError, OSError) as error:
                failures += 1
                if failures > RECONNECTS:
                    raise Refused(f"The connection was lost: {error}") from error
            await asyncio.sleep(min(2**failures, 15))

    async def connected(self, report: str, after: str | None) -> AsyncIterator[dict[str, Any]]:
        """The same, over one socket."""
        scheme, *rest = urlsplit(self.endpoint)
        transport = WebsocketsTransport(
            urlunsplit((scheme.replace("http", "ws", 1), *rest)),
            init_payload=self.authorization,
            subprotocols=[WebsocketsTransport.GRAPHQLWS_SUBPROTOCOL],
        )
        variables = {"id": report, "after": after}
        async with Client(transport=transport) as session:
            async for answer in session.subscribe(GraphQLRequest(WATCH, variable_values=variables)):
                yield answer["event"]

    async def reported(self, console: Console, method: str) -> str:
        """Have a report made, and print its steps; gives its id."""
        made = await self.ask(GENERATE, input={"method": method})
        id = str(made["payload"]["report"]["id"])
        async for event in self.progress(id):
            if event["kind"] == "FAILED":
                raise Refused(event["summary"] or "There is no report.")
            if event["kind"] == "STEP_COMPLETED":
                name = event["step"].replace("_", " ")
                console.print(f"  {name}: {event['summary']}", markup=False, highlight=False)
        return id

    async def kept(self, report: str) -> dict[str, Any]:
        """The saved report, once its files are there."""
        made = await self.ask(KEEP, input={"reportId": report})
        id = made["payload"]["savedReport"]["id"]
        while True:
            saved: dict[str, Any] = (await self.ask(KEPT, id=id))["savedReport"]
            if saved["files"]:
                return saved
            await asyncio.sleep(BETWEEN_LOOKS)

    async def fetch(self, url: str) -> bytes:
        """A stored file, by its signed link."""
        async with httpx.AsyncClient(timeout=300, follow_redirects=True) as client:
            answer = await client.get(urljoin(self.endpoint, url))
        if answer.is_error:
            raise Refused(f"The file cannot be fetched: {answer.reason_phrase}")
        return answer.content


def refusal(error: TransportQueryError) -> Refused:
    """What the server said."""
    return Refused("; ".join(each["message"] for each in error.errors or []))


async def content(path: Path) -> AsyncIterator[bytes]:
    """A file's bytes."""
    with path.open("rb") as file:
        while chunk := await asyncio.to_thread(file.read, CHUNK):
            yield chunk


def measure(path: Path) -> tuple[int, str]:
    """A file's size in bytes and its SHA-256 in hexadecimal."""
    with path.open("rb") as file:
        return path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest()


def endpoint_of(url: str) -> str:
    """The GraphQL endpoint of a server, whose own address will do."""
    parts = urlsplit(url if "//" in url else f"http://{url}")
    return urlunsplit(parts._replace(path=parts.path if parts.path.strip("/") else "/graphql"))


def given(arguments: argparse.Namespace, names: dict[str, str]) -> dict[str, Any]:
    """The inputs that the command line says, by their names in the contract."""
    said = {name: getattr(arguments, option) for option, name in names.items()}
    return {name: value for name, value in said.items() if value is not None}


async def report(arguments: argparse.Namespace, console: Console) -> dict[str, Any]:
    """From the file to the PDF; gives what the report says."""
    seshat = Seshat(endpoint_of(arguments.url))
    await seshat.sign_in(arguments.login, arguments.password)
    upload = await seshat.upload(arguments.file)
    mapping = given(arguments, {"unit": "unit", "timezone": "timezone"})
    asked = {"uploadId": upload, "mapping": mapping or None}
    seen = (await seshat.ask(PREVIEW, input=asked))["historicalDataPreview"]
    console.print(
        f"{arguments.file.name}: {seen['consumptionColumn']} by {seen['timestampColumn']}, "
        f"every {seen['stepMinutes']:g} minutes, in {seen['unit']}",
        markup=False,
        highlight=False,
    )
    summary = await seshat.imported(upload, mapping)
    for each in summary["insights"]:
        console.print(f"  {each}", markup=False, highlight=False)
    profile = given(arguments, PROFILED)
    if profile:
        await seshat.ask(PROFILE, input=profile)
    console.print("The report:", markup=False)
    saved = await seshat.kept(await seshat.reported(console, arguments.method))
    pdf = next(file for file in saved["files"] if file["format"] == "PDF")
    arguments.out.write_bytes(await seshat.fetch(pdf["url"]))
    console.print(f"{arguments.out}: {pdf['size']} bytes, confidence {saved['confidence']:.2f}")
    data = saved["reportData"]
    return {
        "savedReport": saved["id"],
        "confidence": saved["confidence"],
        "consumption": summary,
        "decision": data["decision"],
        "roadmap": data["roadmap"]["years"],
        "files": [file["name"] for file in saved["files"]],
    }


PROFILED = {
    "industry": "industry",
    "location": "location",
    "target_year": "targetYear",
    "increase": "renewablePercentageIncrease",
    "budget": "budget",
    "renewable": "currentRenewablePercentage",
}
"""Options that are part of the company's profile."""


def parse_arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description="From a file of energy consumption to a report as PDF.")
    parser.add_argument("--url", required=True, help="address of the server, such as http://127.0.0.1:8000")
    parser.add_argument("--login", required=True, help="email or username")
    parser.add_argument("--password", required=True)
    parser.add_argument("--out", required=True, type=Path, help="where to write the PDF")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a report")
    parser.add_argument("--industry", help="such as Manufacturing")
    parser.add_argument("--location", help="where the energy is used")
    parser.add_argument("--target-year", type=int, help="by when the transition is to be done")
    parser.add_argument("--increase", type=float, help="percentage points of renewable energy to win")
    parser.add_argument("--renewable", type=float, help="the renewable share now, in percent")
    parser.add_argument("--budget", type=float, help="what may be spent on energy in a year")
    parser.add_argument("--method", choices=("OPTIMAL", "PROPORTIONAL"), default="OPTIMAL")
    parser.add_argument("--unit", help="WH, KWH, MWH, GWH, KW or MW; guessed unless given")
    parser.add_argument("--timezone", help="of instants that do not tell theirs, such as Europe/Vienna")
    parser.add_argument("file", type=Path, help="CSV or XLSX")
    arguments = parser.parse_args()
    if not arguments.file.is_file():
        parser.error(f"there is no file {arguments.file}")
    return arguments


def main() -> int:
    """Exit code 0 if the report is there, 1 if anything was refused."""
    arguments = parse_arguments()
    errors = Console(stderr=True)
    try:
        found = asyncio.run(report(arguments, errors if arguments.json else Console()))
    except (Refused, TransportError, httpx.HTTPError, OSError) as error:
        errors.print(str(error) or type(error).__name__, style="red", markup=False)
        return 1
    if arguments.json:
        print(json.dumps(found, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Add documents to a Seshat server, ask questions about them, and print the answers with their sources.

    ask_documents.py --url http://127.0.0.1:8000 --login ada --password … GUIDE.pdf NOTES.docx --ask "Who …?"

Needs `pip install "gql[httpx,websockets]" rich`. Exit code 0 only if every document could be read and every
question was answered.
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
BETWEEN_LOOKS = 0.3
"""Seconds between two looks at a document that is being read."""

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

ADD = """
mutation Add($input: DocumentCreateInput!) {
  payload: documentCreate(input: $input) { document { id } errors { code message path } }
}"""

LOOK = """
query Look($id: ID!) { document(id: $id) { id title processingStatus errorMessage chunkCount } }"""

CONVERSE = """
mutation Converse($input: ConversationCreateInput!) {
  payload: conversationCreate(input: $input) { conversation { id } errors { code message path } }
}"""

SEND = """
mutation Send($input: MessageSendInput!) {
  payload: messageSend(input: $input) { answer { id } errors { code message path } }
}"""

WATCH = """
subscription Watch($id: ID!, $after: String) {
  event: conversationEvents(id: $id, after: $after) {
    kind: __typename
    ... on MessageCreated { cursor }
    ... on RunStep { cursor }
    ... on MessageDelta { cursor messageId text }
    ... on CitationsAdded { cursor }
    ... on MessageCompleted { cursor message { id } }
    ... on MessageFailed { cursor messageId reason }
    ... on MessageReset { cursor messageId }
  }
}"""

READ = """
query Read($id: ID!) {
  message(id: $id) {
    content model confidence lowConfidenceWarning
    citations(first: 100) {
      nodes { inlineNumber sourceName pageNumber snippet confidence textStartIndex textEndIndex }
    }
  }
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

    async def add(self, path: Path) -> str:
        """Upload a file and add it as a document; gives the document's id."""
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
        made = await self.ask(ADD, input={"uploadId": upload["id"], "title": path.name})
        return str(made["payload"]["document"]["id"])

    async def until_read(self, id: str) -> dict[str, Any]:
        """The document, once it can be searched. Raises Refused where it never will be."""
        while True:
            document: dict[str, Any] = (await self.ask(LOOK, id=id))["document"]
            if document["processingStatus"] == "COMPLETED":
                return document
            if document["processingStatus"] == "FAILED":
                raise Refused(f"{document['title']}: {document['errorMessage']}")
            await asyncio.sleep(BETWEEN_LOOKS)

    async def events(self, conversation: str) -> AsyncIterator[dict[str, Any]]:
        """What happens there, each thing once, across lost connections."""
        failures, cursor = 0, None
        while True:
            try:
                async for event in self.connected(conversation, cursor):
                    failures, cursor = 0, event["cursor"]
                    yield event
            except TransportQueryError as error:
                raise refusal(error) from error
            except (TransportError, OSError) as error:
                failures += 1
                if failures > RECONNECTS:
                    raise Refused(f"The connection was lost: {error}") from error
            await asyncio.sleep(min(2**failures, 15))

    async def connected(self, conversation: str, after: str | None) -> AsyncIterator[dict[str, Any]]:
        """The same, over one socket."""
        scheme, *rest = urlsplit(self.endpoint)
        transport = WebsocketsTransport(
            urlunsplit((scheme.replace("http", "ws", 1), *rest)),
            init_payload=self.authorization,
            subprotocols=[WebsocketsTransport.GRAPHQLWS_SUBPROTOCOL],
        )
        variables = {"id": conversation, "after": after}
        async with Client(transport=transport) as session:
            async for answer in session.subscribe(GraphQLRequest(WATCH, variable_values=variables)):
                yield answer["event"]

    async def answered(self, conversation: str, question: str, console: Console) -> dict[str, Any]:
        """The answer to a question, printed as it comes."""
        sent = await self.ask(SEND, input={"conversationId": conversation, "content": question})
        id = sent["payload"]["answer"]["id"]
        async for event in self.events(conversation):
            match event:
                case {"kind": "MessageDelta", "messageId": message, "text": text} if message == id:
                    console.print(text, end="", markup=False, highlight=False, soft_wrap=True)
                case {"kind": "MessageReset", "messageId": message} if message == id:
                    console.print("\n(once more)", style="dim")
                case {"kind": "MessageFailed", "messageId": message, "reason": reason} if message == id:
                    raise Refused(reason)
                case {"kind": "MessageCompleted", "message": {"id": message}} if message == id:
                    break
        console.print()
        message = (await self.ask(READ, id=id))["message"]
        return {
            "question": question,
            "answer": message["content"],
            "model": message["model"],
            "confidence": message["confidence"],
            "lowConfidenceWarning": message["lowConfidenceWarning"],
            "citations": [
                {
                    "number": each["inlineNumber"],
                    "source": each["sourceName"],
                    "page": each["pageNumber"],
                    "snippet": each["snippet"],
                    "confidence": each["confidence"],
                    "start": each["textStartIndex"],
                    "end": each["textEndIndex"],
                }
                for each in message["citations"]["nodes"]
            ],
        }


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


def footnotes(answer: dict[str, Any], console: Console) -> None:
    """Print where the answer's statements come from."""
    for each in answer["citations"]:
        page = f", page {each['page']}" if each["page"] is not None else ""
        line = f"  [{each['number']}] {each['source']}{page}: “{each['snippet']}”"
        console.print(line, style="dim", markup=False, highlight=False, soft_wrap=True)
    doubt = ", low" if answer["lowConfidenceWarning"] else ""
    line = f"  {answer['model'] or 'not asked'}, confidence {answer['confidence']:.2f}{doubt}"
    console.print(line, style="dim", markup=False, highlight=False)


async def converse(arguments: argparse.Namespace, console: Console) -> list[dict[str, Any]]:
    """Add the documents, ask the questions; gives the answers."""
    seshat = Seshat(endpoint_of(arguments.url))
    await seshat.sign_in(arguments.login, arguments.password)
    documents = [await seshat.add(path) for path in arguments.files]
    for id in documents:
        document = await seshat.until_read(id)
        console.print(f"{document['title']}: {document['chunkCount']} pieces", style="dim", markup=False)
    given = {"title": "Questions", "selectedDocumentIds": documents or None}
    conversation = (await seshat.ask(CONVERSE, input=given))["payload"]["conversation"]["id"]
    answers = []
    for question in arguments.ask:
        console.print(f"\n{question}", style="bold", markup=False)
        answers.append(await seshat.answered(conversation, question, console))
        footnotes(answers[-1], console)
    return answers


def endpoint_of(url: str) -> str:
    """The GraphQL endpoint of a server, whose own address will do."""
    parts = urlsplit(url if "//" in url else f"http://{url}")
    return urlunsplit(parts._replace(path=parts.path if parts.path.strip("/") else "/graphql"))


def parse_arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description="Ask documents, and see where each answer comes from.")
    parser.add_argument("--url", required=True, help="address of the server, such as http://127.0.0.1:8000")
    parser.add_argument("--login", required=True, help="email or username")
    parser.add_argument("--password", required=True)
    parser.add_argument("--json", action="store_true", help="print one JSON array instead of a report")
    parser.add_argument("--ask", action="append", required=True, metavar="QUESTION", help="may be repeated")
    parser.add_argument("files", type=Path, nargs="*", help="documents; without any, all that is known")
    arguments = parser.parse_args()
    for path in arguments.files:
        if not path.is_file():
            parser.error(f"there is no file {path}")
    return arguments


def main() -> int:
    """Exit code 0 if every question was answered, 1 if anything was refused."""
    arguments = parse_arguments()
    errors = Console(stderr=True)
    try:
        answers = asyncio.run(converse(arguments, errors if arguments.json else Console()))
    except (Refused, TransportError, httpx.HTTPError, OSError) as error:
        errors.print(str(error) or type(error).__name__, style="red", markup=False)
        return 1
    if arguments.json:
        print(json.dumps(answers, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())

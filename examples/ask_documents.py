"""Adds documents to a Seshat server, asks questions about them, and prints the answers with citations.

    ask_documents.py --url http://127.0.0.1:8000 --login ada --password … GUIDE.pdf NOTES.docx --ask "Who …?"

Requires `pip install "gql[httpx,websockets]" rich`. The exit code is 0 if all documents were processed and
all questions answered.
"""

import argparse
import asyncio
import json
import sys
from contextlib import aclosing
from pathlib import Path
from typing import Any

from rich.console import Console

from client import EXPECTED_ERRORS, MutationError, Seshat, connection_parser, existing_file, sign_in

POLL_SECONDS = 0.3
"""Polling interval while a document is processed."""

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


async def add(seshat: Seshat, path: Path) -> str:
    """Uploads a file and creates a document. Returns its ID."""
    upload = await seshat.upload(path)
    created = await seshat.execute(ADD, input={"uploadId": upload, "title": path.name})
    return str(created["payload"]["document"]["id"])


async def wait_until_processed(seshat: Seshat, id: str) -> dict[str, Any]:
    """Waits until the document is processed. Raises `MutationError` if that fails."""
    while True:
        document: dict[str, Any] = (await seshat.execute(LOOK, id=id))["document"]
        if document["processingStatus"] == "COMPLETED":
            return document
        if document["processingStatus"] == "FAILED":
            raise MutationError(f"{document['title']}: {document['errorMessage']}")
        await asyncio.sleep(POLL_SECONDS)


async def wait_for_answer(
    seshat: Seshat, conversation: str, question: str, console: Console
) -> dict[str, Any]:
    """Asks a question, prints the answer as it is streamed, and returns it."""
    sent = await seshat.execute(SEND, input={"conversationId": conversation, "content": question})
    id = sent["payload"]["answer"]["id"]
    async with aclosing(seshat.subscribe(WATCH, id=conversation)) as events:
        async for event in events:
            match event:
                case {"kind": "MessageDelta", "messageId": message, "text": text} if message == id:
                    console.print(text, end="", markup=False, highlight=False, soft_wrap=True)
                case {"kind": "MessageReset", "messageId": message} if message == id:
                    console.print("\n(restarted)", style="dim")
                case {"kind": "MessageFailed", "messageId": message, "reason": reason} if message == id:
                    raise MutationError(reason)
                case {"kind": "MessageCompleted", "message": {"id": message}} if message == id:
                    break
    console.print()
    message = (await seshat.execute(READ, id=id))["message"]
    return {
        "question": question,
        "answer": message["content"],
        "model": message["model"],
        "confidence": message["confidence"],
        "lowConfidenceWarning": message["lowConfidenceWarning"],
        "citations": [
            {
                "number": citation["inlineNumber"],
                "source": citation["sourceName"],
                "page": citation["pageNumber"],
                "snippet": citation["snippet"],
                "confidence": citation["confidence"],
                "start": citation["textStartIndex"],
                "end": citation["textEndIndex"],
            }
            for citation in message["citations"]["nodes"]
        ],
    }


def footnotes(answer: dict[str, Any], console: Console) -> None:
    """Prints the citations of an answer."""
    for citation in answer["citations"]:
        page = f", page {citation['page']}" if citation["page"] is not None else ""
        line = f"  [{citation['number']}] {citation['source']}{page}: “{citation['snippet']}”"
        console.print(line, style="dim", markup=False, highlight=False, soft_wrap=True)
    warning = ", low" if answer["lowConfidenceWarning"] else ""
    line = f"  {answer['model'] or 'no model'}, confidence {answer['confidence']:.2f}{warning}"
    console.print(line, style="dim", markup=False, highlight=False)


async def ask_questions(arguments: argparse.Namespace, console: Console) -> list[dict[str, Any]]:
    """Adds the documents, asks the questions, and returns the answers."""
    seshat = await sign_in(arguments)
    documents = [await add(seshat, path) for path in arguments.files]
    for id in documents:
        document = await wait_until_processed(seshat, id)
        console.print(f"{document['title']}: {document['chunkCount']} chunks", style="dim", markup=False)
    input = {"title": "Questions", "selectedDocumentIds": documents or None}
    conversation = (await seshat.execute(CONVERSE, input=input))["payload"]["conversation"]["id"]
    answers = []
    for question in arguments.ask:
        console.print(f"\n{question}", style="bold", markup=False)
        answers.append(await wait_for_answer(seshat, conversation, question, console))
        footnotes(answers[-1], console)
    return answers


def parse_arguments() -> argparse.Namespace:
    """The command-line arguments."""
    parser = connection_parser("Ask questions about documents, and print the answers with citations.")
    parser.add_argument(
        "--ask", action="append", required=True, metavar="QUESTION", help="question to ask; can be repeated"
    )
    parser.add_argument(
        "files", type=existing_file, nargs="*", help="documents to add; default: search all documents"
    )
    return parser.parse_args()


def main() -> int:
    """Exit code 0 if every question was answered, else 1."""
    arguments = parse_arguments()
    errors = Console(stderr=True)
    try:
        answers = asyncio.run(ask_questions(arguments, errors if arguments.json else Console()))
    except EXPECTED_ERRORS as error:
        errors.print(str(error) or type(error).__name__, style="red", markup=False)
        return 1
    if arguments.json:
        print(json.dumps(answers, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())

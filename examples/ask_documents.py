"""Add documents to a Seshat server, ask questions about them, and print the answers with their sources.

    ask_documents.py --url http://127.0.0.1:8000 --login ada --password … GUIDE.pdf NOTES.docx --ask "Who …?"

Needs `pip install "gql[httpx,websockets]" rich`. Exit code 0 only if every document could be read and every
question was answered.
"""

import argparse
import asyncio
import json
import sys
from contextlib import aclosing
from pathlib import Path
from typing import Any

from rich.console import Console

from client import TROUBLE, MutationError, Seshat, connection, existing_file, signed_in

BETWEEN_LOOKS = 0.3
"""Seconds between two looks at a document that is being read."""

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
    """Upload a file and add it as a document; gives the document's id."""
    upload = await seshat.upload(path)
    made = await seshat.ask(ADD, input={"uploadId": upload, "title": path.name})
    return str(made["payload"]["document"]["id"])


async def until_read(seshat: Seshat, id: str) -> dict[str, Any]:
    """The document, once it can be searched. Raises Refused where it never will be."""
    while True:
        document: dict[str, Any] = (await seshat.ask(LOOK, id=id))["document"]
        if document["processingStatus"] == "COMPLETED":
            return document
        if document["processingStatus"] == "FAILED":
            raise MutationError(f"{document['title']}: {document['errorMessage']}")
        await asyncio.sleep(BETWEEN_LOOKS)


async def wait_for_answer(
    seshat: Seshat, conversation: str, question: str, console: Console
) -> dict[str, Any]:
    """The answer to a question, printed as it comes."""
    sent = await seshat.ask(SEND, input={"conversationId": conversation, "content": question})
    id = sent["payload"]["answer"]["id"]
    async with aclosing(seshat.watch(WATCH, id=conversation)) as events:
        async for event in events:
            match event:
                case {"kind": "MessageDelta", "messageId": message, "text": text} if message == id:
                    console.print(text, end="", markup=False, highlight=False, soft_wrap=True)
                case {"kind": "MessageReset", "messageId": message} if message == id:
                    console.print("\n(once more)", style="dim")
                case {"kind": "MessageFailed", "messageId": message, "reason": reason} if message == id:
                    raise MutationError(reason)
                case {"kind": "MessageCompleted", "message": {"id": message}} if message == id:
                    break
    console.print()
    message = (await seshat.ask(READ, id=id))["message"]
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
    seshat = await signed_in(arguments)
    documents = [await add(seshat, path) for path in arguments.files]
    for id in documents:
        document = await until_read(seshat, id)
        console.print(f"{document['title']}: {document['chunkCount']} pieces", style="dim", markup=False)
    input = {"title": "Questions", "selectedDocumentIds": documents or None}
    conversation = (await seshat.ask(CONVERSE, input=input))["payload"]["conversation"]["id"]
    answers = []
    for question in arguments.ask:
        console.print(f"\n{question}", style="bold", markup=False)
        answers.append(await wait_for_answer(seshat, conversation, question, console))
        footnotes(answers[-1], console)
    return answers


def parse_arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = connection("Ask documents, and see where each answer comes from.")
    parser.add_argument("--ask", action="append", required=True, metavar="QUESTION", help="may be repeated")
    parser.add_argument(
        "files", type=existing_file, nargs="*", help="documents; without any, all that is known"
    )
    return parser.parse_args()


def main() -> int:
    """Exit code 0 if every question was answered, 1 if anything was refused."""
    arguments = parse_arguments()
    errors = Console(stderr=True)
    try:
        answers = asyncio.run(converse(arguments, errors if arguments.json else Console()))
    except TROUBLE as error:
        errors.print(str(error) or type(error).__name__, style="red", markup=False)
        return 1
    if arguments.json:
        print(json.dumps(answers, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())

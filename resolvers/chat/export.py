"""Conversations as Markdown, with what their answers cite as footnotes."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select

from db.arrays import any_id
from db.models import Citation, Conversation, Message, MessageRole, MessageState
from db.uow import UnitOfWork
from resolvers import access
from resolvers.access import Viewer

DEFAULT_TITLE = "Conversation"
TIMESTAMP_FORMAT = "%Y-%m-%d %H:%M UTC"
STATE_NOTES = {
    MessageState.STREAMING: "*Still being written.*",
    MessageState.STOPPED: "*Stopped here.*",
    MessageState.FAILED: "*There is no more of this answer.*",
}


@dataclass(frozen=True)
class Export:
    """A file of text."""

    filename: str
    content: str


async def markdown(uow: UnitOfWork, viewer: Viewer, id: UUID) -> Export:
    """The whole conversation, in the order in which it was said; `NotFound` where it is out of sight."""
    conversation = await access.find(uow, viewer, Conversation, id)
    said = select(Message).where(Message.conversation_id == id)
    messages = await uow.all(said.order_by(Message.created_at, Message.id))
    cited = select(Citation).where(Citation.message_id == any_id([each.id for each in messages]))
    citations: dict[UUID, list[Row[Any]]] = defaultdict(list)
    order = Citation.text_end_index.nulls_last(), Citation.source_index, Citation.id
    for citation in await uow.all(cited.order_by(*order)):
        citations[citation.message_id].append(citation)
    title = collapse_whitespace(conversation.title or DEFAULT_TITLE)
    parts = [f"# {escape_footnotes(title)}", f"Begun {conversation.created_at.strftime(TIMESTAMP_FORMAT)}."]
    numbers = {each.id: number for number, each in enumerate(messages, 1)}
    notes = count(1)
    for message in messages:
        parts += message_blocks(message, numbers, citations[message.id], notes)
    return Export(f"{safe_filename(title)}.md", "\n\n".join(parts) + "\n")


def message_blocks(
    message: Row[Any], numbers: dict[UUID, int], citations: Sequence[Row[Any]], notes: Iterator[int]
) -> Iterator[str]:
    """A message's heading, its text, and its footnotes; `notes` counts those of the whole export."""
    numbered = [(next(notes), citation) for citation in citations]
    yield heading(message, numbers)
    if message.role is MessageRole.USER:
        yield "\n".join(f"> {line}".rstrip() for line in escape_footnotes(message.content).splitlines())
    elif message.content:
        yield add_footnotes(message.content, numbered)
    if message.state in STATE_NOTES:
        yield STATE_NOTES[message.state]
    if numbered:
        yield "\n".join(f"[^{number}]: {format_citation(citation)}" for number, citation in numbered)


def heading(message: Row[Any], numbers: dict[UUID, int]) -> str:
    """The message's number, who speaks, what it follows, and when that was."""
    follows = numbers.get(message.parent_message_id)
    words = {MessageRole.USER: ("Question", "after"), MessageRole.ASSISTANT: ("Answer", "to")}
    name, link = words.get(message.role, ("Note", "after"))
    after = f" {link} {follows}" if follows else ""
    model = f", by {escape_footnotes(message.model)}" if message.model else ""
    return f"## {numbers[message.id]}. {name}{after}{model}, {message.created_at.strftime(TIMESTAMP_FORMAT)}"


def add_footnotes(content: str, numbered: Sequence[tuple[int, Row[Any]]]) -> str:
    """The text with a mark where each cited statement ends; offsets count code points, as strings here do."""
    pieces, begin = [], 0
    for number, citation in numbered:
        end = len(content) if citation.text_end_index is None else citation.text_end_index
        pieces.append(f"{escape_footnotes(content[begin:end])}[^{number}]")
        begin = max(begin, end)
    return "".join(pieces) + escape_footnotes(content[begin:])


def format_citation(citation: Row[Any]) -> str:
    """What is cited, in one line."""
    page = f", page {citation.page_number}" if citation.page_number is not None else ""
    snippet = f": “{escape_footnotes(collapse_whitespace(citation.snippet))}”" if citation.snippet else ""
    return f"{escape_footnotes(collapse_whitespace(citation.source_name or 'Unknown document'))}{page}{snippet}"


def escape_footnotes(text: str) -> str:
    """Text whose own brackets are no footnotes."""
    return text.replace("[^", "\\[^")


def collapse_whitespace(text: str) -> str:
    """Text without line breaks."""
    return " ".join(text.split())


def safe_filename(title: str) -> str:
    """A title as a file's name: letters, digits, spaces, hyphens and underscores, 80 at most."""
    return re.sub(r"[^\w -]+", "", title)[:80].strip() or DEFAULT_TITLE

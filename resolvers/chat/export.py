"""Markdown export of conversations, with citations as footnotes."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from uuid import UUID

from sqlalchemy import select

from core.markup import neutral_text
from db.arrays import any_id
from db.models import Citation, Conversation, Message, MessageRole, MessageState
from db.uow import UnitOfWork
from resolvers import access
from resolvers.access import Viewer

DEFAULT_TITLE = "Conversation"
TIMESTAMP_FORMAT = "%Y-%m-%d %H:%M UTC"
INLINE_NUMBER = re.compile(r"^\[(?P<first>\d+)\][ \t]*|[ \t]*\[(?P<number>\d+)\]", re.MULTILINE)
TRUNCATION_NOTE = "*This answer was cut off at the maximum length.*"
STATE_NOTES = {
    MessageState.STREAMING: "*This answer is still being generated.*",
    MessageState.STOPPED: "*This answer was stopped.*",
    MessageState.FAILED: "*This answer failed.*",
}


@dataclass(frozen=True)
class Export:
    """A text file."""

    filename: str
    content: str


async def markdown(uow: UnitOfWork, viewer: Viewer, id: UUID) -> Export:
    """The whole conversation in chronological order. Raises `NotFound` if the viewer cannot see it."""
    conversation = await access.find(uow, viewer, Conversation, id)
    statement = select(Message).where(Message.conversation_id == id)
    messages = await uow.all(statement.order_by(Message.created_at, Message.id))
    cited = select(Citation).where(Citation.message_id == any_id([message.id for message in messages]))
    citations: dict[UUID, list[Citation]] = defaultdict(list)
    order = Citation.text_end_index.nulls_last(), Citation.source_index, Citation.id
    for citation in await uow.all(cited.order_by(*order)):
        citations[citation.message_id].append(citation)
    title = collapse_whitespace(conversation.title or DEFAULT_TITLE)
    parts = [f"# {escape_markup(title)}", f"Started {conversation.created_at.strftime(TIMESTAMP_FORMAT)}."]
    numbers = {message.id: number for number, message in enumerate(messages, 1)}
    notes = count(1)
    for message in messages:
        parts += message_blocks(message, numbers, citations[message.id], notes)
    return Export(f"{safe_filename(title)}.md", "\n\n".join(parts) + "\n")


def message_blocks(
    message: Message, numbers: dict[UUID, int], citations: Sequence[Citation], notes: Iterator[int]
) -> Iterator[str]:
    """A message's heading, text and footnotes; `notes` numbers the footnotes of the whole export."""
    numbered = [(next(notes), citation) for citation in citations]
    yield heading(message, numbers)
    if message.role is MessageRole.USER:
        yield "\n".join(f"> {line}".rstrip() for line in escape_markup(message.content).splitlines())
    elif message.content:
        yield add_footnotes(message.content, numbered)
    if message.state in STATE_NOTES:
        yield STATE_NOTES[message.state]
    if (message.message_metadata or {}).get("truncated"):
        yield TRUNCATION_NOTE
    if numbered:
        yield "\n".join(f"[^{number}]: {format_citation(citation)}" for number, citation in numbered)


def heading(message: Message, numbers: dict[UUID, int]) -> str:
    """The message's number, role, parent, model and time."""
    parent = message.parent_message_id and numbers.get(message.parent_message_id)
    labels = {MessageRole.USER: ("Question", "after"), MessageRole.ASSISTANT: ("Answer", "to")}
    name, link = labels.get(message.role, ("Note", "after"))
    after = f" {link} {parent}" if parent else ""
    model = f", by {escape_markup(message.model)}" if message.model else ""
    return f"## {numbers[message.id]}. {name}{after}{model}, {message.created_at.strftime(TIMESTAMP_FORMAT)}"


def add_footnotes(content: str, numbered: Sequence[tuple[int, Citation]]) -> str:
    """The text with a footnote mark at the end of each cited statement in place of its number; offsets count
    code points.
    """
    inline_numbers = {str(citation.inline_number) for _, citation in numbered}

    def unnumbered(text: str) -> str:
        return INLINE_NUMBER.sub(
            lambda match: "" if (match["first"] or match["number"]) in inline_numbers else match.group(), text
        )

    parts, start = [], 0
    for number, citation in numbered:
        end = len(content) if citation.text_end_index is None else citation.text_end_index
        parts.append(f"{escape_markup(unnumbered(content[start:end]))}[^{number}]")
        start = max(start, end)
    return "".join(parts) + escape_markup(unnumbered(content[start:]))


def format_citation(citation: Citation) -> str:
    """The source, page and snippet in one line."""
    page = f", page {citation.page_number}" if citation.page_number is not None else ""
    snippet = f": “{escape_markup(collapse_whitespace(citation.snippet))}”" if citation.snippet else ""
    return f"{escape_markup(collapse_whitespace(citation.source_name or 'Unknown document'))}{page}{snippet}"


def escape_markup(text: str) -> str:
    """Text with its HTML, links and images in neutral form, and Markdown footnote marks escaped."""
    return neutral_text(text).replace("[^", "\\[^")


def collapse_whitespace(text: str) -> str:
    """Text in one line."""
    return " ".join(text.split())


def safe_filename(title: str) -> str:
    """A title as a file name: at most 80 letters, digits, spaces, hyphens and underscores."""
    return re.sub(r"[^\w -]+", "", title)[:80].strip() or DEFAULT_TITLE

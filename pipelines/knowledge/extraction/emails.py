"""Text extraction from e-mails: headers, body, and attachments by the readers of their types."""

import email
from collections.abc import Callable, Iterator
from email.message import MIMEPart
from email.policy import default
from pathlib import Path

from core.errors import DomainError, Invalid, UnsupportedContent
from core.text_decoding import decode
from core.working_folders import working_folder
from pipelines.knowledge.extraction.html import html_page
from pipelines.knowledge.extraction.pages import Limits, Page, PageBuilder

MAX_DEPTH = 3
"""E-mails within e-mails."""
MAX_ATTACHMENTS = 100
MAX_BYTES = 100 * 2**20
HEADERS = ("From", "To", "Cc", "Date")

ReadAttachment = Callable[[Path, str, Limits], list[Page]]
"""Reads an attachment with this name. Raises `DomainError`."""


class EmailReader:
    """Reads an e-mail with its attachments into one page."""

    def __init__(self, limits: Limits, read_attachment: ReadAttachment) -> None:
        self._limits, self._read_attachment = limits, read_attachment
        self._composer = PageBuilder()
        self._attachments = self._bytes = 0

    def read(self, path: Path) -> Iterator[Page]:
        """The e-mail as one page. Raises `Invalid` if it has no headers."""
        if path.stat().st_size > MAX_BYTES:
            raise UnsupportedContent(f"The e-mail must be at most {MAX_BYTES >> 20} MB.")
        message = email.message_from_bytes(path.read_bytes(), policy=default)
        if not any(name in message for name in ("Subject", *HEADERS)):
            raise Invalid("The file is not an e-mail: it has no headers.")
        self._read_message(message, 1)
        yield self._composer.page()

    def _read_message(self, message: MIMEPart, depth: int) -> None:
        self._composer.add(_header(message, "Subject"), level=1)
        self._composer.add_lines(f"{name}: {text}" for name in HEADERS if (text := _header(message, name)))
        body = self._body(message)
        if body is not None:
            self._add_body(body)
        for part in _leaves(message):
            if part is not body and not (body is not None and _is_alternative(part, message)):
                self._add_part(part, depth)

    def _body(self, message: MIMEPart) -> MIMEPart | None:
        """The richest version of the body that has text."""
        for preference in ("html", "plain"):
            body = message.get_body(preferencelist=(preference,))
            if body is not None and _content(body).strip():
                return body
        return None

    def _add_body(self, body: MIMEPart) -> None:
        content = _content(body)
        if body.get_content_type() == "text/html":
            try:
                self._composer.add_page(html_page(content, body.get_content_charset()))
            except Invalid:
                self._composer.warn("The text of the e-mail is damaged and was not read.")
        else:
            self._composer.add(_decode(body, content))

    def _add_part(self, part: MIMEPart, depth: int) -> None:
        """An attachment, as a section headed by its name."""
        name = " ".join((part.get_filename() or "").split())
        self._attachments += 1
        if self._attachments > MAX_ATTACHMENTS:
            self._composer.warn(f"Only the first {MAX_ATTACHMENTS} attachments were read.")
            return
        if part.get_content_type() == "message/rfc822":
            for inner in part.iter_parts():
                self._read_nested(inner, depth)
            return
        content = _content(part)
        if not name and part.get_content_type() in ("text/plain", "text/html"):
            if content.strip():
                self._add_body(part)
            return
        self._bytes += len(content)
        if self._bytes > self._limits.unpacked_bytes:
            self._warn(name, f"The attachments are larger than {self._limits.unpacked_bytes >> 20} MB.")
        elif not content.strip():
            self._warn(name, "It is empty.")
        else:
            self._read_file(name, content, depth)

    def _read_file(self, name: str, content: bytes, depth: int) -> None:
        if name.lower().endswith(".eml"):
            self._read_nested(email.message_from_bytes(content, policy=default), depth)
            return
        with working_folder() as folder:
            path = Path(folder) / "attachment"
            path.write_bytes(content)
            try:
                pages = self._read_attachment(path, name, self._limits)
            except DomainError as error:
                self._warn(name, str(error))
                return
        self._composer.add(name, level=1)
        for page in pages:
            self._composer.add_page(page)
            if page.scanned:
                self._warn(name, f"Page {page.number} is scanned.")

    def _read_nested(self, message: MIMEPart, depth: int) -> None:
        if depth >= MAX_DEPTH:
            self._composer.warn(f"E-mails nested more than {MAX_DEPTH} deep were not read.")
        else:
            self._read_message(message, depth + 1)

    def _warn(self, name: str, reason: str) -> None:
        self._composer.warn(f"The attachment {name or 'without a name'} was not read: {reason}")


def _header(message: MIMEPart, name: str) -> str:
    """A header as text; empty if it is missing or damaged."""
    try:
        return " ".join(str(message.get(name, "")).split())
    except (ValueError, IndexError, AttributeError, TypeError, LookupError):
        return ""


def _leaves(message: MIMEPart) -> Iterator[MIMEPart]:
    """The parts that hold content; nested e-mails are not opened."""
    if message.get_content_type() == "message/rfc822" or not message.is_multipart():
        yield message
        return
    for part in message.iter_parts():
        yield from _leaves(part)


def _is_alternative(part: MIMEPart, message: MIMEPart) -> bool:
    """Whether a part is another version of the body."""
    if part.get_filename() or part.get_content_disposition() == "attachment":
        return False
    return any(part is message.get_body(preferencelist=(kind,)) for kind in ("plain", "html"))


def _content(part: MIMEPart) -> bytes:
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def _decode(part: MIMEPart, content: bytes) -> str:
    """The text of a part, in the encoding that it declares if its bytes agree."""
    try:
        return content.decode(part.get_content_charset("utf-8"))
    except (LookupError, UnicodeError):
        return decode(content)

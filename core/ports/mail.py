"""Outgoing mail."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Mail:
    """A mail. `key` is the same whenever it is sent again."""

    key: str
    to: str
    subject: str
    text: str
    html: str


class MailUnavailable(ConnectionError):
    """The mail server cannot be reached, or asks to try later. A transient error."""


class MailRefused(Exception):
    """The mail server refuses the mail for good. The message is a status code."""


class Mailer(Protocol):
    """Sends mails. Raises `MailUnavailable` or `MailRefused`."""

    async def send(self, mail: Mail) -> None: ...

"""Outgoing mail: an SMTP server, or a folder."""

from core.ports import Mailer
from core.settings import Settings
from providers.mail.outbox import OutboxFolder
from providers.mail.smtp import SmtpServer

__all__ = ["OutboxFolder", "SmtpServer", "open_mailer"]


def open_mailer(settings: Settings) -> Mailer:
    """The mailer of `SMTP_URL`, or the data folder's outbox."""
    if settings.smtp_url is None:
        return OutboxFolder(settings.data / "outbox", settings.mail_from)
    return SmtpServer(settings.smtp_url, settings.mail_from)

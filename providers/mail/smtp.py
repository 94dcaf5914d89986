"""Mail by an SMTP server, with the client of the standard library in a thread."""

import asyncio
import smtplib
import ssl
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from pydantic import SecretStr

from core.ports import Mail, MailRefused, MailUnavailable
from providers.mail.messages import message_of

TIMEOUT_SECONDS = 30
PERMANENT = 500
"""Lowest status code of refusals that time does not cure."""


@dataclass(frozen=True)
class SmtpServer:
    """An SMTP server at a URL."""

    url: SecretStr
    sender: str

    async def send(self, mail: Mail) -> None:
        """Sends the mail. Passwords are sent over TLS only, with a certificate that is verified."""
        try:
            await asyncio.to_thread(self._send, mail)
        except smtplib.SMTPRecipientsRefused as error:
            code = max((status for status, _ in error.recipients.values()), default=PERMANENT)
            raise _refusal(code) from None
        except smtplib.SMTPResponseException as error:
            raise _refusal(error.smtp_code) from None
        except smtplib.SMTPNotSupportedError:
            raise MailRefused("the server does not support STARTTLS or signing in") from None
        except (smtplib.SMTPException, OSError) as error:
            raise MailUnavailable(type(error).__name__) from None

    def _send(self, mail: Mail) -> None:
        parts = urlsplit(self.url.get_secret_value())
        host, trust = parts.hostname or "", ssl.create_default_context()
        client: smtplib.SMTP
        if parts.scheme == "smtps":
            client = smtplib.SMTP_SSL(host, parts.port or 465, timeout=TIMEOUT_SECONDS, context=trust)
        else:
            client = smtplib.SMTP(host, parts.port or 587, timeout=TIMEOUT_SECONDS)
        with client:
            client.ehlo_or_helo_if_needed()
            if parts.scheme == "smtp" and (parts.username or client.has_extn("starttls")):
                client.starttls(context=trust)
            if parts.username:
                client.login(unquote(parts.username), unquote(parts.password or ""))
            client.send_message(message_of(mail, self.sender))


def _refusal(code: int) -> Exception:
    if code >= PERMANENT:
        return MailRefused(f"the mail server answered {code}")
    return MailUnavailable(f"the mail server answered {code}")

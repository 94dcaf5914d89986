"""Mail by SMTP: what reaches the server, and which of its answers time may cure."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
import pytest_asyncio
from pydantic import SecretStr

from core.ports import Mail, MailRefused, MailUnavailable
from core.settings import Settings, SettingsError, load_settings
from pipelines.mail.texts import compose
from providers.mail import SmtpServer, open_mailer
from resolvers.identity.mails import MailFacts

MAIL = Mail("key", "ada@test.example", "Grüße", "Plain ü\n", "<p>HTML ü</p>\n")


@dataclass
class FakeServer:
    """An SMTP server that answers a recipient with `status`."""

    status: int = 250
    received: list[str] = field(default_factory=list)
    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Talks with one client."""
        writer.write(b"220 fake\r\n")
        is_data = False
        while line := (await reader.readline()).decode():
            self.received.append(line.rstrip("\r\n"))
            if is_data and line != ".\r\n":
                continue
            command = line[:4].upper()
            if command == "DATA":
                is_data = True
                writer.write(b"354 go on\r\n")
            elif command == "RCPT":
                writer.write(f"{self.status} answer\r\n".encode())
            else:
                is_data = False
                writer.write(b"250 ok\r\n" if command != "QUIT" else b"221 bye\r\n")
        writer.close()


@pytest_asyncio.fixture
async def server() -> AsyncIterator[FakeServer]:
    """A server without TLS."""
    fake = FakeServer()
    listening = await asyncio.start_server(fake.serve, "127.0.0.1", 0)
    fake.port = listening.sockets[0].getsockname()[1]
    yield fake
    listening.close()


def mailer(server: FakeServer, credentials: str = "") -> SmtpServer:
    """The mailer of the server."""
    return SmtpServer(SecretStr(f"smtp://{credentials}127.0.0.1:{server.port}"), "Us <us@test.example>")


async def test_a_mail_reaches_the_server_as_text_and_html(server: FakeServer) -> None:
    await mailer(server).send(MAIL)

    received = "\n".join(server.received)
    for part in (
        "rcpt TO:<ada@test.example>",
        "From: Us <us@test.example>",
        "Message-ID: <key@test.example>",
        "Content-Type: multipart/alternative",
        "Plain =C3=BC",
        "<p>HTML =C3=BC</p>",
    ):
        assert part in received


@pytest.mark.parametrize(("status", "error"), [(450, MailUnavailable), (550, MailRefused)])
async def test_refusals_are_for_good_or_for_now(
    server: FakeServer, status: int, error: type[Exception]
) -> None:
    server.status = status

    with pytest.raises(error, match=str(status)):
        await mailer(server).send(MAIL)


async def test_a_password_is_never_sent_without_tls(server: FakeServer) -> None:
    with pytest.raises(MailRefused):
        await mailer(server, "user:hunter2@").send(MAIL)

    assert not [line for line in server.received if line.upper().startswith("AUTH")]


async def test_a_server_that_is_away_is_tried_again() -> None:
    with pytest.raises(MailUnavailable):
        await SmtpServer(SecretStr("smtp://127.0.0.1:9"), "us@test.example").send(MAIL)


def test_the_settings_choose_the_server() -> None:
    assert isinstance(open_mailer(load_settings({"smtp_url": "smtps://host"})), SmtpServer)
    with pytest.raises(SettingsError, match="SMTP_URL: must start with"):
        load_settings({"smtp_url": "http://host"})
    with pytest.raises(SettingsError, match="REGISTRATION=domains requires REGISTRATION_DOMAINS"):
        load_settings({"registration": "domains"})


def test_links_begin_with_the_configured_address_and_names_are_escaped() -> None:
    facts = MailFacts("invitation", "ada@test.example", "t", "A <b>\r\nBcc: x", "<i>")

    mail = compose(Settings(public_url="https://seshat.example"), "key", facts)

    assert "https://seshat.example/account/invitation#token=t" in mail.text
    assert "&lt;i&gt;" in mail.html
    assert "<b>" not in mail.html
    assert mail.subject == "Invitation to A <b> Bcc: x"
    own = Settings(account_url="https://app.example/me/")
    assert "https://app.example/me/invitation#token=t" in compose(own, "key", facts).text

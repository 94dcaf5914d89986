"""Texts of mails about accounts."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from core.ports import Mail
from core.settings import Settings
from resolvers.identity.mails import MailFacts

IGNORE = "If this was not you, you need not do anything: nothing has changed."
NOT_YOU = "If this was not you, request a new password at once and tell your administrator."


@dataclass(frozen=True)
class Text:
    """What a mail says. `page` is the page that its link leads to, with `action` as its label."""

    subject: str
    paragraphs: Sequence[str]
    page: str | None = None
    action: str = ""
    closing: str = ""


def text_of(facts: MailFacts) -> Text:
    """The text of a kind of mail. Raises `KeyError` for an unknown kind."""
    if facts.kind == "invitation":
        return _invitation(facts)
    return TEXTS[facts.kind]


TEXTS = {
    "password_reset": Text(
        "Reset your password",
        ("Somebody has requested a new password for your account. The link works once, within an hour.",),
        "password-reset",
        "Choose a new password",
        IGNORE,
    ),
    "email_verification": Text(
        "Confirm your email address",
        ("Confirm that this address is yours. The link works once, within a day.",),
        "email-verification",
        "Confirm the address",
        IGNORE,
    ),
    "password_changed": Text(
        "Your password was changed",
        ("The password of your account was changed, and all of your sessions were ended.",),
        closing=NOT_YOU,
    ),
    "email_changed": Text(
        "Your email address was changed",
        ("Your account has another email address now. This one can no longer be used to sign in.",),
        closing=NOT_YOU,
    ),
    "registration_approved": Text(
        "Your registration was approved", ("You can sign in now with the password that you have chosen.",)
    ),
}


def _invitation(facts: MailFacts) -> Text:
    by = f"{facts.inviter} invites you" if facts.inviter else "You are invited"
    subject, invited = f"Invitation to {facts.company}", f"{by} to {facts.company}."
    if facts.has_account:
        hint = "This address has an account already, and an account belongs to one company. Ask for an "
        return Text(subject, (invited, f"{hint}invitation to another address."))
    return Text(subject, (invited, "The link works once."), "invitation", "Accept the invitation")


def compose(settings: Settings, key: str, facts: MailFacts) -> Mail:
    """The mail, as plain text and as HTML."""
    text = text_of(facts)
    link = link_to(settings, text.page, facts.token) if text.page and facts.token else None
    lines = [*text.paragraphs, *([f"{text.action}:\n{link}"] if link else []), text.closing]
    body = "".join(f"<p>{escape(paragraph)}</p>\n" for paragraph in text.paragraphs)
    if link:
        body += f'<p><a href="{escape(link)}">{escape(text.action)}</a></p>\n<p>{escape(link)}</p>\n'
    if text.closing:
        body += f"<p>{escape(text.closing)}</p>\n"
    html = f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><body>\n{body}</body></html>\n'
    subject = " ".join(text.subject.split())
    return Mail(key, facts.address, subject, "\n\n".join(filter(None, lines)) + "\n", html)


def link_to(settings: Settings, page: str, token: str) -> str:
    """A link to an account page. The token is in the fragment, which no server or proxy receives or logs."""
    base = settings.account_url
    if base is None:
        base = (settings.public_url or f"http://{settings.host}:{settings.port}") + "/account"
    return f"{base}/{page}#token={token}"

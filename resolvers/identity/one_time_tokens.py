"""One-time tokens that are sent by mail: of password resets, of email addresses and of invitations.

A token is computed from its ID and the secret key of the installation. Neither the row, which holds a digest,
nor the job that sends the mail contains it.
"""

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import func, insert, select, update

from core.errors import Invalid
from core.settings import Settings
from db.ids import new_id
from db.models import OneTimeToken, TokenPurpose
from db.uow import UnitOfWork

PATH = ("input", "token")
NOT_VALID = "This token is not valid. It may have expired or been used. Request a new one."

MAX_MAILS_PER_HOUR = 5
"""Mails with tokens of one purpose to one address."""

TOKEN_TTL = {
    TokenPurpose.PASSWORD_RESET: timedelta(hours=1),
    TokenPurpose.EMAIL_VERIFICATION: timedelta(days=1),
}


def token_of(settings: Settings, kind: str, id: UUID) -> str:
    """The token of an ID: 256 bits that nobody can compute without the secret key."""
    key = hashlib.sha256(b"one-time tokens\0" + settings.secret().encode()).digest()
    mac = hmac.digest(key, f"{kind}\0{id}".encode(), "sha256")
    return base64.urlsafe_b64encode(mac).decode().rstrip("=")


def digest(token: str) -> bytes:
    """What is stored of a token."""
    return hashlib.sha256(token.strip().encode(errors="replace")).digest()


async def issue(
    uow: UnitOfWork, settings: Settings, purpose: TokenPurpose, email: str, user_id: UUID | None = None
) -> UUID | None:
    """Insert a token for an address; returns its ID, or None if the address has had too many mails."""
    await uow.execute(select(func.pg_advisory_xact_lock(func.hashtextextended("mail " + email, 0))))
    now = datetime.now(UTC)
    recent = select(func.count()).where(
        OneTimeToken.email == email,
        OneTimeToken.purpose == purpose,
        OneTimeToken.created_at > now - timedelta(hours=1),
    )
    if await uow.scalar(recent) >= MAX_MAILS_PER_HOUR:
        return None
    id = new_id()
    values = {
        "id": id,
        "purpose": purpose,
        "email": email,
        "user_id": user_id,
        "digest": digest(token_of(settings, purpose.value, id)),
        "expires_at": now + TOKEN_TTL[purpose],
    }
    await uow.execute(insert(OneTimeToken).values(values))
    return id


async def find(uow: UnitOfWork, purpose: TokenPurpose, token: str) -> OneTimeToken:
    """The row of a valid token, locked. Raises `Invalid` for any other, without a reason."""
    row = await uow.first(
        select(OneTimeToken)
        .where(OneTimeToken.digest == digest(token), OneTimeToken.purpose == purpose)
        .with_for_update()
    )
    if row is None or row.used_at is not None or row.expires_at <= datetime.now(UTC):
        raise Invalid(NOT_VALID, *PATH)
    return row


async def use(uow: UnitOfWork, row: OneTimeToken) -> None:
    """End the token, and all others of its purpose for the address."""
    others = OneTimeToken.email == row.email, OneTimeToken.purpose == row.purpose
    statement = update(OneTimeToken).where(*others, OneTimeToken.used_at.is_(None))
    await uow.execute(statement.values(used_at=datetime.now(UTC)))

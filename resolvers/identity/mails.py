"""Mails about accounts: the job that sends one, and what it needs to know."""

from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar
from uuid import UUID

from sqlalchemy import select

from core.settings import Settings
from db.database import Database
from db.models import (
    Company,
    CompanyKind,
    Invitation,
    OneTimeToken,
    ProcessingJobType,
    TokenPurpose,
    User,
    UserStatus,
)
from db.queue import Job
from db.uow import UnitOfWork
from resolvers.identity import one_time_tokens
from resolvers.identity.one_time_tokens import token_of
from resolvers.jobs import start_processing

SUBJECT = "mail"
INVITATION = "invitation"
NOTICES = ("password_changed", "email_changed", "registration_approved")


@dataclass(frozen=True)
class SendMail(Job):
    """Send a mail about an account. `id` is that of a token, of an invitation, or of the user of a notice.

    `address` is where a notice goes if that is not the user's current address. No secret is stored in a job.
    """

    kind: str
    id: UUID
    address: str | None = None
    queue: ClassVar[str] = "upkeep"
    retry_deadline: ClassVar[timedelta] = timedelta(hours=12)


@dataclass(frozen=True)
class MailFacts:
    """What the text of a mail says. `kind` names the text."""

    kind: str
    address: str
    token: str | None = None
    company: str | None = None
    inviter: str | None = None
    has_account: bool = False


async def enqueue(uow: UnitOfWork, kind: str, id: UUID, address: str | None = None) -> None:
    """Send a mail after the unit's commit, as a job of the unit's company."""
    await start_processing(uow, SendMail(kind, id, address), ProcessingJobType.UPKEEP, SUBJECT, None)


async def enqueue_verification(uow: UnitOfWork, settings: Settings, email: str, user_id: UUID) -> None:
    """Mail a token that proves that the user has this address."""
    purpose = TokenPurpose.EMAIL_VERIFICATION
    if id := await one_time_tokens.issue(uow, settings, purpose, email, user_id):
        await enqueue(uow, purpose.value, id)


async def platform_company(database: Database) -> UUID | None:
    """The company of the platform, whose jobs send mails to addresses that need not belong to a user."""
    async with database.platform(read_only=True) as uow:
        id: UUID | None = await uow.scalar(select(Company.id).where(Company.kind == CompanyKind.PLATFORM))
        return id


async def facts_of(uow: UnitOfWork, settings: Settings, job: SendMail) -> MailFacts | None:
    """What the mail says, or None if it must not be sent any more."""
    if job.kind == INVITATION:
        return await _invitation(uow, settings, job.id)
    if job.kind in NOTICES:
        user = await uow.first(select(User.email).where(User.id == job.id))
        return MailFacts(job.kind, job.address or user.email) if user else None
    row = await uow.first(select(OneTimeToken).where(OneTimeToken.id == job.id))
    if row is None or row.used_at is not None:
        return None
    status = await uow.scalar(select(User.status).where(User.email == row.email))
    token = token_of(settings, job.kind, row.id)
    if row.user_id is None:  # a reset, requested for an address that may be nobody's
        return MailFacts(job.kind, row.email, token) if status not in (None, UserStatus.SUSPENDED) else None
    owner = await uow.first(select(User.email).where(User.id == row.user_id))
    if owner is None or (status is not None and owner.email != row.email):
        return None  # the address belongs to somebody else
    return MailFacts(job.kind, row.email, token)


async def _invitation(uow: UnitOfWork, settings: Settings, id: UUID) -> MailFacts | None:
    row = await uow.first(
        select(Invitation.email, Invitation.invited_by_id, Company.name)
        .join(Company, Company.id == Invitation.company_id)
        .where(Invitation.id == id, Invitation.revoked_at.is_(None), Invitation.accepted_at.is_(None))
    )
    if row is None:
        return None
    inviter = await uow.first(select(User.full_name, User.email).where(User.id == row.invited_by_id))
    known = await uow.scalar(select(User.id).where(User.email == row.email)) is not None
    name = (inviter.full_name or inviter.email) if inviter else None
    token = token_of(settings, INVITATION, id)
    return MailFacts(INVITATION, row.email, token, row.name, name, has_account=known)

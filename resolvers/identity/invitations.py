"""Invitations to a company: by an administrator, to an email address, with a role."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import func, insert, select, update

from core.errors import Conflict, Invalid
from core.settings import Settings
from db.database import Database
from db.ids import new_id
from db.models import Company, Invitation, InvitationStatus, RoleName
from db.uow import UnitOfWork
from resolvers import access, activity_log, validators
from resolvers.access import Viewer
from resolvers.identity import mails, one_time_tokens, passwords, refresh_tokens, users
from resolvers.identity.jwt import TokenSigner
from resolvers.identity.refresh_tokens import TokenPair
from resolvers.identity.sign_in_limits import UNKNOWN_ORIGIN, Origin

DEFAULT_DAYS, MAX_DAYS = 7, 90


async def create(
    uow: UnitOfWork,
    settings: Settings,
    viewer: Viewer,
    *,
    email: str,
    role: RoleName,
    days: int | None = None,
) -> Invitation:
    """Invite an address to the unit's company. Whether a user has the address is not said."""
    access.require(viewer, "users:create")
    users.require_assignable(viewer, role)
    address = validators.email(email, "input", "email")
    validators.within(DEFAULT_DAYS if days is None else days, 1, MAX_DAYS, "input", "expiresInDays")
    invitation = await insert_invitation(uow, settings, viewer, address, role, days or DEFAULT_DAYS)
    logged = {"role": role.value, **activity_log.outsider(uow, viewer)}
    requester = activity_log.requester_id(uow, viewer)
    await activity_log.record(uow, requester, "INVITATION_CREATE", "Invitation", invitation.id, **logged)
    return invitation


async def insert_invitation(
    uow: UnitOfWork,
    settings: Settings,
    viewer: Viewer,
    email: str,
    role: RoleName,
    days: int = DEFAULT_DAYS,
) -> Invitation:
    """Insert the invitation, in place of earlier ones of the address, and mail its token."""
    earlier = Invitation.company_id == uow.company_id, Invitation.email == email
    pending = Invitation.accepted_at.is_(None), Invitation.revoked_at.is_(None)
    await uow.execute(update(Invitation).where(*earlier, *pending).values(revoked_at=func.now()))
    id = new_id()
    values = {
        "id": id,
        "company_id": uow.company_id,
        "email": email,
        "role": role,
        "invited_by_id": viewer.user_id,
        "digest": one_time_tokens.digest(one_time_tokens.token_of(settings, mails.INVITATION, id)),
        "expires_at": datetime.now(UTC) + timedelta(days=days),
    }
    row: Invitation = await uow.one(insert(Invitation).values(values).returning(Invitation))
    await mails.enqueue(uow, mails.INVITATION, id)
    return row


async def company_of(uow: UnitOfWork, viewer: Viewer, id: UUID) -> UUID:
    """The company of an invitation. Raises `NotFound` if the viewer does not see it."""
    row = await access.find(uow, viewer, Invitation, id, columns=[Invitation.company_id])
    return row.company_id


async def revoke(uow: UnitOfWork, viewer: Viewer, id: UUID) -> Invitation:
    """End an invitation. No effect on one that was revoked."""
    invitation: Invitation = await access.find(uow, viewer, Invitation, id, lock=True)
    if invitation.accepted_at is not None:
        raise Conflict("This invitation was accepted. Suspend the user instead.", "id")
    if invitation.revoked_at is None:
        statement = update(Invitation).where(Invitation.id == id).values(revoked_at=func.now())
        invitation = await uow.one(statement.returning(Invitation))
        requester, outsider = activity_log.requester_id(uow, viewer), activity_log.outsider(uow, viewer)
        await activity_log.record(uow, requester, "INVITATION_REVOKE", "Invitation", id, **outsider)
    return invitation


async def accept(
    database: Database,
    signer: TokenSigner,
    *,
    token: str,
    password: str,
    full_name: str | None,
    username: str | None,
    origin: Origin = UNKNOWN_ORIGIN,
) -> TokenPair:
    """Create the invited user, whose address the mail has verified, and sign them in."""
    passwords.validate(password, "input", "password")
    name = validators.optional(full_name, "input", "fullName")
    async with database.platform(read_only=True) as uow:
        company_id = (await _find(uow, token)).company_id
    hashed = await passwords.hash(password)
    async with database.tenant(company_id, kind="platform") as uow:
        invitation = await _find(uow, token, lock=True)
        user = await users.insert_user(
            uow,
            email=invitation.email,
            role=invitation.role,
            username=username,
            hashed_password=hashed,
            full_name=name,
            email_verified_at=func.now(),
            last_login_at=func.now(),
        )
        used = update(Invitation).where(Invitation.id == invitation.id)
        await uow.execute(used.values(accepted_at=func.now()))
        await activity_log.record(uow, user.id, "INVITATION_ACCEPT", "Invitation", invitation.id)
        return await refresh_tokens.issue(uow, signer, user.id, origin)


async def _find(uow: UnitOfWork, token: str, *, lock: bool = False) -> Invitation:
    """The pending invitation of a token. Raises `Invalid` for any other, without a reason."""
    statement = (
        select(Invitation)
        .join(Company, Company.id == Invitation.company_id)
        .where(Invitation.digest == one_time_tokens.digest(token), Company.is_active)
    )
    row = await uow.first(statement.with_for_update(of=Invitation) if lock else statement)
    if row is None or status_of(row) is not InvitationStatus.PENDING:
        raise Invalid(one_time_tokens.NOT_VALID, *one_time_tokens.PATH)
    return row


def status_of(invitation: Invitation) -> InvitationStatus:
    """The lifecycle state of an invitation."""
    if invitation.accepted_at is not None:
        return InvitationStatus.ACCEPTED
    if invitation.revoked_at is not None:
        return InvitationStatus.REVOKED
    is_over = invitation.expires_at <= datetime.now(UTC)
    return InvitationStatus.EXPIRED if is_over else InvitationStatus.PENDING

"""Account life: invitations and one-time tokens."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Instant, PlatformModel, PrimaryKey, Str255, enum_column, view_relationship
from db.models.identity import Company, RoleName, User


class TokenPurpose(Enum):
    """What a one-time token is for."""

    PASSWORD_RESET = "password_reset"
    """Sets a new password."""
    EMAIL_VERIFICATION = "email_verification"
    """Proves that mail to an address reaches the user."""


class InvitationStatus(Enum):
    """Lifecycle state of an invitation."""

    PENDING = "pending"
    """The invitation can be accepted."""
    ACCEPTED = "accepted"
    """The invitation was accepted."""
    REVOKED = "revoked"
    """The invitation was revoked."""
    EXPIRED = "expired"
    """The invitation was not accepted in time."""


class OneTimeToken(PrimaryKey, PlatformModel):
    """A token that was sent to an email address. The token itself is not stored, only its digest.

    A password reset is requested for an address, whether or not a user has it.
    """

    __tablename__ = "one_time_tokens"
    __table_args__ = (
        sa.Index(None, "email", "purpose", "created_at"),
        sa.Index(None, "user_id"),
        sa.Index(None, "expires_at"),
    )

    purpose: Mapped[TokenPurpose] = enum_column(TokenPurpose)
    email: Mapped[Str255]
    user_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("platform.users.id", ondelete="CASCADE"))
    digest: Mapped[bytes] = mapped_column(unique=True)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    created_at: Mapped[Instant]


class TotpSecret(PrimaryKey, PlatformModel):
    """The secret of a user's one-time passwords, encrypted with the secret key of the installation.

    `last_step` is the time step of the last code: none is used twice.
    """

    __tablename__ = "totp_secrets"

    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("platform.users.id", ondelete="CASCADE"), unique=True)
    secret: Mapped[bytes]
    confirmed_at: Mapped[datetime | None]
    last_step: Mapped[int] = mapped_column(sa.BigInteger, server_default="0")
    created_at: Mapped[Instant]


class RecoveryCode(PrimaryKey, PlatformModel):
    """The digest of a code that replaces a second factor once."""

    __tablename__ = "recovery_codes"
    __table_args__ = (sa.UniqueConstraint("user_id", "digest"),)

    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("platform.users.id", ondelete="CASCADE"))
    digest: Mapped[bytes]
    used_at: Mapped[datetime | None]
    created_at: Mapped[Instant]


class Invitation(PrimaryKey, PlatformModel):
    """An invitation of an email address to a company. Its token is not stored, only its digest."""

    __tablename__ = "invitations"
    __table_args__ = (
        sa.Index(None, "company_id", "created_at", "id"),
        sa.Index(None, "invited_by_id"),
        sa.Index(None, "expires_at"),
    )

    company_id: Mapped[UUID] = mapped_column(sa.ForeignKey("platform.companies.id", ondelete="CASCADE"))
    email: Mapped[Str255]
    role: Mapped[RoleName] = enum_column(RoleName)
    invited_by_id: Mapped[UUID | None] = mapped_column(
        sa.ForeignKey("platform.users.id", ondelete="SET NULL")
    )
    digest: Mapped[bytes] = mapped_column(unique=True)
    expires_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    created_at: Mapped[Instant]

    company: Mapped[Company] = view_relationship("foreign(Invitation.company_id) == Company.id")
    invited_by: Mapped[User | None] = view_relationship("foreign(Invitation.invited_by_id) == User.id")

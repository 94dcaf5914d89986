"""Uploads."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from db.base import (
    Instant,
    Str100,
    Str255,
    TenantKey,
    TenantModel,
    enum_column,
    tenant_foreign_key,
    tenant_index,
)


class UploadState(Enum):
    """State of an upload."""

    PENDING = "pending"
    """The content has not been received yet."""
    STORED = "stored"
    """The content has been received, verified and stored."""


class Upload(TenantKey, TenantModel):
    """A file that was announced and, once its bytes were received and verified, is stored."""

    __tablename__ = "uploads"
    __table_args__ = (
        tenant_foreign_key("members", "user_id"),
        tenant_index("user_id", "created_at", "id"),
        tenant_index("state", "expires_at"),
        sa.CheckConstraint("size > 0", name="size"),
    )

    user_id: Mapped[UUID]
    filename: Mapped[Str255]
    mime_type: Mapped[Str100]
    size: Mapped[int] = mapped_column(sa.BigInteger)
    sha256: Mapped[str] = mapped_column(sa.String(64))
    state: Mapped[UploadState] = enum_column(UploadState, UploadState.PENDING)
    storage_key: Mapped[str]
    expires_at: Mapped[datetime]
    created_at: Mapped[Instant]

"""Placement of companies: messages to the other plane, departures, and changes that are not finished."""

from enum import Enum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from db.base import (
    Instant,
    LocalModel,
    PlatformModel,
    PrimaryKey,
    Str50,
    Str255,
    UpdatedAt,
    enum_column,
)


class OutboxMessage(PrimaryKey, LocalModel):
    """What a committed transaction still has to write in the other plane of its company."""

    __tablename__ = "outbox"
    __table_args__ = (sa.Index(None, "company_id", "id"),)

    company_id: Mapped[UUID]
    kind: Mapped[Str50]
    payload: Mapped[dict[str, Any]]
    created_at: Mapped[Instant]


class Departure(LocalModel):
    """A company that moves, or has moved, out of this database: nobody may write its rows here."""

    __tablename__ = "departures"

    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    created_at: Mapped[Instant]


class PlacementChangeKind(Enum):
    """Kind of a change of placement."""

    CREATE = "create"
    MOVE = "move"
    DROP = "drop"


class PlacementChange(PrimaryKey, PlatformModel):
    """A change of placement that is not finished, and the last step that was done.

    A database is created, is the target of a move, or is dropped at `due_at`. Null: the shared database.
    """

    __tablename__ = "placement_changes"
    __table_args__ = (sa.Index(None, "company_id", unique=True), sa.Index(None, "due_at"))

    company_id: Mapped[UUID]
    kind: Mapped[PlacementChangeKind] = enum_column(PlacementChangeKind)
    step: Mapped[Str50]
    database_server: Mapped[Str255 | None]
    database_name: Mapped[Str255 | None]
    due_at: Mapped[Instant]
    details: Mapped[dict[str, Any] | None]
    created_at: Mapped[Instant]
    updated_at: Mapped[UpdatedAt]

"""Sort orders and filters of the drawings domain."""

from __future__ import annotations

from enum import Enum
from typing import Any

from sqlalchemy import ColumnElement
from strawberry import relay

from db import models
from db.models import ComparisonSensitivity, DrawingType, PairReason, SessionStatus, SessionType, SheetState
from db.pagination import Order
from schema.framework.decorators import enumeration, input
from schema.framework.global_ids import key_of

for kind in (ComparisonSensitivity, DrawingType, PairReason, SessionStatus, SessionType, SheetState):
    enumeration(kind)


@enumeration
class DrawingSessionOrder(Enum):
    """Sort orders of drawing sessions."""

    CREATED_AT_DESC = Order("created_at", descending=True)
    CREATED_AT_ASC = Order("created_at")
    UPDATED_AT_DESC = Order("updated_at", descending=True)
    UPDATED_AT_ASC = Order("updated_at")


@enumeration
class DrawingOrder(Enum):
    """Sort orders of sheets."""

    ID_ASC = Order("id")
    ID_DESC = Order("id", descending=True)


@enumeration
class DrawingVersionOrder(Enum):
    """Sort orders of revisions."""

    UPLOAD_DATE_DESC = Order("upload_date", descending=True)
    UPLOAD_DATE_ASC = Order("upload_date")
    DRAWING_NAME_ASC = Order("drawing_name", "version_number")
    DRAWING_NAME_DESC = Order("drawing_name", "version_number", descending=True)


@enumeration
class ComparisonOrder(Enum):
    """Sort orders of comparisons."""

    DRAWING_NAME_ASC = Order("drawing_name")
    DRAWING_NAME_DESC = Order("drawing_name", descending=True)
    CREATED_AT_DESC = Order("created_at", descending=True)
    CREATED_AT_ASC = Order("created_at")


@enumeration
class AnalysisResultOrder(Enum):
    """Sort orders of analyses."""

    CREATED_AT_DESC = Order("created_at", descending=True)
    CREATED_AT_ASC = Order("created_at")


@input
class DrawingSessionFilter:
    """Conditions for listing drawing sessions."""

    status: SessionStatus | None = None
    """Matches items in this state."""

    project_id: relay.GlobalID | None = None
    """Matches items of this project."""

    user_id: relay.GlobalID | None = None
    """Matches items of this user."""

    def where(self, session: Any) -> list[ColumnElement[bool]]:
        found = [session.status == self.status] if self.status else []
        if self.project_id:
            found.append(session.project_id == key_of(self.project_id, models.Project, "filter", "projectId"))
        if self.user_id:
            found.append(session.user_id == key_of(self.user_id, models.User, "filter", "userId"))
        return found


@input
class DrawingFilter:
    """Conditions for listing sheets."""

    drawing_type: DrawingType | None = None
    """Matches sheets of this revision."""

    drawing_name: str | None = None
    """Matches sheets with this sheet number."""

    def where(self, drawing: Any) -> list[ColumnElement[bool]]:
        found = [drawing.drawing_type == self.drawing_type] if self.drawing_type else []
        return found + ([drawing.drawing_name == self.drawing_name] if self.drawing_name is not None else [])


@input
class ComparisonFilter:
    """Conditions for listing comparisons."""

    changes_detected: bool | None = None
    """If true, matches comparisons with changes. If false, matches comparisons without changes."""

    drawing_name: str | None = None
    """Matches the comparison of this sheet number."""

    def where(self, comparison: Any) -> list[ColumnElement[bool]]:
        wanted, name = self.changes_detected, self.drawing_name
        found = [comparison.changes_detected.is_(wanted)] if wanted is not None else []
        return found + ([comparison.drawing_name == name] if name is not None else [])


@input
class AnalysisResultFilter:
    """Conditions for listing analyses."""

    success: bool | None = None
    """If true, matches successful analyses. If false, matches failed analyses."""

    drawing_name: str | None = None
    """Matches the analysis of this sheet number."""

    def where(self, result: Any) -> list[ColumnElement[bool]]:
        found = [result.success.is_(self.success)] if self.success is not None else []
        return found + ([result.drawing_name == self.drawing_name] if self.drawing_name is not None else [])

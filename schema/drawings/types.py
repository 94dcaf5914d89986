"""The stored types of the drawings domain."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from strawberry import relay
from strawberry.scalars import JSON

from db import models
from db.models import DrawingType, SessionStatus, SessionType, SheetState
from resolvers.drawings import aggregates, sessions
from schema.chat.filters import SessionConversationOrder
from schema.drawings.changes import Change, ComparisonCount, SessionSummary, WordDifference
from schema.drawings.filters import (
    AnalysisResultFilter,
    AnalysisResultOrder,
    ComparisonFilter,
    ComparisonOrder,
    DrawingFilter,
    DrawingOrder,
    DrawingVersionOrder,
)
from schema.framework.context import Info
from schema.framework.decorators import node
from schema.framework.fields import Connection, connection, relation, signed_link
from schema.framework.payloads import field
from schema.jobs import ProcessingJobOrder
from schema.lazy_types import ConversationRef, ProcessingJobRef, ProjectRef, UserRef


@node(models.DrawingSession)
class DrawingSession(relay.Node):
    """One comparison of two revisions of a drawing set."""

    id: relay.NodeID[UUID]

    user: UserRef | None = relation(models.DrawingSession.user)
    """User who created it. Null if the user is deleted or not visible to the viewer."""

    project: ProjectRef | None = relation(models.DrawingSession.project)
    """The project it belongs to, if any."""

    name: str
    """Display name."""

    session_type: SessionType
    """What it is for."""

    status: SessionStatus
    """Where it stands."""

    total_time: float | None
    """How long the last run took from start to completion, in seconds."""

    error_message: str | None
    """Why it ended in error."""

    session_metadata: JSON | None
    """More about it."""

    created_at: datetime
    """Creation time."""

    updated_at: datetime
    """Time of the last change."""

    drawings: Connection[Drawing] = connection(
        models.DrawingSession.drawings, orders=DrawingOrder, filter=DrawingFilter
    )
    """Every page of both files."""

    comparisons: Connection[Comparison] = connection(
        models.DrawingSession.comparisons, orders=ComparisonOrder, filter=ComparisonFilter
    )
    """Every pair of an old and a new sheet, by name."""

    analysis_results: Connection[AnalysisResult] = connection(
        models.DrawingSession.analysis_results, orders=AnalysisResultOrder, filter=AnalysisResultFilter
    )
    """What the analyser says, newest first."""

    jobs: Connection[ProcessingJobRef] = connection(models.DrawingSession.jobs, orders=ProcessingJobOrder)
    """The stages of its work, newest first."""

    conversations: Connection[ConversationRef] = connection(
        models.DrawingSession.conversations, orders=SessionConversationOrder
    )
    """What people say about it, the first conversation first."""

    @field(needs=("id",))
    async def progress(self, info: Info) -> int:
        """How far its work has come, from 0 to 100."""
        return await info.context.loaders.by(sessions.progress).load(self.id) or 0

    @field(needs=("id",))
    async def summary(self, info: Info) -> SessionSummary:
        """Totals over its comparisons and analyses."""
        summary: SessionSummary = await info.context.loaders.by(aggregates.summaries).load(self.id)
        return summary

    @field(needs=("id",))
    async def comparison_counts(self, info: Info) -> list[ComparisonCount]:
        """How many comparisons found changes and how many did not; two entries at most."""
        return await info.context.loaders.by(aggregates.comparison_counts).load(self.id) or []

    @field(needs=("id",))
    async def only_in_old(self, info: Info) -> list[str]:
        """Sheets of the old file without a partner in the new one, in page order; no more than pages."""
        return await info.context.loaders.by(aggregates.unmatched_sheets).load((self.id, DrawingType.OLD)) or []

    @field(needs=("id",))
    async def only_in_new(self, info: Info) -> list[str]:
        """Sheets of the new file without a partner in the old one, in page order; no more than pages."""
        return await info.context.loaders.by(aggregates.unmatched_sheets).load((self.id, DrawingType.NEW)) or []


@node(models.Drawing)
class Drawing(relay.Node):
    """One page of one of the two files."""

    id: relay.NodeID[UUID]

    session: DrawingSession | None = relation(models.Drawing.session)
    """The session it belongs to."""

    drawing_type: DrawingType
    """Whether it is of the old or of the new revision."""

    filename: str
    """The name of its picture."""

    original_filename: str
    """The name of the file as it was uploaded."""

    drawing_name: str | None
    """The sheet number from the title block, such as `A-101`; `Page_001` where there is none."""

    page_number: int | None
    """From 1, in its file."""

    state: SheetState
    """What became of the page."""

    error_message: str | None
    """Why it failed, or why it has no partner."""

    processed_at: datetime
    """When it was last worked on."""

    drawing_metadata: JSON | None
    """Size, scale, rotation, resolution, and how the sheet number was found."""

    file_url: str | None = signed_link("storage_path", name="filename", type="image/png")
    """Its picture; the link is signed and expires."""

    thumbnail_url: str | None = signed_link("thumbnail_path", name="filename", type="image/png")
    """A small picture of it; the link is signed and expires."""

    versions: Connection[DrawingVersion] = connection(models.Drawing.versions, orders=DrawingVersionOrder)
    """The revision that it is in its project."""


@node(models.DrawingVersion)
class DrawingVersion(relay.Node):
    """One revision of one sheet of a project."""

    id: relay.NodeID[UUID]

    project: ProjectRef | None = relation(models.DrawingVersion.project)
    """The project it belongs to."""

    drawing: Drawing | None = relation(models.DrawingVersion.drawing)
    """The page that it is."""

    drawing_name: str
    """The sheet number."""

    version_number: int
    """From 1, within the project and sheet number."""

    version_label: str | None
    """As people call it, such as `Rev A` or `IFC`."""

    upload_date: datetime
    """When it came into the project."""

    comments: str | None
    """Description of its purpose."""


@node(models.Comparison)
class Comparison(relay.Node):
    """An old and a new sheet laid over one another."""

    id: relay.NodeID[UUID]

    session: DrawingSession | None = relation(models.Comparison.session)
    """The session it belongs to."""

    old_drawing: Drawing | None = relation(models.Comparison.old_drawing)
    """The old sheet."""

    new_drawing: Drawing | None = relation(models.Comparison.new_drawing)
    """The new sheet."""

    drawing_name: str
    """The sheet number."""

    alignment_score: float | None
    """How well the sheets lie over one another, 0 to 1, corrected for chance; below 0.5 is doubtful."""

    low_confidence: bool
    """Whether the sheets were not aligned well enough to trust the changes."""

    change_ratio: float | None
    """How much of the ink changed, 0 to 1."""

    changes_detected: bool
    """Whether anything changed."""

    state: SheetState
    """What became of the pair."""

    error_message: str | None
    """Reason of the failure, or null."""

    created_at: datetime
    """When it was first compared."""

    overlay_url: str | None = signed_link("overlay_path", name="drawing_name", type="image/png")
    """Removed red, added green, common grey, in full size; the link is signed and expires."""

    overlay_preview_url: str | None = signed_link(
        "overlay_preview_path", name="drawing_name", type="image/png"
    )
    """The overlay, smaller; the link is signed and expires."""

    old_image_url: str | None = signed_link("old_image_path", name="drawing_name", type="image/png")
    """The old sheet; the link is signed and expires."""

    new_image_url: str | None = signed_link("new_image_path", name="drawing_name", type="image/png")
    """The new sheet; the link is signed and expires."""

    @field(needs=("changes",))
    def changes(self) -> list[Change]:
        """Every changed region, the largest first; a few hundred at most."""
        row: Any = self
        return [Change.of(change) for change in row.changes]

    @field(needs=("words_removed", "words_added"))
    def words(self) -> WordDifference:
        """The words by which the two sheets differ."""
        row: Any = self
        return WordDifference(removed=row.words_removed, added=row.words_added)

    analysis_results: Connection[AnalysisResult] = connection(
        models.Comparison.analysis_results, orders=AnalysisResultOrder
    )
    """What the analyser says of it."""


@node(models.AnalysisResult)
class AnalysisResult(relay.Node):
    """What an analyser says about one comparison."""

    id: relay.NodeID[UUID]

    comparison: Comparison | None = relation(models.AnalysisResult.comparison)
    """What it is about."""

    session: DrawingSession | None = relation(models.AnalysisResult.session)
    """The session it belongs to."""

    drawing_name: str
    """The sheet number."""

    changes_found: list[str]
    """Each change in words: aspect, action, detail, location."""

    critical_change: str | None
    """The change that matters most, if one does."""

    analysis_summary: str | None
    """All of it in a few sentences."""

    recommendations: list[str]
    """What to look at or do."""

    success: bool
    """Whether the analysis succeeded."""

    error_message: str | None
    """Why it did not."""

    ai_model_used: str
    """The analyser and its version."""

    created_at: datetime
    """When it was last made."""

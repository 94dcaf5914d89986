"""Types of the drawings domain."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import strawberry
from strawberry import relay
from strawberry.scalars import JSON

from db import models
from db.models import ComparisonSensitivity, DrawingType, PairReason, SessionStatus, SessionType, SheetState
from resolvers.drawings import aggregates, sessions, versions
from resolvers.drawings.change_reviews import ChangeDecision
from schema.chat.filters import SessionConversationOrder
from schema.drawings.changes import (
    AlignmentNote,
    AlignmentSource,
    Change,
    ComparisonCount,
    PointPair,
    SessionSummary,
    WordDifference,
)
from schema.drawings.files import ComparisonReport, OverlayTiles
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
from schema.framework.fields import Connection, connection, relation, signed_link, single_connection
from schema.framework.payloads import field
from schema.jobs import ProcessingJobOrder
from schema.lazy_types import ConversationRef, ProcessingJobRef, ProjectRef, UserRef

WithDecision = Annotated[
    ChangeDecision | None, strawberry.argument(description="Returns only changes with this decision.")
]


@node(models.DrawingSession)
class DrawingSession(relay.Node):
    """A comparison of two revisions of a drawing set."""

    id: relay.NodeID[UUID]

    user: UserRef | None = relation(models.DrawingSession.user)
    """User who created it. Null if the user is deleted or not visible to the viewer."""

    project: ProjectRef | None = relation(models.DrawingSession.project)
    """Project of the session, or null."""

    name: str
    """Name of the session."""

    session_type: SessionType
    """Purpose of the session."""

    status: SessionStatus
    """Processing state of the session."""

    total_time: float | None
    """Duration of the last run, in seconds."""

    error_message: str | None
    """Reason of the failure, or null."""

    session_metadata: JSON | None
    """Additional data about the session."""

    is_automatic: bool
    """Whether the project has started it, to compare a new issue of a set with the last one."""

    sensitivity: ComparisonSensitivity
    """How far a line may lie from where it was and count as unchanged."""

    min_change_size: float | None
    """Least length of a change's longer side on paper, in millimeters. Smaller changes are only counted."""

    created_at: datetime
    """Creation time."""

    updated_at: datetime
    """Time of the last change."""

    drawings: Connection[Drawing] = connection(
        models.DrawingSession.drawings, orders=DrawingOrder, filter=DrawingFilter
    )
    """Sheets of both files."""

    comparisons: Connection[Comparison] = connection(
        models.DrawingSession.comparisons, orders=ComparisonOrder, filter=ComparisonFilter
    )
    """Comparisons of old and new sheets, by name."""

    analysis_results: Connection[AnalysisResult] = connection(
        models.DrawingSession.analysis_results, orders=AnalysisResultOrder, filter=AnalysisResultFilter
    )
    """Analyses of the comparisons, newest first."""

    jobs: Connection[ProcessingJobRef] = connection(models.DrawingSession.jobs, orders=ProcessingJobOrder)
    """Processing jobs of the session, newest first."""

    conversations: Connection[ConversationRef] = connection(
        models.DrawingSession.conversations, orders=SessionConversationOrder
    )
    """Conversations about the session, oldest first."""

    @field(needs=("id", "reports"))
    def reports(self, info: Info) -> list[ComparisonReport]:
        """Reports of the session, at most one of each format. Request them with `comparisonReport`."""
        row: Any = self
        return [ComparisonReport.of(report, row.id, info.context.links) for report in row.reports]

    @field(needs=("id",))
    async def progress(self, info: Info) -> int:
        """Progress in percent, from 0 to 100."""
        return await info.context.loaders.by(sessions.progress).load(self.id) or 0

    @field(needs=("id",))
    async def summary(self, info: Info) -> SessionSummary:
        """Totals of the comparisons and analyses."""
        summary: SessionSummary = await info.context.loaders.by(aggregates.summaries).load(self.id)
        return summary

    @field(needs=("id",))
    async def comparison_counts(self, info: Info) -> list[ComparisonCount]:
        """Number of comparisons with and without changes. Maximum 2 entries."""
        return await info.context.loaders.by(aggregates.comparison_counts).load(self.id) or []

    @field(needs=("id",))
    async def only_in_old(self, info: Info) -> list[str]:
        """Numbers of the sheets that exist in the old file only, in page order. Not paginated."""
        return (
            await info.context.loaders.by(aggregates.unmatched_sheets).load((self.id, DrawingType.OLD)) or []
        )

    @field(needs=("id",))
    async def only_in_new(self, info: Info) -> list[str]:
        """Numbers of the sheets that exist in the new file only, in page order. Not paginated."""
        return (
            await info.context.loaders.by(aggregates.unmatched_sheets).load((self.id, DrawingType.NEW)) or []
        )


@node(models.Drawing)
class Drawing(relay.Node):
    """A sheet: one page of one of the two files."""

    id: relay.NodeID[UUID]

    session: DrawingSession | None = relation(models.Drawing.session)
    """Session of the sheet."""

    drawing_type: DrawingType
    """Revision that the sheet belongs to."""

    filename: str
    """Filename of the image."""

    original_filename: str
    """Filename of the uploaded file."""

    drawing_name: str | None
    """Sheet number from the title block, such as `A-101`, or `Page_001` if none was found."""

    page_number: int | None
    """Page number in the file, from 1."""

    state: SheetState
    """Processing state of the sheet."""

    error_message: str | None
    """Reason why processing or matching failed, or null."""

    pair_reason: PairReason | None
    """Reason why the sheet is paired or stands alone. Null until the sheets are matched."""

    processed_at: datetime
    """Time at which the sheet was last processed."""

    drawing_metadata: JSON | None
    """Size, scale, rotation and resolution, and the method by which the sheet number was found."""

    warnings: list[str]
    """What is not as in the file, such as a lower resolution or text that was not read. Maximum 20."""

    file_url: str | None = signed_link("storage_path", name="filename", type="image/png")
    """Signed, expiring URL of the image."""

    thumbnail_url: str | None = signed_link("thumbnail_path", name="filename", type="image/png")
    """Signed, expiring URL of a thumbnail."""

    versions: Connection[DrawingVersion] = single_connection(
        models.DrawingVersion, versions.versions_of_sheets, orders=DrawingVersionOrder
    )
    """Revision of the project that the sheet shows. Maximum 1: sheets of one file show the same one."""


@node(models.DrawingVersion)
class DrawingVersion(relay.Node):
    """A revision of a sheet in a project."""

    id: relay.NodeID[UUID]

    project: ProjectRef | None = relation(models.DrawingVersion.project)
    """Project of the revision."""

    drawing: Drawing | None = relation(models.DrawingVersion.drawing)
    """A sheet that shows it. Null if all sessions of its file are deleted."""

    drawing_name: str
    """Sheet number."""

    version_number: int
    """Number of the revision, from 1, unique per project and sheet number."""

    version_label: str | None
    """Label of the revision, such as `Rev A` or `IFC`."""

    upload_date: datetime
    """Time at which the revision was added to the project."""

    comments: str | None
    """Comments on the revision."""


@node(models.Comparison)
class Comparison(relay.Node):
    """A comparison of an old and a new sheet."""

    id: relay.NodeID[UUID]

    session: DrawingSession | None = relation(models.Comparison.session)
    """Session of the comparison."""

    old_drawing: Drawing | None = relation(models.Comparison.old_drawing)
    """The old sheet."""

    new_drawing: Drawing | None = relation(models.Comparison.new_drawing)
    """The new sheet."""

    drawing_name: str
    """Sheet number."""

    pair_reason: PairReason
    """Reason why the sheets are compared with each other."""

    pair_confidence: float | None
    """Probability that the sheets are revisions of each other, from 0 to 1. Null if a person paired them."""

    alignment_score: float | None
    """Quality of the alignment, from 0 to 1, corrected for chance. Values below 0.5 are doubtful."""

    low_confidence: bool
    """Whether the alignment is too poor to trust the changes."""

    job: ProcessingJobRef | None = relation(models.Comparison.job)
    """Last job that compared these two sheets again, or null."""

    @field(needs=("alignment",))
    def alignment_source(self) -> AlignmentSource | None:
        """By what the sheets are aligned. Null if they are not."""
        row: Any = self
        return AlignmentSource(row.alignment.get("source", "automatic")) if row.alignment else None

    @field(needs=("alignment",))
    def alignment_notes(self) -> list[AlignmentNote]:
        """What is unusual or doubtful about the alignment. Empty for an ordinary one. Maximum 10."""
        row: Any = self
        return [AlignmentNote.of(note) for note in (row.alignment or {}).get("note_kinds", ())]

    @field(needs=("points",))
    def alignment_points(self) -> list[PointPair] | None:
        """Pairs of points that a person has chosen to align the sheets by, also in later runs. Maximum 4."""
        row: Any = self
        return None if row.points is None else [PointPair.of(pair) for pair in row.points]

    @field(needs=("alignment",))
    def small_change_count(self) -> int:
        """Number of changes that are smaller than the session's `minChangeSize`, and not listed."""
        row: Any = self
        return int((row.alignment or {}).get("smallChangeCount", 0))

    change_ratio: float | None
    """Share of the content that changed, from 0 to 1."""

    changes_detected: bool
    """Whether any change was detected."""

    state: SheetState
    """Processing state of the comparison."""

    error_message: str | None
    """Reason of the failure, or null."""

    created_at: datetime
    """Time of the first comparison."""

    overlay_url: str | None = signed_link("overlay_path", name="drawing_name", type="image/png")
    """Signed, expiring URL of the full-size overlay. Removed content is red, added green, unchanged gray."""

    overlay_preview_url: str | None = signed_link(
        "overlay_preview_path", name="drawing_name", type="image/png"
    )
    """Signed, expiring URL of a smaller overlay."""

    @field(needs=("overlay_tiles",))
    def overlay_tiles(self, info: Info) -> OverlayTiles | None:
        """Deep-zoom tiles of the overlay. Null if there is no overlay, or for one of an earlier release."""
        row: Any = self
        return row.overlay_tiles and OverlayTiles.of(row.overlay_tiles, info.context.links)

    old_image_url: str | None = signed_link("old_image_path", name="drawing_name", type="image/png")
    """Signed, expiring URL of the image of the old sheet."""

    new_image_url: str | None = signed_link("new_image_path", name="drawing_name", type="image/png")
    """Signed, expiring URL of the image of the new sheet."""

    @field(needs=("id", "changes"))
    def changes(self, decision: WithDecision = None) -> list[Change]:
        """Changed regions, largest first; those with this decision, or all. Not paginated."""
        row: Any = self
        found = [Change.of(change, row.id, position) for position, change in enumerate(row.changes)]
        return [change for change in found if decision in (None, change.decision)]

    @field(needs=("id", "vanished_reviews"))
    def vanished_changes(self) -> list[Change]:
        """Changes with a decision that the last run did not find again. Not paginated."""
        row: Any = self
        return [Change.of(change, row.id, at) for at, change in enumerate(row.vanished_reviews)]

    @field(needs=("words_removed", "words_added"))
    def words(self) -> WordDifference:
        """Words that occur on only one of the sheets."""
        row: Any = self
        return WordDifference(removed=row.words_removed, added=row.words_added)

    analysis_results: Connection[AnalysisResult] = connection(
        models.Comparison.analysis_results, orders=AnalysisResultOrder
    )
    """Analyses of the comparison."""


@node(models.AnalysisResult)
class AnalysisResult(relay.Node):
    """An analysis of the changes of a comparison."""

    id: relay.NodeID[UUID]

    comparison: Comparison | None = relation(models.AnalysisResult.comparison)
    """The analyzed comparison."""

    session: DrawingSession | None = relation(models.AnalysisResult.session)
    """Session of the comparison."""

    drawing_name: str
    """Sheet number."""

    changes_found: list[str]
    """The changes, each with aspect, action, detail and location."""

    critical_change: str | None
    """The most important change, or null."""

    analysis_summary: str | None
    """Summary in a few sentences."""

    recommendations: list[str]
    """Recommended actions."""

    success: bool
    """Whether the analysis succeeded."""

    error_message: str | None
    """Reason of the failure, or null."""

    ai_model_used: str
    """Name and version of the analyzer."""

    created_at: datetime
    """Time of the last analysis."""

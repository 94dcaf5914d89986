"""Queries, mutations and subscriptions of the drawings domain."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import strawberry
from strawberry import relay
from strawberry.scalars import JSON

from core.errors import Invalid
from db import models
from db.models import ComparisonSensitivity, SessionStatus
from resolvers import access
from resolvers.drawings import aggregates, sessions
from schema.drawings.changes import ComparisonCount, SessionSummary
from schema.drawings.filters import (
    AnalysisResultFilter,
    AnalysisResultOrder,
    ComparisonFilter,
    ComparisonOrder,
    DrawingFilter,
    DrawingOrder,
    DrawingSessionFilter,
    DrawingSessionOrder,
    DrawingVersionOrder,
)
from schema.drawings.types import AnalysisResult, Comparison, Drawing, DrawingSession, DrawingVersion
from schema.framework.context import Info
from schema.framework.decorators import input, output
from schema.framework.fields import Connection, connection, lookup
from schema.framework.global_ids import key_of, optional_key, visible_key
from schema.framework.payloads import (
    ConditionalUpdate,
    IdempotentInput,
    Payload,
    field,
    input_changes,
    input_values,
    mutation,
    subscription,
)
from schema.framework.projection import columns
from schema.framework.row_subscription import watch_row

FINAL_STATUSES = (SessionStatus.COMPLETED, SessionStatus.ERROR)
MAX_RECENT_SESSIONS = 50


@output
class DrawingQueries:
    drawing_session: DrawingSession | None = lookup(
        models.DrawingSession, "Looks up a drawing session by ID."
    )
    drawing: Drawing | None = lookup(models.Drawing, "Looks up a sheet by ID.")
    drawing_version: DrawingVersion | None = lookup(
        models.DrawingVersion, "Looks up a revision of a sheet by ID."
    )
    comparison: Comparison | None = lookup(models.Comparison, "Looks up a comparison by ID.")
    analysis_result: AnalysisResult | None = lookup(models.AnalysisResult, "Looks up an analysis by ID.")

    drawing_sessions: Connection[DrawingSession] = connection(
        models.DrawingSession, orders=DrawingSessionOrder, filter=DrawingSessionFilter
    )
    """Lists the drawing sessions of the company, newest first."""

    drawings: Connection[Drawing] = connection(models.Drawing, orders=DrawingOrder, filter=DrawingFilter)
    """Lists the sheets of all drawing sessions."""

    drawing_versions: Connection[DrawingVersion] = connection(
        models.DrawingVersion, orders=DrawingVersionOrder
    )
    """Lists the revisions of all sheets, newest first."""

    comparisons: Connection[Comparison] = connection(
        models.Comparison, orders=ComparisonOrder, filter=ComparisonFilter
    )
    """Lists all comparisons, by name."""

    analysis_results: Connection[AnalysisResult] = connection(
        models.AnalysisResult, orders=AnalysisResultOrder, filter=AnalysisResultFilter
    )
    """Lists all analyses, newest first."""

    @field
    async def recent_sessions(self, info: Info, limit: int = 10) -> list[DrawingSession]:
        """The newest drawing sessions. Default 10, maximum 50."""
        if not 0 <= limit <= MAX_RECENT_SESSIONS:
            raise Invalid(f"limit must be between 0 and {MAX_RECENT_SESSIONS} (got {limit}).", "limit")
        model = models.DrawingSession
        wanted = [getattr(model, name) for name in columns(info, model)]
        newest = access.visible(info.context.viewer, model, *wanted)
        ordered = newest.order_by(model.created_at.desc(), model.id.desc()).limit(limit)
        rows: Any = await info.context.read().all(ordered)
        return list(rows)

    @field
    async def session_summary(self, info: Info, id: relay.GlobalID) -> SessionSummary:
        """Totals of a drawing session."""
        key = await visible_key(info, id, models.DrawingSession)
        summary: SessionSummary = await info.context.loaders.by(aggregates.summaries).load(key)
        return summary

    @field
    async def comparison_counts(self, info: Info, session_id: relay.GlobalID) -> list[ComparisonCount]:
        """Number of comparisons of a session with and without changes. Maximum 2 entries."""
        key = await visible_key(info, session_id, models.DrawingSession, "sessionId")
        return await info.context.loaders.by(aggregates.comparison_counts).load(key) or []


@input
class DrawingSessionCreateInput(IdempotentInput):
    """Input of `drawingSessionCreate`."""

    new_upload_id: relay.GlobalID
    """Global ID of the upload with the new revision."""

    old_upload_id: relay.GlobalID | None = None
    """Global ID of the upload with the old revision. Without it, the session only takes in the new one."""

    project_id: relay.GlobalID | None = None
    """Global ID of the project."""

    name: str | None = None
    """Name of the session. Derived from the filenames by default."""

    sensitivity: ComparisonSensitivity | None = None
    """How far a line may lie from where it was and count as unchanged. Default NORMAL."""

    min_change_size: float | None = None
    """Least size of a change on paper, from 0 to 100 millimeters. Smaller changes are only counted."""


@input
class DrawingSessionUpdateInput(ConditionalUpdate):
    """Fields to change. Fields that are omitted keep their value. Null clears a field."""

    name: strawberry.Maybe[str]
    """Name of the session."""

    session_metadata: strawberry.Maybe[JSON | None]
    """Additional data about the session."""

    sensitivity: strawberry.Maybe[ComparisonSensitivity]
    """How far a line may lie from where it was and count as unchanged. Applies to later runs."""

    min_change_size: strawberry.Maybe[float | None]
    """Least size of a change on paper, from 0 to 100 millimeters. Applies to later runs."""


@input
class DrawingVersionUpdateInput:
    """Fields to change. Fields that are omitted keep their value. Null clears a field."""

    version_label: strawberry.Maybe[str | None]
    """Label of the revision, such as `Rev A`."""

    comments: strawberry.Maybe[str | None]
    """Comments on the revision."""


@output
class DrawingSessionCreatePayload(Payload):
    session: DrawingSession | None = None
    """The new drawing session."""


@output
class DrawingSessionStartPayload(Payload):
    session: DrawingSession | None = None
    """The started drawing session."""


@output
class DrawingSessionUpdatePayload(Payload):
    session: DrawingSession | None = None
    """The updated drawing session."""


@output
class DrawingSessionDeletePayload(Payload):
    deleted_id: relay.GlobalID | None = None
    """Global ID of the deleted object."""


@output
class DrawingVersionUpdatePayload(Payload):
    drawing_version: DrawingVersion | None = None
    """The updated revision."""


@output
class DrawingMutations:
    @mutation(idempotent=True)
    async def drawing_session_create(
        self, info: Info, input: DrawingSessionCreateInput
    ) -> DrawingSessionCreatePayload:
        """Create a drawing session from uploaded files. Start it with `drawingSessionStart`."""
        values = input_values(input) | {
            "project_id": optional_key(input.project_id, models.Project, "input", "projectId"),
            "old_upload_id": optional_key(input.old_upload_id, models.Upload, "input", "oldUploadId"),
            "new_upload_id": key_of(input.new_upload_id, models.Upload, "input", "newUploadId"),
        }
        async with info.context.write() as uow:
            session = await sessions.create(uow, info.context.viewer, **values)
        return DrawingSessionCreatePayload.of(session=session)

    @mutation
    async def drawing_session_start(self, info: Info, id: relay.GlobalID) -> DrawingSessionStartPayload:
        """Start a session, or restart one that has ended. Has no effect on a session in progress."""
        async with info.context.write() as uow:
            session = await sessions.start(uow, info.context.viewer, key_of(id, models.DrawingSession))
        return DrawingSessionStartPayload.of(session=session)

    @mutation
    async def drawing_session_update(
        self, info: Info, id: relay.GlobalID, input: DrawingSessionUpdateInput
    ) -> DrawingSessionUpdatePayload:
        """Update the name, metadata or options of a session. Options apply to later runs."""
        values = input_changes(input)
        key = key_of(id, models.DrawingSession)
        async with info.context.write() as uow:
            await access.require_unchanged(
                uow, info.context.viewer, models.DrawingSession, key, input.expected_updated_at
            )
            session = await sessions.update(uow, info.context.viewer, key, values)
        return DrawingSessionUpdatePayload.of(session=session)

    @mutation
    async def drawing_session_delete(self, info: Info, id: relay.GlobalID) -> DrawingSessionDeletePayload:
        """Delete a session with its sheets and comparisons. This cannot be undone."""
        async with info.context.write() as uow:
            await sessions.delete(uow, info.context.viewer, key_of(id, models.DrawingSession))
        return DrawingSessionDeletePayload.of(deleted_id=id)

    @mutation
    async def drawing_version_update(
        self, info: Info, id: relay.GlobalID, input: DrawingVersionUpdateInput
    ) -> DrawingVersionUpdatePayload:
        """Update the label or comments of a revision."""
        values = input_changes(input)
        async with info.context.write() as uow:
            version = await sessions.update_version(
                uow, info.context.viewer, key_of(id, models.DrawingVersion), values
            )
        return DrawingVersionUpdatePayload.of(drawing_version=version)


@output
class DrawingSubscriptions:
    @subscription
    async def session_progress(self, info: Info, id: relay.GlobalID) -> AsyncGenerator[DrawingSession, None]:
        """Sends the session immediately and after each change, until it has ended."""
        key = key_of(id, models.DrawingSession)
        async for row in watch_row(info, models.DrawingSession, key, sessions.topic(key), ("status",)):
            yield row
            if row.status in FINAL_STATUSES:
                return

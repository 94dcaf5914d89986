"""What can be asked, done and watched in the drawings domain."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import strawberry
from strawberry import relay
from strawberry.scalars import JSON

from core.errors import Invalid
from db import models
from db.models import SessionStatus
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
from schema.framework.global_ids import key_of, optional_key
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
from schema.framework.row_subscription import watch

ENDED = (SessionStatus.COMPLETED, SessionStatus.ERROR)
MOST_RECENT = 50


@output
class DrawingQueries:
    drawing_session: DrawingSession | None = lookup(models.DrawingSession, "A drawing session, by id.")
    drawing: Drawing | None = lookup(models.Drawing, "A sheet, by id.")
    drawing_version: DrawingVersion | None = lookup(models.DrawingVersion, "A revision of a sheet, by id.")
    comparison: Comparison | None = lookup(models.Comparison, "A comparison, by id.")
    analysis_result: AnalysisResult | None = lookup(models.AnalysisResult, "An analysis, by id.")

    drawing_sessions: Connection[DrawingSession] = connection(
        models.DrawingSession, orders=DrawingSessionOrder, filter=DrawingSessionFilter
    )
    """The company's drawing sessions, newest first."""

    drawings: Connection[Drawing] = connection(models.Drawing, orders=DrawingOrder, filter=DrawingFilter)
    """Every page of every session."""

    drawing_versions: Connection[DrawingVersion] = connection(
        models.DrawingVersion, orders=DrawingVersionOrder
    )
    """Every revision of every sheet, newest first."""

    comparisons: Connection[Comparison] = connection(
        models.Comparison, orders=ComparisonOrder, filter=ComparisonFilter
    )
    """Every pair of sheets, by name."""

    analysis_results: Connection[AnalysisResult] = connection(
        models.AnalysisResult, orders=AnalysisResultOrder, filter=AnalysisResultFilter
    )
    """Every analysis, newest first."""

    @field
    async def recent_sessions(self, info: Info, limit: int = 10) -> list[DrawingSession]:
        """The newest drawing sessions: 10 unless told, at most 50."""
        if not 0 <= limit <= MOST_RECENT:
            raise Invalid(f"`limit` is from 0 to {MOST_RECENT}.", "limit")
        model = models.DrawingSession
        wanted = [getattr(model, name) for name in columns(info, model)]
        newest = access.visible(info.context.viewer, model, *wanted)
        ordered = newest.order_by(model.created_at.desc(), model.id.desc()).limit(limit)
        rows: Any = await info.context.read().all(ordered)
        return list(rows)

    @field
    async def session_summary(self, info: Info, id: relay.GlobalID) -> SessionSummary:
        """Totals over a drawing session; zeros while it has nothing."""
        key = await seen(info, id)
        summary: SessionSummary = await info.context.loaders.by(aggregates.summaries).load(key)
        return summary

    @field
    async def comparison_counts(self, info: Info, session_id: relay.GlobalID) -> list[ComparisonCount]:
        """How many comparisons of a session found changes and how many did not; two entries at most."""
        key = await seen(info, session_id, "sessionId")
        return await info.context.loaders.by(aggregates.comparison_counts).load(key) or []


async def seen(info: Info, id: relay.GlobalID, *path: str) -> Any:
    """The key of an object that the viewer sees. Raises `NotFound`."""
    key = key_of(id, models.DrawingSession, *path)
    model = models.DrawingSession
    await access.find(info.context.read(), info.context.viewer, model, key, *path, columns=[model.id])
    return key


@input
class DrawingSessionCreateInput(IdempotentInput):
    """Which two files to compare."""

    old_upload_id: relay.GlobalID
    """The upload with the old revision."""

    new_upload_id: relay.GlobalID
    """The upload with the new revision."""

    project_id: relay.GlobalID | None = None
    """The project that it belongs to."""

    name: str | None = None
    """What people call it; made from the filenames unless given."""


@input
class DrawingSessionUpdateInput(ConditionalUpdate):
    """Fields to change. Fields that are omitted keep their value; null clears them."""

    name: strawberry.Maybe[str]
    """Display name."""

    session_metadata: strawberry.Maybe[JSON | None]
    """More about it."""


@input
class DrawingVersionUpdateInput:
    """Fields to change. Fields that are omitted keep their value; null clears them."""

    version_label: strawberry.Maybe[str | None]
    """As people call it, such as `Rev A`."""

    comments: strawberry.Maybe[str | None]
    """Description of its purpose."""


@output
class DrawingSessionCreatePayload(Payload):
    session: DrawingSession | None = None
    """The new session."""


@output
class DrawingSessionStartPayload(Payload):
    session: DrawingSession | None = None
    """The session, under way."""


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
    """The revision as it is now."""


@output
class DrawingMutations:
    @mutation(idempotent=True)
    async def drawing_session_create(
        self, info: Info, input: DrawingSessionCreateInput
    ) -> DrawingSessionCreatePayload:
        """Bring two uploaded files together; `drawingSessionStart` begins the work."""
        values = input_values(input) | {
            "project_id": optional_key(input.project_id, models.Project, "input", "projectId"),
            "old_upload_id": key_of(input.old_upload_id, models.Upload, "input", "oldUploadId"),
            "new_upload_id": key_of(input.new_upload_id, models.Upload, "input", "newUploadId"),
        }
        async with info.context.write() as uow:
            session = await sessions.create(uow, info.context.viewer, **values)
        return DrawingSessionCreatePayload.of(session=session)

    @mutation
    async def drawing_session_start(self, info: Info, id: relay.GlobalID) -> DrawingSessionStartPayload:
        """Begin the work, or begin again after it ended. Starting what is under way changes nothing."""
        async with info.context.write() as uow:
            session = await sessions.start(uow, info.context.viewer, key_of(id, models.DrawingSession))
        return DrawingSessionStartPayload.of(session=session)

    @mutation
    async def drawing_session_update(
        self, info: Info, id: relay.GlobalID, input: DrawingSessionUpdateInput
    ) -> DrawingSessionUpdatePayload:
        """Rename a session, or say more about it."""
        given = input_changes(input)
        key = key_of(id, models.DrawingSession)
        async with info.context.write() as uow:
            await access.require_unchanged(
                uow, info.context.viewer, models.DrawingSession, key, input.expected_updated_at
            )
            session = await sessions.update(uow, info.context.viewer, key, given)
        return DrawingSessionUpdatePayload.of(session=session)

    @mutation
    async def drawing_session_delete(self, info: Info, id: relay.GlobalID) -> DrawingSessionDeletePayload:
        """Delete a session with its sheets and comparisons. There is no way back."""
        async with info.context.write() as uow:
            await sessions.delete(uow, info.context.viewer, key_of(id, models.DrawingSession))
        return DrawingSessionDeletePayload.of(deleted_id=id)

    @mutation
    async def drawing_version_update(
        self, info: Info, id: relay.GlobalID, input: DrawingVersionUpdateInput
    ) -> DrawingVersionUpdatePayload:
        """Say which revision it is, and comment on it."""
        given = input_changes(input)
        async with info.context.write() as uow:
            version = await sessions.update_version(
                uow, info.context.viewer, key_of(id, models.DrawingVersion), given
            )
        return DrawingVersionUpdatePayload.of(drawing_version=version)


@output
class DrawingSubscriptions:
    @subscription
    async def session_progress(self, info: Info, id: relay.GlobalID) -> AsyncGenerator[DrawingSession, None]:
        """A session as it is now and each time it changes, until it has ended."""
        key = key_of(id, models.DrawingSession)
        async for row in watch(info, models.DrawingSession, key, sessions.topic(key), ("status",)):
            yield row
            if row.status in ENDED:
                return

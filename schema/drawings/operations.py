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
from resolvers import access, idempotency, validators
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
from schema.framework.global_ids import key_of
from schema.framework.payloads import Payload, Update, field, mutation, subscription
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
    """The key of a session that the viewer sees; NOT_FOUND otherwise."""
    key = key_of(id, models.DrawingSession, *path)
    model = models.DrawingSession
    await access.find(info.context.read(), info.context.viewer, model, key, *path, columns=[model.id])
    return key


@input
class DrawingSessionCreateInput:
    """Which two files to compare."""

    old_upload_id: relay.GlobalID
    """The upload with the old revision."""

    new_upload_id: relay.GlobalID
    """The upload with the new revision."""

    project_id: relay.GlobalID | None = None
    """The project that it belongs to."""

    name: str | None = None
    """What people call it; made from the filenames unless given."""

    idempotency_key: str | None = None
    """Asking again with the same key and input makes no second one."""


@input
class DrawingSessionUpdateInput(Update):
    """What to change; what is left out stays, null clears."""

    name: strawberry.Maybe[str]
    """What people call it."""

    session_metadata: strawberry.Maybe[JSON | None]
    """More about it."""


@input
class DrawingVersionUpdateInput:
    """What to change; what is left out stays, null clears."""

    version_label: strawberry.Maybe[str | None]
    """As people call it, such as `Rev A`."""

    comments: strawberry.Maybe[str | None]
    """What people say of it."""


@output
class DrawingSessionCreatePayload(Payload):
    """What `drawingSessionCreate` answers."""

    session: DrawingSession | None = None
    """The new session."""


@output
class DrawingSessionStartPayload(Payload):
    """What `drawingSessionStart` answers."""

    session: DrawingSession | None = None
    """The session, under way."""


@output
class DrawingSessionUpdatePayload(Payload):
    """What `drawingSessionUpdate` answers."""

    session: DrawingSession | None = None
    """The session as it is now."""


@output
class DrawingSessionDeletePayload(Payload):
    """What `drawingSessionDelete` answers."""

    deleted_id: relay.GlobalID | None = None
    """The id of what is gone."""


@output
class DrawingVersionUpdatePayload(Payload):
    """What `drawingVersionUpdate` answers."""

    drawing_version: DrawingVersion | None = None
    """The revision as it is now."""


@output
class DrawingMutations:
    @mutation
    async def drawing_session_create(
        self, info: Info, input: DrawingSessionCreateInput
    ) -> DrawingSessionCreatePayload:
        """Bring two uploaded files together; `drawingSessionStart` begins the work."""
        viewer, project = info.context.viewer, input.project_id
        given: dict[str, Any] = {
            "project_id": key_of(project, models.Project, "input", "projectId") if project else None,
            "old_upload_id": key_of(input.old_upload_id, models.Upload, "input", "oldUploadId"),
            "new_upload_id": key_of(input.new_upload_id, models.Upload, "input", "newUploadId"),
            "name": input.name,
        }
        async with info.context.write() as uow:
            session = await idempotency.once(
                uow,
                viewer,
                "drawingSessionCreate",
                input.idempotency_key,
                given,
                models.DrawingSession,
                lambda: sessions.create(uow, viewer, **given),
            )
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
        given = validators.changed(name=input.name, session_metadata=input.session_metadata)
        key = key_of(id, models.DrawingSession)
        async with info.context.write() as uow:
            await access.unchanged_since(
                uow, info.context.viewer, models.DrawingSession, key, input.expected_updated_at
            )
            session = await sessions.change(uow, info.context.viewer, key, given)
        return DrawingSessionUpdatePayload.of(session=session)

    @mutation
    async def drawing_session_delete(self, info: Info, id: relay.GlobalID) -> DrawingSessionDeletePayload:
        """Delete a session with its sheets and comparisons. There is no way back."""
        async with info.context.write() as uow:
            await sessions.remove(uow, info.context.viewer, key_of(id, models.DrawingSession))
        return DrawingSessionDeletePayload.of(deleted_id=id)

    @mutation
    async def drawing_version_update(
        self, info: Info, id: relay.GlobalID, input: DrawingVersionUpdateInput
    ) -> DrawingVersionUpdatePayload:
        """Say which revision it is, and comment on it."""
        given = validators.changed(version_label=input.version_label, comments=input.comments)
        async with info.context.write() as uow:
            version = await sessions.relabel(
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

"""Reports of drawing sessions as files."""

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry import relay

from db import models
from resolvers.drawings import comparison_reports
from resolvers.drawings.comparison_reports import ComparisonReportFormat
from schema.drawings.types import DrawingSession
from schema.framework.context import Info
from schema.framework.decorators import output
from schema.framework.global_ids import key_of
from schema.framework.payloads import Payload, mutation
from schema.lazy_types import ProcessingJobRef

SessionId = Annotated[relay.GlobalID, strawberry.argument(description="Global ID of a completed session.")]
Format = Annotated[ComparisonReportFormat, strawberry.argument(description="Format of the report.")]


@output
class ComparisonReportPayload(Payload):
    session: DrawingSession | None = None
    """The session, whose `reports` list the file when the job has completed."""

    job: ProcessingJobRef | None = None
    """Job that writes the file."""


@output
class ComparisonReportMutations:
    @mutation
    async def comparison_report(
        self, info: Info, session_id: SessionId, format: Format
    ) -> ComparisonReportPayload:
        """Write the report of a completed session: its sheets by amount of change, each change with words,
        size, place and decision. It replaces the last report of this format.
        """
        async with info.context.write() as uow:
            key = key_of(session_id, models.DrawingSession, "sessionId")
            session, job = await comparison_reports.create(uow, info.context.viewer, key, format)
        return ComparisonReportPayload.of(session=session, job=job)

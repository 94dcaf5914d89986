"""Reports that people keep, as clients see them."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Annotated, Any
from uuid import UUID

import strawberry
from sqlalchemy import ColumnElement
from strawberry import relay
from strawberry.scalars import JSON

from db import models
from db.models import ReportMethod
from db.paging import Order
from resolvers import access
from resolvers.insights import saved_reports as saved
from schema.framework.context import Info
from schema.framework.decorators import enumeration, input, node, output
from schema.framework.fields import Connection, connection, lookup, relation
from schema.framework.global_ids import key_of
from schema.framework.payloads import IdempotentInput, Payload, field, input_changes, mutation
from schema.insights.reports import Report
from schema.lazy_types import CompanyRef, DocumentRef, ProcessingJobRef, UserRef


@enumeration
class SavedReportOrder(Enum):
    """How to order reports."""

    SAVED_AT_DESC = Order("saved_at", descending=True)
    SAVED_AT_ASC = Order("saved_at")


@input
class SavedReportFilter:
    """Which reports to list."""

    user_id: relay.GlobalID | None = None
    """Only those that this user made."""

    report_type: str | None = None
    """Only those of this type, such as `energy_portfolio`."""

    report_id: str | None = None
    """Only the one with this public handle."""

    def where(self, report: Any) -> list[ColumnElement[bool]]:
        found = [report.report_id == self.report_id] if self.report_id is not None else []
        if self.user_id:
            found.append(report.user_id == key_of(self.user_id, models.User, "filter", "userId"))
        return found + ([report.report_type == self.report_type] if self.report_type is not None else [])


@enumeration
class ReportFileFormat(Enum):
    """Format of a report file."""

    PDF = "PDF"
    """PDF document."""
    DOCX = "DOCX"
    """Microsoft Word document."""
    MARKDOWN = "MARKDOWN"
    """Markdown text."""
    CSV = "CSV"
    """Comma-separated values."""
    SVG = "SVG"
    """SVG chart."""
    PNG = "PNG"
    """PNG chart."""


@output
class ReportFile:
    """A file of a report, or one of its charts."""

    name: str
    """Such as `report.pdf`; charts are named after what they show."""

    format: ReportFileFormat
    """What it is."""

    size: int
    """Size in bytes."""

    url: str
    """Where to get it; the link is signed and expires."""


@node(models.SavedReport)
class SavedReport(relay.Node):
    """A report that somebody kept."""

    id: relay.NodeID[UUID]

    report_id: str
    """The public handle, unique in the company."""

    report_type: str | None
    """Such as `energy_portfolio`; an open vocabulary."""

    report_data: JSON | None
    """All that the report says."""

    title: str | None
    """Display name."""

    tags: list[str]
    """What people file it under; 20 at most."""

    confidence: float | None
    """How far the report is to be trusted, 0 to 1."""

    token_usage: JSON | None
    """What language models took for it."""

    user: UserRef | None = relation(models.SavedReport.user)
    """User who created it. Null if the user is deleted or not visible to the viewer."""

    company: CompanyRef | None = relation(models.SavedReport.company)
    """Company that owns it."""

    method: ReportMethod | None
    """How it found the mix of sources."""

    generated_text: str | None
    """The report in words, as it was generated."""

    edited_text: str | None
    """The words that people put in their place; what was generated stays beside them."""

    edited_at: datetime | None
    """When people last changed the words."""

    edited_by: UserRef | None = relation(models.SavedReport.edited_by)
    """Who last changed the words; null when they are gone, or out of the viewer's sight."""

    document: DocumentRef | None = relation(models.SavedReport.document)
    """The report as a document that can be asked about; null until it is there."""

    @field(needs=("files", "title"))
    def files(self, info: Info) -> list[ReportFile]:
        """The report as PDF, Word, Markdown and CSV, and its charts as SVG and PNG; empty until they are
        made, ten or so then.
        """
        row: Any = self
        return [
            ReportFile(
                name=each["name"],
                format=ReportFileFormat(each["format"]),
                size=each["size"],
                url=info.context.links.download_url(each["key"], each["name"], each["mime_type"]),
            )
            for each in row.files
        ]

    generated_at: datetime
    """Creation time."""

    saved_at: datetime
    """When it was kept."""


@output
class ReportDifference:
    """A figure of two reports."""

    figure: str
    """What it is, such as `reached_share`."""

    first: float | None
    """In the first report; null where it lacks it."""

    second: float | None
    """In the second report; null where it lacks it."""

    change: float | None
    """The second less the first; null where either lacks it."""


@output
class SavedReportComparison:
    """Two reports, figure by figure."""

    first_plan: str | None
    """The plan that the first recommends."""

    second_plan: str | None
    """The plan that the second recommends."""

    differences: list[ReportDifference]
    """Every figure of either; a few dozen at most."""


First = Annotated[relay.GlobalID, strawberry.argument(description="Maximum number of hits. Default 10, maximum 100.")]
Second = Annotated[relay.GlobalID, strawberry.argument(description="The other report.")]


@output
class SavedReportQueries:
    saved_report: SavedReport | None = lookup(models.SavedReport, "A saved report, by id.")

    saved_reports: Connection[SavedReport] = connection(
        models.SavedReport, orders=SavedReportOrder, filter=SavedReportFilter
    )
    """The company's reports, the last saved first."""

    @field
    async def saved_report_comparison(
        self, info: Info, first_id: First, second_id: Second
    ) -> SavedReportComparison:
        """What the second report says differently from the first."""
        model, viewer, uow = models.SavedReport, info.context.viewer, info.context.read()
        first, second = [
            await access.find(uow, viewer, model, key_of(id, model, name), name)
            for id, name in ((first_id, "firstId"), (second_id, "secondId"))
        ]
        plans = [((each.report_data or {}).get("decision") or {}).get("plan") for each in (first, second)]
        found = saved.compare(first, second)
        return SavedReportComparison(
            first_plan=plans[0],
            second_plan=plans[1],
            differences=[
                ReportDifference(figure=each.figure, first=each.first, second=each.second, change=each.change)
                for each in found
            ],
        )


@input
class SavedReportCreateInput(IdempotentInput):
    """Which report to keep."""

    report_id: relay.GlobalID
    """A finished report."""

    title: str | None = None
    """What to call it; as it is called unless given."""

    tags: list[str] | None = None
    """What to file it under: at most 20, of at most 50 characters."""


@input
class SavedReportUpdateInput:
    """Fields to change. Fields that are omitted keep their value."""

    title: strawberry.Maybe[str | None]
    """What people call it; null clears."""

    tags: strawberry.Maybe[list[str]]
    """Replaces all tags: at most 20, of at most 50 characters."""

    edited_text: strawberry.Maybe[str | None]
    """The report in people's own words, at most 100,000 characters; null goes back to what was generated."""


@output
class SavedReportUpdatePayload(Payload):
    saved_report: SavedReport | None = None
    """The updated report."""


@output
class SavedReportDeletePayload(Payload):
    deleted_id: relay.GlobalID | None = None
    """Global ID of the deleted object."""


@output
class SavedReportCreatePayload(Payload):
    saved_report: SavedReport | None = None
    """The kept report; a job makes its files."""


@output
class SavedReportExportPayload(Payload):
    saved_report: SavedReport | None = None
    """The report."""

    job: ProcessingJobRef | None = None
    """The job that makes its files."""


@input
class SavedReportRerunInput(IdempotentInput):
    """How to make a report anew."""


@output
class SavedReportRerunPayload(Payload):
    report: Report | None = None
    """The new report, which is to be made; the old one stays."""


@output
class SavedReportMutations:
    @mutation(idempotent=True)
    async def saved_report_create(
        self, info: Info, input: SavedReportCreateInput
    ) -> SavedReportCreatePayload:
        """Keep a finished report under a title and tags; it gets files, and can be asked about."""
        key = key_of(input.report_id, models.Report, "input", "reportId")
        async with info.context.write() as uow:
            report = await saved.create(
                uow, info.context.viewer, report_id=key, title=input.title, tags=input.tags or []
            )
        return SavedReportCreatePayload.of(saved_report=report)

    @mutation
    async def saved_report_export(self, info: Info, id: relay.GlobalID) -> SavedReportExportPayload:
        """Make a report's files once more."""
        async with info.context.write() as uow:
            key = key_of(id, models.SavedReport)
            report, job = await saved.export(uow, info.context.viewer, key)
        return SavedReportExportPayload.of(saved_report=report, job=job)

    @mutation(idempotent=True)
    async def saved_report_rerun(
        self, info: Info, id: relay.GlobalID, input: SavedReportRerunInput | None = None
    ) -> SavedReportRerunPayload:
        """Make a report of the same kind from what is known now; compare it once it is kept."""
        viewer, key = info.context.viewer, key_of(id, models.SavedReport)
        async with info.context.write() as uow:
            report = await saved.rerun(uow, viewer, key)
        return SavedReportRerunPayload.of(report=report)

    @mutation
    async def saved_report_update(
        self, info: Info, id: relay.GlobalID, input: SavedReportUpdateInput
    ) -> SavedReportUpdatePayload:
        """Give a report another title, other tags or another text; its files are made anew then."""
        given = input_changes(input)
        async with info.context.write() as uow:
            key = key_of(id, models.SavedReport)
            report = await saved.update(uow, info.context.viewer, key, given)
        return SavedReportUpdatePayload.of(saved_report=report)

    @mutation
    async def saved_report_delete(self, info: Info, id: relay.GlobalID) -> SavedReportDeletePayload:
        """Delete a report. There is no way back."""
        async with info.context.write() as uow:
            await saved.delete(uow, info.context.viewer, key_of(id, models.SavedReport))
        return SavedReportDeletePayload.of(deleted_id=id)

"""Saved reports."""

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
from db.pagination import Order
from resolvers import access
from resolvers.insights import saved_reports as saved
from schema.framework.context import Info
from schema.framework.decorators import enumeration, input, node, output
from schema.framework.fields import Connection, connection, lookup, relation
from schema.framework.global_ids import key_of
from schema.framework.payloads import IdempotentInput, Payload, field, input_changes, mutation
from schema.insights.plans import EnergyPlan, plan_of
from schema.insights.reports import Report
from schema.lazy_types import CompanyRef, DocumentRef, ProcessingJobRef, UserRef


@enumeration
class SavedReportOrder(Enum):
    """Sort orders of saved reports."""

    SAVED_AT_DESC = Order("saved_at", descending=True)
    SAVED_AT_ASC = Order("saved_at")


@input
class SavedReportFilter:
    """Conditions for listing saved reports."""

    user_id: relay.GlobalID | None = None
    """Matches reports created by this user."""

    report_type: str | None = None
    """Matches reports of this type, such as `energy_portfolio`."""

    report_id: str | None = None
    """Matches the report with this public ID."""

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
    """A file or chart of a report."""

    name: str
    """Filename, such as `report.pdf`. Charts are named after their content."""

    format: ReportFileFormat
    """Format of the file."""

    size: int
    """Size in bytes."""

    url: str
    """Signed, expiring URL of the file."""


@node(models.SavedReport)
class SavedReport(relay.Node):
    """A saved report."""

    id: relay.NodeID[UUID]

    report_id: str
    """Public ID, unique per company."""

    report_type: str | None
    """Type of the report, such as `energy_portfolio`. Free text."""

    report_data: JSON | None
    """Content of the report."""

    @field(needs=("report_data",))
    def plan(self) -> EnergyPlan | None:
        """The results of the report, typed for charts. Null for reports of another type or an earlier
        version.
        """
        row: Any = self
        return plan_of(row.report_data)

    title: str | None
    """Title of the report."""

    tags: list[str]
    """Tags. Maximum 20."""

    confidence: float | None
    """Confidence in the report, from 0 to 1."""

    token_usage: JSON | None
    """Tokens used to generate the report."""

    user: UserRef | None = relation(models.SavedReport.user)
    """User who created it. Null if the user is deleted or not visible to the viewer."""

    company: CompanyRef | None = relation(models.SavedReport.company)
    """Company that owns it."""

    method: ReportMethod | None
    """Method that computed the mix of energy sources."""

    generated_text: str | None
    """Generated text of the report."""

    edited_text: str | None
    """Edited text that replaces the generated one, or null."""

    edited_at: datetime | None
    """Time of the last edit of the text."""

    edited_by: UserRef | None = relation(models.SavedReport.edited_by)
    """User who last edited the text. Null if the user is deleted or not visible to the viewer."""

    document: DocumentRef | None = relation(models.SavedReport.document)
    """The report as a document of the knowledge base. Null until created."""

    @field(needs=("files", "title"))
    def files(self, info: Info) -> list[ReportFile]:
        """The report as PDF, Word, Markdown and CSV, with its charts as SVG and PNG. Empty until generated.
        Not paginated.
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
    """Time at which the report was generated."""

    saved_at: datetime
    """Time at which the report was saved."""


@output
class ReportDifference:
    """A figure of two reports."""

    figure: str
    """Name of the figure, such as `reached_share`."""

    first: float | None
    """Value in the first report, or null."""

    second: float | None
    """Value in the second report, or null."""

    change: float | None
    """Second value minus first value. Null if either is missing."""


@output
class SavedReportComparison:
    """Comparison of two reports."""

    first_plan: str | None
    """Plan recommended by the first report."""

    second_plan: str | None
    """Plan recommended by the second report."""

    differences: list[ReportDifference]
    """All figures of either report. Not paginated."""


First = Annotated[relay.GlobalID, strawberry.argument(description="Global ID of the first report.")]
Second = Annotated[relay.GlobalID, strawberry.argument(description="Global ID of the second report.")]


@output
class SavedReportQueries:
    saved_report: SavedReport | None = lookup(models.SavedReport, "Looks up a saved report by ID.")

    saved_reports: Connection[SavedReport] = connection(
        models.SavedReport, orders=SavedReportOrder, filter=SavedReportFilter
    )
    """Lists the saved reports of the company, most recently saved first."""

    @field
    async def saved_report_comparison(
        self, info: Info, first_id: First, second_id: Second
    ) -> SavedReportComparison:
        """Compares the figures of two saved reports."""
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
    """Input of `savedReportCreate`."""

    report_id: relay.GlobalID
    """Global ID of a completed report."""

    title: str | None = None
    """Title. Defaults to the title of the report."""

    tags: list[str] | None = None
    """Tags. Maximum 20, of at most 50 characters each."""


@input
class SavedReportUpdateInput:
    """Fields to change. Fields that are omitted keep their value."""

    title: strawberry.Maybe[str | None]
    """Title of the report. Null clears it."""

    tags: strawberry.Maybe[list[str]]
    """Tags. Maximum 20, of at most 50 characters each. Replaces all existing ones."""

    edited_text: strawberry.Maybe[str | None]
    """Edited text of at most 100,000 characters. Null restores the generated text."""


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
    """The saved report. A job generates its files."""


@output
class SavedReportExportPayload(Payload):
    saved_report: SavedReport | None = None
    """The saved report."""

    job: ProcessingJobRef | None = None
    """Job that generates the files."""


@input
class SavedReportRerunInput(IdempotentInput):
    """Input of `savedReportRerun`."""


@output
class SavedReportRerunPayload(Payload):
    report: Report | None = None
    """The new report. The existing one is kept."""


@output
class SavedReportMutations:
    @mutation(idempotent=True)
    async def saved_report_create(
        self, info: Info, input: SavedReportCreateInput
    ) -> SavedReportCreatePayload:
        """Save a completed report with title and tags. It gets files and becomes searchable as a document."""
        key = key_of(input.report_id, models.Report, "input", "reportId")
        async with info.context.write() as uow:
            report = await saved.create(
                uow, info.context.viewer, report_id=key, title=input.title, tags=input.tags or []
            )
        return SavedReportCreatePayload.of(saved_report=report)

    @mutation
    async def saved_report_export(self, info: Info, id: relay.GlobalID) -> SavedReportExportPayload:
        """Generate the files of a report again."""
        async with info.context.write() as uow:
            key = key_of(id, models.SavedReport)
            report, job = await saved.export(uow, info.context.viewer, key)
        return SavedReportExportPayload.of(saved_report=report, job=job)

    @mutation(idempotent=True)
    async def saved_report_rerun(
        self, info: Info, id: relay.GlobalID, input: SavedReportRerunInput | None = None
    ) -> SavedReportRerunPayload:
        """Generate a report of the same type from current data. Save it to compare it."""
        viewer, key = info.context.viewer, key_of(id, models.SavedReport)
        async with info.context.write() as uow:
            report = await saved.rerun(uow, viewer, key)
        return SavedReportRerunPayload.of(report=report)

    @mutation
    async def saved_report_update(
        self, info: Info, id: relay.GlobalID, input: SavedReportUpdateInput
    ) -> SavedReportUpdatePayload:
        """Update title, tags or text of a report. Its files are generated again."""
        values = input_changes(input)
        async with info.context.write() as uow:
            key = key_of(id, models.SavedReport)
            report = await saved.update(uow, info.context.viewer, key, values)
        return SavedReportUpdatePayload.of(saved_report=report)

    @mutation
    async def saved_report_delete(self, info: Info, id: relay.GlobalID) -> SavedReportDeletePayload:
        """Delete a saved report. This cannot be undone."""
        async with info.context.write() as uow:
            await saved.delete(uow, info.context.viewer, key_of(id, models.SavedReport))
        return SavedReportDeletePayload.of(deleted_id=id)

"""Energy targets, consumption and reports."""

from __future__ import annotations

from datetime import date, datetime
from enum import Enum
from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from db.base import (
    Flag,
    Instant,
    Str50,
    Str100,
    Str255,
    Str500,
    TenantKey,
    TenantModel,
    UpdatedAt,
    company_foreign_key,
    enum_column,
    tenant_foreign_key,
    tenant_index,
    view_relationship,
)

if TYPE_CHECKING:
    from db.models.identity import Company, User
    from db.models.jobs import ProcessingJob
    from db.models.knowledge import Document


class CompanyProfile(TenantKey, TenantModel):
    """A company's energy targets and current values; one per company."""

    __tablename__ = "company_profiles"
    __table_args__ = (
        company_foreign_key(),
        sa.UniqueConstraint("company_id"),
        sa.CheckConstraint("target_year BETWEEN 2025 AND 2100", name="target_year"),
        sa.CheckConstraint("renewable_percentage_increase BETWEEN 0 AND 100", name="increase"),
        sa.CheckConstraint("budget > 0", name="budget"),
        sa.CheckConstraint("total_consumption_kwh >= 0", name="consumption"),
        sa.CheckConstraint("current_renewable_percentage BETWEEN 0 AND 100", name="current_renewable"),
        sa.CheckConstraint("sustainability_score BETWEEN 0 AND 100", name="sustainability_score"),
        sa.CheckConstraint(
            "energy_mix_weight + price_optimization_weight + portfolio_decision_weight BETWEEN 0.95 AND 1.05",
            name="weights",
        ),
        sa.CheckConstraint("latitude BETWEEN -90 AND 90", name="latitude"),
        sa.CheckConstraint("discount_rate > 0 AND discount_rate <= 1", name="discount_rate"),
        sa.CheckConstraint("price_escalation BETWEEN -0.2 AND 0.2", name="price_escalation"),
        sa.CheckConstraint("asset_life_years BETWEEN 1 AND 60", name="asset_life"),
        sa.CheckConstraint("demand_price_per_kw >= 0", name="demand_price"),
        sa.CheckConstraint("feed_in_price_per_kwh >= 0", name="feed_in_price"),
    )

    industry: Mapped[Str100 | None]
    location: Mapped[Str255 | None]
    target_year: Mapped[int | None]
    renewable_percentage_increase: Mapped[float | None]
    budget: Mapped[float | None]
    historical_data_uploaded: Mapped[Flag]
    chroma_collection_name: Mapped[Str255 | None]
    total_consumption_kwh: Mapped[float | None]
    current_renewable_percentage: Mapped[float | None]
    sustainability_score: Mapped[float | None]
    onboarding_completed: Mapped[Flag]
    energy_mix_weight: Mapped[float] = mapped_column(server_default="0.4")
    price_optimization_weight: Mapped[float] = mapped_column(server_default="0.35")
    portfolio_decision_weight: Mapped[float] = mapped_column(server_default="0.25")
    latitude: Mapped[float | None]
    currency: Mapped[str | None] = mapped_column(sa.String(3))
    discount_rate: Mapped[float] = mapped_column(server_default="0.06")
    price_escalation: Mapped[float] = mapped_column(server_default="0")
    asset_life_years: Mapped[int] = mapped_column(server_default="20")
    demand_price_per_kw: Mapped[float] = mapped_column(server_default="0")
    feed_in_price_per_kwh: Mapped[float] = mapped_column(server_default="0")
    created_at: Mapped[Instant]
    updated_at: Mapped[UpdatedAt]

    company: Mapped[Company] = view_relationship("foreign(CompanyProfile.company_id) == Company.id")


class ReportMethod(Enum):
    """Method by which a report computes the mix of energy sources."""

    OPTIMAL = "optimal"
    """Linear optimization finds the best mix."""
    PROPORTIONAL = "proportional"
    """Demand is split in proportion to the available energy."""


class SavedReport(TenantKey, TenantModel):
    """A saved report. It is kept when its user is deleted: there is no foreign key."""

    __tablename__ = "saved_reports"
    __table_args__ = (
        company_foreign_key(),
        sa.CheckConstraint("confidence BETWEEN 0 AND 1", name="confidence"),
        tenant_index("report_id", unique=True),
        tenant_index("user_id", "saved_at", "id"),
        tenant_index("report_type", "saved_at", "id"),
        tenant_index("saved_at", "id"),
    )

    report_id: Mapped[str] = mapped_column(sa.String(64))
    report_type: Mapped[Str50 | None]
    report_data: Mapped[dict[str, Any] | None]
    title: Mapped[Str500 | None]
    tags: Mapped[list[str]] = mapped_column(server_default="[]")
    confidence: Mapped[float | None]
    token_usage: Mapped[dict[str, Any] | None]
    user_id: Mapped[UUID | None]
    generated_at: Mapped[Instant]
    saved_at: Mapped[Instant]
    method: Mapped[ReportMethod | None] = enum_column(ReportMethod, nullable=True)
    config: Mapped[dict[str, Any] | None]
    generated_text: Mapped[str | None]
    edited_text: Mapped[str | None]
    edited_at: Mapped[datetime | None]
    edited_by_id: Mapped[UUID | None]
    document_id: Mapped[UUID | None]
    revision: Mapped[int] = mapped_column(sa.BigInteger, server_default="0")
    files: Mapped[list[Any]] = mapped_column(server_default="[]")

    edited_by: Mapped[User | None] = view_relationship("foreign(SavedReport.edited_by_id) == User.id")
    document: Mapped[Document | None] = view_relationship("foreign(SavedReport.document_id) == Document.id")
    user: Mapped[User | None] = view_relationship("foreign(SavedReport.user_id) == User.id")
    company: Mapped[Company] = view_relationship("foreign(SavedReport.company_id) == Company.id")


class EnergySourceKind(Enum):
    """Kind of an energy source."""

    RENEWABLE = "renewable"
    """Generates renewable energy."""
    GRID = "grid"
    """Supplies energy from the grid."""
    STORAGE = "storage"
    """Stores energy."""
    COGENERATION = "cogeneration"
    """Generates heat and power from fuel."""
    HEAT_PUMP = "heat_pump"
    """Consumes energy for heat, beyond the consumption of the profile."""


class GenerationProfile(Enum):
    """Hours of a year in which an energy source generates."""

    STEADY = "steady"
    """Any hour, up to its power."""
    SOLAR = "solar"
    """The hours of the sun at the company's latitude."""
    WIND = "wind"
    """The hours of the wind."""


class EnergySource(TenantKey, TenantModel):
    """A company's assumptions about an energy source. Shares are of the yearly consumption."""

    __tablename__ = "energy_sources"
    __table_args__ = (
        company_foreign_key(),
        tenant_index("code", unique=True),
        sa.CheckConstraint("cost_per_kwh >= 0", name="cost"),
        sa.CheckConstraint("capacity_factor BETWEEN 0 AND 1", name="capacity_factor"),
        sa.CheckConstraint("reliability BETWEEN 0 AND 1", name="reliability"),
        sa.CheckConstraint("renewable_share BETWEEN 0 AND 1", name="renewable_share"),
        sa.CheckConstraint("share_limit BETWEEN 0 AND 1", name="share_limit"),
        sa.CheckConstraint("yearly_growth BETWEEN 0 AND 1", name="yearly_growth"),
        sa.CheckConstraint("efficiency > 0 AND efficiency <= 1", name="efficiency"),
        sa.CheckConstraint("investment_per_kw >= 0", name="investment"),
        sa.CheckConstraint("operating_cost_per_kwh >= 0", name="operating_cost"),
        sa.CheckConstraint("life_years BETWEEN 1 AND 60", name="life"),
        sa.CheckConstraint("existing_kw >= 0", name="existing"),
        sa.CheckConstraint("emission_factor >= 0 AND market_emission_factor >= 0", name="emission_factors"),
    )

    code: Mapped[Str50]
    name: Mapped[Str100]
    kind: Mapped[EnergySourceKind] = enum_column(EnergySourceKind)
    cost_per_kwh: Mapped[float]
    capacity_factor: Mapped[float]
    reliability: Mapped[float]
    renewable_share: Mapped[float]
    intermittent: Mapped[Flag]
    share_limit: Mapped[float]
    yearly_growth: Mapped[float]
    efficiency: Mapped[float] = mapped_column(server_default="1")
    profile: Mapped[GenerationProfile] = enum_column(GenerationProfile, GenerationProfile.STEADY)
    investment_per_kw: Mapped[float | None]
    operating_cost_per_kwh: Mapped[float] = mapped_column(server_default="0")
    life_years: Mapped[int | None]
    existing_kw: Mapped[float] = mapped_column(server_default="0")
    emission_factor: Mapped[float] = mapped_column(server_default="0")
    market_emission_factor: Mapped[float | None]
    on_site: Mapped[Flag]
    provenance: Mapped[Str500]
    edited: Mapped[Flag]
    enabled: Mapped[bool] = mapped_column(server_default=sa.true())
    created_at: Mapped[Instant]
    updated_at: Mapped[UpdatedAt]


class HistoricalDataImport(TenantKey, TenantModel):
    """A file of consumption readings, imported by the job with the same id."""

    __tablename__ = "historical_data_imports"
    __table_args__ = (company_foreign_key(), tenant_index("created_at", "id"))

    upload_id: Mapped[UUID]
    filename: Mapped[Str255]
    mapping: Mapped[dict[str, Any]]
    summary: Mapped[dict[str, Any] | None]
    document_id: Mapped[UUID | None]
    requested_by_id: Mapped[UUID | None]
    created_at: Mapped[Instant]
    completed_at: Mapped[datetime | None]

    job: Mapped[ProcessingJob | None] = view_relationship(
        "foreign(HistoricalDataImport.id) == ProcessingJob.id"
    )
    document: Mapped[Document | None] = view_relationship(
        "foreign(HistoricalDataImport.document_id) == Document.id"
    )
    readings: Mapped[list[ConsumptionReading]] = view_relationship(
        "HistoricalDataImport.id == foreign(ConsumptionReading.import_id)"
    )


class ReadingPeriod(Enum):
    """Period that a stored reading covers."""

    DAY = "day"
    """One day."""
    MONTH = "month"
    """One calendar month."""


class ConsumptionReading(TenantKey, TenantModel):
    """The consumption of the day or month that starts on `starts_on`, in the import's time zone."""

    __tablename__ = "consumption_readings"
    __table_args__ = (
        tenant_foreign_key("historical_data_imports", "import_id"),
        tenant_index("import_id", "period", "starts_on", unique=True),
        tenant_index("import_id", "starts_on", "id"),
        sa.CheckConstraint("kwh >= 0 AND renewable_kwh >= 0", name="energy"),
        sa.CheckConstraint("coverage BETWEEN 0 AND 1", name="coverage"),
    )

    import_id: Mapped[UUID]
    period: Mapped[ReadingPeriod] = enum_column(ReadingPeriod)
    starts_on: Mapped[date] = mapped_column(sa.Date)
    kwh: Mapped[float]
    renewable_kwh: Mapped[float | None]
    coverage: Mapped[float]


class Report(TenantKey, TenantModel):
    """A report, generated by the job with the same id."""

    __tablename__ = "reports"
    __table_args__ = (
        company_foreign_key(),
        sa.CheckConstraint("confidence BETWEEN 0 AND 1", name="confidence"),
        tenant_index("created_at", "id"),
    )

    title: Mapped[Str500]
    report_type: Mapped[Str50]
    method: Mapped[ReportMethod] = enum_column(ReportMethod)
    config: Mapped[dict[str, Any]]
    report_data: Mapped[dict[str, Any] | None]
    confidence: Mapped[float | None]
    generated_text: Mapped[str | None]
    token_usage: Mapped[dict[str, Any] | None]
    event_count: Mapped[int] = mapped_column(sa.BigInteger, server_default="0")
    requested_by_id: Mapped[UUID | None]
    created_at: Mapped[Instant]
    generated_at: Mapped[datetime | None]

    job: Mapped[ProcessingJob | None] = view_relationship("foreign(Report.id) == ProcessingJob.id")
    requested_by: Mapped[User | None] = view_relationship("foreign(Report.requested_by_id) == User.id")


class ReportEventKind(Enum):
    """Kind of an event in the generation of a report."""

    STEP_STARTED = "step_started"
    """A step has started."""
    STEP_COMPLETED = "step_completed"
    """A step has completed."""
    COMPLETED = "completed"
    """The report is complete. Last event of the stream."""
    FAILED = "failed"
    """The generation has failed. Last event of the stream."""


class ReportEvent(TenantKey, TenantModel):
    """An event of a report's generation; `sequence` counts from 1 in commit order."""

    __tablename__ = "report_events"
    __table_args__ = (
        tenant_foreign_key("reports", "report_id"),
        tenant_index("report_id", "sequence", unique=True),
    )

    report_id: Mapped[UUID]
    sequence: Mapped[int] = mapped_column(sa.BigInteger)
    kind: Mapped[ReportEventKind] = enum_column(ReportEventKind)
    step: Mapped[Str50 | None]
    detail: Mapped[dict[str, Any] | None]
    created_at: Mapped[Instant]

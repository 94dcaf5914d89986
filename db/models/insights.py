"""What a company wants to reach, and the reports about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from db.base import (
    Flag,
    Instant,
    Owned,
    Str50,
    Str100,
    Str255,
    Str500,
    TenantModel,
    Touched,
    anchored,
    indexed,
    related,
)

if TYPE_CHECKING:
    from db.models.identity import Company, User


class CompanyProfile(Owned, TenantModel):
    """A company's energy targets and standing; one for each company."""

    __tablename__ = "company_profiles"
    __table_args__ = (
        anchored(),
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
    created_at: Mapped[Instant]
    updated_at: Mapped[Touched]

    company: Mapped[Company] = related("foreign(CompanyProfile.company_id) == Company.id")


class SavedReport(Owned, TenantModel):
    """A report that somebody kept. Its user may be gone: there is no foreign key."""

    __tablename__ = "saved_reports"
    __table_args__ = (
        anchored(),
        sa.CheckConstraint("confidence BETWEEN 0 AND 1", name="confidence"),
        indexed("report_id", unique=True),
        indexed("user_id", "saved_at", "id"),
        indexed("report_type", "saved_at", "id"),
        indexed("saved_at", "id"),
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

    user: Mapped[User | None] = related("foreign(SavedReport.user_id) == User.id")
    company: Mapped[Company] = related("foreign(SavedReport.company_id) == Company.id")

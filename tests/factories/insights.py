"""Company profiles, consumption and reports."""

from datetime import date
from typing import Any

from db.models import (
    CompanyProfile,
    ConsumptionReading,
    EnergySource,
    EnergySourceKind,
    HistoricalDataImport,
    ReadingPeriod,
    Report,
    ReportMethod,
    SavedReport,
)
from tests.factories import Fixture, build, numbers


def a_profile(company: Fixture, **values: Any) -> Fixture:
    """The company's profile; a company has one."""
    return build(CompanyProfile, [company], values, company_id=company.id, industry="Manufacturing")


def a_report(user: Fixture, **values: Any) -> Fixture:
    """A report that this person kept."""
    number = next(numbers)
    defaults: dict[str, Any] = {
        "user_id": user.id,
        "report_id": f"report-{number}",
        "report_type": "energy_portfolio",
        "report_data": {"renewable": 40},
        "title": f"Report {number}",
    }
    return build(SavedReport, [user], values, **defaults)


def a_source(company: Fixture, **values: Any) -> Fixture:
    """A renewable source that the company reckons with."""
    defaults: dict[str, Any] = {
        "company_id": company.id,
        "code": f"source-{next(numbers)}",
        "name": "Sun on the roof",
        "kind": EnergySourceKind.RENEWABLE,
        "cost_per_kwh": 0.05,
        "capacity_factor": 0.2,
        "reliability": 0.8,
        "renewable_share": 1.0,
        "share_limit": 0.4,
        "yearly_growth": 0.1,
        "provenance": "Made up.",
    }
    return build(EnergySource, [company], values, **defaults)


def an_import(user: Fixture, **values: Any) -> Fixture:
    """An import of past consumption that has not begun."""
    defaults: dict[str, Any] = {
        "upload_id": user.id,
        "filename": "load.csv",
        "mapping": {},
        "requested_by_id": user.id,
    }
    return build(HistoricalDataImport, [user], values, **defaults)


def a_reading(imported: Fixture, **values: Any) -> Fixture:
    """A day's consumption."""
    defaults: dict[str, Any] = {
        "import_id": imported.id,
        "period": ReadingPeriod.DAY,
        "starts_on": date(2024, 1, 1),
        "kwh": 24.0,
        "coverage": 1.0,
    }
    return build(ConsumptionReading, [imported], values, **defaults)


def a_made_report(user: Fixture, **values: Any) -> Fixture:
    """A report that is not done."""
    defaults: dict[str, Any] = {
        "title": "Energy report",
        "report_type": "energy_portfolio",
        "method": ReportMethod.OPTIMAL,
        "config": {"method": "optimal", "narrative": True},
        "requested_by_id": user.id,
    }
    return build(Report, [user], values, **defaults)

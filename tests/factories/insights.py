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
from tests.factories import Made, made, numbers


def a_profile(company: Made, **values: Any) -> Made:
    """The company's profile; a company has one."""
    return made(CompanyProfile, [company], values, company_id=company.id, industry="Manufacturing")


def a_report(user: Made, **values: Any) -> Made:
    """A report that this person kept."""
    number = next(numbers)
    usual: dict[str, Any] = {
        "user_id": user.id,
        "report_id": f"report-{number}",
        "report_type": "energy_portfolio",
        "report_data": {"renewable": 40},
        "title": f"Report {number}",
    }
    return made(SavedReport, [user], values, **usual)


def a_source(company: Made, **values: Any) -> Made:
    """A renewable source that the company reckons with."""
    usual: dict[str, Any] = {
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
    return made(EnergySource, [company], values, **usual)


def an_import(user: Made, **values: Any) -> Made:
    """An import of past consumption that has not begun."""
    usual: dict[str, Any] = {
        "upload_id": user.id,
        "filename": "load.csv",
        "mapping": {},
        "requested_by_id": user.id,
    }
    return made(HistoricalDataImport, [user], values, **usual)


def a_reading(imported: Made, **values: Any) -> Made:
    """A day's consumption."""
    usual: dict[str, Any] = {
        "import_id": imported.id,
        "period": ReadingPeriod.DAY,
        "starts_on": date(2024, 1, 1),
        "kwh": 24.0,
        "coverage": 1.0,
    }
    return made(ConsumptionReading, [imported], values, **usual)


def a_made_report(user: Made, **values: Any) -> Made:
    """A report that is not done."""
    usual: dict[str, Any] = {
        "title": "Energy report",
        "report_type": "energy_portfolio",
        "method": ReportMethod.OPTIMAL,
        "config": {"method": "optimal", "narrative": True},
        "requested_by_id": user.id,
    }
    return made(Report, [user], values, **usual)

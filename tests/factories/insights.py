"""Company profiles and saved reports."""

from typing import Any

from db.models import CompanyProfile, SavedReport
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

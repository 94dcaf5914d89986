"""Readiness: what a company must provide before a report can be generated."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from db.models import CompanyProfile, Document, HistoricalDataImport, ProcessingStatus
from db.uow import UnitOfWork


@dataclass(frozen=True)
class Requirement:
    """An input that a report requires or benefits from."""

    name: str
    required: bool
    met: bool
    advice: str


PROFILE_REQUIREMENTS = (
    ("industry", True, "Set the industry of the company."),
    ("location", True, "Set the location where the company uses its energy."),
    ("target_year", True, "Set the target year of the transition."),
    ("renewable_percentage_increase", True, "Set the increase of the renewable share."),
    ("budget", True, "Set the yearly energy budget."),
    ("total_consumption_kwh", True, "Import historical consumption, or set the yearly consumption."),
)
"""Columns of the profile, whether they are required, and the advice to provide them."""
PROFILE_FIELDS = (
    *(name for name, *_ in PROFILE_REQUIREMENTS),
    *("current_renewable_percentage", "latitude", "currency", "discount_rate", "price_escalation"),
    *("asset_life_years", "demand_price_per_kw", "feed_in_price_per_kwh"),
)


def profile_values(profile: CompanyProfile) -> dict[str, Any]:
    """The columns of the profile that a report uses."""
    return {name: getattr(profile, name) for name in PROFILE_FIELDS}


def requirements(profile: dict[str, Any] | None, imported: bool, documents: int) -> list[Requirement]:
    """All inputs of a report, required ones first."""
    values = profile or {}
    from_profile = [
        Requirement(name, required, values.get(name) is not None, advice)
        for name, required, advice in PROFILE_REQUIREMENTS
    ]
    current = values.get("current_renewable_percentage") is not None
    return [
        *from_profile,
        Requirement("current_renewable_percentage", False, current, "Set the current renewable share."),
        Requirement(
            "historical_data", False, imported, "Import historical consumption for trend and seasonality."
        ),
        Requirement("documents", False, documents > 0, "Upload documents such as tariffs and quotations."),
    ]


def is_ready(inputs: list[Requirement]) -> bool:
    """Whether all required inputs are provided."""
    return all(requirement.met for requirement in inputs if requirement.required)


def completeness(inputs: list[Requirement]) -> float:
    """Provided share of the inputs; required ones have double weight."""
    weights = [2 if requirement.required else 1 for requirement in inputs]
    met = sum(weight for weight, requirement in zip(weights, inputs, strict=True) if requirement.met)
    return met / sum(weights)


async def load_inputs(uow: UnitOfWork) -> tuple[CompanyProfile | None, HistoricalDataImport | None, int]:
    """The company's profile, its latest completed import, and the number of searchable documents."""
    profile = await uow.first(select(CompanyProfile))
    finished = select(HistoricalDataImport).where(HistoricalDataImport.completed_at.is_not(None))
    latest = finished.order_by(HistoricalDataImport.completed_at.desc(), HistoricalDataImport.id.desc())
    searchable = Document.processing_status == ProcessingStatus.COMPLETED
    documents: int = await uow.scalar(select(func.count()).select_from(Document).where(searchable))
    return profile, await uow.first(latest.limit(1)), documents


async def company_requirements(uow: UnitOfWork) -> list[Requirement]:
    """The inputs of a report for the unit's company."""
    profile, imported, documents = await load_inputs(uow)
    return requirements(profile_values(profile) if profile else None, imported is not None, documents)

"""Whether a company has said what a report needs."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, func, select

from db.models import CompanyProfile, Document, HistoricalDataImport, ProcessingStatus
from db.uow import UnitOfWork


@dataclass(frozen=True)
class Requirement:
    """Something that a report needs, or is better with."""

    name: str
    required: bool
    met: bool
    advice: str


PROFILE_REQUIREMENTS = (
    ("industry", True, "Say which industry the company is in."),
    ("location", True, "Say where the company uses its energy."),
    ("target_year", True, "Say by which year the transition is to be done."),
    ("renewable_percentage_increase", True, "Say by how much the renewable share is to grow."),
    ("budget", True, "Say what may be spent on energy in a year."),
    ("total_consumption_kwh", True, "Import past consumption, or say how much energy a year takes."),
)
"""Columns of the profile, whether a report needs them, and what to do."""


def requirements(profile: dict[str, Any] | None, imported: bool, documents: int) -> list[Requirement]:
    """Everything that a report asks for, what is required first."""
    known = profile or {}
    found = [
        Requirement(name, required, known.get(name) is not None, advice) for name, required, advice in PROFILE_REQUIREMENTS
    ]
    current = known.get("current_renewable_percentage") is not None
    return [
        *found,
        Requirement("current_renewable_percentage", False, current, "Say how much is renewable already."),
        Requirement("historical_data", False, imported, "Import past consumption for trend and seasons."),
        Requirement("documents", False, documents > 0, "Add documents, such as tariffs and quotations."),
    ]


def is_ready(found: list[Requirement]) -> bool:
    """Whether everything that is required is there."""
    return all(each.met for each in found if each.required)


def completeness(found: list[Requirement]) -> float:
    """How much of everything is there: what is required counts twice."""
    weights = [2 if each.required else 1 for each in found]
    met = sum(weight for weight, each in zip(weights, found, strict=True) if each.met)
    return met / sum(weights)


async def load_inputs(uow: UnitOfWork) -> tuple[Row[Any] | None, Row[Any] | None, int]:
    """The company's profile, its latest finished import, and how many documents can be asked about."""
    profile = await uow.first(select(CompanyProfile))
    finished = select(HistoricalDataImport).where(HistoricalDataImport.completed_at.is_not(None))
    latest = finished.order_by(HistoricalDataImport.completed_at.desc(), HistoricalDataImport.id.desc())
    searchable = Document.processing_status == ProcessingStatus.COMPLETED
    documents = await uow.scalar(select(func.count()).select_from(Document).where(searchable))
    return profile, await uow.first(latest.limit(1)), documents


async def company_requirements(uow: UnitOfWork) -> list[Requirement]:
    """What a report of the unit's company asks for."""
    profile, imported, documents = await load_inputs(uow)
    return requirements(profile and dict(profile._mapping), imported is not None, documents)

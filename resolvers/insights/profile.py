"""Company profile: energy targets, budget and weights."""

import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from core.errors import Invalid
from db.ids import new_id
from db.models import CompanyProfile
from db.uow import UnitOfWork
from resolvers import access, validators
from resolvers.access import Viewer
from resolvers.rows import update_row

RANGES = {
    "target_year": (2025, 2100),
    "renewable_percentage_increase": (0, 100),
    "total_consumption_kwh": (0, 1e15),
    "current_renewable_percentage": (0, 100),
    "energy_mix_weight": (0, 1),
    "price_optimization_weight": (0, 1),
    "portfolio_decision_weight": (0, 1),
    "latitude": (-90, 90),
    "discount_rate": (0.0001, 1),
    "price_escalation": (-0.2, 0.2),
    "asset_life_years": (1, 60),
    "demand_price_per_kw": (0, 1e6),
    "feed_in_price_per_kwh": (0, 1000),
}
CURRENCY = re.compile(r"[A-Z]{3}")
SHARES = ("current_renewable_percentage", "renewable_percentage_increase")
WEIGHTS = ("energy_mix_weight", "price_optimization_weight", "portfolio_decision_weight")
WEIGHT_SUM_TOLERANCE = 0.05
"""Maximum deviation of the sum of the weights from 1."""

MAX_BUDGET = 1e15


async def update(uow: UnitOfWork, viewer: Viewer, fields: Mapping[str, Any]) -> CompanyProfile:
    """Update the company's profile; creates it if there is none."""
    access.require(viewer, "reports:configure")
    values = _validate(fields)
    await uow.execute(insert(CompanyProfile).values(id=new_id()).on_conflict_do_nothing())
    profile = await uow.one(select(CompanyProfile).with_for_update())
    if values.keys() & set(WEIGHTS):
        energy, price, portfolio = (values.get(name, getattr(profile, name)) for name in WEIGHTS)
        if not 1 - WEIGHT_SUM_TOLERANCE <= energy + price + portfolio <= 1 + WEIGHT_SUM_TOLERANCE:
            raise Invalid(f"The three weights must sum to 1 (within {WEIGHT_SUM_TOLERANCE}).", "input")
    changed = values | _score(profile, values)
    return await update_row(
        uow, viewer, CompanyProfile, profile, changed, "COMPANY_PROFILE_UPDATE", fields=sorted(values)
    )


def _score(profile: CompanyProfile, values: Mapping[str, Any]) -> dict[str, Any]:
    """The sustainability score that follows from the profile's shares, if one of them changes."""
    if not values.keys() & set(SHARES):
        return {}
    renewable, target = (values.get(name, getattr(profile, name)) for name in SHARES)
    return {"sustainability_score": sustainability_score(renewable, target)}


def sustainability_score(renewable: float | None, target: float | None) -> float | None:
    """min(100, renewable share / target * 100), both in percent; None if either is unknown."""
    if renewable is None or target is None:
        return None
    return 100.0 if target <= 0 else round(min(100.0, renewable / target * 100), 4)


def _validate(fields: Mapping[str, Any]) -> dict[str, Any]:
    values = validators.values(CompanyProfile, fields, "input")
    for field, (minimum, maximum) in RANGES.items():
        if values.get(field) is not None:
            validators.within(values[field], minimum, maximum, "input", validators.camel(field))
    currency = values.get("currency")
    if currency is not None and not CURRENCY.fullmatch(currency):
        raise Invalid("currency must be three capital letters of ISO 4217, such as EUR.", "input", "currency")
    budget = values.get("budget")
    if budget is not None and not 0 < budget <= MAX_BUDGET:
        raise Invalid(
            f"budget must be greater than 0 and at most {MAX_BUDGET:g} (got {budget:g}).", "input", "budget"
        )
    return values

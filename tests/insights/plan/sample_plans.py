"""Inputs of reports, and sites of hours, with random figures from a fixed seed."""

import random
from typing import Any

import numpy as np

from pipelines.insights.plan.dispatch import Battery, Site, SupplySource
from resolvers.insights.energy_sources import default_sources

WEIGHTS = {"energy_mix": 0.4, "price_optimization": 0.35, "portfolio_decision": 0.25}
WEEK = 168


def report_inputs(**profile: Any) -> dict[str, Any]:
    """The inputs of a report of a company of 1 GWh a year with the default sources."""
    sources = [
        {**source, "kind": source["kind"].value, "profile": source["profile"].value}
        for source in default_sources()
    ]
    values = {
        "industry": "Manufacturing",
        "location": "Graz",
        "total_consumption_kwh": 1e6,
        "current_renewable_percentage": 10.0,
        "renewable_percentage_increase": 50.0,
        "target_year": 2031,
        "budget": 130_000.0,
        "latitude": 47.1,
        "currency": "EUR",
        "discount_rate": 0.06,
        "price_escalation": 0.0,
        "asset_life_years": 20,
        "demand_price_per_kw": 0.0,
        "feed_in_price_per_kwh": 0.0,
    }
    return {
        "title": "Report",
        "method": "optimal",
        "year": 2026,
        "sources": sorted(sources, key=lambda source: source["code"]),
        "consumption": None,
        "documents": 0,
        "weights": WEIGHTS,
        "profile": values | profile,
    }


def random_site(seed: int, weeks: int = 4) -> Site:
    """A site of some weeks with random supplies, prices, storage and limits."""
    draw, count = random.Random(seed), weeks * WEEK
    hours = np.arange(count)
    load = 100 + 40 * np.sin(2 * np.pi * (hours - 8) / 24) + 10 * np.array([draw.random() for _ in hours])
    sun = np.maximum(0.0, np.sin(2 * np.pi * (hours - 6) / 24)) * np.repeat(
        [draw.uniform(0.2, 1.0) for _ in range(weeks * 7)], 24
    )
    wind = np.array([draw.random() ** 2 for _ in hours])
    day = 0.05 * ((hours % 24 >= 7) & (hours % 24 < 20))
    total = float(load.sum())

    def flat(price: float) -> Any:
        return np.full(count, price)

    supplies = [
        SupplySource("solar", draw.uniform(50, 200) * sun, flat(0.0), 1.0, feeds_in=True),
        SupplySource("wind", draw.uniform(20, 120) * wind, flat(0.0), 1.0, metered=True, feeds_in=True),
        SupplySource("hydro", flat(draw.uniform(10, 60)), flat(0.041), 1.0, draw.uniform(0.05, 0.15) * total),
        SupplySource("contract", flat(30.0), flat(0.07), 0.5, 0.1 * total, metered=True),
        SupplySource("engine", flat(draw.uniform(10, 40)), flat(0.11), 0.0),
        SupplySource(
            "grid",
            flat(draw.choice([60.0, 500.0])),
            flat(draw.uniform(0.1, 0.2)) + day,
            draw.uniform(0.0, 0.3),
            draw.choice([None, 0.3 * total]),
            metered=True,
        ),
    ]
    return Site(
        load,
        supplies,
        Battery(draw.uniform(50, 300), draw.uniform(20, 80), 0.95, 0.93, 0.002) if seed % 4 else None,
        demand_price=draw.choice([0.0, 5.0, 20.0]),
        feed_in_price=draw.choice([0.0, 0.03]),
        budget=draw.choice([None, 3000.0, 900.0]),
        required_share=draw.choice([0.0, 0.5, 0.9]),
        weight=draw.choice([1.0, 365 / 28]),
        block_hours=draw.choice([None, WEEK]),
    )

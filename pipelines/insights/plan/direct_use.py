"""How much energy of sun and wind a load takes in the hours in which it comes.

With the load l[h] and the power r[s,h] of each kWh of source s, both with mean 1, the direct use of the
energies x[s] is U(x) = mean of min(l[h], sum x[s] r[s,h]) over the hours. U is concave, so that it is the
least of its tangents: with the hours S in which the load is the smaller one at a point, U(x) is at most the
sum over S of l and over the other hours of sum x[s] r[s,h], divided by the number of hours. The tangents at
a grid of points are rows of a linear program.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

import numpy as np

from pipelines.insights.plan.profiles import HOURS, Vector, load_profile, solar_profile, wind_profile

LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.65, 0.8, 1.0, 1.3)
"""Energies of all weather-dependent sources, as shares of the consumption, at which tangents are laid."""
MIXES = (0.25, 0.5, 0.75)
"""The share of one of two sources at the points between them."""
DEFAULT_SHARE = 0.5
"""The share of the consumption that counts as direct use where no profile is known."""


@dataclass(frozen=True)
class DirectUseCut:
    """Direct use is at most `limit` plus the weighted energies, all as shares of the consumption."""

    limit: float
    weights: tuple[tuple[str, float], ...] = ()


DEFAULT_DIRECT_USE = (DirectUseCut(DEFAULT_SHARE),)


class WeatherSource(Protocol):
    """What is asked of a source."""

    @property
    def code(self) -> str: ...
    @property
    def capacity_factor(self) -> float: ...
    @property
    def intermittent(self) -> bool: ...
    @property
    def profile(self) -> str: ...


@lru_cache(maxsize=128)
def source_profile(profile: str, latitude: float, capacity_factor: float) -> Vector:
    """The power of a source as a share of its nominal power, with the capacity factor as its mean."""
    if profile == "solar":
        power = solar_profile(latitude, capacity_factor)
    elif profile == "wind":
        power = wind_profile(latitude, capacity_factor)
    else:
        power = np.full(HOURS, capacity_factor)
    power.flags.writeable = False  # it is kept
    return power


def direct_use_cuts(
    consumption: Mapping[str, Any] | None, latitude: float, sources: Sequence[WeatherSource]
) -> tuple[DirectUseCut, ...]:
    """The tangents for the sources that depend on the weather."""
    weather = tuple(
        (source.code, source.profile, source.capacity_factor)
        for source in sources
        if source.intermittent and source.capacity_factor > 0
    )
    if not weather:
        return DEFAULT_DIRECT_USE
    known = consumption or {}
    seasons = tuple((season["month"], season["index"]) for season in known.get("seasonality") or ())
    return _cuts(tuple(known.get("profile") or ()), seasons, known.get("weekend_ratio"), latitude, weather)


@lru_cache(maxsize=64)
def _cuts(
    day: tuple[float, ...],
    seasons: tuple[tuple[int, float], ...],
    weekend: float | None,
    latitude: float,
    weather: tuple[tuple[str, str, float], ...],
) -> tuple[DirectUseCut, ...]:
    listed = [{"month": month, "index": index} for month, index in seasons]
    load = load_profile({"profile": day, "seasonality": listed, "weekend_ratio": weekend})
    powers = np.array([source_profile(kind, latitude, factor) / factor for _, kind, factor in weather])
    cuts = []
    for mix in _mixes(len(weather)):
        for level in LEVELS:
            covered = level * (mix @ powers) >= load
            weights = np.where(covered, 0.0, powers).mean(axis=1)
            names = [code for code, _, _ in weather]
            limit = float(np.where(covered, load, 0.0).mean())
            cuts.append(DirectUseCut(limit, tuple(zip(names, map(float, weights), strict=True))))
    return tuple(dict.fromkeys(cuts))


def _mixes(count: int) -> list[Vector]:
    """Each source alone, and each two of them in the shares of `MIXES`."""
    alone = list(np.eye(count))
    pairs = [(first, second) for first in range(count) for second in range(first + 1, count)]
    return alone + [share * alone[one] + (1 - share) * alone[two] for one, two in pairs for share in MIXES]

"""Hourly profiles of a year: consumption, sun, wind and heat, by formula.

Every profile has 8,760 hours in local solar time, from the first hour of 1 January. The weather is synthetic:
clouds and wind follow first-order autoregressive processes with a fixed seed, so that a company has the same
hours in every report. The sources of the formulas stand in `docs/energy-plans.md`.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.signal import lfilter
from scipy.special import ndtr

Vector = NDArray[np.float64]

HOURS = 8760
DEFAULT_LATITUDE = 48.0
MAX_TILT = 60.0
"""The maximum tilt of modules in degrees; up to it, they are tilted by the latitude."""
DIFFUSE_SHARE = 0.1
CLOUD_MEMORY, WIND_MEMORY = 0.5, 0.97
"""Correlation of the clouds of one day, and of the wind of one hour, with those of the next."""
MIN_CLEARNESS = 0.15
WEIBULL_SHAPE = 2.0
CUT_IN_SPEED, RATED_SPEED, CUT_OUT_SPEED = 3.0, 12.0, 25.0
"""Wind speeds in metres per second."""
WIND_SEASON = 0.15
"""The deviation of the wind speed in midwinter from its mean, as a share."""
SEED = 20150101
MONTH_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)

HOUR_OF_YEAR = np.arange(HOURS)
HOUR_OF_DAY = HOUR_OF_YEAR % 24
DAY_OF_YEAR = HOUR_OF_YEAR // 24
MONTH_OF_YEAR = np.repeat(np.arange(12), [24 * days for days in MONTH_DAYS])


def solar_profile(latitude: float, capacity_factor: float) -> Vector:
    """The power of modules facing the equator, as a share of their nominal power, with this mean."""
    return _scale_to_mean(_solar_shape(latitude), capacity_factor)


def wind_profile(latitude: float, capacity_factor: float) -> Vector:
    """The power of a turbine, as a share of its nominal power, with this mean."""
    gusts = _wind_shape(latitude >= 0)
    low, high = 0.5, 60.0
    if not turbine_power(low * gusts).mean() < capacity_factor < turbine_power(13.0 * gusts).mean():
        return _scale_to_mean(turbine_power(8.0 * gusts), capacity_factor)
    high = 13.0
    mean_speed = brentq(lambda speed: turbine_power(speed * gusts).mean() - capacity_factor, low, high)
    return turbine_power(mean_speed * gusts)


def turbine_power(speed: Vector) -> Vector:
    """The power of a turbine as a share of its nominal power: cubic between cut-in and rated speed."""
    rising = (speed**3 - CUT_IN_SPEED**3) / (RATED_SPEED**3 - CUT_IN_SPEED**3)
    return np.where(speed < CUT_OUT_SPEED, np.clip(rising, 0.0, 1.0), 0.0)


def heat_profile(latitude: float) -> Vector:
    """The heat demand of a year with mean 1: it grows with the cold of the season and of the night."""
    season = np.cos(2 * np.pi * (DAY_OF_YEAR - 15) / 365) * (1 if latitude >= 0 else -1)
    night = 0.15 * np.cos(2 * np.pi * (HOUR_OF_DAY - 5) / 24)
    demand = np.maximum(0.0, season + night + 0.2)
    return np.asarray(demand / demand.mean())


def load_profile(consumption: Mapping[str, Any] | None, first_weekday: int = 0) -> Vector:
    """The consumption of a year with mean 1, by the seasons, weekends and mean day of past readings.

    Without readings, the load is even.
    """
    known = consumption or {}
    day = np.asarray(known.get("profile") or np.ones(24), dtype=float)
    day = day / day.mean() if day.size == 24 and day.mean() > 0 else np.ones(24)
    seasons = np.ones(12)
    for season in known.get("seasonality") or ():
        seasons[season["month"] - 1] = season["index"]
    weekend = known.get("weekend_ratio") or 1.0
    is_weekend = (DAY_OF_YEAR + first_weekday) % 7 >= 5
    load = day[HOUR_OF_DAY] * seasons[MONTH_OF_YEAR] * np.where(is_weekend, weekend, 1.0)
    return np.asarray(load / load.mean()) if load.mean() > 0 else np.ones(HOURS)


def typical_days(hours: Vector) -> list[list[float]]:
    """The mean day of each month: twelve lists of 24 values."""
    days = hours.reshape(365, 24)
    months = np.repeat(np.arange(12), MONTH_DAYS)
    return [days[months == month].mean(axis=0).tolist() for month in range(12)]


def _scale_to_mean(shape: Vector, mean: float) -> Vector:
    """The shape scaled and cut at 1 so that it has this mean, or all of it where that is too much."""
    reachable = float((shape > 1e-3 * shape.max()).mean()) if shape.max() > 0 else 0.0
    if mean >= 0.98 * reachable:
        return np.full(HOURS, mean)
    factor = brentq(lambda value: np.minimum(1.0, value * shape).mean() - mean, 0.0, 2e3 / shape.max())
    return np.asarray(np.minimum(1.0, factor * shape))


@lru_cache(maxsize=16)
def _solar_shape(latitude: float) -> Vector:
    place = np.radians(latitude)
    tilt = np.radians(min(MAX_TILT, abs(latitude))) * (1 if latitude >= 0 else -1)
    declination = np.radians(23.45 * np.sin(2 * np.pi * (284 + DAY_OF_YEAR + 1) / 365))
    angle = np.radians(15.0 * (HOUR_OF_DAY + 0.5 - 12))
    height = np.sin(place) * np.sin(declination) + np.cos(place) * np.cos(declination) * np.cos(angle)
    incidence = np.sin(place - tilt) * np.sin(declination)
    incidence = incidence + np.cos(place - tilt) * np.cos(declination) * np.cos(angle)
    up = np.maximum(height, 0.0)
    elevation = np.degrees(np.arcsin(np.clip(up, 0.0, 1.0)))
    mass = 1 / (up + 0.50572 * (elevation + 6.07995) ** -1.6364)
    beam = np.where(height > 0, 1.353 * 0.7 ** (mass**0.678), 0.0)
    clear = beam * (np.maximum(incidence, 0.0) + DIFFUSE_SHARE)
    clouds = ndtr(_autoregressive(365, CLOUD_MEMORY, SEED))
    return np.asarray(clear * np.repeat(MIN_CLEARNESS + (1 - MIN_CLEARNESS) * np.sqrt(clouds), 24))


@lru_cache(maxsize=2)
def _wind_shape(is_north: bool) -> Vector:
    """The wind speed relative to its mean."""
    chance = ndtr(_autoregressive(HOURS, WIND_MEMORY, SEED + 1))
    speed = (-np.log1p(-np.clip(chance, 0.0, 1 - 1e-12))) ** (1 / WEIBULL_SHAPE)
    season = 1 + WIND_SEASON * np.cos(2 * np.pi * (DAY_OF_YEAR - 15) / 365) * (1 if is_north else -1)
    speed = speed * season
    return np.asarray(speed / speed.mean())


def _autoregressive(count: int, memory: float, seed: int) -> Vector:
    """A stationary process with mean 0 and variance 1."""
    noise = np.random.default_rng(seed).standard_normal(count + 100) * np.sqrt(1 - memory**2)
    return np.asarray(lfilter([1.0], [1.0, -memory], noise)[100:])


def is_known(values: Sequence[float] | None) -> bool:
    """Whether readings gave a mean day."""
    return bool(values) and len(values or ()) == 24

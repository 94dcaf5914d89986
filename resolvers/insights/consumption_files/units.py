"""Units of imported readings and what they are in kilowatt hours."""

import re
from enum import Enum

KWH_PER_GAS_M3 = 10.55
"""Energy of natural gas H as billed in Central Europe (9.8 to 11.3): kWh per cubic metre."""
UNIT_PATTERN = re.compile(
    r"(?<![A-Za-z])(?:([kKmMgG]?[wW])(?:att)?[- ·]?([hH]?)|([gGmM][jJ])|(m³|m3))(?![A-Za-z0-9])"
)
WORDS = re.compile(r"\b(kilo|mega|giga)watt[- ]?(hours?|stunden?|heures?|horas?)\b", re.I)


class EnergyUnit(Enum):
    """Unit of imported readings. Power is converted to energy by the length of its interval."""

    WH = "wh"
    """Watt-hours."""
    KWH = "kwh"
    """Kilowatt-hours."""
    MWH = "mwh"
    """Megawatt-hours."""
    GWH = "gwh"
    """Gigawatt-hours."""
    W = "w"
    """Watts (average power of the interval)."""
    KW = "kw"
    """Kilowatts (average power of the interval)."""
    MW = "mw"
    """Megawatts (average power of the interval)."""
    MJ = "mj"
    """Megajoules."""
    GJ = "gj"
    """Gigajoules."""
    M3 = "m3"
    """Cubic metres of natural gas, taken as 10.55 kWh each."""

    @property
    def is_energy(self) -> bool:
        return self not in (EnergyUnit.W, EnergyUnit.KW, EnergyUnit.MW)


KWH_PER_UNIT = {
    EnergyUnit.WH: 1e-3,
    EnergyUnit.KWH: 1.0,
    EnergyUnit.MWH: 1e3,
    EnergyUnit.GWH: 1e6,
    EnergyUnit.W: 1e-3,
    EnergyUnit.KW: 1.0,
    EnergyUnit.MW: 1e3,
    EnergyUnit.MJ: 1 / 3.6,
    EnergyUnit.GJ: 1000 / 3.6,
    EnergyUnit.M3: KWH_PER_GAS_M3,
}
"""Kilowatt hours per unit of energy, or per hour of a unit of power."""
KNOWN_UNITS = {unit.value for unit in EnergyUnit}


def parse_unit(text: str) -> EnergyUnit | None:
    """The unit that a text names, or None."""
    if word := WORDS.search(text):
        return EnergyUnit(word[1][0].lower() + "wh")
    for found in UNIT_PATTERN.finditer(text):
        name = ((found[1] or "") + (found[2] or "") + (found[3] or "")).lower() or "m3"
        if name in KNOWN_UNITS:
            return EnergyUnit(name)
    return None

"""Ways to read a file of consumption that can be read in several ways."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from resolvers.insights.consumption_files.layout import Quantity, RepeatedInstants
from resolvers.insights.consumption_files.units import EnergyUnit
from schema.framework.decorators import enumeration, output

if TYPE_CHECKING:
    from resolvers.insights.consumption_files.decisions import Alternative

for each in (EnergyUnit, Quantity, RepeatedInstants):
    enumeration(each)


@output
class HistoricalDataAlternative:
    """One way to read a file that can be read in several ways. Its fields other than the results are those of
    the mapping that chooses it.
    """

    description: str
    """What this way means, in a sentence."""

    total_kwh: float
    """Energy in the file, in kWh, read this way."""

    readings: int
    """Number of readings."""

    first_at: datetime
    """Start of the first interval, in UTC."""

    consumption_columns: list[str]
    """Names of the columns whose sum is the consumption. Maximum 500. Empty if each column is an interval."""

    decimal_comma: bool
    """Whether the decimal separator is a comma."""

    day_first: bool
    """Whether dates have the day before the month."""

    quantity: Quantity
    """What the numbers count."""

    unit: EnergyUnit
    """Unit of the readings."""

    sheets: list[str]
    """Sheets of a workbook that hold the readings. Maximum 500."""

    repeated_instants: RepeatedInstants | None
    """What happens to different readings of the same instant. Null if there are none."""

    year: int | None
    """Year of timestamps without one."""

    leave_out: bool
    """Whether readings that cannot be used are left out."""


def alternative_of(one: Alternative) -> HistoricalDataAlternative:
    """The GraphQL alternative of a reading."""
    layout, energy = one.layout, one.energy
    return HistoricalDataAlternative(
        description=one.words,
        total_kwh=energy.total_kwh,
        readings=energy.intervals.height,
        first_at=energy.intervals["utc"][0],
        consumption_columns=[layout.columns[place] for place in layout.values],
        decimal_comma=layout.decimal_comma,
        day_first=layout.day_first,
        quantity=layout.quantity,
        unit=layout.unit,
        sheets=list(layout.sheets),
        repeated_instants=layout.repeated_instants,
        year=layout.year,
        leave_out=layout.leave_out,
    )

"""The reading that is taken of a file, or the question that is open with the totals of its answers."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import product

from core.errors import Ambiguous, DomainError, Invalid
from resolvers.insights.consumption_files import evidence, moments
from resolvers.insights.consumption_files.energy import Energy, measure
from resolvers.insights.consumption_files.evidence import Option, Question
from resolvers.insights.consumption_files.layout import Layout, RepeatedInstants, TableShape
from resolvers.insights.consumption_files.shapes import read_readings
from resolvers.insights.consumption_files.tables import Table
from resolvers.insights.consumption_files.units import EnergyUnit

MAX_LOST_SHARE = 0.02
"""The share of unusable rows from which the import asks."""
MAX_ALTERNATIVES = 8
SAME_TOTAL = 1e-6
PROFILE_DISTANCE, PROFILE_NEARNESS = 10.0, 2.0
"""A reading within the second factor of the profile's energy is taken if no other is within the first one."""


@dataclass(frozen=True)
class Alternative:
    """One reading of a file, with what it gives."""

    layout: Layout
    energy: Energy
    words: str


@dataclass(frozen=True)
class FileReading:
    """A file, the best reading of it, and the question that is open with its alternatives."""

    table: Table
    layout: Layout
    energy: Energy | None
    question: str | None = None
    field: str | None = None
    alternatives: tuple[Alternative, ...] = ()
    refusal: DomainError | None = None
    """Why the file has no reading at all."""

    @property
    def timestamp_format(self) -> str | None:
        """The `strptime` format of the first instant, or None if it is not written in digits."""
        if self.layout.timestamp is None or not self.table.cells.height:
            return None
        places = [self.layout.timestamp, *([self.layout.time] if self.layout.time is not None else [])]
        text = " ".join(self.table.column(place)[0] for place in places)
        return moments.describe_format(text, self.layout.day_first)

    def require_certainty(self) -> None:
        """Raises the refusal of a file without a reading, or `Ambiguous` if a question is open."""
        if self.refusal is not None:
            raise self.refusal
        if self.question is None:
            return
        listed = " ".join(
            f"({number}) {one.words} Total: {one.energy.total_kwh:,.2f} kWh."
            for number, one in enumerate(self.alternatives, 1)
        )
        message = (
            f"{self.question} {listed} Say which in mapping.{self.field}; the preview lists the alternatives."
        )
        raise Ambiguous(message.replace("  ", " "), "input", "mapping", self.field or "")


def last_year() -> int:
    """The last year that readings may have: the next one."""
    return datetime.now(UTC).year + 1


def decide(
    table: Table, layout: Layout, questions: Sequence[Question], expected_kwh: float | None
) -> FileReading:
    """Take the best options; where one does not lead by the margin, list what the others would give."""
    doubtful = [question for question in questions if question.is_open]
    close = [
        [option for option in question.options if question.options[0].odds - option.odds < evidence.MARGIN]
        for question in doubtful
    ]
    alternatives: list[Alternative] = []
    refusal: DomainError | None = None
    for options in list(product(*close))[: 2 * MAX_ALTERNATIVES]:
        chosen = layout
        for option in options:
            chosen = replace(chosen, **option.changes)
        try:
            energy = measure(read_readings(table, chosen), chosen, last_year())
        except Invalid as error:
            refusal = error
            continue
        alternatives.append(Alternative(chosen, energy, " ".join(option.words for option in options)))
    if not alternatives:
        assert refusal is not None
        raise refusal
    alternatives = distinct(alternatives, expected_kwh)
    best = alternatives[0]
    if len(alternatives) > 1:
        question = doubtful[0]
        words = question.words if len(doubtful) == 1 else " ".join(one.words for one in doubtful)
        return FileReading(
            table, best.layout, best.energy, words, question.field, tuple(alternatives[:MAX_ALTERNATIVES])
        )
    return question_losses(table, best)


def distinct(alternatives: Sequence[Alternative], expected_kwh: float | None) -> list[Alternative]:
    """Alternatives that differ in what they give; one that alone fits the company's profile is taken."""
    kept: list[Alternative] = []
    for one in alternatives:
        if not any(is_same(one.energy, other.energy) for other in kept):
            kept.append(one)
    usable = [one for one in kept if one.energy.lost <= MAX_LOST_SHARE * one.energy.rows] or kept
    if expected_kwh and len(usable) > 1:
        fitting = [
            one
            for one in usable
            if 1 / PROFILE_DISTANCE < kwh_per_year(one.energy) / expected_kwh < PROFILE_DISTANCE
        ]
        near = [
            one
            for one in usable
            if 1 / PROFILE_NEARNESS < kwh_per_year(one.energy) / expected_kwh < PROFILE_NEARNESS
        ]
        if len(fitting) == len(near) == 1:
            return fitting
    return usable


def kwh_per_year(energy: Energy) -> float:
    """The energy of a year at the mean rate of a file."""
    seconds = max(1.0, (energy.last - energy.first).total_seconds())
    return energy.total_kwh * 365 * 86_400 / seconds


def is_same(one: Energy, other: Energy) -> bool:
    """Whether two readings give the same energy at the same time."""
    return (
        abs(one.total_kwh - other.total_kwh) <= SAME_TOTAL * max(one.total_kwh, other.total_kwh, 1e-9)
        and one.first == other.first
        and one.last == other.last
    )


def question_losses(table: Table, best: Alternative) -> FileReading:
    """Ask about a reading that repeats instants, has strange years or no year, or loses rows."""
    layout, energy = best.layout, best.energy
    if (
        energy.yearless
        and layout.year is None
        and layout.shape is not TableShape.YEARS
        and layout.year_column is None
    ):
        this_year = datetime.now(UTC).year
        years = [replace(layout, year=year) for year in range(this_year - 1, this_year - 5, -1)]
        options = [Option({"year": one.year}, 0.0, f"The months are those of {one.year}.") for one in years]
        return with_question(
            table, best, "year", "Of which year are the readings? The file names none.", options
        )
    if layout.unit is EnergyUnit.M3 and layout.unit_guessed:
        option = Option(
            {"unit_guessed": False}, 0.0, "They are cubic metres of natural gas, of 10.55 kWh each."
        )
        return with_question(
            table, best, "unit", "The file has cubic metres: are they of natural gas?", [option]
        )
    if energy.conflicts and layout.repeated_instants is None:
        options = [
            Option(
                {"repeated_instants": RepeatedInstants.KEEP_LAST},
                0.0,
                "The last reading of an instant counts.",
            ),
            Option(
                {"repeated_instants": RepeatedInstants.ADD}, 0.0, "Readings of the same instant are added."
            ),
        ]
        words = f"{energy.conflicts:,} rows have an instant that another row has with a different number."
        return with_question(table, best, "repeatedInstants", words, options)
    lost = energy.lost + energy.outside
    if not layout.leave_out and (energy.outside or lost > MAX_LOST_SHARE * energy.rows):
        examples = "; ".join(
            f"{issue.count:,} {issue.kind}, first {issue.example}"
            for issue in energy.issues[:3]
            if issue.kind != "GAP"
        )
        words = f"{lost:,} of {energy.rows:,} readings cannot be used ({examples}). Are they to be left out?"
        return with_question(
            table, best, "leaveOut", words, [Option({"leave_out": True}, 0.0, "They are left out.")]
        )
    return FileReading(table, layout, energy)


def with_question(
    table: Table, best: Alternative, field: str, words: str, options: Sequence[Option]
) -> FileReading:
    """An understanding with an open question, and what each answer gives."""
    alternatives = []
    for option in options:
        layout = replace(best.layout, **option.changes)
        energy = measure(read_readings(table, layout), layout, last_year())
        alternatives.append(Alternative(layout, energy, option.words))
    return FileReading(table, best.layout, best.energy, words, field, tuple(alternatives))

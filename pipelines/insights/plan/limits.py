"""Limits that bind a plan: those of which 1 % more improves the plan's objective."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.insights.optimisation import PLAN_OBJECTIVES, LimitKind, LinearProgram, PlanLimit
from pipelines.insights.plan_inputs import EnergySource, PlanGoals

LOOSENING = 0.01
IMPROVEMENT_TOLERANCE = 1e-7
"""The least improvement that counts, as a share of a year's consumption, or of its greatest cost."""


@dataclass(frozen=True)
class Effect:
    """What loosening a limit by 1 % improves: the objective, and by how much, in kWh or money."""

    objective: str
    improvement: float


@dataclass(frozen=True)
class BindingLimit:
    """A limit in the years in which it binds, and what 1 % more of it in all of them would buy."""

    kind: LimitKind
    code: str | None
    years: tuple[int, ...]
    value: float
    objective: str
    improvement: float


def binding_limits(goals: PlanGoals, sources: Sequence[EnergySource], plan: str) -> list[BindingLimit]:
    """The limits that bind a plan, those that leave energy unmet first.

    A limit is loosened from its last year on, one more year at a time, because what is built in a year stays:
    more room in one year alone would be of no use. It binds in the years that improve the objective further.
    """
    program = LinearProgram(goals, sources)
    solution, reached = program.solution(plan)
    groups: dict[tuple[LimitKind, str | None], list[PlanLimit]] = {}
    for limit in program.limits:
        if limit.kind != "direct_use" and is_active(program, limit, solution):
            groups.setdefault((limit.kind, limit.code), []).append(limit)
    found = []
    for (kind, code), limits in groups.items():
        if kind == "target" and _misses_target(plan, reached, program):
            continue  # it is missed anyway, and limits nothing
        values, places = reached, []
        for number in reversed(range(len(limits))):
            _, loosened = program.solution(plan, dict.fromkeys(limits[number:], LOOSENING))
            if improvement(program, plan, values, loosened) is not None:
                places.append(limits[number].place)
            values = loosened
        together = improvement(program, plan, reached, values)
        if places and together is not None:
            years = tuple(goals.first_year + place for place in reversed(places))
            value = limit_value(goals, sources, kind, code)
            found.append(BindingLimit(kind, code, years, value, together.objective, together.improvement))
    order = PLAN_OBJECTIVES[plan]
    return sorted(found, key=lambda limit: (order.index(limit.objective), -limit.improvement, limit.kind))


def is_active(program: LinearProgram, limit: PlanLimit, solution: Any) -> bool:
    """Whether the solution reaches a limit. Others cannot bind, because the program is convex."""
    near = 1e-6 * program.unit
    for number, _ in limit.rows:
        columns, bound = program.upper[number]
        weight = max((abs(value) for value in columns.values()), default=1.0) or 1.0
        if bound - sum(value * solution[column] for column, value in columns.items()) > near * weight:
            return False
    for column, _ in limit.bounds:
        high = program.bounds[column][1]
        if high is not None and high - solution[column] > near:
            return False
    return True


def improvement(
    program: LinearProgram, plan: str, before: Sequence[float], after: Sequence[float]
) -> Effect | None:
    """The first of the plan's objectives that improves, unless an earlier one becomes worse."""
    for name, old, new in zip(PLAN_OBJECTIVES[plan], before, after, strict=True):
        tolerance = IMPROVEMENT_TOLERANCE * program.unit * (program.price if name == "cost" else 1.0)
        if old - new > tolerance:
            return Effect(name, old - new)
        if new - old > tolerance:
            return None
    return None


def _misses_target(plan: str, reached: Sequence[float], program: LinearProgram) -> bool:
    names = PLAN_OBJECTIVES[plan]
    return "shortfall" in names and reached[names.index("shortfall")] > 1e-6 * program.unit


def limit_value(
    goals: PlanGoals, sources: Sequence[EnergySource], kind: LimitKind, code: str | None
) -> float:
    """What the limit is: money for the budget, a share for the others."""
    if kind == "budget":
        return goals.budget
    if kind == "target":
        return goals.target_share
    source = next(source for source in sources if source.code == code)
    return source.share_limit if kind == "share" else source.yearly_growth


def year_spans(years: Sequence[int]) -> str:
    """Years as text, with spans of consecutive ones: 2027, 2029 to 2031."""
    return ", ".join(
        str(first) if first == last else f"{first} to {last}" for first, last in _spans(sorted(years))
    )


def _spans(years: Sequence[int]) -> Iterator[tuple[int, int]]:
    start = previous = None
    for year in years:
        if previous is None or start is None:
            start = year
        elif year != previous + 1:
            yield start, previous
            start = year
        previous = year
    if start is not None and previous is not None:
        yield start, previous

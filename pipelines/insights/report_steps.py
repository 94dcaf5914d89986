"""Steps of a report. Each step is a pure function of the inputs and the results of earlier steps.

A result is JSON with a `summary`, so that an interrupted report resumes from stored results.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from statistics import fmean

from pipelines.insights import plan_scoring, proportional
from pipelines.insights.appraisal_steps import StepResult, dispatch, emissions, money, ranges, sensitivity
from pipelines.insights.optimisation import LinearProgram, Year
from pipelines.insights.plan import assumptions, limits
from pipelines.insights.plan_inputs import parse_goals, parse_listed_sources, parse_sources, round_numbers
from pipelines.insights.plan_scoring import Plan
from resolvers.insights.readiness import completeness, is_ready, requirements

Step = Callable[[StepResult, Mapping[str, StepResult]], StepResult]

AVAILABILITY_WEIGHT, OPTIMISATION_WEIGHT, PORTFOLIO_WEIGHT = 0.3, 0.3, 0.4
MIN_DATA_FACTOR, FULL_DATA_MONTHS = 0.7, 36
"""Without readings, the confidence is multiplied by the factor; with readings of so many months, by 1."""
PLAN_NAMES = {
    "least_cost": "Least cost",
    "on_target": "Target at least cost",
    "greenest": "Largest renewable share",
    "most_reliable": "Most reliable supply",
    "proportional": "In proportion to scores",
}
"""Display names of the plans."""


def readiness(inputs: StepResult, done: Mapping[str, StepResult]) -> StepResult:
    """The known and the missing requirements of a report."""
    checklist = requirements(inputs["profile"], inputs["consumption"] is not None, inputs["documents"])
    missing = [requirement.name for requirement in checklist if not requirement.met]
    summary = (
        "Everything is known." if not missing else f"{len(missing)} of {len(checklist)} things are missing."
    )
    return {
        "summary": summary,
        "ready": is_ready(checklist),
        "completeness": completeness(checklist),
        "requirements": [asdict(requirement) for requirement in checklist],
    }


def availability(inputs: StepResult, done: Mapping[str, StepResult]) -> StepResult:
    """The energy sources, and how much each can supply in the first and the last year."""
    goals, sources = parse_goals(inputs), parse_sources(inputs)
    count = len(goals.years)
    listed: list[StepResult] = [
        {
            "code": source.code,
            "name": source.name,
            "kind": source.kind,
            "capacity_factor": source.capacity_factor,
            "reliability": source.reliability,
            "cost_per_kwh": source.cost_per_kwh,
            "provenance": source.provenance,
            "first_year_kwh": goals.demand(0) * min(source.share_limit, source.yearly_growth),
            "last_year_kwh": goals.demand(count - 1) * min(source.share_limit, count * source.yearly_growth),
        }
        for source in sources
    ]
    green = sum(source["last_year_kwh"] for source in listed if source["kind"] == "renewable")
    share = min(1.0, green / goals.demand(count - 1) + goals.current_share)
    return {
        "summary": f"Renewable sources could give {100 * share:.0f} % of the consumption of "
        f"{goals.target_year}, before money and storage are counted.",
        "sources": listed,
        "attainable_renewable_share": share,
    }


def price_optimization(inputs: StepResult, done: Mapping[str, StepResult]) -> StepResult:
    """The proportional score of each source, the best first."""
    sources = parse_listed_sources(inputs)
    portions = proportional.portions(sources, inputs["profile"]["budget"])
    ranked = sorted(portions, key=lambda portion: (-portion.score, portion.code))
    names = {source.code: source.name for source in sources}
    best = f"{names[ranked[0].code]} scores best." if ranked else "There is no renewable source."
    cheapest = min(
        (source for source in sources if source.kind != "storage"), key=lambda source: source.cost_per_kwh
    )
    return {
        "summary": f"{best} {cheapest.name} is cheapest, at {cheapest.cost_per_kwh:.3f} per kWh.",
        "scores": [asdict(portion) for portion in ranked],
    }


def portfolio_mix(inputs: StepResult, done: Mapping[str, StepResult]) -> StepResult:
    """All plans with their years, the best first."""
    if inputs["method"] == "proportional":
        return proportional_mix(inputs)
    plans = plan_scoring.rank_plans(parse_goals(inputs), parse_sources(inputs), inputs["weights"])
    on_target = sum(plan.years[-1].shortfall_kwh <= plan.years[-1].demand_kwh * 1e-4 for plan in plans)
    return {
        "summary": f"{on_target} of {len(plans)} plans reach the target.",
        "plans": [plan_of(plan) for plan in plans],
    }


def plan_of(plan: Plan) -> StepResult:
    """A plan as JSON."""
    return asdict(plan)


def proportional_mix(inputs: StepResult) -> StepResult:
    """The proportional plan: shares by score, the whole budget spent each year."""
    goals, sources = parse_goals(inputs), parse_listed_sources(inputs)
    portions = proportional.portions(sources, goals.budget)
    known = {source.code: source for source in sources}
    renewable = 100 * sum(portion.share * known[portion.code].renewable_share for portion in portions)
    reliability = sum(portion.share * known[portion.code].reliability for portion in portions)
    target = inputs["profile"]["renewable_percentage_increase"]
    now = 100 * goals.current_share
    line = proportional.linear_path(now, min(100.0, now + target), goals.first_year, goals.target_year)
    unused = {source.code: 0.0 for source in sources if source.kind != "storage"}
    years = [
        Year(
            year=year,
            demand_kwh=goals.demand(index),
            energy_kwh=unused | {portion.code: portion.share * goals.demand(index) for portion in portions},
            existing_kwh=0.0,
            stored_kwh=0.0,
            unmet_kwh=0.0,
            renewable_share=percent / 100,
            wanted_share=percent / 100,
            shortfall_kwh=0.0,
            cost=goals.budget,
            reliability=reliability,
        )
        for index, (year, percent) in enumerate(line)
    ]
    score = proportional.sustainability_score(renewable, target)
    criteria = {
        "energy_mix": min(1.0, score / 100),
        "price_optimization": fmean(portion.score for portion in portions) if portions else 0.0,
        "portfolio_decision": reliability,
    }
    plan = Plan(
        name="proportional",
        years=years,
        renewable_share=renewable / 100,
        unit_cost=plan_scoring.unit_cost(years),
        total_cost=sum(year.cost for year in years),
        served_share=1.0,
        reliability=reliability,
        years_on_track=len(years),
        criteria=criteria,
        score=plan_scoring.weighted_score(criteria, inputs["weights"]),
    )
    return {
        "summary": f"{renewable:.1f} % renewable; the sustainability score is {score:.0f} of 100.",
        "plans": [plan_of(plan)],
        "sustainability_score": score,
        "on_track": renewable >= target,
    }


def constraints(inputs: StepResult, done: Mapping[str, StepResult]) -> StepResult:
    """The limits that bind the best plan, and what more of each would buy."""
    best = done["portfolio_mix"]["plans"][0]
    if inputs["method"] == "proportional":
        return {"summary": "The formula knows no limits.", "limits": []}
    goals, sources = parse_goals(inputs), parse_sources(inputs)
    found = [asdict(limit) for limit in limits.binding_limits(goals, sources, best["name"])]
    names = {source["code"]: source["name"] for source in inputs["sources"]}
    listed = [{**limit, "label": limit_label(limit, names)} for limit in found]
    first = listed[0]["label"] if listed else ""
    return {"summary": f"{first}." if listed else "No limit binds the plan.", "limits": listed}


def limit_label(limit: StepResult, names: Mapping[str, str]) -> str:
    """A binding limit as a sentence without its full stop: Grid supply of 30 % limits 2029 to 2031."""
    spans = limits.year_spans(limit["years"])
    percent = f"{100 * limit['value']:.4g} %"
    if limit["kind"] == "budget":
        return f"The budget of {limit['value']:,.0f} a year limits {spans}"
    if limit["kind"] == "target":
        return f"The target of {percent} renewable energy costs money in {spans}"
    name = names[limit["code"]]
    if limit["kind"] == "growth":
        return f"{name}, growing by at most {percent} of the consumption a year, limits {spans}"
    return f"{name}, at most {percent} of the consumption, limits {spans}"


def decision(inputs: StepResult, done: Mapping[str, StepResult]) -> StepResult:
    """The plan with the highest score, and whether it reaches the target."""
    plans = done["portfolio_mix"]["plans"]
    best, last = plans[0], plans[0]["years"][-1]
    target = last["wanted_share"]
    missed = max(0.0, target - best["renewable_share"])
    unmet = sum(year["unmet_kwh"] for year in best["years"])
    tolerance = plan_scoring.ON_TRACK_TOLERANCE
    met = missed <= tolerance and not any(
        year["unmet_kwh"] > tolerance * year["demand_kwh"] for year in best["years"]
    )
    lead = best["score"] - plans[1]["score"] if len(plans) > 1 else 0.0
    return {
        "summary": f"The plan “{PLAN_NAMES[best['name']]}” scores {best['score']:.3f}. "
        + target_verdict(missed, best["years"], done["constraints"]["limits"]),
        "plan": best["name"],
        "score": best["score"],
        "lead": lead,
        "weights": inputs["weights"],
        "scores": [
            {"plan": plan["name"], "score": plan["score"], "criteria": plan["criteria"]} for plan in plans
        ],
        "target_met": met,
        "target_share": target,
        "reached_share": best["renewable_share"],
        "missed_share": missed,
        "unmet_kwh": unmet,
        "budget_needed": budget_needed(inputs, best),
    }


def target_verdict(missed: float, years: list[StepResult], binding: list[StepResult]) -> str:
    """Whether the target is reached, and what limits it, as sentences."""
    unmet = [year for year in years if year["unmet_kwh"] > 1e-6 * year["demand_kwh"]]
    if unmet:
        causes = [limit["label"] for limit in binding if limit["objective"] == "unmet"]
        total, spans = sum(year["unmet_kwh"] for year in unmet), limits.year_spans([y["year"] for y in unmet])
        verdict = f"{total:,.0f} kWh stay unmet, in {spans}."
        return " ".join([verdict, *(f"{cause}." for cause in causes)])
    if missed > plan_scoring.ON_TRACK_TOLERANCE:
        causes = [limit["label"] for limit in binding if limit["objective"] == "shortfall"]
        verdict = f"The target is missed by {100 * missed:.1f} percentage points."
        return " ".join([verdict, *(f"{cause}." for cause in causes)])
    return "The target is reached."


def budget_needed(inputs: StepResult, plan: StepResult) -> float:
    """What the dearest year costs beyond the budget without a limit of money; 0 if more buys no energy."""
    unmet = sum(year["unmet_kwh"] for year in plan["years"])
    if inputs["method"] == "proportional" or unmet <= 0:
        return 0.0
    goals, sources = parse_goals(inputs), parse_sources(inputs)
    free = LinearProgram(replace(goals, budget=float("inf")), sources).solve(plan["name"])
    if unmet - sum(year.unmet_kwh for year in free) <= 1e-6 * plan["years"][-1]["demand_kwh"]:
        return 0.0
    return max(0.0, max(year.cost for year in free) - goals.budget)


def roadmap(inputs: StepResult, done: Mapping[str, StepResult]) -> StepResult:
    """The selected plan, year by year."""
    plan, budget = done["portfolio_mix"]["plans"][0], inputs["profile"]["budget"]
    years = [
        {**year, "budget_left": budget - year["cost"], "on_track": is_on_track(year)}
        for year in plan["years"]
    ]
    late_years = [year["year"] for year in years if not year["on_track"]]
    summary = (
        f"Every year until {years[-1]['year']} is on track."
        if not late_years
        else f"{limits.year_spans(late_years)} fall{'s' if len(late_years) == 1 else ''} behind."
    )
    return {"summary": summary, "years": years, "years_behind": late_years}


def is_on_track(year: StepResult) -> bool:
    """Whether a year has its required renewable share and no unmet energy."""
    allowed = plan_scoring.ON_TRACK_TOLERANCE * year["demand_kwh"]
    return bool(year["shortfall_kwh"] <= allowed and year["unmet_kwh"] <= allowed)


def confidence(inputs: StepResult, done: Mapping[str, StepResult]) -> StepResult:
    """0.3 availability + 0.3 optimisation + 0.4 portfolio, times the served share and the data's factor.

    Availability is the plan's reliability times the completeness of the inputs; optimisation the share of
    input changes that keep the decision; portfolio the reached share of the target times the served share.
    """
    plan = done["portfolio_mix"]["plans"][0]
    parts = {
        "availability": plan["reliability"] * done["readiness"]["completeness"],
        "optimisation": done["sensitivity"]["stability"],
        "portfolio": plan["criteria"]["energy_mix"] * plan["served_share"],
    }
    months = assumptions.reading_months(inputs["consumption"])
    factors = {"served": plan["served_share"], "data": data_factor(months)}
    total = weighted_confidence(parts) * factors["served"] * factors["data"]
    return {
        "summary": f"The confidence is {100 * total:.0f} %.",
        "total": total,
        "months": months,
        **parts,
        **factors,
    }


def data_factor(months: int) -> float:
    """The factor of the confidence for so many months of readings."""
    return MIN_DATA_FACTOR + (1 - MIN_DATA_FACTOR) * min(1.0, months / FULL_DATA_MONTHS)


def weighted_confidence(parts: Mapping[str, float]) -> float:
    """0.3 availability + 0.3 optimisation + 0.4 portfolio, from 0 to 1."""
    total = (
        AVAILABILITY_WEIGHT * parts["availability"]
        + OPTIMISATION_WEIGHT * parts["optimisation"]
        + PORTFOLIO_WEIGHT * parts["portfolio"]
    )
    return min(1.0, max(0.0, total))


STEPS: dict[str, Step] = {
    "readiness": readiness,
    "availability": availability,
    "price_optimization": price_optimization,
    "portfolio_mix": portfolio_mix,
    "constraints": constraints,
    "decision": decision,
    "roadmap": roadmap,
    "dispatch": dispatch,
    "money": money,
    "emissions": emissions,
    "sensitivity": sensitivity,
    "ranges": ranges,
    "confidence": confidence,
}
"""In order of execution."""


def run_step(name: str, inputs: StepResult, done: Mapping[str, StepResult]) -> StepResult:
    """The result of a step with rounded numbers; runs in a child process."""
    found: StepResult = round_numbers(STEPS[name](inputs, done))
    return found

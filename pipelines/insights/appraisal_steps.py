"""Steps of a report that appraise the selected plan: by hour, in money, in emissions, and under changes."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from pipelines.insights import plan_scoring
from pipelines.insights.plan import appraisal, assumptions, hourly, uncertainty
from pipelines.insights.plan.emissions import emission_years
from pipelines.insights.plan_inputs import parse_goals, parse_sources

StepResult = dict[str, Any]


def dispatch(inputs: StepResult, done: Mapping[str, StepResult]) -> StepResult:
    """The target year of the selected plan, hour by hour."""
    goals, sources = parse_goals(inputs), parse_sources(inputs)
    last = assumptions.years_of(done["portfolio_mix"]["plans"][0])[-1]
    result = hourly.dispatch_year(goals, sources, last, inputs["consumption"])
    return {
        "summary": f"Hour by hour, {100 * result['renewable_share']:.1f} % of the consumption of {last.year} "
        f"is renewable, where the year's sums give {100 * last.renewable_share:.1f} %; the plan draws at "
        f"most {result['grid_peak_kw']:,.0f} kW.",
        **result,
    }


def money(inputs: StepResult, done: Mapping[str, StepResult]) -> StepResult:
    """The selected plan against business as usual."""
    goals, sources = parse_goals(inputs), parse_sources(inputs)
    years = assumptions.years_of(done["portfolio_mix"]["plans"][0])
    found = appraisal.appraise(goals, sources, years, relative_peaks(done["dispatch"]))
    if found is None:
        return {"summary": "There is no grid supply to compare the plan with.", "appraisal": None}
    saves = "saves" if found.net_present_value >= 0 else "costs"
    summary = (
        f"Over {found.horizon_years} years the plan {saves} {abs(found.net_present_value):,.0f} in present "
        f"value against business as usual, with an investment of {found.investment:,.0f}."
    )
    return {"summary": summary, "appraisal": appraisal.appraisal_json(found)}


def relative_peaks(hours: StepResult) -> appraisal.Peaks:
    """The peaks of a dispatch for each kWh of consumption."""
    load = hours["load_kwh"] or 1.0
    return appraisal.Peaks(hours["load_peak_kw"] / load, hours["grid_peak_kw"] / load)


def emissions(inputs: StepResult, done: Mapping[str, StepResult]) -> StepResult:
    """The emissions of the selected plan and of business as usual, by year."""
    sources = parse_sources(inputs)
    years = emission_years(sources, assumptions.years_of(done["portfolio_mix"]["plans"][0]))
    plan = sum(year.market_based_kg + year.scope_1_kg for year in years)
    baseline = sum(year.baseline_market_based_kg for year in years)
    return {
        "summary": f"The plan emits {plan / 1000:,.0f} t of CO2 equivalents, market-based, instead of "
        f"{baseline / 1000:,.0f} t.",
        "years": [asdict(year) for year in years],
        "avoided_kg": baseline - plan,
    }


def sensitivity(inputs: StepResult, done: Mapping[str, StepResult]) -> StepResult:
    """The sensitivity of the decision to changed inputs."""
    if inputs["method"] == "proportional":
        return {
            "summary": "The formula knows one plan only.",
            "cases": [],
            "break_even": [],
            "stability": 1.0,
        }
    goals, sources, weights = parse_goals(inputs), parse_sources(inputs), inputs["weights"]
    chosen = plan_scoring.rank_plans(goals, sources, weights)
    cases = assumptions.assess(inputs, chosen[0], relative_peaks(done["dispatch"]))
    unchanged = sum(not case["changes_decision"] for case in cases)
    deciding_changes = [case["change"] for case in cases if case["changes_decision"]]
    summary = (
        "No change of a figure changes the decision."
        if not deciding_changes
        else f"It turns with: {', '.join(deciding_changes)}."
    )
    return {
        "summary": summary,
        "cases": cases,
        "break_even": plan_scoring.break_even_weights(chosen, weights),
        "stability": unchanged / len(cases),
    }


def ranges(inputs: StepResult, done: Mapping[str, StepResult]) -> StepResult:
    """The ranges of the selected plan's results."""
    plan = done["portfolio_mix"]["plans"][0]
    if inputs["method"] == "proportional":
        return {"summary": "The formula has no ranges.", "draws": 0, "ranges": [], "target_chance": None}
    found = uncertainty.ranges(inputs, plan["name"], len(plan["years"]), relative_peaks(done["dispatch"]))
    chance = f"In {100 * found['target_chance']:.0f} % of {found['draws']} draws the plan reaches its target."
    return {"summary": chance, **found}

"""Content of a report as blocks, which every format renders."""

from collections.abc import Mapping, Sequence
from typing import Any

from pipelines.insights.plan_scoring import CRITERIA
from pipelines.insights.report_layout import (
    Block,
    Chart,
    Figures,
    Heading,
    Paragraph,
    Table,
    chosen_years,
    format_amount,
    format_mwh,
    format_percent,
    rounded_shares,
)
from pipelines.insights.report_money import money_blocks, money_figures
from pipelines.insights.report_steps import PLAN_NAMES, is_on_track

MAX_ANOMALIES = 10
FIGURE_NAMES = {
    "total_cost": "Cost of all years",
    "renewable_share": "Renewable share in the target year",
    "unmet_share": "Unmet share of the consumption",
    "emissions_kg": "Emissions of all years, t of CO2 equivalents",
    "net_present_value": "Net present value",
    "investment": "Investment",
}


def report_blocks(data: Mapping[str, Any], text: str | None) -> list[Block]:
    """The report below its title; `text` is the narrative."""
    return [
        *summary_blocks(data, text),
        *roadmap_blocks(data),
        *money_blocks(data),
        *emission_blocks(data),
        *risk_blocks(data),
        *assumption_blocks(data),
        *consumption_blocks(data),
        *source_blocks(data),
    ]


def summary_blocks(data: Mapping[str, Any], text: str | None) -> list[Block]:
    """The recommendation, in key figures and text."""
    profile, decision, years = data["inputs"]["profile"], data["decision"], data["roadmap"]["years"]
    reached = f"{format_percent(decision['reached_share'])}{hourly_share(data)}"
    reached += f"; the target is {format_percent(decision['target_share'])}"
    rows = [
        ("Recommended plan", PLAN_NAMES[decision["plan"]]),
        (f"Renewable share in {profile['target_year']}", reached),
        ("Target", "Reached" if decision["target_met"] else "Missed"),
        *money_figures(data),
        (
            f"Cost in {years[-1]['year']}, with annuities",
            f"{format_amount(years[-1]['cost'])} of {format_amount(profile['budget'])}",
        ),
        ("Confidence", format_percent(data["confidence"]["total"])),
    ]
    if "emissions" in data:
        avoided = f"{data['emissions']['avoided_kg'] / 1000:,.0f} t of CO2e until {years[-1]['year']}"
        rows.insert(-2, ("Emissions avoided, market-based", avoided))
    paragraphs = [Paragraph(part) for part in (text or "").split("\n\n") if part.strip()]
    return [
        Heading("Decision"),
        Figures(tuple(rows)),
        *(paragraphs or [Paragraph(decision["summary"])]),
        *plan_blocks(data),
    ]


def hourly_share(data: Mapping[str, Any]) -> str:
    """The renewable share of the target year hour by hour, which the year's sums overstate."""
    hours = data.get("dispatch")
    return f", hour by hour {format_percent(hours['renewable_share'])}" if hours else ""


def plan_blocks(data: Mapping[str, Any]) -> list[Block]:
    """The compared plans and their scores."""
    decision, weights = data["decision"], data["inputs"]["weights"]
    plans = {plan["name"]: plan for plan in data["portfolio_mix"]["plans"]}
    rows = tuple(
        (
            PLAN_NAMES[score["plan"]],
            f"{score['score']:.3f}",
            *(f"{score['criteria'][name]:.3f}" for name in CRITERIA),
            format_percent(plans[score["plan"]]["renewable_share"]),
            f"{plans[score['plan']]['unit_cost']:.4f}",
            format_percent(plans[score["plan"]]["served_share"]),
        )
        for score in decision["scores"]
    )
    weight_text = ", ".join(f"{name.replace('_', ' ')} {weights[name]:g}" for name in CRITERIA)
    headings = ("Plan", "Score", "Energy mix", "Price", "Portfolio", "Renewable", "Cost per kWh", "Served")
    return [
        Heading("Compared plans"),
        Table(headings, rows),
        Paragraph(f"The company weighs {weight_text}. {break_even_text(data)}"),
    ]


def break_even_text(data: Mapping[str, Any]) -> str:
    """The weights at which other plans draw level."""
    turning = [
        f"“{PLAN_NAMES[row['decision']]}” if {row['criterion'].replace('_', ' ')} counts {row['weight']:.2f}"
        for row in data["sensitivity"]["break_even"]
    ]
    return f"Other plans draw level: {'; '.join(turning)}." if turning else ""


def roadmap_blocks(data: Mapping[str, Any]) -> list[Block]:
    """The roadmap, with sources as rows and years as columns."""
    years, names = data["roadmap"]["years"], source_names(data)
    columns = chosen_years(years)
    codes = [code for code in supply_codes(data) if any(year["energy_kwh"][code] > 0.5 for year in years)]
    series = [("Renewable already", [year["existing_kwh"] for year in columns])]
    series += [(names[code], [year["energy_kwh"][code] for year in columns]) for code in codes]
    minus = [min(0.0, rest(year)) for year in columns]
    if any(value < -1e-6 * year["demand_kwh"] for value, year in zip(minus, columns, strict=True)):
        series.append(("Surplus and storage losses", minus))
    series.append(("Unmet", [year["unmet_kwh"] for year in columns]))
    shares = [
        rounded_shares([values[index] / year["demand_kwh"] for _, values in series])
        for index, year in enumerate(columns)
    ]
    rows = [
        (name, *(f"{column[number]:.1f} %" for column in shares)) for number, (name, _) in enumerate(series)
    ]
    rows += [
        ("Consumption", *(f"{sum(column):.1f} %" for column in shares)),
        ("Consumption, MWh", *(format_mwh(year["demand_kwh"]) for year in columns)),
        ("Renewable", *(format_percent(year["renewable_share"]) for year in columns)),
        ("Required", *(format_percent(year["wanted_share"]) for year in columns)),
        ("Cost, with annuities", *(format_amount(year["cost"]) for year in columns)),
        ("On track", *("yes" if is_on_track(year) else "no" for year in columns)),
    ]
    return [
        Heading("Roadmap"),
        Paragraph(f"{data['roadmap']['summary']} {dispatch_text(data)}"),
        Chart("mix", "Where each year's energy comes from"),
        Table(("Share of the consumption", *(str(year["year"]) for year in columns)), tuple(rows)),
        Chart(
            "cost",
            "What each year costs, with investments as annuities; the dashed line is the yearly budget",
        ),
    ]


def rest(year: Mapping[str, Any]) -> float:
    """What the consumption has less than the sum of sources and unmet energy: minus surplus and losses."""
    supplied = sum(year["energy_kwh"].values()) + year["existing_kwh"] + year["unmet_kwh"]
    return float(year["demand_kwh"] - supplied)


def dispatch_text(data: Mapping[str, Any]) -> str:
    """The target year hour by hour, as sentences."""
    hours = data.get("dispatch")
    if not hours:
        return ""
    amounts = (
        ("unmet_kwh", "stay unmet in their hours"),
        ("feed_in_kwh", "are fed into the grid"),
        ("curtailed_kwh", "of sun and wind find no use"),
    )
    said = [f"{format_mwh(hours[name])} MWh {text}." for name, text in amounts if hours[name] > 1]
    return " ".join([hours["summary"], f"Today's load peaks at {hours['load_peak_kw']:,.0f} kW.", *said])


def emission_blocks(data: Mapping[str, Any]) -> list[Block]:
    """Emissions by year, with the origin of their factors."""
    found = data.get("emissions")
    if not found:
        return []
    columns = chosen_years(found["years"])
    lines = (
        ("Scope 2, location-based", "location_based_kg"),
        ("Scope 2, market-based", "market_based_kg"),
        ("Scope 1, own plants", "scope_1_kg"),
        ("Business as usual, location-based", "baseline_location_based_kg"),
        ("Business as usual, market-based", "baseline_market_based_kg"),
    )
    rows = tuple((label, *(f"{year[name] / 1000:,.1f}" for year in columns)) for label, name in lines)
    factors = [
        f"{source['name']} {source['emission_factor']:g} kg a kWh ({source['provenance']})"
        for source in data["inputs"]["sources"]
        if source.get("emission_factor")
    ]
    return [
        Heading("Emissions"),
        Paragraph(found["summary"]),
        Table(("Tonnes of CO2 equivalents", *(str(year["year"]) for year in columns)), rows),
        Paragraph(f"Factors: {'; '.join(factors)}." if factors else "No source has an emission factor."),
    ]


def risk_blocks(data: Mapping[str, Any]) -> list[Block]:
    """What limits the plan, the ranges of its results, and the confidence."""
    confidence = data["confidence"]
    limits = data.get("constraints", {}).get("limits", [])
    rows = tuple((limit["label"], f"{limit_effect(limit)}") for limit in limits)
    table: list[Block] = [Table(("Limit", "What 1 % more of it buys"), rows)] if rows else []
    ranges = data.get("ranges", {})
    spread = tuple(
        (
            FIGURE_NAMES[row["figure"]],
            *(format_figure(row["figure"], row[at]) for at in ("low", "middle", "high")),
        )
        for row in ranges.get("ranges", ())
    )
    drawn: list[Block] = [
        Paragraph(
            f"{ranges['summary']} Consumption, trend, prices and yields were drawn {ranges['draws']} times; "
            "one draw in ten is below the low and one above the high figure."
        ),
        Table(("Result", "Low", "Middle", "High"), spread),
    ]
    parts = (
        f"{confidence['summary']} Availability {format_percent(confidence['availability'])}, "
        f"optimisation {format_percent(confidence['optimisation'])}, "
        f"portfolio {format_percent(confidence['portfolio'])}, which count 0.3, 0.3 and 0.4"
    )
    if "data" in confidence:
        parts += (
            f"; times {confidence['served']:.2f} for the served energy and {confidence['data']:.2f} for "
            f"{confidence['months']} months of readings"
        )
    return [
        Heading("Limits and risk"),
        Paragraph(data["constraints"]["summary"] if limits else "No limit binds the plan."),
        *table,
        *(drawn if spread else []),
        Paragraph(f"{parts}."),
    ]


def limit_effect(limit: Mapping[str, Any]) -> str:
    """What 1 % more of a limit buys, in words."""
    amount = (
        format_amount(limit["improvement"]) if limit["improvement"] >= 10 else f"{limit['improvement']:.3g}"
    )
    return {
        "unmet": f"{amount} kWh more are served",
        "shortfall": f"{amount} kWh less are missing of the target",
        "cost": f"{amount} less cost",
        "non_renewable": f"{amount} kWh more are renewable",
        "unreliable": f"{amount} kWh more are reliable",
    }[limit["objective"]]


def assumption_blocks(data: Mapping[str, Any]) -> list[Block]:
    """The assumptions that move a result by more than 1 %, each with its strongest change."""
    sensitivity = data["sensitivity"]
    strongest: dict[str, Mapping[str, Any]] = {}
    for case in sensitivity["cases"]:
        name = case.get("assumption", case["change"])
        if case.get("movement", 0.0) > strongest.get(name, {"movement": -1.0})["movement"]:
            strongest[name] = case
    relevant = [case for case in strongest.values() if case.get("relevant")]
    relevant.sort(key=lambda case: (-case["movement"], case["change"]))
    rows = tuple(
        (
            case["change"],
            case["value"],
            f"{case['total_cost_change']:+,.0f}",
            "" if (value := case["net_present_value_change"]) is None else f"{value:+,.0f}",
            f"{100 * case['renewable_share_change']:+.1f}",
            f"{case['emissions_change_kg'] / 1000:+,.0f}",
        )
        for case in relevant
    )
    headings = ("Change", "Today", "Cost of all years", "Present value", "Renewable, points", "CO2e, t")
    origins = sorted(
        {case["origin"] for case in relevant if case["origin"].startswith(("Extra", "No", "Def"))}
    )
    note = f" Trend and default values: {'; '.join(origins)}." if origins else ""
    table = [Table(headings, rows)] if rows else []
    return [Heading("Assumptions"), Paragraph(f"{sensitivity['summary']}{note}"), *table]


def consumption_blocks(data: Mapping[str, Any]) -> list[Block]:
    """Past consumption, if it was imported."""
    consumption = data["inputs"]["consumption"]
    if not consumption:
        return []
    rows = tuple(
        (
            anomaly["starts_on"],
            f"{anomaly['kwh']:,.1f}",
            f"{anomaly['expected_kwh']:,.1f}",
            f"{anomaly['score']:+.1f}",
        )
        for anomaly in consumption["anomalies"][:MAX_ANOMALIES]
    )
    coverage = format_percent(consumption["coverage"])
    span = f"From {consumption['first_on']} to {consumption['last_on']}, {coverage} covered by readings."
    table = [Table(("Anomaly", "kWh", "Expected kWh", "Robust deviations"), rows)] if rows else []
    text = Paragraph(" ".join([span, *consumption["insights"]]))
    return [
        Heading("Past consumption"),
        text,
        Chart("anomalies", "Past consumption; the red marks are days or months out of line"),
        *table,
    ]


def source_blocks(data: Mapping[str, Any]) -> list[Block]:
    """The figures of the energy sources and their provenance."""
    rows = tuple(
        (
            source["name"],
            f"{source['cost_per_kwh']:g}",
            format_percent(source["capacity_factor"]),
            format_percent(source["reliability"]),
            format_percent(source["share_limit"]),
            format_percent(source["yearly_growth"]),
        )
        for source in data["inputs"]["sources"]
    )
    names_by_provenance: dict[str, list[str]] = {}
    for source in data["inputs"]["sources"]:
        names_by_provenance.setdefault(source["provenance"], []).append(source["name"])
    origin = " ".join(
        f"{', '.join(names)}: {provenance}" for provenance, names in names_by_provenance.items()
    )
    headings = ("Source", "Cost per kWh", "Capacity", "Reliability", "Limit", "Growth a year")
    return [Heading("Figures and their origin"), Table(headings, rows), Paragraph(origin)]


def source_names(data: Mapping[str, Any]) -> dict[str, str]:
    """The sources' names by their codes."""
    return {source["code"]: source["name"] for source in data["inputs"]["sources"]}


def supply_codes(data: Mapping[str, Any]) -> list[str]:
    """The codes of the supplying sources: renewable sources by name, then the grid."""
    supplied = data["roadmap"]["years"][0]["energy_kwh"]
    listed = sorted(
        data["inputs"]["sources"], key=lambda source: (source["kind"] != "renewable", source["name"])
    )
    return [source["code"] for source in listed if source["code"] in supplied]


def format_figure(name: str, value: float) -> str:
    """A value of a range."""
    if name.endswith("_share"):
        return format_percent(value)
    return format_amount(value / 1000 if name.endswith("_kg") else value)


def roadmap_table(data: Mapping[str, Any]) -> tuple[Sequence[str], list[Sequence[object]]]:
    """The roadmap as plain numbers: headings, and a row for each year."""
    years = data["roadmap"]["years"]
    codes = supply_codes(data)
    fields = ("existing_kwh", "stored_kwh", "unmet_kwh", "renewable_share", "wanted_share", "cost")
    headings = ["year", "demand_kwh", *(f"{code}_kwh" for code in codes), *fields, "budget_left", "on_track"]
    rows: list[Sequence[object]] = [
        [
            year["year"],
            year["demand_kwh"],
            *(year["energy_kwh"][code] for code in codes),
            *(year[name] for name in fields),
            year["budget_left"],
            is_on_track(year),
        ]
        for year in years
    ]
    return headings, rows

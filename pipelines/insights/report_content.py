"""Content of a report as blocks, which every format renders."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.insights.plan_scoring import CRITERIA
from pipelines.insights.report_steps import PLAN_NAMES, is_on_track

MAX_ANOMALIES = 10


@dataclass(frozen=True)
class Heading:
    """A section heading."""

    text: str


@dataclass(frozen=True)
class Paragraph:
    """A paragraph of text."""

    text: str


@dataclass(frozen=True)
class Figures:
    """Key figures: labels and values."""

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Table:
    """A table; all columns but the first are numbers or short texts."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Chart:
    """A chart of the report, by name, with its caption."""

    name: str
    caption: str


Block = Heading | Paragraph | Figures | Table | Chart


def report_blocks(data: Mapping[str, Any], text: str | None) -> list[Block]:
    """The report below its title; `text` is the narrative."""
    return [
        *summary_blocks(data, text),
        *roadmap_blocks(data),
        *decision_blocks(data),
        *sensitivity_blocks(data),
        *consumption_blocks(data),
        *source_blocks(data),
    ]


def summary_blocks(data: Mapping[str, Any], text: str | None) -> list[Block]:
    """The recommendation, in key figures and text."""
    profile, decision, years = data["inputs"]["profile"], data["decision"], data["roadmap"]["years"]
    reached = (
        f"{format_percent(decision['reached_share'])} of {format_percent(decision['target_share'])} wanted"
    )
    figures = Figures(
        (
            ("Recommended plan", PLAN_NAMES[decision["plan"]]),
            (f"Renewable share in {profile['target_year']}", reached),
            ("Target", "Reached" if decision["target_met"] else "Missed"),
            (
                f"Cost in {years[-1]['year']}",
                f"{format_amount(years[-1]['cost'])} of {format_amount(profile['budget'])}",
            ),
            ("Confidence", format_percent(data["confidence"]["total"])),
        )
    )
    paragraphs = [Paragraph(part) for part in (text or "").split("\n\n") if part.strip()]
    return [Heading("Summary"), figures, *(paragraphs or [Paragraph(decision["summary"])])]


def roadmap_blocks(data: Mapping[str, Any]) -> list[Block]:
    """The roadmap, year by year."""
    years, names = data["roadmap"]["years"], source_names(data)
    codes = [code for code in supply_codes(data) if any(year["energy_kwh"][code] > 0.5 for year in years)]
    unmet = any(year["unmet_kwh"] > 0.5 for year in years)
    columns = [names[code] for code in codes]
    headings = ("Year", "Need, MWh", "Already", *columns, "Reached", "Wanted", "Cost", "On track")
    rows = tuple(
        (
            str(year["year"]),
            format_mwh(year["demand_kwh"]),
            format_percent(year["existing_kwh"] / year["demand_kwh"]),
            *(format_percent(year["energy_kwh"][code] / year["demand_kwh"]) for code in codes),
            format_percent(year["renewable_share"]),
            format_percent(year["wanted_share"]),
            format_amount(year["cost"]),
            "yes" if is_on_track(year) else "no",
        )
        for year in years
    )
    note = "Sources are shares of the year's need; “Already” is what was renewable before the plan began."
    if unmet:
        total = sum(year["unmet_kwh"] for year in years)
        note += f" {format_mwh(total)} MWh stay unmet over the years, because the budget does not buy them."
    return [
        Heading("Roadmap"),
        Paragraph(data["roadmap"]["summary"]),
        Chart("mix", "Where each year's energy comes from"),
        Table(headings, rows),
        Paragraph(note),
        Chart("cost", "What each year costs; the dashed line is the yearly budget"),
    ]


def decision_blocks(data: Mapping[str, Any]) -> list[Block]:
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
        Heading("Decision"),
        Paragraph(f"{decision['summary']} The company's weights are: {weight_text}."),
        Table(headings, rows),
    ]


def sensitivity_blocks(data: Mapping[str, Any]) -> list[Block]:
    """Sensitivity of the decision, and the report's confidence."""
    sensitivity, confidence = data["sensitivity"], data["confidence"]
    rows = tuple(
        (
            case["change"],
            PLAN_NAMES[case["decision"]],
            format_percent(case["renewable_share"]),
            f"{case['total_cost_change']:+,.0f}",
        )
        for case in sensitivity["cases"]
    )
    turning = [
        f"“{PLAN_NAMES[row['decision']]}” if {row['criterion'].replace('_', ' ')} counts {row['weight']:.2f}"
        for row in sensitivity["break_even"]
    ]
    table = [Table(("Change", "Plan", "Renewable", "Cost of all years"), rows)] if rows else []
    break_even = [Paragraph(f"Other plans draw level: {'; '.join(turning)}.")] if turning else []
    parts = (
        f"{confidence['summary']} Availability {format_percent(confidence['availability'])}, "
        f"optimisation {format_percent(confidence['optimisation'])}, "
        f"portfolio {format_percent(confidence['portfolio'])}, "
        "which count 0.3, 0.3 and 0.4."
    )
    return [Heading("Sensitivity"), Paragraph(sensitivity["summary"]), *table, *break_even, Paragraph(parts)]


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


def format_percent(share: float) -> str:
    """A share in percent."""
    return f"{100 * share:.1f} %"


def format_amount(value: float) -> str:
    """An amount of money without decimals."""
    return f"{value:,.0f}"


def format_mwh(kwh: float) -> str:
    """An energy in MWh."""
    return f"{kwh / 1000:,.1f}"


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

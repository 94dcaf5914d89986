"""The money of a report: what the plan is worth, and its flows beside business as usual."""

from collections.abc import Mapping
from typing import Any

from pipelines.insights.report_layout import (
    Block,
    Heading,
    Paragraph,
    Table,
    chosen_years,
    currency,
    format_amount,
    format_percent,
    format_rate,
)


def money_figures(data: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What the plan is worth, as key figures."""
    found = data.get("money", {}).get("appraisal")
    if not found:
        return []
    unit = currency(data)
    return [
        ("Net present value", f"{format_amount(found['net_present_value'])}{unit}"),
        ("Investment", f"{format_amount(found['investment'])}{unit}"),
        ("Payback, simple and discounted", f"{payback(found, '')} and {payback(found, 'discounted_')}"),
        ("Internal rate of return", format_rate(found["internal_rate_of_return"])),
    ]


def payback(found: Mapping[str, Any], prefix: str) -> str:
    """A payback time in words."""
    years = found[f"{prefix}payback_years"]
    if years is None:
        return f"more than {found['horizon_years']} years"
    return f"{years:.1f} years" if found["investment"] else "nothing to pay back"


def money_blocks(data: Mapping[str, Any]) -> list[Block]:
    """The plan against business as usual."""
    found = data.get("money", {}).get("appraisal")
    if not found:
        return [Heading("Money"), Paragraph(data["money"]["summary"])] if "money" in data else []
    rate = format_percent(found["discount_rate"])
    columns = chosen_years(found["years"])
    lines = (
        ("Business as usual", "baseline_cost"),
        ("Operation of the plan", "operating_cost"),
        ("Demand charges", "demand_cost"),
        ("Unmet energy at the grid's price", "unmet_cost"),
        ("Revenue of feed-in", "feed_in_revenue"),
        ("Investment", "investment"),
        ("Net flow", "net_flow"),
        ("Sum of net flows", "cumulative_flow"),
    )
    rows = tuple(
        (label, *(format_amount(year[name]) for year in columns))
        for label, name in lines
        if name in ("net_flow", "cumulative_flow") or any(year[name] for year in found["years"])
    )
    unit_costs = (
        f"A kWh costs {found['levelised_cost']:.4f} with the plan and {found['baseline_levelised_cost']:.4f} "
        "without it. "
        if found["levelised_cost"] is not None and found["baseline_levelised_cost"] is not None
        else ""
    )
    return [
        Heading("Money"),
        Paragraph(
            f"{data['money']['summary']} It is discounted at {rate} a year. {unit_costs}"
            f"At the end, the plants are worth {format_amount(found['residual_value'])}. "
            + " ".join(found["notes"])
        ),
        Table((f"Amounts{currency(data)}", *(str(year["year"]) for year in columns)), rows),
        Paragraph(
            "Business as usual buys from the grid what existing plants do not give. After the target year, "
            "the mix stays; plants are replaced at the end of their life. Investments are made at the "
            "beginning of a year."
        ),
    ]

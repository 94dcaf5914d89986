"""Charts of a report as vector drawings: energy mix, cost and past consumption."""

from collections.abc import Mapping, Sequence
from datetime import date
from io import BytesIO
from typing import Any

import pypdfium2
from reportlab.graphics import renderPDF, renderSVG
from reportlab.graphics.shapes import Drawing, Line, PolyLine, Rect, String
from reportlab.lib.colors import HexColor

from pipelines.insights.report_content import supply_codes

WIDTH, HEIGHT = 468.0, 190.0
LEFT, RIGHT, TOP = 54.0, 6.0, 30.0
BOTTOM, LEGEND = 18.0, 24.0
"""Space below the axis for labels and the legend."""
TEXT_COLOUR, GRID_COLOUR, ALERT_COLOUR = HexColor("#22303c"), HexColor("#d5dce2"), HexColor("#c2410c")
COLOURS = {
    "existing": "#94a3b8",
    "solar": "#eab308",
    "wind": "#38bdf8",
    "hydro": "#2563eb",
    "grid": "#64748b",
    "unmet": "#fca5a5",
}
EXTRA_COLOURS = ("#16a34a", "#9333ea", "#db2777", "#0d9488", "#a16207", "#4f46e5")
FONT, FONT_SIZE = "Helvetica", 8
PNG_SCALE = 2.0
AXIS_STEPS = (1, 2, 2.5, 5, 10)
MAX_LABELS = 12

Series = list[tuple[str, str, list[float]]]


def draw_charts(data: Mapping[str, Any]) -> dict[str, Drawing]:
    """The charts of a report by name."""
    drawings = {"mix": mix_chart(data), "cost": cost_chart(data)}
    if data["inputs"]["consumption"]:
        drawings["anomalies"] = consumption_chart(data["inputs"]["consumption"])
    return drawings


def mix_chart(data: Mapping[str, Any]) -> Drawing:
    """Each year's energy by source."""
    years = data["roadmap"]["years"]
    names = {source["code"]: source["name"] for source in data["inputs"]["sources"]}
    series: Series = [("Renewable already", COLOURS["existing"], [year["existing_kwh"] for year in years])]
    for number, code in enumerate(supply_codes(data)):
        colour = COLOURS.get(code, EXTRA_COLOURS[number % len(EXTRA_COLOURS)])
        series.append((names.get(code, code), colour, [year["energy_kwh"][code] for year in years]))
    series.append(("Unmet", COLOURS["unmet"], [year["unmet_kwh"] for year in years]))
    visible = [item for item in series if any(value > 0.5 for value in item[2])]
    return stacked_bars("Energy by source", [str(year["year"]) for year in years], visible)


def cost_chart(data: Mapping[str, Any]) -> Drawing:
    """Each year's cost, with the budget as a line."""
    years, budget = data["roadmap"]["years"], data["inputs"]["profile"]["budget"]
    series: Series = [("Cost", "#2563eb", [year["cost"] for year in years])]
    highest = max(budget, *(year["cost"] for year in years))
    drawing, scale = chart_frame("Yearly cost and budget", highest, amount_unit(highest), BOTTOM)
    draw_bars(drawing, [str(year["year"]) for year in years], series, scale, BOTTOM)
    height = BOTTOM + budget * scale
    dashes = [4, 3]
    drawing.add(Line(LEFT, height, WIDTH - RIGHT, height, strokeColor=ALERT_COLOUR, strokeDashArray=dashes))
    drawing.add(text_label(WIDTH - RIGHT, height + 4, "Budget", anchor="end", colour=ALERT_COLOUR))
    return drawing


def consumption_chart(past: Mapping[str, Any]) -> Drawing:
    """Past consumption by month, with anomalies marked at their days."""
    months = [month for month in past["months"] if month["coverage"] >= 0.5]
    highest = max((month["kwh"] for month in months), default=1.0)
    drawing, scale = chart_frame("Past consumption by month", highest, energy_unit(highest), BOTTOM)
    places = {}
    step = (WIDTH - RIGHT - LEFT) / max(1, len(months))
    points: list[float] = []
    for number, month in enumerate(months):
        x = LEFT + step * (number + 0.5)
        places[month["starts_on"][:7]] = x
        points += [x, BOTTOM + month["kwh"] * scale]
    if len(months) > 1:
        drawing.add(PolyLine(points, strokeColor=HexColor("#2563eb"), strokeWidth=1.4))
    for anomaly in past["anomalies"]:
        day = date.fromisoformat(anomaly["starts_on"])
        if (middle := places.get(anomaly["starts_on"][:7])) is not None:
            x = middle + step * (day.day - 15) / 31
            drawing.add(Line(x, BOTTOM, x, BOTTOM + 6, strokeColor=ALERT_COLOUR, strokeWidth=1.5))
    draw_labels(drawing, [month["starts_on"][:7] for month in months], step, BOTTOM)
    return drawing


def stacked_bars(title: str, names: Sequence[str], series: Series) -> Drawing:
    """Stacked bars with a legend."""
    totals = [sum(item[2][index] for item in series) for index in range(len(names))]
    highest = max(totals, default=1.0)
    bottom = BOTTOM + LEGEND
    drawing, scale = chart_frame(title, highest, energy_unit(highest), bottom)
    draw_bars(drawing, names, series, scale, bottom)
    x = LEFT
    for name, colour, _ in series:
        drawing.add(Rect(x, 6, 8, 8, fillColor=HexColor(colour), strokeColor=None))
        drawing.add(text_label(x + 11, 7, name))
        x += 22 + 4.3 * len(name)
    return drawing


def draw_bars(drawing: Drawing, names: Sequence[str], series: Series, scale: float, bottom: float) -> None:
    """Draw the stacked bars and their labels."""
    step = (WIDTH - RIGHT - LEFT) / max(1, len(names))
    for index in range(len(names)):
        y = bottom
        for _, colour, values in series:
            height = max(0.0, values[index] * scale)
            x = LEFT + step * (index + 0.15)
            drawing.add(Rect(x, y, step * 0.7, height, fillColor=HexColor(colour), strokeColor=None))
            y += height
    draw_labels(drawing, names, step, bottom)


def draw_labels(drawing: Drawing, names: Sequence[str], step: float, bottom: float) -> None:
    """Draw the labels below the axis, at most `MAX_LABELS`."""
    step_count = -(-len(names) // MAX_LABELS)
    for index in range(0, len(names), max(1, step_count)):
        drawing.add(text_label(LEFT + step * (index + 0.5), bottom - 12, names[index], anchor="middle"))


def chart_frame(title: str, highest: float, unit: tuple[str, float], bottom: float) -> tuple[Drawing, float]:
    """An empty chart with its axis in this unit, and the height of one unit of value in points."""
    drawing = Drawing(WIDTH, HEIGHT)
    drawing.add(Rect(0, 0, WIDTH, HEIGHT, fillColor=HexColor("#ffffff"), strokeColor=None))
    drawing.add(text_label(0, HEIGHT - 11, title, size=10, bold=True))
    highest = highest if highest > 0 else 1.0
    step = next(
        size
        for power in range(-3, 19)
        for size in (factor * 10.0**power for factor in AXIS_STEPS)
        if highest / size <= 5
    )
    lines = int(-(-highest // step))
    scale = (HEIGHT - bottom - TOP) / (lines * step)
    name, divisor = unit
    for number in range(lines + 1):
        y = bottom + number * step * scale
        drawing.add(Line(LEFT, y, WIDTH - RIGHT, y, strokeColor=GRID_COLOUR, strokeWidth=0.6))
        drawing.add(text_label(LEFT - 5, y - 3, f"{number * step / divisor:,.10g}{name}", anchor="end"))
    return drawing, scale


def energy_unit(kwh: float) -> tuple[str, float]:
    """A readable unit for an energy, and its size in kWh."""
    for name, size in ((" TWh", 1e9), (" GWh", 1e6), (" MWh", 1e3)):
        if kwh >= 2 * size:
            return name, size
    return " kWh", 1.0


def amount_unit(amount: float) -> tuple[str, float]:
    """A readable suffix for an amount, and its size."""
    for name, size in (("bn", 1e9), ("m", 1e6), ("k", 1e3)):
        if amount >= 10 * size:
            return name, size
    return "", 1.0


def text_label(
    x: float,
    y: float,
    text: str,
    *,
    anchor: str = "start",
    colour: Any = TEXT_COLOUR,
    size: int = FONT_SIZE,
    bold: bool = False,
) -> String:
    """A text label."""
    font = f"{FONT}-Bold" if bold else FONT
    return String(x, y, text, textAnchor=anchor, fillColor=colour, fontName=font, fontSize=size)


def render_svg(drawing: Drawing) -> bytes:
    """The chart as SVG."""
    rendered: str = renderSVG.drawToString(drawing)
    return rendered.encode()


def render_png(drawing: Drawing) -> bytes:
    """The chart as PNG, rendered from its PDF at 144 dots an inch."""
    document = pypdfium2.PdfDocument(renderPDF.drawToString(drawing))
    try:
        buffer = BytesIO()
        document[0].render(scale=PNG_SCALE).to_pil().save(buffer, "PNG")
        return buffer.getvalue()
    finally:
        document.close()

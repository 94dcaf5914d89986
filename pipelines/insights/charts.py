"""The report's charts as vector drawings: the mix over the years, its cost, and past consumption."""

from collections.abc import Mapping, Sequence
from datetime import date
from io import BytesIO
from typing import Any

import pypdfium2
from reportlab.graphics import renderPDF, renderSVG
from reportlab.graphics.shapes import Drawing, Line, PolyLine, Rect, String
from reportlab.lib.colors import HexColor

from pipelines.insights.report_content import ordered

WIDTH, HEIGHT = 468.0, 190.0
LEFT, RIGHT, TOP = 54.0, 6.0, 30.0
BOTTOM, LEGEND = 18.0, 24.0
"""Below the axis: room for its labels, and for a legend."""
INK, FAINT, ALARM = HexColor("#22303c"), HexColor("#d5dce2"), HexColor("#c2410c")
COLOURS = {
    "existing": "#94a3b8",
    "solar": "#eab308",
    "wind": "#38bdf8",
    "hydro": "#2563eb",
    "grid": "#64748b",
    "unmet": "#fca5a5",
}
OTHERS = ("#16a34a", "#9333ea", "#db2777", "#0d9488", "#a16207", "#4f46e5")
FONT, SIZE = "Helvetica", 8
PNG_SCALE = 2.0
STEPS = (1, 2, 2.5, 5, 10)
MOST_LABELS = 12

Series = list[tuple[str, str, list[float]]]


def charts(data: Mapping[str, Any]) -> dict[str, Drawing]:
    """Every chart of a report, by its name."""
    found = {"mix": mix(data), "cost": cost(data)}
    if data["inputs"]["consumption"]:
        found["anomalies"] = consumption(data["inputs"]["consumption"])
    return found


def mix(data: Mapping[str, Any]) -> Drawing:
    """Where each year's energy comes from, in MWh, and the renewable share that is wanted and reached."""
    years = data["roadmap"]["years"]
    names = {each["code"]: each["name"] for each in data["inputs"]["sources"]}
    series: Series = [("Renewable already", COLOURS["existing"], [year["existing_kwh"] for year in years])]
    for number, code in enumerate(ordered(data)):
        colour = COLOURS.get(code, OTHERS[number % len(OTHERS)])
        series.append((names.get(code, code), colour, [year["energy_kwh"][code] for year in years]))
    series.append(("Unmet", COLOURS["unmet"], [year["unmet_kwh"] for year in years]))
    drawn = [each for each in series if any(value > 0.5 for value in each[2])]
    return stacked("Energy by source", [str(year["year"]) for year in years], drawn)


def cost(data: Mapping[str, Any]) -> Drawing:
    """What each year costs, beside the budget."""
    years, budget = data["roadmap"]["years"], data["inputs"]["profile"]["budget"]
    series: Series = [("Cost", "#2563eb", [year["cost"] for year in years])]
    highest = max(budget, *(year["cost"] for year in years))
    drawing, scale = frame("Yearly cost and budget", highest, plain_unit(highest), BOTTOM)
    bars(drawing, [str(year["year"]) for year in years], series, scale, BOTTOM)
    height = BOTTOM + budget * scale
    dashes = [4, 3]
    drawing.add(Line(LEFT, height, WIDTH - RIGHT, height, strokeColor=ALARM, strokeDashArray=dashes))
    drawing.add(words(WIDTH - RIGHT, height + 4, "Budget", anchor="end", colour=ALARM))
    return drawing


def consumption(past: Mapping[str, Any]) -> Drawing:
    """Each whole month of the past, with the anomalies marked at their days."""
    months = [month for month in past["months"] if month["coverage"] >= 0.5]
    highest = max((month["kwh"] for month in months), default=1.0)
    drawing, scale = frame("Past consumption by month", highest, unit_of(highest), BOTTOM)
    places = {}
    step = (WIDTH - RIGHT - LEFT) / max(1, len(months))
    points: list[float] = []
    for number, month in enumerate(months):
        x = LEFT + step * (number + 0.5)
        places[month["starts_on"][:7]] = x
        points += [x, BOTTOM + month["kwh"] * scale]
    if len(months) > 1:
        drawing.add(PolyLine(points, strokeColor=HexColor("#2563eb"), strokeWidth=1.4))
    for odd in past["anomalies"]:
        day = date.fromisoformat(odd["starts_on"])
        if (middle := places.get(odd["starts_on"][:7])) is not None:
            x = middle + step * (day.day - 15) / 31
            drawing.add(Line(x, BOTTOM, x, BOTTOM + 6, strokeColor=ALARM, strokeWidth=1.5))
    labels(drawing, [month["starts_on"][:7] for month in months], step, BOTTOM)
    return drawing


def stacked(title: str, names: Sequence[str], series: Series) -> Drawing:
    """Bars with one colour for each series, and a legend below."""
    totals = [sum(each[2][place] for each in series) for place in range(len(names))]
    highest = max(totals, default=1.0)
    bottom = BOTTOM + LEGEND
    drawing, scale = frame(title, highest, unit_of(highest), bottom)
    bars(drawing, names, series, scale, bottom)
    x = LEFT
    for name, colour, _ in series:
        drawing.add(Rect(x, 6, 8, 8, fillColor=HexColor(colour), strokeColor=None))
        drawing.add(words(x + 11, 7, name))
        x += 22 + 4.3 * len(name)
    return drawing


def bars(drawing: Drawing, names: Sequence[str], series: Series, scale: float, bottom: float) -> None:
    """The bars of every year, one part on top of the other."""
    step = (WIDTH - RIGHT - LEFT) / max(1, len(names))
    for place in range(len(names)):
        y = bottom
        for _, colour, values in series:
            height = max(0.0, values[place] * scale)
            x = LEFT + step * (place + 0.15)
            drawing.add(Rect(x, y, step * 0.7, height, fillColor=HexColor(colour), strokeColor=None))
            y += height
    labels(drawing, names, step, bottom)


def labels(drawing: Drawing, names: Sequence[str], step: float, bottom: float) -> None:
    """What stands below the axis; not more than there is room for."""
    every = -(-len(names) // MOST_LABELS)
    for place in range(0, len(names), max(1, every)):
        drawing.add(words(LEFT + step * (place + 0.5), bottom - 12, names[place], anchor="middle"))


def frame(title: str, highest: float, unit: tuple[str, float], bottom: float) -> tuple[Drawing, float]:
    """An empty chart with its axis in this unit, and how many points one of what it shows is high."""
    drawing = Drawing(WIDTH, HEIGHT)
    drawing.add(Rect(0, 0, WIDTH, HEIGHT, fillColor=HexColor("#ffffff"), strokeColor=None))
    drawing.add(words(0, HEIGHT - 11, title, size=10, bold=True))
    highest = highest if highest > 0 else 1.0
    step = next(
        each
        for power in range(-3, 19)
        for each in (factor * 10.0**power for factor in STEPS)
        if highest / each <= 5
    )
    lines = int(-(-highest // step))
    scale = (HEIGHT - bottom - TOP) / (lines * step)
    name, divisor = unit
    for number in range(lines + 1):
        y = bottom + number * step * scale
        drawing.add(Line(LEFT, y, WIDTH - RIGHT, y, strokeColor=FAINT, strokeWidth=0.6))
        drawing.add(words(LEFT - 5, y - 3, f"{number * step / divisor:,.10g}{name}", anchor="end"))
    return drawing, scale


def unit_of(kwh: float) -> tuple[str, float]:
    """The unit in which an energy reads well, and how many kWh it is."""
    for name, size in ((" TWh", 1e9), (" GWh", 1e6), (" MWh", 1e3)):
        if kwh >= 2 * size:
            return name, size
    return " kWh", 1.0


def plain_unit(amount: float) -> tuple[str, float]:
    """The same for an amount without a unit."""
    for name, size in (("bn", 1e9), ("m", 1e6), ("k", 1e3)):
        if amount >= 10 * size:
            return name, size
    return "", 1.0


def words(
    x: float,
    y: float,
    text: str,
    *,
    anchor: str = "start",
    colour: Any = INK,
    size: int = SIZE,
    bold: bool = False,
) -> String:
    """A piece of text."""
    font = f"{FONT}-Bold" if bold else FONT
    return String(x, y, text, textAnchor=anchor, fillColor=colour, fontName=font, fontSize=size)


def svg(drawing: Drawing) -> bytes:
    """The chart as SVG."""
    drawn: str = renderSVG.drawToString(drawing)
    return drawn.encode()


def png(drawing: Drawing) -> bytes:
    """The chart as PNG, rendered from its PDF at 144 dots an inch."""
    document = pypdfium2.PdfDocument(renderPDF.drawToString(drawing))
    try:
        buffer = BytesIO()
        document[0].render(scale=PNG_SCALE).to_pil().save(buffer, "PNG")
        return buffer.getvalue()
    finally:
        document.close()

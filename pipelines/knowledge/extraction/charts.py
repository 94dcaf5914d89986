"""Charts and diagrams of Office documents as text: titles, and a line of values for each category."""

from collections.abc import Iterator

from pipelines.knowledge.extraction.packages import Element, child, local_name
from pipelines.knowledge.extraction.tables import table_lines

CHART_TYPE = "chart"
DIAGRAM_TYPE = "diagramData"


def chart_lines(root: Element) -> Iterator[str]:
    """The title of a chart, the titles of its axes, and its values by category."""
    for title in root.iter("{*}title"):
        text = drawing_text(title)
        if text:
            yield text
    names: list[str] = []
    columns: list[dict[int, str]] = []
    categories: dict[int, str] = {}
    for series in root.iter("{*}ser"):
        label = child(series, "tx")
        names.append(" ".join(_points(label).values()) if label is not None else "")
        named = child(series, "cat") if child(series, "cat") is not None else child(series, "xVal")
        if named is not None:
            categories = {**_points(named), **categories}
        values = child(series, "val") if child(series, "val") is not None else child(series, "yVal")
        columns.append(_points(values) if values is not None else {})
    if columns:
        keys = sorted({key for column in columns for key in column} | set(categories))
        rows = [[categories.get(key, ""), *(column.get(key, "") for column in columns)] for key in keys]
        yield from table_lines([["", *names], *rows], headers=1)


def _points(element: Element) -> dict[int, str]:
    """The values of a series by position; of categories in levels, the innermost."""
    points: dict[int, str] = {}
    for point in element.iter("{*}pt"):
        value = child(point, "v")
        index = int(point.get("idx", "0"))
        if value is not None and index not in points:
            points[index] = _number(value.text or "")
    if not points:
        texts = [value.text or "" for value in element.iter("{*}v")] or [drawing_text(element)]
        points = {index: text for index, text in enumerate(texts) if text}
    return points


def _number(text: str) -> str:
    """A value without the digits that binary fractions add."""
    try:
        return f"{float(text):.15g}" if "." in text and len(text) > 16 else text
    except ValueError:
        return text


def diagram_lines(root: Element) -> Iterator[str]:
    """The texts of a diagram's shapes, in their order in the file."""
    for point in root.iter("{*}pt"):
        if point.get("type") not in ("pres", "parTrans", "sibTrans"):
            text = drawing_text(point)
            if text:
                yield text


def drawing_text(element: Element) -> str:
    """The text of all paragraphs in a drawing."""
    paragraphs = (
        "".join(
            "\n" if local_name(node) == "br" else node.text or "" for node in paragraph.iter("{*}t", "{*}br")
        )
        for paragraph in element.iter("{*}p")
    )
    return "\n".join(text.strip() for text in paragraphs if text.strip())

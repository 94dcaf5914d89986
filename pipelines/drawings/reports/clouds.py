"""Clouds around changes: PDF annotations that viewers list, each with an appearance of its own."""

from collections.abc import Iterator
from itertools import pairwise
from math import hypot

import pikepdf
from pikepdf import Array, Dictionary, Name, Pdf, String

from pipelines.drawings.reports.content import ReportChange, ReportSheet
from resolvers.drawings.change_reviews import ChangeDecision

AUTHOR = "Seshat"
PRINTED = 4
"""The flag of annotations that are printed."""

Colour = tuple[float, float, float]
Rectangle = tuple[float, float, float, float]
"""Left, bottom, right, top, in points."""

COLOURS: dict[ChangeDecision, Colour] = {
    ChangeDecision.OPEN: (0.84, 0.15, 0.16),
    ChangeDecision.ACCEPTED: (0.12, 0.47, 0.71),
    ChangeDecision.IGNORED: (0.45, 0.45, 0.45),
}
LINE_WIDTH = 1.2


def change_colour(change: ReportChange) -> Colour:
    """The colour of a change's cloud."""
    return COLOURS[change.decision]


def change_text(sheet: ReportSheet, change: ReportChange) -> str:
    """The comment of a cloud."""
    lines = [f"{sheet.name} / {change.number}: {change.label}, {change.location}", change.description]
    if change.words_removed:
        lines.append(f"Before: {' | '.join(change.words_removed)}")
    if change.words_added:
        lines.append(f"After: {' | '.join(change.words_added)}")
    lines.append(f"Size: {change.size_text}")
    lines.append(f"Decision: {change.decision.name}" + (f" ({change.note})" if change.note else ""))
    return "\n".join(lines)


def cloud_annotation(
    pdf: Pdf, sheet: ReportSheet, change: ReportChange, rectangle: Rectangle, radius: float, made_at: str
) -> Dictionary:
    """The annotation of a change whose cloud runs along a rectangle; `made_at` is a PDF date."""
    left, bottom, right, top = rectangle
    margin = radius + LINE_WIDTH
    box = Array([left - margin, bottom - margin, right + margin, top + margin])
    colour = change_colour(change)
    drawn = "{} {} {} RG {} w 1 j\n{}\ns".format(
        *colour, LINE_WIDTH, "\n".join(cloud_path(rectangle, radius))
    )
    appearance = pdf.make_stream(drawn.encode(), Type=Name.XObject, Subtype=Name.Form, BBox=box)
    return pdf.make_indirect(
        Dictionary(
            Type=Name.Annot,
            Subtype=Name.Polygon,
            Rect=box,
            Vertices=Array([left, bottom, left, top, right, top, right, bottom]),
            BE=Dictionary(S=Name.C, I=1),
            BS=Dictionary(W=LINE_WIDTH, S=Name.S),
            IT=Name.PolygonCloud,
            C=Array(list(colour)),
            T=String(AUTHOR),
            Subj=String(f"Change {change.number}"),
            Contents=String(change_text(sheet, change)),
            NM=String(str(change.id)),
            CreationDate=String(made_at),
            M=String(made_at),
            F=PRINTED,
            AP=Dictionary(N=appearance),
        )
    )


def cloud_path(rectangle: Rectangle, radius: float) -> Iterator[str]:
    """Operators of arcs along a rectangle, clockwise, that bulge outwards."""
    left, bottom, right, top = rectangle
    corners = [(left, bottom), (left, top), (right, top), (right, bottom), (left, bottom)]
    yield f"{left:.2f} {bottom:.2f} m"
    for (x, y), (end_x, end_y) in pairwise(corners):
        length = hypot(end_x - x, end_y - y)
        count = max(1, round(length / (2 * radius)))
        step_x, step_y = (end_x - x) / count, (end_y - y) / count
        # a cubic whose controls stand off by two thirds of the chord is about a half circle
        off_x, off_y = -step_y * 2 / 3, step_x * 2 / 3
        for index in range(count):
            from_x, from_y = x + index * step_x, y + index * step_y
            to_x, to_y = from_x + step_x, from_y + step_y
            yield (
                f"{from_x + off_x:.2f} {from_y + off_y:.2f} {to_x + off_x:.2f} {to_y + off_y:.2f} "
                f"{to_x:.2f} {to_y:.2f} c"
            )


def add_annotations(page: pikepdf.Page, annotations: list[Dictionary]) -> None:
    """Add annotations to a page."""
    if annotations:
        page.Annots = Array(annotations)

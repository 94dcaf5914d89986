"""Sentences about changes: aspect, action, detail, place."""

from collections.abc import Sequence

from core.ports import Evidence, Size

ACTIONS = {
    "added": "added",
    "removed": "removed",
    "modified": "modified",
    "fill": "fill or hatch changed",
    "recoloured": "recoloured",
    "line_weight": "drawn in other weights",
    "moved": "moved",
    "resized": "resized",
    "renamed": "renamed",
}

MAX_LISTED_WORDS = 12
MAX_LINE_THICKNESS = {"m": 0.1, "ft": 0.33, "mm on paper": 1.5}
"""Thickness in each unit below which an object is a line, which has a length only."""


def sentence(change: Evidence) -> str:
    """Such as `Text renamed: "STORE" becomes "OFFICE" (in OFFICE 104, upper left, near grid C/4)`."""
    return f"{aspect(change)} {ACTIONS.get(change.kind, change.kind)}: {detail(change)} ({change.location})"


def detail(change: Evidence) -> str:
    """What happened to the object, with before and after, or its size."""
    removed, added = quote(change.words_removed), quote(change.words_added)
    if change.moved_by or (removed and removed == added):
        name = removed or "an object"
        return f"{name} has moved{movement_text(change)}"
    if removed and added:
        return f"{removed} becomes {added}{line_text(change)}"
    if removed:
        return f"{removed} is gone"
    if added:
        return f"{added} is new"
    if change.size is None:
        width, height = change.box[2:]
        return f"{change.area:,} pixels of ink in an area of {width:,} x {height:,} pixels"
    if change.old_size:
        return f"{size_text(change.old_size)} becomes {size_text(change.size)}"
    return size_text(change.size)


def movement_text(change: Evidence) -> str:
    """Such as ` 0.85 m to the left, from STORE 103`; empty if the movement is not known."""
    if change.moved_by is None:
        return ""
    distance, unit = change.moved_by.distance, change.moved_by.unit
    far = f" {number(distance, unit or '')} {unit}" if distance is not None else ""
    origin = f", from {change.old_room}" if change.old_room else ""
    return f"{far} {change.moved_by.direction}{origin}"


def line_text(change: Evidence) -> str:
    """The line around words that are only a part of it."""
    words = " ".join(change.words_added)
    return f' in "{shorten(change.after)}"' if change.after and change.after != words else ""


def size_text(size: Size) -> str:
    """Such as `1.20 m x 0.80 m`, or the length of a line."""
    short, long = sorted((size.width, size.height))
    unit = size.unit
    if short <= MAX_LINE_THICKNESS.get(unit, 0.0):
        return f"{number(long, unit)} {unit} long"
    if unit == "mm on paper":
        return f"{number(size.width, unit)} x {number(size.height, unit)} {unit}"
    return f"{number(size.width, unit)} x {number(size.height, unit)} {unit} ({size.area:,.1f} {unit}\u00b2)"


def number(value: float, unit: str) -> str:
    return f"{value:,.0f}" if unit == "mm on paper" else f"{value:,.2f}"


def shorten(text: str) -> str:
    words = text.split()
    return " ".join(words[:MAX_LISTED_WORDS]) + (" \u2026" if len(words) > MAX_LISTED_WORDS else "")


def quote(words: Sequence[str]) -> str:
    """The first words in quotation marks, and the number of further ones; empty for none."""
    if not words:
        return ""
    more = len(words) - MAX_LISTED_WORDS
    return f'"{" ".join(words[:MAX_LISTED_WORDS])}"' + (f" and {more} more words" if more > 0 else "")


def aspect(change: Evidence) -> str:
    """What the region shows: area, text or linework."""
    if change.kind == "fill":
        return "Area"
    return "Text" if change.words_removed or change.words_added else "Linework"

"""Changes as they are stored with their comparison, and as they are described."""

from collections.abc import Mapping
from typing import Any

from core.ports import Evidence, Movement, Size
from pipelines.drawings.change_detection import Change
from pipelines.drawings.locations import Place
from pipelines.drawings.sizes import SheetScale


def change_values(change: Change, place: Place, scale: SheetScale) -> dict[str, Any]:
    """A change as it is stored."""
    values: dict[str, Any] = {
        "kind": change.kind,
        "box": list(change.box),
        "area": change.changed_pixels,
        "location": place.text,
        "description": f"{change.kind.capitalize().replace('_', ' ')} ({place.text})",
        "words_removed": list(change.words_removed),
        "words_added": list(change.words_added),
        "room": place.room,
        "old_room": place.old_room,
        "grid": place.grid,
        "before": change.text_before or None,
        "after": change.text_after or None,
        "size": None if change.is_sheet_wide else scale.size(change.box),
    }
    if change.old_box:
        values |= {"old_box": list(change.old_box), "old_size": scale.size(change.old_box)}
    if change.old_box and change.kind == "moved":
        values["moved_by"] = scale.movement(change.old_box, change.box)
    return values


def to_evidence(stored: Mapping[str, Any]) -> Evidence:
    """A stored change as evidence; one of an earlier version has fewer values."""
    size, old_size, moved_by = (stored.get(key) for key in ("size", "old_size", "moved_by"))
    left, top, width, height = stored["box"]
    return Evidence(
        kind=stored["kind"],
        box=(left, top, width, height),
        area=stored["area"],
        location=stored["location"],
        words_removed=tuple(stored["words_removed"]),
        words_added=tuple(stored["words_added"]),
        before=stored.get("before") or "",
        after=stored.get("after") or "",
        room=stored.get("room"),
        old_room=stored.get("old_room"),
        size=Size(**size) if size else None,
        old_size=Size(**old_size) if old_size else None,
        moved_by=Movement(**moved_by) if moved_by else None,
    )

"""Descriptions of changes between drawings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class Size:
    """Width, height and area of an object in a unit: `m`, `ft`, or `mm on paper` without a usable scale."""

    width: float
    height: float
    area: float
    unit: str


@dataclass(frozen=True)
class Movement:
    """Distance and direction, such as `to the left`, of an object that moved; the distance may be unknown."""

    distance: float | None
    unit: str | None
    direction: str


@dataclass(frozen=True)
class Evidence:
    """A changed region of a sheet, in pixels of the new sheet, with the words removed and added there.

    `before` and `after` are the whole lines that those words stand in. `room` is the label of the room that
    it lies in, `old_room` that of a moved object's earlier place if it is another one.
    """

    kind: str
    box: tuple[int, int, int, int]
    area: int
    location: str
    words_removed: tuple[str, ...]
    words_added: tuple[str, ...]
    before: str = ""
    after: str = ""
    room: str | None = None
    old_room: str | None = None
    size: Size | None = None
    old_size: Size | None = None
    moved_by: Movement | None = None


@dataclass(frozen=True)
class DrawingImages:
    """JPEG images: the overlay preview of both sheets, and crops of the largest changed regions by index in
    the evidence.
    """

    overlay: bytes
    regions: Mapping[int, bytes]


@dataclass(frozen=True)
class Analysis:
    """Analysis of a compared sheet by the analyser `model`.

    If a language model was used, `language_model` is its name, and the tokens are its usage.
    """

    model: str
    changes: tuple[str, ...]
    descriptions: tuple[str, ...]
    critical_change: str | None
    summary: str
    recommendations: tuple[str, ...]
    language_model: str | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0


class DrawingAnalyser(Protocol):
    """Describes the changes of a sheet from evidence and, optionally, images."""

    model: str
    """Name and version of the analyser."""

    uses_images: bool
    """Whether the analyser uses images."""

    async def analyse(
        self,
        drawing_name: str,
        evidence: Sequence[Evidence],
        measures: Mapping[str, Any],
        pictures: DrawingImages | None,
    ) -> Analysis:
        """Analyses a sheet; `descriptions` has one entry per item of `evidence`, in order."""

"""Descriptions of changes between drawings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class Evidence:
    """A changed region of a sheet, in pixels of the new sheet, with the words removed and added there."""

    kind: str
    box: tuple[int, int, int, int]
    area: int
    location: str
    words_removed: tuple[str, ...]
    words_added: tuple[str, ...]


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

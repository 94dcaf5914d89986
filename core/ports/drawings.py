"""Who describes what changed on a drawing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class Evidence:
    """One changed region of a sheet, in pixels of the new sheet, with the words that went and came there."""

    kind: str
    box: tuple[int, int, int, int]
    area: int
    location: str
    words_removed: tuple[str, ...]
    words_added: tuple[str, ...]


@dataclass(frozen=True)
class DrawingImages:
    """JPEG files: the small overlay of the two sheets, and a part of the large one around each of the largest
    regions, by the region's place in the evidence, from 0.
    """

    overlay: bytes
    regions: Mapping[int, bytes]


@dataclass(frozen=True)
class Analysis:
    """What an analyser says of one compared sheet. `model` names the analyser and its version.

    The tokens are what a model read and wrote for it, if one was asked; `asked` is its name.
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
    """Describes the changes of one sheet from evidence, or from the pictures themselves."""

    model: str
    """Its name and version."""

    uses_images: bool
    """Whether it looks at pictures, if there are any."""

    async def analyse(
        self,
        drawing_name: str,
        evidence: Sequence[Evidence],
        measures: Mapping[str, Any],
        pictures: DrawingImages | None,
    ) -> Analysis:
        """`descriptions` has one entry per item of `evidence`, in its order."""

"""Who describes what changed on a drawing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
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
class Analysis:
    """What an analyser says of one compared sheet. `model` names the analyser and its version."""

    model: str
    changes: tuple[str, ...]
    descriptions: tuple[str, ...]
    critical_change: str | None
    summary: str
    recommendations: tuple[str, ...]


class DrawingAnalyser(Protocol):
    """Describes the changes of one sheet from evidence, or from the pictures themselves."""

    model: str
    """Its name and version."""

    async def analyse(
        self,
        drawing_name: str,
        evidence: Sequence[Evidence],
        measures: Mapping[str, Any],
        overlay: Path | None,
    ) -> Analysis:
        """`descriptions` has one entry per item of `evidence`, in its order."""

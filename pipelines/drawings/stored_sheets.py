"""Matching of sheets by their stored numbers, thumbnails and words."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipelines.drawings import sheet_matching, sheet_similarity
from pipelines.drawings.sheet_matching import SheetKey, SheetPairs


@dataclass(frozen=True, slots=True)
class StoredSheet:
    """A sheet with the local files of its thumbnail and words."""

    key: SheetKey
    thumbnail: Path
    words: Path


def match_stored_sheets(old: Sequence[StoredSheet], new: Sequence[StoredSheet]) -> SheetPairs:
    """Match sheets by their numbers, thumbnails and words."""
    before, after = (
        [
            sheet_similarity.describe(
                sheet.thumbnail, sheet.words, sheet.key.name if sheet.key.has_name else ""
            )
            for sheet in sheets
        ]
        for sheets in (old, new)
    )
    similarity = sheet_similarity.compare_all(before, after)
    return sheet_matching.match_sheets([sheet.key for sheet in old], [sheet.key for sheet in new], similarity)

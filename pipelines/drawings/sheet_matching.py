"""Matching the sheets of two drawing sets by name and page number."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SheetKey:
    """A page number (from 1) and the sheet's name; `has_name` is False if that is the page number."""

    page: int
    name: str
    has_name: bool = True


@dataclass(frozen=True, slots=True)
class SheetPairs:
    """Pairs in the order of the new set, and the unmatched sheets in the order of their own set."""

    pairs: tuple[tuple[SheetKey, SheetKey], ...]
    only_in_old: tuple[SheetKey, ...]
    only_in_new: tuple[SheetKey, ...]


def match_sheets(old: Sequence[SheetKey], new: Sequence[SheetKey]) -> SheetPairs:
    """Match by sheet name; then, where at least one name is missing, by page number.

    Repeated names are matched in page order.
    """
    before, after = sorted(old, key=lambda key: key.page), sorted(new, key=lambda key: key.page)
    partners = match_names(before, after)
    partners |= match_pages(before, after, partners)
    matched = {key.page for key in partners.values()}
    return SheetPairs(
        tuple((partners[key.page], key) for key in after if key.page in partners),
        tuple(key for key in before if key.page not in matched),
        tuple(key for key in after if key.page not in partners),
    )


def match_names(old: Sequence[SheetKey], new: Sequence[SheetKey]) -> dict[int, SheetKey]:
    """The old sheet of the same name, by the new sheet's page."""
    by_name: dict[str, list[SheetKey]] = defaultdict(list)
    for key in old:
        if key.has_name:
            by_name[normalize_name(key.name)].append(key)
    named = [key for key in new if key.has_name]
    return {key.page: sheets.pop(0) for key in named if (sheets := by_name[normalize_name(key.name)])}


def match_pages(
    old: Sequence[SheetKey], new: Sequence[SheetKey], partners: dict[int, SheetKey]
) -> dict[int, SheetKey]:
    """The old sheet of the same page, for sheets without partner of which at least one has no name."""
    matched = {key.page for key in partners.values()}
    by_page = {key.page: key for key in old if key.page not in matched}
    return {
        key.page: other
        for key in new
        if key.page not in partners and (other := by_page.get(key.page))
        if not (key.has_name and other.has_name)
    }


def normalize_name(name: str) -> str:
    """The name without case, blanks, hyphens and underscores: `A-101`, `a 101` and `A101` are equal."""
    return name.upper().replace("-", "").replace(" ", "").replace("_", "")

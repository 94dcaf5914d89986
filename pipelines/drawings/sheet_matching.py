"""Which sheet of the new set answers to which of the old."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SheetKey:
    """A page (from 1) and what its sheet is called; `named` is false where the name is only the page's
    position.
    """

    page: int
    name: str
    has_name: bool = True


@dataclass(frozen=True, slots=True)
class SheetPairs:
    """Pairs in the order of the new set, and the sheets without a partner in the order of their own."""

    pairs: tuple[tuple[SheetKey, SheetKey], ...]
    only_in_old: tuple[SheetKey, ...]
    only_in_new: tuple[SheetKey, ...]


def match_sheets(old: Sequence[SheetKey], new: Sequence[SheetKey]) -> SheetPairs:
    """Pair by sheet name; then, where at least one name is missing, by page number.

    A name that occurs several times pairs first with first, second with second, in page order.
    """
    before, after = sorted(old, key=lambda key: key.page), sorted(new, key=lambda key: key.page)
    partners: dict[int, SheetKey] = {}
    taken: set[int] = set()
    waiting: dict[str, list[SheetKey]] = defaultdict(list)
    for key in before:
        if key.has_name:
            waiting[normalize_name(key.name)].append(key)
    for key in after:
        if key.has_name and waiting[normalize_name(key.name)]:
            partners[key.page] = waiting[normalize_name(key.name)].pop(0)
            taken.add(partners[key.page].page)
    left = {key.page: key for key in before if key.page not in taken}
    for key in after:
        other = left.get(key.page)
        if key.page not in partners and other and not (key.has_name and other.has_name):
            partners[key.page] = left.pop(key.page)
    paired = {key.page for key in partners.values()}
    return SheetPairs(
        tuple((partners[key.page], key) for key in after if key.page in partners),
        tuple(key for key in before if key.page not in paired),
        tuple(key for key in after if key.page not in partners),
    )


def normalize_name(name: str) -> str:
    """Names that differ only in case, blanks or hyphens are one name: `A-101`, `a 101`, `A101`."""
    return name.upper().replace("-", "").replace(" ", "").replace("_", "")

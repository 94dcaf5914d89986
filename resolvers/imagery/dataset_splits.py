"""Splits of a data set: groups of near duplicates, assigned as wholes to train, validation and test."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from uuid import UUID

from db.models import DatasetSplit

MAX_HASH_DISTANCE = 4
"""Maximum Hamming distance of perceptual hashes within a group. Files are not compared, so it is strict."""
MIN_SET_BITS, MAX_SET_BITS = 8, 56
"""Set bits of a perceptual hash that tells pictures apart. Flat pictures have fewer or more."""
BAND_BITS = 12
"""Bits of a band. Hashes that differ in at most 4 bits are equal in one of the 5 bands of 64 bits."""


@dataclass(frozen=True)
class SplitImage:
    """An image to assign. `key` identifies its content; `group` is its group of near duplicates, if any."""

    key: str
    group: UUID | None
    perceptual_hash: int | None
    labels: tuple[str, ...]


@dataclass(frozen=True)
class SplitAssignment:
    """Group number (from 1) and split of each image, and how many have another split than before."""

    groups: Sequence[int]
    splits: Sequence[DatasetSplit]
    moved: int


def assign_splits(
    images: Sequence[SplitImage],
    fractions: Mapping[DatasetSplit, float],
    seed: int,
    earlier: Mapping[str, DatasetSplit],
) -> SplitAssignment:
    """Assign groups of near duplicates to splits, in the given fractions in total and for each label.

    Images with the keys in `earlier` keep that split, and so does their group. If near duplicates had
    different splits before, the group gets the split of most of them, and the others are counted as moved.
    """
    members = group_members(images)
    chosen: list[DatasetSplit | None] = [None] * len(members)
    moved = 0
    balance = Balance(fractions)
    for number, group in enumerate(members):
        known = [earlier[images[place].key] for place in group if images[place].key in earlier]
        if known:
            (split, kept), *_ = sorted(
                Counter(known).most_common(), key=lambda pair: (-pair[1], pair[0].value)
            )
            chosen[number], moved = split, moved + len(known) - kept
            balance.add(split, images, group)
    shuffled = {
        number: sha256(f"{seed}:{min(images[place].key for place in group)}".encode()).digest()
        for number, group in enumerate(members)
        if chosen[number] is None
    }
    for number in sorted(shuffled, key=lambda number: (-len(members[number]), shuffled[number])):
        split = balance.next_split(images, members[number])
        chosen[number] = split
        balance.add(split, images, members[number])
    groups, splits = [0] * len(images), [DatasetSplit.TRAIN] * len(images)
    for number, group in enumerate(members):
        for place in group:
            groups[place], splits[place] = number + 1, chosen[number] or DatasetSplit.TRAIN
    return SplitAssignment(groups, splits, moved)


class Balance:
    """Images by split so far, in total and by label, beside their fractions."""

    def __init__(self, fractions: Mapping[DatasetSplit, float]) -> None:
        self._fractions = {split: part for split, part in fractions.items() if part > 0}
        self._counts: defaultdict[str | None, Counter[DatasetSplit]] = defaultdict(Counter)

    def add(self, split: DatasetSplit, images: Sequence[SplitImage], group: Sequence[int]) -> None:
        """Count a group in this split."""
        for stratum, size in strata(images, group).items():
            self._counts[stratum][split] += size

    def next_split(self, images: Sequence[SplitImage], group: Sequence[int]) -> DatasetSplit:
        """The split that lacks most images of the group's labels and in total, once the group is added."""
        needs = dict.fromkeys(self._fractions, 0.0)
        for stratum, size in strata(images, group).items():
            counts = self._counts[stratum]
            for split, fraction in self._fractions.items():
                needs[split] += fraction * (counts.total() + size) - counts[split]
        return max(needs, key=lambda split: needs[split])


def strata(images: Sequence[SplitImage], group: Sequence[int]) -> dict[str | None, int]:
    """Images of a group in total (None) and by label."""
    counted: Counter[str | None] = Counter({None: len(group)})
    counted.update(label for place in group for label in images[place].labels)
    return counted


def group_members(images: Sequence[SplitImage]) -> list[list[int]]:
    """Positions of the images of each group, groups in the order of their first image."""
    parents = list(range(len(images)))

    def root(place: int) -> int:
        while parents[place] != place:
            parents[place] = parents[parents[place]]
            place = parents[place]
        return place

    first: dict[UUID, int] = {}
    pairs = [
        (first.setdefault(image.group, place), place) for place, image in enumerate(images) if image.group
    ]
    for one, other in (*pairs, *similar_pairs([image.perceptual_hash for image in images])):
        low, high = sorted((root(one), root(other)))
        parents[high] = low
    members: dict[int, list[int]] = {}
    for place in range(len(images)):
        members.setdefault(root(place), []).append(place)
    return list(members.values())


def similar_pairs(hashes: Sequence[int | None]) -> Iterator[tuple[int, int]]:
    """Pairs of positions whose perceptual hashes tell pictures apart and differ in few bits."""
    import numpy as np

    telling = [
        (place, hash & (2**64 - 1))
        for place, hash in enumerate(hashes)
        if hash is not None and MIN_SET_BITS <= (hash & (2**64 - 1)).bit_count() <= MAX_SET_BITS
    ]
    if len(telling) < 2:
        return
    places = np.array([place for place, _ in telling])
    values = np.array([value for _, value in telling], dtype=np.uint64)
    for shift in range(0, 64, BAND_BITS):
        bands = (values >> np.uint64(shift)) & np.uint64(2**BAND_BITS - 1)
        order = np.argsort(bands, kind="stable")
        ends = np.flatnonzero(np.diff(bands[order])) + 1
        for bucket in np.split(order, ends):
            yield from bucket_pairs(np, values[bucket], places[bucket])


def bucket_pairs(np: Any, values: Any, places: Any) -> Iterator[tuple[int, int]]:
    """The similar pairs of a bucket: each image with the first one that is similar to it."""
    for at in range(len(values) - 1):
        near = np.bitwise_count(values[at + 1 :] ^ values[at]) <= MAX_HASH_DISTANCE
        for other in np.flatnonzero(near):
            yield int(places[at]), int(places[at + 1 + other])

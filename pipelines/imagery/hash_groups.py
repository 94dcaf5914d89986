"""Groups of images with similar perceptual hashes."""

from collections.abc import Sequence

import numpy as np

MAX_HASH_DISTANCE = 8
"""Maximum Hamming distance of near duplicates. Measured: up to 6 for the same picture, else 20 or more."""


def group_near_duplicates(hashes: Sequence[int], max_distance: int = MAX_HASH_DISTANCE) -> list[list[int]]:
    """Groups of near duplicates, by position, with the first image of each first; single images are omitted.

    Images are compared with the first of a group only, so small differences do not chain.
    """
    remaining = np.array(hashes, dtype=np.int64).view(np.uint64)
    positions = np.arange(len(remaining))
    groups = []
    while len(remaining):
        is_near = np.bitwise_count(remaining ^ remaining[0]) <= max_distance
        if is_near.sum() > 1:
            groups.append(positions[is_near].tolist())
            remaining, positions = remaining[~is_near], positions[~is_near]
        else:
            remaining, positions = remaining[1:], positions[1:]
    return groups

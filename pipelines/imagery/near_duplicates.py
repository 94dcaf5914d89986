"""Which pictures look alike, by their perceptual hashes."""

from collections.abc import Sequence

import numpy as np

ALIKE = 8
"""Bits that two pictures of the same may differ in: up to 6 were measured, 20 and more between others."""


def groups(hashes: Sequence[int], distance: int = ALIKE) -> list[list[int]]:
    """The positions of those that look like an earlier one, with that one first; loners are left out.

    Each is compared with the first of a group only, so that no chain of small differences joins two pictures.
    """
    rest = np.array(hashes, dtype=np.int64).view(np.uint64)
    positions = np.arange(len(rest))
    found = []
    while len(rest):
        alike = np.bitwise_count(rest ^ rest[0]) <= distance
        if alike.sum() > 1:
            found.append(positions[alike].tolist())
            rest, positions = rest[~alike], positions[~alike]
        else:
            rest, positions = rest[1:], positions[1:]
    return found

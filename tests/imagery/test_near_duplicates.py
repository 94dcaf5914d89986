"""Groups of near duplicates, by hashes whose distances are counted by hand."""

import pytest

from pipelines.imagery import hash_groups
from pipelines.imagery.hash_groups import group_near_duplicates

ALL = -1
"""64 bits that are set, as PostgreSQL stores them."""


def bits(count: int, start: int = 0) -> int:
    """A hash with so many bits set from one place on, as a signed integer."""
    value = ((1 << count) - 1) << start
    return value - (1 << 64) if value >= 1 << 63 else value


@pytest.mark.parametrize(("distance", "is_near"), [(0, True), (1, True), (8, True), (9, False), (64, False)])
def test_hashes_of_up_to_eight_bits_apart_are_near(distance: int, is_near: bool) -> None:
    assert hash_groups.MAX_HASH_DISTANCE == 8
    assert group_near_duplicates([0, bits(distance)]) == ([[0, 1]] if is_near else [])
    assert group_near_duplicates([bits(distance), 0]) == ([[0, 1]] if is_near else [])


def test_the_sign_is_a_bit_like_any_other() -> None:
    assert group_near_duplicates([ALL, ALL - 1, 0, 1 - 2**63]) == [[0, 1], [2, 3]]
    assert group_near_duplicates([ALL, bits(55, 9)]) == []
    assert group_near_duplicates([ALL, bits(56, 8)]) == [[0, 1]]


def test_another_distance_may_be_set() -> None:
    assert group_near_duplicates([0, 7, 15], 3) == [[0, 1]]
    assert group_near_duplicates([0, 7, 15], max_distance=4) == [[0, 1, 2]]
    assert group_near_duplicates([5, 5, 4], 0) == [[0, 1]]


def test_small_differences_do_not_chain() -> None:
    # The second is 8 from the first and from the third, which is 16 from the first.
    assert group_near_duplicates([0, bits(8), bits(16)]) == [[0, 1]]
    assert group_near_duplicates([bits(8), 0, bits(16)]) == [[0, 1, 2]]


def test_an_image_is_in_one_group_and_positions_are_those_of_the_list() -> None:
    first, second, third = 0, bits(30), bits(20, 40)

    assert group_near_duplicates([third, first, second, first + 1, second - 1, bits(12, 8), first]) == [
        [1, 3, 6],
        [2, 4],
    ]


@pytest.mark.parametrize("hashes", [[], [0], [0, ALL], [0, bits(20), bits(20, 40)]])
def test_single_images_are_no_group(hashes: list[int]) -> None:
    assert group_near_duplicates(hashes) == []

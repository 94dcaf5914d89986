"""Splits: near duplicates stay together, fractions hold by label, and images keep their split."""

import random
from collections import Counter
from dataclasses import replace
from uuid import uuid4

from db.models import DatasetSplit
from resolvers.imagery.dataset_splits import SplitImage, assign_splits, group_members

FRACTIONS = {DatasetSplit.TRAIN: 0.8, DatasetSplit.VALIDATION: 0.1, DatasetSplit.TEST: 0.1}
TRAIN, VALIDATION, TEST = DatasetSplit


def single_images(count: int, label: str = "") -> list[SplitImage]:
    """Images that are like no other."""
    dice = random.Random(f"{count}{label}")
    return [
        SplitImage(
            f"{label}{dice.getrandbits(256):064x}", None, dice.getrandbits(64) - 2**63, (label,) * bool(label)
        )
        for _ in range(count)
    ]


def splits_by_key(images: list[SplitImage], seed: int = 1, **values: object) -> dict[str, DatasetSplit]:
    found = assign_splits(images, FRACTIONS, seed, **{"earlier": {}, **values})  # type: ignore[arg-type]
    return dict(zip((image.key for image in images), found.splits, strict=True))


def test_fractions_hold_in_total_and_for_every_label() -> None:
    images = single_images(700, "cat") + single_images(200, "dog") + single_images(100, "owl")

    found = assign_splits(images, FRACTIONS, 7, {})

    total = Counter(found.splits)
    assert (total[TRAIN], total[VALIDATION], total[TEST]) == (800, 100, 100)
    for label, count in (("cat", 700), ("dog", 200), ("owl", 100)):
        counted = Counter(
            split for image, split in zip(images, found.splits, strict=True) if image.labels == (label,)
        )
        assert abs(counted[TEST] - count / 10) <= 2
        assert abs(counted[VALIDATION] - count / 10) <= 2


def test_near_duplicates_are_never_split_within_a_crawl_or_across_crawls() -> None:
    images = single_images(400)
    group = uuid4()
    images[10] = replace(images[10], group=group)
    images[200] = replace(images[200], group=group)
    twin = images[10].perceptual_hash
    assert twin is not None
    images.append(replace(single_images(1, "x")[0], perceptual_hash=twin ^ 0b1011))

    found = assign_splits(images, FRACTIONS, 3, {})

    assert found.groups[10] == found.groups[200] == found.groups[400]
    assert found.splits[10] == found.splits[200] == found.splits[400]
    assert max(found.groups) == 399


def test_every_pair_that_differs_in_at_most_four_bits_is_found() -> None:
    dice = random.Random(5)
    one = single_images(1)[0]
    assert one.perceptual_hash is not None
    for _ in range(500):
        flipped = sum(1 << bit for bit in dice.sample(range(64), 4))
        unsigned = (one.perceptual_hash & (2**64 - 1)) ^ flipped
        other = replace(one, key="other", perceptual_hash=unsigned - 2**64 * (unsigned >= 2**63))
        assert group_members([one, other]) == [[0, 1]]


def test_flat_pictures_join_nothing() -> None:
    flat = [SplitImage(f"{n}", None, hash, ()) for n, hash in enumerate((0, 0, 1, -1, -1, None, None))]

    assert group_members(flat) == [[n] for n in range(7)]


def test_splits_depend_on_the_seed_and_on_nothing_else() -> None:
    images = single_images(300)

    first, again = splits_by_key(images), splits_by_key(images[::-1])

    assert first == again
    assert splits_by_key(images, seed=2) != first


def test_images_keep_their_split_when_others_are_added_or_removed() -> None:
    images = single_images(1000)
    first = splits_by_key(images[:600])

    second = splits_by_key(images[100:], earlier=first)

    assert all(second[image.key] is first[image.key] for image in images[100:600])
    counted = Counter(second.values())
    assert counted[TRAIN] == 720
    assert abs(counted[TEST] - 90) <= 1


def test_near_duplicates_that_had_different_splits_are_joined_and_counted() -> None:
    images = single_images(3)
    earlier = {images[0].key: TEST, images[1].key: TEST, images[2].key: TRAIN}
    group = uuid4()
    joined = [replace(image, group=group) for image in images]

    found = assign_splits(joined, FRACTIONS, 1, earlier)

    assert (found.splits, found.moved) == ([TEST] * 3, 1)


def test_a_split_without_a_fraction_stays_empty() -> None:
    images = single_images(50)

    found = assign_splits(images, {TRAIN: 0.5, VALIDATION: 0.0, TEST: 0.5}, 1, {})

    assert Counter(found.splits) == {TRAIN: 25, TEST: 25}

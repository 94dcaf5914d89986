"""The folder of the embedded store."""

import random
import shutil
from pathlib import Path

import pytest

from server.embedded.vectors import qdrant_translation
from server.embedded.vectors.collections import (
    DRAFT,
    REBUILD_THRESHOLD,
    CollectionIncomplete,
    Collections,
)
from server.embedded.vectors.integrity import BLOCK_BYTES, MAX_OPENS, checksum

CONFIG = qdrant_translation.config({"vectors": {"size": 4, "distance": "Cosine"}})
QUERY = qdrant_translation.query({"query": [1.0, 0.0, 0.0, 0.0], "limit": 20})


def point_ids(collections: Collections) -> list[int]:
    return [int(str(each.id)) for each in collections["points"].query(QUERY)]


def test_putting_in_order_changes_no_answer(tmp_path: Path) -> None:
    draw, collections = random.Random(3), Collections(tmp_path)
    collections.create("points", CONFIG)
    points = [
        {"id": n, "vector": [draw.gauss(0, 1) for _ in range(4)]} for n in range(2 * REBUILD_THRESHOLD[0])
    ]
    collections["points"].update(qdrant_translation.upsert({"points": points}), len(points))
    first = point_ids(collections)
    collections["points"].update(qdrant_translation.delete({"points": first[:5]}), 5)
    collections["points"].maintain(quiet=False)  # too early, and not quiet
    collections["points"].maintain(quiet=True)
    collections["points"].maintain(quiet=True)

    assert point_ids(collections)[:15] == first[5:]
    collections.close()
    reopened = Collections(tmp_path)
    assert point_ids(reopened)[:15] == first[5:]
    assert reopened["points"].count(qdrant_translation.count({})) == len(points) - 5
    reopened.close()


def test_a_collection_that_was_half_made_or_half_dropped_is_gone(tmp_path: Path) -> None:
    (tmp_path / f"{DRAFT}points" / "segments").mkdir(parents=True)
    (tmp_path / "lock").touch()

    collections = Collections(tmp_path)

    assert collections.names() == []
    assert [each.name for each in tmp_path.iterdir()] == ["lock"]
    assert not collections.drop("points")


def test_a_collection_that_ends_its_process_when_it_is_opened_is_set_aside(tmp_path: Path) -> None:
    collections = Collections(tmp_path)
    collections.create("points", CONFIG)
    collections.create("others", CONFIG)
    collections.close()
    (tmp_path / ".opens-points").write_bytes(b"." * (MAX_OPENS - 1))
    Collections(tmp_path).close()
    (tmp_path / ".opens-points").write_bytes(b"." * MAX_OPENS)

    collections = Collections(tmp_path)

    assert collections.names() == ["others"]
    assert list(collections.incomplete()) == ["points"]
    assert [path.name.partition(".")[0] for path in (tmp_path / ".damaged").iterdir()] == ["points"]
    with pytest.raises(CollectionIncomplete):
        collections.searchable("points")
    collections.create("points", CONFIG)
    with pytest.raises(CollectionIncomplete):
        collections.searchable("points")
    assert collections.mark_complete("points")
    assert collections.searchable("points").count(qdrant_translation.count({})) == 0
    assert not collections.mark_complete("points")
    collections.close()


async def test_a_change_after_the_last_checksums_is_no_damage(tmp_path: Path) -> None:
    (tmp_path / "killed").mkdir()
    tmp_path /= "killed"
    collections = Collections(tmp_path)
    collections.create("points", CONFIG)
    points = [{"id": number, "vector": [1.0, 0.0, 0.0, float(number)]} for number in range(9)]
    collections["points"].update(qdrant_translation.upsert({"points": points[:8]}), 8)
    await collections.record_checksums()  # too early
    assert not (tmp_path / ".checksums-points.json").exists()
    collections.maintain(quiet=True)
    await collections.record_checksums()
    assert (tmp_path / ".checksums-points.json").exists()

    collections["points"].update(qdrant_translation.upsert({"points": points[8:]}), 1)

    assert not (tmp_path / ".checksums-points.json").exists()
    again = Collections(shutil.copytree(tmp_path, tmp_path.parent / "copied"))
    assert again["points"].count(qdrant_translation.count({})) == 9
    assert again.incomplete() == {}
    again.close()
    collections.close()


def test_a_collection_that_cannot_be_flushed_is_set_aside(tmp_path: Path) -> None:
    def fail(*, quiet: bool) -> None:
        raise RuntimeError(message)

    collections = Collections(tmp_path)
    collections.create("points", CONFIG)
    collections["points"].maintain = fail  # type: ignore[method-assign]
    message = "No space left on device (os error 28)"
    collections.maintain(quiet=True)
    assert collections.names() == ["points"]
    message = "Tracker journal is shorter than expected"
    collections.maintain(quiet=True)

    assert collections.names() == []
    assert list(collections.incomplete()) == ["points"]


def test_zeros_do_not_count_in_checksums_but_sizes_do(tmp_path: Path) -> None:
    sparse, whole, longer = tmp_path / "sparse", tmp_path / "whole", tmp_path / "longer"
    with sparse.open("wb") as file:
        file.seek(5 * BLOCK_BYTES)
        file.write(b"data")
        file.truncate(9 * BLOCK_BYTES)
    whole.write_bytes(sparse.read_bytes())
    longer.write_bytes(sparse.read_bytes() + b"\0")

    assert checksum(sparse) == checksum(whole) != checksum(longer)
    moved = bytearray(sparse.read_bytes())
    moved[5 * BLOCK_BYTES : 5 * BLOCK_BYTES + 4] = b"\0" * 4
    moved[6 * BLOCK_BYTES : 6 * BLOCK_BYTES + 4] = b"data"
    whole.write_bytes(moved)
    assert checksum(sparse) != checksum(whole)

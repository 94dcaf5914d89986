"""The folder of the embedded store."""

import random
from pathlib import Path

from server.embedded.vectors import qdrant_translation
from server.embedded.vectors.collections import DRAFT, REBUILD_THRESHOLD, Collections

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

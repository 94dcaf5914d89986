"""Decisions that pass from the changes of one run to those of the next."""

from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from resolvers.drawings.change_reviews import ChangeDecision, change_key, decision_of, hand_on

ID = UUID(int=7)
IDENTITY = [1, 0, 0, 0, 1, 0]
ACCEPTED = {"decision": "accepted", "note": None, "user_id": str(ID), "at": "2026-03-01T00:00:00+00:00"}
IGNORED = {**ACCEPTED, "decision": "ignored", "at": "2026-03-02T00:00:00+00:00"}


def change(box: tuple[int, int, int, int], kind: str = "modified", **more: Any) -> dict[str, Any]:
    """A change as it is stored."""
    return {"kind": kind, "box": list(box), **more}


def earlier(*changes: dict[str, Any], vanished: Any = (), transform: Any = IDENTITY, size: Any = None) -> Any:
    """A comparison with the results of the last run."""
    alignment = {"transform": transform, **({"size": size} if size else {})}
    return SimpleNamespace(id=ID, changes=list(changes), vanished_reviews=list(vanished), alignment=alignment)


def run(comparison: Any, *changes: dict[str, Any], transform: Any = IDENTITY, size: Any = None) -> Any:
    """The next run: decisions by key, and the keys of what is left over."""
    alignment = {"transform": transform, **({"size": size} if size else {})}
    found, left = hand_on(comparison, changes, alignment)
    return [(each["id"], decision_of(each).value) for each in found], [each["id"] for each in left]


def test_a_change_at_the_same_place_keeps_its_key_and_decision() -> None:
    before = earlier(
        change((100, 100, 50, 50), id="a", review=ACCEPTED),
        change((400, 400, 20, 10), id="b", review=IGNORED),
    )

    found, left = run(before, change((402, 399, 22, 9)), change((98, 103, 55, 48)))

    assert found == [("b", "ignored"), ("a", "accepted")]
    assert left == []


def test_changes_of_earlier_releases_have_keys_by_their_position() -> None:
    stored = change((100, 100, 50, 50), review=ACCEPTED)

    found, _ = run(earlier(stored), change((100, 100, 50, 50)))

    assert found == [(change_key(ID, 0, stored), "accepted")]


def test_a_decision_without_its_change_is_left_over_and_comes_back() -> None:
    first = earlier(change((100, 100, 50, 50), id="a", review=ACCEPTED), change((900, 10, 50, 50), id="b"))
    found, left = hand_on(first, [], None)
    assert (found, [each["id"] for each in left]) == ([], ["a"])

    again, left = run(earlier(vanished=left), change((101, 101, 50, 50)))

    assert (again, left) == ([("a", "accepted")], [])


def test_opposite_kinds_are_not_the_same_change() -> None:
    before = earlier(change((100, 100, 50, 50), "added", id="a", review=ACCEPTED))

    ((key, decision),), left = run(before, change((100, 100, 50, 50), "removed"))

    assert key != "a"
    assert (decision, left) == ("open", ["a"])


def test_a_region_that_grows_into_the_unseen_is_open_again() -> None:
    before = earlier(change((100, 100, 50, 50), id="a", review=ACCEPTED))

    ((_, decision),), left = run(before, change((100, 100, 200, 200)))

    assert (decision, left) == ("open", ["a"])


def test_the_parts_of_a_region_take_over_its_decision() -> None:
    before = earlier(change((100, 100, 300, 50), id="a", review=IGNORED))

    found, left = run(before, change((100, 100, 180, 50)), change((300, 100, 100, 50)))

    assert [decision for _, decision in found] == ["ignored", "ignored"]
    assert [key == "a" for key, _ in found] == [True, False]
    assert left == []


def test_what_was_removed_moves_with_the_alignment() -> None:
    before = earlier(
        change((500, 500, 40, 40), "removed", id="a", review=ACCEPTED),
        change((700, 500, 40, 40), "added", id="b", review=IGNORED),
        transform=[1, 0, 300, 0, 1, 200],
    )

    found, left = run(
        before,
        change((200, 300, 40, 40), "removed"),
        change((700, 500, 40, 40), "added"),
        transform=IDENTITY,
    )

    assert (found, left) == ([("a", "accepted"), ("b", "ignored")], [])


def test_places_scale_with_the_image() -> None:
    before = earlier(change((100, 200, 50, 50), "added", id="a", review=ACCEPTED), size=[1000, 800])

    found, left = run(before, change((200, 400, 100, 100), "added"), size=[2000, 1600])

    assert (found, left) == ([("a", "accepted")], [])


@pytest.mark.parametrize("value", [None, {}, {"review": None}])
def test_nobody_has_decided_by_default(value: Any) -> None:
    assert decision_of(value or {}) is ChangeDecision.OPEN


def test_a_decision_is_left_over_once_and_only_if_nothing_holds_it() -> None:
    whole = earlier(change((100, 100, 300, 50), id="a", review=IGNORED))
    parts, _ = hand_on(whole, [change((100, 100, 90, 50)), change((300, 100, 60, 50))], None)
    assert [decision_of(part).value for part in parts] == ["ignored", "ignored"]

    found, left = run(earlier(*parts), change((100, 100, 92, 48)))
    assert ([decision for _, decision in found], left) == (["ignored"], [])

    found, left = run(earlier(*parts), change((900, 900, 20, 20)))
    assert ([decision for _, decision in found], len(left)) == (["open"], 1)

"""Conditional and range requests."""

from datetime import UTC, datetime

import pytest

from core.ports import StoredObject
from server.http.range_requests import Unsatisfiable, is_not_modified, last_modified, requested_range

FOUND = StoredObject("a", 100, '"tag"', datetime(2026, 3, 1, 12, 0, 0, 999_999, tzinfo=UTC))
DATE = "Sun, 01 Mar 2026 12:00:00 GMT"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-0", (0, 1)),
        ("bytes=10-19", (10, 20)),
        ("bytes=90-1000", (90, 100)),
        ("bytes=99-", (99, 100)),
        ("bytes=-1", (99, 100)),
        ("bytes=-1000", (0, 100)),
        ("Bytes = 1-2", (1, 3)),
        ("bytes=20-10", None),
        ("bytes=-", None),
        ("bytes=a-b", None),
        ("bytes=0-1,4-5", None),
        ("lines=0-1", None),
        (f"bytes=0-{'9' * 5000}", None),
        ("", None),
    ],
)
def test_one_range_is_answered_and_everything_odd_is_ignored(
    header: str, expected: tuple[int, int] | None
) -> None:
    assert requested_range({"range": header}, FOUND) == expected


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=100-200", "bytes=-0"])
def test_a_range_without_a_byte_is_unsatisfiable(header: str) -> None:
    with pytest.raises(Unsatisfiable):
        requested_range({"range": header}, FOUND)


@pytest.mark.parametrize(
    ("condition", "honoured"),
    [('"tag"', True), (DATE, True), ('W/"tag"', False), ('"other"', False), ("yesterday", False)],
)
def test_a_range_of_another_version_is_ignored(condition: str, honoured: bool) -> None:
    assert (requested_range({"range": "bytes=0-1", "if-range": condition}, FOUND) == (0, 2)) is honoured


@pytest.mark.parametrize(
    ("headers", "good"),
    [
        ({"if-none-match": '"tag"'}, True),
        ({"if-none-match": 'W/"tag"'}, True),
        ({"if-none-match": '"x", "tag" , "y"'}, True),
        ({"if-none-match": "*"}, True),
        ({"if-none-match": '"ta"'}, False),
        ({"if-none-match": "tag"}, False),
        ({"if-none-match": '"x"', "if-modified-since": DATE}, False),
        ({"if-modified-since": DATE}, True),
        ({"if-modified-since": "Sun, 01 Mar 2026 11:59:59 GMT"}, False),
        ({"if-modified-since": "Sun, 01 Mar 2026 12:00:00"}, False),
        ({"if-modified-since": "soon"}, False),
        ({}, False),
    ],
)
def test_a_copy_is_good_as_long_as_its_tag_or_date_is(headers: dict[str, str], good: bool) -> None:
    assert is_not_modified(headers, FOUND) is good


def test_dates_are_in_whole_seconds() -> None:
    assert last_modified(FOUND) == DATE

"""Answers of different servers: their leaves, and where they differ."""

import pytest

from benchmarks.server.answers import count_leaves, differences, simplify

PROJECT = "UHJvamVjdDo2YmE3YjgxMC05ZGFkLTQxZDEtODBiNC0wMGMwNGZkNDMwYzg="
KEY = "6ba7b810-9dad-41d1-80b4-00c04fd430c8"


def test_leaves_are_values_nulls_and_those_of_json() -> None:
    answer = {"list": [{"id": "1", "none": None}, {"id": "2", "metadata": {"a": 1, "b": [True, 2.5]}}]}

    assert count_leaves(answer) == 6
    assert count_leaves({"list": [], "object": {}}) == 0


def test_seshats_answers_take_the_form_of_the_floors() -> None:
    answer = {
        "conversation": {
            "title": "C",
            "a": {"nodes": [{"totalTokens": 1, "citations": {"nodes": [{"snippet": "x"}]}}]},
            "b": {"nodes": [{"totalTokens": 2, "citations": {"nodes": []}}]},
        }
    }

    assert simplify(answer, {"totalTokens": "tokenCount", "snippet": "quote"}) == {
        "conversation": {
            "title": "C",
            "messages": [
                {"tokenCount": 1, "citations": [{"quote": "x"}]},
                {"tokenCount": 2, "citations": []},
            ],
        }
    }


def test_connections_with_totals_stay_as_they_are() -> None:
    answer = {"projects": {"totalCount": 1, "nodes": [{"user": {"fullName": "A"}, "jobs": {"nodes": []}}]}}

    assert simplify(answer, {"user": "owner", "fullName": "name"}) == {
        "projects": {"totalCount": 1, "nodes": [{"owner": {"name": "A"}, "jobs": []}]}
    }


def test_the_same_values_under_the_same_names_are_no_difference() -> None:
    expected = {"id": KEY, "createdAt": "2024-01-01T00:00:07.123456+00:00", "name": "A", "status": "open"}
    found = {"id": PROJECT, "createdAt": "2024-01-01T00:00:07.123456Z", "name": "A", "status": "ACTIVE"}

    assert list(differences([expected], [{**found, "location": "Oslo"}])) == []


@pytest.mark.parametrize(
    ("expected", "found", "difference"),
    [
        ({"name": "A"}, {"name": "B"}, ".name: B, not A"),
        ({"score": 0.5}, {"score": None}, ".score: None, not 0.5"),
        ({"list": [1, 2]}, {"list": [1]}, ".list: 1 elements, not 2"),
        ({"list": [1, 2]}, {"list": [1, 3]}, ".list[1]: 3, not 2"),
        ({"owner": {"name": "A"}}, {"owner": None}, ".owner: None, not {'name': 'A'}"),
        ({"id": KEY}, {"id": KEY[:-1] + "9"}, f".id: {KEY[:-1]}9, not {KEY}"),
        (
            {"createdAt": "2024-01-01T00:00:07+00:00"},
            {"createdAt": "2024-01-01T00:00:08Z"},
            ".createdAt: 2024-01-01T00:00:08Z, not 2024-01-01T00:00:07+00:00",
        ),
        (
            {"finishedAt": "2024-01-01T00:00:07Z"},
            {"finishedAt": None},
            ".finishedAt: None, not 2024-01-01T00:00:07Z",
        ),
    ],
)
def test_other_values_are_a_difference(
    expected: dict[str, object], found: dict[str, object], difference: str
) -> None:
    assert list(differences(expected, found)) == [difference]

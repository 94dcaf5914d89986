"""What a case scores, computed by hand."""

from collections import Counter
from typing import Any

import pytest

from core.errors import Invalid
from pipelines.evaluation.metrics import (
    answer_scores,
    citation_scores,
    failed_scores,
    is_correct,
    retrieval_scores,
    summarize,
)
from resolvers.evaluation import comparison
from resolvers.evaluation.datasets import BUNDLED, Question, parse


def test_a_ranking_is_scored_by_where_right_passages_stand() -> None:
    scores = retrieval_scores(["a", "b"], ["x", "a", "y", "b", "z"], 4)

    assert scores == pytest.approx(
        {
            "precision": 2 / 4,
            "recall": 2 / 2,
            "reciprocal_rank": 1 / 2,
            "hit": 1.0,
            "precision_at_1": 0.0,
            "ndcg": (0.63092975 + 0.43067656) / (1 + 0.63092975),  # 1/log2(3) + 1/log2(5), of 1 + 1/log2(3)
        }
    )


def test_nothing_found_scores_nothing_and_nothing_expected_is_not_scored() -> None:
    assert set(retrieval_scores(["a"], [], 5).values()) == {0.0}
    assert retrieval_scores([], ["a"], 5) == {}


@pytest.mark.parametrize(
    ("expected", "answer", "exact", "f1"),
    [
        ("The north gate.", "north gate", 1.0, 1.0),
        ("8 tonnes", "It lifts 8 tonnes [source 1].", 0.0, 2 * 2 / (2 + 4)),
        ("8 tonnes", "I do not know.", 0.0, 0.0),
        ("25,000 euros", "25000 euros", 1.0, 1.0),
        ("Straße", "straße", 1.0, 1.0),
        ("15:30", "1530", 1.0, 1.0),
        ("-5 °C", "5 °c.", 1.0, 1.0),
        ("the U.S.A.", "USA", 1.0, 1.0),
        ("don't", "dont", 1.0, 1.0),
        ("north-east", "north east", 0.0, 0.0),
        ("north-east", "Northeast", 1.0, 1.0),
        ("Theatre an der Wien", "theatre der wien", 1.0, 1.0),
        ("an apple", "a\tthe  apple\n", 1.0, 1.0),
        ("café «Mitte»", "café Mitte", 0.0, 2 * 1 / 4),
        ("a-b", "b", 0.0, 0.0),
        ("one two two", "two two two", 0.0, 2 * 2 / 6),
        ("The", "an", 1.0, 1.0),
        ("The", "gate", 0.0, 0.0),
        ("gate", "", 0.0, 0.0),
    ],
)
def test_words_are_compared_as_squad_does(expected: str, answer: str, exact: float, f1: float) -> None:
    assert answer_scores(expected, answer) == pytest.approx({"exact_match": exact, "token_f1": f1})


def test_citations_are_scored_by_what_was_expected() -> None:
    assert citation_scores(["a", "b"], ["a", "c", "d"]) == {
        "citation_precision": 1 / 3,
        "citation_recall": 1 / 2,
    }
    assert citation_scores(["a"], []) == {"citation_recall": 0.0}
    assert citation_scores([], ["a"]) == {"citation_precision": 0.0}
    assert citation_scores([], []) == {}


@pytest.mark.parametrize(
    ("expected", "passages", "answer", "cited", "found", "is_right"),
    [
        ("15:30", ["a"], "It ends at 15:30, daily.", ["a"], True, True),
        ("15:30", ["a"], "It ends at 15:45.", ["a"], True, False),
        ("north gate", ["a"], "The gate in the north.", ["a"], True, False),
        (None, ["a"], "Whatever.", ["b", "a"], True, True),
        (None, ["a"], "Whatever.", ["b"], True, False),
        (None, [], "I found nothing.", [], False, True),
        (None, [], "It is blue.", ["a"], True, False),
    ],
)
def test_an_answer_is_right_or_not(
    expected: str | None, passages: list[str], answer: str, cited: list[str], found: bool, is_right: bool
) -> None:
    assert is_correct(expected, passages, answer, cited, found=found) is is_right


def test_a_run_is_the_mean_of_its_cases() -> None:
    cases: list[dict[str, Any]] = [
        {
            "correct": True,
            "latency_ms": 10.0,
            "error_message": None,
            "scores": {"precision": 1.0, "recall": 0.5},
        },
        {"correct": False, "latency_ms": 30.0, "error_message": "It broke.", "scores": {"precision": 0.5}},
    ]

    metrics = summarize(cases)

    assert (metrics["accuracy"], metrics["avg_latency_ms"]) == (0.5, 10.0)  # of what was answered
    assert (metrics["precision"], metrics["recall"]) == (0.75, 0.5)
    assert metrics["f1_score"] == pytest.approx(2 * 0.75 * 0.5 / 1.25)
    assert (metrics["cases"], metrics["failed_cases"], metrics["ndcg"]) == (2, 1, None)
    counts = metrics["counts"]
    assert (counts["accuracy"], counts["avg_latency_ms"], counts["ndcg"]) == (2, 1, 0)
    assert (counts["precision"], counts["recall"], counts["f1_score"]) == (2, 1, 2)


def test_a_failed_case_fails_in_all_that_was_expected_of_its_answer() -> None:
    scores = failed_scores("north gate", ["a"], ["x", "a"], 2)

    assert (scores["recall"], scores["reciprocal_rank"], scores["hit"]) == (1.0, 0.5, 1.0)
    assert {name for name, score in scores.items() if score == 0} == {
        *("exact_match", "token_f1", "citation_precision", "citation_recall", "quality", "precision_at_1")
    }
    assert set(failed_scores("north gate", ["a"], [], 2).values()) == {0.0}
    assert failed_scores(None, [], [], 2) == {"quality": 0.0}


def test_quality_is_stated_from_0_to_100() -> None:
    case = {"correct": True, "latency_ms": 1.0, "error_message": None}

    metrics = summarize([case | {"scores": {"quality": 0.9}}, case | {"scores": {"quality": 0.85}}])

    assert metrics["avg_quality_score"] == pytest.approx(87.5)


async def test_a_difference_is_as_likely_as_signs_that_fall_so() -> None:
    keys: list[comparison.QuestionKey] = [(f"q{number}", "Why?", None, ()) for number in range(6)]
    base = {key: {"correct": 0.0, "ndcg": 0.5} for key in keys}
    better = {key: {"correct": 1.0, "ndcg": 0.5} for key in base}
    other: comparison.QuestionKey = "q0", "Who?", None, ()

    correct, ndcg = await comparison.compare(base, better | {other: {"correct": 0.0}})

    assert (correct.measure, correct.baseline, correct.candidate, correct.pairs) == ("correct", 0.0, 1.0, 6)
    assert correct.p_value == pytest.approx(2 / 2**6)  # all signs one way or all the other, of 2^6
    assert (ndcg.measure, ndcg.difference, ndcg.p_value) == ("ndcg", 0.0, 1.0)


def test_the_bundled_set_reads() -> None:
    data = parse(BUNDLED["handbook"].read_bytes())

    assert (len(data.questions), len(data.passages)) == (36, 24)
    assert sum(question.answer is None for question in data.questions) == 4
    for question in data.questions:
        assert question.answer is None or question.answer in data.passages[question.passages[0]]


def test_the_hard_set_has_questions_of_every_kind() -> None:
    data = parse(BUNDLED["municipality"].read_bytes())

    assert (len(data.questions), len(data.passages)) == (56, 38)
    kinds = Counter(question.key[0] for question in data.questions)
    assert kinds == {"n": 12, "p": 12, "m": 9, "l": 15, "u": 8}
    for question in data.questions:
        assert (question.answer is None) == (question.key[0] == "u") == (not question.passages)
        assert question.answer is None or any(
            question.answer.lower() in data.passages[key].lower() for key in question.passages
        )
        assert len(question.passages) == 2 or question.key[0] != "m"


def test_csv_and_json_lines_say_the_same() -> None:
    json_lines = b"""{"id": "p1", "text": "The gate opens at 6."}
{"id": "q1", "question": "When does it open?", "answer": "at 6", "passages": ["p1"]}

{"id": "q2", "question": "Who paid?"}
"""
    table = b"""\xef\xbb\xbfid;question;answer;passage
q1;When does it open?;at 6;The gate opens at 6.
q2;Who paid?;;
"""

    assert parse(json_lines) == parse(table)
    assert parse(table).questions == [
        Question("q1", "When does it open?", "at 6", ("p1",)),
        Question("q2", "Who paid?", None, ()),
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "must be JSON Lines, or CSV"),
        (b"\xff\xfe", "must be UTF-8"),
        (b'{"id": "p1", "text": "x"}', "no question"),
        (b'{"question": "why?"}', "no passage"),
        (b'{"question": "why?"}\n{oops', "Line 2 of the data set: the line is not valid JSON"),
        (b'{"question": "why?"}\n[1]', "Line 2 of the data set: the line is not a JSON object"),
        (
            b'{"id": "p1", "text": "x"}\n{"question": "why?", "passages": ["p1", "p9"]}',
            "Line 2 .* unknown passage id p9",
        ),
        (b'{"id": "p1", "text": "x"}\n{"id": "p1", "text": "y"}', "Line 2 .* duplicate passage id p1"),
        (b'{"id": "q", "question": "x"}\n{"id": "q", "question": "y"}', "Line 2 .* duplicate question id q"),
        (b'{"question": "x", "passages": "p1"}', "Line 1 .* a list of ids"),
        (b'{"question": "  "}', "`question` must be a text that is not blank"),
        (b'{"question": "a\\u0000b"}', "characters that cannot be stored"),
        (b'{"question": "a\\ud800b"}', "characters that cannot be stored"),
        (b'{"other": 1}', "either `question` or `text` is required"),
        (b"question,answer\n" + b"x" * 2001 + b",y\n", "Line 2 .* at most 2,000 characters .got 2,001"),
    ],
)
def test_a_wrong_data_set_is_refused_by_its_line(content: bytes, message: str) -> None:
    with pytest.raises(Invalid, match=message):
        parse(content)

"""What comes of several votes."""

import pytest

from core.ports import ModelFailure, RunErrorCode
from db.models import CouncilBasis, CouncilStrategy
from pipelines.chat.council import Vote, VoteMetrics, decide, vote_confidence, vote_metrics

YES = Vote("analytical", "The doors are rated for 90 minutes.", 0.60)
ALSO = Vote("critical", "The fire doors are rated for 90 minutes.", 0.50)
NO = Vote("creative", "The doors are rated for 30 minutes.", 0.85)


def test_metrics_are_rounded_to_three_digits() -> None:
    # mean .65; squares .0025, .0225, .04 over 3; two of three agree
    assert vote_metrics([YES, ALSO, NO], 2) == VoteMetrics(0.65, 0.5, 0.85, 0.022, 0.667, 0.433)


def test_one_vote_agrees_with_itself() -> None:
    assert vote_metrics([NO], 1) == VoteMetrics(0.85, 0.85, 0.85, 0.0, 1.0, 0.85)


@pytest.mark.parametrize(
    ("answers", "agreement"),
    [
        (["The doors are rated for 90 minutes.", "Rated for 30 minutes.", "The doors are not rated."], 0.333),
        (["Doors of hall 2 are rated for 90 minutes.", "Doors of hall 2 are rated for 30 minutes."], 0.5),
        (["Smoking is allowed in the hall.", "Smoking is not allowed in the hall."], 0.5),
        (["The doors are rated for 90 minutes.", "The fire doors are rated for 90 minutes."], 1.0),
        (["The doors are rated for 90 minutes.", "The doors are rated for ninety minutes."], 1.0),
    ],
)
def test_agreement_is_how_many_say_the_same(answers: list[str], agreement: float) -> None:
    found = decide([Vote(f"voice {number}", answer, 0.7) for number, answer in enumerate(answers)])

    assert (found.metrics.agreement, found.metrics.variance) == (agreement, 0.0)
    assert found.has_consensus is (agreement == 1.0)


def test_the_weights_decide_the_confidence() -> None:
    heavy = Vote("creative", NO.answer, 0.85, weight=3)
    found = decide([YES, heavy])

    assert (found.answer, found.speaker, found.basis, found.confidence) == (
        NO.answer,
        "creative",
        CouncilBasis.ALL,
        0.787,
    )


def test_a_synthesis_stands_for_all_votes_and_in_nobodys_words() -> None:
    found = decide([YES, NO], CouncilStrategy.SYNTHESIS, synthesis="Both.")

    assert (found.answer, found.speaker, found.basis, found.confidence) == (
        "Both.",
        None,
        CouncilBasis.SYNTHESIS,
        0.725,
    )
    assert found.voices == ("analytical", "creative")
    assert decide([YES, NO], CouncilStrategy.SYNTHESIS).basis is CouncilBasis.ALL


def test_the_surest_vote_wins_where_that_is_wanted() -> None:
    found = decide([YES, ALSO, NO], CouncilStrategy.HIGHEST_CONFIDENCE, synthesis="Both.")

    assert (found.answer, found.confidence, found.voices) == (NO.answer, 0.85, ("creative",))


def test_the_majority_wins_over_a_surer_vote() -> None:
    found = decide([NO, ALSO, YES], CouncilStrategy.MAJORITY)

    assert (found.answer, found.basis, found.confidence) == (YES.answer, CouncilBasis.MAJORITY, 0.55)
    assert found.voices == ("critical", "analytical")


def test_without_a_majority_all_votes_count() -> None:
    found = decide([YES, NO], CouncilStrategy.MAJORITY, failed=["critical"])

    assert (found.answer, found.basis, found.failed) == (NO.answer, CouncilBasis.ALL, ("critical",))


def test_nobody_voting_is_a_failure() -> None:
    with pytest.raises(ModelFailure) as raised:
        decide([], failed=["analytical", "creative", "critical"])

    assert raised.value.code is RunErrorCode.CHAT_FAILED


@pytest.mark.parametrize(
    ("level", "similarity", "reasoning", "expected"),
    [
        ("high", None, "", 0.85),
        ("Medium", 0.5, "", 0.605),
        ("low", None, "x" * 201, 0.45),
        (None, None, "", 0.5),
    ],
)
def test_a_vote_is_as_sure_as_it_says(
    level: str | None, similarity: float | None, reasoning: str, expected: float
) -> None:
    assert vote_confidence(level, similarity, reasoning) == pytest.approx(expected)

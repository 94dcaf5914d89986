"""Questions, grounding, citations and confidence, by figures that were worked out by hand."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import pytest

from core.ports import ChatRequest, Quotation
from pipelines.chat import confidence
from pipelines.chat.citations import align_markers, align_quotations
from pipelines.chat.confidence import (
    Confidence,
    answer_confidence,
    citation_score,
    council_confidence,
    quotation_confidence,
)
from pipelines.chat.generation import quotation_probability
from pipelines.chat.grounding import check_grounding
from pipelines.chat.markers import strip_markers
from pipelines.chat.question_quality import assess_question
from tests.chat.sample_passages import PAGE, embed, lease, passage


@pytest.mark.parametrize(
    "question",
    [
        "What is DSCR?",
        "Rent?",
        "A-101",
        "\u4ec0\u4e48\u662f\u5149?",
        "\u0645\u0627 \u0647\u064a \u0627\u0644\u0639\u0627\u0635\u0645\u0629\u061f",
        "What was the name of the eastern half of the colony of 1788?",
        "What is the rhythm of Szczecin?",
    ],
)
def test_questions_are_askable(question: str) -> None:
    assert assess_question(question).score == 1.0


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "empty"),
        ("?!?!?!", "no words"),
        ("\U0001f642\U0001f642", "no words"),
        ("asdfghjkl qwerty", "neighbouring keys"),
        ("aaaaaaa", "repeats"),
        ("sdkjfh skdjfh ksjdhf", "unpronounceable"),
        ("blah blah blah blah", "repeats the same word"),
        ("why " * 3_000, "at most 8,000 characters"),
    ],
)
def test_gibberish_is_not(text: str, fault: str) -> None:
    found = assess_question(text)

    assert not found.is_question
    assert fault in " ".join(found.faults)


def test_confidence_is_the_sum_of_its_parts() -> None:
    found = answer_confidence("Plain.", similarity=0.5, retrieved=5, cited=2, quality=1.0, grounding=0.8)

    # .6 x .5 + .2 x (.6 + .3 x .4 + .1) + .1 x 1 + .1 x 1 = .664, and .7 x .664 + .3 x .8
    assert found.citation == pytest.approx(0.82)
    assert (found.certainty, found.total) == (1.0, 0.7048)


def test_hedging_lowers_confidence_to_a_limit() -> None:
    parts = {"similarity": 0.0, "retrieved": 1, "cited": 0, "quality": 0.0, "grounding": 0.0}

    assert answer_confidence("It might rain.", **parts).certainty == 0.7  # type: ignore[arg-type]
    assert answer_confidence("Maybe, perhaps, possibly, probably.", **parts).certainty == 0.3  # type: ignore[arg-type]


def test_nothing_retrieved_is_of_low_confidence() -> None:
    found = answer_confidence("Plain.", similarity=0.9, retrieved=0, cited=0, quality=1.0, grounding=0.0)

    assert (found.total, found.is_low(), found.is_low(council=True)) == (0.21, True, True)


def test_the_published_figures_hold() -> None:
    assert (confidence.LOW_CONFIDENCE, confidence.LOW_COUNCIL_CONFIDENCE) == (0.3, 0.5)
    assert (confidence.SIMILARITY_WEIGHT, confidence.CITATION_WEIGHT) == (0.6, 0.2)
    assert (confidence.CERTAINTY_WEIGHT, confidence.QUALITY_WEIGHT) == (0.1, 0.1)
    assert confidence.UNSUPPORTED_CONFIDENCE == 0.3
    assert (confidence.ANSWER_WEIGHT, confidence.GROUNDING_WEIGHT) == (0.7, 0.3)


@pytest.mark.parametrize(
    ("total", "is_low", "is_low_of_a_council"),
    [(0.2999, True, True), (0.3, False, True), (0.4999, False, True), (0.5, False, False)],
)
def test_low_confidence_ends_at_three_tenths_and_at_five_of_a_council(
    total: float, is_low: bool, is_low_of_a_council: bool
) -> None:
    found = Confidence(0.0, 0.0, 0.0, 0.0, 0.0, total)

    assert (found.is_low(), found.is_low(council=True)) == (is_low, is_low_of_a_council)


def test_each_part_has_its_weight() -> None:
    def total(**parts: float) -> float:
        none: dict[str, Any] = {
            "similarity": 0.0,
            "retrieved": 1,
            "cited": 0,
            "quality": 0.0,
            "grounding": 0.0,
        }
        return answer_confidence("Maybe, perhaps, possibly.", **(none | parts)).total

    # Without any: .7 x (.2 x .2 + .1 x .3), then each by itself, and similarity within its bounds.
    assert total() == 0.049
    assert total(similarity=0.5) == 0.259
    assert total(similarity=1.5) == total(similarity=1.0) == 0.469
    assert total(similarity=-1.0) == 0.049
    assert total(quality=1.0) == 0.119
    assert total(grounding=1.0) == 0.349
    assert total(grounding=4.0) == 1.0
    assert total(grounding=-1.0) == 0.0
    assert total(retrieved=2, cited=1) == 0.133  # .7 x (.2 x (.6 + .15 + .05) + .1 x .3)
    assert total(retrieved=0, similarity=1.0, quality=1.0) == 0.21


@pytest.mark.parametrize(
    ("answer", "certainty"),
    [
        ("It is so.", 1.0),
        ("I'm not sure.", 0.7),
        ("I am not certain, and it might rain.", 0.4),
        ("It seems so. I think so. Maybe.", 0.3),
        ("I cannot tell and don't know.", 0.4),
        ("There is not enough information. It could be.", 0.4),
        ("PROBABLY unclear", 0.4),
        ("The mighty maybell.", 1.0),
    ],
)
def test_each_hedge_takes_three_tenths(answer: str, certainty: float) -> None:
    found = answer_confidence(answer, similarity=0.0, retrieved=1, cited=0, quality=0.0, grounding=0.0)

    assert found.certainty == pytest.approx(certainty)


def test_the_parts_are_kept_within_their_bounds() -> None:
    found = answer_confidence("So.", similarity=1.5, retrieved=4, cited=1, quality=0.5, grounding=0.25)

    assert found.citation == pytest.approx(0.725)
    assert replace(found, citation=0.0) == Confidence(1.0, 0.0, 1.0, 0.5, 0.25, 0.7015)
    # .7 x (.6 + .2 x .725 + .1 + .05) + .3 x .25


def test_votes_replace_all_parts_but_the_grounding() -> None:
    base = Confidence(0.5, 0.5, 0.5, 0.5, 0.5, 0.5)

    assert council_confidence(base, 0.9) == replace(base, votes=0.9, total=0.78)  # .7 x .9 + .3 x .5
    assert council_confidence(base, 0.12345).total == 0.2364


@pytest.mark.parametrize(
    ("retrieved", "cited", "score"),
    [
        (5, 0, 0.2),
        (5, 1, 0.71),  # .6 + .3 x .2 + .05
        (10, 2, 0.76),
        (100, 4, 0.812),
        (100, 5, 0.815),  # each counts up to four
        (4, 4, 1.0),
        (0, 0, 0.2),
        (0, 1, 0.65),
    ],
)
def test_citations_are_scored(retrieved: int, cited: int, score: float) -> None:
    assert citation_score(retrieved, cited) == pytest.approx(score)


async def test_what_stands_in_a_passage_is_grounded() -> None:
    answer = (
        "The rent is 4,200 euros a month. [Source 2] The loading bay opens at six in the morning [Source 1]."
    )

    assert await check_grounding(answer, [passage(), lease()], embed) == await check_grounding(
        answer, [passage(), lease()]
    )
    assert (await check_grounding(answer, [passage(), lease()])).score == 1.0


async def test_another_number_is_not_grounded() -> None:
    found = await check_grounding("The rent is 4,300 euros a month.", [lease()], embed)

    assert (found.score, found.is_grounded) == (0.0, False)
    assert found.unsupported == ("The rent is 4,300 euros a month.",)


async def test_grounding_fails_closed() -> None:
    async def broken(texts: Sequence[str], kind: Literal["query", "passage"]) -> list[list[float]]:
        raise ConnectionError("secret")

    failed = await check_grounding("The rent is 4,200 euros a month.", [lease()], broken)
    assert (failed.score, failed.is_grounded, failed.error) == (
        0.0,
        False,
        "The comparison failed (ConnectionError).",
    )
    assert (await check_grounding("The rent is 4,200 euros.", [])).score == 0.0
    assert (await check_grounding("...", [lease()])).score == 0.0


def test_markers_become_citations_with_offsets() -> None:
    answer = (
        "\U0001f4c4 The fire doors hold 90 minutes [Source 2]. Who blocks them is unknown.\n\n"
        "The rent is 4,200 euros a month. [Sources 1, 2] Pets [source 7]"
    )
    found = align_markers(answer, [lease(), passage(start=100)])

    assert [found.text[each.text_start : each.text_end] for each in found.citations] == [
        "\U0001f4c4 The fire doors hold 90 minutes",
        "The rent is 4,200 euros a month.",
    ]
    assert [(each.source_index, each.inline_number) for each in found.citations] == [(2, 1), (1, 2)]
    assert found.missing == (7,)
    first = found.citations[0]
    assert first.snippet == "The fire doors of the north hall are rated for 90 minutes."
    assert PAGE[first.page_start - 100 : first.page_end - 100] == first.snippet
    assert found.citations[1].confidence == 1.0


def test_an_answer_without_markers_has_no_citations() -> None:
    assert align_markers("The rent is 4,200 euros a month (see page 3).", [lease()]).citations == ()
    assert strip_markers("So it is [Source 1; Source 2].") == "So it is."


def test_quotations_become_citations() -> None:
    start = PAGE.index("They are")
    end = PAGE.index(" \U0001f525")
    (found,) = align_quotations(
        PAGE, [Quotation(0, end - start, 1, start, end, 0.5)], [passage(start=7)]
    ).citations

    assert (found.text_start, found.text_end, found.page) == (0, end - start, 3)
    assert found.snippet == "They are inspected every March by the safety officer."
    assert (found.page_start, found.page_end) == (start + 7, end + 7)


@pytest.mark.parametrize(("probability", "is_low"), [(0.49, True), (0.5, False), (0.87654, False)])
def test_quotations_are_as_sure_as_they_are_probable(probability: float, is_low: bool) -> None:
    base = answer_confidence("Plain.", similarity=0.9, retrieved=5, cited=2, quality=1.0, grounding=1.0)
    found = quotation_confidence(base, probability)

    assert (found.total, found.probability, found.is_low()) == (
        round(probability, 4),
        probability,
        is_low,
    )


@pytest.mark.parametrize(("confidences", "expected"), [((0.7, 0.4), 0.4), ((0.7,), 0.0)])
def test_an_answer_in_parts_is_as_sure_as_its_least_sure_part(
    confidences: tuple[float, ...], expected: float
) -> None:
    first, second = passage(), lease()
    quotations = [
        Quotation(0, 1, number, 0, 1, confidence) for number, confidence in enumerate(confidences, 1)
    ]
    parts = (ChatRequest("One?", (first,)), ChatRequest("Two?", (second,)))

    assert quotation_probability(quotations, ChatRequest("Both?", (first, second))) == 0.7
    assert quotation_probability(quotations, ChatRequest("Both?", (first, second), parts=parts)) == expected

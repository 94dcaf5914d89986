"""Grounding by figures that were worked out by hand; every threshold from both sides."""

from collections.abc import Sequence
from typing import Literal

import pytest

from core.ports import Passage
from pipelines.chat import grounding
from pipelines.chat.grounding import GroundingResult, check_grounding, sentence_support
from tests.chat.sample_passages import passage

Kind = Literal["query", "passage"]


def passages(*texts: str) -> list[Passage]:
    return [passage(text) for text in texts]


def test_the_published_figures_hold() -> None:
    assert (grounding.MIN_GROUNDING_SCORE, grounding.MIN_SUPPORT) == (0.7, 0.5)
    assert (grounding.LEXICAL_WEIGHT, grounding.SEMANTIC_WEIGHT) == (0.5, 0.5)


@pytest.mark.parametrize(("score", "is_grounded"), [(0.6999, False), (0.7, True), (0.7001, True)])
def test_an_answer_is_grounded_from_seven_tenths(score: float, is_grounded: bool) -> None:
    assert GroundingResult(score, ()).is_grounded is is_grounded


@pytest.mark.parametrize(
    ("sentence", "texts", "support"),
    [
        ("alpha beta gamma delta", ["alpha beta omega sigma"], 0.5),
        ("alpha beta gamma delta", ["alpha omega", "alpha beta gamma", "delta"], 0.75),  # of the best passage
        ("alpha beta gamma", ["omega"], 0.0),
        ("The alpha beta.", ["omega THE  Alpha\nBeta sigma"], 1.0),  # case, blanks and full stops are nothing
        ("\u201cAlpha beta!\u201d", ["omega", "alpha beta?"], 1.0),  # of one passage among several
        ("'Alpha beta'", ["alpha beta"], 1.0),
        ('"Alpha beta?" ', ["alpha beta"], 1.0),
        ("alpha of it beta", ["beta and alpha"], 1.0),  # words of three letters and more count
        ("alpha cat", ["cat"], 0.5),
        ("alpha_beta gamma", ["alpha gamma"], 2 / 3),  # an underscore parts words
        ("room 7 alpha", ["room alpha beta"], 0.0),  # a number that no passage has
        ("room 7 alpha", ["alpha 7 beta"], 2 / 3),
        ("room 7 alpha", ["alpha 77 beta"], 0.0),
        ("alpha 7 room 8", ["7 room", "room 8 alpha"], 0.75),  # each number in some passage
        ("alpha 7 room 8", ["7 room", "room alpha"], 0.0),
        ("costs 4,200 euros", ["euros 4,200 costs"], 1.0),
        ("costs 4,200 euros", ["euros 4.200 costs"], 0.0),
        ("costs 4,200 euros", ["euros 4,2 and 200 costs"], 0.0),
        ("costs 4,200.50 euros", ["costs 4,200.5 euros"], 0.0),
        ("alpha beta", [], 0.0),
    ],
)
def test_support_is_the_share_of_words_in_the_best_passage(
    sentence: str, texts: list[str], support: float
) -> None:
    assert sentence_support(sentence, passages(*texts), None) == pytest.approx(support, abs=1e-12)


@pytest.mark.parametrize(
    ("similarity", "support"),
    [(0.8, 0.525), (0.0, 0.125), (-0.5, 0.125), (1.0, 0.625)],  # 0.5 x 0.25 + 0.5 x similarity
)
def test_support_is_half_words_and_half_meaning(similarity: float, support: float) -> None:
    found = sentence_support("alpha beta gamma delta", passages("alpha omega"), similarity)

    assert found == pytest.approx(support, abs=1e-12)


@pytest.mark.parametrize(
    "sentence",
    [
        *("alpha beta", "Alpha  BETA.", "alpha\nbeta!", "alpha beta?", '"Alpha beta."', "'alpha beta'"),
        *("\u201calpha beta\u201d", " alpha beta ", "pha be"),
    ],
)
def test_a_verbatim_sentence_needs_no_similarity(sentence: str) -> None:
    assert sentence_support(sentence, passages("omega", "Omega alpha beta gamma."), 0.0) == 1.0
    assert sentence_support(sentence, passages("omega", "beta alpha"), 0.0) < 1.0


def test_a_wrong_number_has_no_support_whatever_the_similarity() -> None:
    assert sentence_support("alpha 7 beta", passages("beta alpha"), 1.0) == 0.0


async def test_a_sentence_with_half_of_support_is_supported() -> None:
    text = "alpha beta gamma"
    supported = "Alpha gamma beta delta omega sigma."  # 3 of 6
    short = "Alpha gamma beta delta omega sigma kappa."  # 3 of 7

    assert await check_grounding(supported, passages(text)) == GroundingResult(0.5, ())
    assert await check_grounding(short, passages(text)) == GroundingResult(0.4286, (short,))


async def test_a_little_less_than_half_is_not_enough() -> None:
    words = [f"word{letter * 3}" for letter in "abcdfghijklmnopqrtuvw"]
    answer = " ".join(reversed(words))  # 10 of 21 are 0.4762
    found = await check_grounding(answer, passages(" ".join(words[:10])))

    assert found == GroundingResult(0.4762, (answer,))


async def test_statements_have_the_offsets_of_the_answer() -> None:
    answer = "# Rent\n\nIt is so:\n\n1. Alpha beta [1]. **Omega** sigma.[2]\n"

    found = await check_grounding(answer, passages("Alpha beta gamma.", "Kappa."))

    assert [
        (answer[statement.start : statement.end], statement.support, statement.is_supported)
        for statement in found.statements
    ] == [("Alpha beta [1].", 1.0, True), ("**Omega** sigma.", 0.0, False)]
    assert found == GroundingResult(0.5, ("**Omega** sigma.",))


async def test_the_score_is_the_mean_of_the_sentences_to_four_places() -> None:
    answer = "Alpha beta. [Source 1] Alpha omega sigma. [Source 1]"

    found = await check_grounding(answer, passages("Alpha beta gamma."))

    assert found == GroundingResult(0.6667, ("Alpha omega sigma.",))  # 1 and 1 / 3


async def test_sentences_without_a_word_are_left_out() -> None:
    answer = "Alpha beta.\n\n***\n\nSo it is 4 days.\n\n- of!"

    found = await check_grounding(answer, passages("Alpha beta 4."))

    assert found == GroundingResult(0.75, ())  # 1, and 1 / 2 of 4 and days


@pytest.mark.parametrize(
    ("answer", "count"), [("Alpha beta.", 0), ("... [Source 1]", 1), ("", 1), ("Of it.", 1)]
)
async def test_without_passages_or_sentences_nothing_is_grounded(answer: str, count: int) -> None:
    sentences = ("Alpha beta.",) if answer == "Alpha beta." else ()

    assert await check_grounding(answer, passages(*["alpha beta"] * count)) == GroundingResult(
        0.0, sentences, "There was nothing to compare."
    )


async def test_each_sentence_is_compared_with_each_sentence_of_the_passages() -> None:
    calls: list[tuple[Sequence[str], Kind]] = []
    vectors = {"Alpha one.": [1.0, 0.0], "Beta both.": [0.6, 0.8], "Gamma.": [0.0, 1.0], "Delta.": [1.0, 0.0]}

    async def embed(texts: Sequence[str], kind: Kind) -> list[list[float]]:
        calls.append((list(texts), kind))
        return [vectors.get(text, [0.0, 0.5]) for text in texts]

    found = await check_grounding("Alpha one. Beta both.", passages("Gamma. Delta.", "  "), embed)

    assert calls == [(["Alpha one.", "Beta both.", "Gamma.", "Delta.", "  "], "passage")]
    # No word in common: half of the largest cosine, which is 1 and 0.8.
    assert found == GroundingResult(0.45, ("Beta both.",))


@pytest.mark.parametrize("change", [-1, 1])
async def test_another_number_of_vectors_is_an_error(change: int) -> None:
    async def embed(texts: Sequence[str], kind: Kind) -> list[list[float]]:
        return [[1.0]] * (len(texts) + change)

    assert await check_grounding("Alpha.", passages("Alpha."), embed) == GroundingResult(
        0.0, ("Alpha.",), "The comparison failed (ValueError)."
    )


async def test_vectors_of_another_length_are_an_error() -> None:
    async def embed(texts: Sequence[str], kind: Kind) -> list[list[float]]:
        return [[1.0] * (number + 1) for number in range(len(texts))]

    found = await check_grounding("Alpha.", passages("Alpha."), embed)

    assert (found.score, found.error) == (0.0, "The comparison failed (ValueError).")

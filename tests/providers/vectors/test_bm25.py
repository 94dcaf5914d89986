"""The words of a text as numbers and weights."""

import pytest

from providers.vectors.bm25 import document_vector, query_vector, stem, tokenize

CHUNKS = ("The red beam", "a beam on a beam", "nothing")


def test_the_product_with_rareness_is_bm25() -> None:
    [(numbers, _)] = [query_vector("beam")]
    weights = [dict(zip(*document_vector(chunk), strict=True)).get(numbers[0], 0.0) for chunk in CHUNKS]

    def bm25(count: int, length: int) -> float:
        return count * 2.2 / (count + 1.2 * (0.25 + 0.75 * length / 128))

    assert weights == pytest.approx([bm25(1, 3), bm25(2, 5), 0.0])


def test_numbers_come_in_order_and_each_once() -> None:
    numbers, weights = query_vector("beam, girder; BEAM and girders")

    assert numbers == sorted(set(numbers))
    assert weights == [1.0, 1.0, 1.0]
    assert document_vector("?!") == ([], [])


def test_a_query_is_bounded() -> None:
    numbers, _ = query_vector(" ".join(f"word{number}" for number in range(10_000)))

    assert len(numbers) == 256


@pytest.mark.parametrize(
    ("word", "expected"),
    [("beams", "beam"), ("cities", "city"), ("glass", "glass"), ("status", "status"), ("is", "is")],
)
def test_plurals_lose_their_ending(word: str, expected: str) -> None:
    assert stem(word) == expected


def test_scripts_without_spaces_go_by_pairs() -> None:
    assert list(tokenize("水库很大 beam")) == ["水库", "库很", "很大", "beam"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("น้ำมาก", ["น้", "้ํ", "ํา", "าม", "มา", "าก"]),
        ("हिन्दी पानी", ["हिन्दी", "पानी"]),
        ("학교에서", ["학교", "교에", "에서"]),
        ("がき", ["がき"]),
        ("المدرسة والكتاب كـتاب", ["مدرسة", "كتاب", "كتاب"]),
        ("Ελλάδα Ёлка", ["ελλαδα", "елка"]),
        ("max_size A-101", ["max", "size", "a", "101"]),
    ],
)
def test_words_of_scripts_keep_their_vowel_signs(text: str, expected: list[str]) -> None:
    assert list(tokenize(text)) == expected

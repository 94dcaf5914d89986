"""Pieces are their pages' text to the letter, and end where sentences do."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.sentence_segmentation import sentences
from pipelines.knowledge.chunking import count_tokens, split_pages
from pipelines.knowledge.extraction import Heading, Page

SENTENCES = [f"Sentence number {index} tells of the door with the sign {index}." for index in range(60)]
PROSE = " ".join(SENTENCES)


def test_chunks_are_filled_with_whole_sentences_and_overlap() -> None:
    made = split_pages([Page(7, PROSE)], tokens=100, overlap=30)

    assert [each.page for each in made] == [7] * 15
    assert [each.token_count for each in made] == [84] * 14 + [56]
    assert all(each.text == PROSE[each.start : each.end] for each in made)
    assert all(each.text.startswith("Sentence") and each.text.endswith(".") for each in made)
    for before, after in pairwise(made):
        shared = PROSE[after.start : before.end]
        assert 0 < count_tokens(shared) <= 30
        assert 70 <= before.token_count <= 100
    assert (made[0].start, made[-1].end) == (0, len(PROSE))


def test_a_section_begins_a_chunk_once_the_one_before_is_filled() -> None:
    text = f"Doors\n\n{' '.join(SENTENCES[:8])}\n\nRents\n\nThe rent is 4,200 euros."
    start = text.index("Rents")
    marks = (Heading(0, 5, 1), Heading(start, start + 5, 1))
    made = split_pages([Page(None, text, marks)], tokens=200, overlap=40)

    assert [(each.text[:5], each.heading) for each in made] == [("Doors", "Doors"), ("Rents", "Rents")]
    assert len(split_pages([Page(None, text, marks)], tokens=1_000, overlap=40)) == 1


def test_nothing_crosses_a_page() -> None:
    made = split_pages([Page(1, "One."), Page(2, ""), Page(3, "Three.")])

    assert [(each.index, each.page, each.text) for each in made] == [(0, 1, "One."), (1, 3, "Three.")]


@pytest.mark.parametrize("sign", ["x", "\U0001f525", "\u0646", "word "])
def test_what_has_no_sentences_is_cut_all_the_same(sign: str) -> None:
    text = sign * 5_000
    made = split_pages([Page(None, text)], tokens=200, overlap=0)

    assert all(each.token_count <= 200 for each in made)
    assert "".join(each.text for each in made).replace(" ", "") == text.replace(" ", "")


@settings(max_examples=40, deadline=None)
@given(st.text(st.sampled_from("ab .!\n#-\u0646\U0001f525\u3002x"), max_size=600))
def test_any_text_is_covered_and_bounded(text: str) -> None:
    made = split_pages([Page(None, text)], tokens=32, overlap=8)

    assert made == split_pages([Page(None, text)], tokens=32, overlap=8)
    assert all(each.token_count <= 32 and each.text == text[each.start : each.end] for each in made)
    covered = {place for each in made for place in range(each.start, each.end)}
    assert all(place in covered for place, sign in enumerate(text) if not sign.isspace())


def test_sizes_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="less than half"):
        split_pages([Page(None, "Text.")], tokens=64, overlap=32)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Mr. Lee left in 1990. He paid.", ["Mr. Lee left in 1990.", "He paid."]),
        (
            "See no. 5 there. I said no. The U.S. is far.",
            ["See no. 5 there.", "I said no.", "The U.S. is far."],
        ),
        ("Title\n\nText one.\n- a\n- b", ["Title", "Text one.", "- a", "- b"]),
        ("\u4eca\u65e5\u306f\u3002\u5143\u6c17\uff1f", ["\u4eca\u65e5\u306f\u3002", "\u5143\u6c17\uff1f"]),
        (
            "\u0645\u0627 \u0647\u0648\u061f \u0646\u0635.",
            ["\u0645\u0627 \u0647\u0648\u061f", "\u0646\u0635."],
        ),
        (" \n ", []),
    ],
)
def test_sentences(text: str, expected: list[str]) -> None:
    assert [text[start:end] for start, end in sentences(text)] == expected

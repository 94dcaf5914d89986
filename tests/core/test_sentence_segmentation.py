"""Where sentences end."""

import pytest

from core.sentence_segmentation import sentences, strip_span


def split(text: str) -> list[str]:
    return [text[slice(*span)] for span in sentences(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" \n\n \t\n ", []),
        ("One", ["One"]),
        ("  One. Two!  Three? Four\u2026 Five", ["One.", "Two!", "Three?", "Four\u2026", "Five"]),
        ("One?! Two... Three", ["One?!", "Two...", "Three"]),
        ("One. ", ["One."]),
        ("One.\n\n \n Two", ["One.", "Two"]),
        ("One\n\nTwo", ["One", "Two"]),
        ("one\n \t\ntwo", ["one", "two"]),
        ('"One." \u201cTwo.\u201d (Three.) Four', ['"One."', "\u201cTwo.\u201d", "(Three.)", "Four"]),
        ("\u00abOne.\u00bb [Two.] 'Three.' Four", ["\u00abOne.\u00bb", "[Two.]", "'Three.'", "Four"]),
        ("It is 4.5 m. Yes", ["It is 4.5 m. Yes"]),  # an initial
        ("It is 4.5 mm. Yes", ["It is 4.5 mm.", "Yes"]),
        ("See a.b for more", ["See a.b for more"]),
        ("One. two", ["One. two"]),  # lower case goes on
        ("One! two", ["One! two"]),
        ("One. 2 follow", ["One.", "2 follow"]),
        (
            "\u4e00\u3002\u4e8c\uff01\u4e09\uff1f\u56db",
            ["\u4e00\u3002", "\u4e8c\uff01", "\u4e09\uff1f", "\u56db"],
        ),
        ("\u300c\u4e00\u3002\u300d\u4e8c", ["\u300c\u4e00\u3002\u300d", "\u4e8c"]),
        ("\u0645\u0627\u061f \u0646\u0639\u0645", ["\u0645\u0627\u061f", "\u0646\u0639\u0645"]),
    ],
)
def test_sentences_end_at_their_marks(text: str, expected: list[str]) -> None:
    assert split(text) == expected


@pytest.mark.parametrize(
    "word",
    [
        *(
            "Mr",
            "Mrs",
            "Ms",
            "Dr",
            "Prof",
            "St",
            "vs",
            "e.g",
            "i.e",
            "cf",
            "ca",
            "approx",
            "Gen",
            "Col",
            "Capt",
            "Lt",
        ),
        *("Sgt", "Rev", "Hon", "Messrs", "DR"),
        *("J", "R", "\u00c4"),
    ],
)
def test_abbreviations_and_initials_end_nothing(word: str) -> None:
    assert split(f"Ask {word}. Brown. Then go") == [f"Ask {word}. Brown.", "Then go"]
    assert split(f"{word}. Brown. Then go") == [f"{word}. Brown.", "Then go"]


@pytest.mark.parametrize(
    "word",
    [
        *(
            "No",
            "nos",
            "Vol",
            "p",
            "pp",
            "Fig",
            "figs",
            "sec",
            "ch",
            "art",
            "para",
            "eq",
            "Jan",
            "feb",
            "mar",
            "apr",
        ),
        *("jun", "jul", "aug", "Sep", "sept", "oct", "nov", "dec"),
    ],
)
def test_abbreviations_before_a_number_end_nothing(word: str) -> None:
    assert split(f"Look at {word}. 7 here. Then go") == [f"Look at {word}. 7 here.", "Then go"]
    if len(word) > 1:
        assert split(f"Look at {word}. Here. Then go") == [f"Look at {word}.", "Here.", "Then go"]


def test_other_words_end_sentences() -> None:
    assert split("So it was. 7 went. It is no longer vol. Here. The cat. 7 went.") == [
        "So it was.",
        "7 went.",
        "It is no longer vol.",
        "Here.",
        "The cat.",
        "7 went.",
    ]
    assert split("Ask madr. Brown. Xvol. 7") == ["Ask madr.", "Brown.", "Xvol.", "7"]
    assert split("It is 7. Brown. X1. Yes. .A. Yes") == ["It is 7.", "Brown.", "X1.", "Yes.", ".A.", "Yes"]


def test_an_abbreviation_may_begin_a_sentence() -> None:
    assert split("One? Dr. Brown") == ["One?", "Dr. Brown"]


def test_a_short_line_is_a_sentence_and_a_long_one_is_wrapped() -> None:
    short, wrapped = "A" * 39, "A" * 40

    assert split(f"{short}\nB") == [short, "B"]
    assert split(f"{wrapped}\nB") == [f"{wrapped}\nB"]
    assert split(f"  {short}  \nB") == [short, "B"]
    assert split(f"{wrapped}\n{short}\nB") == [f"{wrapped}\n{short}", "B"]
    assert split(f"One. {wrapped}\nB") == ["One.", f"{wrapped}\nB"]
    assert split(f"{wrapped} One.\n{short}\nB") == [f"{wrapped} One.", short, "B"]
    assert split(f"{short}\nb") == [short, "b"]  # whatever follows
    assert split(f"{'A' * 30} So ended. {'B' * 20}\nC") == ["A" * 30 + " So ended.", "B" * 20, "C"]


@pytest.mark.parametrize("mark", ["-", "*", "\u2022", "\u2013", "+", "1.", "12)", "123.", "#", "######"])
def test_items_of_lists_are_sentences(mark: str) -> None:
    item = f"{mark} {'a' * 60}"

    assert split(f"{item}\nB") == [item, "B"]
    assert split(f"{'B' * 60}\n{item}") == ["B" * 60, item]
    assert split(f"{'B' * 60}\n  {item}") == ["B" * 60, item]


@pytest.mark.parametrize("mark", ["--", "1234.", "#######", "a)", "-A"])
def test_other_lines_are_no_items(mark: str) -> None:
    text = f"{'B' * 60}\n{mark} {'a' * 60}"

    assert split(text) == [text]


def test_spans_are_of_the_text() -> None:
    assert sentences("\n One.  Two \n\n\n Three ") == [(2, 6), (8, 11), (16, 21)]
    assert strip_span("  a b  ", 0, 7) == (2, 5)
    assert strip_span("  a b  ", 2, 4) == (2, 3)
    assert strip_span("    ", 1, 3) == (3, 3)
    assert strip_span("ab", 1, 1) == (1, 1)

"""Citations: which statement rests on which passage, to the character."""

import pytest

from core.ports import Quotation
from pipelines.chat.citations import MAX_SNIPPET_LENGTH, align_markers, align_quotations, best_match
from pipelines.chat.markers import find_markers, marked_statements, strip_markers
from tests.chat.sample_passages import LEASE, lease, passage

RENT = "The rent is 4,200 euros a month."


def statements(answer: str) -> list[tuple[str, tuple[int, ...]]]:
    found = marked_statements(answer, find_markers(answer, 3))
    return [(answer[slice(*statement.span)], statement.sources) for statement in found]


@pytest.mark.parametrize(
    ("number", "cited", "missing"),
    [(-1, [], (-1,)), (0, [], (0,)), (1, [1], ()), (2, [2], ()), (3, [], (3,)), (10, [], (10,))],
)
def test_sources_count_from_one_to_the_number_of_passages(
    number: int, cited: list[int], missing: tuple[int, ...]
) -> None:
    found = align_markers(f"{RENT} [Source {number}]", [lease(), lease()])

    assert [citation.source_index for citation in found.citations] == cited
    assert found.missing == missing


def test_missing_sources_are_listed_once_in_their_order() -> None:
    found = align_markers(f"{RENT} [Sources 9, 0, 1] Pets are banned. [Sources 0, 7, 9]", [lease()])

    assert found.missing == (9, 0, 7)
    assert [citation.source_index for citation in found.citations] == [1]


def test_a_citation_says_what_it_rests_on() -> None:
    answer = f"So: {RENT}\n\nAll is well. {RENT} [Source 2]"
    (found,) = align_markers(answer, [passage(), lease()]).citations

    assert (found.text_start, found.text_end) == (answer.rindex("The"), answer.rindex(".") + 1)
    assert (found.source_index, found.inline_number) == (2, 1)
    assert (found.document_id, found.source, found.page) == (LEASE, "Lease", None)
    assert (found.snippet, found.confidence) == (RENT, 1.0)
    assert lease().text[found.page_start : found.page_end] == RENT


def test_the_confidence_is_the_share_of_words_to_four_places() -> None:
    (found,) = align_markers(
        "Alpha beta gamma [Source 1]", [passage("Omega. Alpha beta sigma. Kappa.")]
    ).citations

    assert (found.snippet, found.confidence) == ("Alpha beta sigma.", 0.6667)


def test_a_marker_after_a_marker_belongs_to_the_same_statement() -> None:
    assert statements("Alpha is so. [Source 2] [Source 1] [Source 2] Beta. [Source 3]") == [
        ("Alpha is so.", (2, 1)),
        ("Beta.", (3,)),
    ]
    assert statements("Alpha is so [Source 2], [Source 1]. Beta [Source 1]") == [
        ("Alpha is so", (2, 1)),
        ("Beta", (1,)),
    ]


def test_a_marker_after_a_marker_adds_to_the_last_statement() -> None:
    assert statements("Alpha [Source 1]. Beta [Source 2]. Gamma [Source 3] [Source 4]") == [
        ("Alpha", (1,)),
        ("Beta", (2,)),
        ("Gamma", (3, 4)),
    ]


def test_a_marker_that_begins_a_line_belongs_to_the_sentence_after_it() -> None:
    assert statements("[Source 1] Alpha. [Source 2]") == [("Alpha.", (1, 2))]
    assert statements("[Source 1] Alpha. [Source 2] Beta.\n- [3] [1] Gamma") == [
        ("Alpha.", (1,)),
        ("Beta.", (2,)),
        ("Gamma", (3, 1)),
    ]
    assert statements("Alpha.\n\n[Source 1]\n\nBeta.") == [("Alpha.", (1,))]
    assert statements("*** [Source 1]") == []
    assert align_markers("[Source 4]", [lease()]).missing == (4,)


def test_a_marker_within_a_clause_belongs_to_the_whole_of_it() -> None:
    assert statements("The rent [1] is 90 euros. Beta.") == [("The rent [1] is 90 euros.", (1,))]
    assert statements("The rent is 90 euros [1] and pets are banned [2].") == [
        ("The rent is 90 euros", (1,)),
        ("and pets are banned", (2,)),
    ]


def test_a_marker_belongs_to_the_last_sentence_before_it() -> None:
    assert statements("Alpha. Beta. \u2014 [Sources 3, 3, 1] Gamma. Delta [Source 1].") == [
        ("Beta.", (3, 1)),
        ("Delta", (1,)),
    ]


@pytest.mark.parametrize(
    ("marker", "sources"),
    [
        ("[Source 1]", (1,)),
        ("[source 1]", (1,)),
        ("[SOURCES 1, 12]", (1, 12)),
        ("[Sources 1,2;3]", (1, 2, 3)),
        ("[Source 1; Source 2]", (1, 2)),
        ("[Sources 1 and 2]", (1, 2)),
        ("[Sources 1 & 2]", (1, 2)),
        ("[Source #1]", (1,)),
        ("[Source 1, source #2]", (1, 2)),
        ("(Source 1)", (1,)),
        ("\u3010Source 1\u3011", (1,)),
        ("[ Source 1 ]", (1,)),
        ("[Source1]", (1,)),
        ("[1]", (1,)),
        ("[^1]", (1,)),
        ("(1)", (1,)),
        ("[1, 2]", (1, 2)),
        ("[1][2]", (1, 2)),
        ("(1, 3)", (1, 3)),
        ("[Sources 1-3]", (1, 2, 3)),
        ("[1\u20133]", (1, 2, 3)),
        ("[Sources 1 to 2]", (1, 2)),
        ("[Source 1, page 3]", (1,)),
        ("\u30101\u2020source\u3011", (1,)),
        ("[Quelle 2]", (2,)),
        ("[Source -1]", (-1,)),
        ("[0]", (0,)),
    ],
)
def test_markers_are_written_in_many_ways(marker: str, sources: tuple[int, ...]) -> None:
    assert statements(f"Alpha {marker}") == [("Alpha", sources)]
    assert strip_markers(f"Alpha \t{marker}. Beta", 3) == "Alpha. Beta"


@pytest.mark.parametrize(
    "text",
    [
        *("Alpha [Source]", "Alpha Source 1", "Alpha [see Source 1]", "A [Source 1", "Alpha [2019]"),
        *(
            "Alpha (2019).",
            "Alpha (4).",
            "(1) first, (2) second",
            "Two: (1) alpha, (2) beta.",
            "three (3) days",
        ),
        *("See section (2).", "Do this. (1) Alpha. (2) Then beta.", "within three (3).", "Alpha (1) beta"),
    ],
)
def test_other_brackets_are_no_markers(text: str) -> None:
    assert statements(text) == []
    assert strip_markers(text, 3) == text


def test_the_first_of_two_equal_sentences_is_quoted() -> None:
    assert best_match("alpha beta", "Omega. Alpha. Beta.") == ((7, 13), 0.5)
    assert best_match("alpha beta", "Omega. Beta. Alpha beta.") == ((13, 24), 1.0)


def test_a_statement_without_words_matches_nothing() -> None:
    assert best_match("...", "Omega. Alpha.") == ((0, 6), 0.0)
    assert best_match("alpha", "  ") == ((0, 0), 0.0)


def test_a_snippet_is_cut_at_its_greatest_length() -> None:
    text = "Omega. " + "Alpha " * 200

    assert MAX_SNIPPET_LENGTH == 600
    # 600 characters from the sentence's start end in a blank, which goes.
    assert best_match("alpha", text) == ((7, 606), 1.0)
    assert best_match("alpha", "Omega. A" + "a" * 598 + " alpha") == ((7, 606), 1.0)


def test_quotations_are_cited_in_the_order_of_the_answer() -> None:
    pages = [passage(start=5), lease()]
    quotations = [
        Quotation(40, 50, 1, 0, 9, 0.25),
        Quotation(0, 10, 2, 4, 9, 0.5),
        Quotation(20, 30, 2, 0, 3, 0.75),
    ]
    found = align_quotations("answer", quotations, pages)

    assert found.missing == ()
    assert [
        (
            c.text_start,
            c.text_end,
            c.source_index,
            c.inline_number,
            c.page_start,
            c.page_end,
            c.snippet,
            c.confidence,
        )
        for c in found.citations
    ] == [
        (0, 10, 2, 1, 4, 9, "lease", 0.5),
        (20, 30, 2, 1, 0, 3, "The", 0.75),
        (40, 50, 1, 2, 5, 14, "Warehouse", 0.25),
    ]


def cited_text(answer: str) -> tuple[str, list[tuple[int, int, str]]]:
    """The text, and its citations as inline number, source and statement."""
    found = align_markers(answer, [lease(), passage()])
    return found.text, [
        (cited.inline_number, cited.source_index, found.text[cited.text_start : cited.text_end])
        for cited in found.citations
    ]


def test_the_text_has_the_numbers_of_its_citations_in_one_form() -> None:
    doors, pets = "The fire doors are rated for 90 minutes", "Pets are not allowed."

    assert cited_text(f"{doors} (2). {pets}[^1] {RENT} [Sources 1-2] [1]") == (
        f"{doors} [1]. {pets}[2] {RENT} [2]",
        [(1, 2, doors), (2, 1, pets), (2, 1, RENT)],
    )
    assert cited_text(f"[Source 2] {doors}.\n[Source 7] {pets}\n- [1] {pets}") == (
        f"[1] {doors}.\n{pets}\n- [2] {pets}",
        [(1, 2, f"{doors}."), (2, 1, pets)],
    )
    assert cited_text("The rent [1][2] is 4,200 euros a month.") == (
        "The rent [1] is 4,200 euros a month.",
        [(1, 1, "The rent [1] is 4,200 euros a month.")],
    )


def test_several_sources_may_support_a_statement_together() -> None:
    both = "The rent is 4,200 euros and the fire doors are rated for 90 minutes"

    assert cited_text(f"{both} [1][2].") == (f"{both} [1][2].", [(1, 1, both), (2, 2, both)])
    assert cited_text(f"{both} [1].") == (f"{both}.", [])


def test_a_marker_never_becomes_a_link() -> None:
    assert cited_text(f"{RENT} [Source 1\u3011(here)")[0] == f"{RENT} [1] (here)"
    assert cited_text(f"{RENT} [1][Source 9\u3011: x")[0] == f"{RENT} [1] : x"


@pytest.mark.parametrize(
    "statement",
    [
        "The rent is 2,400 euros a month",
        "The rent is 31 euros a month",
        "The lease ends on 31 March 2031",
        "Pets are allowed",
        "The lease says \u201cthe tenant may sublet freely\u201d",
        "The tenant pays a deposit of three months",
        "Carol Moore signed the lease of the office",
        "The lease does not mention who pays the rent",
        "The rent",
    ],
)
def test_a_citation_that_its_source_does_not_support_is_dropped(statement: str) -> None:
    text = f"{statement} [1] is 9,999 euros." if statement == "The rent" else f"{statement} [1]."

    found = align_markers(text, [lease()])

    assert (found.text, found.citations, found.dropped) == (text.replace(" [1]", ""), (), 1)

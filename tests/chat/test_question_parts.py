"""Splitting of questions over two documents."""

import pytest

from pipelines.chat.question_parts import asks_of_several, split_question


@pytest.mark.parametrize(
    ("question", "parts"),
    [
        (
            "Compare the rent in Oak Street and in Mill Lane.",
            [("the rent", "in Oak Street"), ("the rent", "in Mill Lane")],
        ),
        (
            "Which deposit is higher, the one for Oak Street or the one for Mill Lane?",
            [("Which deposit is higher", "for Oak Street"), ("Which deposit is higher", "for Mill Lane")],
        ),
        ("When was A built, and who built B?", [("", "When was A built?"), ("", "who built B?")]),
        (
            "What do the handbook and the lease say about pets?",
            [("about pets", "the handbook"), ("about pets", "the lease")],
        ),
        (
            "Is the flow of the P-200 higher than that of the P-350?",
            [("Is the flow", "of the P-200 higher"), ("Is the flow", "of the P-350")],
        ),
        (
            "Vergleiche die Miete in der Lindenstraße und in der Hafengasse.",
            [("die Miete", "in der Lindenstraße"), ("die Miete", "in der Hafengasse")],
        ),
        ("When did Tesla die?", []),
    ],
)
def test_a_question_is_split_where_two_things_are_named(question: str, parts: list[tuple[str, str]]) -> None:
    assert [(part.frame, part.subject) for part in split_question(question)] == parts


def test_a_conjunction_alone_does_not_say_that_there_are_two_questions() -> None:
    assert not asks_of_several("Who did Lane and Vail work for?")
    assert asks_of_several("What is the difference between Lane and Vail?")


def test_a_second_question_that_refers_to_the_first_has_its_names_as_topic() -> None:
    assert [
        part.topic for part in split_question("When was the Eiffel Tower built and who designed it?")
    ] == [
        "",
        "Eiffel Tower",
    ]

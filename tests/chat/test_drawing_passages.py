"""What a session found, in passages."""

from collections.abc import Sequence
from typing import Literal

from pipelines.chat.drawing_passages import (
    MAX_EMBEDDED_PASSAGES,
    MAX_PASSAGE_LENGTH,
    rank_passages,
    split_passages,
)
from resolvers.chat.drawing_context import SheetFindings
from tests.chat import sample_passages

SHEETS = [
    SheetFindings(
        f"A-{number}", number, (f"A-{number}: 40 changes.", *(f"Door {number}.{n} moved." for n in range(40)))
    )
    for number in range(1, 101)
]


def test_passages_are_short_and_hold_every_statement_at_its_place() -> None:
    statements = [f"Door {number:03} of the north hall moved." for number in range(60)]
    whole = "\n\n".join(statements)

    found = split_passages(SheetFindings("A-1", 1, tuple(statements)))

    # 23 statements of 33 characters, with two between them, are 803; 22 are 768.
    assert MAX_PASSAGE_LENGTH == 800
    assert [len(each.text) for each in found] == [768, 768, 558]
    assert [each.text for each in found] == [whole[each.start : each.end] for each in found]
    assert "\n\n".join(each.text for each in found) == whole
    assert {(each.source, each.page, each.document_id) for each in found} == {("A-1", 1, None)}


def test_an_endless_statement_is_a_passage_of_its_own() -> None:
    texts = ("Short.", "x" * 5_000, "Last.")

    assert [each.text for each in split_passages(SheetFindings("A-1", 1, texts))] == list(texts)


async def test_of_a_hundred_sheets_the_one_requested_about_comes_first() -> None:
    embedded: list[str] = []

    async def embed(texts: Sequence[str], kind: Literal["query", "passage"]) -> list[list[float]]:
        embedded.extend(texts)
        return await sample_passages.embed(texts, kind)

    found = await rank_passages(embed, "Which doors moved on A-77?", SHEETS, 5)

    assert [each.source for each in found] == ["A-77", "A-1", "A-2", "A-3", "A-4"]
    assert found[0].text.startswith("A-77: 40 changes.")
    assert (len(found), len(embedded)) == (5, 1 + MAX_EMBEDDED_PASSAGES)
    assert [round(each.similarity, 4) for each in found] == [0.4864, *[0.2441] * 4]


async def test_nothing_compared_is_nothing_found() -> None:
    assert await rank_passages(sample_passages.embed, "What changed?", [SheetFindings("A-1", 1, ())], 5) == []

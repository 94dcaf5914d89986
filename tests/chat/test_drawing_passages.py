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
    whole = "\n\n".join(SHEETS[0].statements)

    found = split_passages(SHEETS[0])

    assert all(
        each.text == whole[each.start : each.end] and len(each.text) <= MAX_PASSAGE_LENGTH for each in found
    )
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

    assert [each.source for each in found[:1]] == ["A-77"]
    assert found[0].text.startswith("A-77: 40 changes.")
    assert (len(found), len(embedded)) == (5, 1 + MAX_EMBEDDED_PASSAGES)
    assert all(0 <= each.similarity <= 1 for each in found)


async def test_nothing_compared_is_nothing_found() -> None:
    assert await rank_passages(sample_passages.embed, "What changed?", [SheetFindings("A-1", 1, ())], 5) == []

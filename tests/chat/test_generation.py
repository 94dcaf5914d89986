"""An answer from question to confidence."""

from collections.abc import AsyncGenerator

from core.ports import AnswerEnd, ChatEvent, ChatRequest, RunErrorCode, TextDelta
from pipelines.chat.generation import NOT_A_QUESTION, GeneratedAnswer, generate_answer
from providers.chat import NOTHING_FOUND, ExtractiveAnswerer
from tests.chat.sample_passages import PAGE, embed, lease, passage


class Says:
    """A model that says what it is told to."""

    model = "says/1"

    def __init__(self, *pieces: str) -> None:
        self.pieces, self.asked = pieces, 0

    async def answer(self, request: ChatRequest) -> AsyncGenerator[ChatEvent, None]:
        self.asked += 1
        for piece in self.pieces:
            yield TextDelta(piece)
        yield AnswerEnd(self.model, 30, 7)


async def answered(model: Says | ExtractiveAnswerer, question: str) -> tuple[GeneratedAnswer, str]:
    told: list[str] = []

    async def tell(text: str) -> None:
        told.append(text)

    request = ChatRequest(question, (passage(start=40), lease()))
    return await generate_answer(model, request, tell, embed=embed), "".join(told)


async def test_a_quoted_answer_is_cited_and_grounded() -> None:
    found, told = await answered(ExtractiveAnswerer(embed), "When does the loading bay open in the morning?")

    first = found.citations.citations[0]
    assert found.text == told
    assert told[first.text_start : first.text_end] == first.snippet
    assert first.snippet == PAGE[first.page_start - 40 : first.page_end - 40]
    assert (found.found, found.code, found.grounding.score) == (True, None, 1.0)
    assert not found.confidence.is_low()


async def test_nothing_found_has_no_citations_and_low_confidence() -> None:
    found, told = await answered(ExtractiveAnswerer(embed), "Which planet has the most moons?")

    assert (told, found.found, found.citations.citations, found.code) == (NOTHING_FOUND, False, (), None)
    assert not found.grounding.is_grounded


async def test_gibberish_asks_no_model() -> None:
    model = Says("Yes.")
    found, told = await answered(model, "asdfghjkl")

    assert (model.asked, told, found.model, found.found) == (0, NOT_A_QUESTION, None, False)
    assert found.confidence.is_low()


async def test_a_models_markers_are_aligned_across_pieces() -> None:
    found, told = await answered(
        Says("The rent is 4,200 euros a ", "month [Sou", "rce 2]."), "What is the rent?"
    )

    (cited,) = found.citations.citations
    assert told[cited.text_start : cited.text_end] == "The rent is 4,200 euros a month"
    assert (cited.snippet, cited.page) == ("The rent is 4,200 euros a month.", None)
    assert (found.model, found.prompt_tokens, found.completion_tokens) == ("says/1", 30, 7)


async def test_an_answer_that_names_no_source_is_told_by_a_code() -> None:
    found, _ = await answered(Says("It is free."), "What is the rent?")

    assert found.code is RunErrorCode.NO_CITATIONS

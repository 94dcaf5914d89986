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
        self.pieces, self.call_count = pieces, 0

    async def answer(self, request: ChatRequest) -> AsyncGenerator[ChatEvent, None]:
        self.call_count += 1
        for piece in self.pieces:
            yield TextDelta(piece)
        yield AnswerEnd(self.model, 30, 7)


async def generate(model: Says | ExtractiveAnswerer, question: str) -> tuple[GeneratedAnswer, str]:
    received: list[str] = []

    async def tell(text: str) -> None:
        received.append(text)

    request = ChatRequest(question, (passage(start=40), lease()))
    return await generate_answer(model, request, tell, embed=embed), "".join(received)


async def test_a_quoted_answer_is_cited_and_grounded() -> None:
    found, received = await generate(
        ExtractiveAnswerer(embed), "When does the loading bay open in the morning?"
    )

    first = found.citations.citations[0]
    assert found.text == received
    assert received[first.text_start : first.text_end] == first.snippet
    assert first.snippet == PAGE[first.page_start - 40 : first.page_end - 40]
    assert (found.found, found.code, found.grounding.score) == (True, None, 1.0)
    assert not found.confidence.is_low()


async def test_nothing_found_has_no_citations_and_low_confidence() -> None:
    found, received = await generate(ExtractiveAnswerer(embed), "Which planet has the most moons?")

    assert (received, found.found, found.citations.citations, found.code) == (NOTHING_FOUND, False, (), None)
    assert not found.grounding.is_grounded


async def test_gibberish_asks_no_model() -> None:
    model = Says("Yes.")
    found, received = await generate(model, "asdfghjkl")

    assert (model.call_count, received, found.model, found.found) == (0, NOT_A_QUESTION, None, False)
    assert found.confidence.is_low()


async def test_a_models_markers_are_aligned_across_pieces() -> None:
    found, received = await generate(
        Says("The rent is 4,200 euros a ", "month [Sou", "rce 2]."), "What is the rent?"
    )

    (cited,) = found.citations.citations
    assert received[cited.text_start : cited.text_end] == "The rent is 4,200 euros a month"
    assert (cited.snippet, cited.page) == ("The rent is 4,200 euros a month.", None)
    assert (found.model, found.prompt_tokens, found.completion_tokens) == ("says/1", 30, 7)


async def test_an_answer_that_names_no_source_is_reported_by_a_code() -> None:
    found, _ = await generate(Says("It is free."), "What is the rent?")

    assert found.code is RunErrorCode.NO_CITATIONS

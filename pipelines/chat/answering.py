"""One answer from question to confidence: asked, cited, compared with its sources, and weighed."""

from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from statistics import fmean

from core.ports import AnswerEnd, ChatModel, ChatRequest, Embed, Quotation, RunErrorCode, TextDelta
from pipelines.chat import citations
from pipelines.chat.citations import Alignment
from pipelines.chat.confidence import Confidence, confidence
from pipelines.chat.grounding import Grounding, grounding
from pipelines.chat.quality import Quality, quality

NOT_A_QUESTION = "This does not read as a question. Ask in words what you want to know from the documents."

UNSTORABLE = dict.fromkeys((0, *range(0xD800, 0xE000)))
"""What no database can hold."""

Tell = Callable[[str], Awaitable[None]]
"""Is told each piece of the answer as it comes."""


@dataclass(frozen=True)
class Answered:
    """A whole answer. `text` is what `tell` was told, joined.

    `found` is False where the model says that nothing answers the question, and where none was asked because
    the question is no question; then `model` is None.
    """

    text: str
    model: str | None
    found: bool
    citations: Alignment
    quality: Quality
    grounding: Grounding
    confidence: Confidence
    prompt_tokens: int = 0
    completion_tokens: int = 0

    @property
    def code(self) -> RunErrorCode | None:
        """`NO_CITATIONS` for an answer that names none of its sources."""
        return RunErrorCode.NO_CITATIONS if self.found and not self.citations.citations else None


async def answer(
    model: ChatModel, request: ChatRequest, tell: Tell, *, embed: Embed | None = None
) -> Answered:
    """Ask the model, unless the question is gibberish, and weigh what it says. Raises `ModelFailure`."""
    asked = quality(request.question)
    if not asked.askable:
        await tell(NOT_A_QUESTION)
        said = confidence(
            NOT_A_QUESTION, similarity=0, retrieved=0, cited=0, quality=asked.score, grounding=0
        )
        return Answered(NOT_A_QUESTION, None, False, Alignment(()), asked, Grounding(0.0, ()), said)
    pieces: list[str] = []
    quotations: list[Quotation] = []
    end = AnswerEnd(model.model, 0, 0)
    async with aclosing(model.answer(request)) as events:
        async for event in events:
            match event:
                case TextDelta(text):
                    piece = text.translate(UNSTORABLE)
                    pieces.append(piece)
                    await tell(piece)
                case Quotation():
                    quotations.append(event)
                case AnswerEnd():
                    end = event
    text = "".join(pieces)
    aligned = (
        citations.quoted(quotations, request.passages)
        if quotations
        else citations.align(text, request.passages)
    )
    found = bool(request.passages) if end.found is None else end.found
    grounded = await grounding(text, request.passages, None if quotations else embed)
    return Answered(
        text=text,
        model=end.model,
        found=found,
        citations=aligned,
        quality=asked,
        grounding=grounded,
        confidence=weighed(text, request, aligned, asked, grounded),
        prompt_tokens=end.prompt_tokens,
        completion_tokens=end.completion_tokens,
    )


def weighed(
    text: str, request: ChatRequest, aligned: Alignment, asked: Quality, grounded: Grounding
) -> Confidence:
    """The confidence of an answer: by the passages that it cites, or where it cites none, by all of them."""
    cited = {each.source_index for each in aligned.citations}
    counted = [
        passage.similarity
        for number, passage in enumerate(request.passages, 1)
        if number in cited or not cited
    ]
    return confidence(
        text,
        similarity=fmean(counted) if counted else 0.0,
        retrieved=len(request.passages),
        cited=len(cited),
        quality=asked.score,
        grounding=grounded.score,
    )

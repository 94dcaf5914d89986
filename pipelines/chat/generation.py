"""Answer generation: the model's reply with its citations, grounding and confidence."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from statistics import fmean

from core.ports import AnswerEnd, ChatModel, ChatRequest, Embed, Passage, Quotation, RunErrorCode, TextDelta
from pipelines.chat import citations
from pipelines.chat.citations import Alignment
from pipelines.chat.confidence import Confidence, answer_confidence
from pipelines.chat.council import Decision
from pipelines.chat.grounding import GroundingResult, check_grounding
from pipelines.chat.question_quality import QuestionQuality, assess_question

NOT_A_QUESTION = "This does not read as a question. Ask in words what you want to know from the documents."

UNSTORABLE = dict.fromkeys((0, *range(0xD800, 0xE000)))
"""Characters that PostgreSQL cannot store."""

Emit = Callable[[str], Awaitable[None]]
"""Receives each part of the answer as it arrives."""


@dataclass(frozen=True)
class Reply:
    """A model's reply: its text, its quotations of the passages, and its token counts."""

    text: str
    quotations: tuple[Quotation, ...]
    end: AnswerEnd

    def align(self, passages: Sequence[Passage]) -> Alignment:
        """The citations, from the quotations or else from the markers in the text."""
        if self.quotations:
            return citations.align_quotations(self.quotations, passages)
        return citations.align_markers(self.text, passages)


@dataclass(frozen=True)
class GeneratedAnswer:
    """A complete answer.

    `found` is False if the model found no answer, or if the text is not a question; then `model` is None.
    """

    text: str
    model: str | None
    found: bool
    citations: Alignment
    quality: QuestionQuality
    grounding: GroundingResult
    confidence: Confidence
    prompt_tokens: int = 0
    completion_tokens: int = 0
    council: Decision | None = None
    """The council's decision, if a council answered."""

    @property
    def code(self) -> RunErrorCode | None:
        """`NO_CITATIONS` for an answer without citations."""
        return RunErrorCode.NO_CITATIONS if self.found and not self.citations.citations else None


async def generate_answer(
    model: ChatModel, request: ChatRequest, emit: Emit, *, embed: Embed | None = None
) -> GeneratedAnswer:
    """Ask the model and assess its reply. Gibberish is answered without the model. Raises `ModelFailure`."""
    quality = assess_question(request.question)
    if not quality.is_question:
        await emit(NOT_A_QUESTION)
        low_confidence = answer_confidence(
            NOT_A_QUESTION, similarity=0, retrieved=0, cited=0, quality=quality.score, grounding=0
        )
        return GeneratedAnswer(
            NOT_A_QUESTION, None, False, Alignment(()), quality, GroundingResult(0.0, ()), low_confidence
        )
    return await assess_reply(await collect_reply(model, request, emit), request, embed=embed)


async def collect_reply(model: ChatModel, request: ChatRequest, emit: Emit | None = None) -> Reply:
    """The model's whole reply. Raises `ModelFailure`."""
    pieces: list[str] = []
    quotations: list[Quotation] = []
    end = AnswerEnd(model.model, 0, 0)
    async with aclosing(model.answer(request)) as events:
        async for event in events:
            match event:
                case TextDelta(text):
                    piece = text.translate(UNSTORABLE)
                    pieces.append(piece)
                    if emit is not None:
                        await emit(piece)
                case Quotation():
                    quotations.append(event)
                case AnswerEnd():
                    end = event
    return Reply("".join(pieces), tuple(quotations), end)


async def assess_reply(reply: Reply, request: ChatRequest, *, embed: Embed | None = None) -> GeneratedAnswer:
    """The reply with citations, grounding and confidence; `embed` adds semantic grounding."""
    quality, alignment = assess_question(request.question), reply.align(request.passages)
    grounding = await check_grounding(reply.text, request.passages, None if reply.quotations else embed)
    return GeneratedAnswer(
        text=reply.text,
        model=reply.end.model,
        found=bool(request.passages) if reply.end.found is None else reply.end.found,
        citations=alignment,
        quality=quality,
        grounding=grounding,
        confidence=answer_confidence(
            reply.text,
            similarity=cited_similarity(request.passages, alignment),
            retrieved=len(request.passages),
            cited=len({citation.source_index for citation in alignment.citations}),
            quality=quality.score,
            grounding=grounding.score,
        ),
        prompt_tokens=reply.end.prompt_tokens,
        completion_tokens=reply.end.completion_tokens,
    )


def cited_similarity(passages: Sequence[Passage], alignment: Alignment) -> float:
    """The mean similarity of the cited passages, or of all passages if none is cited."""
    cited = {citation.source_index for citation in alignment.citations}
    counted = [
        passage.similarity for number, passage in enumerate(passages, 1) if number in cited or not cited
    ]
    return fmean(counted) if counted else 0.0

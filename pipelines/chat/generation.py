"""Answer generation: the model's reply with its citations, grounding and confidence."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from statistics import fmean

from core.markup import neutral_text, neutralize
from core.ports import (
    AnswerEnd,
    ChatModel,
    ChatRequest,
    Embed,
    ModelFailure,
    Passage,
    Quotation,
    ReasoningDelta,
    RunErrorCode,
    TextDelta,
)
from pipelines.chat import citations
from pipelines.chat.citations import Alignment, Similarities
from pipelines.chat.confidence import Confidence, answer_confidence, quotation_confidence
from pipelines.chat.council import Decision
from pipelines.chat.embedding_memory import embed_once
from pipelines.chat.grounding import GroundingResult, Statement, check_grounding, semantic_similarities
from pipelines.chat.question_quality import QuestionQuality, assess_question
from pipelines.chat.refusals import is_refusal
from pipelines.chat.streaming import DisplayFilter

EMPTY_ANSWER = "The language model returned an empty response."
NOT_A_QUESTION = "This does not read as a question. Ask in words what you want to know from the documents."

UNSTORABLE = dict.fromkeys((0, *range(0xD800, 0xE000)))
"""Characters that PostgreSQL cannot store."""

Emit = Callable[[str], Awaitable[None]]
"""Receives each part of the answer as it arrives."""


@dataclass(frozen=True)
class Reply:
    """A model's reply: its text with neutral markup, its quotations of the passages, and its token counts."""

    text: str
    quotations: tuple[Quotation, ...]
    end: AnswerEnd
    reasoning: str = ""

    def align(self, passages: Sequence[Passage], similarities: Similarities | None = None) -> Alignment:
        """The citations, from the quotations or else from the markers in the text."""
        if self.quotations:
            return citations.align_quotations(self.text, self.quotations, passages)
        return citations.align_markers(self.text, passages, similarities)


@dataclass(frozen=True)
class GeneratedAnswer:
    """A complete answer; its text has the numbers of its citations as markers.

    `found` is False if the sources do not answer the question, or if the text is not a question; then `model`
    is None. `truncated` says that the text is cut off at the maximum length.
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
    truncated: bool = False
    reasoning: str = ""
    """The model's reasoning, if it shows it."""

    @property
    def statements(self) -> tuple[Statement, ...]:
        """The statements with their support; none if nothing was found, as there is nothing to support."""
        return self.grounding.statements if self.found else ()

    @property
    def has_low_confidence(self) -> bool:
        """Whether the answer carries a low-confidence warning: by its confidence or its grounding."""
        is_ungrounded = self.found and not self.grounding.is_grounded
        return is_ungrounded or self.confidence.is_low(council=self.council is not None)

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
            NOT_A_QUESTION,
            None,
            False,
            Alignment(NOT_A_QUESTION, ()),
            quality,
            GroundingResult(0.0, ()),
            low_confidence,
        )
    return await assess_reply(await collect_reply(model, request, emit), request, embed=embed)


async def collect_reply(model: ChatModel, request: ChatRequest, emit: Emit | None = None) -> Reply:
    """The model's whole reply. Raises `ModelFailure`.

    What is emitted meanwhile has no citation markers, as the citations are not checked yet.
    """
    text, reasoning = "", ""
    display = DisplayFilter(len(request.passages))
    quotations: list[Quotation] = []
    end = AnswerEnd(model.model, 0, 0)
    async with aclosing(model.answer(request)) as events:
        async for event in events:
            match event:
                case TextDelta():
                    piece = event.text.translate(UNSTORABLE)
                    text += piece
                    if emit is not None:
                        await emit(display.feed(piece))
                case ReasoningDelta():
                    if event.includes_previous_text:
                        text, reasoning = "", reasoning + text
                    reasoning += event.text.translate(UNSTORABLE)
                case Quotation():
                    quotations.append(event)
                case AnswerEnd():
                    end = event
    if emit is not None:
        await emit(display.finish())
    neutral = neutralize(text)
    moved = (
        replace(quotation, start=neutral.offset(quotation.start), end=neutral.offset(quotation.end))
        for quotation in quotations
    )
    return Reply(neutral.text, tuple(moved), end, neutral_text(reasoning))


async def assess_reply(reply: Reply, request: ChatRequest, *, embed: Embed | None = None) -> GeneratedAnswer:
    """The reply with checked citations, grounding and confidence; `embed` adds semantic grounding.

    Raises `ModelFailure` if nothing but markers is left of the reply.
    """
    quality, passages = assess_question(request.question), request.passages
    is_quoted = bool(reply.quotations)
    embed = None if is_quoted or embed is None else embed_once(embed)
    similarities = {} if is_quoted else await _similarities(reply.text, passages, embed)
    alignment = await asyncio.to_thread(reply.align, passages, similarities)
    if not alignment.text.strip():
        raise ModelFailure(RunErrorCode.NO_RESPONSE, EMPTY_ANSWER, is_transient=True)
    found = reply.end.found
    if found is None:
        found = bool(passages) and not is_refusal(alignment.text, len(alignment.citations))
    grounding = await check_grounding(alignment.text, passages, embed, has_markers=not is_quoted)
    confidence = answer_confidence(
        alignment.text,
        similarity=cited_similarity(passages, alignment),
        retrieved=len(passages),
        cited=len({citation.source_index for citation in alignment.citations}),
        quality=quality.score,
        grounding=grounding.score,
    )
    probability = quotation_probability(reply.quotations, request)
    return GeneratedAnswer(
        text=alignment.text,
        model=reply.end.model,
        found=found,
        citations=alignment,
        quality=quality,
        grounding=grounding,
        confidence=quotation_confidence(confidence, probability) if is_quoted else confidence,
        prompt_tokens=reply.end.prompt_tokens,
        completion_tokens=reply.end.completion_tokens,
        truncated=reply.end.truncated,
        reasoning=reply.reasoning,
    )


async def _similarities(text: str, passages: Sequence[Passage], embed: Embed | None) -> Similarities:
    """The similarities of the cited statements to the passages; empty after an embedding error."""
    cited = citations.cited_texts(text, len(passages))
    try:
        rows = await semantic_similarities(cited, passages, embed)
    except Exception:  # the citations are checked by their words alone, and the grounding fails
        return {}
    return {statement: row for statement, row in zip(cited, rows, strict=True) if row}


def quotation_probability(quotations: Sequence[Quotation], request: ChatRequest) -> float:
    """The probability that the best quotation answers the question; for parts, that of the least sure one."""
    best: dict[tuple[object, ...], float] = {}
    for quotation in quotations:
        for passage in request.passages[quotation.source - 1 : quotation.source]:
            best[passage.location] = max(best.get(passage.location, 0.0), quotation.confidence)
    parts = [part.passages for part in request.parts] or [request.passages]
    return min(max((best.get(each.location, 0.0) for each in part), default=0.0) for part in parts)


def cited_similarity(passages: Sequence[Passage], alignment: Alignment) -> float:
    """The mean similarity of the cited passages, or of all passages if none is cited."""
    cited = {citation.source_index for citation in alignment.citations}
    counted = [
        passage.similarity for number, passage in enumerate(passages, 1) if number in cited or not cited
    ]
    return fmean(counted) if counted else 0.0

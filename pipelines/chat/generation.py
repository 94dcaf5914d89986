"""One answer from question to confidence: asked, cited, compared with its sources, and weighed."""

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
"""What no database can hold."""

Emit = Callable[[str], Awaitable[None]]
"""Is told each piece of the answer as it comes."""


@dataclass(frozen=True)
class Reply:
    """What a model said, what of it stands word for word in the request's passages, and what it took."""

    text: str
    quotations: tuple[Quotation, ...]
    end: AnswerEnd

    def align(self, passages: Sequence[Passage]) -> Alignment:
        """The citations, by the quotations or else by the markers in the text."""
        if self.quotations:
            return citations.align_quotations(self.quotations, passages)
        return citations.align_markers(self.text, passages)


@dataclass(frozen=True)
class GeneratedAnswer:
    """A whole answer. `text` is what `tell` was told, joined.

    `found` is False where the model says that nothing answers the question, and where none was asked because
    the question is no question; then `model` is None.
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
    """How a council came to it."""

    @property
    def code(self) -> RunErrorCode | None:
        """`NO_CITATIONS` for an answer that names none of its sources."""
        return RunErrorCode.NO_CITATIONS if self.found and not self.citations.citations else None


async def generate_answer(
    model: ChatModel, request: ChatRequest, emit: Emit, *, embed: Embed | None = None
) -> GeneratedAnswer:
    """Ask the model, unless the question is gibberish, and weigh what it says. Raises `ModelFailure`."""
    quality_ = assess_question(request.question)
    if not quality_.is_question:
        await emit(NOT_A_QUESTION)
        low_confidence = answer_confidence(
            NOT_A_QUESTION, similarity=0, retrieved=0, cited=0, quality=quality_.score, grounding=0
        )
        return GeneratedAnswer(NOT_A_QUESTION, None, False, Alignment(()), quality_, GroundingResult(0.0, ()), low_confidence)
    return await assess_reply(await collect_reply(model, request, emit), request, embed=embed)


async def collect_reply(model: ChatModel, request: ChatRequest, emit: Emit) -> Reply:
    """Everything that the model says. Raises `ModelFailure`."""
    pieces: list[str] = []
    quotations: list[Quotation] = []
    end = AnswerEnd(model.model, 0, 0)
    async with aclosing(model.answer(request)) as events:
        async for event in events:
            match event:
                case TextDelta(text):
                    piece = text.translate(UNSTORABLE)
                    pieces.append(piece)
                    await emit(piece)
                case Quotation():
                    quotations.append(event)
                case AnswerEnd():
                    end = event
    return Reply("".join(pieces), tuple(quotations), end)


async def assess_reply(reply: Reply, request: ChatRequest, *, embed: Embed | None = None) -> GeneratedAnswer:
    """The reply with its citations, compared with its sources; `embed` compares by meaning too."""
    question_quality, alignment = assess_question(request.question), reply.align(request.passages)
    grounding_ = await check_grounding(reply.text, request.passages, None if reply.quotations else embed)
    return GeneratedAnswer(
        text=reply.text,
        model=reply.end.model,
        found=bool(request.passages) if reply.end.found is None else reply.end.found,
        citations=alignment,
        quality=question_quality,
        grounding=grounding_,
        confidence=weighed(reply.text, request, alignment, question_quality, grounding_),
        prompt_tokens=reply.end.prompt_tokens,
        completion_tokens=reply.end.completion_tokens,
    )


def weighed(
    text: str, request: ChatRequest, aligned: Alignment, asked: QuestionQuality, grounded: GroundingResult
) -> Confidence:
    """The confidence of an answer: by the passages that it cites, or where it cites none, by all of them."""
    cited = {each.source_index for each in aligned.citations}
    return answer_confidence(
        text,
        similarity=cited_similarity(request.passages, aligned),
        retrieved=len(request.passages),
        cited=len(cited),
        quality=asked.score,
        grounding=grounded.score,
    )


def cited_similarity(passages: Sequence[Passage], alignment: Alignment) -> float:
    """How near to the question the passages are that an answer cites, or where it cites none, all of them."""
    cited = {each.source_index for each in alignment.citations}
    counted = [
        passage.similarity for number, passage in enumerate(passages, 1) if number in cited or not cited
    ]
    return fmean(counted) if counted else 0.0

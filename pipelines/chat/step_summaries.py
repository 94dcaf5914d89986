"""Reasoning steps for question quality, generation, grounding and confidence."""

from dataclasses import asdict

from pipelines.chat.confidence import Confidence
from pipelines.chat.generation import GeneratedAnswer
from pipelines.chat.grounding import GroundingResult
from pipelines.chat.question_quality import QuestionQuality
from pipelines.chat.reasoning import MAX_DETAIL_LENGTH, Step


def quality_step(question_quality: QuestionQuality) -> Step:
    """The step that checks the question."""
    return Step(
        "query_quality",
        "check",
        detail=" ".join(question_quality.faults) or "This reads as a question.",
        confidence=question_quality.score,
        output={"faults": list(question_quality.faults)},
    )


def answer_steps(answer: GeneratedAnswer, seconds: float) -> list[Step]:
    """The steps of generation, with the model's reasoning if it shows it, grounding and confidence."""
    generated = Step(
        "answer",
        "generate",
        detail=answer.model,
        output={
            "found": answer.found,
            "truncated": answer.truncated,
            "citations": len(answer.citations.citations),
            "dropped_citations": answer.citations.dropped + len(answer.citations.missing),
        },
        tokens=(answer.prompt_tokens, answer.completion_tokens),
        seconds=seconds,
    )
    reasoned = (
        [Step("answer", "reason", detail=answer.reasoning[:MAX_DETAIL_LENGTH])]
        if answer.reasoning.strip()
        else []
    )
    return [*reasoned, generated, grounding_step(answer.grounding), confidence_step(answer)]


def grounding_step(grounding: GroundingResult) -> Step:
    """The step that checks the answer against its sources."""
    weak = len(grounding.unsupported)
    verdict = f"{weak} of its sentences are unsupported." if weak else "Its sources support every sentence."
    return Step(
        "grounding",
        "verify",
        detail=grounding.error or verdict,
        confidence=grounding.score,
        output={"unsupported": list(grounding.unsupported), "fault": grounding.error},
    )


def confidence_step(answer: GeneratedAnswer) -> Step:
    """The step that computes the confidence."""
    confidence: Confidence = answer.confidence
    low = confidence.is_low(council=answer.council is not None)
    detail = "Below the warning threshold." if low else "Above the warning threshold."
    if answer.has_low_confidence and not low:
        detail += " Its sources support too little of it."
    return Step("confidence", "weigh", detail=detail, confidence=confidence.total, output=asdict(confidence))

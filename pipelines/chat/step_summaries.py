"""What is said of the steps before and after an answer, in words and in figures."""

from dataclasses import asdict

from pipelines.chat.confidence import Confidence
from pipelines.chat.generation import GeneratedAnswer
from pipelines.chat.grounding import GroundingResult
from pipelines.chat.question_quality import QuestionQuality
from pipelines.chat.reasoning import Step


def quality_step(question_quality: QuestionQuality) -> Step:
    """Whether the question is one."""
    return Step(
        "query_quality",
        "check",
        detail=" ".join(question_quality.faults) or "This reads as a question.",
        confidence=question_quality.score,
        output={"faults": list(question_quality.faults)},
    )


def answer_steps(answer: GeneratedAnswer, seconds: float) -> list[Step]:
    """What was answered, how far its sources bear it, and what its confidence is made of."""
    generated = Step(
        "answer",
        "generate",
        detail=answer.model,
        output={"found": answer.found, "citations": len(answer.citations.citations)},
        tokens=(answer.prompt_tokens, answer.completion_tokens),
        seconds=seconds,
    )
    return [generated, grounding_step(answer.grounding), confidence_step(answer)]


def grounding_step(grounding: GroundingResult) -> Step:
    """How far the sources bear the answer."""
    weak = len(grounding.unsupported)
    verdict = f"{weak} of its sentences are not borne out." if weak else "Its sources bear every sentence."
    return Step(
        "grounding",
        "verify",
        detail=grounding.error or verdict,
        confidence=grounding.score,
        output={"unsupported": list(grounding.unsupported), "fault": grounding.error},
    )


def confidence_step(answer: GeneratedAnswer) -> Step:
    """What the confidence is made of."""
    confidence: Confidence = answer.confidence
    low = confidence.is_low(council=answer.council is not None)
    detail = "Too low to rely on." if low else "High enough to go without a warning."
    return Step("confidence", "weigh", detail=detail, confidence=confidence.total, output=asdict(confidence))

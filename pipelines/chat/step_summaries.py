"""What is said of the steps before and after an answer, in words and in figures."""

from dataclasses import asdict

from pipelines.chat.confidence import Confidence
from pipelines.chat.generation import Answered
from pipelines.chat.grounding import Grounding
from pipelines.chat.question_quality import Quality
from pipelines.chat.reasoning import Step


def checked(asked: Quality) -> Step:
    """Whether the question is one."""
    return Step(
        "query_quality",
        "check",
        detail=" ".join(asked.faults) or "This reads as a question.",
        confidence=asked.score,
        output={"faults": list(asked.faults)},
    )


def weighing(answered: Answered, seconds: float) -> list[Step]:
    """What was answered, how far its sources bear it, and what its confidence is made of."""
    generated = Step(
        "answer",
        "generate",
        detail=answered.model,
        output={"found": answered.found, "citations": len(answered.citations.citations)},
        tokens=(answered.prompt_tokens, answered.completion_tokens),
        seconds=seconds,
    )
    return [generated, verified(answered.grounding), weighed(answered)]


def verified(grounded: Grounding) -> Step:
    """How far the sources bear the answer."""
    weak = len(grounded.unsupported)
    borne = f"{weak} of its sentences are not borne out." if weak else "Its sources bear every sentence."
    return Step(
        "grounding",
        "verify",
        detail=grounded.fault or borne,
        confidence=grounded.score,
        output={"unsupported": list(grounded.unsupported), "fault": grounded.fault},
    )


def weighed(answered: Answered) -> Step:
    """What the confidence is made of."""
    parts: Confidence = answered.confidence
    low = parts.is_low(council=answered.council is not None)
    told = "Too low to rely on." if low else "High enough to go without a warning."
    return Step("confidence", "weigh", detail=told, confidence=parts.total, output=asdict(parts))

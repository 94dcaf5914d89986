"""Reasoning steps of an answer: as log rows, and as shown to the user."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from db.models import ExplainabilityLevel

MAX_DETAIL_LENGTH = 2_000
"""Characters."""


@dataclass(frozen=True)
class Step:
    """An agent's action with its result and duration. `vote` is set for the members of a council."""

    agent: str
    action: str
    detail: str | None = None
    confidence: float | None = None
    output: Mapping[str, Any] = field(default_factory=dict)
    tokens: tuple[int, int] | None = None
    seconds: float | None = None
    vote: Mapping[str, Any] | None = None

    def columns(self) -> dict[str, Any]:
        """The columns of an agent log."""
        counts = self.tokens and {
            "prompt_tokens": self.tokens[0],
            "completion_tokens": self.tokens[1],
            "total_tokens": sum(self.tokens),
        }
        return {
            "agent_type": self.agent,
            "operation": self.action,
            "output_data": {**self.output, **({"detail": self.detail} if self.detail else {})},
            "confidence": self.confidence,
            "is_council_vote": self.vote is not None,
            "vote_data": self.vote,
            "execution_time_ms": None if self.seconds is None else round(self.seconds * 1000, 3),
            "token_usage": counts,
        }


def reasoning_chain(steps: Sequence[Step], level: ExplainabilityLevel) -> list[dict[str, Any]]:
    """The steps as shown at an explainability level."""
    return [{"agent": step.agent, "action": step.action, **_visible_fields(step, level)} for step in steps]


def _visible_fields(step: Step, level: ExplainabilityLevel) -> dict[str, Any]:
    match level:
        case ExplainabilityLevel.BASIC:
            return {}
        case ExplainabilityLevel.DETAILED:
            return {"detail": step.detail, "confidence": step.confidence}
        case ExplainabilityLevel.DEBUG:
            figures = json.dumps(_measurements(step), ensure_ascii=False)[:MAX_DETAIL_LENGTH]
            detail = f"{step.detail}: {figures}" if step.detail else figures
            return {"detail": detail, "confidence": step.confidence}


def _measurements(step: Step) -> dict[str, Any]:
    """A step's output, and its duration and tokens if measured."""
    seconds = None if step.seconds is None else round(step.seconds * 1000, 3)
    measured = {"milliseconds": seconds, "tokens": step.tokens and sum(step.tokens)}
    return dict(step.output) | {name: value for name, value in measured.items() if value is not None}

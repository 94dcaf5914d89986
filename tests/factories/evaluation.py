"""Evaluation runs, proposals and exports of requirements."""

from typing import Any

from db.models import (
    ComponentType,
    EvaluationCase,
    EvaluationRun,
    ProposalStage,
    ProposedRequirement,
    RequirementCategory,
    RequirementExport,
    RequirementOrigin,
    RequirementProposal,
)
from tests.factories import Made, made, numbers


def a_run(user: Made, **values: Any) -> Made:
    """An evaluation run that waits."""
    usual = {"name": f"Run {next(numbers)}", "model_name": "model", "requested_by_id": user.id}
    return made(EvaluationRun, [user], values, **usual)


def a_case(run: Made, **values: Any) -> Made:
    """A question of the run that was answered as expected."""
    number = next(numbers)
    usual: dict[str, Any] = {
        "run_id": run.id,
        "number": number,
        "key": f"question-{number}",
        "question": "Which door?",
        "correct": True,
        "latency_ms": 12.5,
    }
    return made(EvaluationCase, [run], values, **usual)


def a_requirement_proposal(user: Made, upload: Made | None = None, **values: Any) -> Made:
    """What was proposed of a button, complete."""
    usual: dict[str, Any] = {
        "user_id": user.id,
        "upload_id": upload and upload.id,
        "description": "A button.",
        "component_type": ComponentType.BUTTON,
        "stage": ProposalStage.COMPLETE,
        "item_count": 1_000_000,  # beyond every number that a factory has given
        "proposal_latency_ms": 1_500,
    }
    return made(RequirementProposal, [user, upload], values, **usual)


def a_proposed_requirement(proposal: Made, **values: Any) -> Made:
    """A property that nobody has judged yet."""
    number = next(numbers)
    usual: dict[str, Any] = {
        "proposal_id": proposal.id,
        "sequence": number,
        "category": RequirementCategory.PROPS,
        "key": f"property-{number}",
        "name": f"property{number}",
        "confidence": 0.8,
        "rationale": "Buttons usually have it.",
        "origin": RequirementOrigin.PATTERN_LIBRARY,
        "source": "seshat-patterns/1",
    }
    return made(ProposedRequirement, [proposal], values, **usual)


def a_requirement_export(user: Made, **values: Any) -> Made:
    """A button's requirements, as this person reviewed them."""
    usual: dict[str, Any] = {
        "user_id": user.id,
        "component_type": "Button",
        "requirements": {"props": [{"name": "variant", "approved": True}]},
        "approved_count": 1,
    }
    return made(RequirementExport, [user], values, **usual)

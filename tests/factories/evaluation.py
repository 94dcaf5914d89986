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
from tests.factories import Fixture, build, numbers


def a_run(user: Fixture, **values: Any) -> Fixture:
    """An evaluation run that waits."""
    defaults = {"name": f"Run {next(numbers)}", "model_name": "model", "requested_by_id": user.id}
    return build(EvaluationRun, [user], values, **defaults)


def a_case(run: Fixture, **values: Any) -> Fixture:
    """A question of the run that was answered as expected."""
    number = next(numbers)
    defaults: dict[str, Any] = {
        "run_id": run.id,
        "number": number,
        "key": f"question-{number}",
        "question": "Which door?",
        "correct": True,
        "latency_ms": 12.5,
    }
    return build(EvaluationCase, [run], values, **defaults)


def a_requirement_proposal(user: Fixture, upload: Fixture | None = None, **values: Any) -> Fixture:
    """What was proposed of a button, complete."""
    defaults: dict[str, Any] = {
        "user_id": user.id,
        "upload_id": upload and upload.id,
        "description": "A button.",
        "component_type": ComponentType.BUTTON,
        "stage": ProposalStage.COMPLETE,
        "item_count": 1_000_000,  # beyond every number that a factory has given
        "proposal_latency_ms": 1_500,
    }
    return build(RequirementProposal, [user, upload], values, **defaults)


def a_proposed_requirement(proposal: Fixture, **values: Any) -> Fixture:
    """A property that nobody has judged yet."""
    number = next(numbers)
    defaults: dict[str, Any] = {
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
    return build(ProposedRequirement, [proposal], values, **defaults)


def a_requirement_export(user: Fixture, **values: Any) -> Fixture:
    """A button's requirements, as this person reviewed them."""
    defaults: dict[str, Any] = {
        "user_id": user.id,
        "component_type": "Button",
        "requirements": {"props": [{"name": "variant", "approved": True}]},
        "approved_count": 1,
    }
    return build(RequirementExport, [user], values, **defaults)

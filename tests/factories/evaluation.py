"""Evaluation runs and requirement exports."""

from typing import Any

from db.models import EvaluationCase, EvaluationRun, RequirementExport
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


def a_requirement_export(user: Made, **values: Any) -> Made:
    """A button's requirements, as this person reviewed them."""
    usual: dict[str, Any] = {
        "user_id": user.id,
        "component_type": "Button",
        "requirements": {"props": [{"name": "variant", "approved": True}]},
        "approved_count": 1,
    }
    return made(RequirementExport, [user], values, **usual)

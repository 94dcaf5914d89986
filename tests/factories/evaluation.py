"""Evaluation runs and requirement exports."""

from typing import Any

from db.models import EvaluationRun, RequirementExport
from tests.factories import Made, made, numbers


def a_run(user: Made, **values: Any) -> Made:
    """An evaluation run that waits."""
    usual = {"name": f"Run {next(numbers)}", "model_name": "model", "requested_by_id": user.id}
    return made(EvaluationRun, [user], values, **usual)


def a_requirement_export(user: Made, **values: Any) -> Made:
    """A button's requirements, as this person reviewed them."""
    usual: dict[str, Any] = {
        "user_id": user.id,
        "component_type": "Button",
        "requirements": {"props": [{"name": "variant", "approved": True}]},
        "approved_count": 1,
    }
    return made(RequirementExport, [user], values, **usual)

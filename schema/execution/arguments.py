"""Arguments of a field, once for a level."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from graphql.execution.values import get_argument_values
from graphql.language import ListValueNode, ObjectValueNode, VariableNode
from strawberry.types.arguments import convert_arguments

if TYPE_CHECKING:
    from schema.execution.fields import FieldPlan
    from schema.execution.running import Run


def argument_values(run: Run, field: FieldPlan) -> dict[str, Any]:
    """The coerced arguments by their names in the contract. Raises what graphql-core raises."""
    node = field.nodes[0]
    if not (field.definition.args or node.arguments):
        return {}
    executor = run.executor
    return get_argument_values(
        field.definition,
        node,
        executor.variable_values,
        field.details[0].fragment_variable_values,
        executor.hide_suggestions,
    )


def converted_arguments(run: Run, field: FieldPlan) -> dict[str, Any]:
    """The arguments as a resolver takes them. Those without variables are converted once for the plan."""
    if field.constants is not None:
        return field.constants
    schema = run.executor.schema._strawberry_schema  # type: ignore[attr-defined]
    declared = field.definition.extensions["strawberry-definition"]
    arguments = convert_arguments(
        argument_values(run, field),
        declared.arguments,
        scalar_registry=schema.schema_converter.scalar_registry,
        config=schema.config,
        info=None,
    )
    if not any(has_variable(argument.value) for argument in field.nodes[0].arguments or ()):
        field.constants = arguments
    return arguments


def has_variable(value: Any) -> bool:
    """Whether a literal contains a variable."""
    match value:
        case VariableNode():
            return True
        case ListValueNode():
            return any(map(has_variable, value.values))
        case ObjectValueNode():
            return any(has_variable(field.value) for field in value.fields)
    return False

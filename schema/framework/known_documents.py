"""The way of a known document: executed without the machinery of extensions."""

from collections.abc import Iterable
from typing import Any

import strawberry
from graphql import GraphQLError, default_field_resolver, default_type_resolver
from graphql.execution.values import VariableValues, get_variable_values
from strawberry.execution import optimized_is_awaitable
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType

from schema.framework.documents import Document, Documents
from schema.framework.error_masking import mask_error
from schema.framework.operation_size import InvalidDirective, Limits, QueryTooComplex

NO_VARIABLES = VariableValues({}, {})


class DocumentSchema(strawberry.Schema):
    """A schema that executes the documents it knows without the machinery of extensions."""

    def __init__(
        self, *args: Any, limits: Limits | None = None, documents: Documents | None = None, **options: Any
    ) -> None:
        super().__init__(*args, **options)
        self.limits, self.documents = limits or Limits(), documents or Documents()

    async def execute(
        self,
        query: str | None,
        variable_values: dict[str, Any] | None = None,
        context_value: Any | None = None,
        root_value: Any | None = None,
        operation_name: str | None = None,
        allowed_operation_types: Iterable[OperationType] | None = None,
        operation_extensions: dict[str, Any] | None = None,
    ) -> ExecutionResult:
        """The result of a query or mutation, with its cost."""
        document = self.documents.find(query)
        allowed = OPERATIONS.values() if allowed_operation_types is None else allowed_operation_types
        result = None
        if document is not None and not (document.is_introspection or document.is_incremental):
            result = await self._execute_known(
                document, variable_values or {}, context_value, root_value, operation_name, allowed
            )
        if result is None:
            result = await super().execute(
                query,
                variable_values,
                context_value,
                root_value,
                operation_name,
                allowed_operation_types,
                operation_extensions,
            )
        return result

    async def _execute_known(
        self,
        document: Document,
        variables: dict[str, Any],
        context: Any,
        root: Any,
        operation_name: str | None,
        allowed: Iterable[OperationType],
    ) -> ExecutionResult | None:
        """The result; None if the operation is to be refused, which the extensions do."""
        operation = document.operation(operation_name)
        kind = OPERATIONS.get(operation.operation.value) if operation else None
        if operation is None or kind is None or kind not in allowed:
            return None
        try:
            cost = document.cost(self._schema, variables, self.limits)
        except (QueryTooComplex, InvalidDirective):
            return None
        values: Any = NO_VARIABLES
        if operation.variable_definitions:
            values = document.plain_values(self._schema, operation, variables)
        if values is None:
            assert operation.variable_definitions
            values = get_variable_values(self._schema, operation.variable_definitions, variables)
            if isinstance(values, list):
                return None
        executor_class: Any = self.execution_context_class
        executor = executor_class(
            self._schema,
            document.fragment_definitions,
            document.fragments,
            root,
            context,
            operation,
            values,
            default_field_resolver,
            default_type_resolver,
            default_field_resolver,
            is_awaitable=optimized_is_awaitable,
        )
        try:
            result: Any = executor.execute_operation()
            if executor.is_awaitable(result):
                result = await result
        except Exception as error:
            result = ExecutionResult(None, [GraphQLError(str(error), original_error=error)])
        errors = result.errors
        if errors:
            logged: dict[tuple[object, ...], str] = {}
            errors = [mask_error(error, logged) for error in errors]
        return ExecutionResult(
            data=result.data,
            errors=errors,
            extensions={"cost": {"requested": cost, "limit": self.limits.cost}},
        )


OPERATIONS = {kind.value: kind for kind in (OperationType.QUERY, OperationType.MUTATION)}
"""The kinds of operations with one result."""

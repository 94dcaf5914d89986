"""Operation limits: bounds on depth, fields, aliases and cost of a document, and its validation."""

from collections.abc import Iterator
from typing import cast

from graphql import DocumentNode, GraphQLError, NoSchemaIntrospectionCustomRule, validate
from strawberry.extensions import SchemaExtension
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule
from strawberry.types import StreamExecutionResult
from strawberry.types.execution import ParseOptions

from core.errors import ErrorCode
from schema.framework.documents import Document, Documents
from schema.framework.literal_paths import literal_path
from schema.framework.operation_size import InvalidDirective, Limits, OperationAnalyzer, QueryTooComplex
from schema.framework.scalars import InvalidLiteral

MAX_MESSAGE = 500
"""Characters of the message of an invalid document, which may quote it."""


def code_validation_error(error: GraphQLError, document: DocumentNode) -> GraphQLError:
    """The error with its code, and for a value out of range the path of the value."""
    if len(error.message) > MAX_MESSAGE:
        error.message = f"{error.message[:MAX_MESSAGE]}…"
    if isinstance(error, InvalidLiteral) and error.nodes:
        path = list(literal_path(document, error.nodes[0]))
        error.extensions = {"code": ErrorCode.BAD_USER_INPUT.value, **({"path": path} if path else {})}
    else:
        error.extensions = {"code": ErrorCode.GRAPHQL_VALIDATION_FAILED.value}
    return error


class OperationLimits(SchemaExtension):
    """Enforces the limits before the validation rules run, whose time is quadratic in the document size."""

    def __init__(
        self, limits: Limits | None = None, documents: Documents | None = None, *, introspection: bool = True
    ) -> None:
        super().__init__()
        self.introspection = introspection
        self.limits = limits or Limits()
        self.documents = documents or Documents()
        self._known: Document | None = None

    def on_parse(self) -> Iterator[None]:
        """Limit the length and tokens of the document."""
        bounds = {
            "max_source_length": self.limits.characters,
            "max_lexical_tokens": self.limits.tokens,
            "max_comments": self.limits.tokens,
        }
        self.execution_context.parse_options = cast(ParseOptions, bounds)
        self._known = self.documents.find(self.execution_context.query)
        if self._known is not None:
            self.execution_context.graphql_document = self._known.node
        yield

    def on_validate(self) -> Iterator[None]:
        """Set `pre_execution_errors` instead of raising, which would close a WebSocket."""
        context = self.execution_context
        context.pre_execution_errors = self.errors()
        yield

    def on_stream_result(self, result: StreamExecutionResult) -> Iterator[None]:
        """Send the cost with the first result of a stream only."""
        yield
        self.execution_context.extensions_results.pop("cost", None)

    def errors(self) -> list[GraphQLError]:
        """Errors that prevent the execution of the document. Adds its cost to the extensions."""
        context = self.execution_context
        document = context.graphql_document
        assert document is not None
        schema, variables = context.schema._schema, context.variables or {}
        analyzer = OperationAnalyzer(schema, document, variables, self.limits)
        if len(analyzer.operations) > 1 and context._provided_operation_name is None:
            message = "Must provide operationName: the document has several operations."
            return [GraphQLError(message, extensions={"code": ErrorCode.OPERATION_RESOLUTION_FAILURE.value})]
        try:
            known = self._known
            cost = known.cost(schema, variables, self.limits) if known else analyzer.check()
        except QueryTooComplex as excess:
            return [GraphQLError(str(excess), extensions={"code": ErrorCode.QUERY_TOO_COMPLEX.value})]
        except InvalidDirective as fault:
            return [
                GraphQLError(
                    str(fault), extensions={"code": ErrorCode.BAD_USER_INPUT.value, "path": fault.path}
                )
            ]
        context.extensions_results["cost"] = {"requested": cost, "limit": self.limits.cost}
        if known is not None:
            return []
        rules = [*context.validation_rules, MaybeNullValidationRule, OneOfInputValidationRule]
        if not self.introspection:
            rules.append(NoSchemaIntrospectionCustomRule)
        errors = validate(schema, document, rules, max_errors=5, hide_suggestions=not self.introspection)
        if not errors and context.query:
            self.documents.keep(context.query, document)
        return [code_validation_error(error, document) for error in errors]

"""Operation limits: bounds on depth, fields, aliases and cost of a document, and its validation."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLNamedType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_composite_type,
    is_list_type,
    validate,
)
from strawberry.extensions import SchemaExtension
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule
from strawberry.types import StreamExecutionResult
from strawberry.types.execution import ParseOptions


@dataclass(frozen=True)
class Limits:
    """Limits of one document. Fragments count each time they are spread."""

    characters: int = 50_000
    """Length of the document."""
    tokens: int = 10_000
    """Lexical tokens of the document."""
    operations: int = 20
    fragments: int = 100
    """Fragment definitions."""
    variables: int = 100
    """Variable definitions of one operation."""
    values: int = 20_000
    """Scalars, lists and objects in the variables."""
    nesting: int = 50
    """Nesting of selection sets, including inline fragments and introspection."""
    depth: int = 15
    """Nesting of fields, excluding introspection."""
    fields: int = 1_500
    repeats: int = 50
    """Fields with the same response path, which validation compares pairwise."""
    aliases: int = 60
    directives: int = 60
    cost: int = 1_000_000
    """Objects in the response if every page and list is full."""
    page: int = 25
    """Objects assumed in a connection without a page size."""
    largest: int = 100
    """Objects in the largest page. Larger page sizes are rejected by the field and cost no more."""
    items: int = 10
    """Objects assumed in a plain list."""


class QueryTooComplex(Exception):
    """The document exceeds one of the limits, which the message names."""


class ResponsePath:
    """A path of the response: the number of fields of the document with it, and the paths below."""

    def __init__(self) -> None:
        self.fields = 0
        self.inside: defaultdict[str, ResponsePath] = defaultdict(ResponsePath)


@dataclass(frozen=True)
class SelectionSize:
    """Size of a selection set, including everything below it."""

    depth: int = 0
    fields: int = 0
    aliases: int = 0
    directives: int = 0
    cost: int = 0


class OperationAnalyzer:
    """Measures a document in one pass. Each fragment is visited once, however often it is spread."""

    def __init__(
        self, schema: GraphQLSchema, document: DocumentNode, variables: Mapping[str, Any], limits: Limits
    ) -> None:
        self.schema = schema
        self.limits = limits
        self.variables = variables
        self.defaults: dict[str, Any] = {}
        self.operations = [n for n in document.definitions if isinstance(n, OperationDefinitionNode)]
        self.fragments = {
            n.name.value: n for n in document.definitions if isinstance(n, FragmentDefinitionNode)
        }
        self.measured: dict[str, SelectionSize] = {}
        self.open: set[str] = set()
        self.steps = 0

    def check(self) -> int:
        """The cost of the most expensive operation. Raises `QueryTooComplex` if a limit is exceeded."""
        check_limit("operations", len(self.operations), self.limits.operations)
        check_limit("fragments", len(self.fragments), self.limits.fragments)
        check_limit(
            "values in variables", count_values(self.variables, self.limits.values), self.limits.values
        )
        return max((self.check_operation(operation) for operation in self.operations), default=0)

    def check_operation(self, operation: OperationDefinitionNode) -> int:
        """The cost of an operation, in objects."""
        limits = self.limits
        definitions = operation.variable_definitions or ()
        check_limit("variables", len(definitions), limits.variables)
        self.defaults = {d.variable.name.value: d.default_value for d in definitions}
        self.measured.clear()
        size = self.measure(operation.selection_set, self.schema.get_root_type(operation.operation), 1)
        for name in ("depth", "fields", "aliases", "directives", "cost"):
            check_limit(name, getattr(size, name), getattr(limits, name))
        self.steps = 0
        self.spread_selections(operation.selection_set, ResponsePath())
        return size.cost

    def spread_selections(self, selections: SelectionSetNode, place: ResponsePath) -> None:
        """Count the fields per response path. The size of the selection set has been checked before."""
        for selection in selections.selections:
            self.steps += 1
            check_limit("selections", self.steps, 4 * self.limits.fields)
            if isinstance(selection, FieldNode):
                inner = place.inside[(selection.alias or selection.name).value]
                inner.fields += 1
                check_limit("repeats", inner.fields, self.limits.repeats)
                if selection.selection_set:
                    self.spread_selections(selection.selection_set, inner)
            elif isinstance(selection, InlineFragmentNode):
                self.spread_selections(selection.selection_set, place)
            elif isinstance(selection, FragmentSpreadNode):
                self.spread_fragment(selection.name.value, place)

    def spread_fragment(self, name: str, place: ResponsePath) -> None:
        """Count the fields of a fragment, unless it is unknown or spreads itself."""
        if name in self.fragments and name not in self.open:
            self.open.add(name)
            self.spread_selections(self.fragments[name].selection_set, place)
            self.open.discard(name)

    def measure(
        self, selections: SelectionSetNode, parent: GraphQLNamedType | None, level: int
    ) -> SelectionSize:
        """The size of a selection set at nesting `level`."""
        check_limit("nesting", level, self.limits.nesting)
        depth = fields = aliases = directives = cost = 0
        for selection in selections.selections:
            directives += len(selection.directives or ())
            if isinstance(selection, FieldNode):
                size = self.measure_field(selection, parent, level)
            elif isinstance(selection, InlineFragmentNode):
                condition = selection.type_condition
                inner = self.schema.get_type(condition.name.value) if condition else parent
                size = self.measure(selection.selection_set, inner, level + 1)
            elif isinstance(selection, FragmentSpreadNode):
                size = self.measure_fragment(selection.name.value, level)
            depth = max(depth, size.depth)
            fields += size.fields
            aliases += size.aliases
            directives += size.directives
            cost += size.cost
        return SelectionSize(depth, fields, aliases, directives, cost)

    def measure_fragment(self, name: str, level: int) -> SelectionSize:
        """The size of a fragment. One that is unknown or spreads itself has none: validation rejects it."""
        if name not in self.measured:
            fragment = self.fragments.get(name)
            if fragment is None or name in self.open:
                return SelectionSize()
            self.open.add(name)
            condition = self.schema.get_type(fragment.type_condition.name.value)
            self.measured[name] = self.measure(fragment.selection_set, condition, level + 1)
            self.open.discard(name)
        return self.measured[name]

    def measure_field(self, node: FieldNode, parent: GraphQLNamedType | None, level: int) -> SelectionSize:
        """The size of a field with its selection set."""
        aliases = int(node.alias is not None)
        introspection = node.name.value.startswith("__")
        if node.selection_set is None:
            return SelectionSize(int(not introspection), 1, aliases)
        definition = getattr(parent, "fields", {}).get(node.name.value)
        inner = get_named_type(definition.type) if definition else None
        below = self.measure(node.selection_set, inner, level + 1)
        count = self.multiplicity(node, definition.type, inner) if definition else 1
        return SelectionSize(
            depth=0 if introspection else below.depth + 1,
            fields=below.fields + 1,
            aliases=below.aliases + aliases,
            directives=below.directives,
            cost=count * (below.cost + int(is_composite_type(inner))),
        )

    def multiplicity(self, node: FieldNode, returned: Any, inner: GraphQLNamedType | None) -> int:
        """The number of objects a field may return: its page size, or an assumed one."""
        connection = inner is not None and inner.name.endswith("Connection")
        if not connection and not is_list_type(get_nullable_type(returned)):
            return 1
        for argument in node.arguments or ():
            if argument.name.value in ("first", "last"):
                size = self.integer_value(argument.value)
                if size is not None:
                    return min(max(1, size), self.limits.largest)
        if connection:
            return self.limits.page
        return 1 if node.name.value in ("edges", "nodes") else self.limits.items

    def integer_value(self, value: Any) -> int | None:
        """The integer value of an argument, or None."""
        if isinstance(value, VariableNode):
            name = value.name.value
            if name in self.variables:
                value_sent = self.variables[name]
                return value_sent if isinstance(value_sent, int) else None
            value = self.defaults.get(name)
        return int(value.value[:9]) if isinstance(value, IntValueNode) else None


def check_limit(what: str, count: int, limit: int) -> None:
    """Raise `QueryTooComplex` if a count exceeds its limit."""
    if count > limit:
        raise QueryTooComplex(f"Query {what} {min(count, 10**9)} exceeds the limit of {limit}.")


def count_values(value: Any, limit: int) -> int:
    """The number of values in a JSON value. Counting stops just past the limit."""
    count, pending = 0, [value]
    while pending and count <= limit:
        current = pending.pop()
        count += 1
        children = current.values() if isinstance(current, Mapping) else current
        if isinstance(current, Mapping | list):
            count += max(0, len(current) - limit)
            pending.extend(children)
    return count


class OperationLimits(SchemaExtension):
    """Enforces the limits before the validation rules run, whose time is quadratic in the document size."""

    limits = Limits()

    def on_parse(self) -> Iterator[None]:
        """Limit the length and tokens of the document."""
        bounds = {
            "max_source_length": self.limits.characters,
            "max_lexical_tokens": self.limits.tokens,
            "max_comments": self.limits.tokens,
        }
        self.execution_context.parse_options = cast(ParseOptions, bounds)
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
        analyzer = OperationAnalyzer(context.schema._schema, document, context.variables or {}, self.limits)
        if len(analyzer.operations) > 1 and context._provided_operation_name is None:
            message = "Must provide operationName: the document has several operations."
            return [GraphQLError(message, extensions={"code": "OPERATION_RESOLUTION_FAILURE"})]
        try:
            cost = analyzer.check()
        except QueryTooComplex as excess:
            return [GraphQLError(str(excess), extensions={"code": "QUERY_TOO_COMPLEX"})]
        context.extensions_results["cost"] = {"requested": cost, "limit": self.limits.cost}
        rules = (*context.validation_rules, MaybeNullValidationRule, OneOfInputValidationRule)
        errors = validate(context.schema._schema, document, rules, max_errors=5, hide_suggestions=True)
        for error in errors:
            error.extensions = {"code": "GRAPHQL_VALIDATION_FAILED"}
        return errors

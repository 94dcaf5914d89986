"""What every operation passes before it runs: bounds on its document, and validation."""

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
    """How much one document may ask for; fragments count each time they are spread."""

    max_characters: int = 50_000
    """Of the document's text."""
    tokens: int = 10_000
    """Lexical tokens of the document."""
    operations: int = 20
    fragments: int = 100
    """Fragment definitions."""
    variables: int = 100
    """Variable definitions of one operation."""
    values: int = 20_000
    """Scalars, lists and objects inside the variables sent."""
    nesting: int = 50
    """Selection sets inside one another, inline fragments and introspection included."""
    depth: int = 15
    """Fields inside one another, introspection excluded."""
    fields: int = 1_500
    repeats: int = 50
    """Fields that answer at the same place: validation compares each with all the others."""
    aliases: int = 60
    directives: int = 60
    cost: int = 1_000_000
    """Objects that the answer may hold if every page and list is full."""
    page: int = 25
    """Objects assumed in a connection whose page size is not given."""
    largest: int = 100
    """Objects in the largest page: a field refuses to answer a larger one, so that it costs no more."""
    items: int = 10
    """Objects assumed in a plain list."""


class QueryTooComplex(Exception):
    """The document passes one of the limits; the message says which."""


class ResponsePath:
    """One place of the answer: how many fields of the document fill it, and the places inside it."""

    def __init__(self) -> None:
        self.fields = 0
        self.inside: defaultdict[str, ResponsePath] = defaultdict(ResponsePath)


@dataclass(frozen=True)
class SelectionSize:
    """What one selection set asks for, everything below it included."""

    depth: int = 0
    fields: int = 0
    aliases: int = 0
    directives: int = 0
    cost: int = 0


class OperationAnalyzer:
    """Measures a document in one walk: each fragment is visited once, however often it is spread."""

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
        """The cost of the document's most expensive operation; raises TooComplex past any limit."""
        check_limit("operations", len(self.operations), self.limits.operations)
        check_limit("fragments", len(self.fragments), self.limits.fragments)
        check_limit("values in variables", count_values(self.variables, self.limits.values), self.limits.values)
        return max((self.check_operation(operation) for operation in self.operations), default=0)

    def check_operation(self, operation: OperationDefinitionNode) -> int:
        """The operation's cost, in objects."""
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
        """Lay a selection set out in the answer; that it is small enough to lay out was measured before."""
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
        """Lay a fragment out, unless it is unknown or inside itself."""
        if name in self.fragments and name not in self.open:
            self.open.add(name)
            self.spread_selections(self.fragments[name].selection_set, place)
            self.open.discard(name)

    def measure(self, selections: SelectionSetNode, parent: GraphQLNamedType | None, level: int) -> SelectionSize:
        """The size of a selection set `level` sets deep."""
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
        """A fragment that is unknown, or spreads itself, counts nothing: validation refuses it."""
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
        """A field and what is selected below it."""
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
        """How many objects the field may answer: its page size, or what is assumed without one."""
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
        """The number an argument will hold, or None where it isn't one."""
        if isinstance(value, VariableNode):
            name = value.name.value
            if name in self.variables:
                value_sent = self.variables[name]
                return value_sent if isinstance(value_sent, int) else None
            value = self.defaults.get(name)
        return int(value.value[:9]) if isinstance(value, IntValueNode) else None


def check_limit(what: str, count: int, limit: int) -> None:
    """Refuse a count past its limit."""
    if count > limit:
        raise QueryTooComplex(f"Query {what} {min(count, 10**9)} exceeds the limit of {limit}.")


def count_values(value: Any, limit: int) -> int:
    """How many values a JSON value holds; counting stops just past the limit."""
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
    """Bounds a document before the validation rules, whose own time grows with its square, see it."""

    limits = Limits()

    def on_parse(self) -> Iterator[None]:
        """Bound the text that the parser is given."""
        bounds = {
            "max_source_length": self.limits.max_characters,
            "max_lexical_tokens": self.limits.tokens,
            "max_comments": self.limits.tokens,
        }
        self.execution_context.parse_options = cast(ParseOptions, bounds)
        yield

    def on_validate(self) -> Iterator[None]:
        """Set `pre_execution_errors`, never raise: over a WebSocket a raised error would end the stream."""
        context = self.execution_context
        context.pre_execution_errors = self.errors()
        yield

    def on_stream_result(self, result: StreamExecutionResult) -> Iterator[None]:
        """Announce the cost with a stream's first result only."""
        yield
        self.execution_context.extensions_results.pop("cost", None)

    def errors(self) -> list[GraphQLError]:
        """Why the document may not run; announces its cost on the way."""
        context = self.execution_context
        document = context.graphql_document
        assert document is not None
        survey = OperationAnalyzer(context.schema._schema, document, context.variables or {}, self.limits)
        if len(survey.operations) > 1 and context._provided_operation_name is None:
            message = "Must provide operationName: the document has several operations."
            return [GraphQLError(message, extensions={"code": "OPERATION_RESOLUTION_FAILURE"})]
        try:
            cost = survey.check()
        except QueryTooComplex as refusal:
            return [GraphQLError(str(refusal), extensions={"code": "QUERY_TOO_COMPLEX"})]
        context.extensions_results["cost"] = {"requested": cost, "limit": self.limits.cost}
        rules = (*context.validation_rules, MaybeNullValidationRule, OneOfInputValidationRule)
        errors = validate(context.schema._schema, document, rules, max_errors=5, hide_suggestions=True)
        for error in errors:
            error.extensions = {"code": "GRAPHQL_VALIDATION_FAILED"}
        return errors

"""Size of a document: depth, fields, aliases, cost and the cost of introspection, measured in one pass."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from graphql import (
    BooleanValueNode,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLNamedType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_composite_type,
    is_list_type,
)

from schema.framework.list_sizes import INTROSPECTION, declared_maximum, introspection_sizes, takes_password


@dataclass(frozen=True)
class Limits:
    """Limits of one document. Fragments count each time they are spread."""

    characters: int = 50_000
    """Length of the document."""
    tokens: int = 6_000
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
    reads: int = 250
    """Fields that may run a statement: lists, connections and relations."""
    passwords: int = 2
    """Fields that hash a password, which is slow on purpose."""
    cost: int = 400_000
    """Objects in the response if every page and list is full."""
    introspection: int = 80_000
    """Values in the response to an introspection query, by the sizes of the schema."""
    page: int = 25
    """Objects assumed in a connection without a page size."""
    largest: int = 100
    """Objects in the largest page. Larger page sizes are rejected by the field and cost no more."""
    items: int = 10
    """Objects assumed in a plain list whose description declares no maximum."""
    result: int = 60_000
    """Weight of the objects in lists that are resolved; see `MeteredExecutor`."""
    rows: int = 25_000
    """Rows read by one operation. Columns of unbounded text count as further rows."""


SIZES = frozenset({"first", "last", "limit", "ids"})
"""Arguments that say how many objects a field returns."""


class QueryTooComplex(Exception):
    """The document exceeds one of the limits, which the message names."""


class InvalidDirective(Exception):
    """The value of a directive's argument is out of range."""

    def __init__(self, message: str, argument: str) -> None:
        super().__init__(message)
        self.path = [argument]


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
    reads: int = 0
    passwords: int = 0
    cost: int = 0
    introspection: float = 0

    def __add__(self, other: "SelectionSize") -> "SelectionSize":
        return SelectionSize(
            max(self.depth, other.depth),
            self.fields + other.fields,
            self.aliases + other.aliases,
            self.directives + other.directives,
            self.reads + other.reads,
            self.passwords + other.passwords,
            self.cost + other.cost,
            self.introspection + other.introspection,
        )


NOTHING = SelectionSize()


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
        self.is_subscription = False
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
        self.is_subscription = operation.operation is OperationType.SUBSCRIPTION
        size = self.measure(operation.selection_set, self.schema.get_root_type(operation.operation), 1)
        for limited in fields(SelectionSize):
            check_limit(limited.name, int(getattr(size, limited.name)), getattr(limits, limited.name))
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
        total = NOTHING
        for selection in selections.selections:
            if isinstance(selection, FieldNode):
                size = self.measure_field(selection, parent, level)
            elif isinstance(selection, InlineFragmentNode):
                condition = selection.type_condition
                inner = self.schema.get_type(condition.name.value) if condition else parent
                size = self.measure(selection.selection_set, inner, level + 1)
            elif isinstance(selection, FragmentSpreadNode):
                size = self.measure_fragment(selection.name.value, level)
            total += size
            if selection.directives:
                self.check_incremental(selection.directives)
                total += SelectionSize(directives=len(selection.directives))
        return total

    def check_incremental(self, directives: Sequence[DirectiveNode]) -> None:
        """Raise `InvalidDirective` for values of `@stream` and `@defer` that only execution would refuse."""
        for directive in directives:
            name = directive.name.value
            arguments = {argument.name.value: argument.value for argument in directive.arguments or ()}
            initial = arguments.get("initialCount")
            if name == "stream" and (self.is_null(initial) or (self.integer_value(initial) or 0) < 0):
                raise InvalidDirective("initialCount must be 0 or more.", "initialCount")
            if name in ("stream", "defer") and self.is_subscription and self.is_true(arguments.get("if")):
                raise InvalidDirective(f"@{name} is not supported in subscriptions.", "if")

    def is_null(self, value: Any) -> bool:
        """Whether an argument is null, as a literal or by its variable."""
        if isinstance(value, VariableNode):
            name = value.name.value
            value = self.defaults.get(name)
            if name in self.variables:
                return self.variables[name] is None
        return isinstance(value, NullValueNode)

    def is_true(self, value: Any) -> bool:
        """Whether an `if` argument enables its directive; without one it is enabled."""
        if isinstance(value, VariableNode):
            name = value.name.value
            if name in self.variables:
                return self.variables[name] is not False
            value = self.defaults.get(name)
        return not (isinstance(value, BooleanValueNode) and not value.value)

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
        name, aliases = node.name.value, int(node.alias is not None)
        hidden = parent is not None and parent.name in INTROSPECTION
        if node.selection_set is None:
            return SelectionSize(int(not name.startswith("__")), 1, aliases, introspection=int(hidden))
        definition = getattr(parent, "fields", {}).get(name)
        if hidden or name in ("__schema", "__type"):
            return self.measure_introspection(node, parent, definition, level)
        inner = get_named_type(definition.type) if definition else None
        below = self.measure(node.selection_set, inner, level + 1)
        count = self.multiplicity(node, definition, inner) if definition else 1
        return SelectionSize(
            depth=below.depth + 1,
            fields=below.fields + 1,
            aliases=below.aliases + aliases,
            directives=below.directives,
            reads=below.reads + int(name not in ("nodes", "edges", "node", "pageInfo")),
            passwords=below.passwords + int(definition is not None and takes_password(definition)),
            cost=count * (below.cost + int(is_composite_type(inner))),
            introspection=below.introspection,
        )

    def measure_introspection(
        self, node: FieldNode, parent: GraphQLNamedType | None, definition: Any, level: int
    ) -> SelectionSize:
        """The size of a field of introspection, by the average sizes of the schema."""
        name = node.name.value
        meta = {"__schema": "__Schema", "__type": "__Type"}.get(name)
        inner = self.schema.get_type(meta) if meta else definition and get_named_type(definition.type)
        assert node.selection_set is not None
        below = self.measure(node.selection_set, inner, level + 1)
        count = introspection_sizes(self.schema).get((parent.name if parent and not meta else "", name), 1)
        return SelectionSize(
            fields=below.fields + 1,
            aliases=below.aliases + int(node.alias is not None),
            directives=below.directives,
            introspection=2 + count * (below.introspection + 1),
        )

    def multiplicity(self, node: FieldNode, definition: Any, inner: GraphQLNamedType | None) -> int:
        """The number of objects a field may return: its page size, declared maximum or an assumed one."""
        connection = inner is not None and inner.name.endswith("Connection")
        if not connection and not is_list_type(get_nullable_type(definition.type)):
            return 1
        maximum = self.limits.largest if connection else declared_maximum(definition)
        for argument in node.arguments or ():
            size = self.requested(argument.name.value, argument.value)
            if size is not None:
                return min(max(1, size), maximum or self.limits.largest)
        if connection:
            return self.limits.page
        return (
            1
            if node.name.value in ("edges", "nodes") and "ids" not in definition.args
            else (maximum or self.limits.items)
        )

    def requested(self, name: str, value: Any) -> int | None:
        """The number of objects that an argument asks for, or None."""
        if name in SIZES and name != "ids":
            return self.integer_value(value)
        if name == "ids":
            if isinstance(value, ListValueNode):
                return len(value.values)
            sent = self.variables.get(value.name.value) if isinstance(value, VariableNode) else None
            return len(sent) if isinstance(sent, list) else 1
        return None

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

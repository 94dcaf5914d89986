"""Documents that are parsed and valid, kept by their text: clients send the same few again and again."""

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    InlineFragmentNode,
    NamedTypeNode,
    NonNullTypeNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
)
from graphql.execution.collect_fields import FragmentDetails
from graphql.execution.get_variable_signature import GraphQLVariableSignature, get_variable_signature
from graphql.execution.values import VariableValues, VariableValueSource

from schema.framework.introspection_cache import is_introspection
from schema.framework.operation_size import SIZES, Limits, OperationAnalyzer, check_limit, count_values

MAX_DOCUMENTS, MAX_CHARACTERS = 1_000, 300_000
"""Documents that a process keeps, and characters of them all; the least recently used are evicted."""
MAX_COSTS = 64
"""Costs of one document that are kept, by the values of the variables that matter."""

PlainVariables = dict[str, tuple[type, GraphQLVariableSignature]]
"""The type of the value of each variable, and its signature."""

INCREMENTAL = frozenset({"defer", "stream"})


class Document:
    """A valid document, and what executing it again needs."""

    def __init__(self, node: DocumentNode) -> None:
        self.node = node
        self.operations: dict[str | None, OperationDefinitionNode] = {}
        self.fragment_definitions: dict[str, FragmentDefinitionNode] = {}
        for definition in node.definitions:
            if isinstance(definition, OperationDefinitionNode):
                self.operations[definition.name.value if definition.name else None] = definition
            elif isinstance(definition, FragmentDefinitionNode):
                self.fragment_definitions[definition.name.value] = definition
        self.fragments = {
            name: FragmentDetails(definition, None) for name, definition in self.fragment_definitions.items()
        }
        self.is_introspection = is_introspection(node)
        self.is_incremental = False
        self._sizing: set[str] = set()
        for definition in (*self.operations.values(), *self.fragment_definitions.values()):
            self._look_at(definition.selection_set)
        self._plain: dict[str | None, PlainVariables | None] = {}
        self._costs: OrderedDict[tuple[Any, ...], int] = OrderedDict()

    def operation(self, name: str | None) -> OperationDefinitionNode | None:
        """The operation with this name, or the only one."""
        if name is None:
            return next(iter(self.operations.values())) if len(self.operations) == 1 else None
        return self.operations.get(name)

    def cost(self, schema: GraphQLSchema, variables: Mapping[str, Any], limits: Limits) -> int:
        """The cost with these variables. Raises `QueryTooComplex` or `InvalidDirective`."""
        if variables:
            count = count_values(variables, limits.values)
            check_limit("values in variables", count, limits.values)
        key = tuple(size_of(variables, name) for name in self._sizing)
        cost = self._costs.get(key)
        if cost is None:
            cost = OperationAnalyzer(schema, self.node, variables, limits).check()
            self._costs[key] = cost
            if len(self._costs) > MAX_COSTS:
                self._costs.popitem(last=False)
        return cost

    def plain_values(
        self, schema: GraphQLSchema, operation: OperationDefinitionNode, variables: Mapping[str, Any]
    ) -> VariableValues | None:
        """The coerced variables, if each is a plain value of its type; None if graphql-core has to coerce."""
        name = operation.name.value if operation.name else None
        if name not in self._plain:
            self._plain[name] = plain_variables(schema, operation)
        kinds = self._plain[name]
        if kinds is None:
            return None
        sources, coerced = {}, {}
        for name, (kind, signature) in kinds.items():
            value = coerced[name] = variables.get(name)
            if type(value) is not kind:
                return None
            sources[name] = VariableValueSource(signature, value)
        return VariableValues(sources, coerced)

    def _look_at(self, selections: SelectionSetNode | None) -> None:
        for selection in selections.selections if selections else ():
            for directive in selection.directives or ():
                self.is_incremental = self.is_incremental or directive.name.value in INCREMENTAL
                self._sizing.update(variables_in(directive.arguments or ()))
            if isinstance(selection, FieldNode):
                sizing = (each for each in selection.arguments or () if each.name.value in SIZES)
                self._sizing.update(variables_in(sizing))
            if isinstance(selection, FieldNode | InlineFragmentNode):
                self._look_at(selection.selection_set)


def variables_in(arguments: Any) -> Iterator[str]:
    """The names of the variables that are values of arguments."""
    return (each.value.name.value for each in arguments if isinstance(each.value, VariableNode))


def size_of(variables: Mapping[str, Any], name: str) -> Any:
    """What the cost of a document depends on in the value of a variable."""
    if name not in variables:
        return ()
    value = variables[name]
    if isinstance(value, list):
        return "items", len(value)
    return (type(value), value) if value is None or isinstance(value, bool | int) else "other"


class Documents:
    """The valid documents of a schema."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, Document] = OrderedDict()
        self._characters = 0

    def find(self, text: str | None) -> Document | None:
        """The document with this text, if it has been valid before."""
        document = self._known.get(text) if text else None
        if document is not None and text:
            self._known.move_to_end(text)
        return document

    def keep(self, text: str, node: DocumentNode) -> None:
        """Keep a valid document."""
        if text not in self._known and len(text) <= MAX_CHARACTERS:
            self._known[text] = Document(node)
            self._characters += len(text)
            while self._characters > MAX_CHARACTERS or len(self._known) > MAX_DOCUMENTS:
                dropped, _ = self._known.popitem(last=False)
                self._characters -= len(dropped)


SAME_TEXT = {"ID": str, "String": str, "Boolean": bool}
"""Scalars whose values of exactly this type are coerced to themselves."""


def plain_variables(schema: GraphQLSchema, operation: OperationDefinitionNode) -> PlainVariables | None:
    """The variables by name, if all are required, have no default, and are of `SAME_TEXT`."""
    found = {}
    for definition in operation.variable_definitions or ():
        kind: Any = definition.type
        name = kind.type.name.value if is_required_name(kind) else ""
        signature = get_variable_signature(schema, definition)
        if (
            name not in SAME_TEXT
            or definition.default_value is not None
            or isinstance(signature, GraphQLError)
        ):
            return None
        found[signature.name] = SAME_TEXT[name], signature
    return found


def is_required_name(kind: Any) -> bool:
    """Whether a type is a name that may not be null."""
    return isinstance(kind, NonNullTypeNode) and isinstance(kind.type, NamedTypeNode)

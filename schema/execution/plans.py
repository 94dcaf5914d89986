"""Plans: one for an operation and the values of the variables in its `@skip` and `@include`."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

from graphql import (
    DirectiveNode,
    GraphQLField,
    GraphQLObjectType,
    OperationDefinitionNode,
    VariableNode,
    Visitor,
    visit,
)
from graphql.execution.collect_fields import (
    FieldDetails,
    FragmentDetails,
    GroupedFieldSet,
    collect_fields,
    collect_subfields,
)
from graphql.execution.values import VariableValues
from strawberry.types.field import StrawberryField

from schema.execution.fields import ComputedField, FieldPlan
from schema.execution.resolved import ResolvedField
from schema.execution.running import StockOnly
from schema.execution.selections import Selection
from schema.framework.metered_executor import MeteredExecutor, Weigher

MAX_FIELDS = 20_000
"""Fields of all plans that a process keeps, of 2.5 kB each; those of the least recently used are evicted."""
FIELDS_OF_OPERATION = 10
"""Fields that an operation without plans counts as."""
MAX_VARIANTS = 16
"""Plans of one operation, by the values of the variables in `@skip` and `@include`."""

Details = Sequence[FieldDetails]
FieldArguments = tuple[str, int, Details, GraphQLObjectType, GraphQLField]
"""What a `FieldPlan` is made from: key, rank, details, type and definition."""

Fields = list[tuple[str, FieldPlan | None]]
"""The fields of a selection set by their keys; None for `__typename`."""

Kinds = Callable[["Plan", FieldArguments, StrawberryField, Any], FieldPlan | None]
"""Further kinds of fields: gives the plan of a field, without extensions, if it is of one of them.

The last argument is what the kinds know of the objects, as given to `Plan.field`.
"""


def no_kinds(*_: Any) -> None:
    """No further kinds."""


class Plan:
    """How an operation is executed."""

    def __init__(self, executor: MeteredExecutor, variables: VariableValues, kinds: Kinds) -> None:
        self.schema = executor.schema
        self.fragments: dict[str, FragmentDetails] = executor.fragments
        self.operation, self.variables, self._kinds = executor.operation, variables, kinds
        self.size = 0
        """Fields of the plan, so far: selections on the types of an interface are added when they are met."""
        self._weigher = Weigher(self.schema, executor.fragment_definitions)
        self.statement_count = self._weigher.count_statements(self.operation.selection_set)
        root = executor.schema.get_root_type(executor.operation.operation)
        assert root is not None
        collected = collect_fields(self.schema, self.fragments, variables, root, self.operation)
        if collected.forbidden_directive_instances:
            raise StockOnly
        self.root = Selection(root, self.fields(root, collected.grouped_field_set))

    def selection(self, kind: GraphQLObjectType, field: FieldPlan) -> Selection:
        """The selection set of a field on objects of a type."""
        return Selection(kind, self.fields(kind, self.collect(kind, field.details)))

    def collect(self, kind: GraphQLObjectType, details: Details) -> GroupedFieldSet:
        """The fields below a field, on objects of a type."""
        return collect_subfields(
            self.schema, self.fragments, self.variables, self.operation, kind, list(details)
        ).grouped_field_set

    def fields(
        self,
        kind: GraphQLObjectType,
        grouped: GroupedFieldSet,
        make: Callable[[FieldArguments], FieldPlan] | None = None,
    ) -> Fields:
        """The fields of a selection set, made by a function, or else by `field`."""
        self.size += len(grouped)
        fields: Fields = []
        for rank, (key, details) in enumerate(grouped.items()):
            name = details[0].node.name.value
            definition = self.schema.get_field(kind, name)
            if name == "__typename":
                fields.append((key, None))
            elif definition is not None:
                field = (make or self.field)((key, rank, details, kind, definition))
                if field.list_depth:
                    field.weight = self._weigher.weigh_item(field.nodes, field.named)
                fields.append((key, field))
        return fields

    def field(self, field: FieldArguments, known: Any = None) -> FieldPlan:
        """A field of objects, of which the further kinds know something."""
        declared: Any = field[-1].extensions.get("strawberry-definition")
        converter = self.schema._strawberry_schema.schema_converter  # type: ignore[attr-defined]
        plain = declared is not None and not converter._get_field_exception_handlers(declared)
        if plain and not declared.extensions:
            found = self._kinds(self, field, declared, known) or self._computed_field(field, declared)
            if found is not None:
                return found
        waits = declared is not None and bool(declared.is_async or declared.permission_classes)
        return ResolvedField(*field, selection_for=self.selection, waits=waits)

    def _computed_field(self, field: FieldArguments, declared: Any) -> FieldPlan | None:
        attribute = None
        compute = function_of_object(declared)
        if declared.is_basic_field and declared.default_resolver is getattr:
            attribute, compute = declared.python_name, attrgetter(declared.python_name)
        if compute is None:
            return None
        computed = ComputedField(*field, attribute=attribute, compute=compute)
        if computed.is_leaf and not computed.list_depth:
            return computed
        return ResolvedField(*field, selection_for=self.selection, compute=compute)


def function_of_object(declared: Any) -> Callable[[Any], Any] | None:
    """The resolver of a field if it is a plain function of the object alone."""
    resolver = declared.base_resolver
    if resolver is None or resolver.is_async or declared.arguments or resolver.info_parameter:
        return None
    if len(resolver.signature.parameters) != 1:
        return None
    if not (resolver.self_parameter or resolver.root_parameter or resolver.parent_parameter):
        return None
    function: Callable[[Any], Any] = resolver.wrapped_func
    return function


class ConditionVariables(Visitor):
    """Names of the variables that `@skip` and `@include` depend on, and whether delivery is incremental."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.incremental = False

    def enter_directive(self, node: DirectiveNode, *_: Any) -> None:
        """Look at one directive."""
        if node.name.value in ("defer", "stream", "experimental_disableErrorPropagation"):
            self.incremental = True
        if node.name.value in ("skip", "include"):
            values = [argument.value for argument in node.arguments or ()]
            self.names.update(value.name.value for value in values if isinstance(value, VariableNode))


class KnownOperation:
    """An operation and its plans."""

    def __init__(self, executor: MeteredExecutor) -> None:
        self.operation: OperationDefinitionNode = executor.operation
        conditions = ConditionVariables()
        visit(executor.operation, conditions)
        for fragment in executor.fragment_definitions.values():
            visit(fragment, conditions)
        self.can_be_compiled = not conditions.incremental
        self.variables = tuple(sorted(conditions.names))
        self.plans: dict[tuple[Any, ...], Plan] = {}

    @property
    def size(self) -> int:
        """Fields of the operation's plans, and those that it counts as itself."""
        return FIELDS_OF_OPERATION + sum(plan.size for plan in self.plans.values())


class Plans:
    """The plans of a schema, by operation."""

    def __init__(self, kinds: Kinds) -> None:
        self._kinds = kinds
        self._operations: OrderedDict[int, KnownOperation] = OrderedDict()
        self._sizes: dict[int, int] = {}
        self._size = 0

    def __len__(self) -> int:
        return len(self._operations)

    def find(self, executor: MeteredExecutor) -> Plan | None:
        """The plan of the executor's operation, made at its first use. None if it cannot be compiled."""
        key = id(executor.operation)
        known = self._operations.get(key)
        if known is None or known.operation is not executor.operation:
            known = self._operations[key] = KnownOperation(executor)
            self._measure(key, known)
        self._operations.move_to_end(key)
        if not known.can_be_compiled:
            return None
        sources, coerced = executor.variable_values
        values = tuple(coerced.get(name) for name in known.variables)
        if values not in known.plans:
            if len(known.plans) >= MAX_VARIANTS:
                known.plans.clear()
            names = [name for name in known.variables if name in coerced]
            relevant = VariableValues(
                {name: sources[name] for name in names}, {name: coerced[name] for name in names}
            )
            known.plans[values] = Plan(executor, relevant, self._kinds)
        if known.size != self._sizes[key]:
            self._measure(key, known)
        return known.plans[values]

    def _measure(self, key: int, known: KnownOperation) -> None:
        """Notes the size of an operation whose plans have changed, and evicts others for it."""
        self._size += known.size - self._sizes.get(key, 0)
        self._sizes[key] = known.size
        while self._size > MAX_FIELDS and len(self._operations) > 1:
            evicted, _ = self._operations.popitem(last=False)
            self._size -= self._sizes.pop(evicted)

"""Execution that stops a result which grows too large, whatever its document announced."""

from collections.abc import Iterable, Iterator, Mapping, Sized
from typing import Any, ClassVar

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSchema,
    InlineFragmentNode,
    SelectionSetNode,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
)
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from core.errors import ErrorCode
from schema.framework.list_sizes import INTROSPECTION
from schema.framework.operation_size import Limits

COUNTS = {"totalCount": 12, "totalCountPrecision": 12}
WEIGHTS = {**COUNTS, "pageInfo": 12, "nodes": 1, "edges": 4, "node": 3, "cursor": 4}
"""Weights of fields by name, in units of about 10 microseconds of CPU time. Other scalars weigh 1."""

ITEM, LOADED, OBJECT, LIST, STATEMENT = 3, 16, 10, 16, 150
"""Weights of an item of a list, a scalar loaded by itself, an object, a list or connection, and of each field
that sends a statement."""


class Weigher:
    """Weights of the fields of a document, which is within its limits."""

    def __init__(self, schema: GraphQLSchema, fragments: Mapping[str, FragmentDefinitionNode]) -> None:
        self.schema, self.fragments = schema, fragments

    def weigh_item(self, nodes: Iterable[FieldNode], kind: Any) -> int:
        """The weight of an item of a list: its fields, and those of objects in it that are in no list."""
        if is_leaf_type(kind):
            return 1
        return ITEM + sum(self.weigh_selections(node.selection_set, kind) for node in nodes)

    def weigh_selections(self, selections: SelectionSetNode | None, kind: Any) -> int:
        """The weight of the fields of a selection set. The document's size has been checked before."""
        weight = 0
        for node, parent in self.fields_of(selections, kind):
            name = node.name.value
            if node.selection_set is None:
                weight += WEIGHTS.get(name, LOADED if is_loaded(parent, name) else 1)
            elif parent.name in INTROSPECTION:
                weight += 0 if name == "ofType" else 1
            elif (definition := getattr(parent, "fields", {}).get(name)) is not None:
                inner = get_named_type(definition.type)
                weight += WEIGHTS.get(name, LIST if is_many(definition.type, inner) else OBJECT)
                if not is_list_type(get_nullable_type(definition.type)):
                    weight += self.weigh_selections(node.selection_set, inner)
        return weight

    def count_statements(self, selections: SelectionSetNode | None) -> int:
        """How many fields of the operation may send a statement, once for all their parents."""
        count = 0
        for node, _ in self.fields_of(selections, None):
            if node.selection_set is not None:
                count += int(node.name.value not in WEIGHTS) + self.count_statements(node.selection_set)
            elif node.name.value in COUNTS:
                count += 1
        return count

    def fields_of(self, selections: SelectionSetNode | None, kind: Any) -> Iterator[tuple[FieldNode, Any]]:
        """The fields of a selection set, with fragments spread, and the types that they are of."""
        for selection in selections.selections if selections else ():
            match selection:
                case FieldNode():
                    yield selection, kind
                case InlineFragmentNode(type_condition=condition):
                    inner = self.schema.get_type(condition.name.value) if condition else kind
                    yield from self.fields_of(selection.selection_set, inner)
                case FragmentSpreadNode():
                    fragment = self.fragments[selection.name.value]
                    inner = self.schema.get_type(fragment.type_condition.name.value)
                    yield from self.fields_of(fragment.selection_set, inner)


class MeteredExecutor(StrawberryGraphQLCoreExecutionContext):
    """Adds up the weight of the items of lists before they are resolved, and refuses what exceeds the limit.

    What is not in a list is bounded by the document. The weight of introspection is counted apart.
    Errors are in the order of their paths.
    """

    limits = Limits()
    suggests: ClassVar[bool] = True
    """Whether errors suggest names of the schema."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.hide_suggestions = not self.suggests
        self.weights: dict[int, tuple[Any, int]] = {}
        self.spent: dict[str, int] = {}

    @classmethod
    def build(cls, *args: Any, **options: Any) -> Any:
        """The executor of an operation, or the errors of its variables."""
        return super().build(*args, **{**options, "hide_suggestions": not cls.suggests})

    def build_per_event_executor(self, payload: Any) -> Any:
        """An executor with a budget of its own for each event of a subscription."""
        executor: Any = super().build_per_event_executor(payload)
        executor.spent = {}
        return executor

    def build_response(self, data: dict[str, Any] | None) -> Any:
        """The result, with errors in the order of their paths."""
        self.collected_errors.errors.sort(key=path_of)
        return super().build_response(data)

    def complete_list_value(
        self,
        return_type: Any,
        field_details_list: Any,
        info: Any,
        path: Any,
        result: Any,
        position_context: Any,
    ) -> Any:
        """Complete a list, unless the result becomes too large. Raises `GraphQLError`."""
        if isinstance(result, Sized):
            named = get_named_type(return_type)
            if not self.charge(named, self.weigh(field_details_list, named), len(result)):
                return []
        return super().complete_list_value(
            return_type, field_details_list, info, path, result, position_context
        )

    def charge(self, kind: Any, weight: int, count: int) -> bool:
        """Adds the weight of a list. Raises `GraphQLError` if that is too much.

        False if an error has said so about introspection: thousands more would cost as much as the answer.
        """
        meter = "introspection" if kind.name in INTROSPECTION else "result"
        limit = getattr(self.limits, meter)
        if meter not in self.spent:
            self.spent[meter] = 0 if meter == "introspection" else STATEMENT * self.count_statements()
        elif meter == "introspection" and self.spent[meter] > limit:
            return False
        self.spent[meter] += count * weight
        if self.spent[meter] > limit:
            raise GraphQLError(
                f"The {meter} exceeds the limit of {limit}. Request smaller pages or fewer fields.",
                extensions={"code": ErrorCode.QUERY_TOO_COMPLEX.value},
            )
        return True

    def charge_all(self, kind: Any, weight: int, count: int) -> bool:
        """Adds the weight of several lists. False if that is too much: then nothing is added."""
        if kind.name in INTROSPECTION:
            return False
        spent = self.spent.get("result")
        if spent is None:
            spent = STATEMENT * self.count_statements()
        total = spent + weight * count
        if total > self.limits.result:
            return False
        self.spent["result"] = total
        return True

    def count_statements(self) -> int:
        """How many fields of the operation may send a statement."""
        weigher = Weigher(self.schema, self.fragment_definitions)
        return weigher.count_statements(self.operation.selection_set)

    def weigh(self, field_details_list: Any, kind: Any) -> int:
        """The weight of one item of a list."""
        key = id(field_details_list)
        if key not in self.weights:
            nodes = [details.node for details in field_details_list]
            weigher = Weigher(self.schema, self.fragment_definitions)
            self.weights[key] = field_details_list, weigher.weigh_item(nodes, kind)
        return self.weights[key][1]


def path_of(error: GraphQLError) -> tuple[str | int, ...]:
    """The path of an error; those with an equal beginning compare by its next step."""
    return tuple(error.path or ())


def is_loaded(parent: Any, name: str) -> bool:
    """Whether the value of a scalar field is loaded by itself, and not with its object."""
    definition = getattr(parent, "fields", {}).get(name)
    field = definition.extensions.get("strawberry-definition") if definition else None
    resolver = getattr(field, "base_resolver", None)
    return resolver is not None and resolver.is_async


def is_many(returned: Any, named: Any) -> bool:
    """Whether a field of this type gives many objects: a list or a connection."""
    return is_list_type(get_nullable_type(returned)) or named.name.endswith("Connection")

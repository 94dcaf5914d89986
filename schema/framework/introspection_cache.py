"""Answers to introspection, kept encoded: tools send the same few documents again and again."""

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

import orjson
from graphql import (
    DocumentNode,
    ExecutionResult,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    print_ast,
)
from strawberry.extensions import SchemaExtension
from strawberry.types import ExecutionResult as Result

MAX_ANSWERS = 8
"""Answers kept for a schema; the least recently used are evicted."""


class EncodedData(Mapping[str, Any]):
    """Data of an answer that is encoded already, and decoded only if somebody looks into it."""

    def __init__(self, encoded: bytes) -> None:
        self.encoded = encoded

    @cached_property
    def decoded(self) -> dict[str, Any]:
        """The data."""
        value: dict[str, Any] = orjson.loads(self.encoded)
        return value

    def __getitem__(self, key: str) -> Any:
        return self.decoded[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.decoded)

    def __len__(self) -> int:
        return len(self.decoded)


def fragment_of(value: Any) -> Any:
    """For orjson: encoded data as it is."""
    if isinstance(value, EncodedData):
        return orjson.Fragment(value.encoded)
    raise TypeError(f"Type is not JSON serializable: {type(value).__name__}")


class IntrospectionCache(SchemaExtension):
    """Answers a repeated introspection query without executing it. Layout and comments may differ."""

    answers: ClassVar[WeakKeyDictionary[Any, OrderedDict[str, bytes]]] = WeakKeyDictionary()

    def on_execute(self) -> Iterator[None]:
        """Use the answer, or keep it."""
        context = self.execution_context
        document = context.graphql_document
        if document is None or not is_introspection(document):
            yield
            return
        key = print_ast(document)
        answers = self.answers.setdefault(context.schema, OrderedDict())
        if key in answers:
            answers.move_to_end(key)
            context.result = Result(data=EncodedData(answers[key]), errors=None)  # type: ignore[arg-type]
            yield
            return
        yield
        result = context.result
        if isinstance(result, ExecutionResult | Result) and result.data and not result.errors:
            answers[key] = orjson.dumps(result.data)
            while len(answers) > MAX_ANSWERS:
                answers.popitem(last=False)


def is_introspection(document: DocumentNode) -> bool:
    """Whether the document is one query without variables for the schema alone."""
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    if len(operations) != 1 or operations[0].operation is not OperationType.QUERY:
        return False
    fragments = {
        node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
    }
    (operation,) = operations
    return not operation.variable_definitions and all(
        name in ("__schema", "__type") for name in root_fields(operation.selection_set, fragments)
    )


def root_fields(
    selections: SelectionSetNode, fragments: Mapping[str, FragmentDefinitionNode]
) -> Iterator[str]:
    """The names of the fields of a selection set, with fragments spread. The document is valid."""
    for selection in selections.selections:
        match selection:
            case FieldNode():
                yield selection.name.value
            case InlineFragmentNode():
                yield from root_fields(selection.selection_set, fragments)
            case FragmentSpreadNode():
                yield from root_fields(fragments[selection.name.value].selection_set, fragments)

"""The kind of an operation, read from its document before it is executed."""

from contextlib import suppress
from functools import lru_cache

from graphql import FieldNode, GraphQLError, OperationType, get_operation_ast, parse

MAX_CACHED_CHARACTERS = 5_000
"""Length up to which the kind of a document is remembered by its text."""


def may_be_incremental(document: str) -> bool:
    """False for documents that cannot use `@defer` or `@stream`."""
    return "defer" in document or "stream" in document


def is_subscription(document: str, name: str | None) -> bool:
    """Whether the named operation of a document is a subscription; False for what can't be parsed."""
    if "subscription" not in document:
        return False
    if len(document) > MAX_CACHED_CHARACTERS:
        return parses_as_subscription(document, name)
    return is_short_subscription(document, name)


@lru_cache(maxsize=500)
def is_short_subscription(document: str, name: str | None) -> bool:
    """Whether the named operation of a document is a subscription, parsed once."""
    return parses_as_subscription(document, name)


def parses_as_subscription(document: str, name: str | None) -> bool:
    """Whether the named operation of a document is a subscription."""
    with suppress(GraphQLError):
        operation = get_operation_ast(parse(document, no_location=True, max_lexical_tokens=10_000), name)
        return operation is not None and operation.operation is OperationType.SUBSCRIPTION
    return False


def root_fields(document: str, name: str | None) -> frozenset[str] | None:
    """The root fields that the named operation of a document selects itself; None if it has others."""
    with suppress(GraphQLError):
        operation = get_operation_ast(parse(document, no_location=True, max_lexical_tokens=10_000), name)
        if operation is not None:
            selected = operation.selection_set.selections
            fields = [node.name.value for node in selected if isinstance(node, FieldNode)]
            return frozenset(fields) if len(fields) == len(selected) else None
    return None

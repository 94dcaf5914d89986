"""Shrinks a document while something about it stays as it is."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from graphql import (
    REMOVE,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    NameNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableDefinitionNode,
    VariableNode,
    Visitor,
    parse,
    print_ast,
    visit,
)

from tests.schema.execution.random_documents import RandomDocument

REMOVABLE = frozenset(
    (
        "field",
        "inline_fragment",
        "fragment_spread",
        "directive",
        "argument",
        "object_field",
        "operation_definition",
    )
)
"""Kinds of nodes that are removed one by one."""


async def shrink(
    document: RandomDocument, is_interesting: Callable[[RandomDocument], Awaitable[bool]], tries: int = 400
) -> RandomDocument:
    """A smaller document that is interesting too, found in at most so many tries."""
    position = 0
    while tries > 0:
        smaller = without(document, position)
        if smaller is None:
            break
        tries -= 1
        if await is_interesting(smaller):
            document = smaller
        else:
            position += 1
    return document


def without(document: RandomDocument, position: int) -> RandomDocument | None:
    """The document without the node at this place among those that can be removed; None if there is none."""
    removal = Removal(position)
    changed = visit(parse(document.text, no_location=True), removal)
    if removal.left >= 0:
        return None
    changed = tidy(changed)
    text = print_ast(changed)
    return replace(
        document,
        text=text,
        variables=sent_variables(changed, document.variables),
        other_variables=sent_variables(changed, document.other_variables or {}),
    )


class Removal(Visitor):
    """Removes one node, and fills a selection set that has become empty."""

    def __init__(self, position: int) -> None:
        super().__init__()
        self.left = position

    def enter(self, node: Any, *_: Any) -> Any:
        """Remove the node if it is the one."""
        is_typename = isinstance(node, FieldNode) and node.name.value == "__typename" and not node.alias
        if node.kind not in REMOVABLE or is_typename:
            return None
        self.left -= 1
        return REMOVE if self.left == -1 else None

    def leave(self, node: Any, *_: Any) -> Any:
        """Select the type's name where nothing else is left."""
        if isinstance(node, SelectionSetNode) and not node.selections:
            return SelectionSetNode(selections=(FieldNode(name=NameNode(value="__typename")),))
        return None


def tidy(document: DocumentNode) -> DocumentNode:
    """The document without fragments and variables that are no longer used."""
    while True:
        spread = names_of(document, FragmentSpreadNode)
        kept = [
            definition
            for definition in document.definitions
            if not isinstance(definition, FragmentDefinitionNode) or definition.name.value in spread
        ]
        if len(kept) == len(document.definitions):
            break
        document = DocumentNode(definitions=tuple(kept))
    used = names_of(document, VariableNode, inside=SelectionSetNode)
    remaining: DocumentNode = visit(document, Declarations(used))
    return remaining


class Declarations(Visitor):
    """Removes the declarations of all variables but these."""

    def __init__(self, used: set[str]) -> None:
        super().__init__()
        self.used = used

    def enter_variable_definition(self, node: VariableDefinitionNode, *_: Any) -> Any:
        """Remove it if the variable is not used."""
        return None if node.variable.name.value in self.used else REMOVE


def names_of(document: DocumentNode, kind: Any, inside: Any = DocumentNode) -> set[str]:
    """The names of all nodes of a kind that are in nodes of another kind."""
    found: set[str] = set()

    class Names(Visitor):
        def enter(self, node: Any, key: Any, parent: Any, path: Any, ancestors: Any) -> None:
            if isinstance(node, kind) and any(isinstance(ancestor, inside) for ancestor in ancestors):
                found.add(node.name.value)

    visit(document, Names())
    return found


def sent_variables(document: DocumentNode, variables: dict[str, Any]) -> dict[str, Any]:
    """The values of the variables that are still declared."""
    declared = {
        definition.variable.name.value
        for operation in document.definitions
        if isinstance(operation, OperationDefinitionNode)
        for definition in operation.variable_definitions or ()
    }
    return {name: value for name, value in variables.items() if name in declared}

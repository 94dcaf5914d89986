"""Where in its arguments a literal of a document stands."""

from collections.abc import Iterator

from graphql import (
    ArgumentNode,
    DirectiveNode,
    DocumentNode,
    ListValueNode,
    Node,
    ObjectFieldNode,
    VariableDefinitionNode,
)

Path = tuple[str, ...]


def literal_path(document: DocumentNode, literal: Node) -> Path:
    """The path of a literal: its argument or variable, then input fields and indexes. Empty if unknown."""
    pending: list[tuple[Node, Path]] = [(document, ())]
    while pending:
        node, path = pending.pop()
        if node is literal:
            return path
        pending.extend(children(node, path))
    return ()


def children(node: Node, path: Path) -> Iterator[tuple[Node, Path]]:
    """The nodes directly below a node, with their paths."""
    match node:
        case ListValueNode():
            yield from ((item, (*path, str(index))) for index, item in enumerate(node.values))
            return
        case ArgumentNode() | ObjectFieldNode():
            path = (*path, node.name.value)
        case VariableDefinitionNode():
            path = (node.variable.name.value,)
        case DirectiveNode():
            path = ()
    for key in node.keys:
        value = getattr(node, key, None)
        for child in value if isinstance(value, list | tuple) else (value,):
            if isinstance(child, Node):
                yield child, path

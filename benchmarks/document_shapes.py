"""Shapes of documents that may be expensive, each with a size."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from graphql import (
    GraphQLSchema,
    get_introspection_query,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
    is_required_argument,
)

Shape = Callable[[int], str]
"""A document of a size."""

TYPE = "name description kind fields(includeDeprecated: true) { name args { name type { kind name } } }"


def repeat(part: str, count: int) -> str:
    """A part several times; `%d` in it is the number."""
    return " ".join(part.replace("%d", str(number)) for number in range(count))


def fragments(body: str, count: int) -> str:
    """A document that spreads as many fragments."""
    return f"{{ {repeat('...F%d', count)} }} {repeat(f'fragment F%d on Query {{ {body} }}', count)}"


BY_TOOLS = [get_introspection_query(input_value_deprecation=deprecated) for deprecated in (False, True)]
"""Documents that are answered from the cache, after the first time in a process."""

ANONYMOUS: dict[str, Shape] = {
    "introspection": lambda n: "{" + repeat(f"a%d: __schema {{ types {{ {TYPE} }} }}", n % 60 + 1) + "}",
    "introspection by tools": lambda n: BY_TOOLS[n % 2],
    "enum values": lambda n: (
        "{ __schema { types {" + repeat("a%d: enumValues { name }", n % 60 + 1) + "} } }"
    ),
    "possible types": lambda n: (
        "{ __schema { types {" + repeat("a%d: possibleTypes { name }", n % 60) + "id } } }"
    ),
    "types by name": lambda n: "{" + repeat(f'a%d: __type(name: "Query") {{ {TYPE} }}', n % 60 + 1) + "}",
    "unknown fields": lambda n: "{" + repeat("f%d", n + 1) + "}",
    "tokens": lambda n: "{" + repeat("a", 3 * n + 1) + "}",
    "syntax error": lambda n: "{" + repeat("a", 3 * n + 1) + " ! }",
    "numbers": lambda n: "{ projects(first: [" + repeat("1", 3 * n) + "]) { totalCount } }",
    "strings": lambda n: "{ projects(after: [" + repeat('"x"', 3 * n) + "]) { totalCount } }",
    "input fields": lambda n: "{ projects(filter: {" + repeat("a%d: 1", n) + "}) { totalCount } }",
    "input objects": lambda n: (
        "{ projects(filter: {" + repeat("a%d: {b: [1]}", n // 2) + "}) { totalCount } }"
    ),
    "nested lists": lambda n: "{ projects(filter: " + "[" * n + "]" * n + ") { totalCount } }",
    "overlapping fields": lambda n: (
        "{" + repeat("projects { nodes { id name user { id } } }", n % 50 + 1) + "}"
    ),
    "overlapping leaves": lambda n: "{ projects { nodes {" + repeat("id name status", n % 50 + 1) + "} } }",
    "fragments": lambda n: fragments("projects { nodes { id name } }", n % 100 + 1),
    "fragments of one field": lambda n: fragments("me { id }", n % 100 + 1),
    "inline fragments": lambda n: (
        "{" + repeat("... on Query { me { ... on User { id } } }", n % 400 + 1) + "}"
    ),
    "aliases": lambda n: "{" + repeat("a%d: projects(first: 1) { totalCount }", n % 60 + 1) + "}",
    "variables": lambda n: "query (" + repeat("$v%d: Int = 1", n % 100 + 1) + ") { __typename }",
    "operations": lambda n: repeat("query Q%d { me { id } }", n % 20 + 1),
    "directives": lambda n: "{" + repeat("__typename @skip(if: false)", n % 60 + 1) + "}",
    "comments": lambda n: "{ __typename " + "#x\n" * (8 * n) + "}",
    "long string": lambda n: '{ projects(after: "' + "\\u0041" * (4 * n) + '") { totalCount } }',
}


Q2 = """{ projects(first: 20, orderBy: CREATED_AT_ASC) { nodes { id name status
  sessions(first: 10, orderBy: CREATED_AT_ASC) { nodes { id name status createdAt
    comparisons { nodes { id state alignmentScore
      analysisResults { nodes { id aiModelUsed drawingName success } }
      oldDrawing { id drawingName } newDrawing { id drawingName } } }
    user { id fullName } } } } } }"""
"""The deep query to which signed-in documents are compared: 7,860 leaves."""


def leaves(node: Any) -> str:
    """All fields of a type that have no selection and need no argument."""
    return " ".join(
        name
        for name, field in node.fields.items()
        if is_leaf_type(get_named_type(field.type))
        and not any(map(is_required_argument, field.args.values()))
    )


def connections(parent: Any) -> Iterator[tuple[str, Any]]:
    """The fields of a type that are pages and need no argument, with the type of their items."""
    for name, field in parent.fields.items():
        connection = get_named_type(field.type)
        if connection.name.endswith("Connection") and not any(map(is_required_argument, field.args.values())):
            yield name, get_named_type(connection.fields["nodes"].type)


def relations(parent: Any) -> Iterator[tuple[str, Any]]:
    """The fields of a type that are one object with pages of its own, which many items may share."""
    for name, field in parent.fields.items():
        kind = get_named_type(field.type)
        is_many = kind.name.endswith("Connection") or is_list_type(get_nullable_type(field.type))
        if hasattr(kind, "fields") and not is_many and not field.args and any(connections(kind)):
            yield name, kind


def signed_in(schema: GraphQLSchema) -> dict[str, Shape]:
    """Every page of items, of items of items, and of the objects of items, with all leaves, so many times."""
    shapes: dict[str, Shape] = {}

    def document(selection: str, count: int) -> str:
        return "{" + repeat(f"a%d: {selection}", count % 60 + 1) + "}"

    for root, node in connections(schema.query_type):
        own = f"{root}(first: 100) {{ nodes {{ {leaves(node)} }} }}"
        shapes[root] = partial(document, own)
        for field, item in connections(node):
            page = f"{field}(first: 100) {{ nodes {{ {leaves(item)} }} }}"
            shapes[f"{root} > {field}"] = partial(document, f"{root}(first: 100) {{ nodes {{ {page} }} }}")
        for relation, owner in relations(node):
            for field, item in connections(owner):
                page = f"{relation} {{ {field}(first: 100) {{ nodes {{ {leaves(item)} }} }} }}"
                shapes[f"{root} > {relation} > {field}"] = partial(
                    document, f"{root}(first: 100) {{ nodes {{ {page} }} }}"
                )
    return shapes

"""Sizes of documents, exactly: a limit of that size accepts them, one less refuses them by name."""

from dataclasses import replace
from typing import Any

import pytest
from graphql import build_schema, get_named_type, parse

from schema.framework import list_sizes
from schema.framework.list_sizes import (
    declared_maximum,
    introspection_sizes,
    maximum_in,
    takes_password,
    wrappers,
)
from schema.framework.operation_size import (
    InvalidDirective,
    Limits,
    OperationAnalyzer,
    QueryTooComplex,
    SelectionSize,
    count_values,
)

SCHEMA = build_schema("""
directive @stream(initialCount: Int = 0, if: Boolean = true) on FIELD
directive @defer(if: Boolean = true) on FRAGMENT_SPREAD | INLINE_FRAGMENT
type Query { hello(name: String): String! box: Box boxes: [Box!]! page(first: Int, last: Int): BoxConnection
  "At most 1,200 boxes." few(limit: Int): [Box!]! several(ids: [ID!]!): [Box!]! nodes(ids: [ID!]!): [Box]! }
type Mutation { signIn(input: SignIn!): Box open(id: ID!): Box }
type Subscription { boxAdded: Box }
input SignIn { login: String! password: String! }
type Box { id: ID! box: Box boxes: [Box!] page(first: Int, last: Int): BoxConnection! }
type BoxConnection { nodes: [Box!]! edges: [BoxEdge!]! totalCount: Int! }
type BoxEdge { node: Box! }
""")
FIELDS = SCHEMA.query_type.fields if SCHEMA.query_type else {}


def check(document: str, sent: dict[str, Any] | None = None, **limits: int) -> int:
    return OperationAnalyzer(SCHEMA, parse(document), sent or {}, replace(Limits(), **limits)).check()


def refusal(document: str, sent: dict[str, Any] | None = None, **limits: int) -> str:
    with pytest.raises(QueryTooComplex) as refused:
        check(document, sent, **limits)
    return str(refused.value)


FRAGMENTS = """{ box { ...A ...A } }
    fragment A on Box { id @skip(if: false) boxes { b: id ...B } }
    fragment B on Box { id }"""


@pytest.mark.parametrize(
    ("limit", "document", "size"),
    [
        ("operations", "query A { hello } query B { hello }", 2),
        ("fragments", FRAGMENTS, 2),
        ("variables", "query ($a: Int, $b: Int, $c: Int) { hello }", 3),
        ("nesting", "{ box { box { id } } }", 3),
        ("nesting", "{ ... { box { ... { id } } } }", 4),
        ("nesting", FRAGMENTS, 5),
        ("depth", "{ hello }", 1),
        ("depth", "{ __typename }", 0),
        ("depth", "{ ... { box { box { id } } } hello }", 3),
        ("depth", "{ hello box { box { id } } }", 3),
        ("depth", FRAGMENTS, 3),
        ("depth", "{ __schema { types { fields { name } } } }", 0),
        ("fields", "{ hello a: hello box { id } }", 4),
        ("fields", FRAGMENTS, 9),  # the box, and twice id, boxes, b and id
        ("fields", "{ __schema { types { name kind } } }", 4),
        ("repeats", "{ hello hello a: hello hello }", 3),
        ("repeats", "{ box { id } box { id id } }", 3),
        ("repeats", "{ a: box { id } b: box { id } }", 1),
        ("repeats", FRAGMENTS, 2),
        ("aliases", "{ a: hello b: box { c: id id } }", 3),
        ("aliases", FRAGMENTS, 2),
        ("aliases", "{ a: __schema { b: types { c: name } } }", 3),
        ("directives", "{ hello @skip(if: false) @include(if: true) ... @skip(if: false) { hello } }", 3),
        ("directives", FRAGMENTS, 2),
        ("directives", "{ __schema @skip(if: false) { types @skip(if: false) { name } } }", 2),
        ("reads", "{ hello box { box { id } page { nodes { id } edges { node { id } } } } }", 3),
        ("reads", FRAGMENTS, 3),
        (
            "passwords",
            'mutation { a: signIn(input: {login: "", password: ""}) { id } open(id: 1) { id } }',
            1,
        ),
        ("cost", "{ box { id } }", 1),
        ("cost", "{ hello }", 0),
        ("cost", FRAGMENTS, 21),
        ("cost", "{ boxes { boxes { id } } }", 110),
        ("cost", "{ page { nodes { id } } }", 50),
        ("cost", "{ page { totalCount } }", 25),
        ("cost", "{ page { edges { node { id } } } }", 75),
        ("cost", "{ page(first: 3) { nodes { id } } }", 6),
        ("cost", "{ page(last: 3) { nodes { id } } }", 6),
        ("cost", "{ page(last: 0) { nodes { id } } }", 2),
        ("cost", "{ page(first: 100) { nodes { id } } }", 200),
        ("cost", "{ page(first: 101) { nodes { id } } }", 200),
        ("cost", "{ page(first: null) { nodes { id } } }", 50),
        ("cost", "{ few { id } }", 1200),
        ("cost", "{ few(limit: 5) { id } }", 5),
        ("cost", "{ few(limit: 5000) { id } }", 1200),
        ("cost", "{ several(ids: [1, 2, 3]) { id } }", 3),
        ("cost", "{ several(ids: 1) { id } }", 1),
        ("cost", "{ nodes(ids: [1, 2]) { id } }", 2),
        ("cost", "{ unknown { id } }", 0),
        ("cost", "{ unknown { ... on Box { box { id } } } }", 1),
        ("cost", "query A { box { id } } query B { boxes { id } }", 10),
        ("introspection", "{ __schema { queryType { name } } }", 7),
    ],
)
def test_a_limit_is_the_largest_size_that_is_accepted(limit: str, document: str, size: int) -> None:
    check(document, None, **{limit: size})
    if size:
        assert (
            refusal(document, None, **{limit: size - 1})
            == f"Query {limit} {size} exceeds the limit of {size - 1}."
        )


@pytest.mark.parametrize(
    ("document", "variables", "cost"),
    [
        ("query ($n: Int) { page(first: $n) { totalCount } }", {"n": 7}, 7),
        ("query ($n: Int = 4) { page(first: $n) { totalCount } }", {"n": 7}, 7),
        ("query ($n: Int = 4) { page(last: $n) { totalCount } }", {}, 4),
        ("query ($n: Int = 4) { page(last: $n) { totalCount } }", {"n": None}, 25),
        ("query ($n: Int) { page(last: $n) { totalCount } }", {"n": "x"}, 25),
        ("query ($n: Int) { page(last: $n) { totalCount } }", {}, 25),
        ("query ($ids: [ID!]!) { several(ids: $ids) { id } }", {"ids": [1, 2, 3, 4]}, 4),
        ("query ($ids: [ID!]!) { several(ids: $ids) { id } }", {"ids": 1}, 1),
        ("query ($ids: [ID!]!) { several(ids: $ids) { id } }", {}, 1),
    ],
)
def test_sizes_of_pages_may_be_variables(document: str, variables: dict[str, Any], cost: int) -> None:
    assert check(document, variables) == cost


def test_the_cost_is_that_of_the_dearest_operation() -> None:
    assert check("query A { boxes { id } } query B { box { id } }") == 10
    assert check("fragment A on Box { id }") == 0


def test_fragments_are_measured_in_each_operation() -> None:
    shared = "fragment A on Query { page(first: $n) { totalCount } }"
    document = f"query X($n: Int = 2) {{ ...A }} query Y($n: Int = 9) {{ ...A }} {shared}"

    assert check(document) == 9


def test_fragments_that_spread_themselves_or_are_unknown_have_no_size() -> None:
    assert (
        check("{ box { ...A } } fragment A on Box { id box { ...B } } fragment B on Box { id box { ...A } }")
        == 3
    )
    assert check("{ box { ...Z } }") == 1


def test_spreading_is_bounded_by_four_times_the_fields() -> None:
    document = "{ ...A ...A ...A ...A ...A } fragment A on Query { ...B } fragment B on Query { __typename }"

    # Five spreads of A, each with a spread of B and its field.
    check(document, fields=5)
    assert refusal(document + " fragment C on Query { hello }", fields=5, repeats=4) == (
        "Query repeats 5 exceeds the limit of 4."
    )
    empty = "{ ...A ...A ...A ...A ...A } fragment A on Query { ...B ...B ...B } fragment B on Query { ...C }"
    check(empty, fields=9)
    assert refusal(empty, fields=8) == "Query selections 33 exceeds the limit of 32."
    more = empty.replace("{ ...A", "{ ...Z ...Z ...A", 1)  # 37 in all
    assert refusal(more, fields=9) == "Query selections 37 exceeds the limit of 36."


@pytest.mark.parametrize(
    ("value", "size"),
    [({}, 1), ({"a": 1}, 2), ({"a": [1, 2, {"b": None}]}, 6), ({"a": "text"}, 2), ([[], []], 3)],
)
def test_values_of_variables_are_counted(value: Any, size: int) -> None:
    assert count_values(value, 100) == size
    if isinstance(value, dict):
        check("{ hello }", value, values=size)
        assert refusal("{ hello }", value, values=size - 1).startswith("Query values in variables ")


def test_counting_values_stops_past_the_limit() -> None:
    assert count_values([0] * 50, 10) == 41
    assert count_values({"a": [0] * 50}, 10) == 42


def stream(
    arguments: str, variables: dict[str, Any] | None = None, kind: str = "query", head: str = ""
) -> Any:
    field = "boxes" if kind == "query" else "boxAdded"
    try:
        return check(f"{kind} {head} {{ {field} @stream{arguments} {{ id }} }}", variables)
    except InvalidDirective as fault:
        return str(fault), fault.path


NEGATIVE = ("initialCount must be 0 or more.", ["initialCount"])


@pytest.mark.parametrize(
    ("arguments", "head", "variables", "expected"),
    [
        ("", "", {}, 10),
        ("(initialCount: 0)", "", {}, 10),
        ("(initialCount: 1)", "", {}, 10),
        ("(initialCount: -1)", "", {}, NEGATIVE),
        ("(initialCount: null)", "", {}, NEGATIVE),
        ("(initialCount: $n)", "($n: Int)", {"n": None}, NEGATIVE),
        ("(initialCount: $n)", "($n: Int)", {"n": -2}, NEGATIVE),
        ("(initialCount: $n)", "($n: Int)", {"n": 2}, 10),
        ("(initialCount: $n)", "($n: Int = null)", {}, NEGATIVE),
        ("(initialCount: $n)", "($n: Int = null)", {"n": 1}, 10),
        ("(initialCount: $n)", "($n: Int = -1)", {}, NEGATIVE),
        ("(initialCount: $n)", "($n: Int)", {}, 10),
    ],
)
def test_streams_begin_with_no_negative_number(
    arguments: str, head: str, variables: dict[str, Any], expected: Any
) -> None:
    assert stream(arguments, variables, head=head) == expected
    assert stream(f"{arguments} @skip(if: false)", variables, head=head) == expected


@pytest.mark.parametrize(
    ("arguments", "head", "variables", "is_refused"),
    [
        ("", "", {}, True),
        ("(if: true)", "", {}, True),
        ("(if: false)", "", {}, False),
        ("(if: $on)", "($on: Boolean)", {"on": False}, False),
        ("(if: $on)", "($on: Boolean)", {"on": True}, True),
        ("(if: $on)", "($on: Boolean = false)", {}, False),
        ("(if: $on)", "($on: Boolean = true)", {}, True),
        ("(if: $on)", "($on: Boolean = true)", {"on": False}, False),
        ("(if: $on)", "($on: Boolean)", {}, True),
    ],
)
def test_subscriptions_are_not_delivered_in_parts(
    arguments: str, head: str, variables: dict[str, Any], is_refused: bool
) -> None:
    refused = ("@stream is not supported in subscriptions.", ["if"])

    assert stream(arguments, variables, "subscription", head) == (refused if is_refused else 1)
    document = f"subscription {head} {{ boxAdded {{ ... @defer{arguments} {{ id }} }} }}"
    if is_refused:
        with pytest.raises(InvalidDirective, match=r"^@defer is not supported in subscriptions\.$"):
            check(document, variables)
    else:
        check(document, variables)
    assert check("subscription { boxAdded @skip(if: false) { id } }") == 1


def test_the_published_limits_hold() -> None:
    assert Limits() == Limits(
        characters=50_000,
        tokens=6_000,
        operations=20,
        fragments=100,
        variables=100,
        values=20_000,
        nesting=50,
        depth=15,
        fields=1_500,
        repeats=50,
        aliases=60,
        directives=60,
        reads=250,
        passwords=2,
        cost=400_000,
        introspection=80_000,
        page=25,
        largest=100,
        items=10,
        result=60_000,
        rows=25_000,
    )


def test_sizes_add_up_except_for_the_depth() -> None:
    one, other = SelectionSize(1, 2, 3, 4, 5, 6, 7, 8.5), SelectionSize(3, 10, 20, 30, 40, 50, 60, 70)

    assert one + other == other + one == SelectionSize(3, 12, 23, 34, 45, 56, 67, 78.5)


@pytest.mark.parametrize(
    ("description", "maximum"),
    [
        ("At most 12 of them.", 12),
        ("The items, at most 1,200.", 1200),
        ("Maximum 7.", 7),
        ("Items. Default 25, maximum 100.", 100),
        ("The mostly 12.", None),
        ("Atmost 12", None),
        ("", None),
    ],
)
def test_descriptions_declare_maxima(description: str, maximum: int | None) -> None:
    assert maximum_in(description) == maximum


def test_definitions_say_what_they_hold() -> None:
    assert (declared_maximum(FIELDS["few"]), declared_maximum(FIELDS["boxes"])) == (1200, None)
    mutations = SCHEMA.mutation_type.fields if SCHEMA.mutation_type else {}
    assert [name for name, field in mutations.items() if takes_password(field)] == ["signIn"]
    assert [wrappers(FIELDS[name].type) for name in ("box", "hello", "boxes")] == [0, 1, 3]
    assert get_named_type(FIELDS["boxes"].type).name == "Box"


def test_introspection_counts_what_a_schema_holds() -> None:
    small = build_schema("""
    type Query { a(x: Int!, y: [Int!]!): [Pet!]! b: String }
    interface Named { name: String! }
    type Pet implements Named { name: String! }
    enum Kind { CAT DOG BIRD }
    input Choice { kind: Kind limit: Int! }
    """)
    sizes = introspection_sizes(small)
    kinds = list(small.type_map.values())
    outputs = [kind for kind in kinds if kind.name != "Choice"]
    fields = [field for kind in outputs for field in getattr(kind, "fields", {}).values()]
    arguments = sum(len(field.args) for field in fields)

    assert sizes["__Schema", "types"] == len(kinds)
    assert sizes["__Schema", "directives"] == len(small.directives)
    assert sizes["__Type", "fields"] == len(fields) / len(kinds)
    assert sizes["__Type", "inputFields"] == 2 / len(kinds)
    values = sum(len(kind.values) for kind in kinds if hasattr(kind, "values"))
    assert sizes["__Type", "enumValues"] == values / len(kinds)
    assert sizes["__Type", "interfaces"] == 1 / len(kinds)
    assert sizes["__Field", "args"] == arguments / len(fields)
    assert (sizes["__Type", "possibleTypes"], sizes["__Directive", "args"]) == (0.5, 3)
    wrapped = sum(wrappers(field.type) for field in fields) + 1  # and `limit: Int!`
    assert sizes["__Type", "ofType"] == wrapped / (wrapped + len(fields) + 2)
    largest = max(
        sum(1 + len(field.args) for field in getattr(kind, "fields", {}).values()) for kind in outputs
    )
    assert sizes["", "__type"] == largest / ((len(fields) + arguments) / len(kinds))
    assert introspection_sizes(small) is sizes
    assert {
        *("__Schema", "__Type", "__Field", "__InputValue", "__EnumValue", "__Directive", "__TypeKind"),
        "__DirectiveLocation",
    } == list_sizes.INTROSPECTION

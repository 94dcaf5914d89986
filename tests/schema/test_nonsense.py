"""Nonsense of every kind in every argument and directive: always a coded refusal, never an internal error."""

import io
import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from graphql import GraphQLInputObjectType, get_named_type, get_nullable_type, is_list_type
from starlette.datastructures import UploadFile
from strawberry import relay
from strawberry.types import ExecutionResult

from db.ids import new_id
from schema.framework.decorators import STORED_TYPES
from tests.conftest import People
from tests.graphql_client import Client
from tests.isolation.generated_operations import Ids, fitting_value, root, selection_of

LITERALS = (
    "1e400",
    "-" + "9" * 5_000,
    "9" * 400,
    '"\\u0000"',
    '"text"',
    '""',
    "NO_SUCH",
    "null",
    "true",
    "-1",
    "1.5",
    "{}",
    "[]",
    "[[null]]",
    "[null]",
    "{unheardOf: {a: [1e400]}}",
    "$unset",
    "[$unset, {a: $unset}]",
    '"""\n\\uD800 \x7f"""',
)
VALUES: tuple[Any, ...] = (
    float("inf"),
    10**300,
    2**64,
    -1,
    1.5,
    1e300,
    "",
    "\x00",
    "a\ud800",
    "x" * 100_000,
    None,
    True,
    {},
    [],
    [[None]],
    {"unheardOf": 1},
    [[[[[]]]]],
    UploadFile(io.BytesIO(b"x"), filename="\x00"),
    UploadFile(io.BytesIO(b""), filename=None),
)
ROOTS = [
    (operation, name)
    for operation in ("Query", "Mutation", "Subscription")
    for name in sorted(root(operation))
]

Steps = tuple[str, ...]


@pytest.fixture(scope="module")
def ids() -> Ids:
    """Well-formed IDs of objects that do not exist."""
    return {name: relay.to_base64(name, str(new_id())) for name in STORED_TYPES}


def places(name: str, fields: Any, steps: Steps = ()) -> Iterator[tuple[Steps, Any]]:
    """Every argument and input field below these, with its type."""
    for key, each in fields.items():
        yield (*steps, key), each.type
        bare = get_named_type(each.type)
        if isinstance(bare, GraphQLInputObjectType) and len(steps) < 4:
            yield from places(name, bare.fields, (*steps, key))


def literal(value: Any) -> str:
    """A value as GraphQL text."""
    match value:
        case dict():
            return "{" + ", ".join(f"{key}: {literal(part)}" for key, part in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(literal, value)) + "]"
        case Raw():
            return value.text
        case str():
            return value if value.isupper() and value.replace("_", "").isalpha() else f'"{value}"'
        case bool() | None:
            return {True: "true", False: "false", None: "null"}[value]
    return str(value)


class Raw:
    """A literal as it stands in the document."""

    def __init__(self, text: str) -> None:
        self.text = text


def plant(name: str, fields: Any, steps: Steps, value: Any, ids: Ids) -> dict[str, Any]:
    """Arguments that fit, but for the value at these steps."""
    arguments = {
        key: fitting_value(name, key, each.type, ids) for key, each in fields.items() if is_required(each)
    }
    key, *rest = steps
    if not rest:
        return {**arguments, key: value}
    bare = get_nullable_type(fields[key].type)
    inner = plant(name, get_named_type(bare).fields, tuple(rest), value, ids)
    return {**arguments, key: [inner] if is_list_type(bare) else inner}


def is_required(each: Any) -> bool:
    """Whether an argument or input field must be arguments."""
    return get_nullable_type(each.type) is not each.type and each.default is None


async def codes(client: Client, operation: str, document: str, variables: dict[str, Any]) -> set[str]:
    """The codes of all errors of the first answer."""
    if operation == "Subscription":
        async with client.watch(document, **variables) as results:
            result = await anext(aiter(results))
    else:
        result = await client.send(document, **variables)
    assert isinstance(result, ExecutionResult)
    errors = [error.extensions or {} for error in result.errors or ()]
    return {str(each.get("code")) for each in errors}


@pytest.mark.parametrize(("operation", "name"), ROOTS)
async def test_no_argument_causes_an_internal_error(
    graphql: Client, people: People, ids: Ids, operation: str, name: str
) -> None:
    client, field = graphql.of(people.user), root(operation)[name]
    head, answer = operation.lower(), selection_of(get_named_type(field.type))
    turns = itertools.count(sum(map(ord, name)))
    problems = []
    for steps, kind in places(name, field.args):
        first = steps[0]
        for _ in range(2):
            turn = next(turns)
            text, value = LITERALS[turn % len(LITERALS)], VALUES[turn % len(VALUES)]
            arguments = plant(name, field.args, steps, Raw(text), ids)
            passed = ", ".join(f"{key}: {literal(part)}" for key, part in arguments.items())
            variable = f"($unset: {get_named_type(kind)})" if "$unset" in text else ""
            seen = await codes(client, operation, f"{head} {variable} {{ {name}({passed}){answer} }}", {})
            if "INTERNAL_SERVER_ERROR" in seen or "None" in seen:
                problems.append((steps, text[:20], seen))
            declared = f"${first}: {field.args[first].type}"
            others = ", ".join(f"{key}: {literal(part)}" for key, part in arguments.items() if key != first)
            document = f"{head} ({declared}) {{ {name}({first}: ${first}, {others}){answer} }}"
            variables = {first: plant(name, field.args, steps, value, ids)[first]}
            seen = await codes(client, operation, document, variables)
            if "INTERNAL_SERVER_ERROR" in seen or "None" in seen:
                problems.append((steps, str(value)[:20] if not isinstance(value, int) else "int", seen))
    assert problems == []


NO_STREAM = [("BAD_USER_INPUT", ("initialCount",))]
DIRECTIVES: list[tuple[str, dict[str, Any], Any]] = [
    ("{ recentSessions @stream(initialCount: -1) { id } }", {}, NO_STREAM),
    ("{ recentSessions @stream(initialCount: null) { id } }", {}, NO_STREAM),
    ("query ($n: Int!) { recentSessions @stream(initialCount: $n) { id } }", {"n": -1}, NO_STREAM),
    ("query ($n: Int! = -5) { recentSessions @stream(initialCount: $n) { id } }", {}, NO_STREAM),
    (
        "{ recentSessions { id ...F } } fragment F on DrawingSession { comparisonCounts"
        " @stream(initialCount: -1) { count } }",
        {},
        NO_STREAM,
    ),
    (
        "query ($n: Int!) { recentSessions @stream(initialCount: $n) { id } }",
        {"n": None},
        NO_STREAM,
    ),
    (
        "query ($n: Int!) { recentSessions @stream(initialCount: $n) { id } }",
        {"n": 1.5},
        [("BAD_USER_INPUT", ("n",))],
    ),
    (
        "query ($on: Boolean!) { ... @defer(if: $on) { __typename } }",
        {"on": None},
        [("BAD_USER_INPUT", ("on",))],
    ),
    *(
        (document, {}, [("GRAPHQL_VALIDATION_FAILED", ())])
        for document in (
            "{ recentSessions @stream(initialCount: 1e400) { id } }",
            "{ recentSessions @stream(if: null) { id } }",
            "{ ... @defer(if: null) { __typename } }",
            "{ me @stream { id } }",
            '{ a: me { ... @defer(label: "x") { id } } b: me { ... @defer(label: "x") { id } } }',
            "query ($x: String) { ... @defer(label: $x) { __typename } }",
            "{ me { id @include(if: null) } }",
            "{ me { id @skip(if: 1) } }",
            "{ me { id @unheardOf } }",
        )
    ),
]


@pytest.mark.parametrize(("document", "variables", "refused"), DIRECTIVES)
async def test_directives_with_odd_arguments_are_refused(
    graphql: Client,
    people: People,
    document: str,
    variables: dict[str, Any],
    refused: list[tuple[str, tuple[str, ...]]],
) -> None:
    assert await graphql.of(people.user).refusals(document, **variables) == refused


async def test_subscriptions_are_not_delivered_in_parts(graphql: Client, people: People, ids: Ids) -> None:
    document = """subscription ($on: Boolean!, $id: ID!) {
      jobProgress(id: $id) { id ... @defer(if: $on) { __typename } } }"""

    async def codes(on: bool) -> set[str]:
        async with graphql.of(people.user).watch(document, on=on, id=ids["ProcessingJob"]) as results:
            result = await anext(aiter(results))
        return {str((error.extensions or {}).get("code")) for error in result.errors or ()}

    assert await codes(True) == {"BAD_USER_INPUT"}
    assert await codes(False) == {"NOT_FOUND"}


async def test_what_is_no_file_is_no_upload(graphql: Client, people: People) -> None:
    client = graphql.of(people.user)
    with_variable = "mutation ($file: Upload!) { fileUpload(file: $file) { errors { code } } }"
    literal = 'mutation { fileUpload(file: "x") { errors { code } } }'

    assert await client.refusals(literal) == [("BAD_USER_INPUT", ("file",))]
    values: list[Any] = ["x", 1, {}, [], [UploadFile(io.BytesIO(b"x"))], True, 1.5, None]
    for value in values:
        assert await client.refusals(with_variable, file=value) == [("BAD_USER_INPUT", ("file",))]

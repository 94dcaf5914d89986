"""Values that make no sense: every mutation refuses each of them with code and path, and changes nothing."""

from collections.abc import Iterator
from typing import Any

import pytest
from graphql import GraphQLEnumType, GraphQLInputObjectType, get_nullable_type, is_list_type
from strawberry import relay

from db.ids import new_id
from tests.conftest import Unchanged
from tests.factories import Fixture
from tests.graphql_client import Client, Refusal
from tests.isolation.conftest import Neighbours
from tests.isolation.generated_operations import Ids, fitting_value, operation_with_variables, root
from tests.isolation.test_access import PLATFORM_ONLY

Steps = tuple[str | int, ...]

MUTATIONS = sorted(set(root("Mutation")) - {"fileUpload", "userSignOut"})
"""Those whose input is JSON alone; a token that nobody has is signed out already."""

LONG = "x" * 200_001
WRONG: dict[str, list[Any]] = {
    "String": ["\x00", "a\ud800", LONG, 5],
    "ID": ["", "noise", "\x00", LONG, 5],
    "JSON": [{"text": "\x00"}, {"\ud800": 1}, {"text": "x" * 1_000_000}],
    "DateTime": ["yesterday", "10000-01-01T00:00:00Z", "2026-13-01T00:00:00Z", 5],
    "Date": ["yesterday", "10000-01-01", 5],
    "Boolean": ["true", 1],
    "Int": ["1", 1.5, 2**31],
    "Float": ["1"],
    "BigInt": [2**63, "x"],
}
"""Values that nothing of the type is, or that no column holds."""

EARLIER: dict[str, set[tuple[str, ...]]] = {
    "crawlJobCreate": {("input", "sources", "0")},
    "datasetPush": {("input", "exportJobId")},
    "historicalDataImport": {("input", "uploadId")},
    "invitationAccept": {("input", "token")},
    "reportGenerate": {("input",)},
    "savedReportCreate": {("input", "reportId")},
    "requirementExportCreate": {
        *(("input", "requirements", kind, "0", "name") for kind in ("props", "events", "states")),
        ("input", "requirements", "accessibility", "0", "requirement"),
    },
    "secondFactorVerify": {("input", "challenge")},
    "totpDisable": {("input", "password")},
    "userSignIn": {("input", "password")},
}
"""What mutations refuse of what else is given, before they look at the value."""

CODES = {"BAD_USER_INPUT", "CONFLICT", "INVALID", "UNAUTHENTICATED", "UNSUPPORTED"}

Place = tuple[Steps, Any]
"""Where a value goes, and its type."""


def places(name: str) -> Iterator[Place]:
    """Every argument of the mutation, every field of its inputs, and the first item of every list."""
    for argument, each in root("Mutation")[name].args.items():
        yield from within((argument,), each.type)


def within(steps: Steps, kind: Any) -> Iterator[Place]:
    bare = get_nullable_type(kind)
    yield steps, bare
    if is_list_type(bare):
        yield from within((*steps, 0), bare.of_type)
    elif isinstance(bare, GraphQLInputObjectType):
        for field, each in bare.fields.items():
            yield from within((*steps, field), each.type)


def wrong(name: str, steps: Steps, kind: Any, ids: Ids) -> list[Any]:
    """Values that do not belong there."""
    if is_list_type(kind):
        word = next(step for step in reversed(steps) if isinstance(step, str))
        return [[fitting_value(name, word, kind.of_type, ids)] * 101]
    if isinstance(kind, GraphQLInputObjectType):
        return ["text", {"unheardOf": 1}]
    if isinstance(kind, GraphQLEnumType):
        return ["NO_SUCH_VALUE", 5]
    others = [relay.to_base64("Permission", str(new_id()))] if kind.name == "ID" else []
    return WRONG[kind.name] + others


def plant(name: str, fields: Any, values: Any, steps: Steps, value: Any, ids: Ids) -> dict[str, Any]:
    """What is given, with this value at these steps, and with what must be around it."""
    field, *rest = steps
    return {**values, field: around(name, field, fields[field].type, values.get(field), rest, value, ids)}


def around(name: str, field: Any, kind: Any, values: Any, steps: Any, value: Any, ids: Ids) -> Any:
    """The same for what a field of this type is given."""
    bare = get_nullable_type(kind)
    if not steps:
        return value
    if is_list_type(bare):
        return [around(name, field, bare.of_type, values[0] if values else None, steps[1:], value, ids)]
    return plant(name, bare.fields, values or fitting_value(name, field, bare, ids), steps, value, ids)


@pytest.mark.parametrize("name", MUTATIONS)
async def test_a_mutation_refuses_what_makes_no_sense(
    graphql: Client, platform: Fixture, neighbours: Neighbours, assert_unchanged: Unchanged, name: str
) -> None:
    ids = neighbours.ids
    client = graphql.of(platform if name in PLATFORM_ONLY else neighbours.owner)
    _, variables = operation_with_variables("Mutation", name, ids)
    arguments = root("Mutation")[name].args
    declared = ", ".join(f"${argument}: {each.type}" for argument, each in arguments.items())
    passed = ", ".join(f"{argument}: ${argument}" for argument in arguments)
    document = f"mutation ({declared}) {{ {name}({passed}) {{ errors {{ code path }} }} }}"

    problems = []
    async with assert_unchanged(but=("platform.sign_in_attempts",)):
        for steps, kind in places(name):
            for value in wrong(name, steps, kind, ids):
                values = plant(name, arguments, variables, steps, value, ids)
                refused = await client.refusals(document, **values)
                if not refused or not all(fits(name, refusal, steps) for refusal in refused):
                    problems.append((steps, str(value)[:30], refused))
    assert problems == []


def fits(name: str, refusal: Refusal, steps: Steps) -> bool:
    """Whether it is about what is at these steps, or in it."""
    code, path = refusal
    here = path[: len(steps)] == tuple(map(str, steps))
    return code in CODES and (here or path in EARLIER.get(name, set()))

"""Operation limits of the contract: honest operations and those of tools pass, attacks do not."""

from dataclasses import replace

import pytest
from graphql import GraphQLError, get_introspection_query
from strawberry.types import ExecutionResult

from schema.contract import Contract, make_schema
from schema.framework.introspection_cache import EncodedData
from schema.framework.operation_size import Limits
from tests.conftest import People, Save
from tests.factories.knowledge import a_chunk, a_document
from tests.graphql_client import Client

ATTACK = """__schema{types{name description kind specifiedByURL fields(includeDeprecated:true){name
description isDeprecated deprecationReason args(includeDeprecated:true){name description isDeprecated
deprecationReason
defaultValue type{kind name}}type{kind name}}}}"""
CHUNKS = "documents(first: 100) { nodes { id chunks(first: 100) { nodes { id content } } } }"
DEEP = """{ projects(first: 20, orderBy: CREATED_AT_ASC) { nodes { id name status
  sessions(first: 10, orderBy: CREATED_AT_ASC) { nodes { id name status createdAt
    comparisons { nodes { id state alignmentScore
      analysisResults { nodes { id aiModelUsed drawingName success } }
      oldDrawing { id drawingName } newDrawing { id drawingName } } }
    user { id fullName } } } } } }"""

TOOLS = {
    "plain": get_introspection_query(),
    "no descriptions": get_introspection_query(descriptions=False),
    "everything": get_introspection_query(
        specified_by_url=True,
        directive_is_repeatable=True,
        schema_description=True,
        input_value_deprecation=True,
    ),
    "eleven levels of wrapping": get_introspection_query().replace(
        "ofType {\n    kind",
        "ofType { kind name ofType { kind name ofType { kind name } } }\n ofType {\n kind",
        1,
    ),
}


def with_aliases(selection: str, times: int) -> str:
    """A document that selects the same several times."""
    return "{" + " ".join(f"a{n}: {selection}" for n in range(times)) + "}"


@pytest.mark.parametrize("tool", TOOLS)
async def test_introspection_by_tools_is_answered_and_then_from_the_cache(
    contract: Contract, graphql: Client, tool: str
) -> None:
    first = await graphql.send(TOOLS[tool])
    second = await contract.execute(TOOLS[tool])

    assert isinstance(second, ExecutionResult)
    assert (first.errors, second.errors) == (None, None)
    assert isinstance(second.data, EncodedData)
    assert second.data.decoded == first.data
    assert {"name": "Query"}.items() <= second.data["__schema"]["queryType"].items()


async def test_introspection_sixty_times_over_is_refused(graphql: Client) -> None:
    assert await graphql.refusals(with_aliases(ATTACK, 60)) == [("QUERY_TOO_COMPLEX", ())]


async def test_introspection_counts_by_the_sizes_of_the_schema(graphql: Client) -> None:
    types = len(graphql.schema._schema.type_map)

    assert (await graphql.send(with_aliases("__schema { types { name } }", 20))).errors is None
    (error,) = (await graphql.send(with_aliases("__schema { types { name kind } }", 60))).errors or [
        GraphQLError("none")
    ]
    assert error.message == f"Query introspection {60 * (5 + 3 * types)} exceeds the limit of 80000."


async def test_forty_lists_of_lists_are_refused_and_the_longest_honest_operation_is_not(
    graphql: Client, people: People
) -> None:
    admin = graphql.of(people.admin)

    assert await admin.refusals(with_aliases(CHUNKS, 40)) == [("QUERY_TOO_COMPLEX", ())]
    assert (await admin.send(DEEP)).extensions == {"cost": {"requested": 270_640, "limit": 400_000}}


async def test_an_operation_reads_a_limited_number_of_rows(
    graphql: Client, save: Save, people: People
) -> None:
    documents = [a_document(people.admin) for _ in range(3)]
    await save(*(a_chunk(document, chunk_index=n) for document in documents for n in range(5)))
    query = "{ documents(first: 100) { nodes { id chunks(first: 100) { nodes { id %s } } } } }"

    async def refused(limit: int, field: str = "") -> bool:
        settings = graphql.services.settings.model_copy(update={"query_rows": limit})
        client = Client(replace(graphql.services, settings=settings), graphql.schema, user_id=people.admin.id)
        result = await client.send(query % field)
        assert not result.errors or result.errors[0].extensions == {"code": "EXHAUSTED"}
        return bool(result.errors)

    only_ids, with_text = 3 + 15, 3 + 15 * 2
    assert [await refused(limit) for limit in (only_ids - 1, only_ids)] == [True, False]
    assert [await refused(limit, "content") for limit in (with_text - 1, with_text)] == [True, False]


async def test_the_limits_can_be_set(graphql: Client, people: People) -> None:
    client = Client(graphql.services, make_schema(Limits(cost=1_000)), user_id=people.admin.id)

    assert await client.refusals("{ projects(first: 100) { nodes { sessions { nodes { id } } } } }") == [
        ("QUERY_TOO_COMPLEX", ())
    ]

"""What operations cost: as many statements for one object as for many."""

import itertools
from typing import Any

import pytest
import pytest_asyncio
from graphql import (
    GraphQLField,
    GraphQLNamedType,
    GraphQLObjectType,
    get_named_type,
    is_composite_type,
)

from db.models import ProcessingJobType, RoleName
from schema.contract import make_schema
from schema.framework.context import Services
from schema.framework.decorators import STORED_TYPES
from tests import factories
from tests.conftest import Save
from tests.factories import (
    Fixture,
    a_company,
    a_comparison,
    a_job,
    a_project,
    a_session,
    a_user,
    an_analysis,
    an_upload,
)
from tests.factories.everything import everything
from tests.graphql_client import Client

SCHEMA = make_schema()._schema
MANY = 20

DEEP = """query ($count: Int!) { projects(first: $count) { nodes { sessions(first: 5) { nodes { name
  comparisons { nodes { drawingName analysisResults { nodes { success } } } }
  drawings { nodes { drawingName } }
  jobs { nodes { status } } } } } } }"""


def a_full_project(user: Fixture) -> list[Fixture]:
    """A project of two sessions, each with three jobs and two comparisons that were analysed."""
    rows: list[Fixture] = []
    project = a_project(user)
    for _ in range(2):
        session = a_session(user, project)
        comparisons = [a_comparison(session) for _ in range(2)]
        stages = list(ProcessingJobType)[:3]
        rows += [an_analysis(comparison) for comparison in comparisons]
        rows += [a_job(user, session, job_type=stage) for stage in stages]
    return rows


@pytest.mark.parametrize("count", [1, 50])
async def test_a_deep_answer_costs_a_statement_for_each_level(
    graphql: Client, save: Save, count: int
) -> None:
    user = a_user(a_company())
    await save(*itertools.chain.from_iterable(a_full_project(user) for _ in range(count)))

    answer = await graphql.of(user)(DEEP, count=count)

    sessions = [
        session for project in answer["projects"]["nodes"] for session in project["sessions"]["nodes"]
    ]
    assert len(sessions) == 2 * count
    assert [len(session["drawings"]["nodes"]) for session in sessions] == [4] * len(sessions)
    assert [len(session["jobs"]["nodes"]) for session in sessions] == [3] * len(sessions)
    analyses = [
        comparison["analysisResults"]["nodes"]
        for session in sessions
        for comparison in session["comparisons"]["nodes"]
    ]
    assert analyses == [[{"success": True}]] * (4 * count)
    assert len(graphql.statements) == 6


PAGE = """query ($after: String) { projects(first: 1, after: $after) { pageInfo { endCursor } nodes {
  id totalSessions: sessions { totalCount } sessions(last: 1) { nodes { user { fullName }
  conversations { nodes { id } } } } } } }"""


@pytest.mark.parametrize("role", RoleName)
async def test_viewers_of_a_role_send_the_same_statements(
    graphql: Client, save: Save, role: RoleName
) -> None:
    """Ids of the viewer, of objects and of cursors are parameters: statements stay prepared."""
    users = [a_user(a_company(), role) for _ in range(2)]
    await save(*itertools.chain.from_iterable(a_full_project(user) for user in users * 2))
    statements = []
    for user in users:
        after, ids = None, set[str]()
        for _ in range(2):
            projects = (await graphql.of(user)(PAGE, after=after))["projects"]
            after = projects["pageInfo"]["endCursor"]
            statements.append(sorted(graphql.statements))
            ids |= {node["id"] for node in projects["nodes"]}
        assert len(ids) == 2

    first, following = statements[:2]
    assert statements == [first, following] * 2
    assert len(first) == len(following) >= 4
    assert not any("'" in statement for statement in first + following)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def many(services: Services, platform: Fixture) -> dict[str, list[str]]:
    """The ids of twenty objects of every stored type (or all there are), each with its own relations."""
    people = [a_user(platform.company) for _ in range(MANY)]
    made = everything(people)
    made["UploadedFile"] = [an_upload(platform) for _ in range(MANY)]
    made["Company"] = [a_company() for _ in range(MANY)]
    companies = [a_user(company) for company in made["Company"]]
    await factories.save(services.database, *itertools.chain(companies, *made.values()))
    client = Client(services, make_schema(), user_id=platform.id)
    seeded = await client("{ roles { nodes { id } } permissions(first: 20) { nodes { id } } }")
    return {
        **{name: [row.gid for row in rows] for name, rows in made.items()},
        "Role": [node["id"] for node in seeded["roles"]["nodes"]],
        "Permission": [node["id"] for node in seeded["permissions"]["nodes"]],
    }


def fields() -> list[tuple[str, str]]:
    """Every field of every stored type."""
    return [(name, field) for name in STORED_TYPES for field in stored_type(name).fields]


def stored_type(name: str) -> GraphQLObjectType:
    """A type of the contract."""
    found = SCHEMA.get_type(name)
    assert isinstance(found, GraphQLObjectType)
    return found


def selection(name: str, field: GraphQLField) -> str:
    """The field, with as much below it as shows that it was read."""
    return name + below(get_named_type(field.type))


def below(kind: GraphQLNamedType) -> str:
    if not is_composite_type(kind):
        return ""
    if kind.name.endswith("Connection"):
        return " { totalCount pageInfo { hasNextPage endCursor } edges { cursor node { id } } nodes { id } }"
    if kind.name in STORED_TYPES:
        return " { id }"
    assert isinstance(kind, GraphQLObjectType)
    inner = (selection(name, field) for name, field in kind.fields.items())
    return f" {{ {' '.join(inner)} }}"


@pytest.mark.parametrize(("kind", "field"), fields())
async def test_a_field_costs_the_same_for_one_and_for_twenty(
    graphql: Client, platform: Fixture, many: dict[str, list[str]], kind: str, field: str
) -> None:
    viewer, ids = graphql.of(platform), many[kind]
    wanted = selection(field, stored_type(kind).fields[field])
    document = f"query ($ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on {kind} {{ {wanted} }} }} }}"

    one = await viewer(document, ids=ids[:1])
    cost = len(viewer.statements)
    twenty = await viewer(document, ids=ids)

    assert len(viewer.statements) == cost
    assert None not in twenty["nodes"]
    assert len(twenty["nodes"]) == len(ids)
    assert len(ids) >= 7 or kind == "CompanyProfile"
    assert without_dates(one["nodes"][0]) == without_dates(twenty["nodes"][0])


@pytest.mark.parametrize("kind", STORED_TYPES)
async def test_a_field_requested_alone_answers_what_it_answers_among_all(
    graphql: Client, platform: Fixture, many: dict[str, list[str]], kind: str
) -> None:
    viewer, id = graphql.of(platform), many[kind][0]
    found = stored_type(kind).fields
    chosen = {name: selection(name, field) for name, field in found.items()}
    document = "query ($id: ID!) {{ node(id: $id) {{ ... on {} {{ {} }} }} }}"

    together = (await viewer(document.format(kind, " ".join(chosen.values())), id=id))["node"]
    alone = {
        name: (await viewer(document.format(kind, wanted), id=id))["node"][name]
        for name, wanted in chosen.items()
    }

    assert without_dates(alone) == without_dates(together)


def without_dates(value: Any) -> Any:
    """The answer without the signatures of its links, which hold the second at which they were made."""
    if isinstance(value, dict):
        return {name: without_dates(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [without_dates(inner) for inner in value]
    return "a link" if isinstance(value, str) and value.startswith("/files/") else value

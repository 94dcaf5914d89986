"""Counts of connections: exact up to a limit."""

import pytest

from db.models import DocumentScope
from tests.conftest import People, Save
from tests.factories import Fixture, a_project, a_session
from tests.factories.knowledge import a_document
from tests.graphql_client import Client

COUNT = """query ($upTo: Int!) { projects { totalCount(upTo: $upTo) totalCountPrecision(upTo: $upTo) } }"""


@pytest.mark.parametrize(
    ("up_to", "count", "precision"),
    [(0, 0, "AT_LEAST"), (2, 2, "AT_LEAST"), (3, 3, "EXACT"), (4, 3, "EXACT"), (100_000, 3, "EXACT")],
)
async def test_a_count_is_exact_up_to_its_limit(
    graphql: Client, save: Save, people: People, up_to: int, count: int, precision: str
) -> None:
    await save(*(a_project(people.user) for _ in range(3)))

    found = (await graphql.of(people.user)(COUNT, upTo=up_to))["projects"]

    assert found == {"totalCount": count, "totalCountPrecision": precision}


async def test_counts_of_many_parents_are_limited_for_each_of_them(
    graphql: Client, save: Save, people: People
) -> None:
    parents = [a_project(people.user, name=name) for name in "ABC"]
    rows: list[Fixture] = []
    for size, parent in enumerate(parents):
        rows += [parent, *(a_session(people.user, parent) for _ in range(size))]
    await save(*rows)
    document = """{ projects(orderBy: NAME_ASC) { nodes { sessionCount
      sessions { totalCount all: totalCount(upTo: 1) precision: totalCountPrecision(upTo: 1) } } } }"""

    found = (await graphql.of(people.user)(document))["projects"]["nodes"]

    assert found == [
        {"sessionCount": 0, "sessions": {"totalCount": 0, "all": 0, "precision": "EXACT"}},
        {"sessionCount": 1, "sessions": {"totalCount": 1, "all": 1, "precision": "EXACT"}},
        {"sessionCount": 2, "sessions": {"totalCount": 2, "all": 1, "precision": "AT_LEAST"}},
    ]


async def test_a_count_and_its_precision_are_one_statement(
    graphql: Client, save: Save, people: People
) -> None:
    await save(a_project(people.user))
    user = graphql.of(people.user)
    await user("{ projects { totalCount } }")
    statements = len(user.statements)

    found = (await user("{ projects { totalCount totalCountPrecision } }"))["projects"]

    assert found == {"totalCount": 1, "totalCountPrecision": "EXACT"}
    assert len(user.statements) == statements


async def test_rows_of_the_platform_are_counted_up_to_the_same_limit(
    graphql: Client, save: Save, people: People, platform: Fixture
) -> None:
    published = [a_document(platform, scope=DocumentScope.GLOBAL) for _ in range(2)]
    await save(a_document(people.user), a_document(people.user), *published)
    document = (
        "query ($upTo: Int!) { documents { totalCount(upTo: $upTo) totalCountPrecision(upTo: $upTo) } }"
    )

    found = (await graphql.of(people.user)(document, upTo=3))["documents"]

    assert found == {"totalCount": 3, "totalCountPrecision": "AT_LEAST"}


@pytest.mark.parametrize("up_to", [-1, 100_001])
@pytest.mark.parametrize("field", ["totalCount", "totalCountPrecision"])
async def test_a_limit_out_of_bounds_is_refused(
    graphql: Client, people: People, field: str, up_to: int
) -> None:
    result = await graphql.of(people.user).send(f"{{ projects {{ {field}(upTo: {up_to}) }} }}")

    (error,) = result.errors or []
    assert error.message == f"upTo must be between 0 and 100000 (got {up_to})."
    assert error.path == ["projects", field]
    assert error.extensions is not None
    assert (error.extensions["code"], error.extensions["path"]) == ("INVALID", ["upTo"])

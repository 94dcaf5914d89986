"""Projects: made, changed, archived, deleted, listed."""

from typing import Any

import pytest

from db.models import DrawingType, ProjectStatus
from tests.conftest import People, Save, Unchanged
from tests.factories import Fixture, a_comparison, a_drawing, a_project, a_session, a_version, an_analysis
from tests.graphql_client import Client, Refusal
from tests.onlooker import Onlooker

FIELDS = "id name description projectNumber clientName location status archived user { id }"
CREATE = f"""mutation ($input: ProjectCreateInput!) {{ projectCreate(input: $input) {{
  errors {{ code path message }} project {{ {FIELDS} }} }} }}"""
UPDATE = f"""mutation ($id: ID!, $input: ProjectUpdateInput!) {{ projectUpdate(id: $id, input: $input) {{
  errors {{ code path message }} project {{ {FIELDS} }} }} }}"""
ARCHIVE = "mutation ($id: ID!) { projectArchive(id: $id) { errors { code path } project { status } } }"
RESTORE = "mutation ($id: ID!) { projectRestore(id: $id) { errors { code path } project { status } } }"
DELETE = "mutation ($id: ID!) { projectDelete(id: $id) { errors { code path } deletedId } }"
ONE = f"query ($id: ID!) {{ project(id: $id) {{ {FIELDS} }} }}"
FORBIDDEN = [("FORBIDDEN", ())]
MISSING = [("NOT_FOUND", ("id",))]
FULL = {
    "name": "Library",
    "description": "All\nof it.",
    "projectNumber": "L-1",
    "clientName": "City",
    "location": "Alexandria",
}


async def activity_of(onlooker: Onlooker, project_id: Any) -> list[tuple[Any, str]]:
    """Who did what to the project, the first first."""
    rows = await onlooker.fetch(
        "SELECT user_id, action FROM tenant.activity_logs WHERE resource_id = $1 ORDER BY id", str(project_id)
    )
    return [(row["user_id"], row["action"]) for row in rows]


async def test_a_project_belongs_to_who_makes_it(graphql: Client, people: People) -> None:
    answer = await graphql.of(people.user)(CREATE, input=FULL)

    project = answer["projectCreate"]["project"]
    expected = {**FULL, "id": project["id"], "status": "ACTIVE", "archived": False}
    assert project == {**expected, "user": {"id": people.user.gid}}
    assert (await graphql.of(people.viewer)(ONE, id=project["id"]))["project"] == {**expected, "user": None}


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"name": ""}, ("INVALID", ("input", "name"))),
        ({"name": " \t "}, ("INVALID", ("input", "name"))),
        ({"name": "x" * 256}, ("INVALID", ("input", "name"))),
        ({"name": "a\u0000b"}, ("INVALID", ("input", "name"))),
        ({"name": "a\ud800"}, ("INVALID", ("input", "name"))),
        ({"name": None}, ("BAD_USER_INPUT", ("input", "name"))),
        ({"name": 5}, ("BAD_USER_INPUT", ("input", "name"))),
        ({"description": "x" * 20_001}, ("INVALID", ("input", "description"))),
        ({"description": "\u0000"}, ("INVALID", ("input", "description"))),
        ({"projectNumber": "x" * 101}, ("INVALID", ("input", "projectNumber"))),
        ({"clientName": "x" * 256}, ("INVALID", ("input", "clientName"))),
        ({"location": "a\nb"}, ("INVALID", ("input", "location"))),
        ({"owner": "me"}, ("BAD_USER_INPUT", ("input",))),
    ],
)
async def test_a_wrong_project_is_neither_made_nor_becomes_one(
    graphql: Client,
    save: Save,
    assert_unchanged: Unchanged,
    people: People,
    changes: dict[str, Any],
    refusal: Refusal,
) -> None:
    project, user = a_project(people.user), graphql.of(people.user)
    await save(project)

    async with assert_unchanged():
        assert await user.refusals(CREATE, input={"name": "One", **changes}) == [refusal]
        assert await user.refusals(UPDATE, id=project.gid, input=changes) == [refusal]


async def test_what_is_left_out_stays_and_null_clears(graphql: Client, people: People) -> None:
    user = graphql.of(people.user)
    made = (await user(CREATE, input=FULL))["projectCreate"]["project"]

    renamed = (await user(UPDATE, id=made["id"], input={"name": "Museum"}))["projectUpdate"]["project"]
    cleared = (
        await user(UPDATE, id=made["id"], input={"description": None, "location": None, "clientName": " "})
    )["projectUpdate"]["project"]

    assert renamed == {**made, "name": "Museum"}
    assert cleared == {**renamed, "description": None, "location": None, "clientName": None}
    assert (await user(ONE, id=made["id"]))["project"] == cleared


async def test_nothing_set_changes_nothing(
    graphql: Client, save: Save, assert_unchanged: Unchanged, people: People
) -> None:
    project = a_project(people.user)
    await save(project)

    async with assert_unchanged():
        answer = await graphql.of(people.user)(UPDATE, id=project.gid, input={})

    assert answer["projectUpdate"]["project"]["name"] == project.name


async def test_an_archived_project_is_read_only_until_restored(
    graphql: Client, onlooker: Onlooker, save: Save, assert_unchanged: Unchanged, people: People
) -> None:
    project, user = a_project(people.user), graphql.of(people.user)
    await save(project)

    archived = await user(ARCHIVE, id=project.gid)
    async with assert_unchanged():
        again = await user(ARCHIVE, id=project.gid)
        refusal = await user.refusals(UPDATE, id=project.gid, input={"name": "Other"})
    restored = await user(RESTORE, id=project.gid)
    await user(UPDATE, id=project.gid, input={"name": "Other", "status": "COMPLETED"})

    assert (
        archived["projectArchive"]["project"] == again["projectArchive"]["project"] == {"status": "ARCHIVED"}
    )
    assert refusal == [("CONFLICT", ("id",))]
    assert restored["projectRestore"]["project"] == {"status": "ACTIVE"}
    assert await activity_of(onlooker, project.id) == [
        (people.user.id, "PROJECT_ARCHIVE"),
        (people.user.id, "PROJECT_RESTORE"),
        (people.user.id, "PROJECT_UPDATE"),
    ]


@pytest.mark.parametrize("status", ["ARCHIVED", "DELETED"])
async def test_moves_have_mutations_of_their_own(
    graphql: Client, save: Save, assert_unchanged: Unchanged, people: People, status: str
) -> None:
    project = a_project(people.user)
    await save(project)

    async with assert_unchanged():
        refusal = await graphql.of(people.user).refusals(UPDATE, id=project.gid, input={"status": status})

    assert refusal == [("INVALID", ("input", "status"))]


async def test_deleting_a_project_deletes_what_it_holds_and_nothing_else(
    graphql: Client, onlooker: Onlooker, save: Save, people: People
) -> None:
    project, other = a_project(people.user), a_project(people.user)
    session, kept = a_session(people.user, project), a_session(people.user, other)
    drawing = a_drawing(session, DrawingType.OLD)
    rows = [
        an_analysis(a_comparison(session, drawing)),
        a_version(project, drawing),
        an_analysis(a_comparison(kept)),
    ]
    await save(*rows)

    answer = await graphql.of(people.manager)(DELETE, id=project.gid)

    assert answer["projectDelete"]["deletedId"] == project.gid
    expected = {
        "projects": 1,
        "drawing_sessions": 1,
        "drawings": 2,
        "drawing_versions": 0,
        "comparisons": 1,
        "analysis_results": 1,
    }
    for table, count in expected.items():
        left = f"SELECT count(*) FROM tenant.{table} WHERE company_id = $1"
        assert await onlooker.fetchval(left, people.user.company.id) == count, table
    assert await graphql.of(people.user).refusals(ONE, id=project.gid) == MISSING
    assert await activity_of(onlooker, project.id) == [(people.manager.id, "PROJECT_DELETE")]
    job = "SELECT task, arguments FROM tenant.processing_jobs WHERE company_id = $1"
    ((task, arguments),) = await onlooker.fetch(job, people.user.company.id)
    assert task.endswith("RemoveObjects")
    assert str(session.id) in arguments
    assert str(kept.id) not in arguments


async def test_a_project_that_is_deleted_but_kept_is_out_of_sight(
    graphql: Client, save: Save, assert_unchanged: Unchanged, people: People
) -> None:
    project, admin = a_project(people.user, status=ProjectStatus.DELETED), graphql.of(people.admin)
    await save(project)

    async with assert_unchanged():
        assert await admin.refusals(ONE, id=project.gid) == MISSING
        assert await admin.refusals(UPDATE, id=project.gid, input={"name": "Other"}) == MISSING
        assert await admin.refusals(RESTORE, id=project.gid) == MISSING
        assert await admin.refusals(DELETE, id=project.gid) == MISSING
        assert (await admin("{ projects { totalCount } }"))["projects"]["totalCount"] == 0


# -- lists

LIST = """query ($first: Int, $after: String, $last: Int, $before: String, $filter: ProjectFilter,
  $orderBy: ProjectOrder) { projects(first: $first, after: $after, last: $last, before: $before,
  filter: $filter, orderBy: $orderBy) { nodes { name } edges { cursor node { name } } totalCount
  pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""


async def create_projects(save: Save, user: Fixture, *names: str) -> list[Fixture]:
    """Projects of these names, in an order of creation of their own."""
    projects = [a_project(user, name=name) for name in names]
    for project in projects:
        await save(project)
    return projects


async def pages(client: Client, size: int, *, backward: bool = False, **more: Any) -> list[list[str]]:
    """The names on each page of the list, the first page asked for first."""
    found, cursor = [], None
    while True:
        way = {"last": size, "before": cursor} if backward else {"first": size, "after": cursor}
        page = (await client(LIST, **way, **more))["projects"]
        assert [edge["node"] for edge in page["edges"]] == page["nodes"]
        found.append([node["name"] for node in page["nodes"]])
        info = page["pageInfo"]
        cursors = [edge["cursor"] for edge in page["edges"]]
        assert (info["startCursor"], info["endCursor"]) == (cursors[0], cursors[-1])
        assert info["hasPreviousPage" if not backward else "hasNextPage"] == (len(found) > 1)
        if not info["hasPreviousPage" if backward else "hasNextPage"]:
            return found
        cursor = info["startCursor" if backward else "endCursor"]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (None, "EDCBA"),
        ("CREATED_AT_ASC", "ABCDE"),
        ("CREATED_AT_DESC", "EDCBA"),
        ("UPDATED_AT_ASC", "ABCDE"),
        ("UPDATED_AT_DESC", "EDCBA"),
        ("NAME_ASC", "ABCDE"),
        ("NAME_DESC", "EDCBA"),
    ],
)
async def test_pages_follow_one_another_both_ways(
    graphql: Client, save: Save, people: People, order: str | None, expected: str
) -> None:
    await create_projects(save, people.user, *"ABCDE")
    viewer = graphql.of(people.viewer)

    forward = await pages(viewer, 2, orderBy=order)
    backward = await pages(viewer, 2, backward=True, orderBy=order)

    assert forward == [list(expected[0:2]), list(expected[2:4]), list(expected[4:])]
    assert backward == [list(expected[3:]), list(expected[1:3]), list(expected[:1])]


async def test_equal_keys_are_distinguished_by_id(graphql: Client, save: Save, people: People) -> None:
    await save(*(a_project(people.user, name="Same") for _ in range(5)))
    viewer = graphql.of(people.viewer)

    for order in ("NAME_ASC", "NAME_DESC", "CREATED_AT_ASC", "CREATED_AT_DESC"):
        assert [len(page) for page in await pages(viewer, 2, orderBy=order)] == [2, 2, 1]


async def test_a_page_between_two_cursors(graphql: Client, save: Save, people: People) -> None:
    await create_projects(save, people.user, *"ABCDE")
    viewer = graphql.of(people.viewer)
    every = (await viewer(LIST, orderBy="NAME_ASC"))["projects"]
    a, *_, e = (edge["cursor"] for edge in every["edges"])

    first = (await viewer(LIST, first=2, after=a, before=e, orderBy="NAME_ASC"))["projects"]
    last = (await viewer(LIST, last=2, after=a, before=e, orderBy="NAME_ASC"))["projects"]

    assert [node["name"] for node in first["nodes"]] == ["B", "C"]
    assert [node["name"] for node in last["nodes"]] == ["C", "D"]
    assert (first["totalCount"], last["totalCount"]) == (5, 5)


async def test_filters_narrow_the_list_and_its_count(graphql: Client, save: Save, people: People) -> None:
    await save(
        a_project(people.user, name="A"),
        a_project(people.user, name="B", status=ProjectStatus.ARCHIVED),
        a_project(people.admin, name="C", status=ProjectStatus.ARCHIVED),
        a_project(people.admin, name="D", status=ProjectStatus.DELETED),
    )

    async def listed(**filter: Any) -> tuple[list[str], int]:
        page = (await graphql.of(people.viewer)(LIST, filter=filter, orderBy="NAME_ASC"))["projects"]
        return [node["name"] for node in page["nodes"]], page["totalCount"]

    assert await listed() == (["A", "B", "C"], 3)
    assert await listed(status="ARCHIVED") == (["B", "C"], 2)
    assert await listed(userId=people.user.gid) == (["A", "B"], 2)
    assert await listed(userId=people.user.gid, status="ARCHIVED") == (["B"], 1)
    assert await listed(userId=people.stranger.gid) == ([], 0)
    assert await listed(status="DELETED") == ([], 0)


async def test_an_empty_page_is_a_page(graphql: Client, save: Save, people: People) -> None:
    await save(a_project(people.user))
    viewer = graphql.of(people.viewer)

    none = (await viewer(LIST, first=0))["projects"]
    stranger = (await graphql.of(people.stranger)(LIST))["projects"]

    assert (none["nodes"], none["totalCount"], none["pageInfo"]["hasNextPage"]) == ([], 1, True)
    assert (stranger["nodes"], stranger["totalCount"]) == ([], 0)
    assert stranger["pageInfo"] == {
        "hasNextPage": False,
        "hasPreviousPage": False,
        "startCursor": None,
        "endCursor": None,
    }

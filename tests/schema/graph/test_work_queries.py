"""What is asked about people, projects, drawings and images, of rows that are known, with exact answers."""

import itertools
from typing import Any

from db.ids import new_id
from db.models import RoleName, User
from resolvers.identity.roles import GRANTS
from schema.framework.context import Services
from tests import factories
from tests.factories import Fixture, a_comparison, an_analysis
from tests.graphql_client import Client
from tests.schema.graph.sample_company import SampleCompany, fixed_rows, on, rebuild


def ids(page: dict[str, Any]) -> list[str]:
    """The ids on a page."""
    return [node["id"] for node in page["nodes"]]


def names_of(company: SampleCompany, *names: str) -> list[str]:
    """The ids of these rows."""
    return [company.gid(name) for name in names]


# -- drawings


async def test_a_session_with_all_it_holds(graphql: Client, company: SampleCompany) -> None:
    document = """query ($id: ID!) { drawingSession(id: $id) {
      name status
      drawings { nodes { drawingName drawingType pageNumber } }
      comparisons { nodes { drawingName alignmentScore analysisResults { nodes { success changesFound } } } }
      conversations { nodes { title } }
      jobs { nodes { jobType status } } } }"""

    found = (await graphql.of(company.admin)(document, id=company.gid("first")))["drawingSession"]

    said = {"success": True, "changesFound": ["A door was added."]}
    unsaid: dict[str, Any] = {"success": False, "changesFound": []}
    assert found == {
        "name": "Tower B",
        "status": "COMPLETED",
        "drawings": {
            "nodes": [
                {"drawingName": name, "drawingType": side, "pageNumber": page}
                for page, name in enumerate(("A-101", "A-102"), 1)
                for side in ("OLD", "NEW")
            ]
        },
        "comparisons": {
            "nodes": [
                {"drawingName": "A-101", "alignmentScore": 0.5, "analysisResults": {"nodes": [said]}},
                {"drawingName": "A-102", "alignmentScore": 1.0, "analysisResults": {"nodes": [unsaid]}},
            ]
        },
        "conversations": {"nodes": [{"title": "About B"}, {"title": "Again"}]},
        "jobs": {
            "nodes": [
                {"jobType": "COMPARISON", "status": "COMPLETED"},
                {"jobType": "PDF_EXTRACTION", "status": "COMPLETED"},
            ]
        },
    }


async def test_recent_sessions_are_newest_first(graphql: Client, company: SampleCompany) -> None:
    document = "{ all: recentSessions { id } two: recentSessions(limit: 2) { id } }"

    found = await graphql.of(company.user)(document)

    assert [session["id"] for session in found["all"]] == names_of(company, "third", "second", "first")
    assert [session["id"] for session in found["two"]] == names_of(company, "third", "second")


async def test_the_analysis_of_a_sheet_of_a_session(graphql: Client, company: SampleCompany) -> None:
    document = """query ($id: ID!, $name: String!) { drawingSession(id: $id) {
      analysisResults(filter: {drawingName: $name}) { nodes { id criticalChange errorMessage } } } }"""
    ask, session = graphql.of(company.user), company.gid("first")

    received = await ask(document, id=session, name="A-101")
    untold = await ask(document, id=session, name="A-102")
    none = await ask(document, id=session, name="A-999")

    assert [each["drawingSession"]["analysisResults"]["nodes"] for each in (received, untold, none)] == [
        [{"id": company.gid("told"), "criticalChange": "The door.", "errorMessage": None}],
        [{"id": company.gid("untold"), "criticalChange": None, "errorMessage": "Too faint."}],
        [],
    ]


async def test_comparisons_are_counted_and_summed_up(graphql: Client, company: SampleCompany) -> None:
    document = """query ($id: ID!) {
      comparisonCounts(sessionId: $id) { changesDetected total }
      sessionSummary(id: $id) { totalComparisons successfulAnalyses avgAlignmentScore } }"""

    found = await graphql.of(company.user)(document, id=company.gid("first"))

    assert found == {
        "comparisonCounts": [
            {"changesDetected": True, "total": 1},
            {"changesDetected": False, "total": 1},
        ],
        "sessionSummary": {"totalComparisons": 2, "successfulAnalyses": 1, "avgAlignmentScore": 0.75},
    }


async def test_the_history_of_a_session_is_its_first_talk_by_time(
    graphql: Client, company: SampleCompany
) -> None:
    document = """query ($id: ID!) { chatHistory(sessionId: $id) {
      id messages { nodes { role content } } } }"""
    ask = graphql.of(company.admin)

    found = await ask(document, id=company.gid("first"))
    none = await ask(document, id=company.gid("second"))

    said = [{"role": "USER", "content": "What is new?"}, {"role": "ASSISTANT", "content": "A door."}]
    assert found["chatHistory"] == {"id": company.gid("talk"), "messages": {"nodes": said}}
    assert none["chatHistory"] is None


async def test_sessions_of_a_status_by_their_ids_alone(graphql: Client, company: SampleCompany) -> None:
    document = """query ($status: SessionStatus!) {
      drawingSessions(filter: {status: $status}) { nodes { id } } }"""
    ask = graphql.of(company.user)

    done, active, none = [
        ids((await ask(document, status=status))["drawingSessions"])
        for status in ("COMPLETED", "ACTIVE", "ERROR")
    ]

    assert done == names_of(company, "third", "first")
    assert active == names_of(company, "second")
    assert none == []


async def test_a_project_with_its_revisions_and_sessions(graphql: Client, company: SampleCompany) -> None:
    document = """query ($id: ID!) { project(id: $id) {
      drawingVersions { nodes { drawingName versionNumber drawing { id } } }
      sessions { nodes { name } } } }"""

    found = (await graphql.of(company.user)(document, id=company.gid("tower")))["project"]

    assert found == {
        "drawingVersions": {
            "nodes": [
                {"drawingName": "A-101", "versionNumber": 2, "drawing": {"id": company.gid("A-101 new")}},
                {"drawingName": "A-101", "versionNumber": 1, "drawing": {"id": company.gid("A-101 old")}},
            ]
        },
        "sessions": {"nodes": [{"name": "Tower B"}]},
    }


# -- projects and images


async def test_projects_of_somebody(graphql: Client, company: SampleCompany) -> None:
    document = "query ($id: ID!) { projects(filter: {userId: $id}) { nodes { name } totalCount } }"
    ask = graphql.of(company.admin)

    theirs = (await ask(document, id=company.user.gid))["projects"]
    own = (await ask(document, id=company.admin.gid))["projects"]
    everybodys = (await ask("{ projects { nodes { name } } }"))["projects"]

    assert theirs == {"nodes": [{"name": "Tower"}], "totalCount": 1}
    assert own == {"nodes": [{"name": "Bridge"}], "totalCount": 1}
    assert everybodys == {"nodes": [{"name": "Bridge"}, {"name": "Tower"}]}


async def test_crawls_of_a_project_by_status(graphql: Client, company: SampleCompany) -> None:
    document = "query ($filter: CrawlJobFilter) { crawlJobs(filter: $filter) { nodes { id } } }"
    ask, tower = graphql.of(company.user), company.gid("tower")

    async def request(**arguments: Any) -> list[str]:
        return ids((await ask(document, filter=arguments))["crawlJobs"])

    assert await request(projectId=tower) == names_of(company, "dogs", "cats")
    assert await request(projectId=tower, status="PENDING") == names_of(company, "dogs")
    assert await request(projectId=company.gid("bridge")) == []


async def test_images_of_a_crawl_page_by_page(graphql: Client, company: SampleCompany) -> None:
    document = """query ($id: ID!, $first: Int!, $after: String) {
      images(filter: {crawlJobId: $id}, first: $first, after: $after) {
        nodes { filename } pageInfo { hasNextPage endCursor } } }"""
    ask, cats = graphql.of(company.user), company.gid("cats")

    whole = (await ask(document, id=cats, first=100))["images"]
    begin = (await ask(document, id=cats, first=2))["images"]
    rest = (await ask(document, id=cats, first=2, after=begin["pageInfo"]["endCursor"]))["images"]

    one, two, three = ({"filename": f"cat{number}.jpg"} for number in (1, 2, 3))
    assert whole["nodes"] == [one, two, three]
    assert (begin["nodes"], begin["pageInfo"]["hasNextPage"]) == ([one, two], True)
    assert (rest["nodes"], rest["pageInfo"]["hasNextPage"]) == ([three], False)


async def test_what_somebody_did_newest_first(graphql: Client, company: SampleCompany) -> None:
    document = """query ($id: ID!) { activity(filter: {userId: $id}, first: 50) {
      nodes { action timestamp user { id } } } }"""

    found = (await graphql.of(company.admin)(document, id=company.user.gid))["activity"]

    who = {"id": company.user.gid}
    assert found["nodes"] == [
        {"action": "CRAWL_JOB_CREATE", "timestamp": on(7).isoformat(), "user": who},
        {"action": "PROJECT_CREATE", "timestamp": on(1).isoformat(), "user": who},
    ]


async def test_exports_of_somebody_by_status(graphql: Client, company: SampleCompany) -> None:
    document = "query ($filter: ExportJobFilter) { exportJobs(filter: $filter) { nodes { name } } }"
    ask, user = graphql.of(company.user), company.user.gid

    async def request(**arguments: Any) -> list[str]:
        return [node["name"] for node in (await ask(document, filter=arguments))["exportJobs"]["nodes"]]

    assert await request(userId=user) == ["Unpacked", "Packed"]
    assert await request(userId=user, status="COMPLETED") == ["Packed"]
    assert await request(userId=company.admin.gid) == []


async def test_a_profile_down_to_the_images(graphql: Client, company: SampleCompany) -> None:
    document = """{ me { projects { nodes { name crawlJobs { nodes { name
      images { nodes { filename } totalCount } } } } } } }"""

    found = (await graphql.of(company.user)(document))["me"]["projects"]["nodes"]

    cats = {"nodes": [{"filename": f"cat{number}.jpg"} for number in (1, 2, 3)], "totalCount": 3}
    dogs: dict[str, Any] = {"nodes": [], "totalCount": 0}
    crawls = [{"name": "Dogs", "images": dogs}, {"name": "Cats", "images": cats}]
    assert found == [{"name": "Tower", "crawlJobs": {"nodes": crawls}}]


async def test_a_projects_totals(graphql: Client, company: SampleCompany) -> None:
    document = "{ projects(orderBy: NAME_ASC) { nodes { name sessionCount crawlJobCount imageCount } } }"

    found = (await graphql.of(company.user)(document))["projects"]["nodes"]

    assert found == [
        {"name": "Bridge", "sessionCount": 1, "crawlJobCount": 0, "imageCount": 0},
        {"name": "Tower", "sessionCount": 1, "crawlJobCount": 2, "imageCount": 3},
    ]


# -- people


async def test_a_person_by_username_with_company_role_and_permissions(
    graphql: Client, company: SampleCompany
) -> None:
    document = """query ($username: String!) { users(filter: {username: $username}) { nodes {
      fullName company { id } role { name permissions { name } } } } }"""

    (found,) = (await graphql.of(company.admin)(document, username=company.user.username))["users"]["nodes"]

    permissions = {permission["name"] for permission in found["role"].pop("permissions")}
    assert found == {
        "fullName": "Ben",
        "company": {"id": company.user.company.gid},
        "role": {"name": "USER"},
    }
    assert permissions == set(GRANTS[RoleName.USER])


async def test_people_by_email_by_id_and_who_may_sign_in(graphql: Client, company: SampleCompany) -> None:
    ask = graphql.of(company.admin)
    by_email = "query ($email: String!) { users(filter: {email: $email}) { nodes { id } } }"
    by_id = "query ($id: ID!) { user(id: $id) { fullName isActive isAdmin } }"
    active = "{ users(filter: {status: ACTIVE}, orderBy: CREATED_AT_DESC) { nodes { id } } }"

    found = (await ask(by_email, email=company.user.email))["users"]
    nobody = (await ask(by_email, email="nobody@fixed.example"))["users"]

    assert (ids(found), ids(nobody)) == ([company.user.gid], [])
    received = {"fullName": "Ben", "isActive": True, "isAdmin": False}
    assert (await ask(by_id, id=company.user.gid))["user"] == received
    missing = Fixture(User, {"id": new_id()}).gid
    assert await ask.refusals(by_id, id=missing) == [("NOT_FOUND", ("id",))]
    assert ids((await ask(active))["users"]) == [company.user.gid, company.admin.gid]
    assert ids((await ask("{ users { nodes { id } } }"))["users"]) == names_of(
        company, "out", "user", "admin"
    )


async def test_me(graphql: Client, company: SampleCompany) -> None:
    found = await graphql.of(company.user)("{ me { id fullName role { name } } }")

    assert found["me"] == {"id": company.user.gid, "fullName": "Ben", "role": {"name": "USER"}}


# -- all at once

ALL = """query ($session: ID!, $project: ID!, $user: ID!) {
  drawingSession(id: $session) { drawings { nodes { id } } jobs { nodes { id } }
    comparisons { nodes { id analysisResults { nodes { id } } } } conversations { nodes { id } } }
  recentSessions { id }
  sessionSummary(id: $session) { totalComparisons }
  comparisonCounts(sessionId: $session) { total }
  chatHistory(sessionId: $session) { messages { nodes { id } } }
  project(id: $project) { drawingVersions { nodes { id } } sessions { nodes { id } } }
  conversations(filter: {archived: false}) { nodes { messages { nodes { citations { nodes { id } }
    feedback { rating } } } } }
  usageAnalytics { runs }
  users { nodes { company { name } role { permissions { name } } } }
  documents(filter: {isProcessed: true}) { nodes { chunks { nodes { id } } user { id } } }
  tokenUsageTotal(userId: $user) { total cost }
  companyProfile { targetYear }
  savedReports { nodes { title user { id } } }
  projects { nodes { imageCount sessionCount crawlJobs { nodes { images { nodes { id } } } } } }
  activity(first: 50) { nodes { user { id } } }
  exportJobs { nodes { crawlJob { id } } }
  pendingDocuments { title }
  evaluationRuns { nodes { createdBy { id } } }
  requirementExports { nodes { user { id } } }
  approvalMetrics { avgApproved }
  fastExports { nodes { id } }
  activeEmbeddingModel { name } }"""


async def test_many_questions_in_one_document_cost_the_same_for_few_rows_and_for_many(
    graphql: Client, services: Services
) -> None:
    small, large = fixed_rows(), fixed_rows()
    more = [a_comparison(large.rows["first"]) for _ in range(5)]
    further = itertools.chain.from_iterable(rebuild(large) for _ in range(3))
    await factories.save(services.database, *small.rows.values(), *large.rows.values())
    await factories.save(services.database, *map(an_analysis, more), *further)

    async def cost(company: SampleCompany) -> int:
        variables = {"session": company.gid("first"), "project": company.gid("tower")}
        await graphql.of(company.admin)(ALL, user=company.user.gid, **variables)
        return len(graphql.statements)

    assert await cost(small) == await cost(large)

"""What clients ask about drawing sessions and what they hold."""

from typing import Any

from db.models import (
    DrawingType,
    JobStatus,
    ProcessingJobType,
    SessionStatus,
    SheetState,
)
from tests.conftest import People, Save
from tests.factories import (
    a_comparison,
    a_drawing,
    a_job,
    a_project,
    a_session,
    an_analysis,
    an_upload,
)
from tests.graphql_client import Client

SUMMARY = """query ($id: ID!) {
  sessionSummary(id: $id) { ...totals }
  comparisonCounts(sessionId: $id) { changesDetected total }
  drawingSession(id: $id) {
    summary { ...totals } comparisonCounts { changesDetected total } onlyInOld onlyInNew }
}
fragment totals on SessionSummary {
  totalComparisons successfulAnalyses changedComparisons failedComparisons avgAlignmentScore }"""

NOTHING = {
    "totalComparisons": 0,
    "successfulAnalyses": 0,
    "changedComparisons": 0,
    "failedComparisons": 0,
    "avgAlignmentScore": None,
}


async def test_totals_of_a_session_are_exact(graphql: Client, save: Save, people: People) -> None:
    session, other, empty = (a_session(people.user) for _ in range(3))
    failed: dict[str, Any] = {"state": SheetState.FAILED, "changes_detected": False, "alignment_score": None}
    comparisons = [
        a_comparison(session, alignment_score=0.5),
        a_comparison(session, alignment_score=1.0),
        a_comparison(session, alignment_score=0.75, changes_detected=False),
        a_comparison(session, **failed),
    ]
    await save(
        an_analysis(comparisons[0]),
        an_analysis(comparisons[1]),
        an_analysis(comparisons[2], success=False, error_message="It could not."),
        *comparisons,
        an_analysis(a_comparison(other)),
        empty,
    )
    viewer = graphql.of(people.viewer)

    full, nothing = await viewer(SUMMARY, id=session.gid), await viewer(SUMMARY, id=empty.gid)

    totals = {
        "totalComparisons": 4,
        "successfulAnalyses": 2,
        "changedComparisons": 2,
        "failedComparisons": 1,
        "avgAlignmentScore": 0.75,
    }
    counts = [{"changesDetected": True, "total": 2}, {"changesDetected": False, "total": 2}]
    unmatched: dict[str, Any] = {"onlyInOld": [], "onlyInNew": []}
    assert full == {
        "sessionSummary": totals,
        "comparisonCounts": counts,
        "drawingSession": {"summary": totals, "comparisonCounts": counts, **unmatched},
    }
    assert nothing == {
        "sessionSummary": NOTHING,
        "comparisonCounts": [],
        "drawingSession": {"summary": NOTHING, "comparisonCounts": [], **unmatched},
    }


async def test_sheets_without_a_partner_are_named_in_page_order(
    graphql: Client, save: Save, people: People
) -> None:
    session = a_session(people.user)
    alone = {"state": SheetState.UNMATCHED}
    await save(
        a_drawing(session, DrawingType.OLD, drawing_name="B", page_number=1, **alone),
        a_drawing(session, DrawingType.OLD, drawing_name="A", page_number=2, **alone),
        a_drawing(session, DrawingType.NEW, drawing_name="C", page_number=1, **alone),
        a_drawing(session, DrawingType.NEW, drawing_name="D", page_number=2),
    )

    found = (await graphql.of(people.viewer)(SUMMARY, id=session.gid))["drawingSession"]

    assert (found["onlyInOld"], found["onlyInNew"]) == (["B", "A"], ["C"])


async def test_the_newest_sessions_come_first(graphql: Client, save: Save, people: People) -> None:
    sessions = [a_session(people.user) for _ in range(12)]
    for session in sessions:
        await save(session)
    await save(a_session(people.stranger))
    viewer, newest = graphql.of(people.viewer), [session.gid for session in reversed(sessions)]
    document = "query ($limit: Int! = 10) { recentSessions(limit: $limit) { id project { id } } }"

    defaults, three = await viewer(document), await viewer(document, limit=3)

    assert [session["id"] for session in defaults["recentSessions"]] == newest[:10]
    assert [session["id"] for session in three["recentSessions"]] == newest[:3]
    for limit in (-1, 51, 10**9):
        assert await viewer.refusals(document, limit=limit) == [("INVALID", ("limit",))]


async def test_progress_is_the_mean_of_the_stages(graphql: Client, save: Save, people: People) -> None:
    session = a_session(people.user)
    stages: list[dict[str, Any]] = [
        {"job_type": ProcessingJobType.PDF_EXTRACTION, "status": JobStatus.COMPLETED, "progress": 100},
        {"job_type": ProcessingJobType.COMPARISON, "status": JobStatus.RUNNING, "progress": 50},
        {"job_type": ProcessingJobType.AI_ANALYSIS},
    ]
    await save(*(a_job(people.user, session, **stage) for stage in stages))
    document = "query ($id: ID!) { drawingSession(id: $id) { progress jobs { nodes { phase } } } }"

    answer = (await graphql.of(people.viewer)(document, id=session.gid))["drawingSession"]

    assert answer["progress"] == 50
    assert sorted(job["phase"] for job in answer["jobs"]["nodes"]) == ["ACTIVE", "QUEUED", "SUCCEEDED"]


async def test_changes_and_words_have_their_shapes(graphql: Client, save: Save, people: People) -> None:
    change = {
        "kind": "modified",
        "box": [1, 2, 30, 40],
        "area": 500,
        "description": "A door moved.",
        "words_removed": ["D1"],
        "words_added": ["D2"],
    }
    comparison = a_comparison(
        a_session(people.user), changes=[change], words_removed=["D1"], words_added=["D2", "D3"]
    )
    await save(comparison)
    document = """query ($id: ID!) { comparison(id: $id) { words { removed added } overlayUrl oldImageUrl
      changes { kind box { x y width height } area description words { removed added } } } }"""

    found = (await graphql.of(people.viewer)(document, id=comparison.gid))["comparison"]

    assert found.pop("overlayUrl").startswith("/files/")
    assert found == {
        "oldImageUrl": None,
        "words": {"removed": ["D1"], "added": ["D2", "D3"]},
        "changes": [
            {
                "kind": "MODIFIED",
                "box": {"x": 1, "y": 2, "width": 30, "height": 40},
                "area": 500,
                "description": "A door moved.",
                "words": {"removed": ["D1"], "added": ["D2"]},
            }
        ],
    }


# -- lists


async def test_filters_of_the_drawings_domain(graphql: Client, save: Save, people: People) -> None:
    project = a_project(people.user)
    first = a_session(people.user, project, name="first", status=SessionStatus.COMPLETED)
    second = a_session(people.admin, name="second")
    changed = a_comparison(first, drawing_name="A-1")
    same = a_comparison(second, drawing_name="A-2", changes_detected=False)
    failed = an_analysis(same, success=False, error_message="It could not.")
    await save(an_analysis(changed), failed, a_job(people.user, first), a_job(people.admin))
    viewer = graphql.of(people.viewer)

    async def listed(field: str, kind: str, shown: str = "id", **filter: Any) -> list[Any]:
        document = f"""query ($filter: {kind}Filter) {{
          {field}(filter: $filter) {{ nodes {{ {shown} }} totalCount }} }}"""
        page = (await viewer(document, filter=filter))[field]
        assert page["totalCount"] == len(page["nodes"])
        return sorted(node[shown] for node in page["nodes"])

    sessions = "drawingSessions", "DrawingSession", "name"
    assert await listed(*sessions) == ["first", "second"]
    assert await listed(*sessions, status="COMPLETED") == ["first"]
    assert await listed(*sessions, projectId=project.gid) == ["first"]
    assert await listed(*sessions, userId=people.admin.gid) == ["second"]
    assert await listed(*sessions, userId=people.admin.gid, status="COMPLETED") == []
    drawings = "drawings", "Drawing", "drawingName"
    names = [drawing.drawing_name for drawing in (*changed.parents[1:], *same.parents[1:])]
    assert await listed(*drawings) == sorted(names)
    assert await listed(*drawings, drawingType="OLD") == sorted([names[0], names[2]])
    assert await listed(*drawings, drawingName=names[0]) == [names[0]] * 2
    assert await listed("comparisons", "Comparison", changesDetected=True) == [changed.gid]
    assert await listed("comparisons", "Comparison", changesDetected=False) == [same.gid]
    assert await listed("comparisons", "Comparison", drawingName="A-2") == [same.gid]
    assert await listed("analysisResults", "AnalysisResult", success=False) == [failed.gid]
    assert await listed("analysisResults", "AnalysisResult", drawingName="A-2") == [failed.gid]
    jobs = "processingJobs", "ProcessingJob", "jobType"
    assert await listed(*jobs, status="PENDING") == ["PDF_EXTRACTION", "UPKEEP"]
    assert await listed(*jobs, jobType="UPKEEP") == ["UPKEEP"]


async def test_nested_lists_page_and_filter_for_each_parent(
    graphql: Client, save: Save, people: People
) -> None:
    project = a_project(people.user)
    sessions = [a_session(people.user, project) for _ in range(3)]
    for session in sessions:
        await save(*(a_comparison(session, drawing_name=f"A-{number}") for number in range(4)))
    document = """query ($id: ID!, $after: String) { project(id: $id) {
      sessions(orderBy: CREATED_AT_ASC) { nodes { id
      comparisons(first: 2, after: $after, orderBy: DRAWING_NAME_DESC) {
        nodes { drawingName } totalCount pageInfo { hasNextPage endCursor } }
      named: comparisons(filter: {drawingName: "A-1"}) { nodes { drawingName } totalCount } } } } }"""
    viewer = graphql.of(people.viewer)

    found = (await viewer(document, id=project.gid))["project"]["sessions"]["nodes"]

    assert [session["id"] for session in found] == [session.gid for session in sessions]
    for session in found:
        page = session["comparisons"]
        assert [node["drawingName"] for node in page["nodes"]] == ["A-3", "A-2"]
        assert (page["totalCount"], page["pageInfo"]["hasNextPage"]) == (4, True)
        assert session["named"] == {"nodes": [{"drawingName": "A-1"}], "totalCount": 1}
    after = found[0]["comparisons"]["pageInfo"]["endCursor"]
    rest = (await viewer(document, id=project.gid, after=after))["project"]["sessions"]["nodes"]
    names = [[node["drawingName"] for node in session["comparisons"]["nodes"]] for session in rest]
    assert names[0] == ["A-1", "A-0"]


# -- any object


async def test_any_objects_by_id_in_their_order(graphql: Client, save: Save, people: People) -> None:
    session = a_session(people.user, a_project(people.user))
    comparison, upload = a_comparison(session), an_upload(people.viewer)
    foreign, colleagues = a_session(people.stranger), an_upload(people.user)
    await save(comparison, upload, foreign, colleagues)
    document = """query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id
      ... on DrawingSession { name } ... on Comparison { drawingName } ... on UploadedFile { filename } } }"""
    rows = [comparison, foreign, session, upload, colleagues, comparison, people.viewer, people.admin]

    answer = await graphql.of(people.viewer)(document, ids=[row.gid for row in rows])

    known = {"__typename": "Comparison", "id": comparison.gid, "drawingName": comparison.drawing_name}
    assert answer["nodes"] == [
        known,
        None,
        {"__typename": "DrawingSession", "id": session.gid, "name": session.name},
        {"__typename": "UploadedFile", "id": upload.gid, "filename": "plan.pdf"},
        None,
        known,
        {"__typename": "User", "id": people.viewer.gid},
        None,
    ]
    one = await graphql.of(people.viewer)("query ($id: ID!) { node(id: $id) { id } }", id=session.gid)
    none = await graphql.of(people.viewer)("query ($id: ID!) { node(id: $id) { id } }", id=foreign.gid)
    assert (one["node"], none["node"]) == ({"id": session.gid}, None)

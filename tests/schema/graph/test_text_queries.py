"""What is asked about conversations, documents, usage, targets and components, of rows that are known."""

from typing import Any

import pytest

from tests.conftest import Save
from tests.factories import Fixture
from tests.factories.knowledge import an_embedding_model
from tests.graphql_client import Client
from tests.onlooker import Onlooker
from tests.schema.graph.sample_company import SampleCompany, ago, date_of, on

# -- conversations


async def test_conversations_last_used_first_archived_or_not(graphql: Client, company: SampleCompany) -> None:
    document = """query ($filter: ConversationFilter) {
      conversations(filter: $filter) { nodes { title archived updatedAt } totalCount } }"""
    ask = graphql.of(company.admin)

    async def request(**arguments: Any) -> list[tuple[str, bool, str]]:
        page = (await ask(document, filter=arguments))["conversations"]
        assert page["totalCount"] == len(page["nodes"])
        return [(node["title"], node["archived"], node["updatedAt"]) for node in page["nodes"]]

    loans = ("Loans", False, on(20).isoformat())
    old = ("Old", True, on(15).isoformat())
    about = [("Again", False, on(6).isoformat()), ("About B", False, on(4).isoformat())]
    assert await request(archived=False) == [loans, *about]
    assert await request(status="ACTIVE") == [loans, *about]
    assert await request(archived=True) == [old]
    assert await request() == [loans, old, *about]


async def test_a_conversation_with_what_was_said_cited_and_rated(
    graphql: Client, company: SampleCompany
) -> None:
    document = """query ($id: ID!) { conversation(id: $id) { messageCount totalTokensUsed
      messages { nodes { role content createdAt
        citations { nodes { sourceIndex sourceName pageNumber inlineNumber textStartIndex textEndIndex } }
        feedback { rating comment user { id } } } } } }"""

    found = (await graphql.of(company.user)(document, id=company.gid("loan")))["conversation"]

    def said(day: int, content: str, **more: Any) -> dict[str, Any]:
        defaults: dict[str, Any] = {"role": "USER", "citations": {"nodes": []}, "feedback": None}
        return {**defaults, "content": content, "createdAt": on(day).isoformat(), **more}

    inline = {"inlineNumber": 1, "textStartIndex": 0, "textEndIndex": 4}
    bare = {"inlineNumber": None, "textStartIndex": None, "textEndIndex": None}
    cited = [
        {"sourceIndex": 1, "sourceName": "Guide", "pageNumber": None, **inline},
        {"sourceIndex": 2, "sourceName": "Rates", "pageNumber": 4, **bare},
    ]
    rated = {"rating": "THUMBS_UP", "comment": "Good.", "user": {"id": company.user.gid}}
    assert found == {
        "messageCount": 4,
        "totalTokensUsed": 60,
        "messages": {
            "nodes": [
                said(11, "Which programme?"),
                said(12, "DSCR.", role="ASSISTANT", citations={"nodes": cited}, feedback=rated),
                said(13, "Sure?"),
                said(14, "Really?"),
            ]
        },
    }


async def test_a_message_with_what_it_replies_to_and_its_replies(
    graphql: Client, company: SampleCompany
) -> None:
    document = """query ($id: ID!) { message(id: $id) {
      content parentMessage { content } replies { nodes { content } } } }"""
    ask = graphql.of(company.user)

    answer = (await ask(document, id=company.gid("answer")))["message"]
    reply = (await ask(document, id=company.gid("again")))["message"]

    replies = [{"content": "Sure?"}, {"content": "Really?"}]
    assert answer == {"content": "DSCR.", "parentMessage": None, "replies": {"nodes": replies}}
    assert reply == {"content": "Sure?", "parentMessage": {"content": "DSCR."}, "replies": {"nodes": []}}


async def test_conversations_page_by_page_by_their_ids(graphql: Client, company: SampleCompany) -> None:
    document = """query ($after: String) { conversations(orderBy: ID_DESC, first: 3, after: $after) {
      nodes { id } pageInfo { hasNextPage endCursor } } }"""
    ask = graphql.of(company.admin)

    first = (await ask(document))["conversations"]
    rest = (await ask(document, after=first["pageInfo"]["endCursor"]))["conversations"]

    ids = [[node["id"] for node in page["nodes"]] for page in (first, rest)]
    assert ids == [
        [company.gid("old"), company.gid("loan"), company.gid("later talk")],
        [company.gid("talk")],
    ]
    assert [page["pageInfo"]["hasNextPage"] for page in (first, rest)] == [True, False]


async def test_steps_and_votes_of_an_answer(graphql: Client, company: SampleCompany) -> None:
    document = """query ($id: ID!) {
      agentLogs(filter: {messageId: $id}) { nodes { agentType isCouncilVote } }
      councilVotes(messageId: $id) { confidence voteData { agent } } }"""

    found = await graphql.of(company.user)(document, id=company.gid("answer"))

    steps = [("research", False), ("council_analytical", True), ("council_critical", True)]
    assert found == {
        "agentLogs": {"nodes": [{"agentType": kind, "isCouncilVote": vote} for kind, vote in steps]},
        "councilVotes": [
            {"confidence": 0.85, "voteData": {"agent": "analytical"}},
            {"confidence": 0.65, "voteData": {"agent": "critical"}},
        ],
    }


# -- what was run and used


async def test_runs_by_day_ascending(graphql: Client, company: SampleCompany) -> None:
    document = "{ usageAnalytics(days: 30) { date runs tokens errors activeUsers } }"

    found = await graphql.of(company.admin)(document)
    own = await graphql.of(company.user)(document)

    before = {"date": date_of(3), "runs": 2, "tokens": 30, "errors": 1, "activeUsers": 1}
    after = {"date": date_of(1), "runs": 1, "tokens": 12, "errors": 0, "activeUsers": 1}
    assert found["usageAnalytics"] == [before, after]
    assert own["usageAnalytics"] == [before]


async def test_runs_by_status_and_user(graphql: Client, company: SampleCompany) -> None:
    document = """query ($filter: RunLogFilter) { runLogs(filter: $filter, first: 50) {
      nodes { id errorCode } } }"""
    ask, user = graphql.of(company.admin), company.user.gid

    async def request(**arguments: Any) -> list[tuple[str, str | None]]:
        nodes = (await ask(document, filter=arguments))["runLogs"]["nodes"]
        return [(node["id"], node["errorCode"]) for node in nodes]

    run, failed, admins = (company.gid(name) for name in ("run", "failed run", "admin's run"))
    assert await request() == [(admins, None), (failed, "TIMEOUT"), (run, None)]
    assert await request(userId=user) == [(failed, "TIMEOUT"), (run, None)]
    assert await request(status="ERROR") == [(failed, "TIMEOUT")]
    assert await request(status="ERROR", userId=company.admin.gid) == []


async def test_tokens_in_all_and_none_is_zero(graphql: Client, company: SampleCompany) -> None:
    document = """query ($user: ID, $since: DateTime) {
      tokenUsageTotal(userId: $user, since: $since) { total cost } }"""
    ask, user = graphql.of(company.admin), company.user.gid

    async def request(**arguments: Any) -> dict[str, Any]:
        found: dict[str, Any] = (await ask(document, **arguments))["tokenUsageTotal"]
        return found

    assert await request() == {"total": 210, "cost": 1.75}
    assert await request(user=user) == {"total": 180, "cost": 1.75}
    assert await request(user=user, since=ago(2).isoformat()) == {"total": 150, "cost": 1.5}
    assert await request(user=company.admin.gid) == {"total": 30, "cost": 0}
    assert await request(user=user, since=ago(0).isoformat()) == {"total": 0, "cost": 0}


async def test_tokens_by_provider_operation_person_and_day(graphql: Client, company: SampleCompany) -> None:
    document = """{ tokenUsageByProvider { llmProvider total } tokenUsageByOperation { operationType total }
      tokenUsageByUser(limit: 10) { user { id } total } tokenUsageByDay(days: 10) { date total cost } }"""

    found = await graphql.of(company.admin)(document)

    assert found == {
        "tokenUsageByProvider": [
            {"llmProvider": "OPENAI", "total": 150},
            {"llmProvider": "CUSTOM", "total": 60},
        ],
        "tokenUsageByOperation": [
            {"operationType": "council_voting", "total": 150},
            {"operationType": "chat", "total": 60},
        ],
        "tokenUsageByUser": [
            {"user": {"id": company.user.gid}, "total": 180},
            {"user": {"id": company.admin.gid}, "total": 30},
        ],
        "tokenUsageByDay": [
            {"date": date_of(5), "total": 30, "cost": 0.25},
            {"date": date_of(2), "total": 180, "cost": 1.5},
        ],
    }


# -- targets and reports


async def test_the_companys_targets_and_its_reports(graphql: Client, company: SampleCompany) -> None:
    document = """{ companyProfile { location targetYear budget energyMixWeight priceOptimizationWeight
      portfolioDecisionWeight } savedReports { nodes { reportId title savedAt user { id } } } }"""

    found = await graphql.of(company.admin)(document)

    targets = {"location": "Pune", "targetYear": 2035, "budget": 100_000.0}
    weights = {"energyMixWeight": 0.4, "priceOptimizationWeight": 0.35, "portfolioDecisionWeight": 0.25}
    march, april = (on(day).isoformat() for day in (16, 17))
    assert found["companyProfile"] == {**targets, **weights}
    assert found["savedReports"]["nodes"] == [
        {"reportId": "r-2", "title": "April", "savedAt": april, "user": {"id": company.admin.gid}},
        {"reportId": "r-1", "title": "March", "savedAt": march, "user": {"id": company.user.gid}},
    ]


# -- documents


async def test_documents_that_are_ready_with_their_pieces(graphql: Client, company: SampleCompany) -> None:
    document = """query ($filter: DocumentFilter) { documents(filter: $filter) {
      nodes { title chunkCount user { id } chunks { nodes { chunkIndex content } } } } }"""
    ask = graphql.of(company.admin)

    by_flag = (await ask(document, filter={"isProcessed": True}))["documents"]["nodes"]
    by_status = (await ask(document, filter={"status": "COMPLETED"}))["documents"]["nodes"]
    others = (await graphql.of(company.user)(document, filter={"isProcessed": True}))["documents"]["nodes"]

    private = {
        "title": "Private",
        "chunkCount": 0,
        "user": {"id": company.admin.gid},
        "chunks": {"nodes": []},
    }
    pieces = [{"chunkIndex": 0, "content": "One two."}, {"chunkIndex": 1, "content": "Two three."}]
    guide = {
        "title": "Guide",
        "chunkCount": 2,
        "user": {"id": company.user.gid},
        "chunks": {"nodes": pieces},
    }
    assert by_flag == by_status == [private, guide]
    assert others == [guide]


async def test_documents_that_wait_oldest_first(graphql: Client, company: SampleCompany) -> None:
    document = "{ all: pendingDocuments { title } one: pendingDocuments(limit: 1) { title } }"

    found = await graphql.of(company.user)(document)

    assert found == {"all": [{"title": "Sooner"}, {"title": "Later"}], "one": [{"title": "Sooner"}]}


async def test_pieces_by_index_and_the_text_that_they_make(graphql: Client, company: SampleCompany) -> None:
    document = """query ($id: ID!) { documentText(id: $id)
      documentChunks(filter: {documentId: $id}) { nodes { chunkIndex content } } }"""

    found = await graphql.of(company.user)(document, id=company.gid("guide"))

    assert found == {
        "documentText": "One two.\n\nTwo three.",
        "documentChunks": {
            "nodes": [{"chunkIndex": 0, "content": "One two."}, {"chunkIndex": 1, "content": "Two three."}]
        },
    }


async def test_the_model_that_makes_vectors(
    graphql: Client, company: SampleCompany, save: Save, platform: Fixture, onlooker: Onlooker
) -> None:
    model = an_embedding_model(platform, name=f"Model {company.admin.id}", dimension=3)
    await save(model)
    before = await onlooker.fetchval("SELECT id FROM platform.embedding_models WHERE is_active")
    await onlooker.execute("UPDATE platform.embedding_models SET is_active = false WHERE is_active")
    document = "{ activeEmbeddingModel { name dimension isActive } }"
    ask, activate = (
        graphql.of(company.user),
        "UPDATE platform.embedding_models SET is_active = true WHERE id = $1",
    )
    try:
        none = await ask(document)
        await onlooker.execute(activate, model.id)
        found = await ask(document)
    finally:
        await onlooker.execute("DELETE FROM platform.embedding_models WHERE id = $1", model.id)
        await onlooker.execute(activate, before)

    assert none["activeEmbeddingModel"] is None
    assert found["activeEmbeddingModel"] == {"name": model.name, "dimension": 3, "isActive": True}


# -- components


async def test_evaluations_by_status(graphql: Client, company: SampleCompany) -> None:
    document = """query ($filter: EvaluationRunFilter) {
      evaluationRuns(filter: $filter) { nodes { name status } } }"""
    ask = graphql.of(company.user)

    done = (await ask(document, filter={"status": "COMPLETED"}))["evaluationRuns"]["nodes"]
    every = (await ask(document, filter=None))["evaluationRuns"]["nodes"]

    evaluated, planned = (
        {"name": "Evaluated", "status": "COMPLETED"},
        {"name": "Planned", "status": "PENDING"},
    )
    assert done == [evaluated]
    assert every == [planned, evaluated]


async def test_requirements_of_a_component_newest_first(graphql: Client, company: SampleCompany) -> None:
    document = """query ($filter: RequirementExportFilter) { requirementExports(filter: $filter) {
      nodes { id componentType } } }"""

    found = (await graphql.of(company.user)(document, filter={"componentType": "Button"}))[
        "requirementExports"
    ]

    assert found["nodes"] == [
        {"id": company.gid("second button"), "componentType": "Button"},
        {"id": company.gid("button"), "componentType": "Button"},
    ]


@pytest.mark.parametrize(
    ("component_type", "answer"),
    [
        (None, (3, 4.0, 1.0, 1.0)),
        ("Button", (2, 3.0, 1.5, 0.5)),
        ("Card", (1, 6.0, 0.0, 2.0)),
        ("Tabs", (0, None, None, None)),
    ],
)
async def test_how_much_was_approved(
    graphql: Client, company: SampleCompany, component_type: str | None, answer: tuple[Any, ...]
) -> None:
    document = """query ($type: String) { approvalMetrics(componentType: $type) {
      total avgApproved avgEdited avgCustom } }"""

    found = (await graphql.of(company.user)(document, type=component_type))["approvalMetrics"]

    assert tuple(found.values()) == answer


async def test_exports_that_were_fast(graphql: Client, company: SampleCompany) -> None:
    document = """query ($limit: Int! = 3000) { fastExports(maxLatencyMs: $limit) {
      nodes { id proposalLatencyMs } } }"""
    ask = graphql.of(company.user)

    defaults = (await ask(document))["fastExports"]["nodes"]
    more = (await ask(document, limit=3001))["fastExports"]["nodes"]

    quick = {"id": company.gid("button"), "proposalLatencyMs": 2999}
    assert defaults == [quick]
    assert more == [quick, {"id": company.gid("second button"), "proposalLatencyMs": 3000}]


# -- the database


async def test_orphans_and_the_databases_health(graphql: Client, company: SampleCompany) -> None:
    document = "{ orphanCheck { projectsWithoutUser jobsWithoutProject } databaseHealth { status error } }"

    found = await graphql.of(company.admin)(document)

    assert found == {
        "orphanCheck": {"projectsWithoutUser": 0, "jobsWithoutProject": 0},
        "databaseHealth": {"status": "HEALTHY", "error": None},
    }

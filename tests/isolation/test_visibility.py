"""Which rows of every model somebody reads, with each permission that matters and without it."""

import itertools
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from typing import Any, NamedTuple
from uuid import UUID

import pytest
import pytest_asyncio
from sqlalchemy import Select, select

from db.base import Model
from db.models import (
    ActivityLog,
    AgentLog,
    AnalysisResult,
    Citation,
    Company,
    CompanyProfile,
    Comparison,
    ConsumptionReading,
    Conversation,
    ConversationStatus,
    CrawlCandidate,
    CrawlChunk,
    CrawlJob,
    Dataset,
    DatasetImage,
    DatasetVersion,
    Document,
    DocumentChunk,
    DocumentScope,
    Drawing,
    DrawingSession,
    DrawingVersion,
    EmbeddingModel,
    EnergySource,
    EvaluationCase,
    EvaluationRun,
    ExportJob,
    Feedback,
    HistoricalDataImport,
    Image,
    Message,
    ProcessingJob,
    Project,
    ProjectStatus,
    ProposedRequirement,
    Report,
    RequirementExport,
    RequirementProposal,
    Role,
    RoleName,
    RunLog,
    SavedReport,
    TextCheck,
    TextCheckSentence,
    TokenUsage,
    Upload,
    User,
    ValidationFinding,
    ValidationJob,
)
from db.models import Permission as PermissionRow
from resolvers.access import POLICIES, Viewer, platform_visibility, visible
from schema.framework.context import Services
from tests import factories
from tests.factories import Fixture, a_company, a_project, a_session, a_user, lineage
from tests.factories.chat import a_citation, a_conversation, a_feedback, an_answer
from tests.factories.everything import everything
from tests.factories.knowledge import a_chunk, a_document


def name_of(model: type[Model]) -> str:
    return model.__name__


Models = dict[type[Model], str]
READ: Models = {
    Role: "roles:read",
    PermissionRow: "roles:read",
    Project: "projects:read",
    **dict.fromkeys((DrawingSession, Drawing, DrawingVersion, Comparison, AnalysisResult), "drawings:read"),
    ProcessingJob: "jobs:read",
    **dict.fromkeys(
        (
            CrawlJob,
            CrawlChunk,
            CrawlCandidate,
            Image,
            ValidationJob,
            ValidationFinding,
            ExportJob,
            Dataset,
            DatasetVersion,
            DatasetImage,
        ),
        "images:read",
    ),
    **dict.fromkeys((EmbeddingModel, Document, DocumentChunk), "documents:read"),
    **dict.fromkeys(
        (Conversation, Message, Citation, Feedback, TextCheck, TextCheckSentence), "chat:history"
    ),
    **dict.fromkeys(
        (CompanyProfile, SavedReport, EnergySource, HistoricalDataImport, ConsumptionReading, Report),
        "reports:view",
    ),
    **dict.fromkeys((EvaluationRun, EvaluationCase), "evaluations:read"),
}
"""The permission without which no row of a model is read."""

OVERSEE: Models = {
    User: "users:read",
    ActivityLog: "activity:read",
    **dict.fromkeys(
        (Conversation, Message, Citation, Feedback, TextCheck, TextCheckSentence), "chat:oversee"
    ),
    **dict.fromkeys((RunLog, AgentLog, TokenUsage), "analytics:read"),
    **dict.fromkeys((Document, DocumentChunk), "documents:oversee"),
    **dict.fromkeys((RequirementProposal, ProposedRequirement, RequirementExport), "requirements:oversee"),
}
"""The permission with which the company's rows of a model are read, instead of one's own."""

OWN = (*OVERSEE, Upload)
EVERYTHING = frozenset((*READ.values(), *OVERSEE.values(), "platform:manage"))
READ_MODELS, OVERSEEN_MODELS = sorted(READ, key=name_of), sorted(OVERSEE, key=name_of)
MODELS = sorted(set(READ) | set(OVERSEE) | {Company, Upload}, key=name_of)
GLOBAL = (Role, PermissionRow, EmbeddingModel)
"""Models whose rows are of no company."""


class Neighbourhood(NamedTuple):
    """Somebody, a colleague and a stranger; rows of the first two by model, and which of them are hidden."""

    me: Fixture
    colleague: Fixture
    stranger: Fixture
    mine: dict[type[Model], set[UUID]]
    theirs: dict[type[Model], set[UUID]]
    shared: dict[type[Model], set[UUID]]
    """The colleague's rows that everybody in the company reads."""
    deleted: set[UUID]


def by_model(rows: Iterable[Fixture]) -> dict[type[Model], set[UUID]]:
    found: dict[type[Model], set[UUID]] = defaultdict(set)
    for row in rows:
        found[row.model].add(row.id)
    return found


def rows_of(user: Fixture) -> list[Fixture]:
    """Everything of this person's, with all that it hangs on."""
    listed = itertools.chain(*everything([user]).values())
    return list({row.id: row for top in listed for row in lineage(top)}.values())


def conversation_rows(user: Fixture, session: Fixture | None = None, **values: object) -> list[Fixture]:
    """A conversation with an answer that is cited and rated."""
    conversation = a_conversation(user, session, **values)
    answer = an_answer(conversation)
    return [conversation, answer, a_citation(answer), a_feedback(answer, user)]


def document_rows(user: Fixture, scope: DocumentScope) -> list[Fixture]:
    document = a_document(user, scope=scope)
    return [document, a_chunk(document)]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def neighbourhood(services: Services) -> AsyncIterator[Neighbourhood]:
    me, stranger = a_user(a_company(), RoleName.VIEWER), a_user(a_company())
    colleague = a_user(me.company)
    mine, theirs = (rows_of(user) for user in (me, colleague))
    theirs = [row for row in theirs if row.model not in (CompanyProfile, Company)]
    session = a_session(colleague)
    shared = [
        session,
        *conversation_rows(colleague, session),
        *document_rows(colleague, DocumentScope.COMPANY),
        *document_rows(colleague, DocumentScope.GLOBAL),
    ]
    theirs += document_rows(colleague, DocumentScope.USER)
    mine += document_rows(me, DocumentScope.USER)
    deleted = [
        a_project(me, status=ProjectStatus.DELETED),
        *conversation_rows(me, status=ConversationStatus.DELETED),
        *conversation_rows(colleague, session, status=ConversationStatus.DELETED),
    ]
    rows = [*mine, *theirs, *shared, *deleted, stranger]
    await factories.save(services.database, *rows)
    companywide = {row.id for row in theirs if row.model not in OWN}
    companywide |= {row.id for row in theirs if row.model is Document and row.scope is DocumentScope.COMPANY}
    companywide |= {row.id for row in theirs if row.model is DocumentChunk and row.document_id in companywide}
    shared += [row for row in theirs if row.id in companywide]
    theirs = [row for row in theirs if row.id not in companywide]
    yield Neighbourhood(
        me,
        colleague,
        stranger,
        by_model(mine),
        by_model(theirs),
        by_model(shared),
        {row.id for row in deleted},
    )


def viewer_of(user: Fixture, *permissions: str) -> Viewer:
    return Viewer(user.id, user.company.id, RoleName.VIEWER, frozenset(permissions))


async def read(services: Services, company: Fixture, statement: Select[Any]) -> set[UUID]:
    """The rows that a statement finds in a unit that sees all users and companies."""
    async with services.database.tenant(company.id, kind="platform", read_only=True) as uow:
        return {row[0] for row in await uow.all(statement)}


async def ids(services: Services, viewer: Viewer, company: Fixture, model: type[Model]) -> set[UUID]:
    return await read(services, company, visible(viewer, model, model.__table__.c.id))


def test_every_model_has_a_policy_and_is_tested() -> None:
    untested = {model.__name__ for model in POLICIES} - {model.__name__ for model in MODELS}

    assert untested == {"ImageLabel", "Invitation"}
    assert {
        model.__name__: policy.read for model, policy in POLICIES.items() if model.__name__ in untested
    } == {
        "ImageLabel": "images:read",
        "Invitation": "users:create",
    }


@pytest.mark.parametrize("model", MODELS, ids=name_of)
async def test_without_any_permission_only_what_is_ones_own_is_read(
    services: Services, neighbourhood: Neighbourhood, model: type[Model]
) -> None:
    me = neighbourhood.me
    expected = set() if model in READ else neighbourhood.mine[model]

    assert await ids(services, viewer_of(me), me.company, model) == expected


@pytest.mark.parametrize("model", READ_MODELS, ids=name_of)
async def test_no_other_permission_stands_for_that_of_reading(
    services: Services, neighbourhood: Neighbourhood, model: type[Model]
) -> None:
    me = neighbourhood.me

    assert await ids(services, viewer_of(me, *EVERYTHING - {READ[model]}), me.company, model) == set()


@pytest.mark.parametrize("model", MODELS, ids=name_of)
async def test_who_may_read_reads_ones_own_and_what_is_shared(
    services: Services, neighbourhood: Neighbourhood, model: type[Model]
) -> None:
    me = neighbourhood.me
    others = set(OVERSEE.values()) | {"platform:manage"}

    found = await ids(services, viewer_of(me, *EVERYTHING - others), me.company, model)

    if model in GLOBAL:
        found &= neighbourhood.mine[model] | neighbourhood.shared[model]
    assert found == neighbourhood.mine[model] | neighbourhood.shared[model]


@pytest.mark.parametrize("model", OVERSEEN_MODELS, ids=name_of)
async def test_who_oversees_reads_the_whole_companys(
    services: Services, neighbourhood: Neighbourhood, model: type[Model]
) -> None:
    me = neighbourhood.me
    whole = neighbourhood.mine[model] | neighbourhood.shared[model] | neighbourhood.theirs[model]
    only = {READ[model]} if model in READ else set()

    assert await ids(services, viewer_of(me, OVERSEE[model], *only), me.company, model) == whole
    # No other permission does.
    without = EVERYTHING - {OVERSEE[model], "platform:manage"}
    partly = await ids(services, viewer_of(me, *without), me.company, model)
    assert partly == neighbourhood.mine[model] | neighbourhood.shared[model]


async def test_only_who_manages_the_platform_reads_other_companies_and_their_people(
    services: Services, neighbourhood: Neighbourhood
) -> None:
    me, stranger = neighbourhood.me, neighbourhood.stranger
    companies, people = {me.company.id, stranger.company.id}, {me.id, neighbourhood.colleague.id, stranger.id}

    for model, wanted in ((Company, companies), (User, people)):
        manager = await ids(services, viewer_of(me, "platform:manage"), me.company, model)
        administrator = await ids(
            services, viewer_of(me, *EVERYTHING - {"platform:manage"}), me.company, model
        )
        assert manager & wanted == wanted
        assert administrator == wanted - {stranger.id, stranger.company.id}


async def test_roles_and_models_are_read_by_who_may(services: Services, neighbourhood: Neighbourhood) -> None:
    me = neighbourhood.me
    for model in (Role, PermissionRow):
        stored = await read(services, me.company, select(model.__table__.c.id))
        assert await ids(services, viewer_of(me, "roles:read"), me.company, model) == stored != set()


@pytest.mark.parametrize("permissions", [EVERYTHING, EVERYTHING - {"documents:read"}])
async def test_what_is_published_is_read_by_who_reads_documents(
    services: Services, neighbourhood: Neighbourhood, permissions: frozenset[str]
) -> None:
    me = neighbourhood.me
    viewer = viewer_of(neighbourhood.stranger, *permissions)
    published: dict[str, set[UUID]] = {}
    for model in MODELS:
        key = model.__table__.c.id
        statement = select(key).where(*platform_visibility(viewer, model, model))
        published[model.__name__] = await read(services, me.company, statement)

    scopes = select(Document.id).where(Document.scope == DocumentScope.GLOBAL)
    chunks = select(DocumentChunk.id).where(DocumentChunk.document_id.in_(scopes))
    expected = {
        "Document": await read(services, me.company, scopes),
        "DocumentChunk": await read(services, me.company, chunks),
    }
    assert [len(found) for found in expected.values()] == [1, 1]
    assert {name: found for name, found in published.items() if found} == (
        expected if "documents:read" in permissions else {}
    )

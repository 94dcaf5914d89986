"""The policy of each model: the rule, and the permission, for reading its rows."""

from collections.abc import Callable
from dataclasses import dataclass

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
    CrawlCandidate,
    CrawlChunk,
    CrawlJob,
    Dataset,
    DatasetImage,
    DatasetVersion,
    Document,
    DocumentChunk,
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
    ImageLabel,
    Invitation,
    Message,
    Permission,
    ProcessingJob,
    Project,
    ProposedRequirement,
    Report,
    RequirementExport,
    RequirementProposal,
    Role,
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
from resolvers.access.rules import (
    Readers,
    Rule,
    all_rows,
    colleagues,
    company_rows,
    conversation_readers,
    conversations,
    document_readers,
    documents,
    not_deleted,
    own_activity,
    own_company,
    own_records,
    own_requirements,
    own_uploads,
    published_documents,
    text_checks,
    within_conversation,
    within_document,
    within_proposal,
    within_published,
    within_text_check,
)
from resolvers.access.viewers import Viewer


@dataclass(frozen=True)
class Policy:
    """Which rows of a model a viewer can read."""

    rule: Rule = all_rows
    read: str | None = None
    """Permission that is required to read any row."""
    published: Rule | None = None
    """Rows of the platform's company that all other companies can read as well."""
    readers: Callable[[Viewer], Readers] | None = None
    """The readers that the rule asks for and nothing else, so that a list is one of each reader's rows."""


WITHIN_CONVERSATION = Policy(rule=within_conversation, read="chat:history", readers=conversation_readers)
POLICIES: dict[type[Model], Policy] = {
    Company: Policy(rule=own_company),
    User: Policy(rule=colleagues),
    Role: Policy(read="roles:read"),
    Permission: Policy(read="roles:read"),
    Invitation: Policy(rule=company_rows, read="users:create"),
    ActivityLog: Policy(rule=own_activity),
    Project: Policy(rule=not_deleted, read="projects:read"),
    DrawingSession: Policy(read="drawings:read"),
    Drawing: Policy(read="drawings:read"),
    DrawingVersion: Policy(read="drawings:read"),
    Comparison: Policy(read="drawings:read"),
    AnalysisResult: Policy(read="drawings:read"),
    ProcessingJob: Policy(read="jobs:read"),
    Upload: Policy(rule=own_uploads),
    CrawlJob: Policy(read="images:read"),
    CrawlChunk: Policy(read="images:read"),
    CrawlCandidate: Policy(read="images:read"),
    Image: Policy(read="images:read"),
    ImageLabel: Policy(read="images:read"),
    ValidationFinding: Policy(read="images:read"),
    ValidationJob: Policy(read="images:read"),
    ExportJob: Policy(read="images:read"),
    Dataset: Policy(read="images:read"),
    DatasetVersion: Policy(read="images:read"),
    DatasetImage: Policy(read="images:read"),
    EmbeddingModel: Policy(read="documents:read"),
    Document: Policy(rule=documents, read="documents:read", published=published_documents),
    DocumentChunk: Policy(
        rule=within_document, read="documents:read", published=within_published, readers=document_readers
    ),
    Conversation: Policy(rule=conversations, read="chat:history"),
    Message: WITHIN_CONVERSATION,
    Citation: WITHIN_CONVERSATION,
    Feedback: WITHIN_CONVERSATION,
    TextCheck: Policy(rule=text_checks, read="chat:history"),
    TextCheckSentence: Policy(rule=within_text_check, read="chat:history"),
    RunLog: Policy(rule=own_records),
    AgentLog: Policy(rule=own_records),
    TokenUsage: Policy(rule=own_records),
    CompanyProfile: Policy(read="reports:view"),
    SavedReport: Policy(read="reports:view"),
    EnergySource: Policy(read="reports:view"),
    HistoricalDataImport: Policy(read="reports:view"),
    ConsumptionReading: Policy(read="reports:view"),
    Report: Policy(read="reports:view"),
    EvaluationRun: Policy(read="evaluations:read"),
    EvaluationCase: Policy(read="evaluations:read"),
    RequirementProposal: Policy(rule=own_requirements),
    ProposedRequirement: Policy(rule=within_proposal),
    RequirementExport: Policy(rule=own_requirements),
}
"""The policy of each model. A model without a policy cannot be read (`KeyError`)."""

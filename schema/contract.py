"""The GraphQL contract."""

from collections import Counter
from functools import partial
from typing import Any

import strawberry
from graphql import GraphQLInputObjectType, GraphQLObjectType, get_named_type
from strawberry.schema.config import StrawberryConfig

from schema.chat.events import ChatSubscriptions
from schema.chat.export import ConversationExportQueries
from schema.chat.operations import ChatMutations, ChatQueries
from schema.chat.questions import MessageMutations
from schema.chat.suggestions import SuggestionQueries
from schema.chat.text_check_events import TextCheckSubscriptions
from schema.chat.text_checks import TextCheckMutations, TextCheckQueries
from schema.chat.usage import UsageQueries
from schema.drawings.corrections import CorrectionMutations
from schema.drawings.operations import DrawingMutations, DrawingQueries, DrawingSubscriptions
from schema.drawings.reports import ComparisonReportMutations
from schema.evaluation.operations import EvaluationMutations, EvaluationQueries
from schema.evaluation.runs import EvaluationRunMutations, EvaluationRunQueries
from schema.execution.executor import executor_with
from schema.files import FileMutations, FileQueries
from schema.framework.documents import Documents
from schema.framework.error_masking import ErrorMasking
from schema.framework.introspection_cache import IntrospectionCache
from schema.framework.known_documents import DocumentSchema
from schema.framework.nodes import NodeQueries
from schema.framework.operation_limits import OperationLimits
from schema.framework.operation_size import Limits
from schema.framework.scalars import ENCODED_SCALARS, SCALARS, serialize_instant
from schema.health import HealthMutations, HealthQueries
from schema.identity.activity_exports import ActivityExportMutations
from schema.identity.companies import CompanyMutations
from schema.identity.deletion import DeletionMutations
from schema.identity.invitations import InvitationMutations, InvitationQueries
from schema.identity.passwords import PasswordMutations
from schema.identity.second_factors import SecondFactorMutations
from schema.identity.sessions import SessionMutations, SessionQueries
from schema.identity.sign_in import SignInMutations
from schema.identity.subscriptions import IdentitySubscriptions
from schema.identity.types import IdentityQueries
from schema.identity.users import UserMutations
from schema.imagery.dataset_operations import DatasetMutations, DatasetQueries
from schema.imagery.image_feed import ImagerySubscriptions
from schema.imagery.operations import ImageryMutations, ImageryQueries
from schema.imagery.pushes import PushMutations
from schema.insights.energy_sources import EnergySourceMutations, EnergySourceQueries
from schema.insights.imports import ConsumptionMutations, ConsumptionQueries
from schema.insights.profile import ProfileMutations, ProfileQueries
from schema.insights.reports import ReportMutations, ReportQueries, ReportSubscriptions
from schema.insights.saved_reports import SavedReportMutations, SavedReportQueries
from schema.jobs import JobMutations, JobQueries, JobSubscriptions
from schema.knowledge.operations import KnowledgeMutations, KnowledgeQueries
from schema.knowledge.processing import ProcessingMutations, SearchQueries
from schema.projects import ProjectMutations, ProjectQueries
from schema.records.planning import record_field
from schema.requirements.exports import ExportedRequirementMutations, ExportedRequirementQueries
from schema.requirements.proposals import (
    RequirementProposalMutations,
    RequirementProposalQueries,
    RequirementProposalSubscriptions,
)
from schema.requirements.review import ReviewMutations


@strawberry.type(description="Root of all queries.")
class Query(
    NodeQueries,
    IdentityQueries,
    InvitationQueries,
    SessionQueries,
    ProjectQueries,
    DrawingQueries,
    ImageryQueries,
    DatasetQueries,
    ProfileQueries,
    SavedReportQueries,
    ConsumptionQueries,
    ReportQueries,
    EnergySourceQueries,
    EvaluationQueries,
    EvaluationRunQueries,
    ExportedRequirementQueries,
    RequirementProposalQueries,
    KnowledgeQueries,
    SearchQueries,
    ChatQueries,
    TextCheckQueries,
    UsageQueries,
    SuggestionQueries,
    ConversationExportQueries,
    FileQueries,
    JobQueries,
    HealthQueries,
):
    pass


@strawberry.type(description="Root of all mutations.")
class Mutation(
    SignInMutations,
    PasswordMutations,
    SecondFactorMutations,
    ActivityExportMutations,
    SessionMutations,
    InvitationMutations,
    CompanyMutations,
    UserMutations,
    DeletionMutations,
    ProjectMutations,
    CorrectionMutations,
    DrawingMutations,
    ComparisonReportMutations,
    ImageryMutations,
    DatasetMutations,
    PushMutations,
    ProfileMutations,
    SavedReportMutations,
    ConsumptionMutations,
    ReportMutations,
    EnergySourceMutations,
    EvaluationMutations,
    EvaluationRunMutations,
    ExportedRequirementMutations,
    RequirementProposalMutations,
    ReviewMutations,
    KnowledgeMutations,
    ProcessingMutations,
    ChatMutations,
    MessageMutations,
    TextCheckMutations,
    FileMutations,
    JobMutations,
    HealthMutations,
):
    pass


@strawberry.type(description="Root of all subscriptions.")
class Subscription(
    IdentitySubscriptions,
    DrawingSubscriptions,
    ImagerySubscriptions,
    ChatSubscriptions,
    TextCheckSubscriptions,
    ReportSubscriptions,
    RequirementProposalSubscriptions,
    JobSubscriptions,
):
    pass


ARGUMENTS = {
    "file": "File part of the multipart request.",
    "id": "Global ID of the object.",
    "ids": "Global IDs of the objects. Maximum 100.",
    "limit": "Maximum number of items to return.",
    "days": "Number of days to include, ending today.",
    "fillGaps": "If true, days without activity are included.",
    "messageId": "Global ID of the message.",
    "sessionId": "Global ID of the drawing session.",
    "since": "Returns only items from this time on.",
    "userId": "Global ID of a user. Returns only items of this user.",
}
"""Descriptions of arguments, by name."""


class Contract(DocumentSchema):
    """The executable schema. `ErrorMasking` alone formats and logs errors."""

    def process_errors(self, errors: Any, execution_context: Any = None) -> None:
        """Do not log errors: `ErrorMasking` does."""

    @property
    def executions(self) -> Counter[str]:
        """Operations by how they were executed: `compiled`, `stock` or `bailed`."""
        counts: Counter[str] | None = getattr(self.execution_context_class, "counts", None)
        return Counter() if counts is None else counts


def make_schema(
    limits: Limits | None = None, *, sort: bool = False, compiled: bool = True, introspection: bool = True
) -> Contract:
    """The schema with operation limits. Sort it only for printing: sorted enums cannot be executed.

    Without introspection, errors do not suggest names of the schema either.
    """
    limits = limits or Limits()
    config = StrawberryConfig(
        scalar_map=SCALARS,
        sort_schema=sort,
        disable_field_suggestions=not introspection,
        enable_experimental_incremental_execution=True,
    )
    documents = Documents()
    contract = Contract(
        Query,
        Mutation,
        Subscription,
        config=config,
        limits=limits,
        documents=documents,
        extensions=[
            partial(OperationLimits, limits, documents, introspection=introspection),
            IntrospectionCache,
            ErrorMasking,
        ],
        execution_context_class=executor_with(
            limits, compiled=compiled, kinds=record_field, suggests=introspection
        ),
    )
    for name in ENCODED_SCALARS:
        scalar: Any = contract._schema.type_map[name]
        scalar.coerce_output_value = scalar.serialize = serialize_instant
    for root in ("Query", "Mutation", "Subscription"):
        describe_arguments(contract._schema.type_map[root])
    return contract


def describe_arguments(root: Any) -> None:
    """Describe each argument without a description by its input type, or else by its name."""
    assert isinstance(root, GraphQLObjectType)
    for field in root.fields.values():
        for name, argument in field.args.items():
            kind = get_named_type(argument.type)
            taken = kind.description if isinstance(kind, GraphQLInputObjectType) else None
            argument.description = argument.description or taken or ARGUMENTS.get(name)

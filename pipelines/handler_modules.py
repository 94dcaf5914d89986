"""The module of each job's handler, imported when the first job of the kind is run."""

import asyncio
from typing import Any

from core.imports import load
from db.queue import Job
from pipelines.runtime.handlers import HANDLERS, Handler
from resolvers.chat.questions import AnswerMessage
from resolvers.chat.text_checks import CheckText
from resolvers.drawings.comparison_reports import WriteComparisonReport
from resolvers.drawings.corrections import CompareSheet
from resolvers.drawings.sessions import AnalyseSheets, CompareSheets, ExtractSheets
from resolvers.evaluation.runs import MeasureModel
from resolvers.identity.mails import SendMail
from resolvers.identity.placement import MoveCompany
from resolvers.imagery.crawl_chunks import GatherChunk, GatherImages
from resolvers.imagery.exports import PackImages
from resolvers.imagery.pushes import PushDataset
from resolvers.imagery.validation import CheckImages
from resolvers.insights.imports import ImportHistoricalData
from resolvers.insights.reports import GenerateReport
from resolvers.insights.saved_reports import PublishReport
from resolvers.knowledge.model_rollout import ReembedDocuments
from resolvers.knowledge.processing import ProcessDocument
from resolvers.knowledge.vector_recovery import RecoverVectors
from resolvers.knowledge.vector_sync import (
    ForgetCompany,
    ForgetDocument,
    ForgetModel,
    ForgetStaleVectors,
    RescopeDocument,
)
from resolvers.object_removal import RemoveObjects, RemoveUnusedPictures
from resolvers.requirements.proposals import ProposeRequirements

HANDLER_MODULES: dict[type[Job], str] = {
    AnalyseSheets: "pipelines.drawings.analysis",
    AnswerMessage: "pipelines.chat.handlers",
    CheckImages: "pipelines.imagery.validation",
    CheckText: "pipelines.text_checks.handlers",
    CompareSheet: "pipelines.drawings.corrections",
    CompareSheets: "pipelines.drawings.handlers",
    ExtractSheets: "pipelines.drawings.handlers",
    ForgetCompany: "pipelines.knowledge.handlers",
    ForgetDocument: "pipelines.knowledge.handlers",
    ForgetStaleVectors: "pipelines.knowledge.handlers",
    ForgetModel: "pipelines.knowledge.reembedding",
    GatherChunk: "pipelines.imagery.handlers",
    GatherImages: "pipelines.imagery.handlers",
    GenerateReport: "pipelines.insights.report_job",
    ImportHistoricalData: "pipelines.insights.handlers",
    MeasureModel: "pipelines.evaluation.handlers",
    MoveCompany: "pipelines.company_moves",
    PackImages: "pipelines.imagery.exporting.handlers",
    ProcessDocument: "pipelines.knowledge.handlers",
    ProposeRequirements: "pipelines.requirements.handlers",
    PushDataset: "pipelines.imagery.exporting.pushes",
    PublishReport: "pipelines.insights.report_files",
    ReembedDocuments: "pipelines.knowledge.reembedding",
    RecoverVectors: "pipelines.knowledge.vector_recovery",
    RemoveObjects: "pipelines.cleanup",
    RemoveUnusedPictures: "pipelines.imagery.crawl_cleanup",
    RescopeDocument: "pipelines.knowledge.handlers",
    SendMail: "pipelines.mail.handlers",
    WriteComparisonReport: "pipelines.drawings.reports.handlers",
}
"""Every kind of job. The modules import the libraries that read, draw and compute."""


def queues() -> frozenset[str]:
    """All queues."""
    return frozenset(kind.queue for kind in (*HANDLER_MODULES, *HANDLERS))


async def handler_of(kind: type[Job]) -> Handler[Any]:
    """The handler of a kind of job, imported in a thread if it was not before."""
    if kind not in HANDLERS:
        await asyncio.to_thread(load, HANDLER_MODULES[kind])
    return HANDLERS[kind]

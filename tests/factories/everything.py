"""One row of every stored type for each of a company's people."""

from db.models import DrawingType
from tests.factories import (
    Fixture,
    a_comparison,
    a_drawing,
    a_job,
    a_project,
    a_session,
    a_version,
    an_activity,
    an_analysis,
    an_invitation,
    an_upload,
)
from tests.factories.chat import (
    a_citation,
    a_conversation,
    a_feedback,
    a_run_log,
    a_text_check,
    a_text_check_sentence,
    a_token_usage,
    a_vote,
    an_answer,
)
from tests.factories.evaluation import (
    a_case,
    a_proposed_requirement,
    a_requirement_export,
    a_requirement_proposal,
    a_run,
)
from tests.factories.imagery import (
    a_candidate,
    a_crawl,
    a_dataset,
    a_dataset_image,
    a_dataset_version,
    a_finding,
    a_validation,
    an_export,
    an_image,
)
from tests.factories.insights import a_made_report, a_profile, a_reading, a_report, a_source, an_import
from tests.factories.knowledge import a_chunk, a_document, an_embedding_model


def everything(people: list[Fixture]) -> dict[str, list[Fixture]]:
    """By GraphQL type, a row for each person, hanging together; one profile, because a company has one.

    Roles and permissions are seeded and not made here.
    """
    projects = [a_project(user) for user in people]
    documents = [a_document(user) for user in people]
    runs = [a_run(user) for user in people]
    proposals = [a_requirement_proposal(user) for user in people]
    return {
        "Company": [people[0].company],
        "User": people,
        "ActivityLog": [an_activity(user) for user in people],
        "Invitation": [an_invitation(user) for user in people],
        "UploadedFile": [an_upload(user) for user in people],
        "Project": projects,
        **drawings(people, projects),
        **imagery(projects),
        **knowledge(people, documents),
        **chat(people, documents[0]),
        **insights(people),
        "EvaluationRun": runs,
        "EvaluationCase": [a_case(run) for run in runs],
        "RequirementProposal": proposals,
        "ProposedRequirement": [a_proposed_requirement(each) for each in proposals],
        "RequirementExport": [a_requirement_export(user) for user in people],
    }


def drawings(people: list[Fixture], projects: list[Fixture]) -> dict[str, list[Fixture]]:
    """A session in each project, with a job, an analysed comparison, and a version of its new sheet."""
    sessions = [a_session(user, project) for user, project in zip(people, projects, strict=True)]
    sheets = [a_drawing(session, DrawingType.NEW) for session in sessions]
    comparisons = [a_comparison(one, new=sheet) for one, sheet in zip(sessions, sheets, strict=True)]
    return {
        "DrawingSession": sessions,
        "Drawing": sheets,
        "Comparison": comparisons,
        "AnalysisResult": [an_analysis(comparison) for comparison in comparisons],
        "DrawingVersion": [a_version(*pair) for pair in zip(projects, sheets, strict=True)],
        "ProcessingJob": [a_job(*pair) for pair in zip(people, sessions, strict=True)],
    }


def imagery(projects: list[Fixture]) -> dict[str, list[Fixture]]:
    """A crawl in each project, with an image, a check, an export, and a data set with a version."""
    crawls = [a_crawl(project) for project in projects]
    images = [an_image(crawl) for crawl in crawls]
    datasets = [a_dataset(project) for project in projects]
    versions = [a_dataset_version(dataset) for dataset in datasets]
    checks = [a_validation(crawl) for crawl in crawls]
    return {
        "CrawlJob": crawls,
        "Image": images,
        "CrawlCandidate": [a_candidate(crawl) for crawl in crawls],
        "ValidationJob": checks,
        "ValidationFinding": [a_finding(*pair) for pair in zip(checks, images, strict=True)],
        "Dataset": datasets,
        "DatasetVersion": versions,
        "DatasetImage": [a_dataset_image(*pair) for pair in zip(versions, images, strict=True)],
        "ExportJob": [an_export(crawl) for crawl in crawls],
    }


def knowledge(people: list[Fixture], documents: list[Fixture]) -> dict[str, list[Fixture]]:
    """A piece of each document, and embedding models."""
    return {
        "Document": documents,
        "DocumentChunk": [a_chunk(document) for document in documents],
        "EmbeddingModel": [an_embedding_model(user) for user in people],
    }


def chat(people: list[Fixture], document: Fixture) -> dict[str, list[Fixture]]:
    """A conversation of each person's about the document, with an answer that has all that answers have."""
    chosen = [str(document.id)]
    source = {"index": 1, "document_id": str(document.id), "name": "Guide", "similarity": 0.5}
    step = {"agent": "grounding", "action": "verify", "confidence": 0.9}
    detailed = {"sources": [source], "reasoning_chain": [step], "context_document_ids": chosen}
    conversations = [a_conversation(user, selected_document_ids=chosen) for user in people]
    answers = [an_answer(conversation, **detailed) for conversation in conversations]
    pairs = list(zip(people, answers, strict=True))
    checks = [a_text_check(user, document_ids=chosen) for user in people]
    counted = {"prompt_tokens": 20, "completion_tokens": 10, "total_tokens": 30}
    return {
        "Conversation": conversations,
        "Message": answers,
        "Citation": [a_citation(answer) for answer in answers],
        "Feedback": [a_feedback(answer, user) for user, answer in pairs],
        "TextCheck": checks,
        "TextCheckSentence": [a_text_check_sentence(check) for check in checks],
        "RunLog": [a_run_log(user, answer) for user, answer in pairs],
        "AgentLog": [a_vote(user, answer, "creative", token_usage=counted) for user, answer in pairs],
        "TokenUsage": [a_token_usage(user) for user in people],
    }


def insights(people: list[Fixture]) -> dict[str, list[Fixture]]:
    """The company's profile, and of each person a source, an import with a reading, and reports."""
    imports = [an_import(user) for user in people]
    return {
        "CompanyProfile": [a_profile(people[0].company)],
        "SavedReport": [a_report(user) for user in people],
        "EnergySource": [a_source(user.company) for user in people],
        "HistoricalDataImport": imports,
        "ConsumptionReading": [a_reading(each) for each in imports],
        "Report": [a_made_report(user) for user in people],
    }

"""Rules: the conditions for a viewer to read rows of a model."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, false, or_
from sqlalchemy.orm import aliased

from db.models import ConversationStatus, DocumentScope, ProjectStatus, RequirementProposal, TextCheck
from db.readers import COLLEAGUES, PUBLIC
from resolvers.access.viewers import Viewer

Conditions = list[ColumnElement[bool]]
Rule = Callable[[Viewer, Any], Conditions]
"""The conditions of a model. Conditions of a row's parent join it, so that either can be read first."""

Readers = tuple[UUID, ...] | None
"""Values of `reader_id` of the rows that a viewer can read; None if those are no condition."""

SHARED_SCOPES = [scope for scope in DocumentScope if scope is not DocumentScope.USER]


def all_rows(viewer: Viewer, entity: Any) -> Conditions:
    """All rows of the company."""
    return []


def no_rows(viewer: Viewer, entity: Any) -> Conditions:
    """No row."""
    return [false()]


def own_company(viewer: Viewer, company: Any) -> Conditions:
    """The viewer's company; all companies for platform managers."""
    return [] if viewer.has_permission("platform:manage") else [company.id == viewer.company_id]


def colleagues(viewer: Viewer, user: Any) -> Conditions:
    """The viewer; the company's users with `users:read`; all users for platform managers."""
    if viewer.has_permission("platform:manage"):
        return []
    if viewer.has_permission("users:read"):
        return [user.company_id == viewer.company_id]
    return [user.id == viewer.user_id]


def company_rows(viewer: Viewer, row: Any) -> Conditions:
    """Rows of the viewer's company; of all companies for platform managers."""
    return [] if viewer.has_permission("platform:manage") else [row.company_id == viewer.company_id]


def not_deleted(viewer: Viewer, project: Any) -> Conditions:
    """Projects that are not deleted."""
    return [project.status != ProjectStatus.DELETED]


def own_activity(viewer: Viewer, activity: Any) -> Conditions:
    """The viewer's activity; the company's with `activity:read`."""
    return [] if viewer.has_permission("activity:read") else [activity.user_id == viewer.user_id]


def own_uploads(viewer: Viewer, upload: Any) -> Conditions:
    """The viewer's uploads."""
    return [upload.user_id == viewer.user_id]


def conversations(viewer: Viewer, conversation: Any) -> Conditions:
    """The viewer's conversations, and those about drawing sessions; all with `chat:oversee`. None deleted."""
    conditions = [conversation.status != ConversationStatus.DELETED]
    if viewer.has_permission("chat:oversee"):
        return conditions
    own = conversation.user_id == viewer.user_id
    return [*conditions, or_(own, conversation.session_id.is_not(None))]


def conversation_readers(viewer: Viewer) -> Readers:
    """The readers of rows of visible conversations; None with `chat:oversee`."""
    return None if viewer.has_permission("chat:oversee") else (viewer.user_id, COLLEAGUES)


def within_conversation(viewer: Viewer, row: Any) -> Conditions:
    """Rows of visible conversations. Those of deleted ones have no reader."""
    readers = conversation_readers(viewer)
    return [row.reader_id.is_not(None) if readers is None else row.reader_id.in_(readers)]


def text_checks(viewer: Viewer, check: Any) -> Conditions:
    """The viewer's text checks; all with `chat:oversee`."""
    return [] if viewer.has_permission("chat:oversee") else [check.user_id == viewer.user_id]


def within_text_check(viewer: Viewer, sentence: Any) -> Conditions:
    """Sentences of visible text checks."""
    check = aliased(TextCheck)
    rule = text_checks(viewer, check)
    return [sentence.check_id == check.id, *rule] if rule else []


def own_records(viewer: Viewer, row: Any) -> Conditions:
    """The viewer's records; all with `analytics:read`."""
    return [] if viewer.has_permission("analytics:read") else [row.user_id == viewer.user_id]


def documents(viewer: Viewer, document: Any) -> Conditions:
    """The viewer's documents and those shared with the company; all with `documents:oversee`."""
    if viewer.has_permission("documents:oversee"):
        return []
    return [or_(document.uploaded_by_id == viewer.user_id, document.scope.in_(SHARED_SCOPES))]


def document_readers(viewer: Viewer) -> Readers:
    """The readers of chunks of visible documents; None with `documents:oversee`."""
    return None if viewer.has_permission("documents:oversee") else (viewer.user_id, COLLEAGUES, PUBLIC)


def within_document(viewer: Viewer, chunk: Any) -> Conditions:
    """Chunks of visible documents."""
    readers = document_readers(viewer)
    return [] if readers is None else [chunk.reader_id.in_(readers)]


def published_documents(viewer: Viewer, document: Any) -> Conditions:
    """Documents that the platform publishes to all companies."""
    return [document.scope == DocumentScope.GLOBAL]


def within_published(viewer: Viewer, chunk: Any) -> Conditions:
    """Chunks of published documents."""
    return [chunk.reader_id == PUBLIC]


def own_requirements(viewer: Viewer, row: Any) -> Conditions:
    """The viewer's proposals and exports; all with `requirements:oversee`."""
    return [] if viewer.has_permission("requirements:oversee") else [row.user_id == viewer.user_id]


def within_proposal(viewer: Viewer, requirement: Any) -> Conditions:
    """Requirements of visible proposals."""
    proposal = aliased(RequirementProposal)
    rule = own_requirements(viewer, proposal)
    return [requirement.proposal_id == proposal.id, *rule] if rule else []

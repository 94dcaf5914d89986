"""Text checks: types, creation, listing and deletion."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Any
from uuid import UUID

import strawberry
from sqlalchemy import ColumnElement
from strawberry import relay

from db import models
from db.models import SentenceVerdict, TextCheckState
from db.pagination import Order
from resolvers.chat import text_checks
from schema.chat.types import visible_documents
from schema.framework.context import Info
from schema.framework.decorators import enumeration, input, node, output
from schema.framework.fields import Connection, connection, lookup, relation
from schema.framework.global_ids import key_of, visible_keys
from schema.framework.payloads import (
    IdempotentInput,
    Payload,
    derived_field,
    field,
    input_values,
    mutation,
)
from schema.framework.projection import columns
from schema.lazy_types import DocumentRef, ProcessingJobRef, UserRef

for kind in (SentenceVerdict, TextCheckState):
    enumeration(kind)

COUNTS = tuple(f"{verdict.value}_count" for verdict in SentenceVerdict)


@enumeration
class TextCheckOrder(Enum):
    """Sort orders of text checks."""

    CREATED_AT_DESC = Order("created_at", descending=True)
    CREATED_AT_ASC = Order("created_at")


@enumeration
class TextCheckSentenceOrder(Enum):
    """Sort orders of the sentences of a text check."""

    NUMBER_ASC = Order("number")


@enumeration
class TextDifferenceKind(Enum):
    """Kind of a difference between a sentence and a passage."""

    NUMBER = "number"
    """Another number, date or amount."""
    UNIT = "unit"
    """Another unit of a number."""
    NAME = "name"
    """Another name."""
    NEGATION = "negation"
    """One of them is negated."""
    OPPOSITE = "opposite"
    """A word with the opposite meaning."""


@input
class TextCheckFilter:
    """Conditions for listing text checks."""

    user_id: relay.GlobalID | None = None
    """Matches items requested by this user."""

    def where(self, check: Any) -> list[ColumnElement[bool]]:
        if self.user_id is None:
            return []
        return [check.user_id == key_of(self.user_id, models.User, "filter", "userId")]


@input
class TextCheckSentenceFilter:
    """Conditions for listing the sentences of a text check."""

    verdict: SentenceVerdict | None = None
    """Matches sentences with this verdict."""

    def where(self, sentence: Any) -> list[ColumnElement[bool]]:
        return [sentence.verdict == self.verdict] if self.verdict else []


@output
class TextDifference:
    """What a sentence and the cited passage say differently."""

    kind: TextDifferenceKind
    """Kind of the difference."""

    stated: str | None
    """What the sentence states, such as `60 minutes`. Null if only the passage states it."""

    found: str | None
    """What the passage says instead, such as `90 minutes`. Null if only the sentence states it."""

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> TextDifference:
        """Build it from its stored JSON."""
        return cls(
            kind=TextDifferenceKind(stored["kind"]),
            stated=stored.get("stated"),
            found=stored.get("found"),
        )


@output
class TextCheckCitation:
    """Passage of a document that a sentence was compared with, as of that time."""

    document_key: strawberry.Private[UUID]

    document_title: str
    """Title of the document."""

    page: int | None
    """Page number from 1. Null if the document has no pages."""

    snippet: str
    """Verbatim text of the passage."""

    start: int
    """Start of the passage in the text of the page, in Unicode code points."""

    end: int
    """End of the passage, exclusive, in Unicode code points."""

    @field
    async def document(self, info: Info) -> DocumentRef | None:
        """The document. Null if it is deleted or not visible to the viewer."""
        wanted = columns(info, models.Document)
        found: DocumentRef | None = await info.context.loaders.one(models.Document, wanted).load(
            self.document_key
        )
        return found

    @classmethod
    def of(cls, stored: Mapping[str, Any] | None) -> TextCheckCitation | None:
        """Build it from its stored JSON."""
        if stored is None:
            return None
        said = {name: stored[name] for name in ("document_title", "page", "snippet", "start", "end")}
        return cls(document_key=UUID(stored["document_id"]), **said)


@node(models.TextCheckSentence)
class TextCheckSentence(relay.Node):
    """A sentence of a checked text, with what the documents say of it."""

    id: relay.NodeID[UUID]

    text_check: TextCheck | None = relation(models.TextCheckSentence.text_check)
    """The text check."""

    number: int
    """Number of the sentence in the text, from 1."""

    text_start_index: int
    """Start of the sentence in the text, in Unicode code points from 0."""

    text_end_index: int
    """End of the sentence, exclusive, in Unicode code points."""

    text: str
    """The sentence."""

    verdict: SentenceVerdict
    """What the documents say of the sentence."""

    confidence: float | None
    """Confidence of the verdict, from 0 to 1. Null if the sentence was not checked."""

    reason: str | None
    """Reason of the verdict in words, or null."""

    differences: list[TextDifference] = derived_field(
        lambda row: [TextDifference.of(stored) for stored in row.differences], needs=("differences",)
    )
    """What the cited passage says differently. Maximum 10."""

    citation: TextCheckCitation | None = derived_field(
        lambda row: TextCheckCitation.of(row.citation), needs=("citation",)
    )
    """The passage that supports or contradicts the sentence, or the nearest one if it is not found. Null if
    there is none.
    """

    created_at: datetime
    """Time of the check."""


@node(models.TextCheck)
class TextCheck(relay.Node):
    """A text whose sentences are checked against documents."""

    id: relay.NodeID[UUID]

    user: UserRef | None = relation(models.TextCheck.user)
    """User who requested it."""

    job: ProcessingJobRef | None = relation(models.TextCheck.job)
    """Job that checks the text."""

    text: str
    """The text."""

    @field(needs=("document_ids",))
    async def documents(self, info: Info) -> list[DocumentRef] | None:
        """Documents to check against that are visible to the viewer. Maximum 100. Null for all documents."""
        row: Any = self
        return await visible_documents(info, row.document_ids)

    state: TextCheckState
    """State of the check."""

    progress: int = derived_field(
        lambda row: 100 * text_checks.checked_count(row) // row.sentence_count,
        needs=("sentence_count", *COUNTS),
    )
    """Share of the sentences that are checked, in percent."""

    error_message: str | None
    """Reason of the failure, or null."""

    sentence_count: int
    """Number of sentences in the text. Maximum 200."""

    supported_count: int
    """Number of sentences that the documents support."""

    contradicted_count: int
    """Number of sentences that the documents contradict."""

    not_found_count: int
    """Number of sentences that the documents neither support nor contradict."""

    not_checked_count: int
    """Number of sentences that state nothing, such as headings and questions."""

    sentences: Connection[TextCheckSentence] = connection(
        models.TextCheck.sentences, orders=TextCheckSentenceOrder, filter=TextCheckSentenceFilter
    )
    """The checked sentences, in the order of the text."""

    created_at: datetime
    """Creation time."""

    updated_at: datetime
    """Time of the last change."""

    completed_at: datetime | None
    """Completion time."""


@output
class TextCheckQueries:
    text_check: TextCheck | None = lookup(models.TextCheck, "Looks up a text check by ID.")

    text_check_sentence: TextCheckSentence | None = lookup(
        models.TextCheckSentence, "Looks up a sentence of a text check by ID."
    )

    text_checks: Connection[TextCheck] = connection(
        models.TextCheck, orders=TextCheckOrder, filter=TextCheckFilter
    )
    """Lists the text checks that are visible to the viewer, newest first."""


@input
class TextCheckCreateInput(IdempotentInput):
    """Input of `textCheckCreate`."""

    text: str
    """Text to check, of at most 20,000 characters and 200 sentences."""

    document_ids: list[relay.GlobalID] | None = None
    """Global IDs of the documents to check against. Defaults to all documents that the viewer can read.
    Maximum 100.
    """

    start: bool = True
    """If true, the job is queued immediately. If false, start it with `jobStart`."""


@output
class TextCheckCreatePayload(Payload):
    text_check: TextCheck | None = None
    """The new text check. Subscribe to `textCheckEvents` to follow it."""


@output
class TextCheckDeletePayload(Payload):
    deleted_id: relay.GlobalID | None = None
    """Global ID of the deleted object."""


@output
class TextCheckMutations:
    @mutation(idempotent=True)
    async def text_check_create(self, info: Info, input: TextCheckCreateInput) -> TextCheckCreatePayload:
        """Check each sentence of a text against documents: whether they support or contradict it."""
        ids = input.document_ids
        values = input_values(input) | {
            "document_ids": None
            if ids is None
            else await visible_keys(info, ids, models.Document, "input", "documentIds")
        }
        async with info.context.write() as uow:
            check = await text_checks.create(uow, info.context.viewer, **values)
        return TextCheckCreatePayload.of(text_check=check)

    @mutation
    async def text_check_delete(self, info: Info, id: relay.GlobalID) -> TextCheckDeletePayload:
        """Delete a text check that is not in progress, with its sentences."""
        async with info.context.write() as uow:
            await text_checks.delete(uow, info.context.viewer, key_of(id, models.TextCheck))
        return TextCheckDeletePayload.of(deleted_id=id)

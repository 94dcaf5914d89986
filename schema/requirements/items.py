"""Exported requirements and their citations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import strawberry

from db import models
from schema.framework.context import Info
from schema.framework.decorators import output
from schema.framework.payloads import field
from schema.framework.projection import columns
from schema.lazy_types import DocumentRef


@output
class RequirementCitation:
    """Passage of a document that a requirement is based on."""

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
    def of(cls, stored: Mapping[str, Any] | None) -> RequirementCitation | None:
        """Build it from its stored JSON."""
        if stored is None:
            return None
        said = {name: stored[name] for name in ("document_title", "page", "snippet", "start", "end")}
        return cls(document_key=UUID(stored["document_id"]), **said)


FLAGS = ("approved", "edited", "custom")
"""Boolean fields of a requirement."""


@output
class RequirementItem:
    """A requirement of a component."""

    name: str | None
    """Name of the property, event or state."""

    type: str | None
    """Type of its value."""

    requirement: str | None
    """Text of an accessibility requirement."""

    values: list[str] | None
    """Allowed values. Maximum 100."""

    required: bool | None
    """Whether the requirement is mandatory."""

    description: str | None
    """Description of its purpose."""

    confidence: float | None
    """Confidence of the proposal, from 0 to 1."""

    rationale: str | None
    """Rationale of the proposal."""

    source: str | None
    """Name of its source: a standard, a document, a library or a model."""

    citation: RequirementCitation | None
    """Passage of a document that it is based on, or null."""

    approved: bool
    """Whether a user approved the requirement."""

    edited: bool
    """Whether a user edited the requirement."""

    custom: bool
    """Whether a user added the requirement."""

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> RequirementItem:
        """Build it from its stored JSON. Missing flags are false."""
        said: dict[str, Any] = {name: stored.get(name) for name in cls.__annotations__}
        said["citation"] = RequirementCitation.of(said["citation"])
        return cls(**{**said, **{flag: said[flag] is True for flag in FLAGS}})


@output
class Requirements:
    """Requirements of a component. Maximum 100 per category."""

    props: list[RequirementItem]
    """Properties."""

    events: list[RequirementItem]
    """Events."""

    states: list[RequirementItem]
    """States."""

    accessibility: list[RequirementItem]
    """Accessibility requirements."""

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Requirements:
        """Build it from its stored JSON."""
        kinds = cls.__annotations__
        return cls(**{kind: [RequirementItem.of(item) for item in stored.get(kind, ())] for kind in kinds})

"""Requirements as an export keeps them, and the places in documents that they come from."""

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
    """The place in a document that a requirement comes from."""

    document_key: strawberry.Private[UUID]

    document_title: str
    """What the document was called."""

    page: int | None
    """Its page, from 1; null where it has no pages."""

    snippet: str
    """What it says, word for word."""

    start: int
    """Where that begins in the text of the page, in Unicode code points."""

    end: int
    """Where that ends."""

    @field
    async def document(self, info: Info) -> DocumentRef | None:
        """The document; null where it is gone, or out of the viewer's sight."""
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
"""What a requirement says of itself by yes or no."""


@output
class RequirementItem:
    """One requirement of a component."""

    name: str | None
    """Of the property, event or state."""

    type: str | None
    """What kind of value it takes."""

    requirement: str | None
    """What accessibility asks, in words."""

    values: list[str] | None
    """The values it may take; 100 at most."""

    required: bool | None
    """Whether the component needs it."""

    description: str | None
    """What it is for."""

    confidence: float | None
    """How sure the proposal was, 0 to 1."""

    rationale: str | None
    """Why it was proposed."""

    source: str | None
    """Where it comes from: a standard, a document, a library or a model, by name."""

    citation: RequirementCitation | None
    """Where a document says so."""

    approved: bool
    """Whether a person approved it."""

    edited: bool
    """Whether a person changed it."""

    custom: bool
    """Whether a person added it."""

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> RequirementItem:
        """From the form that is stored; what is silent on a yes or no means no."""
        said: dict[str, Any] = {name: stored.get(name) for name in cls.__annotations__}
        said["citation"] = RequirementCitation.of(said["citation"])
        return cls(**{**said, **{flag: said[flag] is True for flag in FLAGS}})


@output
class Requirements:
    """A component's requirements; at most 100 of each kind."""

    props: list[RequirementItem]
    """Properties."""

    events: list[RequirementItem]
    """Events."""

    states: list[RequirementItem]
    """States."""

    accessibility: list[RequirementItem]
    """What accessibility asks."""

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Requirements:
        """Build it from its stored JSON."""
        kinds = cls.__annotations__
        return cls(**{kind: [RequirementItem.of(item) for item in stored.get(kind, ())] for kind in kinds})

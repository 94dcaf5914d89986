"""Details of messages and agent logs, stored as JSON."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

import strawberry

from db import models
from db.models import CouncilBasis
from schema.framework.context import Info
from schema.framework.decorators import enumeration, output
from schema.framework.payloads import field
from schema.framework.projection import columns
from schema.lazy_types import DocumentRef

enumeration(CouncilBasis)


@output
class TokenCounts:
    """Token counts of a request to a model."""

    prompt_tokens: int | None
    """Number of prompt tokens."""

    completion_tokens: int | None
    """Number of completion tokens."""

    total_tokens: int | None
    """Total number of tokens."""

    @classmethod
    def of(cls, stored: dict[str, Any]) -> TokenCounts:
        """Build it from its stored JSON."""
        return cls(
            **{name: stored.get(name) for name in ("prompt_tokens", "completion_tokens", "total_tokens")}
        )


@output
class MessageSource:
    """A source that was retrieved for an answer, as of that time."""

    document_id: strawberry.Private[UUID | None]

    index: int
    """Number of the source in the answer, from 1."""

    name: str
    """Name of the document, or of the sheet of a drawing session."""

    page_number: int | None
    """Page number from 1. Null if the source has no pages."""

    snippet: str | None
    """Text of the source."""

    similarity: float | None
    """Similarity to the question, from 0 to 1."""

    @field
    async def document(self, info: Info) -> DocumentRef | None:
        """The document. Null if it is deleted or not visible to the viewer, or if the source is a sheet."""
        if self.document_id is None:
            return None
        wanted = columns(info, models.Document)
        found = await info.context.loaders.one(models.Document, wanted).load(self.document_id)
        return cast("DocumentRef | None", found)

    @classmethod
    def of(cls, stored: dict[str, Any]) -> MessageSource:
        """Build it from its stored JSON."""
        id = stored.get("document_id")
        return cls(
            document_id=UUID(id) if id else None,
            index=stored["index"],
            name=stored["name"],
            page_number=stored.get("page_number"),
            snippet=stored.get("snippet"),
            similarity=stored.get("similarity"),
        )


@output
class MessageStatement:
    """A statement of an answer, compared with the sources."""

    text_start_index: int
    """Start of the statement in the answer, in Unicode code points from 0."""

    text_end_index: int
    """End of the statement, exclusive, in Unicode code points."""

    support: float
    """Degree to which the sources support the statement, from 0 to 1. 0 if its numbers, names, negations or
    quotations disagree with them.
    """

    supported: bool
    """Whether `support` is at least 0.5."""

    @classmethod
    def of(cls, stored: dict[str, Any]) -> MessageStatement:
        """Build it from its stored JSON."""
        return cls(
            text_start_index=stored["text_start_index"],
            text_end_index=stored["text_end_index"],
            support=stored["support"],
            supported=stored["supported"],
        )


@output
class ReasoningStep:
    """A step in the generation of an answer."""

    agent: str
    """Agent that performed the step, such as `grounding`."""

    action: str
    """Action of the step, such as `verify`."""

    detail: str | None
    """Summary of the result, or null."""

    confidence: float | None
    """Confidence, from 0 to 1."""

    @classmethod
    def of(cls, stored: dict[str, Any]) -> ReasoningStep:
        """Build it from its stored JSON."""
        return cls(
            agent=stored["agent"],
            action=stored["action"],
            detail=stored.get("detail"),
            confidence=stored.get("confidence"),
        )


@output
class VoteData:
    """A vote of a council member."""

    agent: str
    """Member who voted, such as `analytical`."""

    temperature: float
    """Sampling temperature of the member's model, from 0 to 2."""

    vote: str
    """Answer that the member voted for."""

    confidence: float
    """Confidence, from 0 to 1."""

    reasoning: str | None
    """Reasoning of the member."""

    round: int
    """Number of the round, from 1."""

    @classmethod
    def of(cls, stored: dict[str, Any]) -> VoteData:
        """Build it from its stored JSON."""
        return cls(
            agent=stored["agent"],
            temperature=stored["temperature"],
            vote=stored["vote"],
            confidence=stored["confidence"],
            reasoning=stored.get("reasoning"),
            round=stored.get("round", 1),
        )


@output
class ConfidenceParts:
    """Components of the confidence of an answer, each from 0 to 1."""

    similarity: float
    """Similarity of the cited sources to the question, or of all retrieved sources if none is cited."""

    citation: float
    """Citation coverage of the answer."""

    certainty: float
    """1 for an answer without hedging, less for each hedging phrase."""

    quality: float
    """Quality of the question."""

    grounding: float
    """Share of the answer that is grounded in its sources."""

    votes: float | None
    """Consensus of the council. Null without a council."""

    probability: float | None
    """Calibrated probability that the quotations answer the question. Null for an answer in other words."""

    @classmethod
    def of(cls, stored: dict[str, Any]) -> ConfidenceParts:
        """Build it from its stored JSON."""
        names = ("similarity", "citation", "certainty", "quality", "grounding")
        return cls(
            **{name: stored[name] for name in names},
            votes=stored.get("votes"),
            probability=stored.get("probability"),
        )


@output
class CouncilDecision:
    """Decision of a council. Statistics are computed from the confidences of the last round."""

    basis: CouncilBasis
    """Votes that the answer is based on."""

    voices: list[str]
    """Members whose votes the answer is based on, such as `analytical`. Maximum 3."""

    speaker: str | None
    """Member whose text is the answer. Null for a synthesis."""

    failed: list[str]
    """Members who did not vote. Maximum 3."""

    confidence: float
    """Weighted mean confidence of the votes that the answer is based on."""

    average: float
    """Mean confidence of all votes."""

    lowest: float
    """Lowest confidence of all votes."""

    highest: float
    """Highest confidence of all votes."""

    variance: float
    """Variance of the confidences of all votes: how far they are apart."""

    agreement: float
    """Share of the votes with the most common answer: 1 if all say the same, 1/3 if each of three differs."""

    consensus: float
    """Product of `average` and `agreement`."""

    agreed: bool
    """Whether `consensus` is at least 0.6."""

    @classmethod
    def of(cls, stored: dict[str, Any]) -> CouncilDecision:
        """Build it from its stored JSON."""
        names = ("voices", "speaker", "failed", "confidence", "agreed")
        figures = ("average", "lowest", "highest", "variance", "agreement", "consensus")
        return cls(
            basis=CouncilBasis(stored["basis"]),
            **{name: stored[name] for name in names},
            **{name: stored["metrics"][name] for name in figures},
        )

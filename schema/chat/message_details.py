"""What messages and agents' steps hold in detail, stored as JSON of a known shape."""

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
    """Tokens of one request to a model."""

    prompt_tokens: int | None
    """What was asked."""

    completion_tokens: int | None
    """What was answered."""

    total_tokens: int | None
    """Both together."""

    @classmethod
    def of(cls, stored: dict[str, Any]) -> TokenCounts:
        """Build it from its stored JSON."""
        return cls(
            **{name: stored.get(name) for name in ("prompt_tokens", "completion_tokens", "total_tokens")}
        )


@output
class MessageSource:
    """A source that was found for an answer, as it was then."""

    document_id: strawberry.Private[UUID | None]

    index: int
    """Its number in the answer, from 1."""

    name: str
    """What the document was called; of a drawing session, the sheet."""

    page_number: int | None
    """The page, from 1, where there are pages."""

    snippet: str | None
    """What it says."""

    similarity: float | None
    """How near it is to the question, 0 to 1."""

    @field
    async def document(self, info: Info) -> DocumentRef | None:
        """The document; null where it is gone, out of the viewer's sight, or a sheet."""
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
class ReasoningStep:
    """One step on the way to an answer."""

    agent: str
    """Which agent took it, such as `grounding`."""

    action: str
    """What it did, such as `verify`."""

    detail: str | None
    """What came of it."""

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
    """One agent's vote in a council."""

    agent: str
    """Who voted, such as `analytical`."""

    temperature: float
    """How freely its model answered, 0 to 2."""

    vote: str
    """What it voted for."""

    confidence: float
    """Confidence, from 0 to 1."""

    reasoning: str | None
    """Why."""

    round: int
    """In which round, from 1."""

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
    """What the confidence in an answer is made of, each part from 0 to 1."""

    similarity: float
    """How near the cited sources are to the question; where none is cited, all that were found."""

    citation: float
    """How well the answer shows its sources."""

    certainty: float
    """1 for an answer without hedging, less for each hedging phrase."""

    quality: float
    """How far the question reads as one."""

    grounding: float
    """How far the answer stands in its sources."""

    votes: float | None
    """What a council's votes came to; null where none was asked."""

    @classmethod
    def of(cls, stored: dict[str, Any]) -> ConfidenceParts:
        """Build it from its stored JSON."""
        names = ("similarity", "citation", "certainty", "quality", "grounding")
        return cls(**{name: stored[name] for name in names}, votes=stored.get("votes"))


@output
class CouncilDecision:
    """How a council came to its answer. Averages and the like are of its last votes' confidences."""

    basis: CouncilBasis
    """Which votes it rests on."""

    voices: list[str]
    """Whose votes these are, such as `analytical`; three at most."""

    speaker: str | None
    """In whose words the answer is; null for a synthesis."""

    failed: list[str]
    """Who gave no vote; three at most."""

    confidence: float
    """The mean confidence of the votes that it rests on, by their weights."""

    average: float
    """The mean of all votes."""

    lowest: float
    """The least sure vote's."""

    highest: float
    """The surest vote's."""

    variance: float
    """How far the votes lie apart."""

    agreement: float
    """1 without the variance."""

    consensus: float
    """The average times the agreement."""

    agreed: bool
    """Whether the consensus is at least 0.6."""

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

"""Mutations by which people correct comparisons."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated
from uuid import UUID

import strawberry
from strawberry import relay

from core.errors import Invalid
from db import models
from resolvers.drawings import corrections
from resolvers.drawings.change_reviews import ChangeDecision
from schema.drawings.changes import CHANGE_TYPE, Change
from schema.drawings.types import Comparison, DrawingSession
from schema.framework.context import Info
from schema.framework.decorators import input, output
from schema.framework.global_ids import key_of
from schema.framework.payloads import IdempotentInput, Payload, mutation

Decision = Annotated[
    ChangeDecision, strawberry.argument(description="Decision. `OPEN` takes an earlier one back.")
]
Note = Annotated[
    str | None, strawberry.argument(description="Note on the decision, of at most 2,000 characters.")
]


@input
class PointInput:
    """A point in the image of a sheet, in pixels. The origin is the upper left corner."""

    x: float
    """Distance from the left edge."""

    y: float
    """Distance from the top edge."""


@input
class PointPairInput:
    """The same point on both sheets."""

    old: PointInput
    """Position in the image of the old sheet."""

    new: PointInput
    """Position in the image of the new sheet."""


@input
class ComparisonRealignInput(IdempotentInput):
    """Input of `comparisonRealign`."""

    points: list[PointPairInput] | None = None
    """Two to four pairs of points, apart from one another. Null aligns the sheets by their content again."""


def change_keys(id: relay.GlobalID) -> tuple[UUID, str]:
    """The keys of the comparison and the change in a global ID. Raises `Invalid`."""
    comparison, _, change = id.node_id.partition(".")
    try:
        keys = UUID(comparison), str(UUID(change))
        if id.type_name != CHANGE_TYPE or f"{keys[0]}.{keys[1]}" != id.node_id:
            raise ValueError(id.node_id)
    except ValueError:
        raise Invalid("id must be a global ID of type change.", "id") from None
    return keys


@output
class ComparisonRealignPayload(Payload):
    comparison: Comparison | None = None
    """The comparison, which waits for its job."""


@output
class ComparisonRerunPayload(Payload):
    comparison: Comparison | None = None
    """The comparison, which waits for its job."""


@input
class ComparisonPairInput(IdempotentInput):
    """Input of `comparisonPair`."""

    old_drawing_id: relay.GlobalID
    """Global ID of the old sheet. It must not be paired with another one."""

    new_drawing_id: relay.GlobalID
    """Global ID of the new sheet, of the same session. It must not be paired with another one."""


@output
class ComparisonPairPayload(Payload):
    comparison: Comparison | None = None
    """The comparison, which waits for its job."""


@output
class ComparisonUnpairPayload(Payload):
    deleted_id: relay.GlobalID | None = None
    """Global ID of the deleted object."""

    session: DrawingSession | None = None
    """Session of the sheets."""


@output
class ChangeReviewPayload(Payload):
    change: Change | None = None
    """The change, or null if it no longer exists."""

    comparison: Comparison | None = None
    """Comparison of the change."""


@output
class CorrectionMutations:
    @mutation
    async def change_review(
        self, info: Info, id: relay.GlobalID, decision: Decision, note: Note = None
    ) -> ChangeReviewPayload:
        """Decide on a change. `OPEN` takes the decision back. Later runs keep it at the same place."""
        comparison_id, key = change_keys(id)
        async with info.context.write() as uow:
            comparison, position = await corrections.review_change(
                uow, info.context.viewer, comparison_id, key, decision, note
            )
        change = None if position < 0 else Change.of(comparison.changes[position], comparison_id, position)
        return ChangeReviewPayload.of(change=change, comparison=comparison)

    @mutation(idempotent=True)
    async def comparison_realign(
        self, info: Info, id: relay.GlobalID, input: ComparisonRealignInput
    ) -> ComparisonRealignPayload:
        """Compare two sheets again, aligned by pairs of points. Later runs keep the points."""
        points = None if input.points is None else [asdict(pair) for pair in input.points]
        key = key_of(id, models.Comparison)
        async with info.context.write() as uow:
            comparison = await corrections.realign(uow, info.context.viewer, key, points)
        return ComparisonRealignPayload.of(comparison=comparison)

    @mutation(idempotent=True)
    async def comparison_pair(self, info: Info, input: ComparisonPairInput) -> ComparisonPairPayload:
        """Pair two sheets by hand and compare them. Later runs keep the pair."""
        old = key_of(input.old_drawing_id, models.Drawing, "input", "oldDrawingId")
        new = key_of(input.new_drawing_id, models.Drawing, "input", "newDrawingId")
        async with info.context.write() as uow:
            comparison = await corrections.pair(uow, info.context.viewer, old, new)
        return ComparisonPairPayload.of(comparison=comparison)

    @mutation
    async def comparison_unpair(self, info: Info, id: relay.GlobalID) -> ComparisonUnpairPayload:
        """Separate two sheets, with the decisions on their changes. Later runs leave them alone."""
        async with info.context.write() as uow:
            session = await corrections.unpair(uow, info.context.viewer, key_of(id, models.Comparison))
        return ComparisonUnpairPayload.of(deleted_id=id, session=session)

    @mutation
    async def comparison_rerun(self, info: Info, id: relay.GlobalID) -> ComparisonRerunPayload:
        """Compare two sheets again, with the present options of their session."""
        key = key_of(id, models.Comparison)
        async with info.context.write() as uow:
            comparison = await corrections.rerun(uow, info.context.viewer, key)
        return ComparisonRerunPayload.of(comparison=comparison)

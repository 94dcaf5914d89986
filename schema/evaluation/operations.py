"""Queries and mutations of evaluation runs."""

from __future__ import annotations

import strawberry
from strawberry import relay

from db import models
from resolvers import access
from resolvers.evaluation import runs
from schema.evaluation.types import (
    EvaluationCase,
    EvaluationRun,
    EvaluationRunFilter,
    EvaluationRunOrder,
)
from schema.framework.context import Info
from schema.framework.decorators import input, output
from schema.framework.fields import Connection, connection, lookup
from schema.framework.global_ids import key_of
from schema.framework.payloads import ConditionalUpdate, Payload, input_changes, mutation


@output
class EvaluationQueries:
    evaluation_run: EvaluationRun | None = lookup(models.EvaluationRun, "Looks up an evaluation run by ID.")
    evaluation_case: EvaluationCase | None = lookup(
        models.EvaluationCase, "Looks up a case of an evaluation run by ID."
    )
    evaluation_runs: Connection[EvaluationRun] = connection(
        models.EvaluationRun, orders=EvaluationRunOrder, filter=EvaluationRunFilter
    )
    """Lists the evaluation runs of the company, newest first."""


@input
class EvaluationRunUpdateInput(ConditionalUpdate):
    """Fields to change. Fields that are omitted keep their value."""

    name: strawberry.Maybe[str]
    """Name of the run."""

    description: strawberry.Maybe[str | None]
    """Description of the run. Null clears it."""


@output
class EvaluationRunUpdatePayload(Payload):
    evaluation_run: EvaluationRun | None = None
    """The updated evaluation run."""


@output
class EvaluationRunDeletePayload(Payload):
    deleted_id: relay.GlobalID | None = None
    """Global ID of the deleted object."""


@output
class EvaluationMutations:
    @mutation
    async def evaluation_run_update(
        self, info: Info, id: relay.GlobalID, input: EvaluationRunUpdateInput
    ) -> EvaluationRunUpdatePayload:
        """Update the name or description of a run."""
        values = input_changes(input)
        key = key_of(id, models.EvaluationRun)
        async with info.context.write() as uow:
            await access.require_unchanged(
                uow, info.context.viewer, models.EvaluationRun, key, input.expected_updated_at
            )
            run = await runs.update(uow, info.context.viewer, key, values)
        return EvaluationRunUpdatePayload.of(evaluation_run=run)

    @mutation
    async def evaluation_run_delete(self, info: Info, id: relay.GlobalID) -> EvaluationRunDeletePayload:
        """Delete a run that is not in progress. This cannot be undone."""
        async with info.context.write() as uow:
            await runs.delete(uow, info.context.viewer, key_of(id, models.EvaluationRun))
        return EvaluationRunDeletePayload.of(deleted_id=id)

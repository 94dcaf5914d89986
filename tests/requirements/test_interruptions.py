"""Proposals whose workers die, and models that fail: the same requirements, each once."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import timedelta
from typing import Any

import pytest

from core.errors import Conflict
from core.ports import AnswerEnd, ChatEvent, ChatRequest, ModelFailure, RunErrorCode, TextDelta
from db.models import ProposalStage, RequirementCategory
from db.queue import faults
from pipelines.requirements import handlers
from pipelines.runtime.handlers import Run
from resolvers.requirements import proposals
from resolvers.requirements.proposals import ProposeRequirements
from schema.framework.context import Services
from tests.chat.pipeline.conftest import PATIENCE, Person
from tests.requirements import sample_designs
from tests.requirements.conftest import (
    DESCRIPTION,
    a_worker,
    create_proposal,
    items,
    run_proposal,
    wait_for_proposal,
)
from tests.requirements.operations import CANCEL, DELETE, RETRY, START

STAGES = [ProposalStage.CLASSIFYING, ProposalStage.ANALYZING, ProposalStage.FINALIZING]
JOB = "query ($id: ID!) { requirementProposal(id: $id) { stage errorMessage progress job { id } } }"


def stable_fields(proposal: Any) -> Any:
    """All of a proposal but its times and keys, its requirements in an order of their own."""
    nodes = [{**each, "id": None} for each in proposal["requirements"]["nodes"]]
    kept = {name: proposal[name] for name in ("stage", "componentType", "classificationRationale", "model")}
    return kept, proposal["design"], sorted(nodes, key=lambda each: (each["category"], each["name"]))


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.value)
async def test_a_worker_that_stops_at_a_stage_leaves_it_to_another(
    services: Services, person: Person, monkeypatch: pytest.MonkeyPatch, stage: ProposalStage
) -> None:
    values = {"description": "A badge that shows a count of unread messages."}
    if stage is ProposalStage.CLASSIFYING:
        upload = await person.upload(sample_designs.file(sample_designs.badge()), "badge.png", "image/png")
        values["uploadId"] = upload.gid
    whole = await run_proposal(services, person, **values)
    stopped, enter = asyncio.Event(), handlers.enter_stage

    async def stopping(run: Run, id: Any, entered: ProposalStage, **news: Any) -> None:
        await enter(run, id, entered, **news)
        if entered is stage and not stopped.is_set():
            stopped.set()
            await asyncio.Event().wait()

    monkeypatch.setattr(handlers, "enter_stage", stopping)
    id = await create_proposal(person, **values)
    async with asyncio.timeout(PATIENCE):
        async with a_worker(services, job_grace=0.05):
            await stopped.wait()
        async with a_worker(services):
            again = await wait_for_proposal(person, id)

    assert stable_fields(again) == stable_fields(whole)


async def test_a_worker_that_stops_among_the_categories_proposes_none_twice(
    services: Services, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = await run_proposal(services, person, description=DESCRIPTION)
    stopped, keep = asyncio.Event(), proposals.add_requirements
    done: list[RequirementCategory] = []

    async def stopping(uow: Any, id: Any, found: Any) -> None:
        if len(done) == 2 and not stopped.is_set():
            stopped.set()
            await asyncio.Event().wait()
        done.append(found[0].category)
        await keep(uow, id, found)

    monkeypatch.setattr(proposals, "add_requirements", stopping)
    id = await create_proposal(person, description=DESCRIPTION)
    async with asyncio.timeout(PATIENCE):
        async with a_worker(services, job_grace=0.05):
            await stopped.wait()
        async with a_worker(services):
            again = await wait_for_proposal(person, id)

    assert stable_fields(again) == stable_fields(whole)
    assert len(done) == len(set(done)) == 4


async def test_what_waits_is_started_and_what_failed_is_tried_again(
    services: Services, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = await create_proposal(person, description=DESCRIPTION, start=False)

    async def failing(*values: Any) -> Any:
        raise Conflict("It is out of order.")

    async with a_worker(services):
        with monkeypatch.context() as patch:
            patch.setattr(handlers, "determine_pattern", failing)
            job = (await person(JOB, id=id))["requirementProposal"]["job"]["id"]
            await person(START, id=job)
            failed = await wait_for_proposal(person, id)
        await person(RETRY, id=job)
        again = await person.until(JOB, id, lambda row: row["stage"] == "COMPLETE")

    assert (failed["stage"], failed["errorMessage"]) == ("FAILED", "It is out of order.")
    assert (again["errorMessage"], again["progress"]) == (None, 100)


async def test_what_is_under_way_is_not_deleted(person: Person) -> None:
    id = await create_proposal(person, description=DESCRIPTION)
    job = (await person(JOB, id=id))["requirementProposal"]["job"]["id"]

    refused = await person.graphql.refusals(DELETE, id=id)
    await person(CANCEL, id=job)
    cancelled = (await person(JOB, id=id))["requirementProposal"]
    deleted = (await person(DELETE, id=id))["requirementProposalDelete"]["deletedId"]

    assert refused == [("CONFLICT", ("id",))]
    assert (cancelled["stage"], cancelled["errorMessage"]) == ("FAILED", "The job was cancelled.")
    assert deleted == id


class ScriptedModel:
    """A language model that answers each category with what the script says, or fails."""

    model = "tiny"

    def __init__(self, script: dict[str, str | None]) -> None:
        self._script = script
        self.requests: list[ChatRequest] = []

    async def answer(self, request: ChatRequest) -> AsyncGenerator[ChatEvent, None]:
        self.requests.append(request)
        said = next(text for word, text in self._script.items() if word in request.question)
        if said is None:
            raise ModelFailure(RunErrorCode.TIMEOUT, "The model did not answer in time.", is_transient=True)
        yield TextDelta(said[:10])
        yield TextDelta(said[10:])
        yield AnswerEnd(self.model, 100, 20)


def suggestion(**values: Any) -> str:
    """A model's answer with one requirement."""
    defaults = {"name": "tooltip", "confidence": 0.8, "rationale": "It helps.", "values": ["\u0000top"]}
    return json.dumps({"requirements": [{**defaults, **values}]})


async def test_a_model_proposes_beside_and_what_it_spoils_is_left_out(
    services: Services, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ProposeRequirements, "retry_deadline", timedelta(0))
    model = ScriptedModel(
        {
            "props": f"```json\n{suggestion()}\n```",
            "events": suggestion(confidence=2),
            "states": "Of course! Hover and focus.",
            "accessibility": None,
        }
    )
    async with a_worker(services, model, chat_url="http://127.0.0.1:9/v1"):
        found = await wait_for_proposal(person, await create_proposal(person, description=DESCRIPTION))

    tooltip = items(found, "PROPS")["tooltip"]
    assert (tooltip["origin"], tooltip["source"], tooltip["values"]) == ("MODEL", "tiny", ["top"])
    assert tooltip["rationale"] == "Proposed by tiny: It helps."
    assert [each["name"] for each in found["requirements"]["nodes"] if each["origin"] == "MODEL"] == [
        "tooltip"
    ]
    assert "onClick" in items(found, "EVENTS")
    assert found["model"] == (
        "seshat-patterns/1; with tiny (props); without tiny: The model did not answer in time. "
        "(accessibility); without tiny: its response is malformed (events, states)"
    )
    assert len(model.requests) == 4
    used = await person("{ tokenUsages(first: 100) { nodes { operationType totalTokens modelName } } }")
    spent = [each for each in used["tokenUsages"]["nodes"] if each["operationType"] == "requirements"]
    assert [(each["totalTokens"], each["modelName"]) for each in spent] == [(120, "tiny")] * 3


class RecoveringModel(ScriptedModel):
    """A language model that is away for some requests, and then answers."""

    def __init__(self, script: dict[str, str | None], failures: int) -> None:
        super().__init__(script)
        self._failures = failures

    async def answer(self, request: ChatRequest) -> AsyncGenerator[ChatEvent, None]:
        if self._failures:
            self._failures -= 1
            raise ModelFailure(RunErrorCode.CONNECTION_ERROR, "It is away.", is_transient=True)
        async with aclosing(super().answer(request)) as events:
            async for event in events:
                yield event


async def test_a_proposal_waits_for_a_model_that_is_away(
    services: Services, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faults, "MAX_BACKOFF", timedelta(milliseconds=50))
    names = ("props", "events", "states", "accessibility")
    model = RecoveringModel({name: suggestion() for name in names}, failures=20)

    async with a_worker(services, model, chat_url="http://127.0.0.1:9/v1"):
        found = await wait_for_proposal(person, await create_proposal(person, description=DESCRIPTION))

    assert (found["stage"], found["errorMessage"]) == ("COMPLETE", None)
    assert found["model"] == "seshat-patterns/1; with tiny (accessibility, events, props, states)"

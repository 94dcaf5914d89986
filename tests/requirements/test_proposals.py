"""Requirements, from a description, a design or documents to what is proposed."""

from typing import Any

import pytest
from sqlalchemy import text

from schema.framework.context import Services
from server.embedded.vectors import EmbeddedVectors
from tests.chat.pipeline.conftest import Person, key
from tests.conftest import Unchanged
from tests.graphql_client import Client
from tests.requirements import sample_designs
from tests.requirements.conftest import (
    DESCRIPTION,
    a_worker,
    create_proposal,
    items,
    run_proposal,
    wait_for_proposal,
)
from tests.requirements.operations import CLASSIFY, CREATE, PROPOSAL, WATCH

ELAPSED = text(
    "SELECT 1000 * extract(epoch FROM proposal.completed_at - job.started_at) "
    "FROM tenant.processing_jobs job JOIN tenant.requirement_proposals proposal USING (id) WHERE id = :id"
)


async def elapsed_ms(services: Services, person: Person, id: str) -> int:
    """Milliseconds from the job's start to the beginning of the transaction that completed the proposal."""
    async with services.database.tenant(person.user.company.id, read_only=True) as uow:
        return int(await uow.scalar(ELAPSED, {"id": key(id)}))


async def test_a_description_becomes_requirements_that_say_where_they_come_from(
    services: Services, person: Person
) -> None:
    found = await run_proposal(services, person, description=DESCRIPTION)

    assert (found["componentType"], found["classificationConfidence"]) == ("BUTTON", 0.97)
    assert found["classificationRationale"] == "The description names it: “button”."
    assert (found["progress"], found["model"], found["design"]) == (100, "seshat-patterns/1", None)
    assert (found["job"]["status"], found["job"]["jobType"]) == ("COMPLETED", "REQUIREMENT_PROPOSAL")
    assert 0 <= found["proposalLatencyMs"] - await elapsed_ms(services, person, found["id"]) < 1000
    props, events, states, access = (
        items(found, kind) for kind in ("PROPS", "EVENTS", "STATES", "ACCESSIBILITY")
    )
    assert props["size"]["values"] == ["small", "medium", "huge"]
    assert (props["loading"]["origin"], props["loading"]["confidenceLevel"]) == ("DESCRIPTION", "HIGH")
    assert "A primary button with a loading spinner." in props["loading"]["rationale"]
    assert (props["disabled"]["origin"], props["disabled"]["confidenceLevel"]) == (
        "PATTERN_LIBRARY",
        "MEDIUM",
    )
    assert "icon" not in props
    assert (events["onLongPress"]["origin"], "onClick" in events) == ("DESCRIPTION", True)
    assert {"hover", "focus", "disabled", "loading"} <= states.keys()
    assert access["role-button"]["source"] == "WAI-ARIA 1.2, button role"
    assert access["aria-busy"]["source"] == "WAI-ARIA 1.2, aria-busy"
    nodes = found["requirements"]["nodes"]
    counts = [len(each) for each in (props, events, states, access)]
    assert (counts, len(nodes)) == ([6, 2, 5, 7], 20)
    assert all(each["requirement"] for each in access.values())
    assert not any(each[flag] for each in nodes for flag in ("approved", "edited", "removed", "custom"))
    assert all(each["citation"] is None and each["rationale"] and each["source"] for each in access.values())


async def test_a_design_is_measured(services: Services, person: Person) -> None:
    upload = await person.upload(
        sample_designs.file(sample_designs.button("#9ec5fe")), "button.png", "image/png"
    )

    async with a_worker(services):
        unclear = await wait_for_proposal(person, await create_proposal(person, uploadId=upload.gid))
        chosen = await person(CLASSIFY, id=unclear["id"], input={"componentType": "BUTTON"})
        found = await person.until(PROPOSAL, unclear["id"], lambda row: row["stage"] == "COMPLETE")
    late = await person.graphql.refusals(CLASSIFY, id=found["id"], input={"componentType": "CARD"})

    assert (unclear["stage"], unclear["componentType"]) == ("FAILED", None)
    assert "The component type is unclear." in unclear["errorMessage"]
    assert "It may be a button" in unclear["errorMessage"]
    assert unclear["classificationConfidence"] < 0.6
    assert chosen["requirementProposalClassify"]["requirementProposal"]["componentType"] == "BUTTON"
    assert late == [("CONFLICT", ("id",))]
    assert (found["componentType"], found["design"]["width"], found["design"]["fill"]) == (
        "BUTTON",
        320,
        "#9ec5fe",
    )
    assert found["classificationConfidence"] == 1.0
    (line,) = found["design"]["lines"]
    assert (line["text"], line["colour"], line["behind"]) == ("Save changes", "#ffffff", "#9ec5fe")
    assert line["contrast"] == 1.77
    contrast = items(found, "ACCESSIBILITY")["text-contrast"]
    assert (contrast["origin"], contrast["values"], contrast["confidenceLevel"]) == (
        "DESIGN",
        ["1.77:1"],
        "HIGH",
    )
    assert contrast["requirement"] == (
        "“Save changes” has a contrast of 1.77:1 with its background; the minimum is 4.5:1."
    )
    assert items(found, "PROPS")["label"]["origin"] == "DESIGN"


GUIDE = """Buttons

The button takes a variant: filled, tonal, text. A button with a tooltip shows it on hover.
When the button is held, it calls onLongPress. The button has a skeleton state while the page loads.

Cards

A card fires onFlip when it is turned.
"""


async def test_documents_are_cited_word_for_word(
    services: Services, stored_vectors: EmbeddedVectors, person: Person
) -> None:
    async with a_worker(services):
        document = await person.added(GUIDE, title="Design system")

    found = await run_proposal(services, person, documentIds=[document["id"]], componentType="BUTTON")

    props, events, states = (items(found, kind) for kind in ("PROPS", "EVENTS", "STATES"))
    assert (props["variant"]["origin"], props["variant"]["values"]) == (
        "DOCUMENT",
        ["filled", "tonal", "text"],
    )
    assert (events["onLongPress"]["origin"], "onFlip" in events) == ("DOCUMENT", False)
    assert states["skeleton"]["source"] == "Design system"
    cited = [each["citation"] for each in found["requirements"]["nodes"] if each["citation"]]
    assert len(cited) == 6
    assert {each["document"]["id"] for each in cited} == {document["id"]}
    assert {each["documentTitle"] for each in cited} == {"Design system"}
    assert all(GUIDE[each["start"] : each["end"]] == each["snippet"] for each in cited)


async def test_a_proposal_is_watched_from_any_place(services: Services, person: Person) -> None:
    id = await create_proposal(person, description=DESCRIPTION)
    events: list[Any] = []
    async with a_worker(services), person.graphql.watch(WATCH, id=id) as results:
        async for result in results:
            assert result.errors is None
            events.append(result.data["requirementProposed"])
    whole = [each["id"] for each in (await wait_for_proposal(person, id))["requirements"]["nodes"]]

    assert [each["id"] for event in events for each in event["requirements"]] == whole
    assert (events[-1]["stage"], events[-1]["progress"]) == ("COMPLETE", 100)
    assert [event["progress"] for event in events] == sorted(event["progress"] for event in events)
    assert {event["progress"] for event in events} <= {0, 20, 40, 80, 100}
    first = next(event for event in events if event["requirements"])
    async with person.graphql.watch(WATCH, id=id, after=first["cursor"]) as results:
        (rest,) = [result.data["requirementProposed"] async for result in results]
    assert [each["id"] for each in first["requirements"] + rest["requirements"]] == whole
    assert 0 <= rest["proposal"]["proposalLatencyMs"] - await elapsed_ms(services, person, id) < 1000


async def test_a_stranger_watches_nothing(person: Person, graphql: Client, people: Any) -> None:
    id = await create_proposal(person, description=DESCRIPTION, start=False)

    for client, after in ((graphql.of(people.admin), None), (person.graphql, "noise")):
        async with client.watch(WATCH, id=id, after=after) as results:
            (result,) = [result async for result in results]
        (error,) = result.errors
        expected = ("NOT_FOUND", ["proposalId"]) if after is None else ("INVALID", ["after"])
        assert (error.extensions["code"], error.extensions["path"]) == expected


async def test_what_is_no_component_is_not_guessed(services: Services, person: Person) -> None:
    async with a_worker(services):
        found = await wait_for_proposal(
            person, await create_proposal(person, description="How is the weather in the Alps?")
        )

    assert (found["stage"], found["componentType"], found["requirements"]["totalCount"]) == (
        "FAILED",
        None,
        0,
    )
    assert found["errorMessage"].startswith("The component type is unclear")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\x89PNG\r\n\x1a\n no picture", "The design cannot be read as a PNG or JPEG image."),
        (sample_designs.file(sample_designs.blank(6000, 4200)[0], "JPEG"), "at most 25 million"),
        (sample_designs.file(sample_designs.blank(60, 40)[0]), "The design has a single colour."),
    ],
    ids=["broken", "huge", "empty"],
)
async def test_a_design_that_cannot_be_measured_fails_with_its_reason(
    services: Services, person: Person, content: bytes, reason: str
) -> None:
    upload = await person.upload(content, "design.png", "image/png")
    async with a_worker(services):
        found = await wait_for_proposal(person, await create_proposal(person, uploadId=upload.gid))

    assert (found["stage"], found["job"]["status"]) == ("FAILED", "FAILED")
    assert reason in found["errorMessage"]
    assert found["errorMessage"] == found["job"]["errorMessage"]


@pytest.mark.parametrize(
    ("arguments", "code", "path"),
    [
        ({}, "INVALID", ()),
        ({"description": " "}, "INVALID", ()),
        ({"description": "x" * 8_001}, "INVALID", ("description",)),
        ({"description": "a button", "componentType": "MODAL"}, "BAD_USER_INPUT", ("componentType",)),
        ({"documentIds": ["RG9jdW1lbnQ6eA=="]}, "INVALID", ("documentIds", "0")),
    ],
)
async def test_what_says_nothing_of_a_component_is_refused(
    person: Person, assert_unchanged: Unchanged, arguments: dict[str, Any], code: str, path: tuple[str, ...]
) -> None:
    async with assert_unchanged():
        assert await person.graphql.refusals(CREATE, input=arguments) == [(code, ("input", *path))]


async def test_other_files_and_large_ones_are_no_designs(person: Person, assert_unchanged: Unchanged) -> None:
    text = await person.upload(b"a button", "button.txt", "text/plain")
    large = await person.upload(b"0" * (10 * 1024 * 1024 + 1), "button.png", "image/png")

    async with assert_unchanged():
        for upload in (text, large):
            refused = await person.graphql.refusals(CREATE, input={"uploadId": upload.gid})
            assert refused == [("UNSUPPORTED", ("input", "uploadId"))]


async def test_asking_again_under_one_key_proposes_once(person: Person, assert_unchanged: Unchanged) -> None:
    arguments = {"description": DESCRIPTION, "start": False, "idempotencyKey": "1"}
    first = await create_proposal(person, **arguments)

    async with assert_unchanged():
        assert await create_proposal(person, **arguments) == first
        other = await person.graphql.refusals(CREATE, input={**arguments, "description": "a card"})

    assert other == [("CONFLICT", ("input", "idempotencyKey"))]

"""Texts that are checked: the findings, their stream, and what is refused."""

from typing import Any

import pytest

from db.models import DocumentScope, ProcessingStatus, RoleName
from resolvers.chat.text_checks import MAX_SENTENCES, MAX_TEXT_LENGTH
from schema.framework.context import Services
from tests import factories
from tests.chat.pipeline.conftest import Person, somebody
from tests.factories.knowledge import a_document
from tests.graphql_client import Refusal
from tests.text_checks.conftest import (
    LEASE,
    TEXT,
    a_worker,
    add_lease,
    create_check,
    run_check,
    wait_for_check,
)
from tests.text_checks.operations import CHECK, CREATE, DELETE, FILTERED, LIST, WATCH


async def refusal(person: Person, document: str, **variables: Any) -> Refusal:
    """The only error."""
    (found,) = await person.graphql.refusals(document, **variables)
    return found


async def test_each_sentence_has_a_verdict_with_a_verbatim_citation(
    services: Services, person: Person
) -> None:
    lease = await add_lease(services, person)

    found = await run_check(services, person)

    sentences = found["sentences"]["nodes"]
    assert [each["verdict"] for each in sentences] == [
        "NOT_CHECKED",
        "SUPPORTED",
        "CONTRADICTED",
        "NOT_CHECKED",
        "NOT_FOUND",
    ]
    counts = "sentenceCount", "supportedCount", "contradictedCount", "notFoundCount", "notCheckedCount"
    assert [found[name] for name in counts] == [5, 1, 1, 1, 2]
    assert (found["progress"], found["documents"], found["completedAt"] is None) == (100, None, False)
    assert [each["number"] for each in sentences] == [1, 2, 3, 4, 5]
    assert all(TEXT[each["textStartIndex"] : each["textEndIndex"]] == each["text"] for each in sentences)
    cited = [each["citation"] for each in sentences[1:3]]
    assert [each["snippet"] for each in cited] == [
        "Visitors may park there for 90 minutes without a permit.",
        "The car park closes at 22:00 every day.",
    ]
    assert all(LEASE[each["start"] : each["end"]] == each["snippet"] for each in cited)
    assert {(each["document"]["id"], each["documentTitle"]) for each in cited} == {(lease, "Lease")}


async def test_only_the_chosen_documents_are_searched(services: Services, person: Person) -> None:
    await add_lease(services, person)
    other = await add_lease(services, person, "The garden has twelve apple trees.", "Garden")

    found = await run_check(
        services, person, "Visitors may park there for 90 minutes without a permit.", documentIds=[other]
    )

    assert [each["verdict"] for each in found["sentences"]["nodes"]] == ["NOT_FOUND"]
    assert [each["id"] for each in found["documents"]] == [other]


async def test_a_check_is_watched_from_any_place(services: Services, person: Person) -> None:
    await add_lease(services, person)
    id = (await create_check(person))["id"]
    events: list[Any] = []
    async with a_worker(services), person.graphql.watch(WATCH, id=id) as results:
        async for result in results:
            assert result.errors is None
            events.append(result.data["textCheckEvents"])
    whole = [each["id"] for each in (await wait_for_check(person, id))["sentences"]["nodes"]]

    assert [each["id"] for event in events for each in event["sentences"]] == whole
    assert (events[0]["state"], events[-1]["state"]) == ("WAITING", "COMPLETED")
    for position, event in enumerate(events):
        async with person.graphql.watch(WATCH, id=id, after=event["cursor"]) as results:
            rest = [result.data["textCheckEvents"] async for result in results]
        resumed = [each["id"] for one in (*events[: position + 1], *rest) for each in one["sentences"]]
        assert resumed == whole


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"text": " \n "}, ("INVALID", ("input", "text"))),
        ({"text": "a" * (MAX_TEXT_LENGTH + 1)}, ("INVALID", ("input", "text"))),
        ({"text": "It is so. " * (MAX_SENTENCES + 1)}, ("INVALID", ("input", "text"))),
        ({"text": "It is so.", "documentIds": []}, ("INVALID", ("input", "documentIds"))),
    ],
    ids=["blank", "too long", "too many sentences", "no documents"],
)
async def test_texts_that_cannot_be_checked_are_refused(
    person: Person, values: Any, error: tuple[str, tuple[str, ...]]
) -> None:
    assert await refusal(person, CREATE, input=values) == error


async def test_foreign_and_private_documents_are_not_found(services: Services, person: Person) -> None:
    colleague = await somebody(person.graphql, person.user.company)
    stranger = await somebody(person.graphql)
    theirs = [a_document(colleague.user, scope=DocumentScope.USER), a_document(stranger.user)]
    mine = a_document(person.user)
    await factories.save(services.database, *theirs, mine)

    refusals = [
        await refusal(person, CREATE, input={"text": TEXT, "documentIds": [mine.gid, each.gid]})
        for each in theirs
    ]

    assert refusals == [("NOT_FOUND", ("input", "documentIds", "1"))] * 2


async def test_documents_that_are_not_processed_are_refused(services: Services, person: Person) -> None:
    waiting = a_document(person.user, processing_status=ProcessingStatus.PENDING)
    done = a_document(person.user, processing_status=ProcessingStatus.COMPLETED)
    await factories.save(services.database, waiting, done)

    refused = await refusal(person, CREATE, input={"text": TEXT, "documentIds": [done.gid, waiting.gid]})

    assert refused == ("CONFLICT", ("input", "documentIds", "1"))


async def test_a_role_that_only_reads_checks_no_text(person: Person) -> None:
    viewer = await somebody(person.graphql, person.user.company, RoleName.VIEWER)

    assert await refusal(viewer, CREATE, input={"text": TEXT}) == ("FORBIDDEN", ())


async def test_checks_are_the_users_own_and_overseen(services: Services, person: Person) -> None:
    id = (await create_check(person))["id"]
    colleague = await somebody(person.graphql, person.user.company)
    manager = await somebody(person.graphql, person.user.company, RoleName.MANAGER)

    seen = [await each.graphql.refusals(CHECK, id=id) for each in (person, colleague, manager)]
    listed = [(await each(LIST))["textChecks"]["totalCount"] for each in (person, colleague, manager)]
    by_owner = await manager(LIST, filter={"userId": colleague.user.gid})

    assert (seen, listed) == ([[], [("NOT_FOUND", ("id",))], []], [1, 0, 1])
    assert by_owner["textChecks"]["totalCount"] == 0


async def test_a_repeated_request_makes_one_check(person: Person) -> None:
    first, second = [await create_check(person, idempotencyKey="once") for _ in range(2)]

    assert first == second


async def test_sentences_are_listed_by_verdict(services: Services, person: Person) -> None:
    await add_lease(services, person)
    id = (await run_check(services, person))["id"]

    found = (await person(FILTERED, id=id, verdict="NOT_CHECKED"))["textCheck"]["sentences"]

    assert (found["totalCount"], [each["number"] for each in found["nodes"]]) == (2, [1, 4])


async def test_a_check_is_deleted_with_its_sentences(services: Services, person: Person) -> None:
    waiting = (await create_check(person))["id"]
    assert await refusal(person, DELETE, id=waiting) == ("CONFLICT", ("id",))
    id = (await run_check(services, person))["id"]

    assert (await person(DELETE, id=id))["textCheckDelete"]["deletedId"] == id
    assert await refusal(person, CHECK, id=id) == ("NOT_FOUND", ("id",))

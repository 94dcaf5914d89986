"""Answers given again: to who asks the same of the same documents, and to nobody else."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, select, update

from db.models import (
    CachedAnswer,
    ConversationEvent,
    RunLog,
    TokenUsage,
)
from pipelines.chat.cleanup import purge_cached_answers
from server.worker import Worker
from tests.chat.pipeline import operations
from tests.chat.pipeline.conftest import Person, key, somebody
from tests.chat.pipeline.test_documents import HARBOUR, LOANS

QUESTION = "What is the minimum credit score?"
SAME = "  WHAT is the minimum\ncredit score? "


async def ask(person: Person, question: str = QUESTION, **arguments: Any) -> Any:
    """An answer in a conversation of its own."""
    return await person.ask(await person.conversation(**arguments), question)


def is_cached(answer: Any) -> bool:
    """Whether the answer is one that was given before."""
    return [step["agent"] for step in answer["reasoningChain"]] == ["cache"]


async def rows(person: Person, statement: Any) -> Any:
    """What is stored in the person's company."""
    async with person.graphql.services.database.tenant(person.user.company.id) as uow:
        return (await uow.execute(statement)).all()


async def test_the_same_question_gets_the_same_answer_with_all_that_belongs_to_it(
    worker: Worker, person: Person
) -> None:
    await person.added(LOANS, title="Guidelines")
    first = await ask(person)
    second = await ask(person, SAME)

    assert (is_cached(first), is_cached(second)) == (False, True)
    for name in ("content", "model", "confidence", "sources", "state", "lowConfidenceWarning"):
        assert first[name] == second[name], name
    assert first["citations"] == second["citations"]
    assert [each["sourceName"] for each in second["citations"]["nodes"]][:1] == ["Guidelines"]
    logged = select(RunLog.status, RunLog.cached, RunLog.tokens_used, RunLog.model)
    runs = await rows(person, logged.order_by(RunLog.created_at))
    received = [(row.status.value, row.cached, row.tokens_used, row.model) for row in runs]
    assert received == [("success", cached, 0, "seshat-extractive/1") for cached in (False, True)]
    spent = select(func.count()).where(TokenUsage.operation_id == str(key(second["id"])))
    assert [tuple(row) for row in await rows(person, spent)] == [(0,)]


async def test_it_comes_as_events_like_any_other(worker: Worker, person: Person) -> None:
    await person.added(LOANS)
    first = await ask(person)
    second = await ask(person)

    mine = ConversationEvent.message_id == key(second["id"])
    received = await rows(person, select(ConversationEvent).where(mine).order_by(ConversationEvent.sequence))

    assert [row.kind.value for row in received] == [
        "message_created",
        "run_step",
        "message_delta",
        "citations_added",
        "message_completed",
    ]
    assert received[2].detail == {"offset": 0, "text": first["content"]}


async def test_every_change_of_documents_asks_again(worker: Worker, person: Person) -> None:
    loans = await person.added(LOANS)
    found: list[bool] = []

    async def record() -> None:
        found.append(is_cached(await ask(person)))

    await record()
    harbour = await person.added(HARBOUR)
    await record()
    await person(operations.UPDATE, id=loans["id"], input={"title": "Other guidelines"})
    await record()
    await person(operations.REPROCESS, id=loans["id"])
    await person.document(loans["id"])
    await record()
    await person(operations.DELETE, id=harbour["id"])
    await record()
    await record()

    assert found == [False, False, False, False, False, True]


async def test_who_sees_other_documents_asks_again(worker: Worker, person: Person) -> None:
    shared = await person.added(LOANS, scope="COMPANY")
    colleague = await somebody(person.graphql, person.user.company)
    secretive = await somebody(person.graphql, person.user.company)
    stranger = await somebody(person.graphql)
    await secretive.added(HARBOUR)

    first = await ask(person)
    others = [await ask(each) for each in (colleague, secretive, stranger)]
    await person(operations.UPDATE, id=shared["id"], input={"scope": "USER"})
    hidden = await ask(colleague)

    assert [is_cached(each) for each in others] == [True, False, False]
    assert [each["content"] == first["content"] for each in others] == [True, True, False]
    assert (is_cached(hidden), hidden["sources"]) == (False, [])


async def test_what_is_selected_counts_and_nothing_else(worker: Worker, person: Person) -> None:
    loans = await person.added(LOANS)
    first = await ask(person, selectedDocumentIds=[loans["id"]])
    await person.added(HARBOUR)

    chosen = await ask(person, selectedDocumentIds=[loans["id"]])

    assert (is_cached(first), is_cached(chosen)) == (False, True)


async def test_who_wants_another_answer_gets_a_new_one(worker: Worker, person: Person) -> None:
    await person.added(LOANS)
    first = await ask(person)

    regenerated = (await person(operations.REGENERATE, id=first["id"]))["messageRegenerate"]["answer"]

    assert not is_cached(await person.answer(regenerated["id"]))
    assert is_cached(await ask(person))


async def test_nothing_is_kept_that_answers_nothing(worker: Worker, person: Person) -> None:
    await person.added(HARBOUR)

    answers = [await ask(person, "Who discovered the moons of Jupiter?") for _ in range(2)]

    assert [is_cached(each) for each in answers] == [False, False]
    assert await rows(person, select(CachedAnswer.id)) == []


async def test_after_an_hour_an_answer_is_forgotten(worker: Worker, person: Person) -> None:
    services: Any = person.graphql.services  # a worker has the same database and settings
    await person.added(LOANS)
    await ask(person)
    before = await rows(person, select(CachedAnswer.key))
    past = datetime.now(UTC) - timedelta(minutes=61)
    await rows(person, update(CachedAnswer).values(created_at=past).returning(CachedAnswer.id))

    assert not is_cached(await ask(person))
    await rows(person, update(CachedAnswer).values(created_at=past).returning(CachedAnswer.id))
    await purge_cached_answers(services, person.user.company.id)

    assert len(before) == 1
    assert await rows(person, select(CachedAnswer.key)) == []

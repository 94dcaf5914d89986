"""Each invariant returns the rows that break it, and none of those that hold."""

from collections.abc import Callable
from typing import Any

import pytest

from db.models import JobStatus
from tests.chaos.invariants import INVARIANTS
from tests.conftest import Save
from tests.factories import Fixture, a_company, a_job, a_user, an_activity
from tests.factories.chat import a_conversation, a_token_usage, an_answer
from tests.factories.knowledge import a_chunk, a_document
from tests.onlooker import Onlooker

Rows = Callable[[Fixture], list[Fixture]]


def a_chat(user: Fixture, **counters: Any) -> list[Fixture]:
    """A conversation with an answer that was never streamed."""
    conversation = a_conversation(user, **{"message_count": 1, "total_tokens_used": 30, **counters})
    return [conversation, an_answer(conversation)]


def twice(row: Callable[[], Fixture]) -> list[Fixture]:
    """Two such rows."""
    return [row(), row()]


BROKEN: dict[str, tuple[Rows, Rows]] = {
    "message counts": (a_chat, lambda user: a_chat(user, message_count=2)),
    "token counts of conversations": (a_chat, lambda user: a_chat(user, total_tokens_used=60)),
    "conversation events are numbered without gaps": (a_chat, lambda user: a_chat(user, event_count=1)),
    "streamed text is the stored text": (lambda user: [a_conversation(user)], a_chat),
    "answers are completed once": (lambda user: [a_conversation(user)], a_chat),
    "answers are logged once": (lambda user: [a_conversation(user)], a_chat),
    "token usage is counted once": (
        lambda user: [a_token_usage(user, operation_id=str(user.id))],
        lambda user: twice(lambda: a_token_usage(user, operation_id=str(user.id))),
    ),
    "chunk counts": (
        lambda user: [a_chunk(a_document(user, chunk_count=1))],
        lambda user: [a_chunk(a_document(user, chunk_count=2))],
    ),
    "chunks are of their document's model": (
        lambda user: [a_chunk(a_document(user, embedding_model="one"), embedding_model="one")],
        lambda user: [a_chunk(a_document(user, embedding_model="one"), embedding_model="other")],
    ),
    "creations are logged once": (
        lambda user: [an_activity(user, action="PROJECT_CREATE")],
        lambda user: twice(lambda: an_activity(user, action="PROJECT_CREATE")),
    ),
    "jobs have ended": (
        lambda user: [a_job(user, status=JobStatus.COMPLETED)],
        lambda user: [a_job(user, status=JobStatus.RUNNING)],
    ),
    "completed jobs say so": (
        lambda user: [a_job(user, status=JobStatus.RUNNING)],
        lambda user: [a_job(user, status=JobStatus.COMPLETED, progress=99)],
    ),
}


async def violations(onlooker: Onlooker, name: str) -> set[str]:
    """The rows that the invariant returns."""
    return {str(tuple(row)) for row in await onlooker.fetch(INVARIANTS[name])}


@pytest.mark.parametrize("name", BROKEN)
async def test_an_invariant_returns_what_breaks_it(name: str, save: Save, onlooker: Onlooker) -> None:
    sound, unsound = BROKEN[name]
    before = await violations(onlooker, name)

    await save(*sound(a_user(a_company())))
    assert await violations(onlooker, name) == before
    await save(*unsound(a_user(a_company())))
    assert len(await violations(onlooker, name) - before) == 1


async def test_every_invariant_is_a_statement_of_this_schema(onlooker: Onlooker) -> None:
    for statement in INVARIANTS.values():
        await onlooker.fetch(f"EXPLAIN {statement}")

"""What asking costs is on record: tokens, by whom, and dollars."""

from sqlalchemy import select

from core.ports import EXTRACTIVE
from db.models import LlmProvider, TokenUsage
from providers.embeddings import MiniLM
from schema.framework.context import Services
from server.worker import Worker
from tests.chat.pipeline import operations
from tests.chat.pipeline.conftest import Person, key

TEXT = "The lock is closed at nine. The gate is opened at six."


async def test_each_request_leaves_a_row_for_each_model(
    worker: Worker, person: Person, services: Services
) -> None:
    document = await person.added(TEXT)
    await person(operations.SEARCH, query="when is the gate opened", filter={})
    conversation = await person.conversation()
    answer = await person.ask(conversation, "When is the gate opened?")

    async with services.database.tenant(person.user.company.id, read_only=True) as uow:
        rows = await uow.all(select(TokenUsage).order_by(TokenUsage.created_at, TokenUsage.id))
    received = [(row.operation_type, row.model_name, row.operation_id, row.estimated_cost) for row in rows]
    assert received == [
        ("embedding", MiniLM.model, str(key(document["id"])), 0),
        ("embedding", MiniLM.model, None, 0),
        ("embedding", MiniLM.model, str(key(answer["id"])), 0),
        ("chat", EXTRACTIVE, str(key(answer["id"])), 0),
    ]
    assert [row.total_tokens for row in rows[1:3]] == [7, 8]
    assert {row.user_id for row in rows} == {person.user.id}
    assert {row.llm_provider for row in rows} == {LlmProvider.CUSTOM}

"""People who ask documents: over the real schema, with a worker and the embedded defaults."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest_asyncio
from strawberry.relay import GlobalID

from core.ports import ChatModel
from db.ids import new_id
from db.models import RoleName, UploadState
from schema.framework.context import Services
from server.embedded.vectors import EmbeddedVectors
from server.provider_factory import worker_services
from server.worker import Worker
from tests import factories
from tests.chat.pipeline import operations
from tests.factories import Fixture, a_company, a_user, an_upload
from tests.graphql_client import Client
from tests.waiting import until

PATIENCE = 60
"""Seconds after which a test gives up waiting."""
QUEUES = ("documents", "chat", "reembedding", "upkeep")


def a_worker(
    services: Services,
    chat: ChatModel | None = None,
    queues: tuple[str, ...] = QUEUES,
    **changes: Any,
) -> Worker:
    """A worker in this process, not begun; `chat` answers in place of the embedded model."""
    settings = services.settings.model_copy(update=changes)
    work = worker_services(
        services.database,
        settings,
        services.store,
        services.embedders,
        services.vectors,
        services.sources,
    )
    if chat is not None:
        work = work.__class__(**{**vars(work), "chat": chat})
    return Worker(work, services.events.listener, queues=queues)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def worker(services: Services, stored_vectors: EmbeddedVectors) -> AsyncIterator[Worker]:
    """A worker with the embedded defaults, for a whole module."""
    async with a_worker(services) as worker:
        yield worker


@dataclass(frozen=True)
class Person:
    """Somebody who adds documents and asks."""

    user: Fixture
    graphql: Client

    async def __call__(self, document: str, **variables: Any) -> Any:
        """The data; errors fail the test."""
        return await self.graphql(document, **variables)

    async def upload(self, content: bytes, filename: str = "notes.txt", kind: str = "text/plain") -> Fixture:
        """A stored file."""
        key = f"{self.user.company.id}/uploads/{new_id()}/file"
        await self.graphql.services.store.put(key, content)
        made = an_upload(
            self.user,
            filename=filename,
            mime_type=kind,
            size=len(content),
            state=UploadState.STORED,
            storage_key=key,
        )
        await factories.save(self.graphql.services.database, made)
        return made

    async def add(self, text: str | bytes, **arguments: Any) -> str:
        """The id of a new document, that waits for a worker."""
        scope = arguments.pop("scope", None)
        title = arguments.pop("title", None)
        content = text.encode() if isinstance(text, str) else text
        upload = await self.upload(content, **arguments)
        made = await self(operations.CREATE, input={"uploadId": upload.gid, "title": title, "scope": scope})
        return str(made["documentCreate"]["document"]["id"])

    async def document(self, id: str, status: str = "COMPLETED") -> Any:
        """The document, once it has been worked on; it must have ended so."""
        ended = ("COMPLETED", "FAILED")
        state = await self.until(operations.DOCUMENT, id, lambda row: row["processingStatus"] in ended)
        assert state["processingStatus"] == status, state
        return state

    async def added(self, text: str | bytes, **arguments: Any) -> Any:
        """A document that can be searched."""
        return await self.document(await self.add(text, **arguments))

    async def conversation(self, **arguments: Any) -> str:
        """The id of a new conversation."""
        made = await self(operations.CONVERSE, input=arguments)
        return str(made["conversationCreate"]["conversation"]["id"])

    async def send(self, conversation: str, content: str, **arguments: Any) -> Any:
        """What `messageSend` answers."""
        sent = {"conversationId": conversation, "content": content, **arguments}
        return (await self(operations.SEND, input=sent))["messageSend"]

    async def answer(self, id: str) -> Any:
        """The answer, once it has ended."""
        return await self.until(operations.MESSAGE, id, lambda row: row["state"] != "STREAMING")

    async def ask(self, conversation: str, content: str, **arguments: Any) -> Any:
        """The answer to a message."""
        return await self.answer((await self.send(conversation, content, **arguments))["answer"]["id"])

    async def until(self, document: str, id: str, condition: Callable[[Any], Any]) -> Any:
        """Wait until something holds for an object, and answer it."""

        async def look() -> Any:
            (row,) = (await self(document, id=id)).values()
            return row

        return await until(self.graphql.services.events.listener, look, condition, PATIENCE)


def key(id: str) -> UUID:
    """The key inside a global id."""
    return UUID(GlobalID.from_id(id).node_id)


async def somebody(graphql: Client, company: Fixture | None = None, role: RoleName = RoleName.USER) -> Person:
    """Somebody new, in a new company unless one is given."""
    user = a_user(company or a_company(), role)
    await factories.save(graphql.services.database, user)
    return Person(user, graphql.of(user))


@pytest_asyncio.fixture
async def person(graphql: Client) -> Person:
    """Somebody in a company of their own."""
    return await somebody(graphql)

"""People who have requirements proposed."""

from typing import Any

import pytest_asyncio

from core.ports import ChatModel
from schema.framework.context import Services
from server.worker import Worker
from tests.chat.pipeline.conftest import Person, somebody
from tests.chat.pipeline.conftest import a_worker as any_worker
from tests.graphql_client import Client
from tests.requirements.operations import CREATE, PROPOSAL

DESCRIPTION = (
    "A primary button with a loading spinner. It comes in sizes (small, medium, huge), has no icon, and "
    "fires onLongPress when it is held."
)


def a_worker(services: Services, chat: ChatModel | None = None, **changes: Any) -> Worker:
    """A worker for proposals and documents, not begun."""
    return any_worker(services, chat, queues=("requirements", "documents", "upkeep"), **changes)


@pytest_asyncio.fixture
async def person(graphql: Client) -> Person:
    """Somebody in a company of their own."""
    return await somebody(graphql)


async def create_proposal(person: Person, **values: Any) -> str:
    """The id of a new proposal."""
    made = (await person(CREATE, input=values))["requirementProposalCreate"]
    return str(made["requirementProposal"]["id"])


async def wait_for_proposal(person: Person, id: str) -> Any:
    """The proposal, once it has ended."""
    return await person.until(PROPOSAL, id, lambda row: row["stage"] in ("COMPLETE", "FAILED"))


async def run_proposal(services: Services, person: Person, **values: Any) -> Any:
    """A complete proposal."""
    async with a_worker(services):
        found = await wait_for_proposal(person, await create_proposal(person, **values))
    assert found["stage"] == "COMPLETE", found["errorMessage"]
    return found


def items(proposal: Any, category: str) -> dict[str, Any]:
    """The requirements of a category, by name."""
    return {each["name"]: each for each in proposal["requirements"]["nodes"] if each["category"] == category}

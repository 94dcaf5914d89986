"""People who have texts checked against a lease."""

from typing import Any

import pytest_asyncio

from schema.framework.context import Services
from server.embedded.vectors import EmbeddedVectors
from server.worker import Worker
from tests.chat.pipeline.conftest import Person, somebody
from tests.chat.pipeline.conftest import a_worker as any_worker
from tests.graphql_client import Client
from tests.text_checks.operations import CHECK, CREATE

LEASE = """Lease of Harbour Street 12

The car park closes at 22:00 every day. Visitors may park there for 90 minutes without a permit.
Dogs are not allowed in the courtyard. The monthly rent is 1,250 euros and is due on the third day.

The caretaker is Maria Lindqvist. She answers calls between 8:00 and 16:00.
"""
TEXT = """Notes for new tenants

Visitors may park there for 90 minutes without a permit. The car park closes at 23:00 every day.
Who answers the phone? The penguins of the zoo swim every morning."""
FINAL = ("COMPLETED", "STOPPED", "FAILED")


def a_worker(services: Services, **changes: Any) -> Worker:
    """A worker for text checks and documents, not begun."""
    return any_worker(services, queues=("text_checks", "documents", "upkeep"), **changes)


@pytest_asyncio.fixture
async def person(graphql: Client, stored_vectors: EmbeddedVectors) -> Person:
    """Somebody in a company of their own."""
    return await somebody(graphql)


async def add_lease(services: Services, person: Person, text: str = LEASE, title: str = "Lease") -> str:
    """The id of a document that can be searched."""
    async with a_worker(services):
        return str((await person.added(text, title=title))["id"])


async def create_check(person: Person, text: str = TEXT, **values: Any) -> Any:
    """A new text check."""
    return (await person(CREATE, input={"text": text, **values}))["textCheckCreate"]["textCheck"]


async def wait_for_check(person: Person, id: str) -> Any:
    """The check, once it has ended."""
    return await person.until(CHECK, id, lambda row: row["state"] in FINAL)


async def run_check(services: Services, person: Person, text: str = TEXT, **values: Any) -> Any:
    """A completed check."""
    async with a_worker(services):
        found = await wait_for_check(person, (await create_check(person, text, **values))["id"])
    assert found["state"] == "COMPLETED", found["errorMessage"]
    return found

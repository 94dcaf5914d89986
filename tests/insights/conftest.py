"""People who import consumption and make reports: over the real schema, with a worker of their own."""

from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio

from db.models import RoleName
from schema.framework.context import Services
from server.embedded.vectors import EmbeddedVectors
from server.worker import Worker
from tests.chat.pipeline.conftest import Person, a_worker, somebody
from tests.graphql_client import Client
from tests.insights import operations

QUEUES = ("documents", "imports", "reports", "upkeep")
GROWING = b"Month,kWh\n" + b"".join(f"2024-{n:02},{40_000 + 1500 * n}\n".encode() for n in range(1, 13))
"""Consumptions of 40 to 60 MWh that grow from month to month, or a register."""
PROFILE = {
    "industry": "Manufacturing",
    "location": "Graz",
    "targetYear": 2035,
    "renewablePercentageIncrease": 50.0,
    "budget": 1200.0,
    "totalConsumptionKwh": 10_000.0,
    "currentRenewablePercentage": 10.0,
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def worker(services: Services, stored_vectors: EmbeddedVectors) -> AsyncIterator[Worker]:
    """A worker with the embedded defaults, for a whole module."""
    async with a_worker(services, queues=QUEUES) as worker:
        yield worker


@pytest_asyncio.fixture
async def admin(graphql: Client) -> Person:
    """The administrator of a company of their own."""
    return await somebody(graphql, role=RoleName.ADMIN)


@pytest_asyncio.fixture
async def planner(admin: Person) -> Person:
    """The same, who has said all that a report needs."""
    made = await admin(operations.PROFILE, input=PROFILE)
    assert made["companyProfileUpdate"]["errors"] == []
    return admin


async def run_import(person: Person, content: bytes, filename: str = "load.csv", **arguments: Any) -> Any:
    """An import that has ended: it must have completed."""
    upload = await person.upload(content, filename, "text/csv")
    request = {"uploadId": upload.gid, "mapping": arguments or None}
    made = (await person(operations.IMPORT, input=request))["historicalDataImport"]
    assert made["errors"] == []
    return await wait_for_end(person, operations.IMPORTED, made["historicalDataImport"]["id"])


async def wait_for_end(person: Person, document: str, id: str, status: str = "COMPLETED") -> Any:
    """The object once its job has ended, and ended so."""
    over = ("COMPLETED", "FAILED", "CANCELLED")
    row = await person.until(document, id, lambda row: row["job"]["status"] in over)
    assert row["job"]["status"] == status, row["job"]
    (whole,) = (await person(document, id=id)).values()  # what was read before its job may be older
    return whole


async def create_report(person: Person, **arguments: Any) -> Any:
    """A report that has ended: it must have completed."""
    made = (await person(operations.GENERATE, input=arguments))["reportGenerate"]
    assert made["errors"] == []
    return await wait_for_end(person, operations.REPORT, made["report"]["id"])

"""Benchmark of every list of the contract in a large company, beside a small one on the same connection.

Run as `python -m benchmarks.lists [--large 1000000] [--other 50000] [--only messages] [--data FOLDER]`. The
rows, 7 GB, are generated in a folder that is removed again unless it is given. As people who may see all,
many, few or no rows, it asks for the count, for pages at both ends and in the middle, and for those of a
hundred parents, in every order, with every filter and pair of filters, and explains the statements that were
sent.

Prints the requests that touch more of the database than a page needs, and exits with 1 if there are any.
"""

import argparse
import asyncio
import re
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import NamedTuple

import asyncpg
from rich.table import Table

from benchmarks.bounds import Limit, console, verdict
from core.settings import Settings, driverless_url
from schema.contract import make_schema
from server.app import open_services
from server.installation import admin_url, open_installation
from tests.schema.graph.generated_rows import GeneratedCompany, generate
from tests.schema.graph.list_costs import PEOPLE, Cost, ListCosts, employ, viewers_of
from tests.schema.graph.list_requests import PAGES, PARENTS, ListRequest, requests

SMALL = GeneratedCompany(2, 1_000, 1_000)
SIZE = "SELECT pg_size_pretty(pg_database_size(current_database()))"
GENERIC = """SELECT count(*) FROM pg_prepared_statements
WHERE generic_plans > 0 AND statement ~ '^SELECT.*FROM tenant[.].*[$]1'"""


class Measurement(NamedTuple):
    """A page of a list and what it costs."""

    person: str
    request: ListRequest
    page: str
    cost: Cost


async def measure(large: int, other: int, only: str, folder: Path) -> list[Limit]:
    """Generates the companies, unless the folder has them, and explains every request."""
    company = GeneratedCompany(1, large, other)
    settings = Settings(data=folder, worker=False, demo=False, db_pool_size=1, db_max_overflow=0)
    async with open_installation(settings) as ready, AsyncExitStack() as stack:
        services = await open_services(ready, stack)
        admin = await asyncpg.connect(driverless_url(admin_url(ready)))
        stack.push_async_callback(admin.close)
        if not await admin.fetchval("SELECT count(*) > 1 FROM tenant.tenants"):
            begin = perf_counter()
            await generate(admin, company, SMALL)
            for each in (company, SMALL):
                await employ(admin, each)
            size = await admin.fetchval(SIZE)
            console.print(f"{large:,} rows a table in {perf_counter() - begin:.0f} s, {size}")
        contract = make_schema()
        found = []
        for each in (SMALL, company):
            costs = ListCosts(services, contract, admin, each)
            found = [
                Measurement(person, request, page, await costs.measure(person, request, page))
                for request in requests(contract._schema, each)
                if re.search(only, str(request))
                for person in PEOPLE
                if person in viewers_of(request)
                for page in (request.pages if each is company else PAGES[:1])
            ]
        async with services.database.placement.primary.connect() as connection:
            generic = (await connection.exec_driver_sql(GENERIC)).scalar_one()
    report(found)
    return [*limits(found, generic)]


def report(found: Sequence[Measurement]) -> None:
    """Prints the requests over the limits."""
    table = Table("person", "list, order, filter", "page", "rows", "buffers", title="Over the limit")
    for person, request, page, cost in found:
        if cost.exceeds(page):
            table.add_row(person, str(request), page, f"{cost.rows:,}", f"{cost.buffers:,}")
    console.print(table)


def limits(found: Sequence[Measurement], generic: int) -> list[Limit]:
    """What must hold."""
    total = len(found)
    over = sum(cost.exceeds(page) for *_, page, cost in found)
    pages = [cost.buffers for _, _, page, cost in found if page not in ("totalCount", PARENTS)]
    parents = [cost.buffers for _, _, page, cost in found if page == PARENTS]
    counts = [cost.buffers for _, _, page, cost in found if page == "totalCount"]
    planning = median(cost.planning_ms / cost.statements for *_, cost in found)
    whole = sorted({table for *_, page, cost in found if page != "totalCount" for table in cost.whole})
    return [
        Limit("pages and counts over the limit", "0", f"{over} of {total:,}", over == 0),
        Limit("large tables read whole for a page", "none", ", ".join(whole) or "none", not whole),
        Limit("statements with a plan for another company", "0", str(generic), generic == 0),
        Limit("buffers of a page", "", f"median {median(pages):.0f}, at most {max(pages):,}", True),
        Limit("buffers of pages of 100 parents", "", f"at most {max(parents, default=0):,}", True),
        Limit("buffers of a count", "", f"median {median(counts):.0f}, at most {max(counts):,}", True),
        Limit("planning of a statement", "", f"median {planning:.2f} ms", True),
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--large", type=int, default=1_000_000)
    parser.add_argument("--other", type=int, default=50_000)
    parser.add_argument("--only", default="")
    parser.add_argument("--data", type=Path)
    options = parser.parse_args()
    with TemporaryDirectory(prefix="lists-") as folder:
        data = options.data or Path(folder)
        return verdict(asyncio.run(measure(options.large, options.other, options.only, data)))


if __name__ == "__main__":
    sys.exit(main())

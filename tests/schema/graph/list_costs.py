"""What pages of lists cost in the database: the rows and buffers that their statements touch."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import asyncpg

from db.base import PLATFORM, TENANT
from db.cursors import encode_cursor
from db.models import RoleName
from resolvers.access import POLICIES, Viewer
from resolvers.access.rules import all_rows, not_deleted
from resolvers.identity import accounts
from schema.contract import Contract
from schema.framework.context import Services
from tests.graphql_client import Client
from tests.schema.graph.generated_rows import MANY, NONE, RARE, GeneratedCompany
from tests.schema.graph.list_requests import PARENTS, ListRequest, orders
from tests.schema.graph.query_plans import Plan, nodes, sent_by

OVERSEER, COLLEAGUE = NONE + 1, NONE + 2
PEOPLE: Mapping[str, tuple[int, RoleName]] = {
    "overseer": (OVERSEER, RoleName.ADMIN),
    "owner of many": (MANY, RoleName.USER),
    "owner of old ones": (RARE, RoleName.USER),
    "newcomer": (NONE, RoleName.USER),
    "colleague": (COLLEAGUE, RoleName.USER),
}
"""People by the rows that are theirs: user number and role."""

SAME_FOR_ALL = {all_rows, not_deleted}
"""Rules of models that every viewer reads alike."""

MAX_PAGE_BUFFERS = 2_000
"""Buffers of a page: 26 rows with what they join, or a few hundred of which a condition removes most."""

MAX_PARENTS_BUFFERS = 10_000
"""Buffers of a hundred pages of 26 rows, with what they join."""

MAX_COUNT_BUFFERS = 100_000
"""Buffers of a count of 10,001 rows with what they join."""

EXPLAIN = "EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) "
LARGE = """SELECT relname FROM pg_class
WHERE relnamespace = 'tenant'::regnamespace AND relkind = 'r' AND reltuples >= $1"""
LIST_ALIAS = re.compile(r"(tenant|platform)\.(\w+) AS \2_1")
SCANS = {"Seq Scan", "Index Scan", "Index Only Scan", "Bitmap Heap Scan"}


@dataclass(frozen=True)
class Cost:
    """What the statements of an operation touch."""

    statements: int
    buffers: int
    rows: int
    planning_ms: float
    whole: tuple[str, ...]
    """Large tables that were read whole."""

    def exceeds(self, page: str) -> bool:
        """Whether it is more than a page, or a count up to the limit, may cost in a company of any size."""
        if page == "totalCount":  # which stops at the limit, in whatever order rows are read
            return self.buffers > MAX_COUNT_BUFFERS
        most = MAX_PARENTS_BUFFERS if page == PARENTS else MAX_PAGE_BUFFERS
        return self.buffers > most or bool(self.whole)


def viewers_of(request: ListRequest) -> Collection[str]:
    """The people who may see other rows of the list than others."""
    rule = POLICIES[request.list_field.model].rule
    return ["overseer"] if rule in SAME_FOR_ALL else list(PEOPLE)


async def employ(admin: asyncpg.Connection, company: GeneratedCompany) -> None:
    """Give the people of a company their roles, as a superuser."""
    assign = """UPDATE platform.users SET role_id = role.id FROM platform.roles role
    WHERE role.name = $1 AND users.id = $2"""
    for number, role in PEOPLE.values():
        await admin.execute(assign, role.value, company.key("users", number))


@dataclass
class ListCosts:
    """Measures lists of a generated company. Tables from `large` rows must not be read whole."""

    services: Services
    contract: Contract
    admin: asyncpg.Connection
    company: GeneratedCompany
    large: int = 10_000
    _tables: set[str] = field(default_factory=set)
    _viewers: dict[str, Viewer] = field(default_factory=dict)
    _cursors: dict[tuple[Any, str | None], str] = field(default_factory=dict)

    async def measure(self, person: str, request: ListRequest, page: str) -> Cost:
        """What a page of the list costs when the person asks for it."""
        cursor = await self._cursor(request) if page in ("after", "before") else None
        user_id = self.company.key("users", PEOPLE[person][0])
        client = Client(self.services, self.contract, user_id=user_id)
        with sent_by(self.services.database, TENANT, PLATFORM) as sent:
            await client(request.document(page), **request.variables(page, self.company, cursor))
        sent = [each for each in sent if LIST_ALIAS.search(each.text)]  # without those about the viewer
        if person not in self._viewers:
            self._viewers[person] = await accounts.load_viewer(self.services.database, user_id, None)
        viewer = self._viewers[person]
        found: list[dict[str, Any]] = []
        for scope, statements in (
            (viewer.scope, [each for each in sent if not each.aside]),
            (viewer.platform_scope, [each for each in sent if each.aside]),
        ):
            if scope is not None and statements:
                async with self.services.database.transaction(scope, read_only=True) as uow:
                    if page != "totalCount":  # clients ask for more than an index holds
                        await uow.driver_sql("SET LOCAL enable_indexonlyscan = off")
                    for each in statements:
                        explained = await uow.driver_sql(EXPLAIN + each.text, each.values)
                        found += explained.scalar_one()
        return await self._sum(found)

    async def _sum(self, explained: list[dict[str, Any]]) -> Cost:
        if not self._tables:
            self._tables = {row["relname"] for row in await self.admin.fetch(LARGE, self.large)}
        plans: list[Plan] = [each["Plan"] for each in explained]
        return Cost(
            statements=len(plans),
            buffers=sum(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] for plan in plans),
            rows=sum(rows_read(node) for plan in plans for node in nodes(plan)),
            planning_ms=sum(each["Planning Time"] for each in explained),
            whole=tuple(sorted({table for plan in plans for table in whole(plan, self._tables)})),
        )

    async def _cursor(self, request: ListRequest) -> str:
        """The cursor of a row in the middle of the list."""
        model, order = request.list_field.model, orders(request.list_field)[request.order]
        if (model, request.order) not in self._cursors:
            table = model.__tablename__
            middle = self.company.key(table, self.company.size(table) // 4 * 2 + 2)
            columns = ", ".join(f'"{model.__mapper__.columns[name].name}"' for name in order.columns)
            found = await self.admin.fetchrow(
                f"SELECT {columns} FROM {model.__table__} WHERE id = $1", middle
            )
            assert found is not None
            row = SimpleNamespace(**dict(zip(order.columns, found, strict=True)))
            self._cursors[model, request.order] = encode_cursor(model, order, row)
        return self._cursors[model, request.order]


def rows_read(node: Plan) -> int:
    """The rows that a scan has read."""
    if node["Node Type"] not in SCANS:
        return 0
    removed = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
    return int((node["Actual Rows"] + removed) * node["Actual Loops"])


def whole(plan: Plan, large: set[str]) -> Iterator[str]:
    """Large tables that the plan reads whole."""
    for node in nodes(plan):
        if node["Node Type"] == "Seq Scan" and node["Relation Name"] in large and node["Actual Loops"]:
            yield node["Relation Name"]

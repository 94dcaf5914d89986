"""How the database goes about what an operation asks of it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

from sqlalchemy import event

from db.base import TENANT
from db.database import Database
from db.uow import Scope
from resolvers.access import Viewer
from resolvers.identity import accounts
from tests.graphql_client import Client

Plan = dict[str, Any]

WHOLE = frozenset({"Seq Scan"})
SLOW = WHOLE | {"Sort", "Incremental Sort"}


class Statement(NamedTuple):
    """A statement with its parameters; `aside` if it was about what the platform publishes."""

    text: str
    values: Any = ()
    aside: bool = False


@contextmanager
def sent_by(database: Database, *schemas: str) -> Iterator[list[Statement]]:
    """The statements on tables of these schemas (the tenants', unless said) that are sent meanwhile."""
    wanted = tuple(f"{schema}." for schema in schemas or (TENANT,))
    sent: list[Statement] = []

    def remember(
        aside: bool, connection: Any, cursor: Any, statement: str, values: Any, context: Any, many: bool
    ) -> None:
        if any(schema in statement for schema in wanted):
            sent.append(Statement(statement, tuple(values), aside))

    primary = database.placement.primary
    heard = [
        (engine.sync_engine, partial(remember, engine is not primary))
        for engine in database.placement.engines
    ]
    for engine, listener in heard:
        event.listen(engine, "before_cursor_execute", listener)
    try:
        yield sent
    finally:
        for engine, listener in heard:
            event.remove(engine, "before_cursor_execute", listener)


async def explain(database: Database, scope: Scope, statements: Sequence[Statement]) -> list[Plan]:
    """The plan of each statement, as it would run in that scope."""
    plans = []
    async with database.transaction(scope, read_only=True) as uow:
        # people ask for more than the ids that an index holds: its entries alone are no answer to them
        await uow.driver_sql("SET LOCAL enable_indexonlyscan = off")
        for statement in statements:
            found = await uow.driver_sql(f"EXPLAIN (FORMAT JSON) {statement.text}", tuple(statement.values))
            plans.append(found.scalar_one()[0]["Plan"])
    return plans


async def plans_for(database: Database, viewer: Viewer, sent: Sequence[Statement]) -> list[Plan]:
    """The plans of what was sent for the viewer, about their company and about what is published."""
    plans = await explain(database, viewer.scope, [each for each in sent if not each.aside])
    if viewer.platform_scope is not None:
        plans += await explain(database, viewer.platform_scope, [each for each in sent if each.aside])
    return plans


async def plans_of(client: Client, document: str, **variables: Any) -> list[Plan]:
    """The plans of the statements that the operation sends."""
    database = client.services.database
    with sent_by(database) as sent:
        await client(document, **variables)
    assert client.user_id is not None
    viewer = await accounts.load_viewer(database, client.user_id, None)
    return await plans_for(database, viewer, sent)


def nodes(plan: Plan) -> Iterator[Plan]:
    """The plan's nodes, from the top."""
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


def slow(plan: Plan, large: set[str], kinds: frozenset[str] = SLOW) -> list[str]:
    """The nodes of these kinds that read a large table: whole, or only to sort what was read."""
    return [
        f"{node['Node Type']} of {', '.join(sorted(read))}"
        for node in nodes(plan)
        if node["Node Type"] in kinds
        and (read := {below["Relation Name"] for below in nodes(node) if "Relation Name" in below} & large)
    ]

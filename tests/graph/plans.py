"""How the database goes about what an operation asks of it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from db.uow import Database, Scope
from resolvers.identity import accounts
from tests.client import Client

Statement = tuple[str, Any]
Plan = dict[str, Any]

WHOLE = frozenset({"Seq Scan"})
SLOW = WHOLE | {"Sort", "Incremental Sort"}


@contextmanager
def sent_by(database: Database) -> Iterator[list[Statement]]:
    """The statements on tenant tables that are sent meanwhile, with their parameters."""
    sent: list[Statement] = []
    engine = database.placement.primary.sync_engine

    def remember(connection: Any, cursor: Any, statement: str, given: Any, context: Any, many: bool) -> None:
        if "tenant." in statement:
            sent.append((statement, given))

    event.listen(engine, "before_cursor_execute", remember)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", remember)


async def explained(database: Database, scope: Scope, statements: Sequence[Statement]) -> list[Plan]:
    """The plan of each statement, as it would run in that scope."""
    plans = []
    async with database.within(scope, read_only=True) as uow:
        # people ask for more than the ids that an index holds: its entries alone are no answer to them
        await uow.driver_sql("SET LOCAL enable_indexonlyscan = off")
        for statement, given in statements:
            found = await uow.driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", given)
            plans.append(found.scalar_one()[0]["Plan"])
    return plans


async def plans_of(client: Client, document: str, **variables: Any) -> list[Plan]:
    """The plans of the statements that the operation sends."""
    database = client.services.database
    with sent_by(database) as sent:
        await client(document, **variables)
    assert client.user_id is not None
    viewer = await accounts.viewer_of(database, client.user_id, None)
    return await explained(database, viewer.scope, sent)


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

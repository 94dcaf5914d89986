"""Totals of what models did and cost: exact, by UTC day, and of what the viewer may see."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from db.models import LlmProvider, RunStatus
from tests.conftest import People, Save
from tests.factories import Fixture
from tests.factories.chat import a_run_log, a_token_usage
from tests.graphql_client import Client

RUNS = """query ($days: Int!, $fill: Boolean!) { usageAnalytics(days: $days, fillGaps: $fill) {
  date runs tokens errors activeUsers } }"""
SUMS = "total promptTokens completionTokens cost operations"
TOTAL = f"""query ($user: ID, $since: DateTime) {{
  tokenUsageTotal(userId: $user, since: $since) {{ {SUMS} }} }}"""
SHARES = """query ($since: DateTime) {
  tokenUsageByProvider(since: $since) { llmProvider total cost }
  tokenUsageByOperation(since: $since) { operationType total operations } }"""
USERS = """query ($since: DateTime, $limit: Int!) {
  tokenUsageByUser(since: $since, limit: $limit) { user { id } total } }"""
DAYS = f"""query ($user: ID, $days: Int!, $fill: Boolean!) {{
  tokenUsageByDay(userId: $user, days: $days, fillGaps: $fill) {{ date {SUMS} }} }}"""

FAILED: dict[str, Any] = {"status": RunStatus.ERROR, "error_code": "TIMEOUT", "tokens_used": None}


def midnight(days_ago: int) -> datetime:
    """When that UTC day began."""
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days_ago)


def day(days_ago: int) -> str:
    """That UTC day."""
    return midnight(days_ago).date().isoformat()


def last_moment(days_ago: int) -> datetime:
    """When that UTC day ended."""
    return midnight(days_ago - 1) - timedelta(microseconds=1)


async def test_runs_are_counted_by_utc_day(graphql: Client, save: Save, people: People) -> None:
    await save(
        a_run_log(people.user, created_at=midnight(0)),
        a_run_log(people.user, created_at=last_moment(2)),
        a_run_log(people.user, created_at=midnight(2), tokens_used=2**31 - 1),
        a_run_log(people.viewer, created_at=midnight(2), tokens_used=2**31 - 1),
        a_run_log(people.viewer, created_at=midnight(2), **FAILED),
        a_run_log(people.viewer, created_at=last_moment(3), **FAILED),
        a_run_log(people.stranger, created_at=midnight(2)),
    )
    earlier = {"date": day(3), "runs": 1, "tokens": 0, "errors": 1, "activeUsers": 1}
    busy = {"date": day(2), "runs": 4, "tokens": 2**32 + 28, "errors": 1, "activeUsers": 2}
    idle = {"date": day(1), "runs": 0, "tokens": 0, "errors": 0, "activeUsers": 0}
    today = {"date": day(0), "runs": 1, "tokens": 30, "errors": 0, "activeUsers": 1}
    admin = graphql.of(people.admin)

    assert (await admin(RUNS, days=3, fill=False))["usageAnalytics"] == [busy, today]
    assert (await admin(RUNS, days=3, fill=True))["usageAnalytics"] == [busy, idle, today]
    assert (await admin(RUNS, days=366, fill=False))["usageAnalytics"] == [earlier, busy, today]
    assert len((await admin(RUNS, days=366, fill=True))["usageAnalytics"]) == 366
    own = {"date": day(2), "runs": 2, "tokens": 2**31 - 1, "errors": 1, "activeUsers": 1}
    assert (await graphql.of(people.viewer)(RUNS, days=3, fill=False))["usageAnalytics"] == [own]


@pytest.mark.parametrize("days", [-1, 0, 367, 2**31 - 1])
async def test_no_other_number_of_days(graphql: Client, people: People, days: int) -> None:
    admin = graphql.of(people.admin)

    assert await admin.refusals(RUNS, days=days, fill=True) == [("INVALID", ("days",))]
    assert await admin.refusals(DAYS, days=days, fill=True) == [("INVALID", ("days",))]


def spent(user: Fixture, days_ago: int, prompt: int, completion: int, **values: Any) -> Fixture:
    """Tokens used at the beginning of that day."""
    counts = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
    return a_token_usage(user, created_at=midnight(days_ago), **{**counts, **values})


async def some_usage(save: Save, people: People) -> None:
    """Four operations of two people on two days, and a foreign one."""
    report: dict[str, Any] = {"operation_type": "report_generation", "llm_provider": LlmProvider.OPENAI}
    await save(
        spent(people.user, 0, 100, 50),
        spent(people.user, 2, 2**30, 2**30 - 1, estimated_cost=1.5, **report),
        spent(people.viewer, 2, 10, 5, estimated_cost=None),
        spent(people.viewer, 2, 1, 0, llm_provider=None, operation_type=None),
        spent(people.stranger, 0, 7, 7),
    )


LARGE = 2**31 - 1


async def test_totals_are_exact(graphql: Client, save: Save, people: People) -> None:
    await some_usage(save, people)
    admin = graphql.of(people.admin)

    async def total(**request: Any) -> Any:
        return list((await admin(TOTAL, **request))["tokenUsageTotal"].values())

    assert await total() == [LARGE + 166, 2**30 + 111, 2**30 + 54, 2.0, 4]
    assert await total(user=people.viewer.gid) == [16, 11, 5, 0.25, 2]
    assert await total(since=midnight(1).isoformat()) == [150, 100, 50, 0.25, 1]
    assert await total(since="2026-01-01T00:00:00+05:00", user=people.admin.gid) == [0, 0, 0, 0.0, 0]
    assert await total(user=people.stranger.gid) == [0, 0, 0, 0.0, 0]
    own = (await graphql.of(people.viewer)(TOTAL))["tokenUsageTotal"]
    assert (own["total"], own["operations"]) == (16, 2)


async def test_shares_are_exact_and_largest_first(graphql: Client, save: Save, people: People) -> None:
    await some_usage(save, people)
    admin = graphql.of(people.admin)

    found = await admin(SHARES)
    users = (await admin(USERS, limit=10))["tokenUsageByUser"]

    assert found["tokenUsageByProvider"] == [
        {"llmProvider": "OPENAI", "total": LARGE, "cost": 1.5},
        {"llmProvider": "CUSTOM", "total": 165, "cost": 0.25},
        {"llmProvider": None, "total": 1, "cost": 0.25},
    ]
    assert found["tokenUsageByOperation"] == [
        {"operationType": "report_generation", "total": LARGE, "operations": 1},
        {"operationType": "chat", "total": 165, "operations": 2},
        {"operationType": None, "total": 1, "operations": 1},
    ]
    most = {"user": {"id": people.user.gid}, "total": LARGE + 150}
    assert users == [most, {"user": {"id": people.viewer.gid}, "total": 16}]
    assert (await admin(USERS, limit=1))["tokenUsageByUser"] == [most]
    today = (await admin(SHARES, since=midnight(0).isoformat()))["tokenUsageByProvider"]
    assert today == [{"llmProvider": "CUSTOM", "total": 150, "cost": 0.25}]
    for limit in (-1, 101):
        assert await admin.refusals(USERS, limit=limit) == [("INVALID", ("limit",))]


async def test_tokens_are_added_up_by_utc_day(graphql: Client, save: Save, people: People) -> None:
    await some_usage(save, people)
    admin = graphql.of(people.admin)
    sums = ("total", "promptTokens", "completionTokens", "cost", "operations")

    def of(days_ago: int, *numbers: float) -> dict[str, Any]:
        return {"date": day(days_ago), **dict(zip(sums, numbers, strict=True))}

    past = of(2, LARGE + 16, 2**30 + 11, 2**30 + 4, 1.75, 3)
    idle, today = of(1, 0, 0, 0, 0.0, 0), of(0, 150, 100, 50, 0.25, 1)
    assert (await admin(DAYS, days=3, fill=False))["tokenUsageByDay"] == [past, today]
    assert (await admin(DAYS, days=3, fill=True))["tokenUsageByDay"] == [past, idle, today]
    one = (await admin(DAYS, days=3, fill=False, user=people.viewer.gid))["tokenUsageByDay"]
    assert one == [of(2, 16, 11, 5, 0.25, 2)]


@pytest.mark.parametrize("since", ["2026-01-01T00:00:00", "0001-01-01T00:00:00+14:00"])
async def test_an_instant_is_one_of_the_calendar_with_a_time_zone(
    graphql: Client, people: People, since: str
) -> None:
    for document in (TOTAL, SHARES, USERS):
        refused = await graphql.of(people.admin).refusals(document, since=since, limit=1)
        assert set(refused) == {("INVALID", ("since",))}


async def test_several_totals_at_once_cost_a_statement_each(
    graphql: Client, save: Save, people: People
) -> None:
    await some_usage(save, people)
    admin = graphql.of(people.admin)

    await admin("""{ usageAnalytics { runs } tokenUsageTotal { total } tokenUsageByProvider { total }
      tokenUsageByOperation { total } tokenUsageByUser { total user { id } } tokenUsageByDay { total } }""")

    assert len(admin.statements) == 7

"""Reports: what they need, how they come, and that an interruption changes nothing."""

import asyncio
import json
from typing import Any

import pytest
from sqlalchemy import select

from db.models import AgentLog, ReportEvent, ReportEventKind
from pipelines.insights import report_job
from pipelines.insights.report_steps import STEPS
from pipelines.runtime.faults import Retry
from schema.framework.context import Services
from server.embedded.vectors import EmbeddedVectors
from server.worker import Worker
from tests.chat.pipeline.conftest import PATIENCE, Person, a_worker, key
from tests.insights import operations
from tests.insights.conftest import QUEUES, create_report

ALL = [*STEPS, "narrative"]


async def events(person: Person, id: str, after: str | None = None) -> list[Any]:
    """What is told of a report, until its end."""
    found: list[Any] = []
    async with (
        asyncio.timeout(PATIENCE),
        person.graphql.watch(operations.PROGRESS, id=id, after=after) as results,
    ):
        async for result in results:
            assert result.errors is None, result.errors
            found.append(result.data["reportProgress"])
    return found


async def test_a_report_is_made_step_by_step(worker: Worker, services: Services, planner: Person) -> None:
    report = await create_report(planner, title="Our energy")

    received = await events(planner, report["id"])
    resumed = await events(planner, report["id"], after=received[4]["cursor"])
    data = report["reportData"]
    assert [event["kind"] for event in received] == ["STEP_STARTED", "STEP_COMPLETED"] * len(ALL) + [
        "COMPLETED"
    ]
    assert [event["step"] for event in received[::2]] == [*ALL, None]
    assert resumed == received[5:]
    assert report["title"] == "Our energy"
    assert set(data) == {"inputs", *STEPS}
    assert (data["decision"]["target_met"], data["decision"]["target_share"]) == (True, 0.6)
    assert [year["year"] for year in data["roadmap"]["years"]][-1] == 2035
    assert report["confidence"] == data["confidence"]["total"]
    assert "without a language model" in report["generatedText"]
    async with services.database.tenant(planner.user.company.id, read_only=True) as uow:
        logs = await uow.all(select(AgentLog).order_by(AgentLog.id))
    assert [log.agent_type for log in logs] == ALL
    assert {log.input_data["report_id"] for log in logs if log.input_data is not None} == {
        str(key(report["id"]))
    }


async def test_every_year_keeps_to_the_budget_and_has_its_energy(worker: Worker, planner: Person) -> None:
    years = (await create_report(planner, narrative=False))["reportData"]["roadmap"]["years"]

    assert [year["year"] for year in years] == list(range(years[0]["year"], 2036))
    # The first year: 8,100 kWh at 0.12, 300 of water at 0.041, 800 of wind at 0.052, and 800 of sun at an
    # operation of 0.006 and the annuity of 20 years at 6 %: 972 + 12.3 + 41.6 + 37.543. The sum of all
    # years is what the independent solver finds.
    assert [round(year["cost"], 1) for year in years[:5]] == [1063.4, 927.6, 820.2, 755.4, 704.2]
    shares = [0.29, 0.479934, 0.667048, 0.80151, 0.908865]
    assert [year["renewable_share"] for year in years[:5]] == pytest.approx(shares)
    for year in years:
        drawn = sum(year["energy_kwh"].values()) + year["existing_kwh"]
        drawn -= 0.1 * year["stored_kwh"] + year["surplus_kwh"]
        assert drawn + year["unmet_kwh"] == pytest.approx(year["demand_kwh"], rel=1e-6)
        assert year["cost"] <= 1200 * (1 + 1e-6)
        assert year["renewable_share"] >= year["wanted_share"] - 1e-4


async def test_a_budget_that_is_too_small_is_reported_with_what_is_missing(
    worker: Worker, planner: Person
) -> None:
    # 10,000 kWh a year at 0.12 from the grid cost 1,200; 120 buys a tenth of it in the first year at best.
    await planner(operations.PROFILE, input={"budget": 120.0})

    report = await create_report(planner)

    decision = report["reportData"]["decision"]
    assert decision["target_met"] is False
    assert decision["unmet_kwh"] == pytest.approx(67_192.7, abs=0.1)
    assert decision["budget_needed"] == pytest.approx(1063.443 - 120, abs=0.01)
    first = report["reportData"]["inputs"]["year"] + 1
    assert f"The budget of 120 a year limits {first} to 2035." in report["generatedText"]
    assert "With 943 more in the dearest year, it would be served." in report["generatedText"]
    assert report["reportData"]["roadmap"]["years_behind"] == list(range(first, 2036))


async def test_reports_that_are_interrupted_at_every_step_end_the_same(
    services: Services, stored_vectors: EmbeddedVectors, planner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = report_job.save_step
    left = {f"{place}": ALL[place::3] for place in range(3)}
    attempts = {title: 1 + len(steps) for title, steps in left.items()}

    async def dies(run: Any, report: Any, name: str, *rest: Any) -> None:
        """Once at each of the report's steps: before its result is kept, or after, by turns."""
        interrupted = name in left.get(report.title, [])
        if interrupted:
            left[report.title].remove(name)
        if interrupted and ALL.index(name) % 2:
            raise Retry("interrupted")
        await kept(run, report, name, *rest)
        if interrupted:
            raise Retry("interrupted")

    monkeypatch.setattr(report_job, "save_step", dies)
    quick = {"method": "PROPORTIONAL"}  # with the same steps
    async with a_worker(services, queues=QUEUES):
        undisturbed = await create_report(planner, title="undisturbed", **quick)
        reports = await asyncio.gather(
            *(create_report(planner, title=title, **quick) for title in list(left))
        )

    assert set(map(len, left.values())) == {0}
    for report in reports:
        assert report["job"]["attempts"] == attempts[report["title"]]
        assert as_bytes(report) == as_bytes(undisturbed)
        assert report["generatedText"] == undisturbed["generatedText"]
        async with services.database.tenant(planner.user.company.id, read_only=True) as uow:
            mine = ReportEvent.report_id == key(report["id"])
            received = await uow.all(select(ReportEvent).where(mine).order_by(ReportEvent.sequence))
            logged = await uow.all(select(AgentLog.agent_type, AgentLog.input_data).order_by(AgentLog.id))
        assert [event.step for event in received if event.kind is ReportEventKind.STEP_COMPLETED] == ALL
        own = [log.agent_type for log in logged if log.input_data["report_id"] == str(key(report["id"]))]
        assert own == ALL


def as_bytes(report: Any) -> bytes:
    """The report's data as one text, without its title."""
    data = report["reportData"]
    return json.dumps({**data, "inputs": {**data["inputs"], "title": ""}}, sort_keys=True).encode()


async def test_the_source_systems_formula_is_kept(worker: Worker, planner: Person) -> None:
    data = (await create_report(planner, method="PROPORTIONAL", narrative=False))["reportData"]

    # 0.40 reliability + 0.35 capacity + 0.25 (1 - cost / 0.10):
    # solar .312 + .084 + .1425 = .5385, wind .288 + .133 + .12 = .541, hydro .356 + .1645 + .1475 = .668
    scores = {each["code"]: each["score"] for each in data["price_optimization"]["scores"]}
    assert scores == {"solar": 0.5385, "wind": 0.541, "hydro": 0.668}
    costs = {each["code"]: each["annual_cost"] for each in data["price_optimization"]["scores"]}
    assert costs["solar"] == pytest.approx(1200 * 0.5385 / 1.7475, abs=1e-5)
    assert data["decision"]["plan"] == "proportional"
    assert data["portfolio_mix"]["sustainability_score"] == 100.0  # min(100, 100 / 50 * 100)
    years = data["roadmap"]["years"]
    # 10 % now and 60 % in the last of so many years, on a straight line
    assert years[0]["renewable_share"] == pytest.approx(0.1 + 0.5 / len(years), abs=1e-6)
    assert years[-1]["renewable_share"] == 0.6

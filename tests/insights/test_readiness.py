"""What a report needs before it is begun, and the sources that it reckons with."""

from typing import Any

import pytest

from db.models import RoleName
from tests.chat.pipeline.conftest import Person, somebody
from tests.conftest import Unchanged
from tests.graphql_client import Client
from tests.insights import operations


async def test_readiness_tells_what_is_missing(graphql: Client, admin: Person, planner: Person) -> None:
    stranger = await somebody(graphql, role=RoleName.ADMIN)

    ready = (await planner(operations.READINESS))["reportReadiness"]
    bare = (await stranger(operations.READINESS))["reportReadiness"]

    # Six required things count twice, three others once: 13 of 15 with all that was said and no files.
    assert (ready["ready"], ready["completeness"]) == (True, 13 / 15)
    assert [each["name"] for each in ready["requirements"] if not each["met"]] == [
        "historical_data",
        "documents",
    ]
    assert (bare["ready"], bare["completeness"]) == (False, 0.0)


@pytest.mark.parametrize(
    "missing",
    [
        {"budget": None},
        {"industry": None},
        {"targetYear": None},
        {"totalConsumptionKwh": None},
        {"totalConsumptionKwh": 0},
        {"targetYear": 2025},
    ],
)
async def test_a_report_that_nothing_can_be_said_in_is_refused(
    planner: Person, assert_unchanged: Unchanged, missing: Any
) -> None:
    await planner(operations.PROFILE, input=missing)

    async with assert_unchanged():
        assert await planner.graphql.refusals(operations.GENERATE, input={}) == [("CONFLICT", ("input",))]


async def test_only_who_may_makes_reports_and_asking_twice_makes_one(
    graphql: Client, planner: Person, assert_unchanged: Unchanged
) -> None:
    user = await somebody(graphql, planner.user.company)
    request = {"title": "Once", "idempotencyKey": "once"}
    first = await planner(operations.GENERATE, input=request)

    async with assert_unchanged():
        assert await user.graphql.refusals(operations.GENERATE, input={}) == [("FORBIDDEN", ())]
        again = await planner(operations.GENERATE, input=request)

    assert again == first


async def test_sources_are_corrected_with_their_provenance_and_restored(
    graphql: Client, planner: Person, assert_unchanged: Unchanged
) -> None:
    restored = (await planner(operations.RESTORE))["energySourcesRestore"]["energySources"]
    (solar,) = [
        each for each in (await planner(operations.SOURCES))["energySources"] if each["code"] == "solar"
    ]
    analyst = await somebody(graphql, planner.user.company, RoleName.ANALYST)
    stranger = await somebody(graphql, role=RoleName.ADMIN)

    async with assert_unchanged():
        for person, input, refusal in (
            (planner, {"costPerKwh": 0.05}, ("INVALID", ("input", "provenance"))),
            (planner, {"costPerKwh": -1, "provenance": "x"}, ("INVALID", ("input", "costPerKwh"))),
            (planner, {"reliability": 1.1, "provenance": "x"}, ("INVALID", ("input", "reliability"))),
            (analyst, {"costPerKwh": 0.05, "provenance": "x"}, ("FORBIDDEN", ())),
            (stranger, {"costPerKwh": 0.05, "provenance": "x"}, ("NOT_FOUND", ("id",))),
        ):
            refused = await person.graphql.refusals(operations.CORRECT, id=solar["id"], input=input)
            assert refused == [refusal]
        assert await analyst.graphql.refusals(operations.RESTORE) == [("FORBIDDEN", ())]
    input = {"costPerKwh": 0.05, "provenance": "Offer of 3 May"}
    changed = (await planner(operations.CORRECT, id=solar["id"], input=input))["energySourceUpdate"]
    back = (await planner(operations.RESTORE))["energySourcesRestore"]["energySources"]

    assert [each["code"] for each in restored] == ["grid", "hydro", "solar", "storage", "wind"]
    assert changed["energySource"] == {**input, "id": solar["id"], "edited": True, "enabled": True}
    assert back == restored
    defaults = (await stranger(operations.SOURCES))["energySources"]
    assert len(defaults) == 5
    assert not any(source["edited"] for source in defaults)

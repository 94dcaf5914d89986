"""The company's profile, and the reports that were kept."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.conftest import People, Save, Unchanged
from tests.factories import a_company, a_user
from tests.factories.insights import a_profile, a_report
from tests.graphql_client import Client, Refusal
from tests.onlooker import Onlooker

FIELDS = """id industry location targetYear renewablePercentageIncrease budget historicalDataUploaded
  chromaCollectionName totalConsumptionKwh currentRenewablePercentage sustainabilityScore onboardingCompleted
  energyMixWeight priceOptimizationWeight portfolioDecisionWeight company { id }"""
PROFILE = f"query ($id: ID) {{ companyProfile(id: $id) {{ {FIELDS} }} }}"
CHANGE = f"""mutation ($input: CompanyProfileUpdateInput!) {{ companyProfileUpdate(input: $input) {{
  errors {{ code path }} companyProfile {{ {FIELDS} }} }} }}"""
REPORT = "id reportId reportType reportData title tags confidence tokenUsage user { id } company { id }"
REPORTS = f"query ($filter: SavedReportFilter) {{ savedReports(filter: $filter) {{ nodes {{ {REPORT} }} }} }}"
RETITLE = f"""mutation ($id: ID!, $input: SavedReportUpdateInput!) {{
  savedReportUpdate(id: $id, input: $input) {{ errors {{ code path }} savedReport {{ {REPORT} }} }} }}"""
DELETE = "mutation ($id: ID!) { savedReportDelete(id: $id) { errors { code path } deletedId } }"
FORBIDDEN, MISSING = [("FORBIDDEN", ())], [("NOT_FOUND", ("id",))]
LOG = "SELECT action FROM tenant.activity_logs WHERE company_id = $1 ORDER BY id"
EMPTY = {
    "industry": None,
    "location": None,
    "targetYear": None,
    "renewablePercentageIncrease": None,
    "budget": None,
    "historicalDataUploaded": False,
    "chromaCollectionName": None,
    "totalConsumptionKwh": None,
    "currentRenewablePercentage": None,
    "sustainabilityScore": None,
    "onboardingCompleted": False,
    "energyMixWeight": 0.4,
    "priceOptimizationWeight": 0.35,
    "portfolioDecisionWeight": 0.25,
}


async def test_a_company_has_one_profile_and_changes_it(
    graphql: Client, people: People, onlooker: Onlooker
) -> None:
    admin, viewer = graphql.of(people.admin), graphql.of(people.viewer)
    before = (await viewer(PROFILE))["companyProfile"]
    said = {
        "industry": "Manufacturing",
        "location": " Graz ",
        "targetYear": 2040,
        "renewablePercentageIncrease": 30,
        "budget": 100000.5,
        "totalConsumptionKwh": 0,
        "currentRenewablePercentage": 12.5,
        "onboardingCompleted": True,
    }

    first = (await admin(CHANGE, input=said))["companyProfileUpdate"]["companyProfile"]
    second = (await admin(CHANGE, input={"budget": None, "location": None}))["companyProfileUpdate"]

    company = {"company": {"id": people.admin.company.gid}}
    assert before is None
    reckoned = {"location": "Graz", "sustainabilityScore": 41.6667}  # 12.5 / 30 * 100
    assert first == {**EMPTY, **said, **reckoned, **company, "id": first["id"]}
    assert second["companyProfile"] == {**first, "budget": None, "location": None}
    assert (await viewer(PROFILE))["companyProfile"] == {
        **second["companyProfile"],
        "company": {"id": people.admin.company.gid},
    }
    assert (await viewer(PROFILE, id=first["id"]))["companyProfile"]["id"] == first["id"]
    actions = [row["action"] for row in await onlooker.fetch(LOG, people.admin.company.id)]
    assert actions == ["COMPANY_PROFILE_UPDATE"] * 2


@pytest.mark.parametrize(
    ("wrong", "refusal"),
    [
        ({"targetYear": 2024}, ("INVALID", ("input", "targetYear"))),
        ({"targetYear": 2101}, ("INVALID", ("input", "targetYear"))),
        ({"renewablePercentageIncrease": 100.1}, ("INVALID", ("input", "renewablePercentageIncrease"))),
        ({"renewablePercentageIncrease": -1}, ("INVALID", ("input", "renewablePercentageIncrease"))),
        ({"budget": 0}, ("INVALID", ("input", "budget"))),
        ({"budget": 1e300}, ("INVALID", ("input", "budget"))),
        ({"totalConsumptionKwh": -0.1}, ("INVALID", ("input", "totalConsumptionKwh"))),
        ({"currentRenewablePercentage": 101}, ("INVALID", ("input", "currentRenewablePercentage"))),
        ({"energyMixWeight": 0.34}, ("INVALID", ("input",))),
        ({"energyMixWeight": 0.46}, ("INVALID", ("input",))),
        (
            {"energyMixWeight": -0.1, "portfolioDecisionWeight": 0.75},
            ("INVALID", ("input", "energyMixWeight")),
        ),
        ({"energyMixWeight": None}, ("BAD_USER_INPUT", ("input", "energyMixWeight"))),
        ({"onboardingCompleted": None}, ("BAD_USER_INPUT", ("input", "onboardingCompleted"))),
        ({"industry": "x" * 101}, ("INVALID", ("input", "industry"))),
        ({"location": "a\u0000"}, ("INVALID", ("input", "location"))),
        ({"sustainabilityScore": 5}, ("BAD_USER_INPUT", ("input",))),
    ],
)
async def test_a_wrong_profile_is_refused(
    graphql: Client, assert_unchanged: Unchanged, people: People, wrong: Any, refusal: Refusal
) -> None:
    async with assert_unchanged():
        assert await graphql.of(people.admin).refusals(CHANGE, input=wrong) == [refusal]


@pytest.mark.parametrize(
    ("energy", "allowed"), [(0.3501, True), (0.4499, True), (0.349, False), (0.451, False)]
)
async def test_weights_sum_to_one_give_or_take_a_twentieth(
    graphql: Client, people: People, energy: float, allowed: bool
) -> None:
    refused = await graphql.of(people.admin).refusals(CHANGE, input={"energyMixWeight": energy})

    assert refused == ([] if allowed else [("INVALID", ("input",))])


async def test_only_administrators_change_the_profile_and_strangers_have_their_own(
    graphql: Client, save: Save, assert_unchanged: Unchanged, people: People
) -> None:
    profile = a_profile(people.admin.company)
    await save(profile)
    stranger = graphql.of(people.stranger)

    async with assert_unchanged():
        assert await graphql.of(people.manager).refusals(CHANGE, input={"budget": 1}) == FORBIDDEN
        assert (await stranger(PROFILE))["companyProfile"] is None
        assert await stranger.refusals(PROFILE, id=profile.gid) == MISSING
    changed = await stranger(CHANGE, input={"budget": 1})
    profiles = await stranger("{ companyProfiles { totalCount nodes { id } } }")

    assert changed["companyProfileUpdate"]["companyProfile"]["id"] != profile.gid
    assert profiles["companyProfiles"]["totalCount"] == 1


async def test_reports_are_listed_by_who_made_them_type_and_handle(
    graphql: Client, save: Save, people: People
) -> None:
    old = datetime(2026, 1, 1, tzinfo=UTC)
    mine = a_report(people.user, saved_at=old, confidence=0.75, tags=["a"])
    theirs = a_report(people.manager, report_type="audit", report_data=None, title=None)
    await save(mine, theirs)
    admin = graphql.of(people.admin)

    async def found(**filter: Any) -> list[str]:
        return [node["id"] for node in (await admin(REPORTS, filter=filter))["savedReports"]["nodes"]]

    assert await found() == [theirs.gid, mine.gid]
    assert await found(userId=people.user.gid) == [mine.gid]
    assert await found(reportType="audit") == [theirs.gid]
    assert await found(reportId=mine.report_id) == [mine.gid]
    (first, second) = (await admin(REPORTS))["savedReports"]["nodes"]
    assert (first["title"], first["tags"], first["reportData"]) == (None, [], None)
    assert second == {
        "id": mine.gid,
        "reportId": mine.report_id,
        "reportType": "energy_portfolio",
        "reportData": {"renewable": 40},
        "title": mine.title,
        "tags": ["a"],
        "confidence": 0.75,
        "tokenUsage": None,
        "user": {"id": people.user.gid},
        "company": {"id": people.user.company.gid},
    }


async def test_a_report_survives_who_made_it(graphql: Client, save: Save, people: People) -> None:
    report = a_report(people.user, user_id=a_user(a_company()).id)
    await save(report)

    (found,) = (await graphql.of(people.admin)(REPORTS))["savedReports"]["nodes"]

    assert (found["id"], found["user"]) == (report.gid, None)


async def test_a_report_takes_another_title_and_tags(
    graphql: Client, save: Save, people: People, onlooker: Onlooker
) -> None:
    report, manager = a_report(people.user, tags=["old"]), graphql.of(people.manager)
    await save(report)

    tagged = await manager(RETITLE, id=report.gid, input={"tags": [" solar ", "wind", "solar"]})
    cleared = await manager(RETITLE, id=report.gid, input={"title": None})

    assert tagged["savedReportUpdate"]["savedReport"]["tags"] == ["solar", "wind"]
    assert tagged["savedReportUpdate"]["savedReport"]["title"] == report.title
    assert cleared["savedReportUpdate"]["savedReport"]["title"] is None
    assert cleared["savedReportUpdate"]["savedReport"]["tags"] == ["solar", "wind"]
    actions = [row["action"] for row in await onlooker.fetch(LOG, people.admin.company.id)]
    assert actions == ["SAVED_REPORT_UPDATE"] * 2


@pytest.mark.parametrize(
    ("wrong", "refusal"),
    [
        ({"title": "x" * 501}, ("INVALID", ("input", "title"))),
        ({"title": "a\ud800"}, ("INVALID", ("input", "title"))),
        ({"tags": [f"tag {number}" for number in range(21)]}, ("INVALID", ("input", "tags"))),
        ({"tags": ["solar", ""]}, ("INVALID", ("input", "tags", "1"))),
        ({"tags": ["x" * 51]}, ("INVALID", ("input", "tags", "0"))),
        ({"tags": ["x"] * 101}, ("INVALID", ("input", "tags"))),
        ({"tags": None}, ("BAD_USER_INPUT", ("input", "tags"))),
    ],
)
async def test_wrong_titles_and_tags_are_refused(
    graphql: Client, save: Save, assert_unchanged: Unchanged, people: People, wrong: Any, refusal: Refusal
) -> None:
    report = a_report(people.user)
    await save(report)

    async with assert_unchanged():
        assert await graphql.of(people.manager).refusals(RETITLE, id=report.gid, input=wrong) == [refusal]


async def test_a_report_is_deleted(graphql: Client, save: Save, people: People) -> None:
    report, kept = a_report(people.user), a_report(people.user)
    await save(report, kept)

    answer = await graphql.of(people.manager)(DELETE, id=report.gid)

    assert answer["savedReportDelete"]["deletedId"] == report.gid
    left = (await graphql.of(people.manager)(REPORTS))["savedReports"]["nodes"]
    assert [node["id"] for node in left] == [kept.gid]


async def test_who_may_not_changes_no_report_and_strangers_find_none(
    graphql: Client, save: Save, assert_unchanged: Unchanged, people: People
) -> None:
    report = a_report(people.user)
    await save(report)
    user, stranger, title = graphql.of(people.user), graphql.of(people.stranger), {"title": "x"}

    async with assert_unchanged():
        assert await user.refusals(RETITLE, id=report.gid, input=title) == FORBIDDEN
        assert await user.refusals(DELETE, id=report.gid) == FORBIDDEN
        assert await stranger.refusals(RETITLE, id=report.gid, input=title) == MISSING
        assert await stranger.refusals(DELETE, id=report.gid) == MISSING

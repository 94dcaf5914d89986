"""Past consumption: from an uploaded file to what the profile and the chat know of it."""

from datetime import date, timedelta

import pytest

from server.worker import Worker
from tests.chat.pipeline.conftest import Person
from tests.chat.pipeline.test_documents import search_documents
from tests.insights import operations
from tests.insights.conftest import GROWING, PROFILE, run_import


def days(count: int, kwh: float = 24.0, **other: float) -> bytes:
    """A file of daily readings from the first of January 2023; `other` days, by ISO date, differ."""
    first = date(2023, 1, 1)
    listed = [first + timedelta(days=number) for number in range(count)]
    values = {name.removeprefix("d").replace("_", "-"): value for name, value in other.items()}
    rows = [f"{day.isoformat()},{values.get(day.isoformat(), kwh + day.day % 3)}" for day in listed]
    return "\n".join(["day,kWh", *rows, ""]).encode()


async def test_a_file_becomes_what_the_profile_and_the_chat_know(worker: Worker, planner: Person) -> None:
    # Two years of days of 24, 25 or 26 kWh; the tenth of March 2024 takes 260.
    made = await run_import(planner, days(731, d2024_03_10=260.0))

    summary = made["summary"]
    assert (summary["firstOn"], summary["lastOn"]) == ("2023-01-01", "2024-12-31")
    assert (summary["readings"], summary["stepMinutes"], summary["coverage"]) == (731, 1440.0, 1.0)
    listed = [(date(2023, 1, 1) + timedelta(days=number)) for number in range(731)]
    total = sum(24 + day.day % 3 for day in listed) + 260 - 25
    assert summary["totalKwh"] == pytest.approx(total)
    last = sum(24 + day.day % 3 for day in listed[-365:]) + 260 - 25
    assert summary["annualKwh"] == pytest.approx(last)
    (odd,) = summary["anomalies"]
    assert (odd["startsOn"], odd["period"], odd["kwh"]) == ("2024-03-10", "DAY", 260.0)
    assert summary["anomalyCount"] == 1
    assert 1 <= len(summary["insights"]) <= 5
    assert made["readings"]["totalCount"] == 24
    january = made["readings"]["nodes"][0]
    expected = sum(24 + day % 3 for day in range(1, 32))
    assert (january["startsOn"], january["kwh"], january["coverage"]) == ("2023-01-01", expected, 1.0)
    standing = (await planner(operations.STANDING))["companyProfile"]
    assert standing["historicalDataUploaded"] is True
    assert standing["totalConsumptionKwh"] == pytest.approx(last)
    assert standing["currentRenewablePercentage"] == PROFILE["currentRenewablePercentage"]
    assert standing["sustainabilityScore"] == 20.0  # 10 % of the 50 % that are wanted
    await planner.document(made["document"]["id"])
    hits = await search_documents(planner, "Which day of consumption was out of line?")
    assert hits[0] == made["document"]["id"]


async def test_another_import_takes_the_place_of_the_first(worker: Worker, admin: Person) -> None:
    first = await run_import(admin, days(60))
    renewable = b"Monat;Verbrauch MWh;PV MWh\n" + b"".join(
        f"{month:02}/2024;{10},{month % 10};2,5\n".encode() for month in range(1, 13)
    )
    second = await run_import(admin, renewable)

    again = (await admin(operations.IMPORTED, id=first["id"]))["historicalDataImport"]
    assert (again["readings"]["totalCount"], again["document"]) == (0, None)
    assert again["summary"] == first["summary"]
    total = 1000 * sum(10 + (month % 10) / 10 for month in range(1, 13))
    assert second["summary"]["totalKwh"] == pytest.approx(total)
    assert second["summary"]["renewablePercentage"] == pytest.approx(100 * 30_000 / total, abs=0.01)
    standing = (await admin(operations.STANDING))["companyProfile"]
    assert standing["currentRenewablePercentage"] == second["summary"]["renewablePercentage"]


async def test_an_answer_to_the_question_is_imported(worker: Worker, admin: Person) -> None:
    made = await run_import(admin, GROWING, quantity="REGISTER")
    assert (made["summary"]["totalKwh"], made["summary"]["readings"]) == (16_500.0, 11)

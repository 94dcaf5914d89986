"""Files of consumption before they are imported: looked into, and refused where nothing can be read."""

from typing import Any

import pytest

from db.models import RoleName
from tests.chat.pipeline.conftest import Person, somebody
from tests.conftest import Unchanged
from tests.graphql_client import Client
from tests.insights import operations
from tests.insights.conftest import GROWING
from tests.insights.test_imports import days


async def test_a_preview_shows_what_is_guessed_and_takes_what_is_said(admin: Person) -> None:
    content = (
        "Lastgang;Zähler 7;\nErstellt;01.02.2024;\nDatum;Uhrzeit;Bezug kWh\n"
        "01.01.2023;00:00;1.234,5\n01.01.2023;00:15;234,5\n01.01.2023;00:30;34,5\n"
    )
    upload = await admin.upload(content.encode("cp1252"), "last.csv", "text/csv")

    seen = (await admin(operations.PREVIEW, input={"uploadId": upload.gid}))["historicalDataPreview"]
    received = {"uploadId": upload.gid, "mapping": {"unit": "KW", "consumptionColumn": "Bezug kWh"}}
    other = (await admin(operations.PREVIEW, input=received))["historicalDataPreview"]

    assert seen == {
        "columns": [
            {"name": "Erstellt Datum", "samples": ["01.01.2023"] * 3},
            {"name": "01.02.2024 Uhrzeit", "samples": ["00:00", "00:15", "00:30"]},
            {"name": "Bezug kWh", "samples": ["1.234,5", "234,5", "34,5"]},
        ],
        "rows": [
            ["01.01.2023", "00:00", "1.234,5"],
            ["01.01.2023", "00:15", "234,5"],
            ["01.01.2023", "00:30", "34,5"],
        ],
        "headerRows": 3,
        "delimiter": ";",
        "sheet": None,
        "decimalComma": True,
        "timestampColumn": "Erstellt Datum",
        "timeColumn": "01.02.2024 Uhrzeit",
        "consumptionColumn": "Bezug kWh",
        "renewableColumn": None,
        "timestampFormat": "%d.%m.%Y %H:%M",
        "stepMinutes": 15.0,
        "unit": "KWH",
        "unitGuessed": False,
        "question": None,
        "questionField": None,
        "totalKwh": 1503.5,
        "alternatives": [],
    }
    assert (other["unit"], other["unitGuessed"]) == ("KW", False)


@pytest.mark.parametrize(
    ("content", "mapping", "refusal"),
    [
        (b"day,kWh\n2023-01-01,1\n", {}, ("INVALID", ("input", "uploadId"))),
        (b"day,kWh\n", {}, ("INVALID", ("input", "mapping", "timestampColumn"))),
        (b"one,two\n1,2\n3,4\n", {}, ("INVALID", ("input", "mapping", "timestampColumn"))),
        (
            b"day,note\n2023-01-01,a\n2023-01-02,b\n",
            {},
            ("INVALID", ("input", "mapping", "consumptionColumn")),
        ),
        (days(3), {"consumptionColumn": "MWh"}, ("INVALID", ("input", "mapping", "consumptionColumn"))),
        (days(3), {"timezone": "Europe/Atlantis"}, ("INVALID", ("input", "mapping", "timezone"))),
        (days(3), {"headerRows": 900}, ("INVALID", ("input", "mapping", "headerRows"))),
    ],
)
async def test_a_file_that_says_nothing_is_refused(
    admin: Person, assert_unchanged: Unchanged, content: bytes, mapping: Any, refusal: Any
) -> None:
    upload = await admin.upload(content, "load.csv", "text/csv")
    request = {"uploadId": upload.gid, "mapping": mapping}

    async with assert_unchanged():
        assert await admin.graphql.refusals(operations.IMPORT, input=request) == [refusal]


async def test_other_kinds_of_files_and_other_people_are_refused(
    graphql: Client, admin: Person, assert_unchanged: Unchanged
) -> None:
    picture = await admin.upload(b"\x89PNG", "load.png", "image/png")
    viewer = await somebody(graphql, admin.user.company, RoleName.ANALYST)
    own = await viewer.upload(days(3), "load.csv", "text/csv")

    async with assert_unchanged():
        refused = await admin.graphql.refusals(operations.IMPORT, input={"uploadId": picture.gid})
        assert refused == [("UNSUPPORTED", ("input", "uploadId"))]
        foreign = await admin.graphql.refusals(operations.IMPORT, input={"uploadId": own.gid})
        assert foreign == [("NOT_FOUND", ("input", "uploadId"))]
        for document in (operations.IMPORT, operations.PREVIEW):
            refused = await viewer.graphql.refusals(document, input={"uploadId": own.gid})
            assert refused == [("FORBIDDEN", ())]


async def test_readings_that_are_all_wrong_are_refused(admin: Person, assert_unchanged: Unchanged) -> None:
    content = b"day,kWh\n2023-01-01,-1\n2023-01-02,-2\n2023-01-03,-3\n2023-01-04,4\n"
    upload = await admin.upload(content, "load.csv", "text/csv")

    async with assert_unchanged():
        refused = await admin.graphql.refusals(operations.IMPORT, input={"uploadId": upload.gid})

    assert refused == [("INVALID", ("input", "uploadId"))]


async def test_a_file_that_can_be_read_in_several_ways_is_a_question(
    admin: Person, assert_unchanged: Unchanged
) -> None:
    upload = await admin.upload(GROWING, "load.csv", "text/csv")

    seen = (await admin(operations.PREVIEW, input={"uploadId": upload.gid}))["historicalDataPreview"]
    async with assert_unchanged():
        refused = await admin.graphql.refusals(operations.IMPORT, input={"uploadId": upload.gid})

    assert refused == [("AMBIGUOUS", ("input", "mapping", "quantity"))]
    assert seen["questionField"] == "quantity"
    assert seen["question"] is not None
    totals = {one["quantity"]: one["totalKwh"] for one in seen["alternatives"]}
    assert totals == {"CONSUMPTION": 597_000.0, "REGISTER": 16_500.0}

"""Cursors: what they hold, and that nothing else is taken for one."""

import base64
import json
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from core.errors import Invalid
from db.base import Model
from db.cursors import decode_cursor, encode_cursor
from db.models import ConsumptionReading, CrawlJob, Project, ProjectStatus, Upload
from db.pagination import Order

ID = UUID("01890000-0000-7000-8000-000000000001")
NAME, NEWEST = Order("name"), Order("created_at", descending=True)


def cursor(*content: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


def refusal(model: type[Model], order: Order, text: str) -> tuple[str, tuple[str, ...]]:
    with pytest.raises(Invalid) as refused:
        decode_cursor(model, order, text, "after")
    return str(refused.value), tuple(refused.value.path)


REFUSED = ("`after` is not a cursor of this list.", ("after",))


def test_a_cursor_holds_the_model_the_order_and_the_key() -> None:
    row = SimpleNamespace(name="A", id=ID, created_at=datetime(2026, 1, 2, 3, 4, 5, 6, UTC))
    by_name, by_time = encode_cursor(Project, NAME, row), encode_cursor(Project, NEWEST, row)

    assert json.loads(base64.urlsafe_b64decode(by_name + "==")) == ["Project:name,id", "A", str(ID)]
    assert json.loads(base64.urlsafe_b64decode(by_time + "==")) == [
        "Project:-created_at,id",
        "2026-01-02T03:04:05.000006+00:00",
        str(ID),
    ]
    assert decode_cursor(Project, NAME, by_name, "after") == ("A", ID)
    assert decode_cursor(Project, NEWEST, by_time, "after") == (row.created_at, ID)


@pytest.mark.parametrize("name", ["", "A", "AB", "ABC", "ABCD", "\u00fc\U0001f4c4?>", '"\\,['])
def test_every_key_comes_back(name: str) -> None:
    text = encode_cursor(Project, NAME, SimpleNamespace(name=name, id=ID))

    assert set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    assert decode_cursor(Project, NAME, text, "after") == (name, ID)


def test_values_of_every_kind_come_back() -> None:
    first = ProjectStatus.ARCHIVED
    by_status = Order("status")
    row = SimpleNamespace(status=first, id=ID)
    text = encode_cursor(Project, by_status, row)

    assert json.loads(base64.urlsafe_b64decode(text + "=="))[1] == first.value
    assert decode_cursor(Project, by_status, text, "after") == (first, ID)
    by_day = Order("starts_on")
    day = SimpleNamespace(starts_on=date(2026, 2, 3), id=ID)
    text = encode_cursor(ConsumptionReading, by_day, day)
    assert json.loads(base64.urlsafe_b64decode(text + "=="))[1] == "2026-02-03"
    assert decode_cursor(ConsumptionReading, by_day, text, "after") == (date(2026, 2, 3), ID)


def test_instants_come_back_in_utc() -> None:
    text = cursor("Project:-created_at,id", "2026-01-02T03:00:00+02:00", str(ID))

    (instant, _) = decode_cursor(Project, NEWEST, text, "after")

    assert (instant, instant.tzinfo) == (datetime(2026, 1, 2, 1, tzinfo=UTC), UTC)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "*",
        "\u00e9",
        "A",
        cursor(),
        base64.urlsafe_b64encode(b"1").decode(),
        base64.urlsafe_b64encode(b"\xff\xff").decode(),
        base64.urlsafe_b64encode(b"[" * 100_000).decode(),
        cursor("Project:name,id", "A"),
        cursor("Project:name,id", "A", str(ID), 1),
        cursor("Project:-name,id", "A", str(ID)),
        cursor("Project:name", "A", str(ID)),
        cursor("Upload:name,id", "A", str(ID)),
        cursor("Project:name,id", 1, str(ID)),
        cursor("Project:name,id", None, str(ID)),
        cursor("Project:name,id", "A", "1"),
        cursor("Project:name,id", "A", 1),
        cursor("Project:name,id", "A", None),
        cursor("Project:name,id", "A", [str(ID)]),
        cursor("Project:name,id", "A\x00", str(ID)),
        cursor("Project:name,id", "\ud800", str(ID)),
        cursor("Project:name,id", "A", str(ID)) + "*",
        cursor("Project:name,id", "A", str(ID)).replace("w", "\n", 1),
    ],
)
def test_another_text_is_no_cursor(text: str) -> None:
    assert refusal(Project, NAME, text) == REFUSED


@pytest.mark.parametrize(
    "value",
    ["2026-01-02T03:04:05", "2026-13-01T00:00:00Z", "yesterday", 1, None, [], "0001-01-01T00:00:00+23:59"],
)
def test_an_instant_has_a_zone(value: Any) -> None:
    assert refusal(Project, NEWEST, cursor("Project:-created_at,id", value, str(ID))) == REFUSED


@pytest.mark.parametrize("value", ["2026-02-30", "", 1, None, [], "2026-02-03T00:00:00+00:00"])
def test_a_day_is_a_day(value: Any) -> None:
    by_day = Order("starts_on")

    assert (
        refusal(ConsumptionReading, by_day, cursor("ConsumptionReading:starts_on,id", value, str(ID)))
        == REFUSED
    )


def test_a_state_is_one_of_the_models() -> None:
    assert refusal(Project, Order("status"), cursor("Project:status,id", "melted", str(ID))) == REFUSED


@pytest.mark.parametrize(
    ("model", "name", "most"), [(CrawlJob, "progress", 2**31 - 1), (Upload, "size", 2**63 - 1)]
)
def test_integers_fit_their_column(model: type[Model], name: str, most: int) -> None:
    order, tag = Order(name), f"{model.__name__}:{name},id"

    for value in (most, -most, 0):
        assert decode_cursor(model, order, cursor(tag, value, str(ID)), "before") == (value, ID)
    for wrong in (most + 1, -most - 1, 10**400, True, 1.0, "1"):
        assert refusal(model, order, cursor(tag, wrong, str(ID))) == REFUSED


def test_the_argument_is_named() -> None:
    with pytest.raises(Invalid) as refused:
        decode_cursor(Project, NAME, "?", "before")

    assert (str(refused.value), tuple(refused.value.path)) == (
        "`before` is not a cursor of this list.",
        ("before",),
    )

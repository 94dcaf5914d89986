"""Formats of timestamps: which one a file has, and what is made of its texts."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from resolvers.insights.timestamp_formats import (
    DATE_FORMATS,
    MONTH_FORMATS,
    TIME_FORMATS,
    TIMESTAMP_PATTERN,
    detect_format,
    known_formats,
    normalize_timestamp,
    parse_timestamp,
    step_regularity,
)

MOMENT = datetime(2024, 11, 23, 17, 45, 30)


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        (" 2024-01-02T03:04:05.678Z ", "2024-01-02 03:04:05+00:00"),
        ("2024-01-02T03:04:05,678+01:00", "2024-01-02 03:04:05+01:00"),
        ("2024-01-02 03:04 Z", "2024-01-02 03:04+00:00"),
        ("2024-01-02T03:04Z", "2024-01-02 03:04+00:00"),
        ("Jan 2, 2024", "Jan 2 2024"),
        ("23. Oct 2024", "23. Oct 2024"),
        ("Tue 1", "Tue 1"),
        ("2024-01-02", "2024-01-02"),
    ],
)
def test_timestamps_are_normalized(text: str, normal: str) -> None:
    assert normalize_timestamp(text) == normal


def test_every_combination_of_date_time_and_zone_is_known() -> None:
    found = known_formats()

    assert (len(DATE_FORMATS), len(TIME_FORMATS), len(MONTH_FORMATS)) == (15, 5, 9)
    assert len(found) == len(set(found)) == 15 * (1 + 4 * 2) + 9
    assert {"%Y-%m-%d", "%d.%m.%Y %H:%M", "%m/%d/%Y %I:%M:%S %p%z", "%b %Y %d"} <= set(found)
    assert "%Y-%m-%d%z" not in found


@pytest.mark.parametrize("notation", known_formats())
def test_every_known_format_is_parsed_and_looks_like_a_timestamp(notation: str) -> None:
    is_month = notation.endswith(" %d")
    written = notation.removesuffix(" %d") if is_month else notation
    text = MOMENT.replace(tzinfo=UTC).strftime(written)

    found = parse_timestamp(normalize_timestamp(text), notation)

    assert found is not None
    expected = MOMENT.replace(
        day=1 if is_month else 23,
        hour=17 if "%H" in notation or "%I" in notation else 0,
        minute=45 if "%M" in notation else 0,
        second=30 if "%S" in notation else 0,
        tzinfo=UTC if "%z" in notation else None,
    )
    assert found == expected
    assert TIMESTAMP_PATTERN.fullmatch(text)


@pytest.mark.parametrize(
    "text",
    [
        "17",
        "1.5",
        "1.234",
        "12:30",
        "2024",
        "20241301",
        "18991231",
        "a",
        "",
        "-3",
        "1,5",
        "12.345",
        "1 234",
        "20240140",
    ],
)
def test_numbers_and_words_are_no_timestamps(text: str) -> None:
    assert TIMESTAMP_PATTERN.fullmatch(text) is None


def test_a_text_of_another_format_is_none() -> None:
    assert parse_timestamp("2024-02-30", "%Y-%m-%d") is None
    assert parse_timestamp("2024-02", "%Y-%m-%d") is None
    assert parse_timestamp("2024-02", "%Y-%m %d") == datetime(2024, 2, 1)
    assert parse_timestamp("2024-02-03 04:00+02:00", "%Y-%m-%d %H:%M%z") == datetime(
        2024, 2, 3, 4, tzinfo=timezone(timedelta(hours=2))
    )


@pytest.mark.parametrize(
    ("texts", "notation"),
    [
        ([], None),
        (["", " "], None),
        (["x"], None),
        (["2024-01-01"], "%Y-%m-%d"),
        (["2024-01-01", "", " "], "%Y-%m-%d"),
        (["2024-01-01T10:00:00.5Z"], "%Y-%m-%d %H:%M:%S%z"),
        (["2024-01"], "%Y-%m %d"),
        (["May 2024"], "%b %Y %d"),  # the first of two formats that fit equally
        (["13/01/2024"], "%d/%m/%Y"),
        (["01/13/2024"], "%m/%d/%Y"),
        (["01/02/2024"], "%d/%m/%Y"),  # day first
        (["01/02/2024", "02/02/2024", "03/02/2024"], "%d/%m/%Y"),  # even as days, not quite as months
        (["01/02/2024", "01/03/2024", "01/04/2024"], "%d/%m/%Y"),  # even as months and as days
        (["01/31/2024", "02/01/2024", "02/02/2024"], "%m/%d/%Y"),
        (["02/01/2024", "02/02/2024", "02/03/2024", "02/04/2024"], "%d/%m/%Y"),
        # Each day at two times: even steps as days of February only.
        (["02/01/2024 00:00", "02/01/2024 12:00", "02/02/2024 00:00", "02/02/2024 12:00"], "%m/%d/%Y %H:%M"),
        (["01/02/2024 00:00", "01/02/2024 12:00", "02/02/2024 00:00", "02/02/2024 12:00"], "%d/%m/%Y %H:%M"),
    ],
)
def test_the_format_that_fits_best_is_found(texts: list[str], notation: str | None) -> None:
    assert detect_format(texts) == notation


def test_nine_tenths_of_the_texts_must_fit() -> None:
    days = [f"2024-01-{day:02}" for day in range(1, 19)]

    assert detect_format([*days, "x", "x"]) == "%Y-%m-%d"  # 18 of 20
    assert detect_format([*days, "x", "x", "x"]) is None
    assert detect_format([*days[:9], "x"]) == "%Y-%m-%d"
    assert detect_format([*days[:8], "x"]) is None


def test_the_format_of_more_texts_wins() -> None:
    # All twenty are days first; nineteen are months first, and even so.
    texts = [f"01/{day:02}/2024" for day in range(1, 13)]

    assert detect_format([*texts, "13/01/2024"]) == "%d/%m/%Y"


@pytest.mark.parametrize(
    ("texts", "day_first", "notation"),
    [
        (["01/02/2024"], True, "%d/%m/%Y"),
        (["01/02/2024"], False, "%m/%d/%Y"),
        (["01/02/2024"], None, "%d/%m/%Y"),
        (["13/02/2024"], False, None),
        (["02/13/2024"], True, None),
        (["2024-01-02"], True, "%Y-%m-%d"),
        (["2024-01-02"], False, "%Y-%m-%d"),
        (["2 Jan 2024"], False, "%d %b %Y"),
        (["Jan 2 2024"], True, "%b %d %Y"),
        (["01/2024"], True, "%m/%Y %d"),
        (["01/2024"], False, "%m/%Y %d"),
        (["20240102"], False, "%Y%m%d"),
    ],
)
def test_the_order_of_day_and_month_may_be_said(
    texts: list[str], day_first: bool | None, notation: str | None
) -> None:
    assert detect_format(texts, day_first) == notation


def at(*minutes: float) -> list[datetime]:
    return [datetime(2024, 1, 1) + timedelta(minutes=minute) for minute in minutes]


def on(*days: str) -> list[datetime]:
    return [datetime.fromisoformat(day) for day in days]


@pytest.mark.parametrize(
    ("timestamps", "share"),
    [
        ([], 1.0),
        (at(0), 1.0),
        (at(0, 15), 1.0),
        (at(0, 15, 30, 60), 2 / 3),
        (at(0, 15, 31), 0.5),
        (at(0, 15, 30.4), 1.0),  # to the minute
        (at(0, 15, 30.6), 0.5),
        (on("2024-01-01", "2024-02-01", "2024-03-01", "2024-04-01"), 1.0),  # 31, 29, 31 days
        (on("2023-01-01", "2023-02-01", "2023-03-01"), 1.0),  # 31, 28
        (on("2023-01-01", "2023-01-28", "2023-02-25", "2023-03-25"), 2 / 3),  # 27, 28, 28
        (on("2023-01-01", "2023-02-02", "2023-03-02", "2023-03-30"), 2 / 3),  # 32, 28, 28
        (on("2023-01-01", "2023-01-22", "2023-02-12", "2023-03-05"), 1.0),  # 21 days each
        (on("2023-01-01", "2023-01-21", "2023-02-10", "2023-03-02"), 1.0),  # 20 days each
        (on("2023-03-01", "2023-02-01", "2023-01-01"), 0.5),
        (on("2022-12-01", "2023-01-01", "2023-02-01", "2023-03-01"), 1.0),  # 31, 31, 28
        (on("2023-01-01", "2023-02-02", "2023-03-06", "2023-04-06"), 2 / 3),  # 32, 32, 31
        (on("2023-01-01 00:00", "2023-01-21 00:00", "2023-02-10 01:00"), 0.5),  # 20 days by the minute
        (on("2023-01-01 00:00", "2023-01-22 00:00", "2023-02-12 01:00"), 1.0),  # 21 by the day
        (on("2023-01-01", "2023-01-28", "2023-02-24", "2023-03-24"), 2 / 3),  # 27, 27, 28
    ],
)
def test_steps_are_regular_as_far_as_they_are_equally_long(timestamps: list[datetime], share: float) -> None:
    assert step_regularity(timestamps) == pytest.approx(share)

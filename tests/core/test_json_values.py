"""JSON values: what can be stored and returned, exactly."""

import json
import math
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.json_values import (
    INTEGERS,
    NotRepresentable,
    has_long_number,
    parse,
    read_column,
    representable,
    write_column,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("18446744073709551615", 2**64 - 1),
        ("-9223372036854775808", -(2**63)),
        ("10000000000000000000000", 1e22),
        ("18446744073709551616", 2.0**64),
        ("1" + "0" * 300, 1e300),
        ("123456789012345680000", 1.2345678901234568e20),
        ("1e22", 1e22),
        ("1e400", math.inf),
        ("9" * 310, math.inf),
        ("9" * 5_000, math.inf),
        ("123456789012345678901234567890", 123456789012345678901234567890),
        ('{"a": ["0000000000000000000", 0.1]}', {"a": ["0" * 19, 0.1]}),
    ],
)
def test_numbers_are_parsed_exactly(text: str, value: Any) -> None:
    for parsed in (parse(text), parse(text.encode())):
        assert parsed == value
        assert type(parsed) is type(value)


@pytest.mark.parametrize(
    ("text", "is_long"),
    [
        ("1234567890123456789", True),
        ("123456789012345678", False),
        (" -12345678901234567890", True),
        ("[0.1234567890123456789]", True),
        ('{"a":1.5E+300}', True),
        ('{"a": -1e0000400}', True),
        ("[1,2e999]", True),
        ("[1,2e99]", False),
        ("1e-999", False),
        ('"say, 1e400"', True),
        ('"id 018e4001e400"', True),
        ('"018e4001e400"', False),
        ('{"id":"a12345678901234567890"}', False),
    ],
)
def test_long_numbers_and_their_lookalikes_are_found(text: str, is_long: bool) -> None:
    assert has_long_number(text.encode()) == is_long


@given(st.lists(st.one_of(st.integers(), st.floats(), st.text("0123456789eE+-., ")), max_size=5))
def test_every_number_that_is_rounded_is_found(values: list[Any]) -> None:
    text = json.dumps(values)
    expected = [
        float(value) if type(value) is int and value not in INTEGERS and float(value) == value else value
        for value in values
    ]
    if all(math.isfinite(value) for value in values if isinstance(value, float)):
        assert [(type(value), value) for value in parse(text)] == [(type(value), value) for value in expected]


@pytest.mark.parametrize(
    "text",
    [
        "NaN",
        "[1e400, NaN]",
        "[1e400, -Infinity]",
        '[1e400, "\\ud800"]',
        b'[1e400, "\xff"]',
        "[" * 5_000,
        "[" * 5_000 + "1e400",
        "\ud800",
        "",
    ],
)
def test_what_is_not_json_is_refused(text: str | bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # several kinds of it
        parse(text)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({"a": math.inf}, "a number out of range at `a`"),
        ({"a": [1, math.nan]}, "a number out of range at `a[1]`"),
        ([2**64 + 1], "an integer beyond 64 bits at `[0]`"),
        (-(2**63) - 1, "an integer beyond 64 bits"),
        (10**400, "an integer beyond 64 bits"),
        ({"a": "\x00"}, "a NUL character at `a`"),
        ({"\x00": 1}, "a NUL character at `\x00`"),
        ({"a": "\ud800"}, "a lone surrogate at `a`"),
        ({1: 2}, "a key that is not a string"),
        ({"a": b"x"}, "a value that is not JSON at `a`"),
    ],
)
def test_what_would_not_come_back_is_refused_by_name(value: Any, reason: str) -> None:
    with pytest.raises(NotRepresentable) as caught:
        representable(value)
    assert str(caught.value) == reason


def test_depth_is_bounded() -> None:
    def nested(levels: int) -> Any:
        value: Any = 1
        for _ in range(levels):
            value = [value]
        return value

    assert representable(nested(64)) == nested(64)
    with pytest.raises(NotRepresentable, match="nesting"):
        representable(nested(65))


def test_integers_that_equal_a_double_become_it() -> None:
    assert representable({"a": [10**22]}) == {"a": [1e22]}
    assert orjson.dumps(representable({"a": [10**22]})) == b'{"a":[1e+22]}'


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        ({"a": math.nan, "b": [math.inf]}, {"a": None, "b": [None]}),
        ({"a": "x\x00y", "\ud800": "\ud800"}, {"a": "x\ufffdy", "?": "?"}),
        ({"a": 10**22, "b": 2**70 + 1, "c": 10**400}, {"a": 1e22, "b": 2.0**70, "c": None}),
        ({"a": object(), "b": (1, 2), 3: 4}, {"a": None, "b": [1, 2], "3": 4}),
        ({"a": "\\u0000"}, {"a": "\\u0000"}),
    ],
)
def test_what_computing_leaves_is_stored_as_the_closest_value(value: Any, stored: Any) -> None:
    text = write_column(value)

    assert orjson.loads(text) == stored
    assert "\\u0000" not in text.replace("\\\\", "")


def test_a_column_that_cannot_be_parsed_can_be_read() -> None:
    unreadable = read_column("[" * 2_000 + "]" * 2_000)

    with pytest.raises(NotRepresentable, match="not JSON"):
        representable(unreadable)

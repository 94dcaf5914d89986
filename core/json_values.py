"""JSON values: which ones can be stored as jsonb and returned equal, and how columns read and write them.

An integer must fit into 64 bits or be a double; a fraction is a double. PostgreSQL stores no NUL character.
"""

import json
import math
import re
from decimal import Decimal
from typing import Any

import orjson

MAX_DEPTH = 64
"""Nesting of lists and objects in a value that clients send."""

MAX_ANSWER_DEPTH = 200
"""Nesting of a stored value in an answer; the encoder refuses 254 levels of the answer as a whole."""

INTEGERS = range(-(2**63), 2**64)
"""Integers that the encoder writes as such."""

LONG_NUMBER = re.compile(rb"(?:^|[\s\[,:])-?[0-9.]*[0-9](?:[0-9]{18}|[eE]\+?[0-9]{3})")
"""What orjson would round or refuse: the text has a number that needs exact parsing, or a lookalike."""

NUMBER_SHAPES = bytes.maketrans(b"123456789E", b"000000000e")
LONG_SHAPE = b"0" * 19
"""Long numbers with each digit as 0, which are found in a tenth of the time that the expression takes."""

UNREADABLE = object()
"""Stands for a stored value that is nested too deeply to be parsed."""


class NotRepresentable(ValueError):
    """The value cannot be stored and returned equal. `path` leads to the part at fault."""

    def __init__(self, reason: str, path: tuple[str | int, ...]) -> None:
        self.reason, self.path = reason, path
        place = "".join(f"[{step}]" if isinstance(step, int) else f".{step[:40]}" for step in path[:8])
        super().__init__(f"{reason} at `{place.lstrip('.')}`" if path else reason)


def parse(text: str | bytes) -> Any:
    """The value of a strict JSON text. Raises `ValueError`.

    An integer beyond 64 bits becomes a float if that equals it. Others stay integers, or infinite from 309
    digits on: `representable` refuses both.
    """
    data = text.encode() if isinstance(text, str) else text
    if not has_long_number(data):
        return orjson.loads(data)
    try:
        value = json.loads(data.decode(), parse_int=_parse_integer, parse_constant=_refuse_constant)
        json.dumps(value, ensure_ascii=False).encode()
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    return value


def has_long_number(data: bytes) -> bool:
    """Whether a JSON text may have a number that needs exact parsing."""
    shapes = data.translate(NUMBER_SHAPES)
    is_candidate = LONG_SHAPE in shapes or b"0e000" in shapes or b"0e+000" in shapes
    return is_candidate and LONG_NUMBER.search(data) is not None


def representable(value: Any, depth: int = MAX_DEPTH, *path: str | int) -> Any:
    """The value with integers beyond 64 bits as equal floats. Raises `NotRepresentable`."""
    match value:
        case None | bool():
            return value
        case str():
            return _representable_text(value, path)
        case int():
            return _representable_integer(value, path)
        case float():
            if not math.isfinite(value):
                raise NotRepresentable("a number out of range", path)
            return value
        case dict() | list() if depth <= 0:
            raise NotRepresentable("nesting that is too deep", path[:4])
        case dict():
            return {
                _representable_text(key, (*path, key)): representable(part, depth - 1, *path, key)
                for key, part in value.items()
            }
        case list():
            return [representable(part, depth - 1, *path, index) for index, part in enumerate(value)]
    raise NotRepresentable("a value that is not JSON", path)


def read_column(text: str) -> Any:
    """The value of a JSON column; `UNREADABLE` if it cannot be parsed."""
    try:
        return parse(text)
    except ValueError:
        return UNREADABLE


def write_column(value: Any) -> str:
    """A value as the text of a JSON column. What computing leaves in it and jsonb refuses is replaced."""
    try:
        text = orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)
    except TypeError:
        text = b"\\u0000"
    if b"\\u0000" in text:
        text = orjson.dumps(storable(value), option=orjson.OPT_NON_STR_KEYS)
    return text.decode()


def storable(value: Any, depth: int = MAX_ANSWER_DEPTH) -> Any:
    """The closest value that can be stored: replacement characters in texts, null for other parts."""
    match value:
        case None | bool():
            return value
        case str():
            return value.encode(errors="replace").decode().replace("\x00", "\ufffd")
        case int() | float():
            return _nearest_number(value)
        case dict() if depth > 0:
            return {storable(str(key)): storable(part, depth - 1) for key, part in value.items()}
        case list() | tuple() if depth > 0:
            return [storable(part, depth - 1) for part in value]
    return None


def _parse_integer(digits: str) -> int | float:
    if len(digits) > 309:
        return math.inf
    value = int(digits)
    return value if value in INTEGERS or not _equals_double(value) else float(value)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _representable_text(value: Any, path: tuple[str | int, ...]) -> str:
    if not isinstance(value, str):
        raise NotRepresentable("a key that is not a string", path[:-1])
    if "\x00" in value:
        raise NotRepresentable("a NUL character", path)
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise NotRepresentable("a lone surrogate", path) from None
    return value


def _representable_integer(value: int, path: tuple[str | int, ...]) -> int | float:
    if value in INTEGERS:
        return value
    if not _equals_double(value):
        raise NotRepresentable("an integer beyond 64 bits", path)
    return float(value)


def _equals_double(value: int) -> bool:
    """Whether the integer is exactly a double, or the shortest way to write one, such as 10**300."""
    try:
        double = float(value)
    except OverflowError:
        return False
    return value == int(double) or value == int(Decimal(repr(double)))


def _nearest_number(value: float) -> float | None:
    if isinstance(value, int) and value in INTEGERS:
        return value
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None

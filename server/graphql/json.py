"""Strict JSON: no NaN, no lone surrogates, no unbounded nesting, UTF-8 only."""

from json import JSONDecodeError

import orjson


def decode(text: str | bytes) -> object:
    """The value of a JSON text. Raises `json.JSONDecodeError`."""
    try:
        return orjson.loads(text)
    except (ValueError, RecursionError) as error:
        raise JSONDecodeError("Not valid JSON", "", 0) from error


def encode(value: object) -> bytes:
    """The value as compact JSON."""
    return orjson.dumps(value)

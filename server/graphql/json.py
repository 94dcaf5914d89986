"""Strict JSON: no NaN, no lone surrogates, no unbounded nesting, UTF-8 only."""

import sys
from collections.abc import Mapping
from json import JSONDecodeError
from typing import Any

import orjson
import structlog

from core.errors import ErrorCode
from core.json_values import INTEGERS, MAX_ANSWER_DEPTH, parse
from schema.framework.introspection_cache import EncodedData, fragment_of

log = structlog.get_logger(__name__)


def decode(text: str | bytes) -> object:
    """The value of a JSON text. Raises `json.JSONDecodeError`."""
    try:
        return parse(text)
    except (ValueError, RecursionError) as error:
        raise JSONDecodeError("Not valid JSON", "", 0) from error


def encode(value: object) -> bytes:
    """The value as compact JSON. A part that cannot be encoded is null, with an error beside its `data`."""
    try:
        return orjson.dumps(value, default=fragment_of)
    except TypeError as error:
        log.error("answer_not_encodable", exc_info=error)
        return orjson.dumps(encodable(value))


def encodable(value: Any, errors: list[Any] | None = None, path: tuple[str | int, ...] = ()) -> Any:
    """The value with lone surrogates replaced, long integers as digits, and null for other parts."""
    match value:
        case None | bool() | float() | orjson.Fragment():
            return value
        case EncodedData():
            return fragment_of(value)
        case str():
            return value.encode(errors="replace").decode()
        case int() if value.bit_length() < 3 * sys.get_int_max_str_digits():
            return value if value in INTEGERS else orjson.Fragment(str(value))
        case dict() if "data" in value and errors is None:
            return encodable_answer(value)
        case dict() if len(path) < MAX_ANSWER_DEPTH:
            return {encodable(str(key)): encodable(part, errors, (*path, key)) for key, part in value.items()}
        case list() | tuple() if len(path) < MAX_ANSWER_DEPTH:
            return [encodable(part, errors, (*path, index)) for index, part in enumerate(value)]
    if errors is not None:
        extensions = {"code": ErrorCode.VALUE_NOT_REPRESENTABLE.value}
        message = "The value cannot be encoded."
        errors.append({"message": message, "path": [*path][:100], "extensions": extensions})
    return None


def encodable_answer(answer: Mapping[str, Any]) -> dict[str, Any]:
    """The answer with an error for each part of its data that cannot be encoded."""
    errors: list[Any] = []
    data = encodable(answer["data"], errors)
    others = {key: encodable(part) for key, part in answer.items() if key != "data"}
    return {**others, "data": data, "errors": [*(others.get("errors") or ()), *errors]}

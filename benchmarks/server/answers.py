"""Comparison of answers: the same leaves, and the same values where both have a field."""

from base64 import b64decode
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

UNLIKE = frozenset({"status", "role", "archived"})
"""Fields whose values are of another set."""


def count_leaves(value: Any) -> int:
    """The values of an answer that are neither objects nor lists."""
    if isinstance(value, dict):
        return sum(map(count_leaves, value.values()))
    if isinstance(value, list):
        return sum(map(count_leaves, value))
    return 1


def simplify(value: Any, renamed: Mapping[str, str]) -> Any:
    """Seshat's answer in the form of the floor's.

    Connections without totals are lists, the two pages of messages are one, fields have the floor's names.
    """
    match value:
        case {"nodes": list(nodes)} if len(value) == 1:
            return [simplify(node, renamed) for node in nodes]
        case {"a": first, "b": last, **rest}:
            messages = [*simplify(first, renamed), *simplify(last, renamed)]
            return {**simplify(rest, renamed), "messages": messages}
        case list():
            return [simplify(element, renamed) for element in value]
        case dict():
            return {renamed.get(name, name): simplify(one, renamed) for name, one in value.items()}
        case _:
            return value


def differences(expected: Any, found: Any, path: str = "") -> Iterator[str]:
    """Where both have a field or an element and the values are not the same."""
    match expected, found:
        case dict(), dict():
            for name in expected.keys() & found.keys() - UNLIKE:
                yield from differences(expected[name], found[name], f"{path}.{name}")
        case list(), list():
            if len(expected) != len(found):
                yield f"{path}: {len(found)} elements, not {len(expected)}"
            for index, (left, right) in enumerate(zip(expected, found, strict=False)):
                yield from differences(left, right, f"{path}[{index}]")
        case str(), str() if path.endswith(".id"):
            if bare_id(found) != expected:
                yield f"{path}: {bare_id(found)}, not {expected}"
        case str(), str() if path.endswith("At"):
            if datetime.fromisoformat(found) != datetime.fromisoformat(expected):
                yield f"{path}: {found}, not {expected}"
        case _ if expected != found:
            yield f"{path}: {found}, not {expected}"


def bare_id(id: str) -> str:
    """The key of a global ID, or of a bare one."""
    return id if "-" in id else b64decode(id).decode().partition(":")[2]

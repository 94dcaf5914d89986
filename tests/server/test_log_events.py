"""Log events and their keys are literal snake_case names, so that they can be searched and counted."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("core", "db", "resolvers", "schema", "pipelines", "providers", "server")
LOGGERS = {"log", "logger"}
LEVELS = {"debug", "info", "warning", "error", "critical", "exception"}
SNAKE_CASE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


def log_calls() -> Iterator[tuple[str, ast.Call]]:
    """Place and syntax tree of every call that writes a log line."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(), str(path))):
                match node:
                    case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=level)) if (
                        name in LOGGERS and level in LEVELS
                    ):
                        yield f"{path.relative_to(ROOT)}:{node.lineno}", node


CALLS = dict(log_calls())


def test_the_product_writes_log_lines() -> None:
    assert len(CALLS) > 20


@pytest.mark.parametrize("place", CALLS)
def test_events_and_keys_are_snake_case(place: str) -> None:
    call = CALLS[place]
    assert len(call.args) == 1, f"{place}: pass values as keys"
    event = call.args[0]
    assert isinstance(event, ast.Constant), f"{place}: not a literal"
    assert isinstance(event.value, str), f"{place}: not text"
    assert SNAKE_CASE.fullmatch(event.value), f"{place}: {event.value}"
    for keyword in call.keywords:
        assert SNAKE_CASE.fullmatch(keyword.arg or ""), f"{place}: {keyword.arg}"
        match keyword.value:
            case ast.JoinedStr() | ast.Call(func=ast.Name(id="str" | "repr"), args=[ast.Name(id="error")]):
                pytest.fail(f"{place}: pass the value of {keyword.arg} itself, so that it is filtered")

"""The comparison notices what is different, and allows what depends on the time that resolvers take."""

from typing import Any

import pytest
from graphql import GraphQLError
from strawberry.types import ExecutionResult

from tests.schema.execution.comparison import Outcome, differences, outcome

DATA = {"a": {"b": None, "c": [1, None]}, "d": None}


def result(*errors: tuple[str, list[Any]], data: Any = DATA) -> Outcome:
    """A result with errors of these messages and paths."""
    found = [GraphQLError(message, path=path) for message, path in errors]
    return outcome(ExecutionResult(data=data, errors=found or None))


IN_B: tuple[str, list[Any]] = ("in b", ["a", "b", "x"])
IN_D: tuple[str, list[Any]] = ("in d", ["d"])


@pytest.mark.parametrize(
    "other",
    [
        {"d": None, "a": {"b": None, "c": [1, None]}},
        {"a": {"c": [1, None], "b": None}, "d": None},
        {"a": {"b": None, "c": [1.0, None]}, "d": None},
        {"a": {"b": None, "c": [True, None]}, "d": None},
        {"a": {"b": None, "c": [1]}, "d": None},
        None,
    ],
)
def test_other_data_is_noticed(other: Any) -> None:
    """Also another order of keys, and numbers of another type."""
    (difference,) = differences(result(), result(data=other))
    assert difference.startswith("data: ")


@pytest.mark.parametrize(
    "errors",
    [
        (),
        (IN_B,),
        (IN_B, ("in d!", ["d"])),
        (("in b", ["a", "b"]), IN_D),
        (IN_B, IN_D, ("more", ["a", "c", 1])),
    ],
)
def test_other_errors_are_noticed(errors: tuple[Any, ...]) -> None:
    """A missing one, another message, another path, and one too many."""
    (difference,) = differences(result(IN_B, IN_D), result(*errors), result(IN_B, IN_D).errors)
    assert difference.startswith("errors: ")


def test_another_order_is_noticed() -> None:
    """Also if the errors are the same."""
    (difference,) = differences(result(IN_B, IN_D), result(IN_D, IN_B), result(IN_B, IN_D).errors)
    assert difference.startswith("errors: ")


def test_any_possible_error_below_a_null_is_allowed() -> None:
    """But none that is not possible."""
    other: tuple[str, list[Any]] = ("other in b", ["a", "b", "y"])
    possible = result(IN_B, other, IN_D).errors
    assert differences(result(IN_B, IN_D), result(other, IN_D), possible) == []
    assert differences(result(IN_B, IN_D), result(IN_B, other, IN_D), possible) == []
    assert differences(result(IN_B, IN_D), result(IN_D), possible) != []
    (difference,) = differences(result(IN_B, IN_D), result(("else", ["a", "b", "z"]), IN_D), possible)
    assert difference.endswith("which is not possible")

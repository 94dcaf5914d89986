"""Custom scalars."""

from typing import Any, NewType

import strawberry
from graphql import GraphQLError

MAX_BIG_INT = 2**63 - 1

BigInt = NewType("BigInt", int)
"""A signed 64-bit integer."""


def parse_big_int(value: Any) -> int:
    """Parse a JSON integer, or a string of digits for clients without 64-bit integers."""
    try:
        number = int(value) if isinstance(value, str) and len(value) < 21 else value
    except ValueError:
        number = None
    if type(number) is not int or not -MAX_BIG_INT - 1 <= number <= MAX_BIG_INT:
        raise GraphQLError(f"BigInt cannot represent this value: {str(value)[:40]}")
    return number


BIG_INT = strawberry.scalar(
    name="BigInt",
    description="A signed 64-bit integer, as a JSON number. Inputs may also be strings of digits.",
    serialize=int,
    parse_value=parse_big_int,
)

"""Scalars beyond GraphQL's own."""

from typing import Any, NewType

import strawberry
from graphql import GraphQLError

LARGEST = 2**63 - 1

BigInt = NewType("BigInt", int)
"""An integer of up to 63 bits and a sign."""


def parse_big_int(value: Any) -> int:
    """From a JSON integer, or a string of digits for clients whose numbers are shorter."""
    try:
        number = int(value) if isinstance(value, str) and len(value) < 21 else value
    except ValueError:
        number = None
    if type(number) is not int or not -LARGEST - 1 <= number <= LARGEST:
        raise GraphQLError(f"BigInt cannot represent this value: {str(value)[:40]}")
    return number


BIG_INT = strawberry.scalar(
    name="BigInt",
    description="An integer of up to 63 bits and a sign: a JSON number; digits in a string are accepted too.",
    serialize=int,
    parse_value=parse_big_int,
)

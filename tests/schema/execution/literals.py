"""GraphQL literals of values."""

import json
from typing import Any


class EnumName(str):
    """The name of an enum's value: a literal without quotes."""

    __slots__ = ()


def literal(value: Any) -> str:
    """The value as a GraphQL literal."""
    match value:
        case EnumName():
            return str(value)
        case list():
            return f"[{', '.join(map(literal, value))}]"
        case dict():
            return "{" + ", ".join(f"{name}: {literal(inner)}" for name, inner in value.items()) + "}"
    return json.dumps(value)

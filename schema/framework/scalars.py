"""Custom scalars."""

from collections.abc import Mapping
from datetime import date
from typing import Any, NewType

import strawberry
from graphql import (
    FloatValueNode,
    GraphQLError,
    IntValueNode,
    ListValueNode,
    ObjectValueNode,
    Undefined,
    ValueNode,
    VariableNode,
    value_from_ast_untyped,
)
from starlette.datastructures import UploadFile
from strawberry.file_uploads import Upload
from strawberry.scalars import JSON

from core.errors import ErrorCode
from core.json_values import MAX_ANSWER_DEPTH, MAX_DEPTH, NotRepresentable, representable

MAX_BIG_INT = 2**63 - 1

BigInt = NewType("BigInt", int)
"""A signed 64-bit integer."""


class InvalidLiteral(GraphQLError):
    """A literal of the right kind with a value that its scalar cannot represent."""


def parse_big_int(value: Any) -> int:
    """Parse a JSON integer, or a string of digits for clients without 64-bit integers."""
    try:
        number = int(value) if isinstance(value, str) and len(value) < 21 else value
    except ValueError:
        number = None
    if type(number) is not int or not -MAX_BIG_INT - 1 <= number <= MAX_BIG_INT:
        raise GraphQLError(f"BigInt cannot represent this value: {excerpt(value)}")
    return number


def serialize_big_int(value: Any) -> int:
    """The integer. Raises `GraphQLError` if it does not fit."""
    number = int(value)
    if not -MAX_BIG_INT - 1 <= number <= MAX_BIG_INT:
        raise not_representable("BigInt cannot represent an integer beyond 64 bits.")
    return number


def parse_json(value: Any) -> Any:
    """A JSON value that can be stored and returned equal."""
    try:
        return representable(value, MAX_DEPTH)
    except NotRepresentable as fault:
        raise GraphQLError(f"JSON cannot represent {fault}.") from fault


def parse_json_literal(node: ValueNode, variables: Mapping[str, Any] | None = None) -> Any:
    """The JSON value of a literal, which may contain variables."""
    try:
        return parse_json(literal_value(node, variables or {}))
    except GraphQLError as error:
        raise InvalidLiteral(error.message, node) from error


def literal_value(node: ValueNode, variables: Mapping[str, Any]) -> Any:
    """The value of a literal. A variable without a value is left out of an object, and null in a list."""
    match node:
        case ObjectValueNode():
            parts = {field.name.value: literal_value(field.value, variables) for field in node.fields}
            return {name: part for name, part in parts.items() if part is not Undefined}
        case ListValueNode():
            items = [literal_value(item, variables) for item in node.values]
            return [None if item is Undefined else item for item in items]
        case VariableNode():
            return variables.get(node.name.value, Undefined)
        case IntValueNode() | FloatValueNode() if len(node.value) > 309:
            return float(node.value)
    return value_from_ast_untyped(node)


def serialize_json(value: Any) -> Any:
    """The value. Raises `GraphQLError` if it cannot be encoded, or not without changing it."""
    try:
        return representable(value, MAX_ANSWER_DEPTH)
    except NotRepresentable as fault:
        raise not_representable(f"The stored JSON value contains {fault}.") from fault


def serialize_instant(value: Any) -> Any:
    """The instant or date as it is: the encoder writes it in ISO 8601."""
    return value if isinstance(value, date) else value.isoformat()


def parse_upload(value: Any) -> UploadFile:
    """A file part of a multipart request."""
    if not isinstance(value, UploadFile):
        raise GraphQLError(f"Upload must be a file part of a multipart request: {excerpt(value)}")
    return value


def refuse_upload_literal(node: ValueNode, variables: Any = None) -> Any:
    """Literals are no files."""
    raise InvalidLiteral("Upload must be a variable with a file part of a multipart request.", node)


def not_representable(message: str) -> GraphQLError:
    """The error of a field whose value cannot be part of an answer."""
    return GraphQLError(message, extensions={"code": ErrorCode.VALUE_NOT_REPRESENTABLE.value})


def excerpt(value: Any) -> str:
    """The beginning of a value, for messages."""
    return str(value)[:40] if not isinstance(value, int) or value.bit_length() < 1000 else "a long integer"


BIG_INT = strawberry.scalar(
    name="BigInt",
    description="A signed 64-bit integer, as a JSON number. Inputs may also be strings of digits.",
    serialize=serialize_big_int,
    parse_value=parse_big_int,
)

JSON_VALUE = strawberry.scalar(
    name="JSON",
    description=(
        "A JSON value (RFC 8259). Numbers are 64-bit integers or doubles: other integers are accepted if "
        f"they equal a double. At most {MAX_DEPTH} levels of lists and objects, and no NUL characters. "
        "Values are returned equal. A stored value that is not representable is null, with an error."
    ),
    specified_by_url="https://www.rfc-editor.org/rfc/rfc8259",
    serialize=serialize_json,
    parse_value=parse_json,
    parse_literal=parse_json_literal,
)

UPLOAD = strawberry.scalar(
    name="Upload",
    description="A file part of a multipart request, passed as a variable.",
    serialize=str,
    parse_value=parse_upload,
    parse_literal=refuse_upload_literal,
)

ENCODED_SCALARS = ("DateTime", "Date")
"""Scalars whose values `serialize_instant` leaves to the encoder."""

SCALARS: dict[Any, Any] = {BigInt: BIG_INT, JSON: JSON_VALUE, Upload: UPLOAD}
"""Definitions of the contract's own scalars, and of Strawberry's with stricter values."""

"""Breaking, dangerous and safe changes between two versions of the GraphQL schema."""

from collections.abc import Iterator

from graphql import GraphQLSchema, GraphQLSyntaxError, build_schema
from graphql.utilities import BreakingChange, DangerousChange, find_schema_changes

from core.errors import InstallationError


class InvalidSchema(InstallationError):
    """The text is not a valid schema. The message is one line with the reason."""


def report(before: str, after: str) -> Iterator[str]:
    """One line per change between two schemas (SDL): breaking, dangerous and safe.

    Raises `InvalidSchema`.
    """
    found: dict[str, list[str]] = {"breaking": [], "dangerous": [], "safe": []}
    for change in find_schema_changes(parse_schema(before), parse_schema(after)):
        match change:
            case BreakingChange():
                found["breaking"].append(change.description)
            case DangerousChange():
                found["dangerous"].append(change.description)
            case _:
                found["safe"].append(change.description)
    for kind, descriptions in found.items():
        yield f"{len(descriptions)} {kind}"
        yield from (f"  {description}" for description in sorted(descriptions))


def parse_schema(contract: str) -> GraphQLSchema:
    """Parses an SDL document. Raises `InvalidSchema`."""
    try:
        return build_schema(contract)
    except (GraphQLSyntaxError, TypeError) as error:
        message = error.message if isinstance(error, GraphQLSyntaxError) else str(error)
        raise InvalidSchema(f"the schema cannot be parsed: {message.splitlines()[0]}") from error

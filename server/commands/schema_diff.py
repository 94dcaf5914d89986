"""What the contract changes for clients, from one release to the next."""

from collections.abc import Iterator

from graphql import GraphQLSchema, GraphQLSyntaxError, build_schema
from graphql.utilities import BreakingChange, DangerousChange, find_schema_changes


class NotAContract(Exception):
    """What was given is not a schema; the message is one line that says why."""


def report(before: str, after: str) -> Iterator[str]:
    """A line for each change between two contracts (SDL): the breaking ones, the dangerous, the safe.

    Raises `NotAContract`.
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
        yield from (f"  {each}" for each in sorted(descriptions))


def parse_schema(contract: str) -> GraphQLSchema:
    """The schema that an SDL describes. Raises `NotAContract`."""
    try:
        return build_schema(contract)
    except (GraphQLSyntaxError, TypeError) as error:
        said = error.message if isinstance(error, GraphQLSyntaxError) else str(error)
        raise NotAContract(f"the contract cannot be read: {said.splitlines()[0]}") from error

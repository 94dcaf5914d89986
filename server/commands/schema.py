"""The command `seshat schema`: prints the GraphQL schema, or its changes."""

import sys
from argparse import Namespace
from pathlib import Path

from core.settings import Settings
from schema.contract import make_schema
from server.commands.schema_diff import InvalidSchema, report


def run(settings: Settings, options: Namespace) -> int:
    """`seshat schema`: prints the schema or its changes."""
    schema = make_schema(sort=True).as_str()
    if options.since is None:
        print(schema)
        return 0
    try:
        before = sys.stdin.read() if options.since == "-" else Path(options.since).read_text()
    except OSError as error:
        raise InvalidSchema(f"{options.since}: {error.strerror}") from error
    print(*report(before, schema), sep="\n")
    return 0

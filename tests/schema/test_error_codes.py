"""The list of error codes is closed, and says of each code what a client does."""

import re
from pathlib import Path

from graphql import GraphQLEnumType

from core.errors import ErrorCode
from schema.contract import make_schema

ROOT = Path(__file__).parents[2]
LITERAL = re.compile(r'"code": "|Refusal\(\s*\d+,\s*"')
"""A code that is written as text instead of a member of the list."""


def test_the_contract_has_and_describes_every_code() -> None:
    kind = make_schema()._schema.type_map["ErrorCode"]

    assert isinstance(kind, GraphQLEnumType)
    assert set(kind.values) == {code.value for code in ErrorCode}
    assert all(value.description for value in kind.values.values())


def test_every_code_has_its_line_in_the_docs() -> None:
    lines = (ROOT / "docs" / "errors.md").read_text().splitlines()
    documented = [line.split("`")[1] for line in lines if re.match(r"\| `[A-Z_]+` \| \d", line)]

    assert documented == [code.value for code in ErrorCode]


def test_no_other_code_is_sent() -> None:
    folders = "core", "schema/framework", "schema/execution", "schema/records", "server"
    files = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]

    assert [str(path) for path in files if LITERAL.search(path.read_text())] == []

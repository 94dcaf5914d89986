"""Changes of the contract are told apart by what they do to clients."""

from pathlib import Path

import pytest

from core.settings import Settings
from server.cli import parser
from server.commands import schema
from server.commands.schema_diff import InvalidSchema, report

BEFORE = """
type Query { "A person." user(id: ID!): User }
type User { name: String! age: String }
enum Role { ADMIN }
"""
AFTER = """
type Query { "A person." user(id: ID!, role: Role): User }
type User { name: String! email: String }
enum Role { ADMIN USER }
"""


def test_breaking_dangerous_and_safe_changes_are_named() -> None:
    assert list(report(BEFORE, AFTER)) == [
        "1 breaking",
        "  Field User.age was removed.",
        "2 dangerous",
        "  An optional argument Query.user(role:) was added.",
        "  Enum value Role.USER was added.",
        "1 safe",
        "  Field User.email was added.",
    ]


def test_the_same_contract_has_no_changes() -> None:
    assert list(report(AFTER, AFTER)) == ["0 breaking", "0 dangerous", "0 safe"]


@pytest.mark.parametrize("broken", ["type", "type Query { user: Nobody }"])
def test_what_is_no_contract_is_refused(broken: str) -> None:
    with pytest.raises(InvalidSchema, match="the schema cannot be parsed"):
        list(report(broken, AFTER))


def test_the_command_compares_with_a_file(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = tmp_path / "before.graphql"
    before.write_text("type Query { gone: Int }")

    code = schema.run(settings, parser().parse_args(["schema", "--since", str(before)]))

    assert code == 0
    assert capsys.readouterr().out.startswith("1 breaking\n  Field Query.gone was removed.\n")


def test_the_command_refuses_what_it_cannot_read(settings: Settings, tmp_path: Path) -> None:
    missing = tmp_path / "none.graphql"

    with pytest.raises(InvalidSchema, match="No such file or directory"):
        schema.run(settings, parser().parse_args(["schema", "--since", str(missing)]))

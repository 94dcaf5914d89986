"""Changes of the contract are told apart by what they do to clients."""

import asyncio
import sys
from pathlib import Path

import pytest

from server.contract_changes import NotAContract, report

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
    with pytest.raises(NotAContract, match="the contract cannot be read"):
        list(report(broken, AFTER))


async def test_the_command_compares_with_a_file(tmp_path: Path) -> None:
    before = tmp_path / "before.graphql"
    before.write_text("type Query { gone: Int }")

    compared = await seshat("schema", "--since", str(before))
    missing = await seshat("schema", "--since", str(tmp_path / "none.graphql"))

    assert compared[0] == 0
    assert compared[1].startswith("1 breaking\n  Field Query.gone was removed.\n")
    assert missing == (1, "", f"seshat: {tmp_path / 'none.graphql'}: No such file or directory\n")


async def seshat(*arguments: str) -> tuple[int | None, str, str]:
    """Exit code, output and errors of the command."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "server", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate()
    return process.returncode, output.decode(), errors.decode()

"""The mutation test itself: which mutants it makes, and that its lists fit the code."""

from pathlib import Path

import pytest

from checks.mutations.__main__ import ROOT, read_edits, read_survivors, sample
from checks.mutations.operators import mutants
from checks.mutations.targets import TARGETS

SOURCE = '''"""A module."""

LIMIT, NAMES = 3, ("a", "b")


def cut(values: list[int], *, strict: bool = True) -> list[int]:
    """Some of the values."""
    if strict and LIMIT < len(values):
        raise ValueError(f"{LIMIT} at most")
    return [max(value, 0) for value in values[:LIMIT] if not value == 2]
'''


def test_every_part_of_the_code_is_changed_by_itself() -> None:
    found = [(mutant.place, mutant.before, mutant.after) for mutant in mutants("cut.py", SOURCE)]

    assert found == [
        ("module", "3", "4"),
        ("module", "3", "2"),
        ("module", "('a', 'b')", "('b',)"),
        ("module", "('a', 'b')", "('a',)"),
        ("cut", "True", "False"),
        ("cut", "if strict and LIMIT < len(values)", "if False"),
        ("cut", "if strict and LIMIT < len(values)", "if True"),
        ("cut", "strict and LIMIT < len(values)", "strict or LIMIT < len(values)"),
        ("cut", "strict and LIMIT < len(values)", "LIMIT < len(values)"),
        ("cut", "strict and LIMIT < len(values)", "strict"),
        ("cut", "LIMIT < len(values)", "LIMIT <= len(values)"),
        ("cut", "LIMIT < len(values)", "LIMIT >= len(values)"),
        ("cut", "raise ValueError(f'{LIMIT} at most')", "pass"),
        ("cut", "max(value, 0)", "min(value, 0)"),
        ("cut", "max(value, 0)", "max(0)"),
        ("cut", "max(value, 0)", "max(value)"),
        ("cut", "0", "1"),
        ("cut", "0", "-1"),
        ("cut", "for value in values[:LIMIT] if not value == 2", "for value in values[:LIMIT]"),
        ("cut", ":LIMIT", ":"),
        ("cut", "not value == 2", "value == 2"),
        ("cut", "value == 2", "value != 2"),
        ("cut", "2", "3"),
        ("cut", "2", "1"),
    ]


def test_a_mutant_differs_from_the_source_in_one_place() -> None:
    chosen = next(mutant for mutant in mutants("cut.py", SOURCE) if mutant.after == "LIMIT <= len(values)")

    assert (chosen.path, chosen.line) == ("cut.py", 8)
    assert chosen.key == "cut.py cut: LIMIT < len(values) => LIMIT <= len(values)"
    assert "if strict and LIMIT <= len(values):" in chosen.source
    assert "[max(value, 0) for value in values[:LIMIT] if not value == 2]" in chosen.source


def test_equal_mutants_of_a_function_are_numbered() -> None:
    found = mutants("a.py", "def f(a: int) -> int:\n    return a + 1 if a else a + 1\n")

    assert [mutant.after for mutant in found if mutant.before == "1"] == ["2", "0", "2 (2)", "0 (2)"]


def test_a_sample_does_not_change_with_the_rest_of_the_code() -> None:
    few = sample(mutants("cut.py", SOURCE), 5)
    more = sample(mutants("cut.py", f"{SOURCE}\n\ndef other(a: int) -> int:\n    return a + 1\n"), 8)

    assert len(few) == 5
    assert {mutant.key for mutant in few} <= {mutant.key for mutant in more}
    assert [mutant.line for mutant in few] == sorted(mutant.line for mutant in few)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_targets_name_files(target: object) -> None:
    for listed in (target.modules, target.pure, target.stored):  # type: ignore[attr-defined]
        for name in listed:
            assert (ROOT / name.partition("::")[0]).is_file(), name


def test_edits_fit_the_code_and_belong_to_a_target() -> None:
    modules = {module for target in TARGETS for module in target.modules}

    assert {edit.path for edit in read_edits()} <= modules


def test_listed_survivors_are_mutants_and_say_why() -> None:
    listed = read_survivors()
    known: set[str] = {edit.key for edit in read_edits()}
    for path in {name.partition(" ")[0] for name in listed}:
        known |= {mutant.key for mutant in mutants(path, Path(ROOT / path).read_text())}

    assert sorted(set(listed) - known) == []
    for entry in listed.values():
        (reason,) = {"equivalent", "accepted"} & entry.keys()
        assert len(entry[reason]) > 20

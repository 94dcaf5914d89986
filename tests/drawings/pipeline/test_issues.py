"""Issues of a drawing set: versions by file, and comparison with the last issue."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from server.demo.drawings import plan, write
from tests.drawings.pipeline import operations
from tests.drawings.pipeline.conftest import Person
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("worker")

VERSIONS = """
query ($id: ID!) {
  project(id: $id) {
    drawingVersions(orderBy: DRAWING_NAME_ASC) {
      nodes { id drawingName versionNumber drawing { id originalFilename } }
    }
    sessions(orderBy: CREATED_AT_ASC) { nodes { id name status isAutomatic sessionType } }
  }
}
"""
AUTOMATIC = """
mutation ($id: ID!) {
  projectUpdate(id: $id, input: {autoCompare: true}) {
    project { autoCompare }
    errors { code message path }
  }
}
"""
TAKE_IN = """
mutation ($new: ID!, $project: ID) {
  drawingSessionCreate(input: {newUploadId: $new, projectId: $project}) {
    session { id name sessionType }
    errors { code message path }
  }
}
"""
ACTIVITY = "{ activity(first: 100) { nodes { action metadata resourceId } } }"


@pytest.fixture
def issues(tmp_path: Path) -> Callable[[str], Path]:
    """Draws an issue of a set of two sheets: `a`, `b` and `c` differ."""

    def draw(letter: str) -> Path:
        seed, revision = {"a": (5, 0), "b": (5, 1), "c": (9, 1)}[letter]
        drawn = [plan(number, f"PLAN {number}", seed + at, changed=0.06) for at, number in enumerate(NAMES)]
        target = tmp_path / f"{letter}.pdf"
        write(drawn, revision, target)
        return target

    return draw


NAMES = ("A-101", "A-102")


async def new_project(person: Person) -> str:
    """The id of a project."""
    return str((await person.do(operations.PROJECT, name="Library"))["project"]["id"])


async def in_project(person: Person, id: str) -> Any:
    """The versions and sessions of a project."""
    return (await person.ask(VERSIONS, id=id))["project"]


def version_rows(found: Any) -> list[tuple[str, int, str | None]]:
    """Name, number and file of each version."""
    return [
        (row["drawingName"], row["versionNumber"], row["drawing"] and row["drawing"]["originalFilename"])
        for row in found["drawingVersions"]["nodes"]
    ]


async def test_three_issues_are_three_versions_and_outlive_their_sessions(
    person: Person, issues: Callable[[str], Path]
) -> None:
    project = await new_project(person)
    first = await person.begin(issues("a"), issues("b"), project)
    await person.completed(first)
    second = await person.begin(issues("b"), issues("c"), project)
    session = await person.completed(second)

    files = ["a.pdf", "b.pdf", "c.pdf"]
    every = [(name, number, files[number - 1]) for name in NAMES for number in (1, 2, 3)]
    assert version_rows(await in_project(person, project)) == every
    shown = [
        (page["drawingType"], [version["versionNumber"] for version in page["versions"]["nodes"]])
        for page in session["drawings"]["nodes"]
    ]
    assert shown == [("OLD", [2]), ("OLD", [2]), ("NEW", [3]), ("NEW", [3])]

    await person.do(operations.DELETE, id=first)
    found = await in_project(person, project)
    assert version_rows(found) == [
        (name, number, None if number == 1 else file) for name, number, file in every
    ]
    ids = [row["id"] for row in found["drawingVersions"]["nodes"]]
    await person.do(operations.DELETE, id=second)
    assert version_rows(await in_project(person, project)) == [
        (name, number, None) for name, number, _ in every
    ]

    third = await person.begin(issues("a"), issues("c"), project)
    await person.completed(third)
    found = await in_project(person, project)
    assert [row["id"] for row in found["drawingVersions"]["nodes"]] == ids


async def take_in(person: Person, file: Path, project: str) -> str:
    """The id of a session that has taken in an issue."""
    upload = await person.upload(file)
    made = (await person.do(TAKE_IN, new=upload, project=project))["session"]
    assert (made["name"], made["sessionType"]) == (file.name, "UPLOAD")
    await person.start(made["id"])
    assert (await person.completed(made["id"]))["progress"] == 100
    return str(made["id"])


async def test_a_new_issue_is_compared_with_the_last_one(
    person: Person, issues: Callable[[str], Path]
) -> None:
    project = await new_project(person)
    assert (await person.do(AUTOMATIC, id=project))["project"] == {"autoCompare": True}
    await take_in(person, issues("a"), project)
    await take_in(person, issues("a"), project)
    await take_in(person, issues("b"), project)

    found = await until(
        person.instance.listener,
        lambda: in_project(person, project),
        lambda now: [each["status"] for each in now["sessions"]["nodes"]] == ["COMPLETED"] * 4,
        60,
    )

    automatic = [each for each in found["sessions"]["nodes"] if each["isAutomatic"]]
    (made,) = automatic
    assert (made["name"], made["sessionType"]) == ("a.pdf → b.pdf", "COMPARISON")
    session = await person.completed(made["id"])
    assert session["comparisonCounts"] == [{"changesDetected": True, "total": 2}]
    assert [number for _, number, _ in version_rows(found)] == [1, 2, 1, 2]
    activity = (await person.ask(ACTIVITY))["activity"]["nodes"]
    (summary,) = [each["metadata"] for each in activity if each["action"] == "DRAWING_SET_SUMMARY"]
    changes = sum(len(each["changes"]) for each in session["comparisons"]["nodes"])
    assert summary == {
        "name": "a.pdf → b.pdf",
        "comparisons": 2,
        "changed": 2,
        "changes": changes,
        "failed": 0,
        "lowConfidence": 0,
        "onlyInOld": 0,
        "onlyInNew": 0,
    }

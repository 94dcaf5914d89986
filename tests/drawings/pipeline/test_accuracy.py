"""At the resolution that people get: what is found is what was drawn, and is told in words."""

from pathlib import Path

from tests.drawings.pipeline.conftest import Instance, Person
from tests.drawings.pipeline.sample_drawings import expected_boxes, sheets

DPI = 300
NUMBERS = ("A-101", "A-102")


async def test_the_changes_found_are_the_edits_drawn(
    person: Person, instance: Instance, tmp_path: Path
) -> None:
    old, new = sheets(tmp_path / "a.pdf", 0, *NUMBERS), sheets(tmp_path / "b.pdf", 1, *NUMBERS)

    async with instance.working(drawing_dpi=DPI):
        session = await person.completed(await person.begin(old, new))

    found = {each["drawingName"]: each for each in session["comparisons"]["nodes"]}
    assert list(found) == list(NUMBERS)
    for number, boxes in expected_boxes(NUMBERS, dpi=DPI).items():
        comparison = found[number]
        changes = comparison["changes"]
        assert comparison["alignmentScore"] >= 0.9
        assert (comparison["lowConfidence"], comparison["changesDetected"]) == (False, True)
        assert [box for box in boxes if not any(meets(box, change["box"]) for change in changes)] == []
        assert [change for change in changes if not any(meets(box, change["box"]) for box in boxes)] == []
        assert len(boxes) >= 0.8 * len(changes)
        assert "A" in comparison["words"]["removed"]
        assert "B" in comparison["words"]["added"]
        (analysis,) = comparison["analysisResults"]["nodes"]
        assert (analysis["success"], analysis["drawingName"]) == (True, number)
        assert analysis["aiModelUsed"] == "seshat-measured/2"
        assert sorted(analysis["changesFound"]) == sorted(change["description"] for change in changes)
        assert analysis["analysisSummary"].startswith(f"{number}: {len(changes)} changes (")


def meets(drawn: tuple[float, ...], found: dict[str, int]) -> bool:
    """Whether a found box touches a drawn one."""
    left, top, right, bottom = drawn
    across = found["x"] < right and left < found["x"] + found["width"]
    return across and found["y"] < bottom and top < found["y"] + found["height"]

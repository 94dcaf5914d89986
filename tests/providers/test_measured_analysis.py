from dataclasses import replace

from core.ports import Evidence, Movement, Size
from providers.vision import MeasuredAnalyser

MEASURES = {"score": 0.98, "confident": True, "change_ratio": 0.042, "width": 5100, "height": 3300}


def an_evidence(
    kind: str = "modified",
    *,
    area: int = 500,
    box: tuple[int, int, int, int] = (10, 20, 60, 40),
    removed: tuple[str, ...] = (),
    added: tuple[str, ...] = (),
) -> Evidence:
    return Evidence(kind, box, area, "upper left, near grid C/4", removed, added)


async def test_each_change_is_aspect_action_detail_and_location() -> None:
    evidence = [
        an_evidence(removed=("STORE",), added=("OFFICE",)),
        an_evidence("added", area=900, added=("DOOR", "12")),
        an_evidence("removed", area=700),
        an_evidence("fill", area=800),
        an_evidence(area=100, removed=("A-101",), added=("A-101",)),
    ]

    analysis = await MeasuredAnalyser().analyse("A-101", evidence, MEASURES, None)

    place = "(upper left, near grid C/4)"
    assert analysis.model == "seshat-measured/2"
    assert analysis.descriptions == (
        f'Text modified: "STORE" becomes "OFFICE" {place}',
        f'Text added: "DOOR 12" is new {place}',
        f"Linework removed: 700 pixels of ink in an area of 60 x 40 pixels {place}",
        f"Area fill or hatch changed: 800 pixels of ink in an area of 60 x 40 pixels {place}",
        f'Text modified: "A-101" has moved {place}',
    )
    assert analysis.changes == tuple(analysis.descriptions[index] for index in (1, 3, 2, 0, 4))
    assert analysis.summary.startswith(
        "A-101: 5 changes (1 added, 1 fill or hatch changed, 2 modified, 1 removed, 4.2% of the ink)."
    )
    assert analysis.recommendations == ()


async def test_safety_makes_a_change_critical_before_size_does() -> None:
    large = an_evidence("added", area=90_000, box=(0, 0, 2000, 1500))
    exit_gone = an_evidence("removed", removed=("EXIT,",))

    by_words = await MeasuredAnalyser().analyse("A-101", [large, exit_gone], MEASURES, None)
    by_size = await MeasuredAnalyser().analyse("A-101", [large], MEASURES, None)
    neither = await MeasuredAnalyser().analyse("A-101", [an_evidence()], MEASURES, None)

    assert by_words.critical_change == (
        'Concerns fire safety ("EXIT"). Text removed: "EXIT," is gone (upper left, near grid C/4)'
    )
    assert by_words.recommendations == (
        'Have the fire protection engineer check: "EXIT," is gone (upper left, near grid C/4).',
    )
    assert by_size.critical_change is not None
    assert by_size.critical_change.startswith("Covers 18% of the sheet. Linework added")
    assert neither.critical_change is None


async def test_sizes_movements_and_names_are_said_with_before_and_after() -> None:
    size = Size(1.5, 0.8, 1.2, "m")
    evidence = [
        replace(
            an_evidence("moved"), moved_by=Movement(0.85, "m", "to the left"), old_room="LOBBY 103", size=size
        ),
        replace(an_evidence("resized"), old_size=Size(1.2, 0.8, 0.96, "m"), size=size),
        replace(an_evidence("added"), size=Size(12, 0.5, 6, "mm on paper")),
        replace(an_evidence("removed"), size=Size(12.5, 8, 100, "ft")),
        an_evidence("renamed", removed=("STORE",), added=("OFFICE",)),
        replace(an_evidence(removed=("2",), added=("3",)), before="2 COATS", after="3 COATS"),
    ]

    analysis = await MeasuredAnalyser().analyse(
        "A-101", evidence, {**MEASURES, "size_note": "No scale."}, None
    )

    place_text = "(upper left, near grid C/4)"
    assert analysis.descriptions == (
        f"Linework moved: an object has moved 0.85 m to the left, from LOBBY 103 {place_text}",
        f"Linework resized: 1.20 x 0.80 m (1.0 m\u00b2) becomes 1.50 x 0.80 m (1.2 m\u00b2) {place_text}",
        f"Linework added: 12 mm on paper long {place_text}",
        f"Linework removed: 12.50 x 8.00 ft (100.0 ft\u00b2) {place_text}",
        f'Text renamed: "STORE" becomes "OFFICE" {place_text}',
        f'Text modified: "2" becomes "3" in "3 COATS" {place_text}',
    )
    assert analysis.summary.endswith(" No scale.")
    assert analysis.recommendations == (
        f'Look for "STORE" in schedules and on other sheets: here it is "OFFICE" now {place_text}.',
    )


async def test_no_changes_and_no_confidence_are_said() -> None:
    nothing = await MeasuredAnalyser().analyse("A-101", [], MEASURES, None)
    doubtful = await MeasuredAnalyser().analyse("A-101", [], {"score": 0.21, "confident": False}, None)

    assert (nothing.summary, nothing.recommendations) == ("A-101: no changes found.", ())
    assert doubtful.summary == (
        "A-101: the two sheets could not be aligned with confidence (score 0.21); no changes are listed."
    )
    assert doubtful.recommendations == (
        "Check that both files show the same sheet, and compare the overlay by eye.",
    )


async def test_long_lists_of_words_are_cut() -> None:
    words = tuple(f"W{n}" for n in range(30))

    (description,) = (
        await MeasuredAnalyser().analyse("A-101", [an_evidence("added", added=words)], MEASURES, None)
    ).descriptions

    assert '"W0 W1 W2 W3 W4 W5 W6 W7 W8 W9 W10 W11" and 18 more words is new' in description

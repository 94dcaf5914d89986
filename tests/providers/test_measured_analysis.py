from core.ports import Evidence
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
    assert analysis.model == "seshat-measured/1"
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
    assert len(analysis.recommendations) == 3


async def test_safety_makes_a_change_critical_before_size_does() -> None:
    large = an_evidence("added", area=90_000, box=(0, 0, 2000, 1500))
    exit_gone = an_evidence("removed", removed=("EXIT,",))

    by_words = await MeasuredAnalyser().analyse("A-101", [large, exit_gone], MEASURES, None)
    by_size = await MeasuredAnalyser().analyse("A-101", [large], MEASURES, None)
    neither = await MeasuredAnalyser().analyse("A-101", [an_evidence()], MEASURES, None)

    assert by_words.critical_change == (
        'Concerns fire safety. Text removed: "EXIT," is gone (upper left, near grid C/4)'
    )
    assert by_words.recommendations[0].startswith("Have the changes that concern fire safety checked")
    assert by_size.critical_change is not None
    assert by_size.critical_change.startswith("Covers 18% of the sheet. Linework added")
    assert neither.critical_change is None


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

"""Wordings that are in no template, for the synthetic session. Written before the patterns."""

from benchmarks.session_questions import Case

ALL = "All sheets"
UNPAIRED = "Sheets without a counterpart"
CHANGED = ("A-101 (4", "A-102 (3", "A-104 (8", "(6 changes)", "E-1.02 (9", "Sheet_09 (7")


def case(text: str, cited: str | tuple[str, ...], *required: str, verdict: str | None = None) -> Case:
    sheets = frozenset((cited,) if isinstance(cited, str) else cited)
    return Case(
        text, "wording", required, sheets, verdict, mentioned=frozenset(ANY if sheets & ROOMY else ())
    )


ROOMY = frozenset({ALL, UNPAIRED})
ANY: tuple[str, ...] = (
    "A-101",
    "A-102",
    "A-103",
    "A-104",
    "A-105",
    "A-106",
    "A-107",
    "A-401",
    "S-201",
    "S-202",
    "M-301",
)
ANY += ("E-1.02", "Sheet_09", "P-501")

WORDINGS = (
    case("whats different on a 101", "A-101", "4 changes", "LOUNGE-13b"),
    case("Give me a list of all modifications of drawing A-104", "A-104", "8 changes", "KITCHEN-40b"),
    case("Anything new on S-201?", "S-201", "no"),
    case("A106: what's new?", "A-106", "LOBBY-52b"),
    case("please show me the changes for SHEET 9", "Sheet_09", "7 changes", "ARCHIVE-100b"),
    case("Tell me the number of changes on e1.02", "E-1.02", "9 changes"),
    case("what got deleted from A 102", "A-102", "1 removal", "OFFICE-22a"),
    case("What has been taken out of plan A-106?", "A-106", "3 removals", "PANTRY-51a"),
    case("Has anything changed on A-103?", "A-103", verdict="No"),
    case("Did A-104 change at all?", "A-104", verdict="Yes"),
    case("In which areas of A-101 are there changes?", "A-101", "lower right, near grid E/12"),
    case("can I trust the result for S-202?", "S-202", "LOW", "0.41"),
    case("How well do the two versions of A-102 line up?", "A-102", "0.81"),
    case("Which sheets have changed?", ALL, *CHANGED),
    case("list the sheets without changes", ALL, "A-103", "S-201"),
    case("Which drawings stayed the same?", ALL, "A-103", "S-201"),
    case("How many sheets were changed?", ALL, "6 of"),
    case("how many drawings are there in total", ALL, "13"),
    case("Which sheet has the largest number of changes?", "E-1.02", "9 changes"),
    case("Where did the most change?", "E-1.02", "9 changes"),
    case("Which sheet has the fewest changes?", "A-102", "3 changes"),
    case("Which sheet had the most things removed?", "A-106", "3 removals"),
    case("Which sheets are new?", UNPAIRED, "A-401"),
    case("Which sheets have been dropped?", UNPAIRED, "A-107", "P-501"),
    case("Are there sheets that could not be compared?", ALL, "M-301", verdict="Yes"),
    case("Which comparisons have low confidence?", ALL, "S-202"),
    case("Is P-501 still in the new set?", "P-501", "only in the old set", verdict="No"),
    case("Was A-401 added?", "A-401", "only in the new set", verdict="Yes"),
    case("What is the biggest change on A-102?", "A-102", "OFFICE-22a"),
    case('On which sheet does "KITCHEN-92b" appear?', "E-1.02", "KITCHEN-92b"),
    case("What happened to OFFICE-54a?", "A-106", "STUDIO-54b"),
    case("Was STORE-105a removed?", "Sheet_09", "STORE-105a", verdict="Yes"),
    case("How many changes in total?", ALL, "37 changes"),
    case("What changed overall?", ALL, *CHANGED),
    case("What changed on A-999?", (), "no sheet"),
    case("Is there a drawing called B-12?", (), "no sheet"),
    case("How many additions does page 77 have?", (), "no sheet"),
    case("Welche Pläne haben sich geändert?", ALL, *CHANGED),
    case("Welche Blätter sind gleich geblieben?", ALL, "A-103", "S-201"),
    case("Auf welchem Blatt hat sich am meisten geändert?", "E-1.02", "9 changes"),
    case("Welcher Plan hat die wenigsten Änderungen?", "A-102", "3 changes"),
    case("Welche Blätter sind neu dazugekommen?", UNPAIRED, "A-401"),
    case("Welche Pläne fehlen im neuen Satz?", UNPAIRED, "A-107", "P-501"),
    case("Wie viele Blätter gibt es insgesamt?", ALL, "13"),
    case("Was ist auf Plan A104 weggefallen?", "A-104", "1 removal", "STUDIO-46a"),
    case("Was kam auf Blatt 9 dazu?", "Sheet_09", "3 additions", "ARCHIVE-100b"),
    case("Zeig mir die Änderungen von Blatt Nr. 9", "Sheet_09", "7 changes"),
    case("Gibt es Unterschiede auf a-103?", "A-103", verdict="No"),
    case("Hat sich auf Blatt S201 irgendetwas verändert?", "S-201", verdict="No"),
    case("An welchen Stellen wurde A 101 geändert?", "A-101", "lower right, near grid E/12"),
    case("Wie gut passen die beiden Stände von A-102 aufeinander?", "A-102", "0.81"),
    case("Kann ich dem Vergleich von S 202 trauen?", "S-202", "LOW"),
    case("Welche Blätter konnten nicht verglichen werden?", ALL, "M-301"),
    case("Wie viele Blätter sind unverändert?", ALL, "2 of"),
    case("Was steht jetzt statt LOUNGE-43a auf A-104?", "A-104", "LOUNGE-43b"),
    case("Gibt es einen Plan B-12?", (), "no sheet"),
    case("Was hat sich auf Seite 4 geändert?", (), "A-401", "A-104"),
    case("What changed on A-105?", "A-106", "6 changes"),
    case("Show the differences of A-101 and A-102", ("A-101", "A-102"), "4 changes", "3 changes"),
    case("Number of sheets that are only in the old set?", UNPAIRED, "2"),
)
"""Questions that the rows answer."""

OTHERS = (
    "What is the minimum credit score?",
    "What should we confirm on A-101?",
    "Who signed off the lobby?",
    "What does the contract say about changes?",
    "How many changes does the contract allow?",
    "Wie hoch ist die Miete der Halle?",
    "Which sheet describes the fire strategy?",
    "Why was the wall moved?",
)
"""Questions that are left to the passages."""

"""Wordings that are in no template, for the synthetic session. Written before the patterns."""

from benchmarks.drawings.session_questions import Case

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

FURTHER = (
    case("Could you summarise what is different on sheet A-102 for me?", "A-102", "3 changes"),
    case("I need to know everything that was altered on A104", "A-104", "8 changes"),
    case("Compare old and new of A-101", "A-101", "4 changes"),
    case("sheet 9 changes?", "Sheet_09", "7 changes"),
    case("changes a106", "A-106", "6 changes"),
    case("how many deletions on plan A-106", "A-106", "3 removals"),
    case("Count the additions on Sheet_09.", "Sheet_09", "3 additions"),
    case("How many fills or hatches changed on E-1.02?", "E-1.02", "5 changes of fill"),
    case("Were there any removals on A-104?", "A-104", "1 removal", verdict="Yes"),
    case("Is there anything added on A-101?", "A-101", "no additions", verdict="No"),
    case("Is A-103 identical in both sets?", "A-103", verdict="Yes"),
    case("Does A-101 look the same as before?", "A-101", verdict="No"),
    case("A-103 has no differences, right?", "A-103", "no changes"),
    case("Where on A-106 was something removed?", "A-106", "lower left, near grid E/4"),
    case("Whereabouts is KITCHEN-40b?", "A-104", "near grid G/2"),
    case("What is the alignment score of sheet 9?", "Sheet_09", "0.81"),
    case("Is the comparison of A-102 trustworthy?", "A-102", "0.81", verdict="Yes"),
    case("Why is nothing listed for S-202?", "S-202", "cannot be listed"),
    case("Did the comparison of M-301 fail?", "M-301", "could not be compared", verdict="Yes"),
    case("What is wrong with M301?", "M-301", "could not be compared"),
    case("Which plans have no counterpart?", UNPAIRED, "A-401", "A-107", "P-501"),
    case("Which drawings exist only in the new revision?", UNPAIRED, "A-401"),
    case("Which sheets were removed from the set?", UNPAIRED, "A-107", "P-501"),
    case("Were any sheets added?", UNPAIRED, "A-401", verdict="Yes"),
    case("Which sheets have additions?", ALL, "A-104", "A-106", "E-1.02", "Sheet_09"),
    case("On which sheets was something removed?", ALL, "A-101", "A-102", "A-104", "A-106", "Sheet_09"),
    case("Which sheet has more changes: A-104 or E-1.02?", ("A-104", "E-1.02"), "8 changes", "9 changes"),
    case("Which sheets got a new number?", ALL, "A-105", "A-106"),
    case("Top sheet by number of changes?", "E-1.02", "9 changes"),
    case("Name the sheet with the least changes", "A-102", "3 changes"),
    case("What was OFFICE-54a replaced by?", "A-106", "STUDIO-54b"),
    case('Does the word "LOUNGE-44b" occur on A-104?', "A-104", "LOUNGE-44b", verdict="Yes"),
    case("What changed on sheet A-01?", (), "no sheet"),
    case("How does plan Z-900 look now?", (), "no sheet"),
    case("Differences between the two versions of sheet S 201?", "S-201", "no changes"),
    case("Fasse die Änderungen auf A-102 zusammen", "A-102", "3 changes"),
    case("Was ist anders auf Zeichnung A 101?", "A-101", "4 changes"),
    case("Wurde auf A-104 etwas gelöscht?", "A-104", "1 removal", verdict="Yes"),
    case("Ist auf Plan S-201 alles beim Alten geblieben?", "S-201", verdict="Yes"),
    case("Wie viele Löschungen hat A106?", "A-106", "3 removals"),
    case("Welche Pläne sind entfallen?", UNPAIRED, "A-107", "P-501"),
    case("Gibt es neue Blätter?", UNPAIRED, "A-401", verdict="Yes"),
    case("Auf welchen Blättern wurde etwas hinzugefügt?", ALL, "A-104", "A-106", "E-1.02", "Sheet_09"),
    case("Welches Blatt wurde am stärksten geändert?", "E-1.02", "9 changes"),
    case("Wie hoch ist der Ausrichtungswert von Blatt 9?", "Sheet_09", "0.81"),
    case("Ist der Vergleich von S-202 verlässlich?", "S-202", "LOW", verdict="No"),
    case("Wodurch wurde OFFICE-54a ersetzt?", "A-106", "STUDIO-54b"),
    case("Wo auf A-106 wurde etwas entfernt?", "A-106", "lower left, near grid E/4"),
    case("Hat M-301 funktioniert?", "M-301", "could not be compared"),
    case("Kommt P-501 im neuen Satz noch vor?", "P-501", "only in the old set", verdict="No"),
)
"""Held out: written after the patterns, in other words than theirs."""

REAL = (
    case("What's new on sheet 3?", "Sheet_03", "1 addition", "GND_OSC0"),
    case("sheet 2: what was removed", "Sheet_02", "1 removal", "0,DNI"),
    case("Which sheet changed the most?", "Sheet_03", "5 changes"),
    case("Was hat sich auf Blatt 6 verändert?", "Sheet_06", "2 changes"),
    case("How many changes on page 11?", "Sheet_11", "2 changes"),
    case("What became of XAM3359AZCZ100 on sheet 4?", "Sheet_04", "AM3358BZCZ100"),
    case("Where does GND_OSC0 appear?", "Sheet_03", "GND_OSC0"),
    case("What happened on sheet 12?", (), "no sheet"),
    case("Are there changes on Sheet_09?", "Sheet_09", "2 changes", verdict="Yes"),
    case("Is sheet 7 unchanged?", "Sheet_07", verdict="No"),
    case("Welche Blätter sind unverändert?", ALL, "none of 11"),
    case("Number of changed sheets?", ALL, "11 of 11"),
    case("Which sheets are only in the new set?", UNPAIRED, "no sheet"),
    case("How well is sheet 1 aligned?", "Sheet_01", "0.88"),
    case("What replaced 1uF,10V on sheet 3?", "Sheet_03", "2.2uF,10V"),
    case("Was steht auf Seite 5 statt 0.1uf,6.3V?", "Sheet_05", "1uF,10V"),
    case("Was R30 added on sheet 3?", "Sheet_03", "R30", verdict="Yes"),
    case("Give me the changes on the last sheet", "Sheet_11", "2 changes"),
)
"""Held out, about the published set."""

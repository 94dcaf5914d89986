"""Rule-based drawing analysis, from measurements and recognized text only."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from core.ports import Analysis, DrawingImages, Evidence

ACTIONS = {
    "added": "added",
    "removed": "removed",
    "modified": "modified",
    "fill": "fill or hatch changed",
    "recoloured": "recoloured",
    "line_weight": "drawn in other weights",
}

MAX_LISTED_WORDS = 12
MAX_LISTED_CHANGES = 3

CRITICAL_SHARE = 0.02
"""Share of the sheet from which a change is critical regardless of its text."""

CRITICAL_WORDS = {
    "structure": ("BEAM", "COLUMN", "FOOTING", "SLAB", "LOAD", "BEARING", "REBAR", "SHEAR", "TRUSS"),
    "fire safety": ("FIRE", "EXIT", "EGRESS", "RATED", "SPRINKLER", "STAIR", "ALARM"),
    "accessibility": ("ADA", "RAMP", "ACCESSIBLE"),
}
"""Words that make a change critical, by subject."""


class MeasuredAnalyser:
    """Describes changes in sentences of the form aspect, action, detail, location, without a model.

    The critical change is the largest that mentions structure, fire safety or accessibility, else the
    largest that covers `CRITICAL_SHARE` of the sheet, else none.
    """

    model = "seshat-measured/1"
    uses_images = False

    async def analyse(
        self,
        drawing_name: str,
        evidence: Sequence[Evidence],
        measures: Mapping[str, Any],
        pictures: DrawingImages | None,
    ) -> Analysis:
        """`measures` may contain `score`, `confident`, `change_ratio`, `width` and `height` (in pixels)."""
        descriptions = tuple(sentence(change) for change in evidence)
        changes = tuple(line for line, _ in sorted(zip(descriptions, evidence, strict=True), key=by_size))
        area = float(measures.get("width", 0)) * float(measures.get("height", 0))
        confident = bool(measures.get("confident", True))
        return Analysis(
            model=self.model,
            changes=changes,
            descriptions=descriptions,
            critical_change=critical(evidence, area),
            summary=summary(drawing_name, evidence, measures, confident, changes),
            recommendations=recommendations(evidence, confident),
        )


def by_size(described: tuple[str, Evidence]) -> tuple[int, tuple[int, int, int, int]]:
    return -described[1].area, described[1].box


def sentence(change: Evidence) -> str:
    """Such as `Text modified: "STORE 104" becomes "OFFICE 104" (upper left, near grid C/4)`."""
    removed, added = quote(change.words_removed), quote(change.words_added)
    if removed and removed == added:
        detail = f"{removed} has moved"
    elif removed and added:
        detail = f"{removed} becomes {added}"
    elif removed:
        detail = f"{removed} is gone"
    elif added:
        detail = f"{added} is new"
    else:
        width, height = change.box[2:]
        detail = f"{change.area:,} pixels of ink in an area of {width:,} x {height:,} pixels"
    return f"{aspect(change)} {ACTIONS.get(change.kind, change.kind)}: {detail} ({change.location})"


def quote(words: Sequence[str]) -> str:
    """The first words in quotation marks, and the number of further ones; empty for none."""
    if not words:
        return ""
    more = len(words) - MAX_LISTED_WORDS
    return f'"{" ".join(words[:MAX_LISTED_WORDS])}"' + (f" and {more} more words" if more > 0 else "")


def aspect(change: Evidence) -> str:
    """What the region shows: area, text or linework."""
    if change.kind == "fill":
        return "Area"
    return "Text" if change.words_removed or change.words_added else "Linework"


def safety_subject(change: Evidence) -> str | None:
    """The safety subject that the words of a change mention, or None."""
    words_of_change = {word.strip(".,:;()").upper() for word in (*change.words_removed, *change.words_added)}
    return next(
        (subject for subject, words in CRITICAL_WORDS.items() if words_of_change.intersection(words)), None
    )


def critical(evidence: Sequence[Evidence], area: float) -> str | None:
    ordered = sorted(evidence, key=lambda change: by_size(("", change)))
    for change in ordered:
        if subject := safety_subject(change):
            return f"Concerns {subject}. {sentence(change)}"
    for change in ordered:
        share = change.box[2] * change.box[3] / area if area else 0.0
        if share >= CRITICAL_SHARE:
            return f"Covers {share:.0%} of the sheet. {sentence(change)}"
    return None


def summary(
    name: str,
    evidence: Sequence[Evidence],
    measures: Mapping[str, Any],
    confident: bool,
    changes: Sequence[str],
) -> str:
    if not confident:
        return (
            f"{name}: the two sheets could not be aligned with confidence "
            f"(score {float(measures.get('score', 0)):.2f}); no changes are listed."
        )
    if not evidence:
        return f"{name}: no changes found."
    counts = Counter(change.kind for change in evidence)
    kinds = ", ".join(f"{counts[kind]} {ACTIONS.get(kind, kind)}" for kind in sorted(counts))
    ratio = measures.get("change_ratio")
    share = f", {float(ratio):.1%} of the ink" if ratio is not None else ""
    plural = "change" if len(evidence) == 1 else "changes"
    return f"{name}: {len(evidence)} {plural} ({kinds}{share}). " + " ".join(
        f"{line}." for line in changes[:MAX_LISTED_CHANGES]
    )


def recommendations(evidence: Sequence[Evidence], confident: bool) -> tuple[str, ...]:
    """Recommended actions, most urgent first."""
    if not confident:
        return ("Check that both files show the same sheet, and compare the overlay by eye.",)
    advice = [
        f"Have the changes that concern {subject} checked by whoever is responsible for it."
        for subject in CRITICAL_WORDS
        if any(safety_subject(change) == subject for change in evidence)
    ]
    if any(change.words_removed or change.words_added for change in evidence):
        advice.append("Carry changed names, numbers and dimensions into schedules and related sheets.")
    if any(change.kind == "removed" for change in evidence):
        advice.append("Confirm that what was removed was removed on purpose.")
    if any(change.kind == "fill" for change in evidence):
        advice.append("Check the legend: a changed hatch or fill may mean another material or use.")
    return tuple(advice)

"""Rule-based drawing analysis, from measurements and recognized text only."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from core.ports import Analysis, DrawingImages, Evidence
from providers.vision.critical_rules import find_critical
from providers.vision.wording import ACTIONS, detail, quote, sentence

MAX_LISTED_CHANGES = 3
MAX_RECOMMENDATIONS = 6

CRITICAL_SHARE = 0.02
"""Share of the sheet from which a change is critical regardless of its text."""

REVIEWERS = {
    "fire safety": "the fire protection engineer",
    "structure": "the structural engineer",
    "accessibility": "whoever checks accessibility",
    "electricity": "the electrical engineer",
    "gas": "the mechanical engineer",
    "hazardous material": "whoever is responsible for hazardous materials",
    "fall protection": "whoever checks guards and railings",
}
"""Who checks critical changes, by subject."""


class MeasuredAnalyser:
    """Describes changes in sentences of the form aspect, action, detail, location, without a model.

    The critical change is the largest whose words concern safety by `critical_rules`, else the largest that
    covers `CRITICAL_SHARE` of the sheet, else none. Recommendations name the change that they are about.
    """

    model = "seshat-measured/2"
    uses_images = False

    async def analyse(
        self,
        drawing_name: str,
        evidence: Sequence[Evidence],
        measures: Mapping[str, Any],
        pictures: DrawingImages | None,
    ) -> Analysis:
        """`measures` may contain `score`, `confident`, `change_ratio`, `size_note`, `width` and `height`."""
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


def critical(evidence: Sequence[Evidence], area: float) -> str | None:
    ordered = sorted(evidence, key=lambda change: by_size(("", change)))
    for change in ordered:
        if finding := find_critical(change):
            return f'Concerns {finding.subject} ("{finding.words}"). {sentence(change)}'
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
    note = f" {measures['size_note']}" if measures.get("size_note") else ""
    listed = " ".join(f"{line}." for line in changes[:MAX_LISTED_CHANGES])
    return f"{name}: {len(evidence)} {plural} ({kinds}{share}). {listed}{note}"


def recommendations(evidence: Sequence[Evidence], confident: bool) -> tuple[str, ...]:
    """What to do about single changes, most urgent first; nothing for changes that ask for nothing."""
    if not confident:
        return ("Check that both files show the same sheet, and compare the overlay by eye.",)
    ordered = sorted(evidence, key=lambda change: by_size(("", change)))
    advice = [*critical_advice(ordered), *naming_advice(ordered)]
    return tuple(dict.fromkeys(advice))[:MAX_RECOMMENDATIONS]


def critical_advice(evidence: Sequence[Evidence]) -> Iterator[str]:
    for change in evidence:
        if finding := find_critical(change):
            yield f"Have {REVIEWERS[finding.subject]} check: {detail(change)} ({change.location})."


def naming_advice(evidence: Sequence[Evidence]) -> Iterator[str]:
    for change in evidence:
        if change.kind == "renamed" and not find_critical(change):
            old, new = quote(change.words_removed), quote(change.words_added)
            place = change.location
            yield f"Look for {old} in schedules and on other sheets: here it is {new} now ({place})."

"""Classification of a component by rules over the measurements of its design."""

from pipelines.requirements.design_analysis import Box, Design, Mark

MAX_CONFIDENCE, MIN_CONFIDENCE = 0.58, 0.3
"""Bounds of the confidence. Of 45 rendered components of common libraries, the rules know 26."""
SQUARE_ASPECT = (0.8, 1.25)
MAX_DISC_ROUNDNESS = 0.86
"""A disc covers 0.785 of its box, a square with round corners more than 0.9."""

MIN_MESSAGE_LENGTH = 20
"""Characters from which a text is more than a label."""

RuleMatch = tuple[float, str]
"""How well a rule matches, from 0 to 1, and the observation."""


def classify_design(design: Design) -> tuple[str, float, str]:
    """The type whose rule matches best, the confidence, and the rationale."""
    guesses = {
        "checkbox": checkbox(design),
        "radio": radio(design),
        "switch": switch(design),
        "tabs": tabs(design),
        "select": select(design),
        "alert": alert(design),
        "card": card(design),
        "input": text_input(design),
        "badge": badge(design),
        "button": button(design),
    }
    kind, (fit, observation) = max(guesses.items(), key=lambda guess: guess[1][0])
    runner_up = max(other for name, (other, _) in guesses.items() if name != kind)
    confidence = round(max(MIN_CONFIDENCE, MAX_CONFIDENCE * (fit - runner_up / 4)), 2)
    return kind, confidence, f"By its appearance: {observation}."


def aspect_ratio(box: Box) -> float:
    """Width over height."""
    return box[2] / max(1, box[3])


def has_surface(design: Design) -> bool:
    """Whether the component has a filled or outlined surface."""
    return design.filled or design.outlined


def leading_mark(design: Design) -> Mark | None:
    """The mark to the left of all text, if the component has no surface."""
    if has_surface(design) or not design.marks:
        return None
    first = design.marks[0]
    texts = [line.box[0] for line in design.lines]
    return first if not texts or first.box[0] + first.box[2] <= min(texts) + 4 else None


def only_text_box(design: Design) -> Box | None:
    """The box of the line of text, if there is exactly one."""
    return design.lines[0].box if len(design.lines) == 1 else None


def is_centred(design: Design) -> bool:
    """Whether the only line of text and the marks are centred horizontally."""
    text = only_text_box(design)
    if text is None:
        return False
    boxes = [text, *(mark.box for mark in design.marks)]
    left = min(box[0] for box in boxes) - design.box[0]
    right = design.box[0] + design.box[2] - max(box[0] + box[2] for box in boxes)
    return abs(left - right) <= max(6, 0.15 * design.box[2])


def checkbox(design: Design) -> RuleMatch:
    mark = leading_mark(design)
    if (
        mark
        and SQUARE_ASPECT[0] <= aspect_ratio(mark.box) <= SQUARE_ASPECT[1]
        and mark.roundness > MAX_DISC_ROUNDNESS
    ):
        return 0.9, "a small square with text beside it"
    return 0.0, ""


def radio(design: Design) -> RuleMatch:
    mark = leading_mark(design)
    if (
        mark
        and SQUARE_ASPECT[0] <= aspect_ratio(mark.box) <= SQUARE_ASPECT[1]
        and 0.7 <= mark.roundness <= MAX_DISC_ROUNDNESS
    ):
        return 0.9, "a small circle with text beside it"
    return 0.0, ""


def switch(design: Design) -> RuleMatch:
    mark = leading_mark(design)
    if mark and 1.4 <= aspect_ratio(mark.box) <= 2.6 and mark.roundness > 0.7:
        return 0.9, "a small lying pill with text beside it"
    disc = [mark for mark in design.marks if SQUARE_ASPECT[0] <= aspect_ratio(mark.box) <= SQUARE_ASPECT[1]]
    pill = design.radius >= 0.3 * design.box[3] and 1.4 <= aspect_ratio(design.box) <= 2.6
    if design.filled and pill and disc and not design.lines:
        return 0.9, "a lying pill with a disc in it and no text"
    return 0.0, ""


def tabs(design: Design) -> RuleMatch:
    rows = [line.box for line in design.lines]
    if len(rows) < 2:
        return 0.0, ""
    middle = [top + height / 2 for _, top, _, height in rows]
    tallest = max(height for *_, height in rows)
    in_a_row = max(middle) - min(middle) <= 0.5 * tallest and aspect_ratio(design.box) >= 3
    return (0.85, f"{len(rows)} labels in a row") if in_a_row else (0.0, "")


def select(design: Design) -> RuleMatch:
    left, _, width, height = design.box
    right = [mark for mark in design.marks if mark.box[0] >= left + 0.8 * width]
    small = any(mark.box[2] <= height and mark.box[3] <= 0.6 * height for mark in right)
    if has_surface(design) and small and aspect_ratio(design.box) >= 2.5 and len(design.lines) <= 1:
        return 0.85, "a wide field with a mark at its right end"
    return 0.0, ""


def alert(design: Design) -> RuleMatch:
    left, _, width, _ = design.box
    icon = any(mark.box[0] <= left + 0.2 * width for mark in design.marks)
    if not has_surface(design) or not design.lines or aspect_ratio(design.box) < 3:
        return 0.0, ""
    starts = min(line.box[0] for line in design.lines) - left
    is_message = (
        max(len(line.text) for line in design.lines) >= MIN_MESSAGE_LENGTH or aspect_ratio(design.box) > 7
    )
    if icon and is_message and design.filled and starts < 0.35 * width:
        return 0.9, "a wide tinted bar with a mark before its text"
    many = len(design.lines) >= 2 or max(line.box[2] for line in design.lines) > 0.5 * width
    return (
        (0.6, "a wide tinted bar with text")
        if design.filled and many and not is_centred(design)
        else (0.0, "")
    )


def card(design: Design) -> RuleMatch:
    if not has_surface(design) or aspect_ratio(design.box) > 3:
        return 0.0, ""
    held = len(design.lines) + len(design.marks)
    return (0.8, "a surface that holds several lines or shapes") if held >= 3 else (0.45, "a large surface")


def text_input(design: Design) -> RuleMatch:
    if (
        not has_surface(design)
        or aspect_ratio(design.box) < 2.5
        or len(design.lines) > 1
        or is_centred(design)
    ):
        return 0.0, ""
    return (0.8 if design.outlined else 0.55), "a wide field with text at its left, or none"


def badge(design: Design) -> RuleMatch:
    text = only_text_box(design)
    if text is None or not design.filled or aspect_ratio(design.box) > 5 or not is_centred(design):
        return 0.0, ""
    tight = text[3] / design.box[3] > 0.55
    pill = design.radius >= 0.3 * design.box[3]
    return 0.45 + 0.25 * tight + 0.2 * (tight and pill), "a small filled label, tight around its text"


def button(design: Design) -> RuleMatch:
    if only_text_box(design) is None or not has_surface(design) or not is_centred(design):
        return 0.2, "no rule for another component matches"
    return 0.65 + 0.1 * (1.5 <= aspect_ratio(design.box) <= 6), "one centred line of text on a surface"

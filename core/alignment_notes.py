"""What is unusual or doubtful about how two sheets are aligned."""

from enum import Enum


class AlignmentNoteKind(Enum):
    """What is unusual or doubtful about an alignment."""

    CONTENT_DIFFERS = "content"
    """Walls and grid fit, but most labels and symbols differ, as on two floors of one building."""
    REPETITIVE = "repetition"
    """The sheet repeats itself and fits as well in another place."""
    POOR_FIT = "poor_fit"
    """The line work of the sheets does not fit in any place."""
    PLAN_MOVED = "plan_moved"
    """The plan moved inside an unmoved frame. Frame and plan are compared each in its own place."""
    PHOTOGRAPH = "photograph"
    """The old sheet is a photograph, whose perspective was corrected."""
    MIRRORED = "mirrored"
    """One of the sheets is mirrored. They are compared the right way round."""
    TURNED = "turned"
    """The old sheet is turned by a quarter or a half. It is compared as the new one lies."""
    BY_SIBLINGS = "siblings"
    """The sheet is aligned as most others of its set are, because its own content did not say how."""


DOUBTS = frozenset(
    (AlignmentNoteKind.CONTENT_DIFFERS, AlignmentNoteKind.REPETITIVE, AlignmentNoteKind.POOR_FIT)
)
"""Notes that say why an alignment has LOW confidence."""

NOTE_TEXTS: dict[AlignmentNoteKind, str] = {
    AlignmentNoteKind.CONTENT_DIFFERS: (
        "Walls and grid fit, but most labels and symbols differ. Is this the same sheet?"
    ),
    AlignmentNoteKind.REPETITIVE: (
        "The sheet repeats itself and fits as well in another place. Check the overlay."
    ),
    AlignmentNoteKind.POOR_FIT: (
        "The lines of the sheets do not fit in any place. If they are revisions of each other, align them by "
        "points."
    ),
    AlignmentNoteKind.PLAN_MOVED: (
        "The plan moved inside an unmoved frame; frame and plan are compared each in its own place."
    ),
    AlignmentNoteKind.PHOTOGRAPH: "The old sheet is a photograph; its perspective was corrected.",
    AlignmentNoteKind.MIRRORED: "The old sheet is mirrored; it was compared the right way round.",
    AlignmentNoteKind.TURNED: (
        "The old sheet is turned by a quarter or a half; it was compared as the new one lies."
    ),
    AlignmentNoteKind.BY_SIBLINGS: (
        "The sheet is aligned as most others of its set are, because its own content did not say how."
    ),
}

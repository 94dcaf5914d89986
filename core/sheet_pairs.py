"""Why sheets of two revisions are paired."""

from enum import Enum


class PairReason(Enum):
    """Reason why a sheet is paired with another one, or stands alone."""

    NUMBER = "number"
    """Both sheets print the same number, and nothing in their contents speaks against the pair."""
    CONTENT = "content"
    """The contents agree. At least one of the sheets prints no number."""
    RENUMBERED = "renumbered"
    """The contents agree, and the number has changed within its series, such as `A-102` to `A-103`."""
    RENAMED = "renamed"
    """The contents agree, and the number belongs to another series, such as `A-102` and `AR-102`."""
    REORDERED = "reordered"
    """The sheets have the same number or, without numbers, the same content. They stand at different places
    in the order of the sets.
    """
    DUPLICATED = "duplicated"
    """Several sheets print this number. The pair is chosen by content. Without a pair: a further sheet of
    this number.
    """
    SPLIT = "split"
    """One old sheet has become several new ones. The pair is the part that keeps most of the content.
    Without a pair: a further part.
    """
    MERGED = "merged"
    """Several old sheets have become one new sheet. The pair is the part that makes up most of it. Without a
    pair: a further part.
    """
    POSITION = "position"
    """Only the page number speaks for the pair: the sheets have neither numbers nor contents to compare."""
    INSERTED = "inserted"
    """The sheet exists in the new set only."""
    REMOVED = "removed"
    """The sheet exists in the old set only."""
    UNCERTAIN = "uncertain"
    """Several sheets are about equally alike, or the evidence contradicts itself. The sheets are not paired,
    or the pair has to be checked by a person.
    """
    MANUAL = "manual"
    """A person has paired the sheets, or has separated the sheet from its pair."""

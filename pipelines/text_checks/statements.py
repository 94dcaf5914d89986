"""Which sentences of a text state something that can be compared with documents."""

import re

from core.bm25 import TERM
from core.sentence_segmentation import Span
from pipelines.chat.markers import LIST_MARKER

HEADING = "A heading states nothing."
QUESTION = "A question states nothing."
GREETING = "A greeting or closing states nothing."
LEAD_IN = "A sentence that introduces what follows states nothing."
NO_WORDS = "There are no words to check."

DIGIT = re.compile(r"\d")
MAX_HEADING_LENGTH = 80
"""Longer lines are no headings."""
QUESTION_END = re.compile("[?\uff1f\u061f][\"'\u201d\u2019\u00bb)]*$")
FINAL_MARK = re.compile("[.!?\u2026\u3002\uff01\uff1f\u061f\u06d4\u0964:;,]+[\"'\u201d\u2019\u00bb)\\]*_]*$")
FINITE_VERB = re.compile(
    r"\b(?:is|are|was|were|has|have|had|does|do|did|will|would|can|could|may|might|must|shall|should|cannot|"
    r"\w+n['\u2019]t|ist|sind|war|waren|hat|haben|wird|werden|kann|muss|darf|est|sont|es|son|est\u00e1)\b",
    re.IGNORECASE,
)
"""Verb forms that headings hardly have."""
GREETINGS = re.compile(
    r"(?:dear|hello|hi|hey|good (?:morning|afternoon|evening)|welcome(?: to| back|[!,.])|thanks|thank you|"
    r"many thanks|please find|(?:best|kind|warm|many) (?:regards|wishes)|regards|sincerely|cheers|see you|"
    r"yours (?:sincerely|faithfully|truly)|sehr geehrte[rs]?|liebe[r]?|hallo|guten (?:morgen|tag|abend)|"
    r"vielen dank|danke|mit freundlichen gr\u00fc\u00dfen|viele gr\u00fc\u00dfe|bonjour|cordialement|merci|"
    r"hola|estimad[oa]s?|gracias|saludos|(?:un )?cordial saludo)(?!\w)",
    re.IGNORECASE,
)
MAX_GREETING_WORDS = 8


def reason_not_to_check(text: str, span: Span) -> str | None:
    """Why the sentence of a text is no statement, or None if it is one."""
    sentence = text[slice(*span)]
    if not TERM.search(sentence):
        return NO_WORDS
    if sentence.lstrip().startswith("#"):
        return HEADING
    if QUESTION_END.search(sentence):
        return QUESTION
    marker = LIST_MARKER.match(sentence)
    words = sentence[marker.end() if marker else 0 :]
    if GREETINGS.match(words) and len(words.split()) <= MAX_GREETING_WORDS and not DIGIT.search(words):
        return GREETING
    if words.rstrip("*_ ").endswith((":", "\uff1a")):
        return LEAD_IN
    return HEADING if not (marker and marker.end()) and _is_heading(text, span) else None


def _is_heading(text: str, span: Span) -> bool:
    """Whether a sentence is a short line without a full stop or a verb, and text follows it."""
    start, end = span
    line_start, line_end = text.rfind("\n", 0, start) + 1, text.find("\n", end)
    if line_end < 0 or text[line_start:start].strip() or text[end:line_end].strip():
        return False
    sentence = text[start:end]
    if len(sentence) > MAX_HEADING_LENGTH or FINAL_MARK.search(sentence) or FINITE_VERB.search(sentence):
        return False
    return bool(text[line_end:].strip())

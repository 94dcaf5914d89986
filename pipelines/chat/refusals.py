"""Refusals: answers that honestly say that the sources do not answer the question."""

import re

from core.sentence_segmentation import sentences

MAX_REFUSAL_SENTENCES = 3
"""Longer answers say something else as well."""
SOURCES = (
    r"(?:sources?|documents?|passages?|excerpts?|texts?|context|materials?|information|agreements?|articles?|books?|"
    r"contracts?|drawings?|e-?mails?|files?|guides?|guidelines|handbooks?|leases?|letters?|manuals?|pages?|papers?|"
    r"plans?|policy|policies|reports?|sheets?|specifications?|tables?)"
)
REFUSAL = re.compile(
    rf"""\b{SOURCES}\b[^.!?]{{0,60}}?\b(?:do(?:es)?\ not|don['\u2019]t|doesn['\u2019]t|did\ not|cannot|
            (?:is|are)\ not|(?:is|are)n['\u2019]t)\b
        [^.!?]{{0,30}}?\b(?:say|said|state|mention|answer|contain|include|provide|specify|address|cover|give|tell|
            available|enough|sufficient|discuss|describe|indicate|help)
      | \b(?:no|insufficient|not\ enough)\ (?:\w+\ ){{0,3}}
            (?:information|mention|answer|details?|data|evidence)\b
      | \bno\ (?:source|document|passage)s?\b
      | \b(?:is|are|was|were)\ not\ (?:\w+\ )?
            (?:mentioned|stated|specified|answered|covered|addressed|found|included|provided|given|contained|described|discussed)\b
      | \b(?:I|we)\ (?:(?:could|can|do|did)(?:\ not|n['\u2019]t)|cannot|am\ unable\ to|am\ not\ able\ to)[ ]
            (?:\w+\ )?(?:find|answer|determine|know|tell|see|locate|say)
      | \bfound\ nothing\b
      | \b(?:die|den)\ (?:Quellen?|Dokumenten?|Unterlagen)\b[^.!?]{{0,60}}?\b(?:nicht|keine?n?)\b
      | \bles\ (?:sources|documents)\ ne\b | \b(?:las\ fuentes|los\ documentos)\ no\b""",
    re.IGNORECASE | re.VERBOSE,
)
"""Sentences such as `The sources do not say who pays.`"""


def is_refusal(answer: str, citation_count: int) -> bool:
    """Whether an answer says, without citing anything, that the sources do not answer the question."""
    texts = [answer[slice(*span)] for span in sentences(answer)]
    if citation_count or len(texts) > MAX_REFUSAL_SENTENCES:
        return False
    return any(map(says_nothing, texts))


def says_nothing(sentence: str) -> bool:
    """Whether a sentence says what the sources do not say."""
    return REFUSAL.search(sentence) is not None

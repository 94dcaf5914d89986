"""What a question's words tell of the sentence that answers it: English, and harmless elsewhere."""

import re
from collections.abc import Iterable
from math import log

WORD = re.compile(r"[^\W_]+")
STOP_WORDS = frozenset(
    re.findall(
        r"\w+",
        "a about also an and are as at be been but by can could did do does for from had has have he her his "
        "how i if in into is it its many me much my name no not of on or our she so such than that the their "
        "them then there these they this those to was we were what when where which who whom whose why will "
        "with would you your",
    )
)
ENDINGS = (
    *("ations", "ation", "ingly", "edly", "ments", "ities", "ment", "ness", "ings", "ing", "ity", "ied"),
    *("ies", "ers", "er", "ed", "es", "ly", "al", "s", "e"),
)
SHORTEST_STEM = 3

ASKS_NUMBER = re.compile(
    r"\bhow (?:many|much|long|old|far|large|big|tall|often|high|wide|deep|fast|few)\b|percent|what number"
)
ASKS_TIME = re.compile(r"\bwhen\b|\b(?:what|which) (?:year|date|century|day|month|decade)")
ASKS_NAME = re.compile(
    r"\b(?:who|whom|whose|where)\b|\bwhat (?:city|country|state|person|company|team|name)|"
    r"\bwhich (?:city|country)"
)
NUMBER = re.compile(
    r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|hundred|thousand|million|"
    r"billion|half|first|second|third|dozen)\b",
    re.IGNORECASE,
)
TIME = re.compile(
    r"\b(?:1\d{3}|20\d\d|\d+(?:st|nd|rd|th)|century|january|february|march|april|may|june|july|august|september|"
    r"october|november|december|monday|tuesday|wednesday|thursday|friday|saturday|sunday|\d+s|bc|ad)\b",
    re.IGNORECASE,
)
NAME = re.compile(r"(?<!^)(?<![.!?] )\b[A-Z][a-z]+")


def stems(text: str) -> set[str]:
    """The words that carry meaning, in small letters and without their endings."""
    return {_stem(word) for word in WORD.findall(text.lower()) if word not in STOP_WORDS}


def _stem(word: str) -> str:
    for ending in ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= SHORTEST_STEM:
            return word[: -len(ending)]
    return word


def rarity(words: Iterable[str], sentences: list[set[str]]) -> dict[str, float]:
    """What finding each word tells, by how few of the sentences hold it: the inverse document frequency of
    BM25.
    """
    count = len(sentences)
    held = {word: sum(word in sentence for sentence in sentences) for word in words}
    return {word: log(1 + (count - held[word] + 0.5) / (held[word] + 0.5)) for word in held}


def coverage(rarities: dict[str, float], words: set[str]) -> float:
    """The share of the question, each word by its rarity, that these words hold."""
    total = sum(rarities.values())
    return sum(weight for word, weight in rarities.items() if word in words) / total if total else 0.0


def fits(question: str, sentence: str) -> bool:
    """Whether the sentence holds the kind of thing asked for: a number, a time, a name, or anything."""
    asked = question.lower()
    if ASKS_NUMBER.search(asked):
        return bool(NUMBER.search(sentence))
    if ASKS_TIME.search(asked):
        return bool(TIME.search(sentence))
    if ASKS_NAME.search(asked):
        return bool(NAME.search(sentence))
    return True

"""Patterns of sheet numbers and names, and of what people write before and after them."""

import re
import unicodedata
from dataclasses import dataclass
from difflib import get_close_matches


def word_set(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


PLACEHOLDER = "sheetref"
"""Stands for a sheet in the rest of a question."""
MAX_RANGE = 50
"""Sheets of a range such as `sheets 3 to 9`."""
SIMILAR_KEYWORD = 0.85
MAX_NEAREST = 3

SHEET_KEYWORDS = word_set(
    "sheet sheets drawing drawings dwg plan plans blatt blätter blättern blattes blaetter "
    "zeichnung zeichnungen planes pläne plänen plaene planblatt plannummer blattnummer"
)
PAGE_KEYWORDS = word_set("page pages pg seite seiten")
KEYWORDS = SHEET_KEYWORDS | PAGE_KEYWORDS
NUMBER_WORDS = r"(?:(?:no|nr|num|number|nummer|called|named|namens)\b\.?|#)"
GAP = re.compile(r"[\s\-_./()\u2010-\u2015]{0,3}")
DUPLICATE = re.compile(r"(?P<printed>.+) \(\d+\)")
"""A sheet whose number another sheet of its set has, too."""
CHUNK = re.compile(r"\d+|[^\W\d_]+")
CODE = re.compile(
    r"(?<![\w.-])[^\W\d_]{1,3}[-_\u2010-\u2015]?\d{1,5}(?:[.\-_]\d{1,4})*[a-z]?(?![\w]|[-._]\d)",
    re.IGNORECASE,
)
"""What looks like a sheet number although the session has no such sheet."""
WORD = re.compile(r"(?<!\w)[^\W\d_]{2,14}")
CODE_AFTER_KEYWORD = re.compile(
    rf"\.?[\s_\-:#]{{0,3}}(?:(?i:{NUMBER_WORDS})[\s:#]{{0,2}})?"
    r"(?P<code>(?:[^\W\d_]{1,4}[-_.]?|[A-Z]{1,2}\s)?\d{1,5}(?:[.\-_]\d{1,4})*[A-Za-z]?)(?!\w|[-._]\d)"
    r"(?:\s+(?i:of|von|/)\s+\d{1,4}(?![\w.-]\w))?"
)
"""A number after a keyword, with the number of all sheets if it follows: `sheet 9 of 11`."""
NEXT_CODE = re.compile(
    r"\s*(?P<joint>,?\s*\b(?:and|und|or|oder|to|bis|through|versus|vs|than|als)\b\.?|[,&/\u2013-])\s*"
    r"(?P<code>\d{1,5})(?![\w]|[-._]\d)",
    re.IGNORECASE,
)
RANGES = frozenset(("to", "bis", "through", "-", "\u2013"))
ORDINALS = {
    number: words.split()
    for number, words in enumerate(
        (
            "first erste ersten erstes erster",
            "second zweite zweiten zweites zweiter",
            "third dritte dritten drittes dritter",
            "fourth vierte vierten viertes vierter",
            "fifth fünfte fünften fünftes fünfter",
            "sixth sechste sechsten sechstes sechster",
            "seventh siebte siebten siebtes siebter",
            "eighth achte achten achtes achter",
            "ninth neunte neunten neuntes neunter",
            "tenth zehnte zehnten zehntes zehnter",
            "eleventh elfte elften elftes elfter",
            "twelfth zwölfte zwölften zwölftes zwölfter",
        ),
        1,
    )
}
ORDINAL = re.compile(
    r"(?<!\w)(?:the\s+|das\s+|die\s+|der\s+|dem\s+|den\s+)?"
    r"(?P<ordinal>\d{1,4}(?:st|nd|rd|th|te[nrs]?|\.)|last|letzte[nrs]?|"
    + "|".join(word for words in ORDINALS.values() for word in words)
    + r")\s+(?:"
    + "|".join(sorted(KEYWORDS, key=len, reverse=True))
    + r")(?!\w)",
    re.IGNORECASE,
)
NEW = r"(?:new|newer|later|latest|current|neue[nrsm]?|neuere[nr]?|aktuelle[nrsm]?)"
OLD = r"(?:old|older|earlier|previous|former|alte[nrsm]?|ältere[nr]?|bisherige[nrsm]?|vorherige[nrsm]?)"
SETS = (
    r"(?:set|drawing set|plan set|revision|version|issue|file|pdf|drawings|plans|satz|plansatz|stand|"
    r"planstand|fassung|ausgabe|datei|index)"
)
QUALIFIER_AFTER = re.compile(
    rf"\s*,?\s*\(?(?:of|in|from|on|im|in|aus|vom|von|des|der|dem)?\s*(?:the|der|dem|den|des)?\s*"
    rf"(?:(?P<new>{NEW})|(?P<old>{OLD}))\b(?:\s+{SETS}\b)?\)?",
    re.IGNORECASE,
)
QUALIFIER_BEFORE = re.compile(rf"\b(?:(?P<new>{NEW})|(?P<old>{OLD}))\s+$", re.IGNORECASE)
CONFUSABLE_LETTERS = str.maketrans("авекмнорстхуё", "abekmhopctxye")
"""Cyrillic letters that look like Latin ones, in lower case."""


@dataclass(frozen=True)
class NamePart:
    """A run of letters or of digits in a text."""

    key: str
    start: int
    end: int


def name_parts(text: str) -> list[NamePart]:
    """The runs of letters and digits, without case, leading zeros and look-alike letters."""
    return [NamePart(part_key(found[0]), found.start(), found.end()) for found in CHUNK.finditer(text)]


def part_key(text: str) -> str:
    if text.isdecimal():
        return str(int(text))
    letters = unicodedata.normalize("NFKC", text).casefold()
    return letters.translate(CONFUSABLE_LETTERS)


def name_key(name: str) -> tuple[str, ...]:
    return tuple(part.key for part in name_parts(name))


def find_keyword(word: str) -> str | None:
    """The keyword that a word is, or nearly is."""
    word = word.casefold()
    if word in KEYWORDS:
        return word
    if len(word) < 4:
        return None
    return next(iter(get_close_matches(word, KEYWORDS, 1, SIMILAR_KEYWORD)), None)


def join_parts(name: str) -> str:
    """The letters and digits of a name without what separates them."""
    return "".join(found[0] for found in CHUNK.finditer(name)).casefold().translate(CONFUSABLE_LETTERS)

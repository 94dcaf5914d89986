"""What English questions ask for, such as a person or a price, and whether a sentence holds such a thing."""

import re
from enum import Enum

from core.stemming import STOP_WORDS, stems


class QuestionKind(Enum):
    """What a question asks for."""

    MONEY = "money"
    PERCENTAGE = "percentage"
    DURATION = "duration"
    AGE = "age"
    MEASURE = "measure"
    """A length, an area, a weight, a speed, a temperature, and the like."""
    COUNT = "count"
    YEAR = "year"
    TIME = "time"
    REASON = "reason"
    PERSON = "person"
    PLACE = "place"
    NAME = "name"
    """The name of a thing."""
    YES_NO = "yes_no"
    OTHER = "other"
    """Anything else, such as an explanation."""


NUMERIC = {
    *(QuestionKind.MONEY, QuestionKind.PERCENTAGE, QuestionKind.DURATION, QuestionKind.AGE),
    *(QuestionKind.MEASURE, QuestionKind.COUNT, QuestionKind.YEAR),
}
NAMED = {QuestionKind.PERSON, QuestionKind.PLACE, QuestionKind.NAME}


def any_of(expressions: str) -> str:
    """A pattern for any of these expressions, which are separated by white space; `_` stands for a space."""
    return "(?:" + "|".join(expressions.split()).replace("_", " ") + ")"


WHICH = r"\b(?:what|which) (?:\w+ )?"
WHAT_IS = r"\bwhat (?:is|was|were|are) the (?:\w+ )?"
AUXILIARY = any_of(
    "is are was were do does did has have had can could will would should may might must"  #
)
ASKS_FOR = {
    QuestionKind.MONEY: [
        r"how (?:much|many) " + any_of("money dollars euros pounds"),
        rf"how expensive|how much {AUXILIARY}\b.*\b"
        + any_of("cost pay paid spend spent earn worth charge sell sold donate invest lose make"),
        r"\bwhat (?:is|was|were|are|did|does) .*\b"
        + any_of("price cost fee salary fine budget revenue income wage"),
        any_of(r"price salary fee budget cost") + r"\b",
    ],
    QuestionKind.PERCENTAGE: ["per ?cent", r"\bwhat " + any_of("share proportion fraction portion")],
    QuestionKind.DURATION: [
        r"how long (?!(?:is|are|was) the )",
        r"how many " + any_of("years months weeks days hours minutes seconds decades centuries") + r"\b",
        "for how long|how much time",
    ],
    QuestionKind.AGE: ["how old", r"\b(?:what|which) age"],
    QuestionKind.MEASURE: [
        r"how "
        + any_of("far tall high wide deep big large heavy fast hot cold long close thick strong")
        + r"\b",
        r"how many "
        + any_of(
            "miles kilomet met(?:er|re)s feet acres square hectares tons tonnes pounds kilograms degrees"
        ),
        WHAT_IS + any_of("height length width depth area weight speed temperature distance size"),
    ],
    QuestionKind.COUNT: [
        r"how (?:many|much|often|few)\b",
        r"\b(?:what|which) number",
        WHAT_IS + "(?:population|number)",
    ],
    QuestionKind.YEAR: [r"\b(?:what|which) year"],
    QuestionKind.TIME: [
        rf"\bwhen(?:'s)? (?:exactly )?{AUXILIARY}\b",
        r"^when\b|(?:since|until) when|how (?:late|early|recent)",
        r"\b(?:what|which) " + any_of("date day month decade century season era time period"),
    ],
    QuestionKind.REASON: [
        r"\bwhy\b|for what (?:reason|purpose)|how come",
        WHAT_IS + "(?:reason|cause|purpose)",
        r"\bwhat (?:caused|motivated|prompted)",
    ],
    QuestionKind.PERSON: [
        r"\bwho(?:m|se|s|'s)?\b",
        WHICH
        + any_of(
            "person president king queen emperor scientist author writer architect player coach actor "
            "actress singer director leader politician minister inventor composer artist man woman "
            "general pope bishop engineer professor mathematician philosopher physicist quarterback"
        )
        + r"s?\b",
    ],
    QuestionKind.PLACE: [
        r"\bwhere\b",
        WHICH
        + any_of(
            "city cities country countries state place town region continent river province county "
            "island street location nation capital district sea ocean lake mountain airport"
        )
        + r"s?\b",
    ],
    QuestionKind.NAME: [
        WHAT_IS + "names?",
        WHICH
        + any_of(
            "company team university organi[sz]ation book film movie newspaper school college party language "
            "group band agency award battle war treaty station network museum church religion game show "
            "series ship bank club stadium hotel"
        )
        + r"\b",
        r"\bwhat .*\b(?:called|named)\b",
    ],
}
"""What a question of each kind holds, in lower case; the first kind that fits counts."""
PATTERNS = {kind: re.compile("|".join(patterns)) for kind, patterns in ASKS_FOR.items()}
YES_NO = re.compile(rf"^(?:and |so |but )?{AUXILIARY}\b")

CARDINAL = any_of(
    r"\d[\d,.]* one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundreds? "
    "thousands? millions? billions? dozens? several both half a_(?:single|couple|pair|few)"
)
MONTHS = any_of(
    "january february march april may(?!_be\\b) june july august september october november december "
    "jan feb mar apr jun jul aug sept? oct nov dec"
)
YEAR = any_of(r"1\d{3} 20\d\d \d{1,4}_?(?:bc|bce|ad|ce) ad_\d{1,4} \d{4}s")
PERIODS = any_of(
    "years? months? weeks? days? hours? minutes? seconds? decades? centur(?:y|ies) millenni(?:a|um) yards? "
    "games? seasons? generations?"
)
UNITS = any_of(
    "miles? kilomet(?:er|re)s? met(?:er|re)s? feet foot inch(?:es)? yards? acres? hectares? square cubic "
    "tons? tonnes? pounds? kilograms? degrees? litres? liters? gallons? times stor(?:eys|ies)"
)
HOLDS = {
    QuestionKind.MONEY: [
        "[$\u20ac\u00a3\u00a5]",
        rf"\b{any_of('dollars? euros? pounds? cents? francs? marks? yen usd eur free shillings?')}\b",
    ],
    QuestionKind.PERCENTAGE: [
        r"%|\bper ?cent",
        rf"\b{any_of('half third quarter fifth tenth majority most all none')}s?\b",
        rf"\b{CARDINAL} (?:out )?(?:of|in)\b",
    ],
    QuestionKind.DURATION: [
        rf"\b(?:{CARDINAL}|a|an|few|many)[ -](?:\w+[ -])?{PERIODS}\b",
        rf"\b(?:until|from|between|since)\b.*\b{YEAR}",
    ],
    QuestionKind.AGE: [
        rf"\b{CARDINAL}[ -](?:million |billion )?years?\b",
        r"\bage[ds]?\b|\b(?:at|is|was|turned) \d{1,3}\b",
    ],
    QuestionKind.MEASURE: [rf"\d|\b{CARDINAL}[ -](?:\w+[ -])?{UNITS}\b"],
    QuestionKind.COUNT: [
        rf"\b{CARDINAL}\b",
        rf"\b{any_of('once twice thrice no none only single many first second third')}\b",
    ],
    QuestionKind.YEAR: [rf"\b{YEAR}\b"],
    QuestionKind.TIME: [
        rf"\b{YEAR}\b|\b{MONTHS}\b|\bcentur(?:y|ies)\b|\b\d{{1,2}}(?:st|nd|rd|th)\b|\d0s\b",
        r"\b(?:mon|tues|wednes|thurs|fri|satur|sun)day",
        r"\b"
        + any_of(
            r"spring summer autumn winter fall today now tonight yesterday currently modern recent(?:ly)? "
            r"morning evening noon midnight dawn dusk night weekly daily annually a\.m p\.m ago era "
            r"period age dynasty war reign after before during when while until since once later earlier "
            r"early late time"
        )
        + r"\b",
    ],
    QuestionKind.REASON: [
        r"\b"
        + any_of(
            r"because due since so_that in_order as_a_result result(?:s|ed|ing)?_(?:in|from) cause[ds]? "
            r"causing reasons? therefore thus hence owing thanks le[ad]d?s?_to purpose as for to_\w+ by "
            r"allow\w* enabl\w* mean[ts]? makes? made attribut\w* consequen\w* fear\w* want\w* "
            r"hop(?:e|ed|ing) intend\w* aim\w* believ\w* avoid\w* prevent\w* without if when which "
            r"although despite given"
        )
        + r"\b"
    ],
}
"""What a sentence with a thing of each kind holds; names are told by their capitals."""
FOUND = {kind: re.compile("|".join(patterns), re.IGNORECASE) for kind, patterns in HOLDS.items()}
CAPITALIZED = re.compile(r"[^\W\d_a-z][\w'\u2019.&-]*")
QUOTED = re.compile(r"[\"\u201c\u00ab'\u2018](\w[^\"\u201d\u00bb]{2,60})[\"\u201d\u00bb'\u2019]")
NAMELESS = STOP_WORDS | {
    *(
        "i",
        "however",
        "although",
        "after",
        "before",
        "during",
        "since",
        "while",
        "both",
        "one",
        "some",
        "many",
    )
}


def question_kind(question: str) -> QuestionKind:
    """What the question asks for."""
    text = " ".join(question.lower().split())
    if YES_NO.search(text):
        return QuestionKind.YES_NO
    return next((kind for kind, pattern in PATTERNS.items() if pattern.search(text)), QuestionKind.OTHER)


def holds_kind(kind: QuestionKind, question: str, sentence: str) -> bool:
    """Whether the sentence holds a thing of the kind that the question does not name itself."""
    if kind in FOUND:
        wanted = {match.group().lower() for match in FOUND[kind].finditer(question)}
        return any(match.group().lower() not in wanted for match in FOUND[kind].finditer(sentence))
    if kind in NAMED:
        return bool(new_names(question, sentence))
    return True


def new_names(question: str, sentence: str) -> list[str]:
    """Capitalized words and quoted titles of the sentence of which the question holds no stem."""
    known = stems(question)
    names = [word for word in CAPITALIZED.findall(sentence) if word.lower() not in NAMELESS]
    titles = QUOTED.findall(sentence)
    return [name for name in (*names, *titles) if not stems(name) <= known]
